"""The live smile: quotes of a poll to features, features to the state of its smiles, and a state to vols again.

features: a row a contract. state: log vols at fixed stdevs from the forward, what the networks predict.
"""

from vol_assets.smiles.features import FEATURE_COLUMNS, Featured, features, session_clock
from vol_assets.smiles.state import (
    COVARIATES,
    NODES,
    TENOR_DAYS,
    SmileState,
    daily_state,
    input_names,
    live_state,
    smile_vols,
)

__all__ = [
    "COVARIATES",
    "FEATURE_COLUMNS",
    "NODES",
    "TENOR_DAYS",
    "Featured",
    "SmileState",
    "daily_state",
    "features",
    "input_names",
    "live_state",
    "session_clock",
    "smile_vols",
]
