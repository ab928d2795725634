"""Each baseline does what its name says, and finds its numbers where the law is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_panels import STEP, behind_noise, panel_from, random_walks, with_momentum

from vol_assets.errors import ForecastError
from vol_assets.smiles.baselines import BASELINES, fit_baseline
from vol_assets.smiles.dataset import Samples, samples, split
from vol_assets.smiles.panel import DAILY, HORIZONS, LIVE, SMILES, Panel
from vol_assets.smiles.state import NODES, smile_vols


def fitted(kind: str, panel: Panel):
    return fit_baseline(kind, panel, split(panel))


def skill(model, panel: Panel, truth: np.ndarray | None = None) -> np.ndarray:
    of = Samples.of(panel, samples(panel, split(panel), "test"))
    change = of.change if truth is None else truth[of.last]
    error = model.forecast(of.windows) - of.windows.log_vol[:, -1:] - change
    return 1.0 - (error**2).mean(axis=(0, 2, 3)) / (change**2).mean(axis=(0, 2, 3))


@pytest.mark.parametrize("family", [LIVE, DAILY])
@pytest.mark.parametrize("kind", BASELINES)
def test_every_baseline_forecasts_every_window_of_its_family(kind, family):
    panel = random_walks(10, 30) if family == LIVE else random_walks(200, 1, family=DAILY)
    model = fitted(kind, panel)
    windows = panel.windows(panel.last_of_windows())
    forecast = model.forecast(windows)
    assert forecast.shape == (len(windows.years), len(HORIZONS[family]), SMILES, len(NODES))
    assert np.abs(forecast - windows.log_vol[:, -1:]).max() < 0.2
    assert (model.kind, model.family, model.horizons) == (kind, family, HORIZONS[family])
    one = model.forecast(panel.windows(panel.last_of_windows()[3:4]))
    assert one == pytest.approx(forecast[3:4], abs=1e-12)


def test_persistence_is_the_last_state():
    panel = random_walks(10, 30)
    windows = panel.windows(panel.last_of_windows())
    assert (fitted("persistence", panel).forecast(windows) == windows.log_vol[:, -1:]).all()


def test_fixed_k_gives_every_strike_of_a_live_smile_the_vol_it_has_now():
    panel = random_walks(10, 30)
    panel = replace(panel, log_vol=panel.log_vol - 0.03 * NODES)
    model = fitted("fixed_k", panel)
    windows = panel.windows(panel.last_of_windows()[:3])
    forecast, minute = model.forecast(windows), 1.0 / (365.0 * 24.0 * 60.0)
    k = np.linspace(-0.012, 0.012, 7)
    for column, ahead in enumerate(HORIZONS[LIVE]):
        for row in range(3):
            years = windows.years[row, -1]
            for smile in range(SMILES):
                at = np.full(len(k), years[smile])
                now = smile_vols(windows.log_vol[row, -1], years, at, k)
                then = smile_vols(forecast[row, column], years - ahead * minute, at - ahead * minute, k)
                assert then == pytest.approx(now, rel=2e-5)
    assert (forecast[:, 1] != windows.log_vol[:, -1]).any()


def test_fixed_k_gives_every_strike_and_expiration_of_a_daily_surface_the_vol_it_has_now():
    slope = np.array([0.1, 0.0, -0.05, -0.08])[:, None]
    panel = random_walks(200, 1, family=DAILY)
    panel = replace(panel, log_vol=panel.log_vol + slope - 0.03 * NODES)
    model = fitted("fixed_k", panel)
    windows = panel.windows(panel.last_of_windows()[:1])
    now, then, years = windows.log_vol[0, -1], model.forecast(windows)[0, 0], windows.years[0, -1]
    step = float(model.step[0])
    assert 1.0 < 365.0 * step < 2.0  # a weekend is three days
    for smile in range(SMILES):
        at = np.full(len(NODES), years[smile])
        k = NODES * np.exp(then[smile, 4]) * np.sqrt(at)
        assert smile_vols(then, years, at, k) == pytest.approx(smile_vols(now, years, at + step, k), rel=1e-9)
    assert np.abs(then - now)[:3].min() > 1e-4


def test_local_level_finds_the_weight_that_a_kalman_filter_has():
    """Steps of variance q seen with noise of variance r: the steady gain is (x + sqrt(x^2 + 4 x)) / 2 / (1 + ...)."""
    panel = behind_noise(30, 100)
    ratio = 2.0 * STEP**2 / (2.0 * STEP) ** 2  # own steps and common ones
    ahead = (ratio + np.sqrt(ratio**2 + 4.0 * ratio)) / 2.0
    model = fitted("local_level", panel)
    assert model.weight[0].mean() == pytest.approx(ahead / (1.0 + ahead), abs=0.03)
    assert model.weight[0].std() < 0.05
    assert skill(model, panel)[0] > 0.15


def test_local_level_trusts_a_state_without_noise():
    model = fitted("local_level", random_walks(30, 60))
    assert model.weight[0].mean() > 0.9
    assert (np.abs(skill(model, random_walks(30, 60))) < 0.02).all()


def test_ar1_finds_a_change_that_goes_on():
    panel, expected = with_momentum(20, 100)
    model = fitted("ar1", panel)
    assert model.on_change[0].mean() == pytest.approx(0.7, abs=0.05)
    assert (model.on_level == 0.0).all()
    assert (skill(model, panel, expected) > 0.85).all()


def mean_reverting(own: float = 0.0) -> Panel:
    random = np.random.default_rng(2)
    away = np.zeros((1200, SMILES, len(NODES)))
    for day in range(1, 1200):
        common = 0.03 * (random.standard_normal() + own * random.standard_normal(away.shape[1:]))
        away[day] = 0.7 * away[day - 1] + common
    return panel_from((np.log(0.2) + away)[:, None], DAILY)


def test_ar1_finds_a_level_that_comes_back():
    panel = mean_reverting(own=0.5)
    model = fitted("ar1", panel)
    assert model.on_level.mean() == pytest.approx(-0.3, abs=0.05)
    assert (model.on_change == 0.0).all()
    assert skill(model, panel)[0] > 0.1


def test_pca_var_finds_what_all_nodes_have_in_common():
    panel, expected = with_momentum(20, 100)
    model = fitted("pca_var", panel)
    assert (skill(model, panel, expected) > 0.9).all()
    assert np.allclose(model.components @ model.components.T, np.eye(len(model.components)))
    level = fitted("pca_var", mean_reverting())
    assert (level.on_change == 0.0).all()
    assert skill(level, mean_reverting())[0] > 0.1


@pytest.mark.parametrize("kind", BASELINES)
def test_no_baseline_finds_anything_in_a_random_walk(kind):
    panel = random_walks(40, 60)
    assert (skill(fitted(kind, panel), panel) < 0.01).all()


@pytest.mark.parametrize("kind", BASELINES)
def test_the_test_sessions_change_no_baseline(kind):
    panel = with_momentum(10, 60)[0]
    which = split(panel)
    log_vol = panel.log_vol.copy()
    log_vol[which == "test"] *= 1.1
    windows = panel.windows(samples(panel, which, "validation"))
    one, two = (fit_baseline(kind, each, which) for each in (panel, replace(panel, log_vol=log_vol)))
    assert np.array_equal(one.forecast(windows), two.forecast(windows))


def test_an_unknown_baseline_is_refused():
    panel = random_walks(5, 40)
    with pytest.raises(ForecastError, match="no baseline 'gru'; there are persistence, fixed_k"):
        fit_baseline("gru", panel, split(panel))
