"""Panels whose law is known: what can be predicted of them, and how much, is not for a model to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vol_assets import clock
from vol_assets.smiles.panel import DAILY, HORIZONS, LIVE, SMILES, Panel
from vol_assets.smiles.state import NODES, TENOR_DAYS

STEP = 0.005  # standard deviation of a change of ln vol
MOMENTUM = 0.7  # of the common move: what is left of it a step later
YEAR = np.timedelta64(365, "D")


def panel_from(log_vol: np.ndarray, family: str = LIVE, returns: np.ndarray | None = None) -> Panel:
    """A panel of states one step apart, log_vol (sessions, states of each, n, nodes), a daily one of a state each.

    returns: (sessions, states) log returns of spot from state to state.
    """
    sessions, count = log_vol.shape[:2]
    days = np.array(clock.sessions("2018-01-02", "2030-12-31")[:sessions], dtype="datetime64[D]")
    minutes = 15 * 60 + np.arange(count)
    ts = (days.astype("datetime64[us]")[:, None] + minutes.astype("timedelta64[m]")).ravel()
    session = days.repeat(count)
    away = np.array(TENOR_DAYS if family == DAILY else (4, 11, 32, 60)).astype("timedelta64[D]")
    expirations = session[:, None] + away
    years = (expirations - (session if family == DAILY else ts)[:, None]) / YEAR
    moves = np.zeros((sessions, count)) if returns is None else returns
    spot = moves if family == DAILY else np.cumsum(moves, axis=1)
    clocks = [
        np.tile(values, sessions) for values in (np.sin(minutes / 229.2), np.cos(minutes / 229.2), minutes - 870.0)
    ]
    return Panel(
        family=family,
        ts=ts,
        session=session,
        expirations=expirations,
        years=years,
        forward=np.full((len(ts), SMILES), 100.0),
        log_vol=log_vol.reshape(-1, SMILES, len(NODES)),
        covariates=np.column_stack([*clocks, spot.ravel()]),
        run=np.zeros(len(ts), dtype=int) if family == DAILY else np.arange(sessions).repeat(count),
    )


def level(sessions: int, random: np.random.Generator) -> np.ndarray:
    """Where each session's smiles begin, (sessions, 1, n, nodes): far apart, as in the market."""
    smile = np.log(0.2) - 0.05 * NODES + 0.02 * np.arange(SMILES)[:, None]
    return smile + 0.2 * random.standard_normal((sessions, 1, 1, 1))


def random_walks(sessions: int, count: int, seed: int = 1, family: str = LIVE) -> Panel:
    """Nothing can be predicted: every node and all together walk at random."""
    random = np.random.default_rng(seed)
    steps = STEP * random.standard_normal((sessions, count, SMILES, len(NODES)))
    steps += STEP * random.standard_normal((sessions, count, 1, 1))
    if family == DAILY:
        return panel_from(level(1, random) + np.cumsum(steps, axis=0), family)
    return panel_from(level(sessions, random) + np.cumsum(steps, axis=1), family)


def with_momentum(sessions: int, count: int, seed: int = 1, family: str = LIVE) -> tuple[Panel, np.ndarray]:
    """All nodes follow one move that goes on, MOMENTUM of it a step later, each with a little noise of its own.

    The panel, and what can be predicted of the change at each state, (m, horizons, n, nodes).
    """
    random = np.random.default_rng(seed)
    shape = (1, sessions * count) if family == DAILY else (sessions, count)
    move = STEP * random.standard_normal(shape)
    for at in range(1, shape[1]):
        move[:, at] = MOMENTUM * move[:, at - 1] + np.sqrt(1.0 - MOMENTUM**2) * move[:, at]
    loading = 1.0 + 0.2 * NODES / 2.0 - 0.15 * np.arange(SMILES)[:, None]
    own = 0.1 * STEP * random.standard_normal((*shape, SMILES, len(NODES)))
    steps = move[..., None, None] * loading + own
    log_vol = (level(shape[0], random) + np.cumsum(steps, axis=1)).reshape(sessions, count, SMILES, len(NODES))
    ahead = np.array(HORIZONS[family])
    kept = MOMENTUM * (1.0 - MOMENTUM**ahead) / (1.0 - MOMENTUM)
    return panel_from(log_vol, family), move.ravel()[:, None, None, None] * kept[:, None, None] * loading


def behind_noise(sessions: int, count: int, seed: int = 1) -> Panel:
    """Random walks seen with noise as large as two of their steps: smoothing is all that can be done."""
    walks = random_walks(sessions, count, seed)
    noise = 2.0 * STEP * np.random.default_rng(seed + 1).standard_normal(walks.log_vol.shape)
    return replace(walks, log_vol=walks.log_vol + noise)
