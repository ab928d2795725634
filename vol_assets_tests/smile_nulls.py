"""Smiles that nobody can forecast, made of smiles that somebody might: where a gate that promotes is wrong.

permuted: the changes from one snapshot to the next in another order. A run of states s_0, s_1, ... has the changes
s_t - s_(t-1), each of a whole snapshot: all nodes of all smiles, the forwards and the share's return with them. They
are put into a random order within their run and summed up again from s_0 on. Every change is there once, so are its
correlations across the smile; what is gone is all that one change says of another. That includes the noise of quotes,
which in the true order is undone by the next change and here stays for good: smoothing gains nothing either.

Contracts move along: a contract keeps its strike, its time and, as a ratio, its miss of the fitted smile of its
snapshot; where the rearranged smile and forward put it is its vol now. Strikes were asked for around another forward,
so each is quoted on both sides.

random_walk: true states that are random walks, with the covariance of the changes over ten steps, and quotes with the
market maker's noise around them: in shares of the spread, half of its variance lasting, as on the sample market. States
are read from those quotes by least squares. So the last state is no good forecast of the next quotes, the mean of the
last ones is a better one, and one that smooths across strikes and expirations too is better still. But where the smile
goes nobody can tell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from vol_assets.smiles.panel import Panel
from vol_assets.smiles.state import COVARIATES, NODES, smile_vols

STEPS = 10  # over which a change is so long that noise hardly counts
NOISE, LASTING = 0.25, 0.5  # standard deviation of ln mid vol, of its half-spread; share of its variance that stays
REACH = 0.75  # stdevs beyond the nodes that quotes are read from
LOOSE = 0.02  # standard deviation of a node that no quote tells of, around the truth: as noisy as fitted wings are
SPOT_RETURN = COVARIATES.index("spot_return")
SIDES = ("vol", "bid_vol", "ask_vol")

_CARDINAL = CubicSpline(NODES, np.eye(len(NODES)))


def permuted(panel: Panel, contracts: pd.DataFrame, seed: int) -> tuple[Panel, pd.DataFrame]:
    """A live panel with its changes in another order, and the contracts (CONTRACT_COLUMNS) moved along."""
    random = np.random.default_rng(seed)
    log_vol, forward, covariates = panel.log_vol.copy(), np.log(panel.forward), panel.covariates.copy()
    for run in np.unique(panel.run):
        at = np.flatnonzero(panel.run == run)
        order = random.permutation(len(at) - 1)
        for values in (log_vol, forward, covariates[:, SPOT_RETURN]):
            changes = np.diff(values[at], axis=0)[order]
            values[at[1:]] = values[at[0]] + np.cumsum(changes, axis=0)
    moved = replace(panel, log_vol=log_vol, forward=np.exp(forward), covariates=covariates)
    return moved, _moved_along(panel, moved, contracts)


def random_walk(panel: Panel, contracts: pd.DataFrame, seed: int) -> tuple[Panel, pd.DataFrame, np.ndarray]:
    """Observed states and contracts of live smiles that are random walks, at the times, forwards and strikes of these;
    and the vols of the contracts without noise."""
    random = np.random.default_rng(seed)
    contracts, state = _of_panel(panel, contracts)
    truth = _walk(panel, random)
    k, years = (contracts[name].to_numpy(dtype=float) for name in ("k", "years"))
    true_vol = smile_vols(truth, panel.years, years, k, state)
    half = 0.5 * np.log(contracts["ask_vol"] / contracts["bid_vol"].where(contracts["bid_vol"] > 0.0)).to_numpy()
    half = np.where(np.isfinite(half), half, np.nanmedian(half))
    contract = pd.MultiIndex.from_arrays([panel.session[state], contracts["expiration"], contracts["strike"]])
    contract = pd.factorize(contract)[0]
    lasting, passing = random.standard_normal(contract.max() + 1)[contract], random.standard_normal(len(contract))
    miss = NOISE * half * (np.sqrt(LASTING) * lasting + np.sqrt(1.0 - LASTING) * passing)
    quoted = contracts.assign(
        vol=true_vol * np.exp(miss), bid_vol=true_vol * np.exp(miss - half), ask_vol=true_vol * np.exp(miss + half)
    )
    read = _read_off(panel, truth, quoted, state, miss, half)
    return replace(panel, log_vol=read), quoted, true_vol


def _moved_along(panel: Panel, moved: Panel, contracts: pd.DataFrame) -> pd.DataFrame:
    contracts, state = _of_panel(panel, contracts)
    expiration = contracts["expiration"].to_numpy().astype("datetime64[D]")
    rank = (panel.expirations[state] == expiration[:, None]).argmax(axis=1)
    growth = moved.forward[state, rank] / panel.forward[state, rank]
    k, years = (contracts[name].to_numpy(dtype=float) for name in ("k", "years"))
    k_now = k - np.log(growth)
    ratio = smile_vols(moved.log_vol, panel.years, years, k_now, state) / smile_vols(
        panel.log_vol, panel.years, years, k, state
    )
    one_side = contracts.assign(
        k=k_now, forward=contracts["forward"] * growth, **{name: contracts[name] * ratio for name in SIDES}
    )
    return pd.concat([one_side.assign(right=right) for right in ("C", "P")], ignore_index=True)


def _of_panel(panel: Panel, contracts: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The contracts of the panel's states that are out of the money, and the number of the state of each."""
    outside = contracts[(contracts["right"] == "C") == (contracts["k"] >= 0.0)]
    ts = outside["ts"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    state = np.minimum(np.searchsorted(panel.ts, ts), len(panel) - 1)
    there = panel.ts[state] == ts
    return outside[there].reset_index(drop=True), state[there]


def _walk(panel: Panel, random: np.random.Generator) -> np.ndarray:
    """ln vols (m, n, nodes) that start each run where it started and walk from there."""
    shape = panel.log_vol.shape[1:]
    later = panel.with_target(np.arange(len(panel)), STEPS)
    changes = (panel.log_vol[later + STEPS] - panel.log_vol[later]).reshape(len(later), -1)
    covariance = changes.T @ changes / (len(changes) * STEPS)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    steps = (random.standard_normal((len(panel), len(values))) @ root.T).reshape(len(panel), *shape)
    first = np.flatnonzero(np.append(True, np.diff(panel.run) != 0))
    steps[first] = panel.log_vol[first]
    total = np.cumsum(steps, axis=0)
    before = np.concatenate([np.zeros((1, *shape)), total])[first]
    return total - np.repeat(before, np.diff(np.append(first, len(panel))), axis=0)


def _read_off(
    panel: Panel, truth: np.ndarray, contracts: pd.DataFrame, state: np.ndarray, miss: np.ndarray, half: np.ndarray
) -> np.ndarray:
    """ln vols at the nodes by least squares on the quotes of each smile: the truth, and what the misses make of it."""
    n, nodes = truth.shape[1:]
    expiration = contracts["expiration"].to_numpy().astype("datetime64[D]")
    smile = state * n + (panel.expirations[state] == expiration[:, None]).argmax(axis=1)
    money = np.exp(truth.reshape(-1, nodes)[smile, int(np.flatnonzero(NODES == 0.0)[0])])
    z = (contracts["k"] / (money * np.sqrt(contracts["years"]))).to_numpy()
    near = (z >= NODES[0] - REACH) & (z <= NODES[-1] + REACH)
    shape, weight, smile = _CARDINAL(np.clip(z[near], NODES[0], NODES[-1])).T, half[near] ** -2.0, smile[near]
    normal, right = np.empty((len(truth) * n, nodes, nodes)), np.empty((len(truth) * n, nodes))
    for row in range(nodes):
        right[:, row] = np.bincount(smile, weight * miss[near] * shape[row], len(right))
        for column in range(nodes):
            normal[:, row, column] = np.bincount(smile, weight * shape[row] * shape[column], len(right))
    normal += (NOISE / LOOSE) ** 2 * np.eye(nodes)
    return truth + np.linalg.solve(normal, right[..., None])[..., 0].reshape(truth.shape)
