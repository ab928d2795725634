"""live/history and live/states: what a session's polls saw, a row a (bucket, contract), and its smiles, a row a smile.

The history is the store's quotes as they were polled, with the features of the same bucket as they were served, so that
a training sees what the predictor saw; what follows from other columns is left out. Quotes of the gateway's simulator
have the same form and say so in `source`. The states are those of every bucket's live quotes.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from vol_assets import clock
from vol_assets.contracts.chains import RIGHTS
from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK

MARKET_DATA_TYPES = ("live", "frozen", "delayed", "delayed_frozen")
LIVE_SOURCES = ("ibkr", "simulator")
STATE_NODES = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)  # at-the-money stdevs from the forward
NODE_COLUMNS = tuple(f"log_vol_{node:+.1f}" for node in STATE_NODES)
COVARIATES = ("hour_sin", "hour_cos", "minutes_since_open", "spot_return")
STATE_COLUMNS = ("ts", "rank", "expiration", "years", "forward", *NODE_COLUMNS, *COVARIATES)
# The features that the history keeps, and what they are called there: the others follow from its other columns.
SERVED = {"implied_vol": "own_vol"} | {name: name for name in ("bid_vol", "ask_vol", "forward", "years", *COVARIATES)}
POSITIVE = pa.Check.gt(0, error="above 0")
SIZE = pa.Check.ge(0, error="at least 0")


def _on_its_session(frame: pd.DataFrame) -> pd.Series:
    return frame["ts"].dt.tz_convert(clock.NEW_YORK).dt.tz_localize(None).dt.normalize() == frame["date"]


ON_ITS_SESSION = pa.Check(_on_its_session, name="ts on the session's day", error="ts on the session's day")


def _price(what: str, *, unit: str = "USD a share") -> pa.Column:
    return column("float64", what, POSITIVE, unit=unit, nullable=True)


def _vol(what: str) -> pa.Column:
    return column("float64", what, POSITIVE, unit="decimal a year", nullable=True)


def _size(side: str) -> pa.Column:
    return column("float64", f"contracts {side}", SIZE, unit="contracts", nullable=True)


def covariates(*, nullable: bool) -> dict[str, pa.Column]:
    """The columns of COVARIATES; spot_return may be null in any case."""
    circle = "of New York's hour on a circle of 24"
    return {
        "hour_sin": column("float64", f"sine {circle}", unit="ratio", nullable=nullable),
        "hour_cos": column("float64", f"cosine {circle}", unit="ratio", nullable=nullable),
        "minutes_since_open": column("float64", "time since the open", unit="minutes", nullable=nullable),
        "spot_return": column(
            "float64", "log return of the share since the open; null: unknown", unit="log", nullable=True
        ),
    }


def _greek(what: str, unit: str) -> pa.Column:
    return column("float64", f"IB's model {what}", unit=unit, nullable=True)


LIVE_HISTORY = Contract(
    key=("live", "history"),
    description="SPY's quotes as polled through the session, a row a bucket and contract, with implied vols.",
    columns={
        "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
        "ts": column("datetime64[us, UTC]", "start of the bucket in which the poll began", unit="UTC"),
        "quote_time": column("datetime64[us, UTC]", "the instant of the contract's last tick", unit="UTC"),
        "con_id": column("int64", "IB's number of the contract"),
        "expiration": column("datetime64[ns]", "last day of trading"),
        "strike": column("float64", "strike", POSITIVE, unit="USD"),
        "right": column("str", "C or P", pa.Check.isin(RIGHTS, error="C or P")),
        "bid": _price("best bid; null: none"),
        "ask": _price("best ask; null: none"),
        "bid_size": _size("bid for"),
        "ask_size": _size("offered"),
        "underlying": _price("price of the share at the poll", unit="USD"),
        "ib_vol": _vol("IB's model vol"),
        "ib_delta": _greek("delta", "USD per USD"),
        "ib_gamma": _greek("gamma", "delta per USD"),
        "ib_vega": _greek("vega", "USD per .01 of vol"),
        "ib_theta": _greek("theta", "USD a day"),
        "market_data_type": column(
            "str",
            "how fresh IB says the quote is",
            pa.Check.isin(MARKET_DATA_TYPES, error="live, frozen, delayed or delayed_frozen"),
        ),
        "source": column("str", "ibkr or simulator", pa.Check.isin(LIVE_SOURCES, error="ibkr or simulator")),
        "own_vol": _vol("European vol of the mid, by the features; null: none"),
        "bid_vol": _vol("of the bid; null: worth no more than exercise"),
        "ask_vol": _vol("of the ask"),
        "forward": _price("forward of the expiration", unit="USD"),
        "years": _price("from the poll to the expiration's close", unit="years"),
        **covariates(nullable=True),
    },
    unique=("ts", "expiration", "strike", "right"),
    checks=(
        ON_ITS_SESSION,
        pa.Check(
            lambda frame: frame["bid"].notna() | frame["ask"].notna(), name="a bid or an ask", error="a bid or an ask"
        ),
    ),
)

LIVE_STATES = Contract(
    key=("live", "states"),
    description="SPY's smiles through the session, a row a bucket and expiration: fitted vols at fixed stdevs.",
    columns={
        "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
        "ts": column("datetime64[us, UTC]", "start of the bucket", unit="UTC"),
        "rank": column("int64", "number of the expiration by time, from 0", SIZE),
        "expiration": column("datetime64[ns]", "last day of trading"),
        "years": column("float64", "from the poll to the expiration's close", POSITIVE, unit="years"),
        "forward": column("float64", "forward of the expiration", POSITIVE, unit="USD"),
        **{
            name: column("float64", f"ln of the vol at {node:+.1f} stdevs from the forward", unit="ln of a decimal")
            for name, node in zip(NODE_COLUMNS, STATE_NODES)
        },
        **covariates(nullable=False),
    },
    unique=("ts", "expiration"),
    checks=(ON_ITS_SESSION,),
)
