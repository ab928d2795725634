"""The board: one set of snapshots for all, losses that are put together, and a table that keeps its contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judged_world import FORWARD, SEEN, Foresees, World, quotes, steps_of_drift, world

from vol_assets.contracts.leaderboard import ALL_HORIZONS, SMILE_LEADERBOARD
from vol_assets.errors import ForecastError
from vol_assets.smiles.gate import judged
from vol_assets.smiles.leaderboard import Board, leaderboard

BARS = {"persistence": Foresees(), "local_level": Foresees(smooth=0.8)}


def board(found: World, **models) -> Board:
    return leaderboard(found.panel, found.last, BARS | models, found.contracts, found.true_vol)


@pytest.fixture(scope="module")
def quiet() -> World:
    return world(12, 30)


@pytest.fixture(scope="module")
def of_quiet(quiet: World) -> Board:
    return board(quiet, half=Foresees(0.5), whole=Foresees(1.0))


def row(found: Board, model: str, horizon: int) -> pd.Series:
    (index,) = found.table.index[(found.table["model"] == model) & (found.table["horizon_steps"] == horizon)]
    return found.table.loc[index]


def test_there_is_a_row_a_horizon_and_model_and_the_two_baselines_that_are_no_models_are_among_them(of_quiet):
    models = ["raw", "fixed_strike", "persistence", "local_level", "half", "whole"]
    assert of_quiet.table["model"].tolist() == 3 * models
    assert of_quiet.table["horizon_steps"].tolist() == [at for at in (0, 1, 10) for _ in models]
    assert of_quiet.table.set_index("model").loc["half", "is_baseline"].tolist() == 3 * [False]
    assert of_quiet.table.set_index("model").loc["raw", "is_baseline"].tolist() == 3 * [True]


def test_everybody_is_scored_on_the_same_snapshots(of_quiet, quiet):
    snapshots = 12 * (30 - 9 - 10)  # a window before, ten steps after
    assert (of_quiet.table["snapshots"] == snapshots).all()
    assert of_quiet.losses.shape == (snapshots, 18)
    assert of_quiet.losses.notna().all(axis=None)
    assert (of_quiet.table["sessions"] == 12).all()
    assert (np.unique(of_quiet.session) == np.unique(quiet.panel.session)).all()
    contracts = of_quiet.table.groupby("horizon_steps")["contracts"].first()
    assert contracts[0] == contracts[1] + contracts[10]


def test_losses_are_those_of_the_law_of_the_world(of_quiet, quiet):
    """The level's move h steps on, less `share` of what the drift was expected to make of it."""
    last = quiet.last[quiet.last + 10 < len(quiet.panel)]
    last = last[quiet.panel.run[last] == quiet.panel.run[last + 10]]
    level, drift = quiet.panel.log_vol[:, 0, 4], quiet.panel.covariates[:, SEEN]
    for model, share in (("persistence", 0.0), ("half", 0.5), ("whole", 1.0)):
        for ahead in (1, 10):
            miss = level[last + ahead] - level[last] - share * steps_of_drift(ahead) * drift[last]
            relative = row(of_quiet, model, ahead)["mape"]
            assert relative == pytest.approx(np.abs(miss).mean(), rel=0.1)


def test_all_horizons_together_are_the_mean_in_units_of_raw(of_quiet):
    losses = of_quiet.losses
    by_hand = (losses[1] / losses[1]["raw"].mean() + losses[10] / losses[10]["raw"].mean()) / 2
    pd.testing.assert_frame_equal(losses[ALL_HORIZONS], by_hand, check_names=False)
    assert row(of_quiet, "raw", ALL_HORIZONS)["loss"] == pytest.approx(1.0)


def test_rmse_skill_and_the_best_baseline_follow_from_the_losses(of_quiet):
    losses = of_quiet.losses
    for ahead in (0, 1, 10):
        means = losses[ahead].mean()
        best = means[["raw", "fixed_strike", "persistence", "local_level"]].idxmin()
        assert of_quiet.best_baseline(ahead) == best
        of_one = row(of_quiet, "half", ahead)
        assert of_one["best_baseline"] == best
        assert of_one["loss"] == pytest.approx(means["half"])
        assert of_one["skill"] == pytest.approx(1 - means["half"] / means["persistence"])
        assert of_one["skill_best"] == pytest.approx(1 - means["half"] / means[best])
        if ahead:
            assert of_one["rmse"] == pytest.approx(np.sqrt(means["half"]))
        else:
            assert np.isnan(of_one["rmse"])
    assert row(of_quiet, "whole", 10)["skill_best"] > row(of_quiet, "half", 10)["skill_best"] > 0


def test_where_quotes_have_no_noise_the_truth_is_what_came(of_quiet):
    for ahead in (1, 10):
        of_one = row(of_quiet, "half", ahead)
        assert of_one["rmse_true"] == pytest.approx(of_one["rmse"], rel=1e-12)


def test_against_the_truth_errors_are_smaller_than_against_noisy_mids():
    found = board(world(8, 24, quote_noise=0.01))
    assert (found.table["rmse_true"].dropna() < found.table["rmse"].dropna()).all()
    assert row(found, "persistence", 1)["rmse"] ** 2 - row(found, "persistence", 1)["rmse_true"] ** 2 == pytest.approx(
        (100 * 0.2 * 0.01) ** 2, rel=0.1
    )


def test_the_view_without_the_forwards_move_is_the_same_where_it_stands_still_and_not_where_it_moves():
    found = world(8, 24)
    still = row(board(found), "persistence", 1)
    assert still["rmse_then"] == pytest.approx(still["rmse"], rel=1e-9)
    moved = FORWARD * np.exp(0.02 * np.sin(np.arange(len(found.panel))))
    panel = replace(found.panel, forward=np.repeat(moved[:, None], 4, axis=1))
    contracts, true_vol = quotes(panel, panel.log_vol, np.zeros((len(panel), 24)))
    then = row(board(found._replace(panel=panel, contracts=contracts, true_vol=true_vol)), "persistence", 1)
    assert then["rmse_then"] == pytest.approx(still["rmse"], rel=0.05)  # smiles here stick to the forward
    assert then["rmse"] > 2 * then["rmse_then"]


def test_what_a_model_said_of_one_step_is_held_to_ten(of_quiet, quiet):
    again = board(quiet, said=HeldOn(1.0)).losses[10]["said"]
    np.testing.assert_allclose(of_quiet.held[10]["whole"], again)
    held = row(of_quiet, "whole", 10)["skill_held"]
    assert held == pytest.approx(1 - of_quiet.losses[10]["whole"].mean() / again.mean())
    assert held > 0.1
    assert row(of_quiet, "persistence", 10)["skill_held"] == pytest.approx(0.0)
    assert np.isnan(row(of_quiet, "whole", 1)["skill_held"])


class HeldOn(Foresees):
    def forecast(self, windows):
        return np.repeat(super().forecast(windows)[:, :1], 2, axis=1)


def test_the_table_with_its_verdicts_keeps_its_contract(of_quiet):
    verdicts, rows = judged(of_quiet, ["half", "whole"])
    SMILE_LEADERBOARD.require(rows)
    assert list(rows.columns) == list(SMILE_LEADERBOARD.columns)
    said = rows[rows["verdict"] != ""]
    assert said["model"].tolist() == ["half", "whole"]
    assert (said["horizon_steps"] == ALL_HORIZONS).all()
    assert said["verdict"].tolist() == [verdicts[name].reason for name in ("half", "whole")]
    assert rows.loc[rows["is_baseline"], "dm_p_holm"].isna().all()
    networks = rows[~rows["is_baseline"]]
    assert (networks["dm_p_holm"] >= networks["dm_p"]).all()
    assert (networks["promoted"] == [verdicts[name].passed for name in networks["model"]]).all()


def test_without_networks_there_is_a_table_and_no_verdict(quiet):
    verdicts, rows = judged(board(quiet), [])
    assert verdicts == {}
    SMILE_LEADERBOARD.require(rows)
    assert not rows["promoted"].any()


def test_a_board_needs_persistence_and_models_of_its_family_that_say_numbers(quiet):
    arguments = quiet.panel, quiet.last
    with pytest.raises(ForecastError, match="needs persistence"):
        leaderboard(*arguments, {"gru": Foresees()}, quiet.contracts)
    with pytest.raises(ForecastError, match="gru predicts daily smiles"):
        board(quiet, gru=Foresees(family="daily"))
    with pytest.raises(ForecastError, match=r"gru predicts live smiles \(1, 5\) steps"):
        board(quiet, gru=Foresees(horizons=(1, 5)))
    with pytest.raises(ForecastError, match="gru was asked for finite ln vols"):
        board(quiet, gru=Foresees(wiggle=np.nan))


def test_the_daily_family_has_one_horizon_and_nothing_to_hold():
    found = world(12, 30)
    daily = replace(found.panel, family="daily")
    models = {"persistence": Foresees(family="daily", horizons=(1,)), "gru": Foresees(1.0, 1.0, 0.0, "daily", (1,))}
    of_daily = leaderboard(daily, found.last, models, found.contracts)
    assert of_daily.held.empty
    assert sorted(of_daily.table["horizon_steps"].unique()) == [0, 1]
    assert row(of_daily, "gru", 0)["skill_best"] == pytest.approx(row(of_daily, "gru", 1)["skill_best"])
    verdicts, rows = judged(of_daily, ["gru"])
    SMILE_LEADERBOARD.require(rows)
    assert "foresight" not in [condition.name for condition in verdicts["gru"].conditions]
