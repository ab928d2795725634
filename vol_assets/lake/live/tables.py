"""What the live store's tables are, as plain data: columns, keys and what no row may hold.

Every key begins with `ts`, since TimescaleDB demands the time in every unique index, and names what a row is about and
nothing that a second run might find otherwise: storing the same again changes nothing. So a prediction's key says what
was predicted when, not by which model. Instants are UTC, vols decimals a year, prices USD a share.

Column types are those of the contracts of the lake (`datetime64[ns]` is a date).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vol_assets.contracts.chains import RIGHTS
from vol_assets.contracts.live import COVARIATES, LIVE_SOURCES, MARKET_DATA_TYPES, NODE_COLUMNS

INSTANT, DATE, INTEGER, NUMBER, TEXT, TRUTH = (
    "datetime64[us, UTC]",
    "datetime64[ns]",
    "int64",
    "float64",
    "str",
    "bool",
)


@dataclass(frozen=True, eq=False)
class Table:
    """One table. Rows are upserted by `key`.

    nullable: columns that may be null. positive: those that are above zero where they are not null. any_of: columns of
    which one at least is not null. allowed: the words a column may hold. outcome: a column that writing leaves null and
    that, once filled, makes the row final.
    """

    name: str
    dtypes: dict[str, str]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()
    any_of: tuple[str, ...] = ()
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outcome: str | None = None

    @property
    def written(self) -> list[str]:
        """The columns of the frames that are written."""
        return [name for name in self.dtypes if name != self.outcome]


CONTRACT = {"expiration": DATE, "strike": NUMBER, "right": TEXT}
GREEKS = ("ib_vol", "ib_delta", "ib_gamma", "ib_vega", "ib_theta")

QUOTES = Table(
    name="spy_option_chain",
    dtypes={
        "ts": INSTANT,
        "quote_time": INSTANT,
        "con_id": INTEGER,
        **CONTRACT,
        **dict.fromkeys(("bid", "ask", "bid_size", "ask_size", "underlying", *GREEKS), NUMBER),
        "market_data_type": TEXT,
        "source": TEXT,
        "own_vol": NUMBER,
    },
    key=("ts", "con_id"),
    nullable=frozenset({"bid", "ask", "bid_size", "ask_size", "underlying", *GREEKS, "own_vol"}),
    positive=frozenset({"strike", "bid", "ask", "underlying", "ib_vol", "own_vol"}),
    any_of=("bid", "ask"),
    allowed={"right": RIGHTS, "market_data_type": MARKET_DATA_TYPES, "source": LIVE_SOURCES},
)

FEATURES = Table(
    name="option_features",
    dtypes={
        "ts": INSTANT,
        "con_id": INTEGER,
        **CONTRACT,
        **dict.fromkeys(
            (
                "log_moneyness",
                "years",
                "forward",
                "hour_sin",
                "hour_cos",
                "minutes_since_open",
                "spot_return",
                "right_enc",
                "implied_vol",
                "vega",
                "bid_vol",
                "ask_vol",
            ),
            NUMBER,
        ),
    },
    key=("ts", "con_id"),
    nullable=frozenset({"spot_return", "implied_vol", "vega", "bid_vol", "ask_vol"}),
    positive=frozenset({"strike", "forward", "years", "implied_vol", "bid_vol", "ask_vol"}),
    allowed={"right": RIGHTS},
)

STATES = Table(
    name="smile_state",
    dtypes={
        "ts": INSTANT,
        "rank": INTEGER,
        "expiration": DATE,
        **dict.fromkeys(("years", "forward", *NODE_COLUMNS, *COVARIATES), NUMBER),
    },
    key=("ts", "expiration"),
    nullable=frozenset({"spot_return"}),
    positive=frozenset({"years", "forward"}),
)

PREDICTIONS = Table(
    name="predicted_smile",
    dtypes={
        "ts": INSTANT,
        "target_ts": INSTANT,
        "family": TEXT,
        "horizon_steps": INTEGER,
        **CONTRACT,
        "predicted_vol": NUMBER,
        "model": TEXT,
        "model_version": TEXT,
        "flagged": TRUTH,
        "realised_vol": NUMBER,
    },
    key=("ts", "family", "horizon_steps", "expiration", "strike", "right"),
    nullable=frozenset({"realised_vol"}),
    positive=frozenset({"strike", "predicted_vol", "realised_vol"}),
    allowed={"right": RIGHTS},
    outcome="realised_vol",
)

TABLES = {table.name: table for table in (QUOTES, FEATURES, STATES, PREDICTIONS)}
OUTCOME_KEY = ("family", "target_ts", "expiration", "strike", "right")  # what a realised vol belongs to
