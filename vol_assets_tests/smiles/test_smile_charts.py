"""Pictures of smile models say what is in their tables, whatever is in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from judged_world import Foresees, World, world

from vol_assets.charts.style import AMBER, MUTED, NAVY, png
from vol_assets.smiles import charts
from vol_assets.smiles.leaderboard import Board, leaderboard
from vol_assets.smiles.scoring import pairs_of, predicted


@pytest.fixture(scope="module")
def market() -> World:
    return world(12, 30, quote_noise=0.003)


@pytest.fixture(scope="module")
def board(market: World) -> Board:
    models = {"persistence": Foresees(), "gru": Foresees(0.5), "mlp": Foresees(0.0, 0.2)}
    return leaderboard(market.panel, market.last, models, market.contracts, market.true_vol)


def texts(figure) -> list[str]:
    import matplotlib.text

    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def test_the_leaderboard_has_a_panel_a_horizon_and_a_row_a_model_the_best_on_top(board):
    figure = charts.leaderboard(board)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "all horizons together",
        "1 step ahead",
        "10 steps ahead",
    ]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[::-1] == board.losses[0].mean().sort_values(kind="stable").index.tolist()
    assert names[-1] == "gru"
    table = board.table.set_index(["horizon_steps", "model"])
    for ax, horizon in zip(figure.axes, (0, 1, 10)):
        widths = {name: bar.get_width() for name, bar in zip(names, ax.patches)}
        assert widths == pytest.approx({name: max(table.loc[(horizon, name), "skill_best"], -0.6) for name in names})
        colours = {name: bar.get_facecolor() for name, bar in zip(names, ax.patches)}
        best = board.best_baseline(horizon)
        assert ax.get_xlabel() == f"skill over {best}"
        assert colours["gru"] == _rgba(NAVY)
        assert colours[best] == _rgba(AMBER)
        assert all(colours[name] == _rgba(MUTED) for name in ("raw", "persistence", "fixed_strike") if name != best)
    assert f"{table.loc[(10, 'gru'), 'skill_best']:+.1%}" in texts(figure)
    assert f"{table.loc[(10, 'gru'), 'rmse']:.3f}" in texts(figure)
    assert "132 snapshots of 12 test sessions" in " ".join(texts(figure))
    assert png(figure, 40).startswith(b"\x89PNG")


def _rgba(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgba

    return to_rgba(colour, 0.85)


def test_intervals_of_few_sessions_are_not_drawn(market):
    few = world(3, 30)
    models = {"persistence": Foresees(), "gru": Foresees(0.5)}
    found = leaderboard(few.panel, few.last, models, few.contracts)
    assert found.table["skill_best_error"].isna().all()
    assert png(charts.leaderboard(found), 40).startswith(b"\x89PNG")


def test_a_training_curve_says_which_epoch_was_kept():
    curve = pd.DataFrame(
        {"epoch": [0, 1, 2, 3], "train": [1.0, 0.97, 0.95, 0.94], "validation": [1.0, 0.96, 0.98, 0.99]}
    )
    figure = charts.training(curve, "live gru")
    assert "Kept is epoch 1, with 96.0% of persistence's error in validation." in " ".join(texts(figure))
    lines = [line.get_ydata().tolist() for line in figure.axes[0].get_lines() if len(line.get_ydata()) == 4]
    assert lines == [curve["train"].tolist(), curve["validation"].tolist()]
    assert png(figure, 40).startswith(b"\x89PNG")


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_network_that_found_nothing_is_said_to_be_persistence(epochs: int):
    curve = pd.DataFrame({"epoch": range(epochs), "train": 1.0, "validation": 1.0 + 0.1 * np.arange(epochs)})
    assert "the untrained network is kept, which is persistence" in " ".join(texts(charts.training(curve, "gru")))


@pytest.mark.parametrize("on_surface", [np.nan, 1.01])
def test_the_rows_of_a_prediction_are_the_numbers_that_are_scored(market, on_surface: float):
    at, ahead = int(market.last[5]), 10
    contracts = market.contracts.assign(fitted_vol=on_surface * market.contracts["vol"])
    rows = charts.forecast_rows(market.panel, at, ahead, Foresees(0.5), contracts)
    _, pairs = pairs_of(market.panel, np.array([at]), contracts, [ahead])
    if np.isfinite(on_surface):
        np.testing.assert_allclose(rows["fitted_vol"], on_surface * rows["vol"], rtol=1e-9)
    said = Foresees(0.5).forecast(market.panel.windows(np.array([at])))[:, 1]
    np.testing.assert_allclose(rows["predicted_vol"], predicted(pairs[ahead], said).vol, rtol=1e-9)
    held = market.panel.log_vol[[at]]
    np.testing.assert_allclose(rows["held_vol"], predicted(pairs[ahead], held).vol, rtol=1e-9)
    np.testing.assert_array_equal(rows["came_vol"], pairs[ahead].vol)
    np.testing.assert_array_equal(rows["vol"], pairs[ahead].vol_now)


def test_a_prediction_is_drawn_with_what_came_and_before_that_without(market):
    at, made = int(market.last[5]), pd.Timestamp(market.panel.ts[int(market.last[5])], tz="UTC")
    rows = charts.forecast_rows(market.panel, at, 1, Foresees(0.5), market.contracts)
    figure = charts.smiles(rows, made, 1, "gru")
    said = " ".join(texts(figure))
    rmse = 100 * np.sqrt(((rows["predicted_vol"] - rows["came_vol"]) ** 2).mean())
    assert "SPY's smile 1 step ahead, by gru" in said
    assert "Made 2 Jan 2024, 12:14 New York" in said
    assert f"off by {rmse:.3f} vol points" in said
    assert len(figure.axes) == 8
    before = charts.smiles(rows.assign(came_vol=np.nan), made, 1, "gru")
    assert "off by" not in " ".join(texts(before))
    assert "what came" in said
    assert "what came" not in " ".join(texts(before))
    assert all(png(one, 40).startswith(b"\x89PNG") for one in (figure, before))


def test_of_many_expirations_four_are_drawn(market):
    at, made = int(market.last[5]), pd.Timestamp(market.panel.ts[int(market.last[5])], tz="UTC")
    rows = charts.forecast_rows(market.panel, at, 1, Foresees(0.5), market.contracts)
    later = rows.assign(expiration=rows["expiration"] + pd.Timedelta(days=100))
    figure = charts.smiles(pd.concat([rows, later]), made, 1, "gru", family="daily")
    assert len(figure.axes) == 8
    assert "SPY's smile 1 session ahead, by gru" in " ".join(texts(figure))
