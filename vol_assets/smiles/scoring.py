"""Predictions against what came, contract by contract, and the ONE loss that is made of it.

A contract of a snapshot is predicted as it is served: the predicted smile, read at the contract's log-moneyness on the
forward of now and at the time that will be left, with the `remainder` that it has now. What came is its own mid's
European vol at the target; where that side of the strike has none then, the other side's, since European vols of call
and put agree. Scored are contracts that are out of the money at the snapshot, within MARGIN stdevs of the nodes and
between the times of the smiles: where a smile says something of its own.

The loss of a snapshot is the mean squared error of its contracts, in vol points. Pooled over contracts, the one error
of a level would count as ninety proofs.

The same smiles are also read at the forward that came, the share's move left out. That is no smaller an error: vols at
a fixed strike move less than those at fixed stdevs, which rise as the share falls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from vol_assets.errors import ContractError
from vol_assets.smiles.arbitrage import Breaches, breaches, butterflies, calendars
from vol_assets.smiles.contracts import CONTRACT_COLUMNS, remainder
from vol_assets.smiles.panel import Panel
from vol_assets.smiles.state import NODES, smile_vols

MARGIN = 0.25  # stdevs beyond the outer nodes
SLACK = 1e-6  # years, half a minute: times closer than this are the same
POINTS = 100.0  # vol points of a vol of 1.00


@dataclass(frozen=True, eq=False)
class Pairs:
    """m contracts of B snapshots and what they became at one horizon, by snapshot, expiration and strike.

    snapshot: (m,) number of the snapshot, from 0; smile: (m,) number of the expiration among all of all snapshots;
    smile_years: (B, n) left of the smiles at the target.
    At the snapshot: k ln(strike / forward), forward (USD), vol_now of the contract's own mid, remainder of ln vol that
    the state leaves out, later_remainder of the snapshot's next expiration there, vega.
    At the target: years left, `later` years left of the snapshot's next expiration, NaN for its last; vol that came,
    k_then on the forward that came, true_vol without noise, NaN where it is unknown. passed: years between the two.
    """

    snapshot: np.ndarray
    smile: np.ndarray
    smile_years: np.ndarray
    k: np.ndarray
    forward: np.ndarray
    vol_now: np.ndarray
    remainder: np.ndarray
    later_remainder: np.ndarray
    vega: np.ndarray
    years: np.ndarray
    later: np.ndarray
    vol: np.ndarray
    k_then: np.ndarray
    true_vol: np.ndarray
    passed: np.ndarray

    def mean(self, values: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
        """Weighted mean over the contracts of each snapshot, (B,)."""
        weight, count = np.broadcast_to(weight, values.shape), len(self.smile_years)
        return np.bincount(self.snapshot, weight * values, count) / np.bincount(self.snapshot, weight, count)


class Vols(NamedTuple):
    """What a model says of the contracts of Pairs, (m,) each: their vols at the target, those at `k_then`, and those of
    the next expiration at `k`; the last two NaN where it has no smile to read them from."""

    vol: np.ndarray
    then: np.ndarray
    later: np.ndarray


class Scores(NamedTuple):
    """Of one model at one horizon, (B,) each, a number a snapshot: squared error (vol points squared), absolute error
    (vol points), relative error, vega-weighted squared error, squared error against the vol without noise and of the
    smile read at the forward that came. And what of its smiles could be traded against."""

    squared: np.ndarray
    absolute: np.ndarray
    relative: np.ndarray
    vega_squared: np.ndarray
    true_squared: np.ndarray
    then_squared: np.ndarray
    butterflies: Breaches
    calendars: Breaches


def pairs_of(
    panel: Panel,
    last: np.ndarray,
    contracts: pd.DataFrame,
    horizons: Iterable[int],
    true_vol: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[int, Pairs]]:
    """The states of `last` that can be scored at every horizon, and the pairs of each horizon.

    contracts: CONTRACT_COLUMNS, in any order; true_vol: (len(contracts),) vols without noise. Raises ContractError
    where columns are missing, or no state can be scored.
    """
    missing = [name for name in CONTRACT_COLUMNS if name not in contracts]
    if missing:
        raise ContractError(f"contracts need the columns {', '.join(missing)}, which these lack")
    horizons = tuple(horizons)
    last = panel.with_target(np.asarray(last, dtype=int), max(horizons))
    book = _Book.of(panel, contracts, true_vol)
    rows = {ahead: book.rows(panel, last, ahead) for ahead in horizons}
    kept = [last[np.unique(found.snapshot)] for found in rows.values()]
    both = kept[0][np.all([np.isin(kept[0], other) for other in kept], axis=0)]
    if not len(both):
        raise ContractError(
            f"none of {len(last)} snapshots has a contract quoted at every horizon; {len(contracts)} quotes of "
            f"{contracts['ts'].nunique()} snapshots came: give those of the sessions that are scored"
        )
    return both, {ahead: book.pairs(panel, last, both, ahead, found) for ahead, found in rows.items()}


def within_reach(
    log_vol: np.ndarray, years: np.ndarray, at_years: np.ndarray, k: np.ndarray, which: np.ndarray | None = None
) -> np.ndarray:
    """Which points (m,) are within MARGIN stdevs of the nodes of their smile; arguments as of `smile_vols`."""
    money = smile_vols(log_vol, years, at_years, np.zeros(len(k)), which)
    z = k / (money * np.sqrt(at_years))
    return (z >= NODES[0] - MARGIN) & (z <= NODES[-1] + MARGIN)


def predicted(pairs: Pairs, log_vol: np.ndarray) -> Vols:
    """What predicted states (B, n, nodes) say."""
    return _read(pairs, log_vol, pairs.smile_years, 0.0)


def squared_error(pairs: Pairs, log_vol: np.ndarray) -> np.ndarray:
    """The loss (B,) of predicted states (B, n, nodes) alone, vol points squared."""
    vol = smile_vols(log_vol, pairs.smile_years, pairs.years, pairs.k, pairs.snapshot) * np.exp(pairs.remainder)
    return pairs.mean((POINTS * (vol - pairs.vol)) ** 2)


def held(pairs: Pairs, panel: Panel, last: np.ndarray) -> Vols:
    """The fitted vol that every contract has now, at the states `last` (B,): the smile stays at fixed strikes."""
    vols = _read(pairs, panel.log_vol[last], panel.years[last], pairs.passed)
    return vols._replace(then=np.full_like(vols.vol, np.nan))


def quoted(pairs: Pairs) -> Vols:
    """Every contract's own last vol."""
    return Vols(pairs.vol_now, *np.full((2, len(pairs.k)), np.nan))


def score(pairs: Pairs, vols: Vols) -> Scores:
    error = POINTS * (vols.vol - pairs.vol)
    stdev, later = vols.vol * np.sqrt(pairs.years), vols.later * np.sqrt(pairs.later)
    return Scores(
        squared=pairs.mean(error**2),
        absolute=pairs.mean(np.abs(error)),
        relative=pairs.mean(np.abs(error) / (POINTS * pairs.vol)),
        vega_squared=pairs.mean(error**2, pairs.vega),
        true_squared=pairs.mean((POINTS * (vols.vol - pairs.true_vol)) ** 2),
        then_squared=pairs.mean((POINTS * (vols.then - pairs.vol)) ** 2),
        butterflies=breaches(butterflies(pairs.smile, pairs.k, pairs.forward, stdev)),
        calendars=breaches(calendars(pairs.k, pairs.forward, stdev, later)),
    )


def _read(pairs: Pairs, log_vol: np.ndarray, smile_years: np.ndarray, since: np.ndarray | float) -> Vols:
    """States at times `smile_years`, read where the contracts are; `since`: years that they are before the target."""

    def at(years: np.ndarray, k: np.ndarray, kept: np.ndarray, some: np.ndarray | slice = slice(None)) -> np.ndarray:
        vols = smile_vols(log_vol, smile_years, years[some], k[some], pairs.snapshot[some])
        return vols * np.exp(kept[some])

    years, later, some = pairs.years + since, pairs.later + since, np.isfinite(pairs.later)
    vol, then = (at(years, k, pairs.remainder) for k in (pairs.k, pairs.k_then))
    vols = Vols(vol, then, np.full(len(pairs.k), np.nan))
    vols.later[some] = at(later, pairs.k, pairs.later_remainder, some)
    return vols


class _Rows(NamedTuple):
    """Quotes that pair up: the number in `last` of their snapshot, their place and that of their target in the book."""

    snapshot: np.ndarray
    now: np.ndarray
    then: np.ndarray
    side: np.ndarray


@dataclass(frozen=True, eq=False)
class _Book:
    """Quotes in numbers: a row a (state, expiration, strike), ascending in `slot`; calls and puts in two columns."""

    slot: np.ndarray
    states: int  # slots from one state to the next
    strikes: int  # and from one expiration to the next
    state: np.ndarray
    k: np.ndarray
    years: np.ndarray
    forward: np.ndarray
    fitted_vol: np.ndarray
    vega: np.ndarray
    vol: np.ndarray
    true_vol: np.ndarray

    @classmethod
    def of(cls, panel: Panel, contracts: pd.DataFrame, true_vol: np.ndarray | None) -> _Book:
        ts = contracts["ts"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        state = np.minimum(np.searchsorted(panel.ts, ts), len(panel) - 1)
        of_panel = panel.ts[state] == ts
        names = ["k", "years", "forward", "fitted_vol", "vega", "vol", "strike"]
        k, years, forward, fitted_vol, vega, vol, strike = contracts.loc[of_panel, names].to_numpy(dtype=float).T
        true = np.full(len(k), np.nan) if true_vol is None else np.asarray(true_vol, dtype=float)[of_panel]
        expiration = contracts.loc[of_panel, "expiration"].to_numpy().astype("datetime64[D]")
        expirations, number = np.unique(expiration, return_inverse=True)
        strikes, place = np.unique(strike, return_inverse=True)
        states = len(expirations) * len(strikes)
        slot, first, row = np.unique(
            state[of_panel] * states + number * len(strikes) + place, return_index=True, return_inverse=True
        )
        put = (contracts.loc[of_panel, "right"] == "P").to_numpy().astype(int)
        by_side = np.full((3, len(slot), 2), np.nan)
        by_side[:, row, put] = vol, true, vega
        return cls(
            slot=slot,
            states=states,
            strikes=len(strikes),
            state=slot // max(states, 1),
            k=k[first],
            years=years[first],
            forward=forward[first],
            fitted_vol=fitted_vol[first],
            vol=by_side[0],
            true_vol=by_side[1],
            vega=by_side[2],
        )

    def rows(self, panel: Panel, last: np.ndarray, ahead: int) -> _Rows:
        """The quotes of the states `last` that are scored `ahead` steps later."""
        snapshot = np.minimum(np.searchsorted(last, self.state), len(last) - 1) if len(last) else self.state
        now = np.flatnonzero(last[snapshot] == self.state) if len(last) else np.empty(0, dtype=int)
        wanted = self.slot[now] + ahead * self.states
        then = np.minimum(np.searchsorted(self.slot, wanted), max(len(self.slot) - 1, 0))
        now, then = now[self.slot[then] == wanted], then[self.slot[then] == wanted]
        side = (self.k[now] < 0.0).astype(int)
        state = self.state[now]
        good = within_reach(panel.log_vol, panel.years, self.years[now], self.k[now], state)
        good &= np.isfinite(self.vol[now, side]) & np.isfinite(self.vol[then]).any(axis=1)
        for at, number in ((now, state), (then, state + ahead)):
            good &= self.years[at] >= panel.years[number, 0] - SLACK
            good &= self.years[at] <= panel.years[number, -1] + SLACK
        return _Rows(snapshot[now[good]], now[good], then[good], side[good])

    def pairs(self, panel: Panel, last: np.ndarray, kept: np.ndarray, ahead: int, rows: _Rows) -> Pairs:
        """The pairs of the snapshots `kept`, of those of `last` that `rows` are of."""
        of_kept = np.isin(last[rows.snapshot], kept)
        now, then, side = rows.now[of_kept], rows.then[of_kept], rows.side[of_kept]
        state, k = self.state[now], self.k[now]
        snapshot = np.searchsorted(kept, state)
        came = self.vol[then, side]
        smile = self.slot[now] // self.strikes
        left_out = remainder(self.fitted_vol[now], panel.log_vol, panel.years, self.years[now], k, state)
        after = Next.of(snapshot, smile)
        return Pairs(
            snapshot=snapshot,
            smile=smile,
            smile_years=panel.years[kept + ahead],
            k=k,
            forward=self.forward[now],
            vol_now=self.vol[now, side],
            remainder=left_out,
            later_remainder=after.read(k, left_out),
            vega=self.vega[now, side],
            years=self.years[then],
            later=after.years(self.years[then]),
            vol=np.where(np.isfinite(came), came, self.vol[then, 1 - side]),
            k_then=k + np.log(self.forward[now] / self.forward[then]),
            true_vol=np.where(np.isfinite(came), self.true_vol[then, side], self.true_vol[then, 1 - side]),
            passed=self.years[now] - self.years[then],
        )


@dataclass(frozen=True, eq=False)
class Next:
    """For each of m contracts, by snapshot, smile and strike, the next smile of its snapshot.

    own, number: of its smile and of the next one, the same where there is none; begins, ends: first and last contract
    of each smile.
    """

    own: np.ndarray
    number: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, snapshot: np.ndarray, smile: np.ndarray) -> Next:
        begins = np.flatnonzero(np.append(True, smile[1:] != smile[:-1]))
        ends = np.append(begins[1:], len(smile))
        own = np.repeat(np.arange(len(begins)), ends - begins)
        after = np.minimum(own + 1, len(begins) - 1)
        return cls(own, np.where(snapshot[begins[after]] == snapshot, after, own), begins, ends - 1)

    def years(self, years: np.ndarray) -> np.ndarray:
        """Those of the next smile, NaN where there is none."""
        return np.where(self.number > self.own, years[self.begins[self.number]], np.nan)

    def read(self, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of the next smile's contracts, linear in k and level beyond its ends."""
        apart = 1.0 + np.ptp(k)  # smile after smile on one axis
        within = np.clip(k, k[self.begins[self.number]], k[self.ends[self.number]])
        return np.interp(self.number * apart + within, self.own * apart + k, values)
