"""The volatility models. To add one: write its `fit`, give it a name, list it in MODELS."""

from dataclasses import replace

from vol_assets.forecasting.models.boosted import XGB_21, XGB_RESIDUAL, BoostedTrees
from vol_assets.forecasting.models.ensemble import EqualWeights
from vol_assets.forecasting.models.garch import GARCH, GJR_GARCH
from vol_assets.forecasting.models.level_har import HAR
from vol_assets.forecasting.models.log_linear import GAMMA_GLM, HAR_IV_PLUS, LOG_HAR, LOG_HAR_IV, VIX
from vol_assets.forecasting.models.trailing import EWMA, PERSISTENCE

ENSEMBLE = EqualWeights("ensemble", (HAR_IV_PLUS, GAMMA_GLM, XGB_RESIDUAL))
REFERENCE = LOG_HAR_IV  # what has to be beaten

MODELS = (
    PERSISTENCE,
    EWMA,
    VIX,
    GARCH,
    GJR_GARCH,
    HAR,
    LOG_HAR,
    LOG_HAR_IV,
    HAR_IV_PLUS,
    GAMMA_GLM,
    XGB_21,
    XGB_RESIDUAL,
    ENSEMBLE,
)


def with_seed(seed: int) -> tuple[BoostedTrees | EqualWeights, ...]:
    """The models that draw random numbers, with another seed."""
    residual = replace(XGB_RESIDUAL, seed=seed)
    bases = tuple(residual if base is XGB_RESIDUAL else base for base in ENSEMBLE.bases)
    return replace(XGB_21, seed=seed), residual, replace(ENSEMBLE, bases=bases)


__all__ = [
    "ENSEMBLE",
    "EWMA",
    "GAMMA_GLM",
    "GARCH",
    "GJR_GARCH",
    "HAR",
    "HAR_IV_PLUS",
    "LOG_HAR",
    "LOG_HAR_IV",
    "MODELS",
    "PERSISTENCE",
    "REFERENCE",
    "VIX",
    "XGB_21",
    "XGB_RESIDUAL",
    "with_seed",
]
