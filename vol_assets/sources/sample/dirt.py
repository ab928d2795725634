"""What is wrong with a few quotes of every simulated chain, the same few however often it is asked for.

In place: crossed, locked and empty quotes, a bid missing from the data, spreads of eleven times the width, quotes under
their intrinsic value, and far strikes whose quote stayed from wilder days. Added at the end: a second quote of a
contract, a strip of an adjusted root (SPY7), the last expired expiration, and one that expires at this very close.
Whatever moves a price near the money moves it by a multiple of the spread.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np

from vol_assets.sources.sample import listings
from vol_assets.sources.sample.process import stream

EACH = 2  # quotes of each kind
STRIP = 12  # contracts of an added expiration or root
NEAR, FAR = 1.5, 2.5  # stdevs from the forward

Quotes = dict[str, np.ndarray]


def soil(quotes: Quotes, underlying: str, session: dt.date, spot: float) -> Quotes:
    """`quotes` of `chains.honest_quotes`, longer and with dirt, with `root` and `nonstandard`; a new dict."""
    random = stream(f"{underlying} {session} dirt")
    quotes = {name: values.copy() for name, values in quotes.items()}
    second = _spoil(quotes, random, spot)
    return _add(quotes, second, underlying, session, spot)


def _spoil(quotes: Quotes, random: np.random.RandomState, spot: float) -> np.ndarray:
    """Spoil quotes in place; returns the rows of EACH good ones, to be quoted twice."""
    bid, ask, tick = quotes["bid"], quotes["ask"], quotes["tick"]
    value, out = _intrinsic(quotes, spot), np.where(quotes["right"] == "C", 1.0, -1.0) * quotes["stdevs"]
    clean = bid > 0.0
    near, far, deep = np.abs(out) < NEAR, out > FAR, (value > 40.0 * tick) & (out > -4.0)

    def some(where: np.ndarray) -> np.ndarray:
        chosen = random.permutation(np.flatnonzero(where & clean))[:EACH]
        clean[chosen] = False
        return chosen

    crossed, locked, empty, no_bid, wide = (some(near) for _ in range(5))
    bid[crossed], ask[crossed] = ask[crossed], bid[crossed]
    ask[locked] = bid[locked]
    bid[empty] = ask[empty] = quotes["volume"][empty] = 0.0
    bid[no_bid] = np.nan
    margin = 5.0 * (ask - bid)[wide]
    bid[wide], ask[wide] = np.maximum(bid[wide] - margin, 0.0), ask[wide] + margin
    cheap, stale = some(deep), some(far)
    bid[cheap], ask[cheap] = 0.8 * value[cheap], 0.8 * value[cheap] + tick[cheap]
    bid[stale], ask[stale] = 3.0 * bid[stale] + 20.0 * tick[stale], 3.0 * ask[stale] + 22.0 * tick[stale]
    return some(near)


def _add(quotes: Quotes, second: np.ndarray, underlying: str, session: dt.date, spot: float) -> Quotes:
    """Rows that do not belong, after the others; prices in cents."""
    expirations, distance = np.unique(quotes["years"]), np.abs(quotes["stdevs"])

    def strip(years: float) -> np.ndarray:
        rows = np.flatnonzero(quotes["years"] == years)
        return rows[np.argsort(distance[rows], kind="stable")[:STRIP]]

    soonest, fourth = strip(expirations[0]), strip(expirations[3])
    parts = [np.arange(len(distance)), second, fourth, soonest, soonest]
    twice, mini, expired, today = (slice(*ends) for ends in pairwise(np.cumsum([len(part) for part in parts])))
    quotes = {name: values[np.concatenate(parts)] for name, values in quotes.items()}
    bid, ask, expiration = quotes["bid"], quotes["ask"], quotes["expiration"]
    shift = 4.0 * (ask - bid)[twice]
    bid[twice], ask[twice] = bid[twice] + shift, ask[twice] + shift
    bid[mini], ask[mini] = 0.9 * bid[mini], 1.1 * ask[mini]
    expiration[expired], expiration[today] = listings.last_expired(session), np.datetime64(session, "D")
    bid[today] = np.maximum(_intrinsic(quotes, spot)[today], 0.0)
    ask[today] = bid[today] + quotes["tick"][today]
    root = np.full(len(bid), underlying, dtype=object)
    root[mini] = f"{underlying}7"
    return quotes | {"bid": bid.round(2), "ask": ask.round(2), "root": root, "nonstandard": root != underlying}


def _intrinsic(quotes: Quotes, spot: float) -> np.ndarray:
    """What exercise at once would bring, negative out of the money."""
    return np.where(quotes["right"] == "C", 1.0, -1.0) * (spot - quotes["strike"])
