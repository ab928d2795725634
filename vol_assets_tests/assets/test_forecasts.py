"""Backtest, evidence, training, explanation, ledger: 650 sessions of the sample market, with real MLflow stores."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from code_location import BARS, CodeLocation, DropFolder, Ran, files

from vol_assets import clock
from vol_assets.assets.partitions import SESSIONS
from vol_assets.assets.training import modelling_history
from vol_assets.contracts import FEATURES_L1, RV_5D, RV_BACKTEST, RV_EVALUATION, RV_EXPLANATION
from vol_assets.contracts.features import HAR_FEATURES, L1_FEATURES
from vol_assets.forecasting.frame import complete
from vol_assets.forecasting.models import MODELS
from vol_assets.tracking import Tracking
from vol_assets.tracking.rv_model import MODEL, load_champion, promote

DAYS = clock.sessions("2015-01-02", "2017-12-29")[:650]
FIRST, LAST = DAYS[0], DAYS[-1]
WARM_UP = 60  # sessions until the longest window is full: the lake begins at FIRST
FIRST_FIT = 300  # sessions
FROM_FEATURES = (
    "forecast/rv_backtest,forecast/rv_evaluation,forecast/rv_model,forecast/rv_explanation,forecast/rv_5d,"
    "monitoring/scorecard"
)
TRAINING = {
    "ops": {
        "forecast__rv_backtest": {"config": {"min_train": FIRST_FIT, "refit_every": 150}},
        "forecast__rv_evaluation": {"config": {"refit_every": 150, "seeds": 1}},
    }
}
ORIGIN = DAYS[WARM_UP - 1 + FIRST_FIT + 5 - 1]  # the first session with so many labels that end by it
NEXT = [clock.offset(LAST, step) for step in (1, 2, 3)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Iterator[tuple[CodeLocation, Ran]]:
    """The main job over DAYS from the features on."""
    with CodeLocation.over(tmp_path_factory.mktemp("trained"), store=empty_mlflow) as location:
        location.fill(FIRST, LAST)
        ran = location.run(FROM_FEATURES, FIRST, LAST, job="main_job", config=TRAINING)
        assert ran.success, ran.lines
        yield location, ran


@pytest.fixture(scope="module")
def location(trained: tuple[CodeLocation, Ran]) -> CodeLocation:
    return trained[0]


@pytest.fixture
def copy(location: CodeLocation, tmp_path: Path) -> Iterator[CodeLocation]:
    """The last three months of the trained lake and the models so far, for a test to change."""
    for table in location.settings.lake.glob("*/*"):
        for session in table.glob("date=*"):
            if session.name[5:] >= str(DAYS[-65]):
                shutil.copytree(session, tmp_path / session.relative_to(location.settings.data))
    shutil.copytree(location.lake.path(RV_BACKTEST).parent, tmp_path / "lake" / "forecast" / "rv_backtest")
    (tmp_path / "mlflow").mkdir()
    shutil.copy(location.settings.data / "mlflow" / "mlflow.db", tmp_path / "mlflow")
    with CodeLocation.over(tmp_path) as copy:
        yield copy


def store(location: CodeLocation) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(location.settings.mlflow_uri, location.settings.mlflow_uri)


def run_of(location: CodeLocation, ran: Ran, name: str) -> mlflow.entities.Run:
    return store(location).get_run(ran.metadata(f"forecast/{name}")["MLflow run id"])


def ledger(location: CodeLocation, *sessions: dt.date) -> pd.DataFrame:
    return location.read(RV_5D, sessions[0], sessions[-1])


def test_the_backtest_keeps_its_contract_and_has_every_model_from_the_first_origin_on(location: CodeLocation):
    backtest = location.lake.read_table(RV_BACKTEST)
    RV_BACKTEST.require(backtest)
    assert set(backtest["model"]) == {model.name for model in MODELS}
    forecast = clock.sessions(ORIGIN, LAST)
    assert [day.date() for day in backtest["date"].unique()] == forecast
    assert len(backtest) == len(forecast) * len(MODELS)
    known = backtest.groupby("date")["realised"].apply(lambda realised: realised.notna().all())
    assert list(known[~known].index.date) == forecast[-5:]


def test_the_evaluation_is_a_row_a_model_and_agrees_with_the_backtest(
    location: CodeLocation, trained: tuple[CodeLocation, Ran]
):
    evaluation = location.lake.read_table(RV_EVALUATION)
    RV_EVALUATION.require(evaluation)
    assert set(evaluation["model"]) == {model.name for model in MODELS}
    backtest = location.lake.read_table(RV_BACKTEST).dropna(subset=["realised"])
    ratio = backtest["realised"] ** 2 / backtest["forecast_var"]
    qlike = (ratio - np.log(ratio) - 1).groupby(backtest["model"]).mean()
    assert evaluation.set_index("model")["qlike"].to_dict() == pytest.approx(qlike.to_dict(), rel=1e-12)
    assert evaluation.set_index("model")["qlike_seed_low"].dropna().index.tolist() == [
        *("xgb_21", "xgb_residual", "ensemble"),
    ]
    page = trained[1].metadata("forecast/rv_evaluation")
    assert page["finding"].startswith("ensemble ")
    assert "Newey-West" in page["in words"]


def test_the_ensemble_is_registered_with_its_source_fingerprint_and_last_training_session(
    location: CodeLocation, trained: tuple[CodeLocation, Ran]
):
    page = trained[1].metadata("forecast/rv_model")
    version = store(location).get_model_version_by_alias(MODEL, "challenger")
    assert (
        str(version.version) == page["version"] == "2"
    )  # the first was the reference, which had to be there to be beaten
    assert version.tags["source"] == "sample"
    assert version.tags["model"] == "ensemble"
    assert version.tags["trained_through"] == str(DAYS[-6]) == page["trained through"]
    assert version.tags["data_fingerprint"] == page["data fingerprint"]
    assert len(page["data fingerprint"]) == 16
    assert version.run_id == page["MLflow run id"]
    assert page["training sessions"] == len(DAYS) - (WARM_UP - 1) - 5


@pytest.mark.parametrize(
    ("name", "params", "metrics", "artifacts"),
    [
        (
            "rv_backtest",
            {"min_train": str(FIRST_FIT), "refit_every": "150", "last_session": str(LAST), "sessions": "591"},
            set(),
            {"backtest.csv", "forecast_against_what_happened.png"},
        ),
        (
            "rv_evaluation",
            {"refit_every": "150", "seeds": "1"},
            {
                *("ensemble.qlike", "ensemble.mz_slope", "har.rmse", "log_har_iv.r2", "ensemble.qlike_by_year"),
                *("spa_p.log_har_iv", "canary.shuffled", "xgb_21.qlike_seed_high"),
            },
            {"scores.csv", "summary.txt", "ladder.png", "year_by_year.png", "shuffled_folds.png", "other_seeds.png"},
        ),
        ("rv_model", {"model": "ensemble", "sessions": "591"}, {"gate.reference", "gate.slope"}, set()),
        (
            "rv_explanation",
            {"sessions": "591", "last_session": str(LAST)},
            {f"mean_abs.{term}" for term in ("log_vix", "log_var_5d")},
            {
                "waterfall_of_the_last_forecast.png",
                "what_it_listens_to.png",
                "how_each_term_moves_it.png",
                "year_by_year.png",
            },
        ),
    ],
)
def test_each_training_asset_leaves_one_finished_mlflow_run_with_what_it_did(
    trained: tuple[CodeLocation, Ran], name: str, params: dict[str, str], metrics: set[str], artifacts: set[str]
):
    location, ran = trained
    run = run_of(location, ran, name)
    assert run.info.status == "FINISHED"
    assert run.data.tags["dagster.run_id"] == ran.result.run_id
    assert run.data.tags["dagster.asset"] == f"forecast/{name}"
    assert run.data.tags["source"] == "sample"
    assert params.items() <= run.data.params.items()
    assert metrics <= set(run.data.metrics)
    assert artifacts <= {artifact.path for artifact in store(location).list_artifacts(run.info.run_id)}
    assert run.info.artifact_uri.startswith((location.settings.data / "mlflow").as_uri())
    same = store(location).search_runs([run.info.experiment_id], f"tags.`dagster.asset` = 'forecast/{name}'")
    assert len(same) == 1


def test_the_terms_and_the_base_add_up_to_the_champions_own_forecast(location: CodeLocation):
    explanation = location.lake.read_table(RV_EXPLANATION)
    RV_EXPLANATION.require(explanation)
    history = modelling_history(location.lake)
    history = history[complete(history)]
    total = explanation.groupby("date")["contribution"].sum() + explanation.groupby("date")["base"].first()
    assert list(total.index) == list(history.index)
    own = load_champion_of(location).forecast(history).vol
    assert np.abs(total.to_numpy() - np.log(own)).max() < 1e-6
    values = explanation.pivot(index="date", columns="term", values="value")
    terms = [name for name in (*L1_FEATURES, *HAR_FEATURES) if name in values]
    pd.testing.assert_frame_equal(values[terms], history[terms], check_names=False, check_exact=True)


def tracking_of(location: CodeLocation) -> Tracking:
    return Tracking(location.settings.mlflow_uri, "vol_assets", location.settings.data / "mlflow" / "artifacts")


def load_champion_of(location: CodeLocation):
    loaded = load_champion(tracking_of(location))
    assert loaded is not None
    return loaded[0]


def test_the_ledger_takes_the_backtest_where_the_champion_was_not_yet_known_and_nothing_before(location: CodeLocation):
    rows = ledger(location, FIRST, LAST)
    assert [day.date() for day in rows["date"]] == clock.sessions(ORIGIN, LAST)
    assert set(rows["origin"].iloc[:-1]) == {"walk_forward"}
    # The champion's last label ends at LAST: from that close on it could have been trained.
    crowned = store(location).get_model_version_by_alias(MODEL, "champion")
    assert rows.iloc[-1][["origin", "model_version", "model"]].tolist() == [
        *("replayed", str(crowned.version), crowned.tags["model"]),
    ]
    backtest = location.lake.read_table(RV_BACKTEST).query("model == 'ensemble'").set_index("date")
    rows = rows.set_index("date").iloc[:-1]
    for column in ("forecast_vol", "forecast_var", "p10", "p50", "p90", "trained_through"):
        assert rows[column].equals(backtest.loc[rows.index, column]), column


def test_sessions_without_a_forecast_are_recorded_too_so_that_the_range_is_done(location: CodeLocation):
    assert location.recorded("forecast/rv_5d") == {str(session) for session in DAYS}
    assert location.lake.missing(RV_5D, FIRST, LAST) == []


def test_the_ledger_again_writes_nothing(location: CodeLocation):
    before = files(location.lake, RV_5D)
    ran = location.run("forecast/rv_5d", DAYS[-10], LAST)
    assert ran.success
    assert files(location.lake, RV_5D) == before
    assert ran.metadata("forecast/rv_5d")["sessions written"] == 0


def test_the_page_of_a_single_session_shows_the_last_ten_of_the_ledger(location: CodeLocation):
    page = location.run("forecast/rv_5d", LAST).metadata("forecast/rv_5d")
    heading, _, *rows = page["last ten forecasts"].splitlines()
    assert [row.split("|")[1].strip() for row in rows] == [f"{day:%d}\N{NO-BREAK SPACE}{day:%b}" for day in DAYS[-10:]]
    assert "baseline %" in heading


def test_a_forecast_is_the_same_made_in_a_range_or_alone(copy: CodeLocation, tmp_path: Path):
    assert copy.run(f"{BARS},features/l1,features/har,features/implied", NEXT[0], NEXT[-1]).success
    shutil.copytree(copy.settings.lake, tmp_path / "alone" / "lake")
    assert copy.run("forecast/rv_5d", NEXT[0], NEXT[-1]).success
    with CodeLocation.over(tmp_path / "alone", mlflow=copy.settings.mlflow_uri) as alone:
        for session in NEXT:
            assert alone.run("forecast/rv_5d", session).success
        one, many = (ledger(each, NEXT[0], NEXT[-1]).drop(columns="made_at") for each in (copy, alone))
    assert len(one) == 3
    assert set(one["origin"]) == {"replayed"}
    pd.testing.assert_frame_equal(one, many, check_exact=True)


def test_a_gap_in_the_bars_makes_null_features_a_warning_that_names_it_and_no_forecast(copy: CodeLocation):
    missed, today = NEXT[:2]

    ran = copy.run("", today, job="daily_job")

    assert ran.failed == ["forecast__rv_5d"]
    assert copy.read(FEATURES_L1, today, today).drop(columns="date").isna().all(axis=None)
    check = ran.check("features/l1", "no_gaps")
    assert not check.passed
    assert check.severity.value == "WARN"
    assert check.metadata["sessions without bars or returns"].value == str(missed)
    assert f"warning: features/l1: 1 null rows, for want of bars or returns on {missed}" in ran.lines
    assert "FAILED forecast/rv_5d: forecast/rv_5d: 1 of 1 sessions refused" in ran.lines
    assert (
        f"{today} SPY complete features of finished bars (see the check no_gaps): null in features/l1: all" in ran.lines
    )
    assert today not in copy.lake.sessions(RV_5D)
    assert copy.lake.read_rejects(RV_5D)["date"].dt.date.tolist() == [today]

    refilled = copy.run("", missed, today, job="daily_job")

    assert refilled.success, refilled.lines
    assert refilled.check("features/l1", "no_gaps").passed
    assert [day.date() for day in ledger(copy, missed, today)["date"]] == [missed, today]
    assert copy.lake.read_rejects(RV_5D).empty


def test_no_row_of_the_ledger_is_rewritten_by_a_later_champion_and_a_live_one_never(
    location: CodeLocation, copy: CodeLocation
):
    live, replayed, ahead = NEXT[:3]
    assert copy.run("", live, replayed, job="daily_job").success
    rows = ledger(copy, live, replayed)
    assert rows["model_version"].tolist() == ["1", "1"]
    # As that evening's run would have left it, on bars that were corrected since.
    made_at = pd.Timestamp(clock.close_instant(live)).as_unit("us") + pd.Timedelta(hours=2)
    evening = rows.iloc[[0]].assign(origin="live", made_at=made_at, forecast_vol=rows["forecast_vol"].iloc[0] * 1.1)
    copy.lake.write(RV_5D, evening)
    before = files(copy.lake, RV_5D)

    assert copy.run("forecast/rv_5d", live, replayed).success  # by the same champion
    assert files(copy.lake, RV_5D) == before
    with CodeLocation.over(location.settings.data, mlflow=copy.settings.mlflow_uri) as trainer:
        assert trainer.run("forecast/rv_model").success
    newest = str(store(copy).get_model_version_by_alias(MODEL, "challenger").version)
    promote(tracking_of(copy), newest, "whatever the gate says", "sample")
    assert copy.run("", live, ahead, job="daily_job").success

    after = files(copy.lake, RV_5D)
    assert {day: after[day] for day in before} == before
    assert ledger(copy, live, ahead)["model_version"].tolist() == ["1", "1", newest]


def test_a_session_just_closed_is_live_until_the_next_opens(location: CodeLocation, tmp_path: Path):
    newest = dt.date.fromisoformat(SESSIONS.get_last_partition_key())
    with CodeLocation.over(tmp_path, mlflow=location.settings.mlflow_uri) as now:
        assert now.run(BARS, clock.offset(newest, -60), clock.offset(newest, -1)).success
        ran = now.run("", newest, job="daily_job")
        assert ran.success, ran.lines
        (row,) = ledger(now, newest).itertuples()
    assert row.made_at >= clock.close_instant(newest)
    in_time = row.made_at < clock.open_instant(clock.offset(newest, 1))
    assert row.origin == ("live" if in_time else "replayed")
    assert row.model_version == str(store(location).get_model_version_by_alias(MODEL, "champion").version)
    assert "over the next 5 sessions" in ran.lines


def test_without_a_champion_the_daily_job_keeps_its_tables_and_says_what_to_do(tmp_path: Path, empty_mlflow: Path):
    with CodeLocation.over(tmp_path, store=empty_mlflow) as location:
        assert location.run(f"{BARS}", clock.offset(LAST, -60), clock.offset(LAST, -1)).success
        ran = location.run("", LAST, job="daily_job")
        assert ran.failed == ["forecast__rv_5d"]
        assert f"no champion of spy_rv_5d to forecast {LAST} with; materialize forecast/rv_model" in ran.lines
        assert location.recorded("features/l1") == {str(LAST)}

        assert location.run("forecast/rv_explanation").failed == ["forecast__rv_explanation"]
        empty = location.run("forecast/rv_backtest", config=TRAINING)
        assert empty.failed == ["forecast__rv_backtest"]
        assert "the walk-forward needs 300 usable sessions" in empty.lines


def test_training_on_an_empty_lake_asks_for_a_backfill(tmp_path: Path):
    with CodeLocation.over(tmp_path) as location:
        ran = location.run("forecast/rv_backtest")
    assert "features/l1 is empty; backfill it first" in ran.lines


def test_the_champion_of_another_source_makes_no_forecast_for_this_lake(location: CodeLocation, tmp_path: Path):
    drop = DropFolder(tmp_path / "drop", DAYS[-2], LAST)
    drop.save()
    with CodeLocation.over(tmp_path, source="files", drop=drop.folder, mlflow=location.settings.mlflow_uri) as other:
        ran = other.run("", LAST, job="daily_job")
    assert ran.failed == ["forecast__rv_5d"]
    assert f"the champion of {MODEL} (version 1) was trained on the source 'sample'" in ran.lines
    assert "train on this lake, or point MLFLOW_TRACKING_URI at its own store" in ran.lines


def test_training_does_not_depose_a_champion_of_another_source(location: CodeLocation, tmp_path: Path):
    drop = DropFolder(tmp_path / "drop", DAYS[-2], LAST)
    drop.save()
    with CodeLocation.over(tmp_path, source="files", drop=drop.folder, mlflow=location.settings.mlflow_uri) as other:
        ran = other.run("forecast/rv_model")
    assert ran.failed == ["forecast__rv_model"]
    assert "was trained on the source 'sample', this lake holds 'files'" in ran.lines
