"""The live smile: a poll over TCP, a prediction, the store, a simulated session, the training of each network."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets import clock

if TYPE_CHECKING:
    from vol_assets.smiles.panel import Panel

SESSION = "2024-03-15"
RATE = 0.05
LINES_OF_A_POLL = 90
WIDE = 200  # contracts of a poll that is wider than ours
SESSIONS = 60  # of a training: three months


def live_poll() -> Iterator[tuple[str, str, str]]:
    """Polls of the simulated gateway, the contracts known from one before."""
    from vol_assets.ibkr import Gateway, Limits, poll
    from vol_assets.ibkr.simulator import Behaviour, SimulatedClock, Simulator
    from vol_assets.ibkr.simulator.sample import SampleMarket

    noon = (clock.open_instant(SESSION) + dt.timedelta(hours=2.5)).to_pydatetime()
    ticking, behaviour = SimulatedClock(noon), Behaviour()
    with tempfile.TemporaryDirectory() as folder, Simulator(SampleMarket(), ticking, behaviour) as gateway:
        at = Gateway("127.0.0.1", gateway.port)
        polls = [poll(at, Path(folder), now=ticking.now, limits=Limits(lines=LINES_OF_A_POLL)) for _ in range(4)]
    least = max(behaviour.tick_delay, behaviour.greeks_delay)
    seconds = median(one.seconds for one in polls[1:])
    yield (
        f"poll of {polls[-1].asked} contracts and the share, numbers known",
        f"{seconds:.2f} s",
        f"target 1.5 s beyond {least:.1f} s of the gateway's; 40 messages a second take 2",
    )
    yield "the same, numbers unknown", f"{polls[0].seconds:.2f} s", "twice the messages"


def live_prediction() -> Iterator[tuple[str, str, str]]:
    """One poll's features, state and prediction; and many polls at once."""
    from vol_assets.ibkr.simulator.history import simulated_polls
    from vol_assets.smiles import features, features_of_polls, live_state, live_states
    from vol_assets.smiles.baselines import fit_baseline
    from vol_assets.smiles.panel import LIVE, panel_of
    from vol_assets.smiles.predictor import predict

    step = dt.timedelta(minutes=1)
    started = time.perf_counter()
    polls = simulated_polls("SPY", clock.as_date(SESSION), 60)
    simulated = time.perf_counter() - started
    count = polls["ts"].nunique()
    started = time.perf_counter()
    used = features_of_polls(polls, RATE, float(polls["underlying"].iloc[0])).used
    featured = time.perf_counter() - started
    started = time.perf_counter()
    states = live_states(used)
    yield f"a simulated session of {count} polls: quotes", f"{simulated:.1f} s", ""
    yield "  its features, all polls together", f"{1e3 * featured / count:.1f} ms", "a poll"
    yield "  its states, all polls together", f"{1e3 * (time.perf_counter() - started) / count:.1f} ms", "a poll"

    half = len(states) // 2
    panel = panel_of(LIVE, [*states], step)
    model = fit_baseline("local_level", panel, np.where(np.arange(len(panel)) < half, "train", "validation"))
    wide = _wide_poll()
    before = states[:9]

    def once() -> None:
        one = features(wide, RATE, 500.0).used
        state = live_state(one)
        predict(model, [*before, state], one, step)

    yield (
        f"features, state and prediction of a poll of {len(wide)} contracts",
        f"{1e3 * _seconds(once):.0f} ms",
        "target 100 ms, warm",
    )


def live_store() -> Iterator[tuple[str, str, str]]:
    """10,000 quotes into SQLite, new and again; and what a row takes."""
    from vol_assets.ibkr.simulator.history import simulated_polls
    from vol_assets.lake.live import LiveStore

    quotes = simulated_polls("SPY", clock.as_date(SESSION), 60).head(10_000).assign(own_vol=np.nan)
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for number in range(3):
            path = Path(folder) / f"{number}.db"
            with LiveStore(f"sqlite:///{path}") as store:
                started = time.perf_counter()
                store.write_quotes(quotes)
                times.append(time.perf_counter() - started)
                started = time.perf_counter()
                store.write_quotes(quotes)
                again = time.perf_counter() - started
            size = path.stat().st_size / len(quotes)
    yield "10,000 quotes into the live store, SQLite", f"{median(times):.2f} s", "target 0.3 s"
    yield "  the same again, nothing new", f"{again:.2f} s", ""
    yield "  a row", f"{size:.0f} bytes", f"50 million, a year of polls every 30 s: {50e6 * size / 1e9:.1f} GB"


def live_training() -> Iterator[tuple[str, str, str]]:
    """Each network on a smile that drifts back to its mean, seen through noise."""
    from vol_assets.smiles.dataset import split
    from vol_assets.smiles.networks import NETWORKS, train

    panel = _panel()
    for kind in NETWORKS:
        started = time.perf_counter()
        trained = train(kind, panel, split(panel))
        yield (
            f"training {kind}, {SESSIONS} sessions of 390 states",
            f"{time.perf_counter() - started:.0f} s",
            f"target 180 s; {len(trained.curve) - 1} epochs",
        )


def _wide_poll() -> pd.DataFrame:
    """200 contracts of four expirations around the forward, as a poll of so many would have them."""
    from vol_assets.ibkr.plan import expirations
    from vol_assets.sources.sample import live_quotes

    quotes = pd.DataFrame(live_quotes("SPY", clock.open_instant(SESSION) + dt.timedelta(hours=2.5)))
    listed = quotes["expiration"].dt.date
    rows = quotes[listed.isin(expirations(set(listed), clock.as_date(SESSION))) & (quotes["bid"] > 0.0)]
    stdevs = np.log(rows["strike"] / rows["forward"]) / (rows["vol"] * np.sqrt(rows["years"]))
    near = stdevs.abs().groupby(rows["expiration"]).rank(method="first") <= WIDE // 4
    return rows[near].drop(columns=["price", "vol", "years", "forward"])


def _panel() -> Panel:
    """SESSIONS of a live family."""
    from vol_assets.smiles.panel import LIVE, SMILES, Panel
    from vol_assets.smiles.state import NODES

    random = np.random.default_rng(7)
    days = np.array(clock.sessions("2024-01-02", "2024-12-31")[:SESSIONS], dtype="datetime64[D]")
    opens = np.array([clock.open_instant(str(day)).tz_localize(None) for day in days], dtype="datetime64[us]")
    ts = (opens[:, None] + np.arange(390) * np.timedelta64(60, "s")).ravel()
    level = np.zeros(len(ts))
    for at in range(1, len(ts)):
        level[at] = 0.99 * level[at - 1] + 0.004 * random.standard_normal()
    nodes = np.log(0.15) + level[:, None, None] + 0.004 * random.standard_normal((len(ts), SMILES, len(NODES)))
    years = np.tile(np.array([7, 14, 30, 60]) / 365.0, (len(ts), 1))
    session = np.repeat(days, 390)
    return Panel(
        family=LIVE,
        ts=ts,
        session=session,
        expirations=session[:, None] + np.array([7, 14, 30, 60]),
        years=years,
        forward=np.full((len(ts), SMILES), 500.0),
        log_vol=nodes,
        covariates=np.zeros((len(ts), 4)),
        run=np.repeat(np.arange(SESSIONS), 390),
    )


def _seconds(work: Callable[[], object], times: int = 15) -> float:
    """Median seconds, warm."""
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)
