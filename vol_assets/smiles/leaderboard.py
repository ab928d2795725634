"""Every model on the same snapshots: the losses that the gate judges, and a table to read.

Two baselines are here and no models, as they have no smile to register: `raw`, every contract's own last vol, and
`fixed_strike`, the fitted vol that a contract has now. The others are named in `baselines`. The best baseline is the
one with the lowest loss on the very snapshots that models are judged by: it is picked with hindsight, which a model
must then beat without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.contracts.leaderboard import ALL_HORIZONS
from vol_assets.errors import ForecastError
from vol_assets.smiles.baselines import BASELINES as MODELLED
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.panel import HORIZONS, Panel
from vol_assets.smiles.scoring import Scores, held, pairs_of, predicted, quoted, score, squared_error
from vol_assets.smiles.significance import compare, skill

RAW, PERSISTENCE, FIXED_STRIKE = "raw", "persistence", "fixed_strike"
BASELINES = (RAW, FIXED_STRIKE, *MODELLED)


@dataclass(frozen=True, eq=False)
class Board:
    """What the models of one family did on the snapshots of its test.

    table: the columns of SMILE_LEADERBOARD but those of the gate, a row a (horizon, model); losses: a row a snapshot,
    indexed by (session, ts), columns (horizon_steps, model): vol points squared, for horizon 0 the mean over the
    horizons of losses divided by raw persistence's mean loss there. held: the same of each model's forecast for the
    shortest horizon, held to the longer ones; none in a family of one horizon.
    """

    family: str
    table: pd.DataFrame
    losses: pd.DataFrame
    held: pd.DataFrame

    @property
    def session(self) -> np.ndarray:
        return self.losses.index.get_level_values("session").to_numpy()

    def best_baseline(self, horizon: int = ALL_HORIZONS) -> str:
        means = self.losses[horizon].mean()
        return str(means[means.index.isin(BASELINES)].idxmin())


def leaderboard(
    panel: Panel,
    last: np.ndarray,
    models: Mapping[str, SmileModel],
    contracts: pd.DataFrame,
    true_vol: np.ndarray | None = None,
) -> Board:
    """The models of one family, on the snapshots that end the windows `last` and whose horizons are all quoted.

    models: by name, persistence among them; those in BASELINES are what the others are held against. contracts:
    CONTRACT_COLUMNS of the test's sessions; true_vol: (len(contracts),) vols without noise, on a simulated market.

    Raises ForecastError where persistence is missing, a model is of another family or horizons or says what is no
    number; ContractError where no snapshot can be scored.
    """
    horizons = HORIZONS[panel.family]
    _check(panel, models, horizons)
    last, pairs = pairs_of(panel, last, contracts, horizons, true_vol)
    scores: dict[tuple[int, str], Scores] = {}
    for ahead, of_one in pairs.items():
        scores[ahead, RAW] = score(of_one, quoted(of_one))
        scores[ahead, FIXED_STRIKE] = score(of_one, held(of_one, panel, last))
    windows, own_held = panel.windows(last), {}
    for name, model in models.items():
        said = np.asarray(model.forecast(windows), dtype=float)
        if said.shape != (len(last), len(horizons), *panel.log_vol.shape[1:]) or not np.isfinite(said).all():
            raise ForecastError(
                f"{name} was asked for finite ln vols of the shape "
                f"{(len(last), len(horizons), *panel.log_vol.shape[1:])}; it said {np.isfinite(said).sum()} finite "
                f"numbers of the shape {said.shape}, so it cannot be scored: train it anew"
            )
        for number, (ahead, of_one) in enumerate(pairs.items()):
            scores[ahead, name] = score(of_one, predicted(of_one, said[:, number]))
            if number:
                own_held[ahead, name] = squared_error(of_one, said[:, 0])
    losses, own_held = _losses(panel, last, scores), _by_snapshot(panel, last, own_held)
    counts = {ahead: len(of_one.k) for ahead, of_one in pairs.items()}
    return Board(panel.family, _table(panel.family, losses, own_held, scores, counts), losses, own_held)


def _check(panel: Panel, models: Mapping[str, SmileModel], horizons: tuple[int, ...]) -> None:
    if PERSISTENCE not in models:
        raise ForecastError(f"a leaderboard needs {PERSISTENCE} to measure skill by; it got {', '.join(models)}")
    for name, model in models.items():
        if model.family != panel.family or tuple(model.horizons) != horizons:
            raise ForecastError(
                f"{name} predicts {model.family} smiles {model.horizons} steps ahead; this is the leaderboard of "
                f"{panel.family} smiles {horizons} steps ahead"
            )


def _losses(panel: Panel, last: np.ndarray, scores: Mapping[tuple[int, str], Scores]) -> pd.DataFrame:
    horizons, names = (list(dict.fromkeys(part)) for part in zip(*scores))
    squared = {(ahead, name): scores[ahead, name].squared for ahead in horizons for name in names}
    together = {
        (ALL_HORIZONS, name): np.mean([squared[ahead, name] / squared[ahead, RAW].mean() for ahead in horizons], axis=0)
        for name in names
    }
    return _by_snapshot(panel, last, together | squared)


def _by_snapshot(panel: Panel, last: np.ndarray, columns: Mapping[tuple[int, str], np.ndarray]) -> pd.DataFrame:
    index = pd.MultiIndex.from_arrays([panel.session[last], panel.ts[last]], names=["session", "ts"])
    names = pd.MultiIndex.from_tuples(list(columns), names=["horizon_steps", "model"])
    return pd.DataFrame(np.column_stack([np.empty((len(last), 0)), *columns.values()]), index=index, columns=names)


def _table(
    family: str,
    losses: pd.DataFrame,
    own_held: pd.DataFrame,
    scores: Mapping[tuple[int, str], Scores],
    contracts: Mapping[int, int],
) -> pd.DataFrame:
    board = Board(family, pd.DataFrame(), losses, own_held)
    session = board.session
    rows = []
    for ahead, name in losses.columns:
        best = board.best_baseline(ahead)
        loss, reference = losses[ahead, name].to_numpy(), losses[ahead, best].to_numpy()
        test, gain = compare(loss, reference, session), skill(loss, reference, session)
        rows.append(
            {
                "family": family,
                "model": name,
                "horizon_steps": ahead,
                "is_baseline": name in BASELINES,
                "sessions": test.sessions,
                "snapshots": len(losses),
                "contracts": sum(contracts.values()) if ahead == ALL_HORIZONS else contracts[ahead],
                "loss": loss.mean(),
                **_measures(scores.get((ahead, name))),
                "skill": 1.0 - loss.mean() / losses[ahead, PERSISTENCE].mean(),
                "skill_then": _skill_then(scores, ahead, name),
                "skill_held": 1.0 - loss.mean() / own_held[ahead, name].mean() if (ahead, name) in own_held else np.nan,
                "best_baseline": best,
                "skill_best": gain.value,
                "skill_best_error": gain.error,
                "dm_t": test.t,
                "dm_p": test.p_better,
            }
        )
    return pd.DataFrame(rows)


def _measures(scores: Scores | None) -> dict[str, float]:
    """Columns of one model at one horizon; all null for all horizons together."""
    if scores is None:
        names = ("rmse", "mae", "mape", "vega_rmse", "rmse_true", "rmse_then")
        spreads = [f"{what}_{figure}" for what in ("butterfly", "calendar") for figure in ("share", "worst")]
        return dict.fromkeys((*names, *spreads), np.nan)
    return {
        "rmse": np.sqrt(scores.squared.mean()),
        "mae": scores.absolute.mean(),
        "mape": scores.relative.mean(),
        "vega_rmse": np.sqrt(scores.vega_squared.mean()),
        "rmse_true": np.sqrt(scores.true_squared.mean()),
        "rmse_then": np.sqrt(scores.then_squared.mean()),
        "butterfly_share": scores.butterflies.share,
        "butterfly_worst": scores.butterflies.worst,
        "calendar_share": scores.calendars.share,
        "calendar_worst": scores.calendars.worst,
    }


def _skill_then(scores: Mapping[tuple[int, str], Scores], ahead: int, name: str) -> float:
    if ahead == ALL_HORIZONS:
        return np.nan
    return 1.0 - scores[ahead, name].then_squared.mean() / scores[ahead, PERSISTENCE].then_squared.mean()
