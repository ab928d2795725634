"""What a forecast means: where it stands in SPY's history, and what options charge above it."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.charts import style
from vol_assets.forecasting import charts
from vol_assets.forecasting.outlook import ENOUGH_HISTORY, outlook, realised_history

DAYS = pd.DatetimeIndex(clock.sessions("2019-01-02", "2020-12-31"), name="date").as_unit("ns")
# A thousand volatilities from 0.1 % to 100 %, one a session, so that percentiles can be read off.
LADDER = pd.Series(np.arange(1, len(DAYS) + 1) / len(DAYS), DAYS)


def forecast(day: pd.Timestamp = DAYS[-1], vol: float = 0.2, **columns) -> dict:
    row = {"date": day, "forecast_vol": vol, "forecast_var": 1.21 * vol**2, "p10": 0.6 * vol, "p90": 1.6 * vol}
    return {**row, "baseline_vol": 0.95 * vol, **columns}


def in_words(today) -> pd.DataFrame:
    return today.in_words().set_index("what")


@pytest.mark.parametrize(
    ("vol", "percentile", "regime"),
    [
        (0.1, 0.1, "calm"),
        (0.26, 0.26, "normal"),
        (0.5, 0.5, "normal"),
        (0.76, 0.76, "elevated"),
        (0.96, 0.96, "stressed"),
    ],
)
def test_the_percentile_is_among_all_that_has_come_and_the_regime_follows_it(vol, percentile, regime):
    today = outlook(forecast(vol=vol), LADDER)
    assert today.percentile == pytest.approx(percentile, abs=2 / len(DAYS))
    assert today.regime == regime
    assert today.bounds["stressed"] == pytest.approx(0.95, abs=2 / len(DAYS))


def test_nothing_after_the_session_of_the_forecast_is_looked_at():
    day = DAYS[300]
    later = LADDER.copy()
    later.loc[later.index > day] = 9.0
    assert outlook(forecast(day), LADDER) == outlook(forecast(day), later)
    assert outlook(forecast(day), LADDER).sessions == 301


def test_the_words_name_the_distribution_and_its_first_session():
    words = in_words(outlook(forecast(), LADDER))
    assert words.loc["percentile of the forecast", "in words"] == (
        f"of SPY's {len(DAYS)} five-session volatilities since 2019-01-02, overlapping"
    )


def test_too_short_a_history_makes_no_percentile_and_says_so():
    today = outlook(forecast(DAYS[ENOUGH_HISTORY - 2]), LADDER)
    assert np.isnan(today.percentile)
    assert today.regime is None
    assert "are too few" in in_words(today).loc["percentile of the forecast", "in words"]
    assert outlook(forecast(DAYS[ENOUGH_HISTORY - 1]), LADDER).regime is not None


def test_premiums_are_implied_less_the_root_of_the_expected_variance():
    today = outlook(forecast(vol=0.2), LADDER, implied_7d=0.25, vix9d=0.21, vix=0.3)
    assert today.variance_vol == pytest.approx(0.22)
    assert today.premium_7d == pytest.approx(0.03)
    assert today.premium_9d == pytest.approx(-0.01)
    words = in_words(today)
    assert words.loc["implied over 7 days", "in words"].endswith("+3.0 points over the forecast of variance")
    assert words.loc["VIX9D", "in words"].endswith("-1.0 points over the forecast of variance")
    assert "30 days: not comparable" in words.loc["VIX", "in words"]


def test_what_the_lake_lacks_is_null_and_said_to_be():
    words = in_words(outlook(forecast(baseline_vol=np.nan), LADDER))
    assert words.loc[["implied over 7 days", "VIX9D", "VIX", "baseline, log_har_iv"], "value"].tolist() == ["-"] * 4
    assert words.loc["VIX9D", "in words"] == "implied over 9 days: not in the lake"


def test_the_history_is_of_five_sessions_and_null_where_one_is_missing():
    returns = pd.Series(0.01, DAYS[:20]).drop(DAYS[10])
    realised = realised_history(returns)
    assert list(realised.index) == list(DAYS[:20])
    assert list(realised[realised.isna()].index) == [*DAYS[:4], *DAYS[10:15]]
    assert realised.dropna().to_numpy() == pytest.approx(np.sqrt(252 * 0.0001))
    assert len(realised_history(returns.iloc[:0])) == 0


CROWDED = [
    {"implied_7d": 0.2, "vix9d": 0.2, "vix": 0.2},
    {"implied_7d": 0.21, "vix9d": 0.195, "vix": 0.205},
    {"vix": 0.6},
    {},
]


@pytest.mark.parametrize("implied", CROWDED)
@pytest.mark.parametrize("vol", [0.05, 0.19])
def test_no_name_in_the_picture_lies_over_another(implied, vol):
    draw = np.random.default_rng(2)
    realised = pd.Series(0.15 * np.exp(0.5 * draw.standard_normal(len(DAYS))), DAYS)
    figure = charts.today(outlook(forecast(vol=vol), realised, **implied), realised)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    names = [text for text in ax.texts if not text.get_text().startswith(("normal", "elevated", "stressed"))]
    assert len(names) == 3 + len(implied)
    boxes = [text.get_window_extent() for text in names]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    width, height = figure.canvas.get_width_height()
    assert all(box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)


def test_a_history_of_a_few_sessions_can_be_drawn():
    realised = LADDER.iloc[:5]
    assert style.png(charts.today(outlook(forecast(DAYS[4]), realised), realised)).startswith(b"\x89PNG")
