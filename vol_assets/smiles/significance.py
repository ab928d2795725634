"""Is one model of smiles better than another, or was it luck: tests on a loss a session.

Losses of neighbouring snapshots share nine tenths of a horizon of ten steps, and a session's all share its weather:
how wild it was, how wide its quotes, which way its smile leant. Newey-West lags over snapshots that cover the horizon
miss the second, and lags as long as a session leave too few sessions to estimate that many. So the sessions are what is
counted: losses are summed by session, and what the sums of neighbouring sessions may still share, the market's regime,
is covered by a few lags and paid for by the small-sample factor of Harvey, Leybourne and Newbold of such a horizon.
In the daily family a snapshot is a session.

Size of the one-sided test, measured on sessions of 371 snapshots with overlap over ten steps, Student's t innovations,
variance clustered over sessions and U-shaped within them. At 5 %, and at 1.25 %, the first step of Holm among four:

    10, 20, 40, 60 sessions                      at 5 %                at 1.25 %
    two forecasts, equally far off               2.5  4.0  3.7  3.6     .5   .6   .7   .3
    a signal taken for twice what it is          2.9  3.5  4.4  5.6     .6   .7   .6  1.1
    the same, and a session's luck is skewed     4.5  4.9  4.8  6.3    1.2  1.4  1.5   .6
    the same, skewed the other way               1.8  2.4  3.2  3.0     .3   .2   .5   .6
    the same, luck that lasts (.5 a session)     5.9  6.2  6.2  5.4    1.7  2.0  2.1  1.6

Newey-West over snapshots with ten lags has 7 to 18 % in place of 5 on all but the last, and 26 to 28 % there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vol_assets.forecasting.comparison import DieboldMariano, Estimate, diebold_mariano, ratio_with_error

LEAST_LAGS = 3  # sessions


def compare(loss: np.ndarray, reference: np.ndarray, session: np.ndarray) -> DieboldMariano:
    """Diebold and Mariano's test of losses a snapshot (m,) of the sessions (m,); its `sessions` are what it counts.

    Null where there are fewer than 2 * (LEAST_LAGS + 1) sessions.
    """
    loss, reference = (_by_session(of_one, session) for of_one in (loss, reference))
    lags = _lags(len(loss))
    return diebold_mariano(loss, reference, horizon=lags + 1, lags=lags)


def skill(loss: np.ndarray, reference: np.ndarray, session: np.ndarray) -> Estimate:
    """1 - mean loss / mean loss of the reference, and its standard error; the error is null for few sessions."""
    loss, reference = (_by_session(of_one, session) for of_one in (loss, reference))
    ratio = ratio_with_error(loss, reference, _lags(len(loss)))
    return Estimate(1.0 - ratio.value, ratio.error)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values (Holm 1979, Scand. J. Statist. 6, 65-70): below a level, all of them are below it together.

    The k-th smallest of n is multiplied by n + 1 - k, and no smaller than those before it. A null counts as 1.
    """
    ordered = sorted(p_values, key=lambda name: np.nan_to_num(p_values[name], nan=1.0))
    adjusted: dict[str, float] = {}
    least = 0.0
    for rank, name in enumerate(ordered):
        least = max(least, min((len(ordered) - rank) * float(np.nan_to_num(p_values[name], nan=1.0)), 1.0))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def _lags(sessions: int) -> int:
    """More of them where there are sessions to estimate them from."""
    return max(LEAST_LAGS, int(np.cbrt(sessions)))


def _by_session(loss: np.ndarray, session: np.ndarray) -> np.ndarray:
    """The sum of the losses of each session, in units that make their mean that of the snapshots."""
    _, number = np.unique(session, return_inverse=True)
    sums = np.bincount(number, loss)
    return sums * (len(sums) / len(loss))
