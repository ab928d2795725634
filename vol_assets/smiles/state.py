"""The state of a snapshot's smiles, what a network predicts, and the way back from a state to a vol at any strike.

A state holds the log vols of fitted smiles at NODES, in at-the-money stdevs from the forward: of each expiration of a
poll by rank, or at TENOR_DAYS of a session's surface. A node keeps its place on the smile while the share moves and
time passes, which a contract does not.

The smiles of a poll come from `quant.surface_fit`: free of arbitrage, and in the wings steadier from poll to poll than
a free curve through the quotes. It gets MOST_QUOTES of an expiration at most, from around the nodes: for so many it
takes three lognormals, in a third of the time that four would take. What those miss of the quotes, .1 % of the vol and
in a wild market 1 %, goes back to the nodes as far as spreads tell it from noise: the posterior mean of a remainder
that has a standard deviation of REMAINDER before the quotes are seen.

Between its nodes a smile is the cubic spline of the log vols, between its times total variance is linear at fixed
stdevs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from vol_assets.contracts.live import COVARIATES, NODE_COLUMNS, STATE_COLUMNS, STATE_NODES
from vol_assets.errors import ContractError
from vol_assets.quant import Quotes, expiration_smiles, fit_surfaces
from vol_assets.quant.essvi import at_the_money
from vol_assets.quant.surface import Smiles
from vol_assets.quant.surface_fit import stacked
from vol_assets.smiles.features import session_clock
from vol_assets.surfaces.fit import surface_of

NODES = np.array(STATE_NODES)
TENOR_DAYS = (7, 30, 60, 91)

FEWEST_QUOTES = 5  # of an expiration, out of the money: its smile is not told by fewer
MOST_QUOTES = 19
MARGIN = 0.75  # stdevs beyond the outer nodes that quotes are taken from
REMAINDER = 0.004  # of ln vol
MID_ERROR, LEAST_ERROR = 0.5, 3e-4  # standard deviation of a mid, of the half-spread; of ln vol
STRAY = 3.0  # remainders: a quote that is off by more has no say

_AT_THE_MONEY = int(np.flatnonzero(NODES == 0.0)[0])
_CARDINAL = CubicSpline(NODES, np.eye(len(NODES)))
_END_SLOPES = _CARDINAL(NODES[[0, -1]], 1)


@dataclass(frozen=True, eq=False)
class SmileState:
    """n smiles of one instant, in order of time.

    ts: start of the poll's bucket, or the instant of a session's quotes, UTC; expirations: (n,) datetime64[D], the day
    each smile ends; years, forward (USD): (n,); log_vol: (n, nodes) ln of vols in decimals a year; covariates: (4,) as
    named by COVARIATES, spot_return since the open or, from session to session, since the close before.
    """

    ts: pd.Timestamp
    expirations: np.ndarray
    years: np.ndarray
    forward: np.ndarray
    log_vol: np.ndarray
    covariates: np.ndarray

    @property
    def inputs(self) -> np.ndarray:
        """All that a network may see of it, as named by `input_names`."""
        return np.concatenate([self.log_vol.ravel(), self.years, self.covariates])


def input_names(smiles: int) -> list[str]:
    """The names of a state's inputs, of so many smiles."""
    vols = [f"log_vol_{rank}_{node:+.1f}" for rank in range(smiles) for node in NODES]
    return [*vols, *(f"years_{rank}" for rank in range(smiles)), *COVARIATES]


def live_state(used: pd.DataFrame) -> SmileState:
    """The state of one poll, from the features of its quotes (FEATURE_COLUMNS).

    Its expirations are those that have FEWEST_QUOTES strikes or more out of the money, and a smile; there may be none.
    Raises ContractError where there is no quote at all or `ts` is not one.
    """
    if used["ts"].nunique(dropna=False) != 1:
        raise ContractError(f"a state is made of one poll; these features are of {used['ts'].nunique(dropna=False)}")
    return live_states(used)[0]


def live_states(used: pd.DataFrame) -> list[SmileState]:
    """As `live_state`, of every poll that there are features of, in order of time; rows may be in any order."""
    _, head, poll = np.unique(used["ts"].to_numpy("datetime64[ns]"), return_index=True, return_inverse=True)
    days, right_enc = used["expiration"].to_numpy().astype("datetime64[D]"), used["right_enc"].to_numpy()
    names = ("log_moneyness", "years", "forward", "bid_vol", "implied_vol", "ask_vol")
    k, *rest = (used[name].to_numpy(dtype=float) for name in names)
    order = np.lexsort((k, days, poll))
    order = order[((right_enc == 0.0) == (k >= 0.0))[order]]  # out of the money
    poll, days, numbers = poll[order], days[order], np.column_stack([k, *rest])[order]
    begins = np.flatnonzero((np.diff(poll, prepend=-1) > 0) | (days != np.roll(days, 1)))
    quotes = [_quotes(of_one) for of_one in np.split(numbers, begins[1:])] if begins.size else []
    enough = np.flatnonzero([len(of_one.k) >= FEWEST_QUOTES for of_one in quotes])
    quotes, poll, days = [quotes[number] for number in enough], poll[begins[enough]], days[begins[enough]]

    edges = np.searchsorted(poll, np.arange(len(head) + 1))
    log_vol = _fitted([quotes[start:end] for start, end in itertools.pairwise(edges) if end > start])
    found = np.isfinite(log_vol).all(axis=1)  # quotes that contradict each other wildly leave no smile
    years, forward = (np.array([getattr(of_one, name) for of_one in quotes]) for name in ("years", "forward"))
    instants, covariates = used["ts"].array[head], used[list(COVARIATES)].to_numpy(dtype=float)[head]
    smiles = [np.flatnonzero(found[start:end]) + start for start, end in itertools.pairwise(edges)]
    return [
        SmileState(ts, days[which], years[which], forward[which], log_vol[which], of_poll)
        for ts, which, of_poll in zip(instants, smiles, covariates)
    ]


def daily_state(rows: pd.DataFrame, spot_before: float) -> SmileState:
    """The state of a session at its close, from its rows of surface/<underlying>, at TENOR_DAYS.

    spot_before: price of the underlying at the close before (USD), NaN where it is unknown. Raises ContractError where
    there are no rows.
    """
    if rows.empty:
        raise ContractError("a state needs a session's surface; it has no rows, so skip the session")
    ts, days = rows["quote_time"].iloc[0], np.array(TENOR_DAYS)
    smiles = surface_of(rows).smiles(days / 365.0)
    spot_return = np.log(float(rows["spot"].iloc[0]) / spot_before)
    return SmileState(
        ts=ts,
        expirations=rows["date"].iloc[0].to_datetime64().astype("datetime64[D]") + days,
        years=smiles.years,
        forward=smiles.forward,
        log_vol=_at_nodes(smiles),
        covariates=np.array([*session_clock(ts), spot_return]),
    )


def state_rows(*states: SmileState) -> pd.DataFrame:
    """States as a table of STATE_COLUMNS, a row a smile, `rank` its number by time; one without smiles has no row."""
    count = [len(state.years) for state in states]
    numbers = [
        np.column_stack([state.years, state.forward, state.log_vol, np.tile(state.covariates, (len(state.years), 1))])
        for state in states
    ]
    head = pd.DataFrame(
        {
            "ts": pd.DatetimeIndex([state.ts for state in states], tz="UTC").as_unit("us").repeat(count),
            "rank": np.concatenate([np.arange(n) for n in count]) if states else np.empty(0, dtype=int),
            "expiration": np.concatenate([np.empty(0, "datetime64[ns]"), *(state.expirations for state in states)]),
        }
    )
    width = len(STATE_COLUMNS) - head.shape[1]
    values = np.concatenate([np.empty((0, width)), *numbers])
    return head.join(pd.DataFrame(values, columns=list(STATE_COLUMNS[head.shape[1] :])))


def states_of(rows: pd.DataFrame) -> list[SmileState]:
    """The states that a table of STATE_COLUMNS holds, in order of time; rows in any order."""
    rows = rows.sort_values(["ts", "rank"], kind="stable")
    instants, first = np.unique(rows["ts"], return_index=True)
    expirations = rows["expiration"].to_numpy().astype("datetime64[D]")
    years, forward = (rows[name].to_numpy(dtype=float) for name in ("years", "forward"))
    log_vol, covariates = (rows[list(names)].to_numpy(dtype=float) for names in (NODE_COLUMNS, COVARIATES))
    return [
        SmileState(
            ts=ts,
            expirations=expirations[start:end],
            years=years[start:end],
            forward=forward[start:end],
            log_vol=log_vol[start:end],
            covariates=covariates[start],
        )
        for ts, start, end in zip(instants, first, [*first[1:], len(rows)])
    ]


def smile_vols(
    log_vol: np.ndarray, years: np.ndarray, at_years: np.ndarray, k: np.ndarray, which: np.ndarray | None = None
) -> np.ndarray:
    """The vols (m,) that states, seen or predicted, have at times and log-moneyness (m,): one a strike for C and P.

    log_vol: (n, nodes) of one state, at times `years` (n,) to the ends of its smiles, those left at the instant that is
    predicted; or (B, n, nodes) and (B, n) of many, `which` (m,) of them the state of each point.
    Before the first and after the last time vols stay as they are there; beyond the outer nodes variance goes on with
    its slope where that rises, and levels off where it falls.
    """
    at_years, k = np.asarray(at_years, dtype=float), np.asarray(k, dtype=float)
    if which is None:
        log_vol, years, which = log_vol[None], years[None], np.zeros(len(k), dtype=int)
    times = years[which]
    within = np.clip(at_years, times[:, 0], times[:, -1])
    after = np.minimum((times < within[:, None]).sum(axis=1), times.shape[1] - 1)
    before = np.maximum(after - 1, 0)
    start, end = (years[which, number] for number in (before, after))
    share = np.where(end > start, (within - start) / np.where(end > start, end - start, 1.0), 0.0)[:, None]
    variance = np.exp(2.0 * log_vol) * years[..., None]
    variance = (1.0 - share) * variance[which, before] + share * variance[which, after]
    nodes = 0.5 * np.log(variance / within[:, None])
    z = k / (np.exp(nodes[:, _AT_THE_MONEY]) * np.sqrt(at_years))
    inside = np.clip(z, NODES[0], NODES[-1])
    beyond = np.abs(z - inside)
    outward = 2.0 * np.where(z < 0.0, -nodes @ _END_SLOPES[0], nodes @ _END_SLOPES[1])  # of ln variance
    tail = np.log1p(np.maximum(outward, 0.0) * beyond) - np.minimum(outward, 0.0) * np.expm1(-beyond)
    return np.exp((_CARDINAL(inside) * nodes).sum(axis=1) + 0.5 * tail)


def _quotes(numbers: np.ndarray) -> Quotes:
    """The quotes of one expiration around the nodes, MOST_QUOTES of them at most, evenly."""
    k, years, forward, bid, mid, ask = numbers.T
    root = np.sqrt(years[0])
    z = k / at_the_money(k, mid * root)
    near = np.flatnonzero((z >= NODES[0] - MARGIN) & (z <= NODES[-1] + MARGIN))
    if len(near) > MOST_QUOTES:
        near = near[np.linspace(0, len(near) - 1, MOST_QUOTES).round().astype(int)]
    bid = np.nan_to_num(bid)  # worth no more than exercise
    return Quotes(float(years[0]), float(forward[0]), k[near], *(side[near] * root for side in (bid, mid, ask)))


def _fitted(polls: Sequence[Sequence[Quotes]]) -> np.ndarray:
    """ln of the vols at the nodes of all expirations of all polls, (n, nodes)."""
    if not polls:
        return np.empty((0, len(NODES)))
    surfaces = fit_surfaces(polls, [quotes[0].forward for quotes in polls])
    log_vol = _at_nodes(expiration_smiles(surfaces))
    return log_vol + _remainders(log_vol, [of_one for quotes in polls for of_one in quotes])


def _remainders(log_vol: np.ndarray, quotes: Sequence[Quotes]) -> np.ndarray:
    """What the quotes of each expiration have of ln vol beyond its fitted smile, (n, nodes)."""
    k, bid, mid, ask = stacked(quotes)
    there = np.isfinite(k)
    k, bid, mid, ask = (
        np.where(there, values, filler) for values, filler in ((k, 0.0), (bid, 1.0), (mid, 1.0), (ask, 1.0))
    )
    years, which = np.array([of_one.years for of_one in quotes]), np.repeat(np.arange(len(k)), k.shape[1])
    root = np.sqrt(years)[:, None]
    fitted = smile_vols(log_vol[:, None], years[:, None], years[which], k.ravel(), which).reshape(k.shape)
    miss = np.log(mid / root / fitted)
    error = np.maximum(MID_ERROR * 0.5 * (ask - bid) / mid, LEAST_ERROR)
    weight = np.where(there, (error * (1.0 + (miss / (STRAY * REMAINDER)) ** 2)) ** -2.0, 0.0)
    z = k / (np.exp(log_vol[:, _AT_THE_MONEY, None]) * root)
    shape = _CARDINAL(np.clip(z, NODES[0], NODES[-1])).swapaxes(1, 2)  # (n, nodes, quotes)
    precision = shape * weight[:, None] @ shape.swapaxes(1, 2) + np.eye(len(NODES)) / REMAINDER**2
    return np.linalg.solve(precision, shape @ (weight * miss)[..., None])[..., 0]


def _at_nodes(smiles: Smiles) -> np.ndarray:
    return np.log(smiles.vol(NODES * smiles.at_money[:, None]))
