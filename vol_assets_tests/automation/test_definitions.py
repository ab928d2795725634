"""The code location as Dagster sees it: what is in it, how it loads, and how the UI backfills it."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from pathlib import Path

import dagster as dg
import pytest
from code_location import ROOT, at_home, command
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData
from dagster._utils.error import SerializableErrorInfo

from vol_assets import clock
from vol_assets.assets.pages import column_schema
from vol_assets.assets.partitions import SESSIONS, session_partitions
from vol_assets.automation.progress import in_a_line
from vol_assets.contracts import CONTRACTS, CURATED_MARKET, RAW_MARKET
from vol_assets.definitions import build_defs
from vol_assets.lake import Lake
from vol_assets.settings import Settings

SESSION_TABLES = {
    *("raw/market", "curated/market", "features/l1", "features/har", "features/implied"),
    *("forecast/rv_5d", "monitoring/scorecard"),
}
TRAINING = {f"forecast/{name}" for name in ("rv_backtest", "rv_evaluation", "rv_model", "rv_explanation")}
UNDERLYINGS = ("spy", "gld")
SURFACES = {f"{layer}/{name}_chain" for layer in ("raw", "curated") for name in UNDERLYINGS} | {
    f"{layer}/{name}" for layer in ("surface", "tenors", "richness") for name in UNDERLYINGS
}
GOLD = {"gold/surface_data", "gold/report"}
POLLED = {"live/spy_quotes", "live/spy_features", "live/spy_predicted"}
HISTORY = {"live/history", "live/states"}
NETWORKS = {f"smile/{kind}" for kind in ("gru", "lstm", "mlp", "transformer")}
SMILES = {"smile/dataset", "smile/leaderboard"} | NETWORKS
NEXT = {"smile/spy_next"}
BY_SESSION = SESSION_TABLES | SURFACES | GOLD | HISTORY | NEXT
TABLES = BY_SESSION - GOLD | TRAINING - {"forecast/rv_model"} | SMILES - NETWORKS


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_defs(Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path_factory.mktemp("data") / "not there")}))


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_the_assets_are_those_the_documentation_names(specs: dict[str, dg.AssetSpec]):
    assert set(specs) == BY_SESSION | TRAINING | POLLED | SMILES


def test_every_asset_has_group_owner_kinds_and_a_description(specs: dict[str, dg.AssetSpec]):
    for name, spec in specs.items():
        layer = name.split("/")[0]
        assert spec.group_name == ("surface" if layer in ("tenors", "richness") else layer)
        assert list(spec.owners) == ["team:volatility"]
        assert spec.kinds & {"parquet", "mlflow", "json", "pdf", "sql"}, name
        assert len(spec.description) > 60, name


def test_every_table_shows_the_columns_of_its_contract_with_units(specs: dict[str, dg.AssetSpec]):
    for name in TABLES:
        shown = specs[name].metadata["dagster/column_schema"]
        contract = CONTRACTS[tuple(name.split("/"))]
        assert shown == column_schema(contract)
        assert [column.name for column in shown.columns] == list(contract.columns)
    vix = next(c for c in specs["features/l1"].metadata["dagster/column_schema"].columns if c.name == "vix")
    assert vix.description == "VIX [decimal a year]"
    assert vix.constraints.other == ["within 0.03 ... 2"]


def test_dependencies_run_from_raw_bars_to_the_ledger_and_from_raw_chains_to_richness(specs: dict[str, dg.AssetSpec]):
    upstream = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in specs.items()}
    assert upstream == {
        "raw/market": set(),
        "curated/market": {"raw/market"},
        "features/l1": {"curated/market"},
        "features/har": {"curated/market"},
        "features/implied": {"curated/market"},
        "forecast/rv_backtest": {"features/l1", "features/har", "features/implied", "curated/market"},
        "forecast/rv_evaluation": {"forecast/rv_backtest"},
        "forecast/rv_model": {"forecast/rv_backtest"},
        "forecast/rv_explanation": {"forecast/rv_model", "features/l1", "features/har", "features/implied"},
        "forecast/rv_5d": {
            *("features/l1", "features/har", "features/implied", "forecast/rv_model", "forecast/rv_backtest"),
        },
        "monitoring/scorecard": {"forecast/rv_5d", "curated/market"},
        **{f"raw/{name}_chain": set() for name in UNDERLYINGS},
        **{f"curated/{name}_chain": {f"raw/{name}_chain"} for name in UNDERLYINGS},
        **{f"surface/{name}": {f"curated/{name}_chain"} for name in UNDERLYINGS},
        **{
            f"{layer}/{name}": {f"surface/{name}", f"curated/{name}_chain"}
            for layer in ("tenors", "richness")
            for name in UNDERLYINGS
        },
        "gold/surface_data": {"curated/gld_chain", "surface/gld", "tenors/gld"},  # and no bars: they are optional
        "gold/report": {"gold/surface_data"},
        "live/spy_quotes": set(),
        "live/spy_features": {"live/spy_quotes"},
        "live/spy_predicted": {"live/spy_features", "smile/leaderboard"},
        "live/history": {"live/spy_features"},
        "live/states": {"live/history"},
        "smile/dataset": {"live/states", "surface/spy", "curated/market"},
        **{name: {"smile/dataset"} for name in NETWORKS},
        "smile/leaderboard": {"smile/dataset", *NETWORKS, "live/history", "curated/spy_chain", "surface/spy"},
        "smile/spy_next": {"surface/spy", "curated/spy_chain", "smile/leaderboard"},  # and no bars: they are optional
    }


def test_everything_is_backfilled_in_one_run_and_session_tables_share_one_partitions_definition(defs: dg.Definitions):
    graph = defs.resolve_asset_graph()
    for name in BY_SESSION | TRAINING | SMILES:
        node = graph.get(dg.AssetKey(name.split("/")))
        assert node.backfill_policy == dg.BackfillPolicy.single_run(), name
        assert (node.partitions_def is SESSIONS) == (name in BY_SESSION), name


def test_every_session_table_has_a_contract_check(defs: dg.Definitions):
    checks = {(key.asset_key.to_user_string(), key.name) for key in defs.resolve_asset_graph().asset_check_keys}
    assert {(name, "contract") for name in BY_SESSION - GOLD} <= checks
    assert {("raw/market", "complete"), ("curated/market", "flags"), ("features/l1", "no_gaps")} <= checks
    for name in UNDERLYINGS:
        further = {
            (f"curated/{name}_chain", "dropped_quotes"),
            (f"curated/{name}_chain", "spot_jump"),
            (f"surface/{name}", "fit"),
            (f"tenors/{name}", "extrapolation"),
        }
        assert further <= checks


def test_partitions_are_the_sessions_of_the_exchange_and_nothing_else():
    keys = SESSIONS.get_partition_keys(current_time=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
    assert keys == [str(day) for day in clock.sessions("2007-04-11", "2026-11-19")]
    later = session_partitions(dt.date(2012, 10, 1)).get_partition_keys(dt.datetime(2012, 11, 3, tzinfo=dt.UTC))
    assert later == [str(day) for day in clock.sessions("2012-10-01", "2012-11-02")]  # Sandy


@pytest.mark.parametrize("session", ["2024-01-16", "2024-07-16", "2024-11-29"], ids=["winter", "summer", "half day"])
def test_the_partition_of_a_session_appears_between_its_close_and_the_schedule(session: str):
    close = clock.close_instant(session).to_pydatetime()
    evening = dt.datetime.combine(dt.date.fromisoformat(session), dt.time(18, 30), clock.NEW_YORK)
    last = [SESSIONS.get_partition_keys(now)[-1] for now in (close, evening, evening + dt.timedelta(hours=12))]
    assert last == [str(clock.offset(session, -1)), session, session]


def test_jobs_select_what_they_say(defs: dg.Definitions):
    graph = defs.resolve_asset_graph()
    jobs = {
        name: {key.to_user_string() for key in defs.resolve_job_def(name).asset_layer.selected_asset_keys}
        for name in (
            *("daily_job", "train_rv_model", "main_job", "surface_job"),
            *("live_smile_job", "live_history_job", "train_smile_models"),
        )
    }
    assert jobs == {
        "daily_job": SESSION_TABLES,
        "train_rv_model": TRAINING,
        "main_job": SESSION_TABLES | TRAINING,
        "surface_job": SURFACES | NEXT | GOLD | {"raw/market", "curated/market"},
        "live_smile_job": POLLED,
        "live_history_job": HISTORY,
        "train_smile_models": SMILES,
    }
    assert set().union(*jobs.values()) == {key.to_user_string() for key in graph.get_all_asset_keys()}


def test_a_poll_is_one_of_a_pool_is_tried_twice_and_ends_in_time(defs: dg.Definitions):
    job = defs.resolve_job_def("live_smile_job")
    ops = {node.name: node.definition for node in job.nodes}
    assert [name for name, op in ops.items() if op.pool == "ibkr"] == ["live__spy_quotes"]
    assert {op.retry_policy.max_retries for op in ops.values()} == {1}
    assert job.run_tags["dagster/max_runtime"] == "90"
    assert int(job.run_tags["dagster/priority"]) > 0
    assert job.executor_def.name == "in_process"


def test_the_sensors_ask_for_training_and_for_polls(defs: dg.Definitions):
    sensors = {sensor.name: sensor.job_name for sensor in defs.sensors}
    assert sensors == {"retraining_sensor": "train_rv_model", "ibkr_smile_sensor": "live_smile_job"}


@pytest.mark.parametrize("name", ["daily", "surface", "live_history"])
def test_a_schedule_runs_the_job_of_its_name_and_waits_to_be_switched_on(defs: dg.Definitions, name: str):
    schedule = defs.resolve_schedule_def(f"{name}_schedule")
    assert schedule.job_name == f"{name}_job"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_loading_imports_nothing_heavy_and_touches_no_folder(tmp_path: Path):
    heavy = [
        "torch",
        "xgboost",
        "shap",
        "arch",
        "statsmodels",
        "mlflow",
        "matplotlib.pyplot",
        "sklearn",
        "yfinance",
        "ib_insync",
    ]
    code = f"import sys, vol_assets.definitions; print([name for name in {heavy} if name in sys.modules])"
    process = command(tmp_path, "python", "-c", code, PYTHONPATH=str(ROOT))
    printed, _ = process.communicate()
    assert printed == "[]\n"
    assert [path.name for path in tmp_path.iterdir()] == ["dagster"]  # which the test made


def test_the_workspace_validates(tmp_path: Path):
    process = command(tmp_path, "dagster", "definitions", "validate", "-w", str(ROOT / "workspace.yaml"))
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert "Validation successful for code location vol_assets" in printed


HERE = """
event_log_storage: {module: vol_assets.instance.batched_event_log, class: BatchedSqliteEventLogStorage, config: {}}
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
run_launcher: {module: dagster._core.launcher.sync_in_memory_run_launcher, class: SyncInMemoryRunLauncher}
telemetry: {enabled: false}
"""
LOCATION = """
from vol_assets.definitions import build_defs
from vol_assets.settings import Settings
defs = build_defs(Settings.from_env({{"VOL_ASSETS_DATA": {folder!r}}}))
"""
BACKFILL = """
mutation($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    __typename
    ... on PythonError { message }
    ... on LaunchBackfillSuccess { backfillId }
  }
}
"""


def test_a_backfill_of_250_sessions_from_the_ui_is_one_run_over_the_range(tmp_path: Path):
    """The UI's own mutation, the daemon's own iteration, and a launcher that runs in this process."""
    from dagster._core.remote_origin import InProcessCodeLocationOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
    from dagster._daemon.backfill import execute_backfill_iteration
    from dagster_graphql.test.utils import execute_dagster_graphql

    python_file = tmp_path / "location.py"
    python_file.write_text(LOCATION.format(folder=str(tmp_path)))
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text(HERE)
    sessions = [str(session) for session in clock.sessions("2018-01-02", "2018-12-31")][:250]
    target = LoadableTargetOrigin(executable_path=sys.executable, python_file=str(python_file), attribute="defs")
    load = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target, location_name="vol_assets"))
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)})
    with at_home(settings), dg.DagsterInstance.get() as instance, WorkspaceProcessContext(instance, load) as process:
        answer = execute_dagster_graphql(
            process.create_request_context(),
            BACKFILL,
            {
                "backfillParams": {
                    "assetSelection": [{"path": list(contract.key)} for contract in (RAW_MARKET, CURATED_MARKET)],
                    "partitionNames": sessions,
                }
            },
        ).data["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        for _ in range(3):
            errors = [error for error in execute_backfill_iteration(process, logging.getLogger("daemon")) if error]
            assert errors == []

        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["dagster/asset_partition_range_start"] == sessions[0]
        assert run.tags["dagster/asset_partition_range_end"] == sessions[-1]
        assert instance.get_backfill(answer["backfillId"]).status.value == "COMPLETED_SUCCESS"
        assert instance.get_materialized_partitions(dg.AssetKey(CURATED_MARKET.key)) == set(sessions)
    assert Lake(settings.lake, "sample").missing(CURATED_MARKET, *map(clock.as_date, (sessions[0], sessions[-1]))) == []


def told(message: str = "", level: int = logging.INFO, event: dg.DagsterEvent | None = None) -> str | None:
    """What is printed of a log record as Dagster makes it."""
    record = logging.makeLogRecord({"levelno": level, "msg": f"dagster's long form of {message}"})
    record.dagster_meta = {"orig_message": message, "dagster_event": event}
    return in_a_line(record)


def told_of_failure(error: SerializableErrorInfo | None, description: str | None = None) -> str | None:
    user = UserFailureData(label="intentional-failure", description=description) if description else None
    data = StepFailureData(error, user)
    event = dg.DagsterEvent("STEP_FAILURE", "job", step_key="raw__market", event_specific_data=data)
    return told(level=logging.ERROR, event=event)


def test_what_an_asset_says_is_a_line_and_a_warning_is_marked():
    assert told("raw/market: 3 written") == "  raw/market: 3 written"
    assert told("2 sessions came back different", logging.WARNING) == "  warning: 2 sessions came back different"
    assert told("a detail", logging.DEBUG) is None


def test_a_failure_is_told_by_its_asset_and_in_the_words_of_whoever_raised_it():
    system = SerializableErrorInfo("NotADirectoryError: [Errno 20] Not a directory\n", [], "NotADirectoryError")
    ours = SerializableErrorInfo("vol_assets.errors.LakeError: make it writable\n", [], "LakeError", cause=system)
    wrapped, stranger = (
        SerializableErrorInfo("dagster error\n", [], "DagsterExecutionStepExecutionError", cause=cause)
        for cause in (ours, system)
    )
    assert told_of_failure(wrapped) == "  FAILED raw/market: make it writable"
    assert told_of_failure(stranger) == "  FAILED raw/market: NotADirectoryError: [Errno 20] Not a directory"
    assert told_of_failure(wrapped, "1 of 3 sessions refused") == "  FAILED raw/market: 1 of 3 sessions refused"


def test_bookkeeping_is_not_told():
    assert told(level=logging.DEBUG, event=dg.DagsterEvent("STEP_START", "job", step_key="raw__market")) is None
    assert told("Dependencies for step curated__market failed", logging.ERROR) is None
