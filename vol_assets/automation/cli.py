"""The command line behind make: materialize, backfill, report, demo; promote and rollback.

Each checks what it is asked before anything starts. The first four then hand over to Dagster's own command line in
this process with the progress logger, so that a run started here is like any other in the UI. A range with swapped
ends, for one, is silently empty in Dagster.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import fcntl
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vol_assets import clock
from vol_assets.errors import SessionError, SettingError, VolAssetsError
from vol_assets.settings import Settings

MODULE = "vol_assets.definitions"
PROJECT = Path(__file__).parents[2]
LOGGERS = {"loggers": {"progress": {}}}
DAILY_TABLES = "raw/market,curated/market,features/l1,features/har,features/implied"
HISTORY_TABLES = "raw/market,curated/market"
HISTORY_SESSIONS = 60  # before the first session of a backfill: the longest window of the features
SURFACE_TABLES = "raw/spy_chain,raw/gld_chain,curated/spy_chain,curated/gld_chain,group:surface"
GOLD_TABLES = "gold/surface_data,gold/report"
DEFAULT_MODEL = "spy_rv_5d"  # of promote and rollback
DEMO_YEARS = 5
DEMO_CHAINS = 3  # sessions of option chains
DEMO_REFIT_SESSIONS = 126  # twice a year: a demonstration, the default is monthly


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit code 2 and one line for a request that cannot be, 1 for a run that failed."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        options.run(options)
    except VolAssetsError as error:
        sys.exit(_say(f"{options.command}: {error}", 2))


def materialize(options: argparse.Namespace) -> None:
    """One session, a range of them, or (for unpartitioned assets) none."""
    if options.partition and "..." in options.partition:
        sessions = _sessions(*options.partition.split("...", 1))
        where = ["--partition-range", f"{sessions[0]}...{sessions[-1]}"]
    elif options.partition:
        where = ["--partition", str(_sessions(options.partition, options.partition)[0])]
    else:
        where = []
    _dagster("asset", "materialize", "-m", MODULE, "--select", options.select, *where, "--config-json", _json(LOGGERS))


def backfill(options: argparse.Namespace) -> None:
    """A range in one run, after the bars of the sessions before it that its first windows need; chains need none."""
    from vol_assets.automation.jobs import SURFACES

    sessions = _sessions(options.first, options.last)
    if not {*options.select.split(",")} <= {*SURFACES, "group:surface"}:
        bring_history(sessions[0], HISTORY_SESSIONS)
    options.partition = f"{sessions[0]}...{sessions[-1]}"
    materialize(options)


def report(options: argparse.Namespace) -> None:
    """The gold report of a session, after what its lake lacks: six years of bars, and GLD's chain to its tenors."""
    from vol_assets.gold.folder import DOCUMENT, PDF, Reports
    from vol_assets.gold.inputs import BAR_SESSIONS

    settings = Settings.from_env()
    session = _sessions(options.date, options.date)[0]
    lacking = _lacking(settings, session)
    if "raw/gld_chain" in lacking:  # first of all: without a chain six years of bars are brought for nothing
        options.partition, options.select = str(session), lacking.pop(0)
        materialize(options)
    bring_history(clock.offset(session, 1), BAR_SESSIONS)
    options.partition, options.select = str(session), ",".join([*lacking, GOLD_TABLES])
    materialize(options)
    reports = Reports(settings.reports)
    print(f"\n  {reports.path(session, PDF)}\n  {reports.path(session, DOCUMENT)}")


def _lacking(settings: Settings, session: dt.date) -> list[str]:
    """The tables from GLD's chain to its tenors, from the first that the lake does not hold of the session on."""
    from vol_assets.contracts.chains import CURATED_CHAINS, RAW_CHAINS
    from vol_assets.contracts.surfaces import SURFACES
    from vol_assets.contracts.tenors import TENORS
    from vol_assets.lake import Lake

    lake = Lake(settings.lake, settings.source)
    tables = [contracts["GLD"] for contracts in (RAW_CHAINS, CURATED_CHAINS, SURFACES, TENORS)]
    held = [lake.path(table, session).exists() for table in tables]
    return [table.name for table in tables[held.index(False) :]] if not all(held) else []


def bring_history(first: dt.date, count: int) -> None:
    """Materialize what curated/market lacks of the `count` sessions before `first`, as far as the source has it.

    A source or a lake that cannot be used at all is an error before anything starts.
    """
    from vol_assets.contracts.market import CURATED_MARKET, RAW_MARKET
    from vol_assets.lake import Lake
    from vol_assets.sources import open_source

    settings = Settings.from_env()
    start = max(settings.start, clock.at_most_before(first, count))
    if start >= first:
        return
    open_source(settings)
    lake = Lake(settings.lake, settings.source)
    lake.claim()
    missing = lake.missing(CURATED_MARKET, start, clock.offset(first, -1))
    if missing:
        _say(f"history first: {len(missing)} of the {count} sessions before {first}")
        try:
            _materialize_range(HISTORY_TABLES, missing)
        except SystemExit:
            # A source that lacks some of them has failed the run, and curated none of those it brought.
            brought = [session for session in missing if lake.path(RAW_MARKET, session).exists()]
            if brought:
                with contextlib.suppress(SystemExit):
                    _materialize_range("curated/market", brought)
            _say(
                "going on without all of the history: what needs it is null, and says so "
                "(VOL_ASSETS_START says where your data begin)"
            )


def _materialize_range(select: str, sessions: Sequence[dt.date]) -> None:
    """One run from the first session to the last."""
    span = f"{sessions[0]}...{sessions[-1]}"
    _dagster(
        *("asset", "materialize", "-m", MODULE, "--select", select, "--partition-range", span),
        *("--config-json", _json(LOGGERS)),
    )


def demo(options: argparse.Namespace) -> None:
    """The main job over the last five years (bars, features, backtest, model, ledger), the newest surfaces and the gold
    report made of them.

    A drop folder need not hold chains, so surfaces and report are left to `make materialize` and `make report` there.
    """
    from vol_assets.assets.partitions import SESSIONS
    from vol_assets.sources.files import FilesMarket

    settings = Settings.from_env()
    last = clock.as_date(SESSIONS.get_last_partition_key())
    if settings.source == "files":
        last = min(last, FilesMarket(settings.files).last_session())
    first = max(settings.start, clock.offset(clock.as_date(f"{last.year - DEMO_YEARS}-{last:%m}-01"), 1))
    started = time.monotonic()
    _say(f"vol_assets demo: main_job on the {settings.source} source, {first} ... {last}, into {settings.data}")
    bring_history(first, HISTORY_SESSIONS)
    config = {**LOGGERS, "ops": {"forecast__rv_backtest": {"config": {"refit_every": DEMO_REFIT_SESSIONS}}}}
    tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"  # JSON is YAML
        path.write_text(_json(config))
        _dagster("job", "execute", "-m", MODULE, "-j", "main_job", "-c", str(path), "--tags", _json(tags))
    if settings.source != "files":
        chains = 1 if settings.source == "yahoo" else DEMO_CHAINS
        options.select, options.partition = SURFACE_TABLES, f"{clock.offset(last, 1 - chains)}...{last}"
        materialize(options)
        options.select, options.partition = GOLD_TABLES, str(last)
        materialize(options)
    _say(f"done in {time.monotonic() - started:.0f} s\n")
    print(summary(settings))


def live_demo(options: argparse.Namespace) -> None:
    """Simulated sessions, a network trained on them, and the live smile of the newest one polled and predicted."""
    from vol_assets.assets.partitions import SESSIONS
    from vol_assets.automation.live_demo import run

    def made(select: str, partition: str | None) -> None:
        options.select, options.partition = select, partition
        materialize(options)

    started = time.monotonic()
    told = run(Settings.from_env(), clock.as_date(SESSIONS.get_last_partition_key()), made)
    _say(f"done in {time.monotonic() - started:.0f} s\n")
    print(told)


def promote(options: argparse.Namespace) -> None:
    """Crown a version of a model by hand."""
    _require_reason(options)
    from vol_assets.automation.resources import open_tracking
    from vol_assets.tracking import rv_model, smile_model

    settings = Settings.from_env()
    told = options.version, options.reason, settings.source
    if options.model == rv_model.MODEL:
        crowned = rv_model.promote(open_tracking(settings), *told)
    else:
        _require_smiles(options.model)
        crowned = smile_model.promote(open_tracking(settings), options.model, *told)
    print(_crowned(*crowned))


def rollback(options: argparse.Namespace) -> None:
    """Give the crown of a model back to the version that had it before the champion."""
    _require_reason(options)
    from vol_assets.automation.resources import open_tracking
    from vol_assets.tracking import rv_model, smile_model

    settings = Settings.from_env()
    told = options.reason, settings.source
    if options.model == rv_model.MODEL:
        crowned = rv_model.roll_back(open_tracking(settings), *told)
    else:
        serves = smile_model.serving_line(_require_smiles(options.model))
        crowned = smile_model.roll_back(open_tracking(settings), serves, *told)
    print(_crowned(*crowned))


def _require_smiles(model: str) -> str:
    """The family of a model of smiles; a SettingError that says which models there are."""
    from vol_assets.tracking.rv_model import MODEL
    from vol_assets.tracking.smile_model import family_of

    family = family_of(model)
    if family is None:
        raise SettingError(
            f"MODEL is {model!r}; it must be {MODEL}, spy_smile_live, spy_smile_daily, or one of their networks, "
            "spy_smile_live_gru for instance"
        )
    return family


def _require_reason(options: argparse.Namespace) -> None:
    options.reason = options.reason.strip()
    if not options.reason:
        raise SettingError("the reason is empty; say why in a few words, they are kept with the version")


def _crowned(before: Any | None, now: Any) -> str:
    """What was champion and what is, as the versions of the registry tell."""

    def named(version: Any) -> str:
        tags = version.tags
        return (
            f"version {version.version} ({tags.get('model') or tags.get('kind', 'model unknown')}, trained through "
            f"{tags.get('trained_through', 'unknown')})"
        )

    was = "there was no champion" if before is None else f"the champion was {named(before)}"
    return f"{now.name}: {was}, it is {named(now)} now"


def summary(settings: Settings) -> str:
    """What the lake says after a run: the newest forecasts, the models' scores, and where to look."""
    from vol_assets.contracts.forecast import RV_5D, RV_BACKTEST
    from vol_assets.forecasting.evaluation import score
    from vol_assets.lake import Lake

    lake = Lake(settings.lake, settings.source)
    here = "" if settings.data == PROJECT / "data" else f"VOL_ASSETS_DATA={settings.data} "
    held = lake.sessions(RV_5D)[-3:]
    forecasts = lake.read(RV_5D, held[0], held[-1])
    scores = score(lake.read_table(RV_BACKTEST)).sort_values("qlike")
    lines = [
        "SPY realised volatility over the next five sessions, annualised:",
        "  close of      forecast   80 % interval     origin         model",
        *(
            f"  {row.date:%Y-%m-%d}    {row.forecast_vol:7.1%}   {row.p10:6.1%} ... {row.p90:5.1%}   "
            f"{row.origin:<12}   {row.model}"
            for row in forecasts.itertuples()
        ),
        *_who_serves(forecasts["model"].iloc[-1]),
        "",
        f"Walk-forward, {scores['n'].iloc[0]:.0f} sessions out of sample (QLIKE: lower is better):",
        "  model          QLIKE   vs log_har_iv   RMSE     R2",
        *(
            f"  {row.Index:<12} {row.qlike:7.3f}   {row.qlike_vs_log_har_iv:13.2f} {row.rmse:6.3f} {row.r2:6.2f}"
            for row in scores.itertuples()
        ),
        *_surface_lines(settings),
        "",
        "Where to look:",
        f"  tables    pandas.read_parquet('{settings.lake / 'features' / 'l1'}')",
        f"  pictures  {here}make dev: the Dagster UI at http://127.0.0.1:3000, groups forecast and surface",
        f"  models    {here}make mlflow: the MLflow UI at http://127.0.0.1:5000, model spy_rv_5d",
        *_report_lines(settings),
    ]
    return "\n".join(lines)


def _who_serves(model: str) -> list[str]:
    """Where the model that serves is not the one that is trained, why."""
    from vol_assets.forecasting.models import ENSEMBLE

    if model == ENSEMBLE.name:
        return []
    return [
        f"  {model} serves: the {ENSEMBLE.name} was trained and has not passed the gate, for the reason on the page of",
        "  forecast/rv_model (a few years seldom tell two good models apart).",
    ]


def _surface_lines(settings: Settings) -> list[str]:
    """The newest smiles by tenor, if there are any."""
    from vol_assets.contracts.tenors import TENORS
    from vol_assets.lake import Lake

    lines: list[str] = []
    lake = Lake(settings.lake, settings.source)
    for underlying, contract in TENORS.items():
        for day in lake.sessions(contract)[-1:]:
            rows = lake.read(contract, day, day).set_index("tenor_days")
            lines += [
                "",
                f"{underlying} implied volatility at the close of {day} (forward deltas):",
                "  days     ATM    25d RR   25d BF   model-free",
                *(
                    f"  {days:4d}  {row.atm_vol:7.2%}  {row.rr25:7.2%}  {row.bf25:7.2%}      {row.model_free_vol:7.2%}"
                    for days, row in rows.loc[[7, 30, 91, 365]].iterrows()
                ),
            ]
    return lines


def _report_lines(settings: Settings) -> list[str]:
    """Where the newest gold report is, if there is one."""
    from vol_assets.gold.folder import PDF

    return [f"  report    {path}" for path in sorted((settings.reports / "gold").glob(f"*/{PDF}"))[-1:]]


def _sessions(first: str, last: str) -> list[dt.date]:
    """The sessions of a range; a SessionError for an end that is no session, swapped ends, or a session to come."""
    from vol_assets.assets.partitions import SESSIONS

    sessions = clock.require_range(first, last)
    newest = clock.as_date(SESSIONS.get_last_partition_key())
    oldest = clock.as_date(SESSIONS.get_first_partition_key())
    if sessions[-1] > newest:
        raise SessionError(
            f"{sessions[-1]} is not to be had yet: a session's partition opens at 17:00 New York, 18:00 in summer; "
            f"the newest now is {newest}"
        )
    if sessions[0] < oldest:
        raise SessionError(f"{sessions[0]} is before the first session there is, {oldest} (VOL_ASSETS_START)")
    return sessions


def _dagster(*arguments: str) -> None:
    """Dagster's own command line in this process; exits with its code when it fails."""
    import click
    import dagster as dg
    from dagster._cli import cli

    warnings.filterwarnings("ignore", category=dg.SupersessionWarning)
    prepare_instance()
    try:
        cli.main(args=list(arguments), prog_name="dagster", standalone_mode=False, auto_envvar_prefix="DAGSTER_CLI")
    except click.ClickException as error:
        sys.exit(_say(error.format_message(), 1))
    except Exception as error:  # what Dagster raises for a request it cannot resolve: one line, not its stack
        sys.exit(_say(f"{type(error).__name__}: {error}", 1))


def prepare_instance() -> None:
    """Have Dagster make the databases of a new DAGSTER_HOME, one process at a time.

    It makes them when the instance is first opened; two programs that do so at once fail, or leave a database that
    nobody can open again ("more than one head present").
    """
    import dagster as dg

    home = os.environ.get("DAGSTER_HOME")
    if not home or not os.path.isdir(home):
        return
    with open(os.path.join(home, ".opened"), "a") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        if os.fstat(mark.fileno()).st_size == 0:
            with dg.DagsterInstance.get():
                mark.write("the databases are made\n")


def _json(value: object) -> str:
    return json.dumps(value)


def _say(line: str, code: int = 0) -> int:
    print(line, file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vol_assets", description="The commands behind make.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("materialize", help="materialize assets for a session or a range")
    one.add_argument("--select", default=DAILY_TABLES)
    one.add_argument("--partition", help="YYYY-MM-DD or YYYY-MM-DD...YYYY-MM-DD")
    one.set_defaults(run=materialize)
    many = commands.add_parser("backfill", help="materialize a range, its history first")
    many.add_argument("--from", dest="first", required=True)
    many.add_argument("--to", dest="last", required=True)
    many.add_argument("--select", default=DAILY_TABLES)
    many.set_defaults(run=backfill)
    gold = commands.add_parser("report", help="the gold report of a session, after what it lacks")
    gold.add_argument("--date", required=True)
    gold.set_defaults(run=report)
    commands.add_parser("demo", help="the main job over the last five years").set_defaults(run=demo)
    commands.add_parser("live-demo", help="the live smile on a simulated gateway").set_defaults(run=live_demo)
    crown = commands.add_parser("promote", help="make a version of a model the champion")
    crown.add_argument("--model", default=DEFAULT_MODEL)
    crown.add_argument("--version", required=True)
    crown.add_argument("--reason", required=True)
    crown.set_defaults(run=promote)
    back = commands.add_parser("rollback", help="give the crown back to the champion before this one")
    back.add_argument("--model", default=DEFAULT_MODEL)
    back.add_argument("--reason", required=True)
    back.set_defaults(run=rollback)
    return parser
