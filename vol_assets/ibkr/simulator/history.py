"""Sessions of the sample market as polls of the simulator would have seen them, without the polling.

A poll at the start of every bucket asks for the contracts that `plan` names then, of as many lines as a client takes;
its answers come at once. So the quotes are those that a client would have stored, but for the seconds that it takes.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.ibkr.connection import Limits
from vol_assets.ibkr.outcome import QUOTE_TYPES, bucket_start
from vol_assets.ibkr.plan import OptionKey, expirations, plan
from vol_assets.ibkr.simulator.sample import SampleMarket, model_greeks
from vol_assets.smiles.history import history_rows
from vol_assets.sources.sample import live_quotes

GREEKS = ("ib_delta", "ib_gamma", "ib_vega", "ib_theta")
DIGITS = 6  # of vol and greeks, as they are sent


def simulated_polls(underlying: str, session: dt.date, bucket: float) -> pd.DataFrame:
    """The quotes (QUOTE_TYPES) of a poll every `bucket` seconds of a session, by time and contract.

    Raises a SourceError for a session or an underlying that the sample market does not have.
    """
    market = SampleMarket(underlying)
    opens, closes = (end(session).to_pydatetime() for end in (clock.open_instant, clock.close_instant))
    numbers = market.quotes_at(opens).numbers
    days = expirations({key.expiration for key in numbers}, session)
    listing = {day: sorted({key.strike for key in numbers if key.expiration == day}) for day in days}
    count = -(-(closes - opens) // dt.timedelta(seconds=bucket))
    instants = [opens + dt.timedelta(seconds=number * bucket) for number in range(count)]
    polls = [_poll(market, instant, bucket, listing) for instant in instants]
    columns = {name: np.concatenate([poll[name] for poll in polls]) for name in polls[0]}
    columns |= {"market_data_type": "live", "source": "simulator"}
    return pd.DataFrame(columns)[list(QUOTE_TYPES)].astype(QUOTE_TYPES)


def simulated_history(underlying: str, session: dt.date, bucket: float, rate: float) -> pd.DataFrame:
    """The rows of live/history of a simulated session; rate: zero rate, decimal a year."""
    return history_rows(simulated_polls(underlying, session, bucket), session, rate, dt.timedelta(seconds=bucket))


def _poll(
    market: SampleMarket, instant: dt.datetime, bucket: float, listing: dict[dt.date, list[float]]
) -> dict[str, np.ndarray]:
    board = market.quotes_at(instant)
    spot = 0.5 * (board.share.bid + board.share.ask)
    keys: tuple[OptionKey, ...] = plan(listing, spot, board.share.implied_vol, instant, Limits().lines - 1)
    quotes = live_quotes(market.underlying, instant, np.array([board.numbers[key] for key in keys]))
    bid, ask, bid_size, ask_size = (
        np.where(quotes[side] > 0.0, quotes[name], np.nan)
        for side, name in (("bid", "bid"), ("ask", "ask"), ("bid", "bid_size"), ("ask", "ask_size"))
    )
    model = (quotes["vol"], *model_greeks(quotes, board.surface))
    return {
        "ts": _repeated(bucket_start(instant, bucket), len(keys)),
        "quote_time": _repeated(instant, len(keys)),
        **{name: quotes[name] for name in ("con_id", "expiration", "strike", "right")},
        **{"bid": bid, "ask": ask, "bid_size": bid_size, "ask_size": ask_size},
        "underlying": np.full(len(keys), spot),
        **{name: values.round(DIGITS) for name, values in zip(("ib_vol", *GREEKS), model)},
    }


def _repeated(instant: dt.datetime, count: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([instant]).repeat(count)
