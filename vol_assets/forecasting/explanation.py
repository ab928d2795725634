"""Why the forecast is what it is: its terms, in units of log volatility.

A forecast is exp of a sum (`models.additive`), and the sum is taken apart exactly:

    ln E[vol] = base + sum_i slope_i (x_i - mean_i) + sum_j weight_j SHAP_j

The line's part of an input is its slope times how far it is from its training mean (nothing, where an optional input
is missing); the trees' parts are SHAP values (Lundberg et al. 2020, Nature Machine Intelligence 2, 56-67),
path-dependent. The base holds the intercept, the line at the means, the trees' average output and the smearing factor:
the forecast of an average session. exp(part) is the factor by which a term raised or lowered the forecast.

SHAP values of the trees alone would call correlations and drawdowns the drivers of a forecast that is nine tenths VIX
and ranges; hence both kinds of term together.

It is the present model that is explained, over any sessions. Of those it was trained on, it says what this model would
have said then, in sample; what was said then, the ledger has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import input_array
from vol_assets.forecasting.models.additive import Trees
from vol_assets.forecasting.rv_model import RvForecaster

# XGBoost adds trees in float32: 150 of them around -2 miss the exact sum by up to 2.5e-6 of log volatility.
ROUNDING = 1e-5
LINEAR, TREES = "linear", "trees"
OTHERS = "others"


@dataclass(frozen=True)
class Explanation:
    """The terms of some forecasts.

    terms: (sessions x inputs), the part of each input in ln E[vol], linear and trees' parts added where an input has
    both. base: ln E[vol] of an average session. forecast_vol: E[vol] (sessions,), exp(base + terms.sum(axis=1)).
    values: the inputs themselves, null where an optional one is missing. kinds: which terms are "linear", "trees", or
    "linear + trees". trained_through: the last training session; up to it forecasts are in sample.
    """

    terms: pd.DataFrame
    base: float
    forecast_vol: pd.Series
    values: pd.DataFrame
    kinds: dict[str, str]
    trained_through: pd.Timestamp

    def last(self, sessions: int) -> Explanation:
        """The same of the last sessions only."""
        cut = slice(-sessions, None)
        return replace(self, terms=self.terms[cut], forecast_vol=self.forecast_vol[cut], values=self.values[cut])

    def importance(self) -> pd.Series:
        """Mean |part| of each input over the sessions, largest first: how much it moves the log forecast."""
        mean = self.terms.abs().mean().sort_values(ascending=False, kind="stable")
        return mean.rename("mean_abs").rename_axis("term")

    def importance_by_year(self) -> pd.DataFrame:
        """Mean |part|, inputs down and calendar years across, most important first.

        The model is one and the same: years differ by what its inputs did. Null where an optional input was missing
        all year.
        """
        yearly = self.terms.abs().where(self.values.notna()).groupby(self.terms.index.year).mean().T
        return yearly.loc[self.importance().index].rename_axis(index="term", columns="year")

    def importance_by_kind(self) -> pd.Series:
        """Mean |sum of the parts| of the linear terms together and of the trees' together."""
        together = self.terms.T.groupby(pd.Series(self.kinds), sort=False).sum().T
        return together.abs().mean().rename("mean_abs").rename_axis("kind")

    def why(self, session: pd.Timestamp, top: int = 10) -> pd.DataFrame:
        """One forecast from the average one, a row a term: `value` of the input and `part`, largest |part| first.

        Beyond the `top` terms, the last row is the sum of all others and has no value.
        """
        parts = self.terms.loc[session].rename("part")
        order = parts.abs().sort_values(ascending=False, kind="stable").index
        steps = pd.concat([self.values.loc[session].rename("value"), parts], axis=1).loc[order[:top]]
        if len(order) > top:
            steps.loc[OTHERS] = {"value": np.nan, "part": parts[order[top:]].sum()}
        return steps.rename_axis("term")

    def rows(self) -> pd.DataFrame:
        """forecast/rv_explanation: a row a (date, term)."""
        sessions, terms = self.terms.shape
        return pd.DataFrame(
            {
                "date": self.terms.index.repeat(terms),
                "term": np.tile(self.terms.columns, sessions),
                "kind": np.tile([self.kinds[name] for name in self.terms.columns], sessions),
                "value": self.values.to_numpy(float).ravel(),
                "contribution": self.terms.to_numpy(float).ravel(),
                "base": self.base,
                "forecast_vol": self.forecast_vol.to_numpy(float).repeat(terms),
                "trained_through": self.trained_through,
            }
        )


def explain(forecaster: RvForecaster, frame: pd.DataFrame) -> Explanation:
    """The terms of every row's forecast, which they add up to.

    A ForecastError names sessions whose inputs are null, or says by how much trees' SHAP values miss their output.
    """
    level = forecaster.fitted.level
    optional = level.optional.columns if level.optional else ()
    columns = list(dict.fromkeys((*level.inputs, *optional)))
    means = np.array([forecaster.feature_means[name] for name in level.columns])
    slopes = np.array(level.line.slopes)
    terms = pd.DataFrame(0.0, index=frame.index, columns=columns)
    terms[list(level.columns)] = slopes * (input_array(frame, level.columns) - means)
    base = level.line.intercept + float((slopes * means).sum()) + float(np.log(forecaster.fitted.calibration.vol))
    for part in level.trees:
        values, average = _shap(part, frame)
        terms[list(part.columns)] += part.weight * values
        base += part.weight * average
    if level.optional:
        terms[list(optional)] += level.optional.terms(frame)
    of_trees = {name for part in level.trees for name in part.columns}
    kinds = {
        name: " + ".join(
            kind for kind, names in ((LINEAR, level.columns + optional), (TREES, of_trees)) if name in names
        )
        for name in columns
    }
    vol = pd.Series(forecaster.forecast(frame).vol, frame.index, name="forecast_vol")
    return Explanation(terms, base, vol, frame.reindex(columns=columns), kinds, forecaster.trained_through)


def _shap(part: Trees, frame: pd.DataFrame) -> tuple[np.ndarray, float]:
    """SHAP values (sessions, columns) of a booster and its average output.

    By shap.TreeExplainer on the booster's own trees. What float32 rounds off the booster's output is spread over the
    values in proportion, so that terms add up to the forecast that was made.
    """
    import shap

    found = shap.TreeExplainer(part.booster)(pd.DataFrame(input_array(frame, part.columns), columns=list(part.columns)))
    values, average = found.values.astype(float), float(found.base_values[0])
    rounded_off = part.margin(frame) - (values.sum(axis=1) + average)
    if np.abs(rounded_off).max() > ROUNDING:
        worst = int(np.abs(rounded_off).argmax())
        raise ForecastError(
            f"the SHAP values of {frame.index[worst]:%Y-%m-%d} miss the trees' output by {rounded_off[worst]:.1e} "
            f"(rounding allows {ROUNDING:.0e}); use the xgboost of pyproject.toml, or train anew"
        )
    size = np.abs(values)
    share = size / np.maximum(size.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return values + rounded_off[:, None] * share, average
