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

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from vol_assets.errors import ContractError
from vol_assets.quant import Quotes, fit_surface
from vol_assets.quant.essvi import at_the_money
from vol_assets.quant.surface import Smiles
from vol_assets.smiles.features import session_clock
from vol_assets.surfaces.fit import surface_of

NODES = np.array([-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
TENOR_DAYS = (7, 30, 60, 91)
COVARIATES = ("hour_sin", "hour_cos", "minutes_since_open", "spot_return")

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

    Its expirations are those that have FEWEST_QUOTES strikes or more out of the money; there may be none. Raises
    ContractError where there is no quote at all or `ts` is not one.
    """
    if used["ts"].nunique(dropna=False) != 1:
        raise ContractError(f"a state is made of one poll; these features are of {used['ts'].nunique(dropna=False)}")
    first = used.iloc[0]
    right_enc, k = used["right_enc"].to_numpy(), used["log_moneyness"].to_numpy()
    outside = used[(right_enc == 0.0) == (k >= 0.0)].sort_values(["expiration", "log_moneyness"], kind="stable")
    days, starts = np.unique(outside["expiration"].to_numpy().astype("datetime64[D]"), return_index=True)
    ends = [*starts[1:], len(outside)]
    numbers = outside[["years", "forward", "log_moneyness", "bid_vol", "implied_vol", "ask_vol"]].to_numpy(dtype=float)
    quotes = [_quotes(numbers[start:end]) for start, end in zip(starts, ends)]
    which = np.array([len(of_one.k) >= FEWEST_QUOTES for of_one in quotes], dtype=bool)
    quotes = [of_one for of_one, enough in zip(quotes, which) if enough]
    log_vol = np.empty((0, len(NODES)))
    if quotes:
        log_vol = _at_nodes(fit_surface(quotes, spot=quotes[0].forward).expirations)
        log_vol = log_vol + np.array([_remainder(*of_one) for of_one in zip(log_vol, quotes)])
    return SmileState(
        ts=first["ts"],
        expirations=days[which],
        years=np.array([of_one.years for of_one in quotes]),
        forward=np.array([of_one.forward for of_one in quotes]),
        log_vol=log_vol,
        covariates=first[list(COVARIATES)].to_numpy(dtype=float),
    )


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


def smile_vols(log_vol: np.ndarray, years: np.ndarray, at_years: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The vols (m,) that a state, seen or predicted, has at times and log-moneyness (m,): one a strike for C and P.

    log_vol: (n, nodes) at times `years` (n,) to the ends of its smiles, those left at the instant that is predicted.
    Before the first and after the last time vols stay as they are there; beyond the outer nodes variance goes on with
    its slope where that rises, and levels off where it falls.
    """
    at_years, k = np.asarray(at_years, dtype=float), np.asarray(k, dtype=float)
    within = np.clip(at_years, years[0], years[-1])
    variance = np.exp(2.0 * log_vol) * years[:, None]
    nodes = 0.5 * np.log(np.transpose([np.interp(within, years, of_node) for of_node in variance.T]) / within[:, None])
    z = k / (np.exp(nodes[:, _AT_THE_MONEY]) * np.sqrt(at_years))
    inside = np.clip(z, NODES[0], NODES[-1])
    beyond = np.abs(z - inside)
    outward = 2.0 * np.where(z < 0.0, -nodes @ _END_SLOPES[0], nodes @ _END_SLOPES[1])  # of ln variance
    tail = np.log1p(np.maximum(outward, 0.0) * beyond) - np.minimum(outward, 0.0) * np.expm1(-beyond)
    return np.exp((_CARDINAL(inside) * nodes).sum(axis=1) + 0.5 * tail)


def _quotes(numbers: np.ndarray) -> Quotes:
    """The quotes of one expiration around the nodes, MOST_QUOTES of them at most, evenly."""
    years, forward, k, bid, mid, ask = numbers.T
    root = np.sqrt(years[0])
    z = k / at_the_money(k, mid * root)
    near = np.flatnonzero((z >= NODES[0] - MARGIN) & (z <= NODES[-1] + MARGIN))
    if len(near) > MOST_QUOTES:
        near = near[np.linspace(0, len(near) - 1, MOST_QUOTES).round().astype(int)]
    bid = np.nan_to_num(bid)  # worth no more than exercise
    return Quotes(float(years[0]), float(forward[0]), k[near], *(side[near] * root for side in (bid, mid, ask)))


def _remainder(log_vol: np.ndarray, quotes: Quotes) -> np.ndarray:
    """What the quotes of one expiration have of ln vol beyond its fitted smile, (nodes,)."""
    years = np.full(len(quotes.k), quotes.years)
    miss = np.log(quotes.mid / np.sqrt(years) / smile_vols(log_vol[None], years[:1], years, quotes.k))
    error = np.maximum(MID_ERROR * 0.5 * (quotes.ask - quotes.bid) / quotes.mid, LEAST_ERROR)
    weight = (error * (1.0 + (miss / (STRAY * REMAINDER)) ** 2)) ** -2.0
    z = quotes.k / (np.exp(log_vol[_AT_THE_MONEY]) * np.sqrt(years))
    shape = _CARDINAL(np.clip(z, NODES[0], NODES[-1]))
    precision = shape.T @ (weight[:, None] * shape) + np.eye(len(NODES)) / REMAINDER**2
    return np.linalg.solve(precision, shape.T @ (weight * miss))


def _at_nodes(smiles: Smiles) -> np.ndarray:
    return np.log(smiles.vol(NODES * smiles.at_money[:, None]))
