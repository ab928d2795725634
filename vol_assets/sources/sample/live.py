"""The sample market between the closes: its true surface and its quotes at any instant of a session.

`live_path` has what moves. Contracts are those of the daily chain and, on its day, of what expires today, all listed
from the open on around the open's forward. A market maker quotes each by the rules of `chains`; what of his noise does
not stay with the contract is drawn anew each BUCKET, so that two polls in one bucket differ only by what the truth did.
Time to expiry runs in calendar seconds, as at the closes: an option on its last day has six and a half hours' share of
a day's variance.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.chains import RIGHTS, UNDERLYINGS
from vol_assets.errors import SourceError
from vol_assets.sources.sample import listings
from vol_assets.sources.sample.live_path import HISTORY, SessionPath, session_path
from vol_assets.sources.sample.process import stream
from vol_assets.sources.sample.surface import TrueSurface

BUCKET = pd.Timedelta(seconds=60)
TYPICAL_SIZE, SIZE_NOISE = 40.0, 0.9  # contracts; of its ln

_QUARTERS = 40_000  # quarter dollars: strikes below 10,000 USD are numbered by them
_PASSING = 16_381  # a prime: the noise of a bucket is numbered modulo it


def live_surface(underlying: str, instant: dt.datetime) -> TrueSurface:
    """The surface of SPY or GLD at an instant (timezone-aware) of a session, from its open to its close.

    At the close it is `true_surface`. Raises SourceError for another underlying, outside the hours of trading and
    outside the simulated years.
    """
    path, since_open = _at(underlying, instant)
    return path.surface(since_open)


def expected_surface(underlying: str, instant: dt.datetime, ahead: dt.timedelta) -> TrueSurface:
    """What the true state at `instant` expects of the surface `ahead` later, spot held.

    Deviations shrink by their half-lives, the rest is a martingale. No forecast can be better, but for what the bridge
    to the close adds in the last hours. Raises as `live_surface` does.
    """
    path, since_open = _at(underlying, instant)
    return path.surface(since_open, ahead.total_seconds())


def live_quotes(
    underlying: str, instant: dt.datetime, numbers: np.ndarray | None = None
) -> dict[str, np.ndarray | pd.DatetimeIndex]:
    """Quotes of every listed option at an instant (timezone-aware), by expiration, strike and right.

    numbers: con_id of those that are wanted, where that is not all.

    Columns of one length, as a poll has them: ts (start of the bucket, UTC), quote_time (the instant), con_id (stays
    with the contract), expiration, strike, right, bid (0: none), ask, bid_size, ask_size, underlying (USD, in cents);
    and what they were made of: price (USD today), vol, years, forward. Raises as `live_surface` does; what expires at a
    close is not quoted there.
    """
    path, since_open = _at(underlying, instant)
    return _quotes(path, path.surface(since_open), pd.Timestamp(instant).tz_convert("UTC"), numbers)


def _at(underlying: str, instant: dt.datetime) -> tuple[SessionPath, float]:
    """The path of the session, and how many seconds of it have passed."""
    if instant.tzinfo is None:
        raise SourceError(f"{instant} has no time zone; give an instant in UTC or New York time")
    path = _path(underlying, instant.astimezone(clock.NEW_YORK).date())
    since_open = (instant - path.opening).total_seconds()
    if not 0.0 <= since_open <= path.seconds:
        ends = path.opening, path.opening + pd.Timedelta(seconds=path.seconds)
        opens, closes, asked = (f"{time.astimezone(clock.NEW_YORK):%H:%M:%S}" for time in (*ends, instant))
        raise SourceError(
            f"on {path.session} the market is open from {opens} to {closes} New York; it was asked for {asked}"
        )
    return path, since_open


@lru_cache(maxsize=16)
def _path(underlying: str, day: dt.date) -> SessionPath:
    if underlying not in UNDERLYINGS:
        raise SourceError(f"the sample market has options on {', '.join(UNDERLYINGS)}; it was asked for {underlying}")
    first = clock.offset(clock.FIRST_SESSION, HISTORY + 1)
    if not first <= day <= clock.CALENDAR_END:
        raise SourceError(f"the sample market is live from {first} to {clock.CALENDAR_END}; it was asked for {day}")
    if not clock.is_session(day):
        following = clock.offset(day, 1)
        raise SourceError(f"{day} is no session ({clock.why_closed(day)}); the one after it is {following}")
    return session_path(underlying, day)


def _quotes(
    path: SessionPath, surface: TrueSurface, instant: pd.Timestamp, numbers: np.ndarray | None
) -> dict[str, np.ndarray | pd.DatetimeIndex]:
    from vol_assets.sources.sample import chains  # with the tables of early exercise, which surfaces do not need

    listed = _listed(path)
    years = (listed["close"] - instant.tz_localize(None).to_datetime64()) / np.timedelta64(365, "D")
    alive = (years > 0.0) & (True if numbers is None else np.isin(listed["con_id"], numbers))
    years = years[alive]
    expiration, strike, right, con_id, lasting = (
        listed[name][alive] for name in ("expiration", "strike", "right", "con_id", "lasting")
    )
    forward, level = surface.forward(years), surface.atm_vol(years)
    bucket = instant.floor(BUCKET)
    passing = _passing(path.underlying, bucket)[:, con_id % _PASSING]
    made = chains.market_maker(surface, strike, right, years, forward, level, lasting, passing[:2])
    bid_size, ask_size = np.ceil(TYPICAL_SIZE * np.exp(SIZE_NOISE * passing[2:]))
    return {
        "ts": pd.DatetimeIndex([bucket]).as_unit("us").repeat(len(strike)),
        "quote_time": pd.DatetimeIndex([instant]).as_unit("us").repeat(len(strike)),
        "con_id": con_id,
        "expiration": expiration.astype("datetime64[ns]"),
        "strike": strike,
        "right": right,
        "bid": made.bid,
        "ask": made.ask,
        "bid_size": np.where(made.bid > 0.0, bid_size, 0.0),
        "ask_size": ask_size,
        "underlying": np.full(len(strike), round(surface.spot, 2)),
        "price": made.price,
        "vol": made.vol,
        "years": years,
        "forward": forward,
    }


@lru_cache(maxsize=16)
def _listed(path: SessionPath) -> dict[str, np.ndarray]:
    """What is listed all session, by contract.

    expiration (datetime64[D]), its close (UTC), strike, right, con_id (below 2^31), lasting: the noise that stays.
    """
    from vol_assets.sources.sample import chains

    session, surface, opening = path.session, path.surface(0.0), path.opening.tz_localize(None).to_datetime64()
    ahead, today = listings.expirations(session), listings.expirations(clock.offset(session, -1))
    today = today[today.day == np.datetime64(session, "D")]
    day, close = np.append(today.day, ahead.day), np.append(today.close, ahead.close)
    years = (close - opening) / np.timedelta64(365, "D")
    stdevs = surface.atm_vol(years) * np.sqrt(years)
    grids = [listings.strikes(forward, stdev) for forward, stdev in zip(surface.forward(years), stdevs)]
    which = np.repeat(np.arange(len(day)), [len(grid) for grid in grids]).repeat(2)
    strike = np.concatenate(grids).repeat(2)
    right = np.resize(np.array(RIGHTS, dtype=object), len(strike))
    days, quarters, is_call = day[which].astype(int), np.round(strike * 4.0).astype(int), right == "C"
    number = (days * 7919 + quarters + 31 * is_call) % chains._CONTRACTS
    return {
        "expiration": day[which],
        "close": close[which],
        "strike": strike,
        "right": right,
        "con_id": (days * _QUARTERS + quarters) * 2 + is_call,
        "lasting": chains._contracts(path.underlying)[0, number],
    }


@lru_cache(maxsize=4)
def _passing(underlying: str, bucket: pd.Timestamp) -> np.ndarray:
    """Normal numbers of a bucket, (4, contract): of its spread, its mid, its two sizes."""
    return stream(f"{underlying} {bucket.isoformat()} quotes").standard_normal((4, _PASSING))
