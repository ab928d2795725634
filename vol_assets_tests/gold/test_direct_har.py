"""The variance forecast against least squares written out, markets of known variance, and perturbed futures."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.gold.har import FIRST_FIT, REFIT_EVERY, forecast_variance, next_sums, out_of_sample

SLOPES = (0.15, 0.35, 0.40)


def by_date(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex(clock.sessions("2008-01-02", "2035-12-31")[: len(values)]))


def har_market(sessions: int, shock: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Daily variances whose logarithm follows the HAR line exactly, but for a normal shock: (n,), and their mean (n,).

    The second is the expected variance of each session at the close before it.
    """
    draw = np.random.default_rng(seed)
    constant = (1 - sum(SLOPES)) * math.log(1e-4)
    variance = list(1e-4 * np.exp(shock * draw.normal(size=22)))
    expected = [math.nan] * 22
    for _ in range(sessions - 22):
        means = (variance[-1], math.fsum(variance[-5:]) / 5, math.fsum(variance[-22:]) / 22)
        line = constant + sum(b * math.log(m) for b, m in zip(SLOPES, means, strict=True))
        variance.append(math.exp(line + shock * draw.normal()))
        expected.append(math.exp(line + shock**2 / 2))
    return np.array(variance), np.array(expected)


@pytest.fixture(scope="module")
def market() -> tuple[pd.Series, pd.Series]:
    """1,400 sessions with ordinary noise: returns normal given the variance, ranges a fifth as noisy."""
    variance, _ = har_market(1400, 0.35, 7)
    draw = np.random.default_rng(8)
    returns = np.sqrt(variance) * draw.normal(size=1400)
    return by_date(returns), by_date(variance * draw.chisquare(8, 1400) / 8 / 1.1)


def by_definition(returns: np.ndarray, variances: np.ndarray, at: int, horizon: int, now: int) -> float:
    """Fitted at the close of session `at`, forecasting at `now`: loops, and the normal equations."""

    def regressors(t: int) -> list[float]:
        return [1.0] + [math.log(max(math.fsum(variances[t - w + 1 : t + 1]) / w, 1e-8)) for w in (1, 5, 22)]

    rows, labels, squares = [], [], []
    for t in range(21, at - horizon + 1):
        ahead = slice(t + 1, t + 1 + horizon)
        values = [*variances[t - 21 : t + 1], *variances[ahead], *returns[ahead]]
        if not any(math.isnan(value) for value in values):
            rows.append(regressors(t))
            labels.append(math.log(math.fsum(variances[ahead]) / horizon))
            squares.append(max(math.fsum(r * r for r in returns[ahead]), horizon * 1e-8))
    x = np.array(rows)
    slopes = np.linalg.solve(x.T @ x, x.T @ np.array(labels))
    factor = np.mean(np.array(squares) / (horizon * np.exp(x @ slopes)))
    return horizon * factor * math.exp(np.array(regressors(now)) @ slopes)


@pytest.mark.parametrize("horizon", [1, 5, 21, 63, 233])
def test_a_forecast_is_least_squares_on_every_session_whose_label_is_over(market, horizon):
    returns, variances = market
    forecast = forecast_variance(returns, variances, [horizon])
    expected = by_definition(returns.to_numpy(), variances.to_numpy(), 1399, horizon, 1399)
    assert forecast.source == "har"
    assert forecast.sessions == 1400
    assert forecast.to(horizon) == pytest.approx(expected, rel=1e-8)


def test_rows_that_touch_a_gap_are_left_out(market):
    returns, variances = (series.copy() for series in market)
    returns.iloc[700] = np.nan
    gappy = forecast_variance(returns, variances.drop(variances.index[900]), [21])
    variances.iloc[900] = np.nan
    expected = by_definition(returns.to_numpy(), variances.to_numpy(), 1399, 21, 1399)
    assert gappy.to(21) == pytest.approx(expected, rel=1e-8)
    assert gappy.to(21) != forecast_variance(*market, [21]).to(21)


def test_the_expected_variance_of_a_har_market_is_recovered():
    """Tomorrow's expected squared return is 1.3 times the expected ranged variance, the ranges being too narrow."""
    variance, expected = har_market(1801, 0.30, 1)
    signs = np.random.default_rng(2).choice([-1.0, 1.0], 1801)
    returns, variances = by_date(np.sqrt(1.3 * variance) * signs), by_date(variance)
    for now in range(1500, 1800, 25):
        forecast = forecast_variance(returns[: now + 1], variances[: now + 1], [1])
        assert forecast.to(1) == pytest.approx(1.3 * expected[now + 1], rel=0.08)


def test_the_forecast_is_nearer_the_truth_than_trailing_variance():
    variance, expected = har_market(2500, 0.35, 4)
    draw = np.random.default_rng(5)
    returns = by_date(np.sqrt(variance) * draw.normal(size=2500))
    made = out_of_sample(returns, by_date(variance * draw.chisquare(8, 2500) / 8), 1)["forecast"].to_numpy()[:-1]
    trailing = returns.pow(2).rolling(21).mean().to_numpy()[:-1]
    ahead, known = expected[1:], np.isfinite(made)
    error, trailing_error = (np.std(np.log(f[known] / ahead[known])) for f in (made, trailing))
    assert known.sum() == 2500 - FIRST_FIT
    assert error < 0.5 * trailing_error
    assert np.mean(variance[1:][known] / made[known]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("horizon", [1, 21])
def test_out_of_sample_nothing_after_a_session_is_in_its_forecast(market, horizon):
    """To the bit, at sessions where a fit is made and between them: a label that ended a session later would show."""
    whole = out_of_sample(*market, horizon)["forecast"].to_numpy()
    for t in (FIRST_FIT - 1, FIRST_FIT + 10, FIRST_FIT - 1 + 3 * REFIT_EVERY, 1200):
        returns, variances = (series.copy() for series in market)
        returns.iloc[t + 1 :] *= 5.0
        variances.iloc[t + 1 :] *= 25.0
        other = out_of_sample(returns, variances, horizon)["forecast"].to_numpy()
        assert np.array_equal(whole[: t + 1], other[: t + 1], equal_nan=True)
        assert not np.isnan(whole[t])
        assert not np.isclose(whole[t + 1 :], other[t + 1 :], rtol=1e-3).any()


@pytest.mark.parametrize("horizon", [5, 63])
def test_out_of_sample_a_fit_is_the_forecast_of_that_day_to_the_bit(market, horizon):
    whole = out_of_sample(*market, horizon)["forecast"]
    for at in (FIRST_FIT - 1, FIRST_FIT - 1 + 5 * REFIT_EVERY):
        of_the_day = forecast_variance(*(series[: at + 1] for series in market), [horizon])
        assert whole.iloc[at] == of_the_day.to(horizon)


def test_out_of_sample_a_fit_serves_until_the_next(market):
    returns, variances = (series.to_numpy() for series in market)
    whole = out_of_sample(*market, 21)["forecast"].to_numpy()
    at = FIRST_FIT - 1 + 2 * REFIT_EVERY
    for now in (at - 1, at, at + 1, at + REFIT_EVERY - 1):
        fitted = at if now >= at else at - REFIT_EVERY
        assert whole[now] == pytest.approx(by_definition(returns, variances, fitted, 21, now), rel=1e-8)


def test_out_of_sample_forecasts_begin_at_the_504th_session_and_labels_end_before_the_last(market):
    past = out_of_sample(*market, 21)
    returns = market[0].to_numpy()
    assert list(past.index) == list(market[0].index)
    assert np.flatnonzero(past["forecast"].notna())[0] == 503
    assert past["forecast"][503:].notna().all()
    assert past["realised"].notna().sum() == 1400 - 21
    assert past["realised"].iloc[1378] == pytest.approx(math.fsum(r * r for r in returns[1379:1400]))
    assert np.isnan(past["realised"].iloc[1379])


def test_a_horizon_waits_for_six_labels_that_do_not_overlap(market):
    made = out_of_sample(*market, 100)["forecast"].notna().to_numpy()
    first = np.flatnonzero(made)[0]
    assert first + 1 >= 600 > first + 1 - REFIT_EVERY


def test_beyond_a_sixth_of_the_history_the_variance_a_session_goes_on(market):
    forecast = forecast_variance(*market, [233, 234, 300, 500])
    longest = forecast_variance(*market, [233]).to(233) / 233
    assert forecast.total_variance / forecast.horizons == pytest.approx(longest, rel=1e-12)


def test_totals_never_fall_with_the_horizon_whatever_the_order_asked_in():
    """Variance that has collapsed: horizons fitted one by one would fall here and there."""
    variance, _ = har_market(700, 0.6, 21)
    variance[-30:] *= np.geomspace(1, 1e-3, 30)
    returns = by_date(np.sqrt(variance) * np.random.default_rng(22).normal(size=700))
    horizons = np.arange(1, 117, 5)
    forecast = forecast_variance(returns, by_date(variance), horizons)
    single = np.array([forecast_variance(returns, by_date(variance), [h]).to(h) for h in horizons])
    assert (np.diff(single) < 0).any()
    assert (np.diff(forecast.total_variance) >= 0).all()
    assert forecast.total_variance.sum() == pytest.approx(single.sum())
    shuffled = np.random.default_rng(0).permutation(np.r_[horizons, 6])
    again = forecast_variance(returns, by_date(variance), shuffled)
    assert [again.to(h) for h in horizons] == pytest.approx(forecast.total_variance.tolist(), rel=1e-12)


def trailing(market, horizons=(1, 21, 250)):
    returns, variances = market
    return forecast_variance(returns, variances, list(horizons))


@pytest.mark.parametrize("why", ["no ranges", "503 sessions", "a gap in the last 22", "ranges begin late"])
def test_without_what_the_line_needs_the_forecast_is_trailing(market, why):
    returns, variances = (series.copy() for series in market)
    if why == "no ranges":
        variances = None
    elif why == "503 sessions":
        returns, variances = returns[:503], variances[:503]
    elif why == "a gap in the last 22":
        variances.iloc[-22] = np.nan
    else:
        variances.iloc[:-503] = np.nan
    forecast = trailing((returns, variances))
    mean = math.fsum(r * r for r in returns.tolist()[-63:]) / 63
    assert forecast.source == "trailing"
    assert forecast.sessions == 63
    assert forecast.total_variance == pytest.approx([mean, 21 * mean, 250 * mean])


def test_a_gap_before_the_last_22_and_504_sessions_are_no_reason_for_trailing(market):
    returns, variances = (series.copy() for series in market)
    assert trailing((returns[:504], variances[:504])).source == "har"
    variances.iloc[-23] = np.nan
    assert trailing((returns, variances)).source == "har"


def test_trailing_takes_what_there_is_from_21_returns_on(market):
    returns = market[0].copy()
    returns.iloc[5] = np.nan
    assert trailing((returns[:21], None)) is None
    forecast = trailing((returns[:22], None))
    assert forecast.sessions == 21
    assert forecast.to(21) == pytest.approx(np.nansum(returns[:22] ** 2))
    assert trailing((returns[:0], market[1][:0])) is None


def test_a_horizon_that_was_not_forecast_is_an_error_that_names_it(market):
    with pytest.raises(ValueError, match=r"22 sessions, only for \[1, 21, 250\]"):
        trailing(market).to(22)


def test_prices_that_do_not_move_have_a_tiny_variance_and_no_infinity():
    still = by_date(np.zeros(600))
    for variances in (still, None):
        forecast = forecast_variance(still, variances, [1, 21])
        assert (forecast.total_variance > 0).all()
        assert forecast.total_variance == pytest.approx([1e-8, 21e-8])


@settings(max_examples=50)
@given(st.lists(st.floats(0, 10) | st.just(math.nan), min_size=1, max_size=30), st.integers(1, 35))
def test_next_sums_are_sums_of_what_follows(values, horizon):
    sums = next_sums(np.array(values), horizon)
    for t, total in enumerate(sums):
        ahead = values[t + 1 : t + 1 + horizon]
        expected = math.fsum(ahead) if len(ahead) == horizon else math.nan
        assert total == pytest.approx(expected, abs=1e-9, nan_ok=True)
