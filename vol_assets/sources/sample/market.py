"""The market source that needs no network: one simulated path, the same on every machine.

Options are quoted at the close, 16:00 New York or 13:00 on half days, against the close of the share's bar; the rate
is the close of IRX as a continuously compounded 91-day zero rate, the same for all times.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.chains import UNDERLYINGS
from vol_assets.errors import SourceError
from vol_assets.quant.rates import bank_discount_to_rate
from vol_assets.sources.protocol import BAR_COLUMNS, CHAIN_COLUMNS, SYMBOLS, DailyBars, OptionChain
from vol_assets.sources.sample import bars, closes, smiles
from vol_assets.sources.sample.surface import TrueSurface
from vol_assets.sources.sample.variance import VariancePath

RATE_DAYS = 91  # IRX
NOTES = ("simulated: none of these prices was ever quoted",)


class SampleMarket:
    """A simulated market that looks like the real one; no price of it was ever quoted. A `MarketSource`."""

    name = "sample"

    def daily_bars(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> DailyBars:
        """Bars of `symbols` on the sessions first ... last, any of 2007-04-11 ... 2035-12-31, future ones too.

        `fetched_at` is now, or the close of a session that is still to come. Raises SourceError out of that range and
        for a symbol that is not simulated, SessionError where an end is no session.
        """
        unknown = sorted(set(symbols) - set(SYMBOLS))
        if unknown:
            raise SourceError(f"the sample market has {', '.join(SYMBOLS)}; it was asked for {', '.join(unknown)}")
        days = _slice(first, last)
        table = _bars().iloc[days.start * len(SYMBOLS) : days.stop * len(SYMBOLS)]
        fetched = np.maximum(_closing_instants()[days], _now())
        table = table.assign(fetched_at=pd.DatetimeIndex(fetched, tz="UTC").repeat(len(SYMBOLS)))
        exists = table["close"].notna()
        table = table.loc[exists & table["symbol"].isin(list(symbols)), list(BAR_COLUMNS)]
        return DailyBars(table.reset_index(drop=True), notes=NOTES)

    def option_chains(self, underlying: str, first: dt.date, last: dt.date) -> Iterator[OptionChain]:
        """The chains of SPY or GLD at the closes of first ... last, in the years of `daily_bars`, one after the other.

        A session's quotes are the same in every range. Raises as `daily_bars` does, before the first chain is made.
        """
        days = _slice(first, last)
        _require_underlying(underlying)
        return (chain_around(_surface(underlying, number)) for number in range(days.start, days.stop))


def true_surface(underlying: str, session: dt.date) -> TrueSurface:
    """The surface that the quotes of SPY or GLD at the close of `session` were made from.

    Raises SourceError for another underlying and outside the simulated years, SessionError where it is no session.
    """
    _require_underlying(underlying)
    return _surface(underlying, _slice(session, session).start)


def true_spot_variance(first: dt.date, last: dt.date) -> pd.Series:
    """Annualised variance (decimal) of SPY at each session's close: what the next session's return is drawn with."""
    return _series(_path().spot, first, last, "spot_variance")


def true_expected_variance(first: dt.date, last: dt.date, sessions: int) -> pd.Series:
    """Annualised variance (decimal) of SPY expected at each close over the next `sessions` sessions, in closed form."""
    return _series(_path().expected(sessions), first, last, "expected_variance")


@lru_cache(maxsize=64)
def _surface(underlying: str, number: int) -> TrueSurface:
    """The surface at the close of session `number`, counted from FIRST_SESSION."""
    levels = {symbol: values[number] for symbol, values in _levels().items()}
    smile, term_structure = _smiles(underlying).at(number)
    return TrueSurface(
        underlying=underlying,
        session=clock.session_days()[_first() + number].item(),
        spot=float(levels[underlying]),
        rate=float(bank_discount_to_rate(levels["IRX"], RATE_DAYS)),
        carry=bars.dividend_yield(underlying),
        smile=smile,
        term_structure=term_structure,
    )


def chain_around(surface: TrueSurface) -> OptionChain:
    """The quotes around a true surface at the close of its session, bad ones among them."""
    from vol_assets.sources.sample import chains, dirt  # with the table of early exercise, which bars do not need

    underlying = surface.underlying
    close = clock.close_instant(surface.session).tz_localize(None).to_datetime64().astype("datetime64[us]")
    quotes = chains.honest_quotes(surface, close)
    quotes = dirt.soil(quotes, underlying, surface.session, surface.spot)
    count = len(quotes["strike"])
    columns = quotes | {
        "date": np.full(count, np.datetime64(surface.session, "ns")),
        "symbol": np.full(count, underlying, dtype=object),
        "quote_time": pd.DatetimeIndex(np.full(count, close), tz="UTC"),
        "expiration": quotes["expiration"].astype("datetime64[ns]"),
        "vendor_spot": np.full(count, surface.spot),
        "rate": np.full(count, surface.rate),
        "rate_tenor_days": np.full(count, float(RATE_DAYS)),
        "rate_age_sessions": np.zeros(count),
        "rate_source": np.full(count, "IRX", dtype=object),
        "fetched_at": pd.DatetimeIndex(np.full(count, max(close, _now())), tz="UTC"),
    }
    unknown = np.full(count, np.nan)
    table = pd.DataFrame({name: columns.get(name, unknown) for name in CHAIN_COLUMNS})
    return OptionChain(surface.session, table, notes=NOTES)


@cache
def _levels() -> dict[str, np.ndarray]:
    """Closes as quoted in the bars, from FIRST_SESSION on, one array a symbol."""
    return {symbol: table.to_numpy() for symbol, table in _bars().groupby("symbol")["close"]}


@cache
def _smiles(underlying: str) -> smiles.Smiles:
    levels = _levels()
    return smiles.spy(levels["VIX"], levels["VIX3M"]) if underlying == "SPY" else smiles.gld(levels["GVZ"])


def _require_underlying(underlying: str) -> None:
    if underlying not in UNDERLYINGS:
        raise SourceError(f"the sample market has options on {', '.join(UNDERLYINGS)}; it was asked for {underlying}")


def _now() -> np.datetime64:
    return np.datetime64(time.time_ns() // 1000, "us")


@cache
def _closes() -> closes.Closes:
    return closes.simulate(len(clock.calendar().sessions))


def _path() -> VariancePath:
    return _closes().spy


@cache
def _bars() -> pd.DataFrame:
    return bars.daily_bars(clock.calendar().sessions, _first(), _closes())


@cache
def _closing_instants() -> np.ndarray:
    return clock.calendar().closes.to_numpy(dtype="datetime64[us]")[_first() :]


@cache
def _first() -> int:
    """Number of the first session; the simulation starts with the calendar, so that its state has spread by then."""
    return int(clock.calendar().sessions.searchsorted(pd.Timestamp(clock.FIRST_SESSION)))


def _slice(first: dt.date, last: dt.date) -> slice:
    """Positions of the sessions first ... last, counted from FIRST_SESSION."""
    for end in (first, last):
        if not clock.FIRST_SESSION <= clock.as_date(end) <= clock.CALENDAR_END:
            span = f"{clock.FIRST_SESSION} ... {clock.CALENDAR_END}"
            raise SourceError(f"the sample market runs {span}; it was asked for {end}")
    count = len(clock.require_range(first, last))
    start = int(clock.calendar().sessions.searchsorted(pd.Timestamp(first))) - _first()
    return slice(start, start + count)


def _series(values: np.ndarray, first: dt.date, last: dt.date, name: str) -> pd.Series:
    days = _slice(first, last)
    whole = pd.Series(values[_first() :], index=clock.calendar().sessions[_first() :], name=name)
    return whole.iloc[days]
