"""`make skill`: the smile leaderboards on the sample market, and where nothing can be forecast, no promotion.

    make skill                              60 live sessions, 500 daily, 20 draws; under an hour on two cores
    make skill SESSIONS=100 DAILY=0 DRAWS=5 other numbers
    make skill PICTURES=/tmp/pictures       and the pictures of docs/live.md

1. live: sessions from 2024-01-02 on as polls of the simulator see them, to states and contracts. daily: the closes of
   the sessions up to there, to surfaces, states and contracts. Of each family the four networks and all baselines, by
   the split of smile/dataset, against what came and (rmse_true) against the vols that quotes were made of.
2. Two worlds in which there is nothing to see (`smile_nulls`), drawn again and again from the live sessions:
   `permuted`, their changes in another order, and `random_walk`, smiles that wander, seen through noisy quotes. Every
   draw trains all networks and baselines anew and asks the gate. The command fails if it promotes anybody.

Draws are of the last DRAW_SESSIONS sessions at most, half of them for training and 30 % to judge by, as the gate needs
its sessions; and of the test every THIN-th snapshot counts. All else is as in training.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from vol_assets import clock
from vol_assets.assets.workers import in_order
from vol_assets.charts.style import png
from vol_assets.contracts.leaderboard import ALL_HORIZONS
from vol_assets.curation.chains import curate_chain
from vol_assets.forecasting.gate import Verdict
from vol_assets.ibkr.simulator.history import simulated_history
from vol_assets.smiles import charts
from vol_assets.smiles.baselines import BASELINES, fit_baseline
from vol_assets.smiles.contracts import daily_contracts, live_contracts
from vol_assets.smiles.dataset import SPLITS, samples, split
from vol_assets.smiles.gate import judged
from vol_assets.smiles.gather import close_state, daily_panel
from vol_assets.smiles.history import session_states
from vol_assets.smiles.leaderboard import Board, leaderboard
from vol_assets.smiles.networks import NETWORKS, Trained, train
from vol_assets.smiles.panel import LIVE, Panel, panel_of
from vol_assets.smiles.state import states_of
from vol_assets.sources.sample import SampleMarket, live_surface, true_surface
from vol_assets.surfaces.fit import surface_rows
from vol_assets_tests.smile_nulls import permuted, random_walk

FIRST = "2024-01-02"
BUCKET = 60.0  # seconds
RATE = 0.05  # decimal a year
DRAW_SESSIONS, DRAW_SHARES = 40, (0.5, 0.2, 0.3)
THIN = 3
WORLDS = ("permuted", "random_walk")
SHOWN = ["rmse", "rmse_true", "rmse_then", "mae", "mape", "vega_rmse", "butterfly_share", "calendar_share"]
SKILLS = ["skill", "skill_then", "skill_held", "best_baseline", "skill_best", "skill_best_error", "dm_t", "dm_p_holm"]


class Market(NamedTuple):
    """States, contracts of all their snapshots (CONTRACT_COLUMNS), and the vols that those were made of."""

    panel: Panel
    contracts: pd.DataFrame
    true_vol: np.ndarray

    def of_sessions(self, sessions: np.ndarray) -> Market:
        day = self.contracts["ts"].dt.tz_convert(clock.NEW_YORK).dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        of_them = np.isin(day, sessions)
        true_vol = self.true_vol[of_them]
        return Market(self.panel.rows(np.isin(self.panel.session, sessions)), self.contracts[of_them], true_vol)


class Draw(NamedTuple):
    """What a draw of a world came to: the networks promoted, and those that only want of foresight kept from it; of the
    network with the lowest loss the skill over raw, persistence and the best baseline, that over the best one step
    ahead, and the p that the gate saw."""

    world: str
    seed: int
    promoted: tuple[str, ...]
    only_foresight: tuple[str, ...]
    best: str
    over_raw: float
    over_persistence: float
    best_baseline: str
    over_best: float
    one_step: float
    p: float


def session_market(session: dt.date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The states of a simulated session (rows of live/states), and its contracts with their true vols."""
    history = simulated_history("SPY", session, BUCKET, RATE)
    contracts = live_contracts(history)
    return session_states(history, session), contracts.assign(true_vol=true_vols(contracts))


def true_vols(contracts: pd.DataFrame) -> np.ndarray:
    """The vols that the quotes of simulated contracts were made of, at the instant of their poll."""
    vols = np.empty(len(contracts))
    for ts, at in contracts.groupby("ts").indices.items():
        surface, some = live_surface("SPY", ts), contracts.iloc[at]
        years, strike = some["years"].to_numpy(), some["strike"].to_numpy()
        vols[at] = surface.implied_vol(np.log(strike / surface.forward(years)), years)
    return vols


def session_close(session: dt.date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of surface/spy of a simulated session, and its contracts with their true vols."""
    (chain,) = SampleMarket().option_chains("SPY", session, session)
    curated, truth = curate_chain(chain.quotes.assign(source="sample")), true_surface("SPY", session)
    surface = surface_rows(curated)
    contracts = daily_contracts(curated, surface)
    years, strike = contracts["years"].to_numpy(), contracts["strike"].to_numpy()
    true_vol = truth.implied_vol(np.log(strike / truth.forward(years)), years)
    return surface, contracts.assign(true_vol=true_vol)


def closes(count: int) -> Market:
    """The daily family of `count` sessions up to the first live one."""
    sessions = clock.sessions(clock.offset(dt.date.fromisoformat(FIRST), 1 - count), FIRST)
    found = list(in_order(session_close, ((session,) for session in sessions), count))
    surfaces, contracts = zip(*found)
    before = [np.nan, *(float(rows["spot"].iloc[0]) for rows in surfaces[:-1])]
    panel = daily_panel(map(close_state, surfaces, before)).panel
    contracts = pd.concat(contracts, ignore_index=True)
    return Market(panel, contracts.drop(columns="true_vol"), contracts["true_vol"].to_numpy())


def polls(count: int) -> Market:
    """The live family of `count` sessions."""
    sessions = clock.sessions(FIRST, clock.offset(dt.date.fromisoformat(FIRST), count - 1))
    found = list(in_order(session_market, ((session,) for session in sessions), count))
    states, contracts = (pd.concat(parts, ignore_index=True) for parts in zip(*found))
    panel = panel_of(LIVE, states_of(states), dt.timedelta(seconds=BUCKET))
    return Market(panel, contracts.drop(columns="true_vol"), contracts["true_vol"].to_numpy())


def compare(
    market: Market, which: np.ndarray, thin: int = 1, true_vol: bool = True
) -> tuple[Board, dict[str, Trained], dict[str, Verdict], pd.DataFrame]:
    """Train everybody, score them on the test, and judge the networks."""
    panel = market.panel
    trained = {kind: train(kind, panel, which) for kind in NETWORKS}
    models = {kind: fit_baseline(kind, panel, which) for kind in BASELINES}
    models |= {kind: of_one.model for kind, of_one in trained.items()}
    test = market.of_sessions(np.unique(panel.session[which == "test"]))
    truth = test.true_vol if true_vol else None
    board = leaderboard(panel, samples(panel, which, "test")[::thin], models, test.contracts, truth)
    return board, trained, *judged(board, NETWORKS)


def draw(path: str, world: str, seed: int) -> Draw:
    """One draw of a world that is made of the market in a file."""
    with threadpool_limits(1):
        market = pickle.loads(Path(path).read_bytes())
        if world == "permuted":
            drawn = Market(*permuted(market.panel, market.contracts, seed), np.empty(0))
        else:
            drawn = Market(*random_walk(market.panel, market.contracts, seed))
        market = drawn._replace(true_vol=np.full(len(drawn.contracts), np.nan))
        board, _, verdicts, _ = compare(market, shares(market.panel.session), THIN, true_vol=False)
    losses, first = (board.losses[horizon].mean() for horizon in (ALL_HORIZONS, 1))
    best, bar = losses[list(NETWORKS)].idxmin(), board.best_baseline()
    failing = {name: {c.name for c in verdict.conditions if not c.passed} for name, verdict in verdicts.items()}
    (p,) = (c.figure for c in verdicts[best].conditions if c.name == "luck")
    return Draw(
        world,
        seed,
        tuple(name for name, verdict in verdicts.items() if verdict.passed),
        tuple(name for name, reasons in failing.items() if reasons == {"foresight"}),
        best,
        1.0 - losses[best] / losses["raw"],
        1.0 - losses[best] / losses["persistence"],
        bar,
        1.0 - losses[best] / losses[bar],
        1.0 - first[best] / first[board.best_baseline(1)],
        p,
    )


def shares(session: np.ndarray) -> np.ndarray:
    """DRAW_SHARES of the sessions, in order of time."""
    _, number = np.unique(session, return_inverse=True)
    ends = np.round(np.cumsum(DRAW_SHARES) * (number.max() + 1))
    return np.array(SPLITS[:3], dtype=object)[np.searchsorted(ends, number, side="right")]


def draws(market: Market, count: int) -> Iterator[Draw]:
    """`count` draws of either world, on all cores."""
    some = market.of_sessions(np.unique(market.panel.session)[-DRAW_SESSIONS:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "market"
        path.write_bytes(pickle.dumps(some))
        with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("forkserver")) as pool:
            arguments = [(str(path), world, seed) for world in WORLDS for seed in range(count)]
            yield from pool.map(draw, *zip(*arguments)) if arguments else ()


def show(family: str, table: pd.DataFrame, verdicts: dict[str, Verdict]) -> None:
    """A leaderboard and its verdicts, on paper."""
    for horizon, rows in table.groupby("horizon_steps"):
        name = "all horizons together" if horizon == ALL_HORIZONS else f"{horizon} ahead"
        shown = rows.set_index("model").sort_values("loss")[(SHOWN if horizon else ["loss"]) + SKILLS]
        print(f"\n{family}, {name}: {rows['contracts'].iloc[0]:,} predictions, {rows['sessions'].iloc[0]} sessions")
        print(shown.dropna(axis=1, how="all").round(4).to_string())
    for name, verdict in verdicts.items():
        print(f"\n{family} {name} {'may serve' if verdict.passed else 'may not serve'}: {verdict.reason}", flush=True)


def draw_pictures(folder: Path, market: Market, board: Board, trained: dict[str, Trained]) -> None:
    """The pictures of docs/live.md."""
    folder.mkdir(parents=True, exist_ok=True)
    family, best = board.family, board.losses[ALL_HORIZONS][list(NETWORKS)].mean().idxmin()
    last = np.searchsorted(market.panel.ts, board.losses.index.get_level_values("ts"))
    at = int(last[len(last) // 2])
    made = pd.Timestamp(market.panel.ts[at], tz="UTC")
    pictures = {
        "leaderboard": charts.leaderboard(board),
        **{f"training_{kind}": charts.training(of_one.curve, f"{family} {kind}") for kind, of_one in trained.items()},
    }
    for ahead in trained[best].model.horizons:
        rows = charts.forecast_rows(market.panel, at, ahead, trained[best].model, market.contracts)
        pictures[f"smiles_{ahead}"] = charts.smiles(rows, made, ahead, best, family)
    for name, figure in pictures.items():
        (folder / f"{family}_{name}.png").write_bytes(png(figure, 96))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make skill")
    parser.add_argument("--sessions", type=int, default=60, help="live ones; 50 at least for a verdict")
    parser.add_argument("--daily", type=int, default=500, help="daily ones; 0: none")
    parser.add_argument("--draws", type=int, default=20, help="of each world where nothing can be forecast")
    parser.add_argument("--pictures", type=Path, help="a folder for the pictures of docs/live.md")
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def said(what: str) -> None:
        print(f"{what}, {time.monotonic() - started:.0f} s", flush=True)

    live = polls(options.sessions)
    for market in (live, *([closes(options.daily)] if options.daily else [])):
        family = market.panel.family
        said(f"\n{family}: {len(market.panel):,} states, {len(market.contracts):,} quotes")
        board, trained, verdicts, table = compare(market, split(market.panel))
        said("trained and scored")
        with pd.option_context("display.width", 250, "display.max_columns", 40):
            show(family, table, verdicts)
        if options.pictures:
            draw_pictures(options.pictures, market, board, trained)

    found = []
    for one in draws(live, options.draws):
        found.append(one)
        said(f"{one.world} {one.seed}: {', '.join(one.promoted) or 'nobody'} promoted")
    if found:
        judge_draws(pd.DataFrame(found))


def judge_draws(table: pd.DataFrame) -> None:
    """Print the draws, and fail if there was a promotion."""
    with pd.option_context("display.width", 250, "display.max_columns", 40):
        print(table.round(4).to_string())
    for world, rows in table.groupby("world"):
        promoted, kept = (int(rows[name].map(bool).sum()) for name in ("promoted", "only_foresight"))
        print(
            f"\n{world}: a network promoted in {promoted} of {len(rows)} draws, foresight alone kept one out in {kept}"
        )
        medians = rows[["over_raw", "over_persistence", "over_best", "one_step"]].median()
        print(
            "the best network's median skill: " + ", ".join(f"{name} {skill:+.1%}" for name, skill in medians.items())
        )
    sys.exit(int(table["promoted"].map(bool).any()))


if __name__ == "__main__":
    main()
