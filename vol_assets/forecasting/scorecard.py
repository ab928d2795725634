"""The scorecard: each forecast of the ledger against what came, and whether the model that serves has lost its skill.

A forecast is scored at the close of its fifth session. Its loss is QLIKE on variance, and beside it stands the
baseline's on the same five sessions: a week that nobody could foresee costs both, and their difference little.
Rolling figures are over scored sessions, each window on its own, so that a day and a range give the same.

`degradation` asks one thing: does the model that serves do worse than the baseline, which could replace it? It looks
one way only, since doing better calls for nothing. It compares the two on the same sessions, never a month with the
month before. And it judges a model by forecasts of its own name, all its versions and its backtest together: a
retraining does not wipe the slate, and what another model did is not its fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.monitoring import SCORE_WINDOWS
from vol_assets.forecasting.comparison import diebold_mariano
from vol_assets.forecasting.frame import HORIZON, realised_vol_ahead
from vol_assets.forecasting.losses import qlike
from vol_assets.forecasting.models import REFERENCE

TAKEN = ["model", "model_version", "trained_through", "origin", "forecast_vol", "baseline_vol", "p10", "p90"]
LOSSES = ["qlike", "baseline_qlike"]

# Half a year, some 25 weeks that do not overlap: with a quarter, models that were no worse over eight years of SPY
# looked worse once or twice a year; with a whole year, one that has lost its way serves for most of it.
JUDGED_SESSIONS = 126
ENOUGH = 63  # a quarter: below it the error of the mean is itself a guess
# 5 % one-sided. Asked day after day that is more often than one time in twenty, and an alarm costs one training, whose
# result must still beat the champion. Over 2012 ... 2019 the ensemble was under alarm on 2 % of sessions, log_har
# (whose mean QLIKE is 15 % above the baseline's) on 55 %.
WORSE_T = 1.645


@dataclass(frozen=True)
class Degradation:
    """Whether the model of the newest score does worse than the baseline, and what that rests on.

    through: the newest scored session; it and `model` are None without scores. sessions: scored forecasts judged, live
    ones among them. difference: mean QLIKE less the baseline's. ratio: of the two means. t: of the difference. The
    last three are null where fewer than ENOUGH were scored.
    """

    degraded: bool
    reason: str
    model: str | None = None
    through: pd.Timestamp | None = None
    sessions: int = 0
    live: int = 0
    difference: float = np.nan
    ratio: float = np.nan
    t: float = np.nan


def score(ledger: pd.DataFrame, returns: pd.Series) -> pd.DataFrame:
    """A row for each forecast whose five sessions are over: date, forecast_date, what was forecast, what came, losses.

    ledger: rows of forecast/rv_5d. returns: SPY's daily total log returns by session. A forecast is left out while
    one of its five returns is unknown. Ordered by date, the fifth session.
    """
    ledger = ledger.sort_values("date", ignore_index=True)
    days = pd.DatetimeIndex(ledger["date"])
    if ledger.empty:
        days = sessions = pd.DatetimeIndex([])
        ahead = ends = np.array([])
    else:
        sessions = pd.DatetimeIndex(clock.sessions(days[0].date(), clock.offset(days[-1].date(), HORIZON)))
        here = sessions.get_indexer(days)
        ahead = realised_vol_ahead(returns.reindex(sessions).to_numpy(float))[here]
        ends = sessions[here + HORIZON]
    realised = pd.Series(ahead, dtype=float)
    scored = pd.DataFrame(
        {
            "date": pd.DatetimeIndex(ends).as_unit("ns"),
            "forecast_date": days.as_unit("ns"),
            **ledger[TAKEN],
            "realised": realised,
            "error": ledger["forecast_vol"] - realised,
            "inside": realised.between(ledger["p10"], ledger["p90"]),
            "qlike": qlike(realised**2, ledger["forecast_var"]),
            "baseline_qlike": qlike(realised**2, ledger["baseline_var"].astype(float)),
        }
    )
    return scored[realised.notna()].reset_index(drop=True)


def scorecard(scored: pd.DataFrame, since: pd.Timestamp | None = None) -> pd.DataFrame:
    """The rows of `score` from `since` on with their rolling figures, which look back at all rows given."""
    first = 0 if since is None else int((scored["date"] < since).sum())
    rows = scored.iloc[first:].reset_index(drop=True)
    for window in SCORE_WINDOWS:
        figures = [_figures(part, window) for part in _trailing(scored, window, first)]
        rows = rows.join(pd.DataFrame(figures, columns=list(_figures({}, window))).astype({f"live_{window}": "int64"}))
    return rows


def degradation(scored: pd.DataFrame) -> Degradation:
    """Judge the model of the newest score by its last JUDGED_SESSIONS; `scored` is ordered by date.

    Degraded if their mean QLIKE is above the baseline's with a Diebold-Mariano t (Newey-West) above WORSE_T.
    """
    scored = scored.dropna(subset=LOSSES)
    if scored.empty:
        return Degradation(False, "no forecast has been scored yet: the first is five sessions after it was made")
    model, through = str(scored["model"].iloc[-1]), scored["date"].iloc[-1]
    own = scored[scored["model"] == model].tail(JUDGED_SESSIONS)
    count, live = len(own), int((own["origin"] == "live").sum())
    if model == REFERENCE.name:
        return Degradation(False, f"{model} serves, which is the baseline itself", model, through, count, live)
    if count < ENOUGH:
        reason = f"{model} has {count} scored forecasts and is judged from {ENOUGH} on"
        return Degradation(False, reason, model, through, count, live)
    test = diebold_mariano(own["qlike"].to_numpy(), own["baseline_qlike"].to_numpy())
    ratio = float(own["qlike"].mean() / own["baseline_qlike"].mean())
    degraded = bool(test.difference > 0 and test.t > WORSE_T)
    reason = (
        f"{model} {'does worse' if degraded else 'does not do demonstrably worse'} than {REFERENCE.name}: QLIKE "
        f"{ratio:.2f} times the baseline's over the last {count} scored forecasts to {through:%Y-%m-%d}, {live} of "
        f"them live, t {test.t:.2f} (worse from {WORSE_T})"
    )
    return Degradation(degraded, reason, model, through, count, live, test.difference, ratio, test.t)


def _trailing(scored: pd.DataFrame, window: int, first: int) -> Iterator[dict[str, np.ndarray]]:
    """For each row from position `first` on, what the window that ends with it holds."""
    columns = {name: np.ascontiguousarray(scored[name], dtype=float) for name in (*LOSSES, "error", "inside")}
    columns["live"] = (scored["origin"] == "live").to_numpy(dtype=float)
    for end in range(first + 1, len(scored) + 1):
        yield {name: values[max(end - window, 0) : end] for name, values in columns.items()}


def _figures(part: Mapping[str, np.ndarray], window: int) -> dict[str, float]:
    """The rolling figures of one window, null if it is not full or a baseline is missing."""
    ratio = t = coverage = bias = np.nan
    live = int(part["live"].sum()) if part else 0
    if part and len(part["qlike"]) == window:
        coverage, bias = float(part["inside"].mean()), float(part["error"].mean())
        loss, baseline = part["qlike"], part["baseline_qlike"]
        if not np.isnan(baseline).any():
            ratio, t = float(loss.mean() / baseline.mean()), diebold_mariano(loss, baseline).t
    return {
        f"qlike_ratio_{window}": ratio,
        f"worse_t_{window}": t,
        f"coverage_{window}": coverage,
        f"bias_{window}": bias,
        f"live_{window}": live,
    }
