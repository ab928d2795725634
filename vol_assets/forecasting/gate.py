"""The gate: may a challenger take the crown? Judged on the purged walk-forward, on sessions whose outcome is known.

    sessions        enough of them, and a forecast that can be scored on each
    reference       QLIKE below the reference's, and hardly by luck
    slope           what came moves one to one with what was forecast
    coverage        p10 ... p90 holds four outcomes in five
    champion        not worse than the champion on the same sessions

The burden of proof lies with the challenger against the reference, and with whoever objects against the champion.
Retraining one recipe on a month more of data, or on corrected ones, moves its losses by next to nothing in a
direction of chance: were the challenger asked to beat the champion, a stale model would serve for ever. So it is
turned away only if it is worse by more than can be neglected, and hardly by bad luck. Nor can a row of challengers,
each a little worse, creep down: every one of them has beaten the same reference.

A feature outside its training range is no condition here: it is a matter of one session, flagged when serving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.forecasting.comparison import diebold_mariano, mean_with_error, mincer_zarnowitz
from vol_assets.forecasting.losses import qlike
from vol_assets.forecasting.models import REFERENCE

# A year: 50 outcomes that do not overlap. Below, the tests pass almost anything or almost nothing.
MIN_SESSIONS = 250
# One-sided. A model 4 % better than the reference (HAR with term structure and leverage on SPY, 2015 to 2026, has
# t = -2.2) takes some four years of sessions to show it at this level; at 0.01 it would take more than ten.
LUCK = 0.10
# A forecast 15 % too jumpy, or too timid, is what a trader would scale by hand; but a short history cannot tell even
# a right one's slope that closely, hence the errors beside it.
SLOPE = (0.85, 1.15)
COVERAGE = 0.80  # of p10 ... p90
COVERAGE_MARGIN = 0.04  # tails of 12 % that are said to be 10 %: nobody would act otherwise
ERRORS = 2.0  # standard errors (Newey-West) within which a figure is not told from the right one
# Of the champion's QLIKE. Without it a difference of no use to anybody, but in one direction on every session (the
# prices re-based, say), would be beyond doubt and block a retraining. Models worth telling apart differ by 3 to 8 %.
NEGLIGIBLE = 0.01
ROUNDING = 1e-12  # 0.80 - 0.76 is a little above 0.04 in floating point

NUMBERS = ["forecast_vol", "forecast_var", "p10", "p90"]


@dataclass(frozen=True)
class Condition:
    """One condition: figure is null where it could not be measured."""

    name: str
    passed: bool
    figure: float
    limit: str
    in_words: str


@dataclass(frozen=True)
class Verdict:
    """Passed if every condition is."""

    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        return all(condition.passed for condition in self.conditions)

    @property
    def reason(self) -> str:
        """In one line: all that speaks for it, or what speaks against it."""
        return "; ".join(condition.in_words for condition in self.conditions if condition.passed == self.passed)

    def to_frame(self) -> pd.DataFrame:
        """A row a condition: condition, figure, limit, passed, in words."""
        rows = [(c.name, c.figure, c.limit, "yes" if c.passed else "NO", c.in_words) for c in self.conditions]
        return pd.DataFrame(rows, columns=["condition", "figure", "limit", "passed", "in words"])


def judge(
    backtest: pd.DataFrame,
    name: str,
    *,
    reference: str = REFERENCE.name,
    champion: pd.DataFrame | None = None,
) -> Verdict:
    """Whether the model `name` of a backtest may be champion.

    Parameters
    ----------
    backtest : forecast/rv_backtest: a row a (date, model).
    reference : the model of the backtest that has to be beaten.
    champion : the champion's own walk-forward as it was when it was registered (date, forecast_vol, forecast_var,
        p10, p90). It is scored on the outcomes of `backtest`, so that corrected prices count for both alike. None if
        there is no champion; sessions in common below MIN_SESSIONS make the two not comparable, which passes.

    With too few sessions nothing else is measured, and it has not passed.
    """
    challenger = _rows(backtest, name)
    bar = _rows(backtest, reference)
    both = challenger[challenger.index.isin(bar.index[_scorable(bar)]) & challenger["realised"].notna()]
    sessions = _enough_sessions(both, name, reference)
    if not sessions.passed:
        return Verdict((sessions,))
    loss = _losses(both, both["realised"])
    return Verdict(
        (
            sessions,
            _beats(loss, _losses(bar.loc[both.index], both["realised"]), reference),
            _slope(both),
            _coverage(both),
            _not_worse(pd.Series(loss, both.index), both["realised"], champion),
        )
    )


def _enough_sessions(both: pd.DataFrame, name: str, reference: str) -> Condition:
    n, unscored = len(both), int((~_scorable(both)).sum())
    if unscored:
        words = f"{unscored} of {n} sessions have a forecast by {name} that cannot be scored (null, or variance 0)"
    else:
        words = f"{n} sessions forecast by both {name} and {reference} have their outcome"
        if n < MIN_SESSIONS:
            words += f", which is too few to judge by: {MIN_SESSIONS} are needed, run the backtest on a longer history"
    return Condition("sessions", n >= MIN_SESSIONS and not unscored, float(n), f"at least {MIN_SESSIONS}", words)


def _beats(loss: np.ndarray, bar: np.ndarray, reference: str) -> Condition:
    ratio = _ratio(loss, bar)
    p = diebold_mariano(loss, bar).p_better
    return Condition(
        "reference",
        bool(ratio < 1 and p < LUCK),
        ratio,
        f"below 1, with p below {LUCK:.2f}",
        f"QLIKE is {ratio:.3f} of {reference}'s (p {p:.3f} by Diebold and Mariano, one-sided)",
    )


def _slope(both: pd.DataFrame) -> Condition:
    fit = mincer_zarnowitz(both["realised"].to_numpy(), both["forecast_vol"].to_numpy())
    low, high = SLOPE
    within = low - ROUNDING <= fit.slope <= high + ROUNDING or abs(fit.slope - 1) <= ERRORS * fit.slope_error
    return Condition(
        "slope",
        bool(within),
        fit.slope,
        f"{low:.2f} ... {high:.2f}, or 1 within {ERRORS:.0f} errors of it",
        f"Mincer-Zarnowitz slope of volatility {fit.slope:.2f} +- {fit.slope_error:.2f}",
    )


def _coverage(both: pd.DataFrame) -> Condition:
    inside = mean_with_error(both["realised"].between(both["p10"], both["p90"]).to_numpy(float))
    margin = max(COVERAGE_MARGIN, ERRORS * inside.error)
    return Condition(
        "coverage",
        bool(abs(inside.value - COVERAGE) <= margin + ROUNDING),
        inside.value,
        f"{COVERAGE - margin:.3f} ... {COVERAGE + margin:.3f}",
        f"p10 ... p90 held {inside.value:.1%} of the outcomes",
    )


def _not_worse(loss: pd.Series, realised: pd.Series, champion: pd.DataFrame | None) -> Condition:
    limit = f"p at least {LUCK:.2f} of being worse by over {NEGLIGIBLE:.0%}"
    if champion is None:
        return Condition("champion", True, np.nan, limit, "there is no champion to compare with")
    crowned = champion.set_index("date")
    crowned = crowned[_scorable(crowned) & ~crowned.index.duplicated()]
    common = loss.index[loss.index.isin(crowned.index)]
    if len(common) < MIN_SESSIONS:
        words = (
            f"not comparable with the champion: {len(common)} sessions in common with its walk-forward, "
            f"{MIN_SESSIONS} are needed"
        )
        return Condition("champion", True, np.nan, limit, words)
    mine, its = loss[common].to_numpy(), _losses(crowned.loc[common], realised[common])
    p_worse = 1 - diebold_mariano(mine, (1 + NEGLIGIBLE) * its).p_better
    return Condition(
        "champion",
        bool(p_worse >= LUCK),
        p_worse,
        limit,
        f"QLIKE is {_ratio(mine, its):.3f} of the champion's on {len(common)} sessions "
        f"(p {p_worse:.3f} of being worse by over {NEGLIGIBLE:.0%})",
    )


def _rows(backtest: pd.DataFrame, name: str) -> pd.DataFrame:
    return backtest.loc[backtest["model"] == name, ["date", "realised", *NUMBERS]].set_index("date").sort_index()


def _scorable(rows: pd.DataFrame) -> np.ndarray:
    """Which rows have every number, and a variance that QLIKE exists of."""
    return np.isfinite(rows[NUMBERS].to_numpy(float)).all(axis=1) & (rows["forecast_var"] > 0).to_numpy()


def _losses(rows: pd.DataFrame, realised: pd.Series) -> np.ndarray:
    return qlike(realised.to_numpy() ** 2, rows["forecast_var"].to_numpy())


def _ratio(loss: np.ndarray, bar: np.ndarray) -> float:
    return float(loss.mean() / bar.mean()) if bar.mean() > 0 else np.nan
