"""The worlds where nothing can be forecast: what they keep of the market, and that there is nothing in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judged_world import SEEN, SHAPE, Foresees, World, world
from smile_nulls import permuted, random_walk

from vol_assets.smiles.contracts import CONTRACT_COLUMNS
from vol_assets.smiles.gate import judge
from vol_assets.smiles.leaderboard import Board, leaderboard
from vol_assets.smiles.panel import Panel
from vol_assets.smiles.state import smile_vols


@pytest.fixture(scope="module")
def market() -> World:
    """A world in which the next move is known in part, seen through a little noise; the share moves too."""
    return world(16, 40, state_noise=0.001, quote_noise=0.002, spot=5e-4)


def runs(panel: Panel, values: np.ndarray) -> list[np.ndarray]:
    return [values[panel.run == run] for run in np.unique(panel.run)]


def ordered(changes: np.ndarray) -> np.ndarray:
    return changes[np.lexsort(changes.reshape(len(changes), -1).T)]


def test_every_change_is_there_once_and_a_run_starts_and_ends_where_it_did(market):
    drawn, _ = permuted(market.panel, market.contracts, seed=1)
    for name in ("log_vol", "forward", "covariates"):
        logs = np.log if name == "forward" else np.asarray
        for before, after in zip(*(runs(market.panel, logs(getattr(of, name))) for of in (market.panel, drawn))):
            np.testing.assert_allclose(after[[0, -1]], before[[0, -1]], rtol=1e-12, atol=1e-12)
            if name != "covariates":
                changes = (ordered(np.diff(of, axis=0).round(10)) for of in (before, after))
                np.testing.assert_allclose(*changes, atol=2e-10)
    assert np.abs(drawn.log_vol - market.panel.log_vol).max() > 0.01


def test_a_snapshot_moves_as_a_whole(market):
    """Smile, forward and the share's return of one change stay together: one order for all of them."""
    drawn, _ = permuted(market.panel, market.contracts, seed=2)

    def joint(panel: Panel) -> list[np.ndarray]:
        rows = np.column_stack([panel.log_vol[:, 1, 2], panel.log_vol[:, 3, 6], np.log(panel.forward[:, 0])])
        rows = np.column_stack([rows, panel.covariates[:, SEEN]])
        return [np.diff(rows, axis=0)[np.argsort(np.diff(rows[:, 0]))] for rows in runs(panel, rows)]

    for before, after in zip(joint(market.panel), joint(drawn)):
        np.testing.assert_allclose(after, before, atol=1e-12)


def test_times_and_the_clock_stay_and_seeds_differ(market):
    one, other, again = (permuted(market.panel, market.contracts, seed)[0] for seed in (1, 2, 1))
    np.testing.assert_array_equal(one.years, market.panel.years)
    np.testing.assert_array_equal(one.covariates[:, :SEEN], market.panel.covariates[:, :SEEN])
    np.testing.assert_array_equal(one.log_vol, again.log_vol)
    assert np.abs(one.log_vol - other.log_vol).max() > 0.01


def test_contracts_keep_strike_time_and_their_miss_of_the_smile(market):
    drawn, contracts = permuted(market.panel, market.contracts, seed=3)
    assert list(contracts.columns) == list(CONTRACT_COLUMNS)
    assert len(contracts) == 2 * len(market.contracts)
    calls = contracts[contracts["right"] == "C"].reset_index(drop=True)
    before = market.contracts.reset_index(drop=True)
    pd.testing.assert_frame_equal(
        calls[["ts", "expiration", "strike", "years"]], before[["ts", "expiration", "strike", "years"]]
    )

    def miss(panel: Panel, rows: pd.DataFrame, name: str) -> np.ndarray:
        state = np.searchsorted(panel.ts, rows["ts"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"))
        k = np.log(rows["strike"] / rows["forward"]).to_numpy()
        assert rows["k"].to_numpy() == pytest.approx(k, abs=1e-12)
        return np.log(
            rows[name] / smile_vols(panel.log_vol, panel.years, rows["years"].to_numpy(), k, state)
        ).to_numpy()

    for name in ("vol", "bid_vol", "ask_vol"):
        assert miss(drawn, calls, name) == pytest.approx(miss(market.panel, before, name), abs=1e-10)
    moved = calls["forward"] / before["forward"]
    state = np.searchsorted(drawn.ts, calls["ts"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"))
    assert moved.to_numpy() == pytest.approx((drawn.forward / market.panel.forward)[state, 0], rel=1e-12)


def board(found: World, panel: Panel, contracts: pd.DataFrame, **models) -> Board:
    bars = {"persistence": Foresees(), "local_level": Foresees(smooth=0.5)}
    return leaderboard(panel, panel.last_of_windows(), bars | models, contracts)


def test_what_could_be_foreseen_before_cannot_after(market):
    """The drift stands beside the states still, but the changes that it led to are elsewhere."""
    gru = {"gru": Foresees(0.5)}
    assert judge(board(market, market.panel, market.contracts, **gru), gru)["gru"].passed
    skills = []
    for seed in range(3):
        drawn = permuted(market.panel, market.contracts, seed)
        found = board(market, *drawn, **gru)
        skills.append(found.table.set_index(["model", "horizon_steps"]).loc[("gru", 0), "skill"])
        assert not judge(found, gru)["gru"].passed
    assert max(skills) < 0.03


def test_in_another_order_changes_say_nothing_of_the_next_one(market):
    def echo(panel: Panel) -> float:
        changes = [np.diff(of[:, 0, 4]) for of in runs(panel, panel.log_vol)]
        pairs = np.concatenate([np.stack([of[:-1], of[1:]]) for of in changes], axis=1)
        return np.corrcoef(pairs)[0, 1]

    assert echo(market.panel) > 0.15
    assert abs(np.mean([echo(permuted(market.panel, market.contracts, seed)[0]) for seed in range(5)])) < 0.05


def test_a_walk_starts_where_the_market_did_and_moves_as_much(market):
    panel, _, _ = random_walk(market.panel, market.contracts, seed=4)
    ten = [np.concatenate([of[10:] - of[:-10] for of in runs(p, p.log_vol)]) for p in (market.panel, panel)]
    before, after = (np.sqrt((of[:, :, 2:6] ** 2).mean()) for of in ten)
    assert after == pytest.approx(before, rel=0.15)
    assert panel.log_vol[panel.run == 3][0] == pytest.approx(market.panel.log_vol[market.panel.run == 3][0], abs=0.06)


def test_a_walk_is_quoted_with_noise_in_shares_of_the_spread_of_which_half_stays(market):
    _, contracts, true_vol = random_walk(market.panel, market.contracts, seed=5)
    miss = np.log(contracts["vol"] / true_vol)
    half = 0.5 * np.log(contracts["ask_vol"] / contracts["bid_vol"])
    assert half.to_numpy() == pytest.approx(np.full(len(half), 0.02), rel=1e-9)
    assert (miss / half).std() == pytest.approx(0.25, rel=0.1)
    rows = contracts.assign(miss=miss, day=contracts["ts"].dt.date).sort_values("ts")
    of_one = rows.groupby(["day", "expiration", "strike"])["miss"]
    before = of_one.shift()
    assert np.corrcoef(rows["miss"][before.notna()], before.dropna())[0, 1] == pytest.approx(0.5, abs=0.1)


def test_of_a_walk_smoothing_tells_more_than_the_last_state_and_nobody_sees_further():
    """Here steps are short beside the noise of quotes."""
    quiet = world(16, 40, shock=0.0, spot=5e-4)
    slow = replace(quiet.panel, log_vol=SHAPE + 0.3 * (quiet.panel.log_vol - SHAPE))
    drawn, contracts, true_vol = random_walk(slow, quiet.contracts, seed=6)
    models = {"persistence": Foresees(), "local_level": Foresees(smooth=0.5), "gru": Foresees(smooth=0.4)}
    found = leaderboard(drawn, drawn.last_of_windows(), models, contracts, true_vol)
    table = found.table.set_index(["model", "horizon_steps"])
    assert table.loc[("local_level", 1), "skill"] > 0.05
    assert table.loc[("gru", 1), "skill"] > 0.05
    assert abs(table.loc[("gru", 10), "skill_held"]) < 1e-9
    assert not judge(found, ["gru"])["gru"].passed
