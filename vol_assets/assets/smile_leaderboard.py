"""smile/leaderboard: the networks against the baselines on sessions that none has seen; the crown by the gate alone.

There is always something to serve: where nobody has been crowned, or the champion cannot be read any more, persistence
is registered and crowned first. Then the best of the networks that pass the gate takes the crown, if any does: its
version is copied into the line that serves the family. A champion that no network beats goes on.

Networks are judged that were trained on the very data of smile/dataset. Another's test sessions may be among its
training.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets.assets.pages import table
from vol_assets.assets.publish import warning
from vol_assets.assets.smile_dataset import SURFACE
from vol_assets.assets.smile_families import GROUP, Data, Progress, data_of, provenance, run_tags, version_tags
from vol_assets.assets.training import identity, pictures, training_asset
from vol_assets.contracts.chains import CURATED_CHAINS
from vol_assets.contracts.leaderboard import ALL_HORIZONS, SMILE_LEADERBOARD
from vol_assets.contracts.live import LIVE_HISTORY
from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.errors import ContractError, ForecastError
from vol_assets.forecasting.gate import Verdict
from vol_assets.lake import Lake
from vol_assets.smiles.baselines import BASELINES, fit_baseline
from vol_assets.smiles.contracts import DAILY_INPUTS, LIVE_INPUTS, daily_contracts, live_contracts
from vol_assets.smiles.dataset import TEST, samples
from vol_assets.smiles.gate import judged
from vol_assets.smiles.leaderboard import PERSISTENCE, Board, leaderboard
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.networks import NETWORKS
from vol_assets.smiles.panel import LIVE
from vol_assets.tracking import Tracking
from vol_assets.tracking.serving import require_source, serving_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GATE_CHECK = "gate"
CHAIN = CURATED_CHAINS["SPY"]
A_DAY = 1.0 / 365.0  # years
NO_CHAMPION = "no champion before it: persistence serves until a network beats the best baseline"


@dataclass(frozen=True, eq=False)
class Judged:
    """A family after the gate: its rows of the table, verdicts by network, those left out and why, what became of the
    crown, whether a network passed, and pictures by title."""

    table: pd.DataFrame
    verdicts: Mapping[str, Verdict]
    left_out: Mapping[str, str]
    crown: str
    promoted: bool
    pictures: Mapping[str, "Figure"]


@training_asset(
    "leaderboard",
    group=GROUP,
    contract=SMILE_LEADERBOARD,
    deps=[
        *(dg.AssetKey(contract.key) for contract in (SMILE_DATASET, LIVE_HISTORY, CHAIN, SURFACE)),
        *(dg.AssetKey([GROUP, kind]) for kind in NETWORKS),
    ],
    kinds={"parquet", "mlflow"},
    description="Every network and baseline against the contracts' own next vols on the test sessions: RMSE, MAE, "
    "MAPE, vega-weighted RMSE, arbitrage, skill and Diebold-Mariano. The best network that passes the gate is copied "
    "into spy_smile_live or spy_smile_daily and crowned there; persistence serves until one does.",
    checks=[
        dg.AssetCheckSpec(
            GATE_CHECK,
            asset=dg.AssetKey([GROUP, "leaderboard"]),
            description="A network passed the gate in every family; otherwise who served goes on serving.",
        )
    ],
)
def smile_leaderboard(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], mlflow: dg.ResourceParam[Tracking]
) -> Iterator:
    mlflow.experiment_id()  # a store that does not answer is better known before the work than after it
    progress = Progress(context)
    data = data_of(lake, progress)
    found: dict[str, Judged] = {}
    page: dict[str, Any] = {}
    with mlflow.run("smile_leaderboard", identity(context), run_tags(lake, data)) as run:
        for family, one in data.items():
            try:
                found[family] = _judge(lake, mlflow, one, progress)
            except (ForecastError, ContractError) as error:
                progress.skip(family, str(error))
                continue
            page |= _page(family, found[family])
            progress.finish(family, found[family].crown)
        progress.require_any()
    rows = pd.concat([one.table for one in found.values()], ignore_index=True)
    SMILE_LEADERBOARD.require(rows)
    yield _check(found)
    yield dg.MaterializeResult(
        value=rows,
        metadata={
            "dagster/row_count": len(rows),
            **page,
            **progress.metadata,
            **provenance(mlflow, run.info.run_id, data),
        },
    )


def _judge(lake: Lake, tracking: Tracking, data: Data, progress: Progress) -> Judged:
    """One family: score, judge, and move the crown if the gate lets it."""
    import mlflow as ml

    from vol_assets.tracking.smile_model import line, serve

    panel, family = data.panel, data.panel.family
    baselines: dict[str, SmileModel] = {kind: fit_baseline(kind, panel, data.split) for kind in BASELINES}
    persistence = _registered_persistence(lake, tracking, data, baselines[PERSISTENCE])
    vacant = _vacant(lake, tracking, family)
    if vacant:
        crowned = serve(tracking, family, PERSISTENCE, persistence, vacant)
        said = f"{serving_line(family)} version {crowned} ({PERSISTENCE}) is champion: {vacant}"
        progress.context.log.warning(f"{progress.asset}: {said}")
    networks, versions, left_out = _networks(tracking, data)
    for name, why in left_out.items():
        progress.context.log.warning(f"{progress.asset}: {family} {name} is left out: {why}")
    contracts = _contracts(lake, data)
    board = leaderboard(panel, samples(panel, data.split, TEST), {**baselines, **networks}, contracts)
    verdicts, rows = judged(board, networks)
    for name, verdict in verdicts.items():
        tracking.tag(line(family, name), versions[name], GATE_CHECK, _in_words(verdict))
    crown, promoted = _move_crown(tracking, family, board, verdicts, versions)
    ml.log_metrics(_metrics(family, rows))
    figures = _figures(data, board, contracts, networks or {PERSISTENCE: baselines[PERSISTENCE]})
    return Judged(rows, verdicts, left_out, crown, promoted, figures)


# ---------------------------------------------------------------------- who is judged, and by what


def _networks(tracking: Tracking, data: Data) -> tuple[dict[str, SmileModel], dict[str, str], dict[str, str]]:
    """The newest version of each network that was trained on this data, their numbers, and why others are left out."""
    from vol_assets.tracking.smile_model import line, load, newest

    family = data.panel.family
    models: dict[str, SmileModel] = {}
    versions: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for kind in NETWORKS:
        version = newest(tracking, family, kind, data.fingerprint)
        if version is None:
            older = newest(tracking, family, kind)
            left_out[kind] = (
                f"its newest version ({older.version}, through {older.tags.get('trained_through', 'unknown')}) was "
                f"trained on other data than smile/dataset holds; materialize smile/{kind} again"
                if older
                else f"none is registered; materialize smile/{kind}"
            )
            continue
        try:
            models[kind] = load(tracking, line(family, kind), str(version.version))
            versions[kind] = str(version.version)
        except ForecastError as error:
            left_out[kind] = str(error)
    return models, versions, left_out


def _contracts(lake: Lake, data: Data) -> pd.DataFrame:
    """The contracts of the test's sessions, as quoted."""
    sessions: list[dt.date] = data.panel.session[data.split == TEST].tolist()
    if not sessions:
        raise ForecastError(f"no session of the {data.panel.family} family is left to judge by; gather more")
    if data.panel.family == LIVE:
        return live_contracts(lake.read(LIVE_HISTORY, sessions[0], sessions[-1], LIVE_INPUTS))
    chain = lake.read(CHAIN, sessions[0], sessions[-1], DAILY_INPUTS)
    return daily_contracts(chain, lake.read(SURFACE, sessions[0], sessions[-1]))


# ---------------------------------------------------------------------- the crown


def _vacant(lake: Lake, tracking: Tracking, family: str) -> str:
    """Why there is nobody to serve, empty if there is; a ForecastError for a champion of another source."""
    from vol_assets.tracking.smile_model import load

    champion = tracking.champion(serving_line(family))
    if champion is None:
        return NO_CHAMPION
    version = str(champion.version)
    require_source(serving_line(family), version, champion.tags.get("source", ""), lake.source)
    try:
        load(tracking, serving_line(family), version)
    except ForecastError as error:
        return f"{error}; persistence serves until a network beats the best baseline"
    return ""


def _registered_persistence(lake: Lake, tracking: Tracking, data: Data, persistence: SmileModel) -> str:
    """The version of persistence for this data, registered if it is not there yet."""
    from vol_assets.tracking.smile_model import newest, register

    there = newest(tracking, data.panel.family, PERSISTENCE, data.fingerprint)
    if there is not None:
        return str(there.version)
    example = data.panel.windows(data.panel.last_of_windows()[-1:])
    return register(tracking, persistence, example, version_tags(lake, data))


def _move_crown(
    tracking: Tracking, family: str, board: Board, verdicts: Mapping[str, Verdict], versions: Mapping[str, str]
) -> tuple[str, bool]:
    """Crown the best network that passed; what was done, in words, and whether one passed."""
    from vol_assets.tracking.smile_model import serve

    champion = tracking.champion(serving_line(family))
    passed = [name for name, verdict in verdicts.items() if verdict.passed]
    if not passed:
        who = f"version {champion.version} ({champion.tags.get('kind', 'kind unknown')}) of {serving_line(family)}"
        return f"no network {'passed the gate' if verdicts else 'was judged'}, {who} goes on serving", False
    best = board.losses[ALL_HORIZONS][passed].mean().idxmin()
    crowned = serve(tracking, family, best, versions[best], verdicts[best].reason)
    serves = f"version {crowned} of {serving_line(family)} ({best} version {versions[best]})"
    if str(champion.version) == crowned:
        return f"{best} passed the gate and goes on serving as {serves}", True
    return f"{best} passed the gate and serves now as {serves}: {verdicts[best].reason}", True


# ---------------------------------------------------------------------- what is told of it


def _in_words(verdict: Verdict) -> str:
    return f"{'passed' if verdict.passed else 'not passed'}: {verdict.reason}"


def _check(found: Mapping[str, Judged]) -> dg.AssetCheckResult:
    reasons = {f"{family} {name}": one.reason for family, of in found.items() for name, one in of.verdicts.items()}
    return warning(
        GATE_CHECK,
        all(one.promoted for one in found.values()),
        **{family: one.crown for family, one in found.items()},
        reasons=table(pd.DataFrame(reasons.items(), columns=["network", "in words"])),
    )


def _page(family: str, found: Judged) -> dict[str, Any]:
    """One family's part of the page; its pictures go to the active MLflow run too."""
    gates = [verdict.to_frame().assign(network=name) for name, verdict in found.verdicts.items()]
    left_out = "; ".join(f"{name}: {why}" for name, why in found.left_out.items())
    return {
        f"{family} verdict": found.crown,
        f"{family} table": table(_shown(found.table)),
        **({f"{family} gate": table(_gate(pd.concat(gates)))} if gates else {}),
        **({f"{family} left out": left_out} if left_out else {}),
        **pictures(found.pictures),
    }


def _figures(
    data: Data, board: Board, contracts: pd.DataFrame, models: Mapping[str, SmileModel]
) -> dict[str, "Figure"]:
    """The board, and the newest prediction of the best of `models` beside what came of it."""
    from vol_assets.smiles import charts

    panel, family = data.panel, data.panel.family
    best = board.losses[ALL_HORIZONS][list(models)].mean().idxmin()
    ahead, made = models[best].horizons[-1], board.losses.index.get_level_values("ts")[-1]
    at = int(np.flatnonzero(panel.ts == made.to_datetime64())[0])
    told = _between_the_smiles(contracts, panel.years[at])
    rows = charts.forecast_rows(panel, at, ahead, models[best], told)
    return {
        f"{family} leaderboard": charts.leaderboard(board),
        f"{family} newest prediction": charts.smiles(rows, made.tz_localize("UTC"), ahead, best, family),
    }


def _between_the_smiles(contracts: pd.DataFrame, years: np.ndarray) -> pd.DataFrame:
    """The contracts of expirations that smiles at `years` say something of their own of, now and a while later."""
    return contracts[contracts["years"].between(years[0] - A_DAY, years[-1] + A_DAY)]


def _gate(conditions: pd.DataFrame) -> pd.DataFrame:
    figures = [f"{figure:.4g}" if pd.notna(figure) else "" for figure in conditions["figure"]]
    shown = conditions.assign(figure=figures)
    return shown[["network", *shown.columns.drop("network")]]


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a model, the best first: what the gate judges by, then errors by horizon. The lake has the rest."""
    together = rows[rows["horizon_steps"] == ALL_HORIZONS].sort_values("loss").set_index("model")
    shown = together[["skill_best", "dm_p_holm", "skill"]].rename(
        columns={"skill_best": "skill over the best baseline", "dm_p_holm": "p (Holm)", "skill": "over persistence"}
    )
    for ahead, of_one in rows[rows["horizon_steps"] != ALL_HORIZONS].groupby("horizon_steps"):
        errors = of_one.set_index("model")
        shown[f"RMSE {ahead} ahead, vol points"] = errors["rmse"]
        shown[f"MAPE {ahead} ahead, %"] = 100.0 * errors["mape"]
    return shown.reset_index()


def _metrics(family: str, rows: pd.DataFrame) -> dict[str, float]:
    """Skill and error by model and horizon, for MLflow."""
    told = {}
    for row in rows.itertuples():
        name = f"{family}.{row.model}.{row.horizon_steps}"
        told |= {f"{name}.skill_best": row.skill_best, f"{name}.rmse": row.rmse, f"{name}.dm_p": row.dm_p}
    return {name: float(figure) for name, figure in told.items() if pd.notna(figure)}
