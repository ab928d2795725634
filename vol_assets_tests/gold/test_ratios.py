"""Ratios, the rule and its record, against loops from their definitions and histories made to be known."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.gold.har import forecast_variance
from vol_assets.gold.ratios import BUY, SELL, ratio_history, ratios, signal
from vol_assets.gold.realised import realised


def by_date(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex(clock.sessions("2012-01-03", "2035-12-31")[: len(values)]))


@pytest.fixture(scope="module")
def returns() -> pd.Series:
    draw = np.random.default_rng(2)
    return by_date(0.01 * np.exp(0.03 * np.cumsum(draw.normal(size=600))) * draw.normal(size=600))


@pytest.fixture(scope="module")
def rows(returns):
    """Expirations 2 to 252 sessions away."""
    sessions = [2, 21, 26, 45, 46, 252]
    forecast = forecast_variance(returns, np.square(returns), sessions)
    assert forecast.source == "har"
    vols = [0.12, 0.16, 0.20, 0.20, 0.20, 0.25]
    return ratios([3, 30, 37, 65, 66, 365], sessions, vols, realised(returns, None), returns, forecast), forecast


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(1.16, "SELL VOL"), (SELL, "NEUTRAL"), (1.0, "NEUTRAL"), (BUY, "NEUTRAL"), (0.84, "BUY VOL")],
)
def test_the_rule_has_strict_thresholds(ratio, word):
    assert (SELL, BUY) == (1.15, 0.85)
    assert signal(ratio) == word


def test_the_trailing_window_is_the_nearest_in_sessions_and_the_shorter_of_two(rows):
    assert [row.trailing_window for row in rows[0]] == [7, 21, 30, 30, 60, 180]


def test_a_ratio_is_of_totals_to_the_expiration_implied_by_days_and_realised_by_sessions(rows, returns):
    for row in rows[0]:
        a_session = statistics.variance(returns.tolist()[-row.trailing_window :])
        trailing = math.sqrt(a_session * row.sessions / (row.days / 365))
        assert row.trailing_vol == pytest.approx(trailing)
        assert row.ratio == pytest.approx(row.implied_vol / trailing)
        assert row.signal == signal(row.ratio)


def test_a_market_priced_fairly_is_neutral_whatever_days_are_no_sessions(returns):
    """Thursday to Friday is one session in one day, Friday to Monday one in three."""
    past = realised(returns, None)
    (week,) = [row.current for row in past.cone if (row.window, row.estimator) == (7, "close")]
    for days, sessions in ((1, 1), (3, 1), (5, 3), (7, 5)):
        fair = week * math.sqrt(sessions / 252 / (days / 365))
        (row,) = ratios([days], [sessions], [fair], past, returns, None)
        assert row.ratio == pytest.approx(1.0)


def test_the_forecast_is_annualised_on_the_years_to_the_expiration(rows):
    made, forecast = rows
    for row, total in zip(made, forecast.total_variance, strict=True):
        assert row.forecast_vol == pytest.approx(math.sqrt(total / (row.days / 365)))
        assert row.forecast_ratio == pytest.approx(row.implied_vol / row.forecast_vol)
        assert row.forecast_signal == signal(row.forecast_ratio)
        assert row.variance_premium == pytest.approx(row.implied_vol**2 - row.forecast_vol**2)


def test_the_percentile_is_among_past_windows_as_they_were(rows, returns):
    values = returns.to_numpy()
    for row in rows[0]:
        w = row.trailing_window
        vols = [math.sqrt(252) * np.std(values[t - w + 1 : t + 1], ddof=1) for t in range(w - 1, 600)]
        by_sessions = row.implied_vol * math.sqrt(row.days / 365 / (row.sessions / 252))
        assert row.cone_percentile == pytest.approx(sum(vol < by_sessions for vol in vols) / len(vols))
    assert any(0.2 < row.cone_percentile < 0.8 for row in rows[0])


def test_what_is_not_known_is_none(returns):
    (bare,) = ratios([30], [21], [0.15], None, None, None)
    assert (bare.days, bare.sessions, bare.implied_vol) == (30.0, 21, 0.15)
    assert {getattr(bare, name) for name in bare.__dataclass_fields__} - {30.0, 21, 0.15} == {None}
    (trailing,) = ratios([30], [21], [0.15], realised(returns, None), returns, None)
    assert trailing.ratio is not None
    assert trailing.forecast_vol is trailing.forecast_ratio is trailing.forecast_signal is None
    (forecast,) = ratios([30], [21], [0.15], None, None, forecast_variance(returns, np.square(returns), [21]))
    assert forecast.forecast_ratio is not None
    assert forecast.trailing_window is forecast.ratio is forecast.signal is forecast.cone_percentile is None


def test_an_expiration_without_forecast_is_an_error(returns):
    with pytest.raises(ValueError, match="22 sessions"):
        ratios([31], [22], [0.15], None, None, forecast_variance(returns, np.square(returns), [21]))


def test_trailing_variance_is_no_forecast(returns):
    (row,) = ratios([30], [21], [0.15], None, None, forecast_variance(returns, None, [21]))
    assert row.forecast_vol is row.forecast_ratio is row.forecast_signal is row.variance_premium is None


def test_a_window_whose_newest_is_unknown_is_not_replaced_by_another(returns):
    """The 180 sessions hold a hole of ten; the shorter windows do not."""
    holed = returns.copy()
    holed.iloc[-100:-90] = np.nan
    near, far = ratios([30, 365], [21, 252], [0.15, 0.15], realised(holed, None), holed, None)
    assert near.trailing_window == 21
    assert far.trailing_window is far.trailing_vol is far.ratio is far.signal is far.cone_percentile is None


# ---------------------------------------------------------------------- the rule's record


def test_the_record_is_what_its_definition_says(returns):
    gvz = by_date(0.16 * np.exp(0.1 * np.random.default_rng(5).normal(size=600)))
    gvz.iloc[[100, 300]] = np.nan
    values, said, right = returns.tolist(), [], []
    for t in range(20, 600):
        if math.isnan(gvz.iloc[t]):
            continue
        said.append(gvz.iloc[t] / (math.sqrt(252) * statistics.stdev(values[t - 20 : t + 1])))
        ahead = values[t + 1 : t + 22]
        if len(ahead) == 21:
            right.append(math.fsum(r * r for r in ahead) < gvz.iloc[t] ** 2 * 30 / 365)
    record = ratio_history(returns, gvz)
    sold = [answer for ratio, answer in zip(said, right) if ratio > 1.15]
    assert record.sessions == len(said) == 578
    assert record.now == pytest.approx(said[-1])
    assert record.percentile == pytest.approx(sum(ratio < said[-1] for ratio in said) / 578)
    assert record.sell_share == pytest.approx(sum(ratio > 1.15 for ratio in said) / 578)
    assert record.buy_share == pytest.approx(sum(ratio < 0.85 for ratio in said) / 578)
    assert record.sell_share + record.neutral_share + record.buy_share == pytest.approx(1)
    assert record.after_sell == pytest.approx(sum(sold) / len(sold))
    assert record.after_all == pytest.approx(sum(right) / len(right))
    assert 0 < record.buy_share < record.sell_share < 1
    assert 0 < record.after_all < 1


@pytest.mark.parametrize(("gvz", "said", "less"), [(0.30, "sell", 1.0), (0.16, "neutral", 0.0), (0.10, "buy", 0.0)])
def test_the_record_of_a_market_of_one_vol(gvz, said, less):
    """Returns of 1 % up and down: 21 of them make .0021, as much as an index of .1598 implies over 30 days."""
    returns = by_date(np.resize([0.01, -0.01], 400))
    gvz -= 0.0003 if said == "neutral" else 0.0
    record = ratio_history(returns, by_date(np.full(400, gvz)))
    shares = {"sell": record.sell_share, "neutral": record.neutral_share, "buy": record.buy_share}
    assert shares == {word: float(word == said) for word in shares}
    assert record.after_all == less
    assert record.after_sell == (less if said == "sell" else None)


def test_only_sessions_whose_next_21_are_over_are_judged():
    """The last 21 sessions would be judged wrong, were they judged: the index falls to a tenth."""
    gvz = np.full(400, 0.30)
    gvz[-21:] = 0.03
    assert ratio_history(by_date(np.resize([0.01, -0.01], 400)), by_date(gvz)).after_all == 1.0


def test_a_record_needs_252_sessions_with_both_and_the_newest(returns):
    gvz = by_date(np.full(600, 0.16))
    assert ratio_history(returns[:272], gvz).sessions == 252
    assert ratio_history(returns[:271], gvz) is None
    assert ratio_history(returns[:0], gvz) is None
    assert ratio_history(returns, gvz[:-1]) is None
    assert ratio_history(returns.where(returns.index != returns.index[-5]), gvz) is None
