"""live/history: what the live store gathered in a session, a row a (bucket, contract): quotes and implied vols.

It is the store's quotes as they were polled, with the forward that the features of the same bucket rest on, so that a
training sees what the predictor saw. Quotes of the gateway's simulator have the same form and say so in `source`.
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
POSITIVE = pa.Check.gt(0, error="above 0")
SIZE = pa.Check.ge(0, error="at least 0")


def _on_its_session(frame: pd.DataFrame) -> pd.Series:
    return frame["ts"].dt.tz_convert(clock.NEW_YORK).dt.tz_localize(None).dt.normalize() == frame["date"]


def _price(what: str, *, unit: str = "USD a share") -> pa.Column:
    return column("float64", what, POSITIVE, unit=unit, nullable=True)


def _size(side: str) -> pa.Column:
    return column("float64", f"contracts {side}", SIZE, unit="contracts", nullable=True)


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
        "ib_vol": _price("IB's model vol", unit="decimal a year"),
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
        "own_vol": _price("implied vol of the mid", unit="decimal a year"),
        "forward": _price("forward of the expiration in the features of the bucket", unit="USD"),
    },
    unique=("ts", "expiration", "strike", "right"),
    checks=(
        pa.Check(_on_its_session, name="ts on the session's day", error="ts on the session's day"),
        pa.Check(
            lambda frame: frame["bid"].notna() | frame["ask"].notna(), name="a bid or an ask", error="a bid or an ask"
        ),
    ),
)
