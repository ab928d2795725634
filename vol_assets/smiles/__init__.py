"""The live smile: quotes of a poll to features, features to the state of its smiles, and a state to vols again.

features: a row a contract. state: log vols at fixed stdevs from the forward, what the networks predict.
"""

from vol_assets.smiles.features import FEATURE_COLUMNS, Featured, features, features_of_polls, session_clock
from vol_assets.smiles.state import (
    COVARIATES,
    NODE_COLUMNS,
    NODES,
    STATE_COLUMNS,
    TENOR_DAYS,
    SmileState,
    daily_state,
    input_names,
    live_state,
    live_states,
    smile_vols,
    state_rows,
    states_of,
)

__all__ = [
    "COVARIATES",
    "FEATURE_COLUMNS",
    "NODES",
    "NODE_COLUMNS",
    "STATE_COLUMNS",
    "TENOR_DAYS",
    "Featured",
    "SmileState",
    "daily_state",
    "features",
    "features_of_polls",
    "input_names",
    "live_state",
    "live_states",
    "session_clock",
    "smile_vols",
    "state_rows",
    "states_of",
]
