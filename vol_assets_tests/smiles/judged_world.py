"""A small live world whose smiles move by a known law, quotes of them, and models that know more or less of it.

ln vols of all smiles are SHAPE plus a level, a random walk of steps WALK with a drift. The drift comes and goes, KEEP
of it is left a step later. That of a state stands in its covariates where the share's return should be, so that a model
can know as much of it as a test likes; past states tell little of it. States are seen with noise, and so are quotes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.quant import black_vega
from vol_assets.smiles.contracts import CONTRACT_COLUMNS
from vol_assets.smiles.panel import HORIZONS, LIVE, SMILES, Panel, Windows
from vol_assets.smiles.state import COVARIATES, NODES, smile_vols

FORWARD = 100.0
STRIKES = np.array([95.0, 98.0, 99.5, 100.0, 100.5, 103.0])
SHAPE = np.log(0.2) - 0.05 * NODES + 0.01 * NODES**2 + 0.02 * np.arange(SMILES)[:, None]
WALK, SHOCK, KEEP = 0.004, 0.002, 0.8
SEEN = COVARIATES.index("spot_return")


class World(NamedTuple):
    panel: Panel
    contracts: pd.DataFrame
    true_vol: np.ndarray
    last: np.ndarray


def world(
    sessions: int = 16,
    count: int = 36,
    *,
    shock: float = SHOCK,
    state_noise: float = 0.0,
    quote_noise: float = 0.0,
    spot: float = 0.0,
    seed: int = 1,
) -> World:
    """`count` minutes of so many sessions, from noon on; noise: standard deviations of ln vols of nodes and quotes;
    spot: that of a step of the forwards, which are FORWARD as each session starts."""
    random = np.random.default_rng(seed)
    days = clock.sessions("2024-01-02", "2024-12-31")[:sessions]
    noon = [pd.Timestamp(f"{day} 12:00", tz="America/New_York").tz_convert("UTC") for day in days]
    ts = np.array([instant.tz_localize(None) + pd.Timedelta(minutes=m) for instant in noon for m in range(count)])
    ts = ts.astype("datetime64[us]")
    run = np.arange(sessions).repeat(count)
    drift = np.zeros((sessions, count))
    for at in range(1, count):
        drift[:, at] = KEEP * drift[:, at - 1] + shock * random.standard_normal(sessions)
    moves = WALK * random.standard_normal((sessions, count))
    moves[:, 1:] += drift[:, :-1]
    level, drift = np.cumsum(moves, axis=1).ravel(), drift.ravel()
    truth = SHAPE + level[:, None, None]
    expirations, years = _times(days, ts, count)
    covariates = np.zeros((len(ts), len(COVARIATES)))
    covariates[:, SEEN] = drift
    panel = Panel(
        family=LIVE,
        ts=ts,
        session=np.array(days, dtype="datetime64[D]").repeat(count),
        expirations=expirations,
        years=years,
        forward=FORWARD * np.exp(_spot(spot, sessions, count))[:, None].repeat(SMILES, axis=1),
        log_vol=truth + state_noise * random.standard_normal(truth.shape),
        covariates=covariates,
        run=run,
    )
    contracts, true_vol = quotes(panel, truth, quote_noise * random.standard_normal((len(ts), SMILES * len(STRIKES))))
    return World(panel, contracts, true_vol, panel.last_of_windows())


def quotes(panel: Panel, truth: np.ndarray, miss: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Out-of-the-money contracts at STRIKES of every smile, ln vols off by `miss`; and their vols without."""
    state = np.arange(len(panel)).repeat(SMILES * len(STRIKES))
    rank = np.tile(np.arange(SMILES).repeat(len(STRIKES)), len(panel))
    strike = np.tile(STRIKES, len(panel) * SMILES)
    forward, years = panel.forward[state, rank], panel.years[state, rank]
    k = np.log(strike / forward)
    true_vol = smile_vols(truth, panel.years, years, k, state)
    vol = true_vol * np.exp(miss.ravel())
    frame = pd.DataFrame(
        {
            "ts": pd.DatetimeIndex(panel.ts[state], tz="UTC"),
            "expiration": panel.expirations[state, rank].astype("datetime64[ns]"),
            "strike": strike,
            "right": np.where(k < 0.0, "P", "C"),
            "k": k,
            "years": years,
            "forward": forward,
            "vol": vol,
            "bid_vol": vol * np.exp(-0.02),
            "ask_vol": vol * np.exp(0.02),
            "fitted_vol": np.nan,
            "vega": black_vega(forward, strike, years, vol),
        }
    )
    return frame[list(CONTRACT_COLUMNS)], true_vol


@dataclass(frozen=True)
class Foresees:
    """The last state, `smooth` of it and the rest the mean of the window, moved by `share` of what the drift will make
    of it; `wiggle` is added to every other node."""

    share: float = 0.0
    smooth: float = 1.0
    wiggle: float = 0.0
    family: str = LIVE
    horizons: tuple[int, ...] = HORIZONS[LIVE]
    kind = "test"
    inputs = ()

    def forecast(self, windows: Windows) -> np.ndarray:
        last = self.smooth * windows.log_vol[:, -1] + (1.0 - self.smooth) * windows.log_vol.mean(axis=1)
        moved = self.share * steps_of_drift(np.array(self.horizons)) * windows.covariates[:, -1, SEEN, None]
        return last[:, None] + moved[..., None, None] + self.wiggle * (-1.0) ** np.arange(len(NODES))


def steps_of_drift(ahead: np.ndarray) -> np.ndarray:
    """What a drift of 1 makes of the level so many steps on, as expected."""
    return (1.0 - KEEP**ahead) / (1.0 - KEEP)


def _spot(step: float, sessions: int, count: int) -> np.ndarray:
    steps = step * np.random.default_rng(sessions).standard_normal((sessions, count))
    steps[:, 0] = 0.0
    return np.cumsum(steps, axis=1).ravel()


def _times(days: list[dt.date], ts: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    ends = np.array([[clock.offset(day, ahead) for ahead in (5, 10, 20, 40)] for day in days])
    closes = np.array([[clock.close_instant(end).timestamp() for end in of_day] for of_day in ends])
    seconds = ts.astype("datetime64[us]").astype(np.int64) / 1e6
    return ends.astype("datetime64[D]").repeat(count, axis=0), (closes.repeat(count, axis=0) - seconds[:, None]) / (
        365 * 86400
    )
