"""The posterior's variance: implied and realised, weighted by how wrong each has been (Bates and Granger 1969).

At 21 sessions, where an index of implied variance has a past, both forecasts are held against what came:

    e1 = ln realised - ln implied, e2 = ln realised - ln HAR out of sample, means removed
    w = (s2^2 - s12) / (s1^2 + s2^2 - 2 s12), kept in [0, 1]

is the weight on the implied variance for which w e1 + (1 - w) e2 varies least. The implied variance is first scaled by
mean realised over mean implied, which takes its premium out; HAR is scaled to realised variance as it is fitted. The
weight serves every horizon; the scale the variance of the first 91 days, for a premium measured at a month says little
of what options price beyond. With too little past the weight is 1/2 and nothing is scaled.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from vol_assets.gold.har import out_of_sample
from vol_assets.gold.report import Blend

GVZ_SESSIONS = 21
GVZ_YEARS = 30 / 365  # the index is a vol over 30 calendar days
LEAST_ERRORS = 504
PREMIUM_YEARS = 91 / 365  # a premium measured at a month says little beyond a quarter


def equal_blend(realised_source: str, errors: int = 0) -> Blend:
    """Half each, no premium removed; `errors` is how many past forecasts there were, too few to learn from."""
    return Blend(
        implied_weight=0.5,
        implied_scale=1.0,
        source="equal",
        realised_source=realised_source,
        errors=errors,
        independent=errors / GVZ_SESSIONS,
        implied_error=None,
        realised_error=None,
        correlation=None,
    )


def learn_blend(returns: pd.Series, variances: pd.Series | None, gvz: pd.Series | None, realised_source: str) -> Blend:
    """Daily log returns, variances (decimal^2 a session) and GVZ (decimal a year) by session -> weight and scale.

    Equal unless `realised_source` is har, whose errors these are, and there are 504 of them.
    """
    if variances is None or gvz is None or realised_source != "har":
        return equal_blend(realised_source)
    past = out_of_sample(returns, variances, GVZ_SESSIONS)
    past["implied"] = np.square(gvz.reindex(past.index)) * GVZ_YEARS
    past = past.dropna()
    if len(past) < LEAST_ERRORS:
        return equal_blend(realised_source, len(past))
    logs = np.log(past)
    implied, realised = logs["realised"] - logs["implied"], logs["realised"] - logs["forecast"]
    weight, covariance = precision_weight(implied.to_numpy(), realised.to_numpy())
    (s1, s2), s12 = np.sqrt(np.diag(covariance)).tolist(), covariance[0, 1]
    return Blend(
        implied_weight=weight,
        implied_scale=float(past["realised"].mean() / past["implied"].mean()),
        source="precision",
        realised_source=realised_source,
        errors=len(past),
        independent=len(past) / GVZ_SESSIONS,
        implied_error=s1,
        realised_error=s2,
        correlation=float(s12 / (s1 * s2)) if s1 * s2 > 0 else None,
    )


def precision_weight(first: np.ndarray, second: np.ndarray) -> tuple[float, np.ndarray]:
    """Weight on the first of two forecasts from their errors (n,), in [0, 1], and the errors' covariance (2, 2).

    1/2 where the errors are the same but for their mean.
    """
    covariance = np.cov(first, second)
    apart = covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1]
    if apart <= 1e-12 * np.trace(covariance):
        return 0.5, covariance
    return float(np.clip((covariance[1, 1] - covariance[0, 1]) / apart, 0.0, 1.0)), covariance


def posterior_variance(
    implied_total: np.ndarray, realised_total: np.ndarray, years: np.ndarray, blend: Blend
) -> tuple[np.ndarray, np.ndarray]:
    """Total variances (h,) of the log return to `years` (h,) -> the blend (h,), and where it was levelled in time.

    Levelling is isotonic least squares: a blend that falls with time is averaged with its neighbours until none does.
    """
    implied, weight = np.asarray(implied_total, dtype=float), blend.implied_weight
    years = np.asarray(years, dtype=float)
    first = np.argsort(years, kind="stable")
    to_reach = np.interp(PREMIUM_YEARS, np.append(0.0, years[first]), np.append(0.0, implied[first]))
    early = np.where(years <= PREMIUM_YEARS, implied, np.minimum(implied, to_reach))
    without_premium = implied - (1.0 - blend.implied_scale) * early
    blended = weight * without_premium + (1.0 - weight) * np.asarray(realised_total)
    order = np.lexsort((blended, years))
    variance = np.empty(len(blended))
    variance[order] = isotonic_regression(blended[order]).x
    return variance, ~np.isclose(variance, blended, rtol=1e-9, atol=0.0)
