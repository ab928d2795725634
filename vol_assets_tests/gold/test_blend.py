"""Weights against errors of known covariance, the blend against the laws of means and of least squares in time."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.gold.blend import equal_blend, learn_blend, posterior_variance, precision_weight
from vol_assets.gold.har import out_of_sample


def by_date(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex(clock.sessions("2008-01-02", "2035-12-31")[: len(values)]))


@pytest.fixture(scope="module")
def market() -> tuple[pd.Series, pd.Series]:
    """1,300 sessions whose vol wanders, with ranges."""
    draw = np.random.default_rng(1)
    log_vol = np.zeros(1300)
    for t in range(1, 1300):
        log_vol[t] = 0.985 * log_vol[t - 1] + 0.07 * draw.normal()
    variance = 1e-4 * np.exp(2 * log_vol)
    return by_date(np.sqrt(variance) * draw.normal(size=1300)), by_date(variance * draw.chisquare(8, 1300) / 8)


def index_from(total: pd.Series) -> pd.Series:
    """The 30-day index whose total variance this is."""
    return np.sqrt(total / (30 / 365))


# ---------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("s1", "s2", "correlation", "truth"),
    [(0.3, 0.3, 0.5, 0.5), (0.3, 0.4, 0.0, 16 / 25), (0.3, 0.4, 0.5, 10 / 13), (0.5, 0.4, 0.6, 4 / 17)],
)
def test_the_weight_of_known_errors_is_recovered(s1, s2, correlation, truth):
    covariance = np.array([[s1**2, correlation * s1 * s2], [correlation * s1 * s2, s2**2]])
    errors = np.random.default_rng(0).multivariate_normal([0.2, -0.1], covariance, 100_000)
    weight, seen = precision_weight(*errors.T)
    assert weight == pytest.approx(truth, abs=0.015)
    assert seen == pytest.approx(covariance, abs=0.005)


def test_no_other_weight_has_a_smaller_variance():
    errors = np.random.default_rng(3).multivariate_normal([1.0, 2.0], [[0.3, 0.1], [0.1, 0.2]], 400)
    weight, _ = precision_weight(*errors.T)
    variances = {w: np.var(w * errors[:, 0] + (1 - w) * errors[:, 1]) for w in np.linspace(0, 1, 1001)}
    assert weight == pytest.approx(min(variances, key=variances.get), abs=0.001)


def test_a_forecast_that_is_another_and_noise_gets_nothing():
    draw = np.random.default_rng(4)
    good = draw.normal(size=500)
    bad = 1.5 * good + 0.1 * draw.normal(size=500)
    assert precision_weight(good, bad)[0] == 1.0
    assert precision_weight(bad, good)[0] == 0.0


def test_two_forecasts_with_the_same_errors_share():
    error = np.random.default_rng(5).normal(size=500)
    assert precision_weight(error, error)[0] == 0.5
    assert precision_weight(error, error + 0.3)[0] == 0.5


# ---------------------------------------------------------------------- learning


def test_an_index_that_knows_the_future_but_for_its_premium_gets_all_the_weight(market):
    past = out_of_sample(*market, 21)
    blend = learn_blend(*market, index_from(1.4 * past["realised"]), "har")
    assert blend.source == "precision"
    assert blend.realised_source == "har"
    assert blend.implied_weight == pytest.approx(1.0)
    assert blend.implied_scale == pytest.approx(1 / 1.4)
    assert blend.implied_error == pytest.approx(0.0, abs=1e-9)


def test_an_index_with_as_large_independent_errors_gets_half():
    """Both forecasts are the truth and noise of .3: realised variance itself is made nearly free of noise."""
    draw = np.random.default_rng(6)
    log_variance = np.repeat(np.log(1e-4) + 0.8 * draw.normal(size=62), 21)[:1300]
    daily = np.exp(log_variance)
    returns = by_date(np.sqrt(daily) * draw.choice([-1.0, 1.0], 1300))
    past = out_of_sample(returns, by_date(daily), 21)
    error = (np.log(past["realised"]) - np.log(past["forecast"])).dropna()
    noise = pd.Series(draw.permutation(error.to_numpy()), index=error.index)
    blend = learn_blend(returns, by_date(daily), index_from(past["realised"] * np.exp(noise)), "har")
    assert blend.implied_error == pytest.approx(blend.realised_error, rel=1e-6)
    assert blend.implied_weight == pytest.approx(0.5, abs=1e-6)


def test_what_is_learned_is_what_the_definition_says(market):
    draw = np.random.default_rng(7)
    past = out_of_sample(*market, 21)
    gvz = index_from(past["realised"] * np.exp(0.3 + 0.5 * draw.normal(size=1300)))
    blend = learn_blend(*market, gvz, "har")
    e1, e2, implied, realised = [], [], [], []
    for day, row in past.iterrows():
        if not (math.isnan(row["forecast"]) or math.isnan(row["realised"])):
            implied.append(gvz[day] ** 2 * 30 / 365)
            realised.append(row["realised"])
            e1.append(math.log(row["realised"] / implied[-1]))
            e2.append(math.log(row["realised"] / row["forecast"]))
    (v1, c), (_, v2) = np.cov(e1, e2)
    assert blend.errors == len(e1) == 1300 - 503 - 21
    assert blend.independent == pytest.approx(len(e1) / 21)
    assert blend.implied_error == pytest.approx(math.sqrt(v1))
    assert blend.realised_error == pytest.approx(math.sqrt(v2))
    assert blend.correlation == pytest.approx(c / math.sqrt(v1 * v2))
    assert blend.implied_weight == pytest.approx((v2 - c) / (v1 + v2 - 2 * c))
    assert 0.05 < blend.implied_weight < 0.95
    assert blend.implied_scale == pytest.approx(math.fsum(realised) / math.fsum(implied))


def test_too_little_past_is_shared_equally(market):
    past = out_of_sample(*market, 21)
    gvz = index_from(1.3 * past["realised"])
    known = gvz[503:-21]
    assert learn_blend(*market, known[:504], "har").source == "precision"
    assert learn_blend(*market, known[:503], "har") == equal_blend("har", 503)
    assert learn_blend(*market, known[:0], "har") == equal_blend("har")
    assert learn_blend(*market, None, "har") == equal_blend("har")
    assert learn_blend(market[0], None, gvz, "har") == equal_blend("har")
    assert learn_blend(*(series[:0] for series in market), gvz, "har") == equal_blend("har")


def test_what_har_did_in_the_past_says_nothing_of_a_trailing_forecast(market):
    gvz = index_from(1.3 * out_of_sample(*market, 21)["realised"])
    assert learn_blend(*market, gvz, "trailing") == equal_blend("trailing")


# ---------------------------------------------------------------------- the posterior


def test_equal_weights_average_the_variances():
    variance, adjusted = posterior_variance([0.01, 0.03], [0.02, 0.03], [0.1, 0.2], equal_blend("har"))
    assert variance == pytest.approx([0.015, 0.03])
    assert not adjusted.any()


def test_the_premium_is_taken_from_the_implied_variance_alone():
    blend = replace(equal_blend("har"), implied_weight=0.6, implied_scale=0.8)
    variance, _ = posterior_variance([0.01], [0.02], [0.1], blend)
    assert variance == pytest.approx([0.6 * 0.8 * 0.01 + 0.4 * 0.02])


def test_a_blend_that_falls_with_time_is_levelled_by_least_squares():
    """Pooling neighbours that fall: 3, 2, 2 become their mean, the rest stays."""
    blended = np.array([1.0, 3.0, 2.0, 2.0, 5.0]) / 100
    variance, adjusted = posterior_variance(blended, blended, np.arange(1, 6) / 12, equal_blend("har"))
    assert variance == pytest.approx(np.array([1.0, 7 / 3, 7 / 3, 7 / 3, 5.0]) / 100)
    assert adjusted.tolist() == [False, True, True, True, False]


def test_a_running_maximum_would_be_farther_from_the_blend():
    blended = np.array([1.0, 3.0, 2.0, 2.0, 5.0])
    variance, _ = posterior_variance(blended, blended, np.arange(5), equal_blend("har"))
    assert np.square(variance - blended).sum() < np.square(np.maximum.accumulate(blended) - blended).sum() / 1.9


def test_horizons_may_come_in_any_order():
    blended, years = np.array([5.0, 1.0, 2.0, 3.0, 2.0]) / 100, np.array([5, 1, 3, 2, 4]) / 12
    variance, adjusted = posterior_variance(blended, blended, years, equal_blend("har"))
    assert variance == pytest.approx(np.array([5.0, 1.0, 7 / 3, 7 / 3, 7 / 3]) / 100)
    assert adjusted.tolist() == [False, False, True, True, True]


def test_two_horizons_at_one_time_are_no_fall():
    variance, adjusted = posterior_variance([0.03, 0.02], [0.03, 0.02], [0.1, 0.1], equal_blend("har"))
    assert variance == pytest.approx([0.03, 0.02])
    assert not adjusted.any()


totals = st.lists(st.tuples(st.floats(1e-5, 1.0), st.floats(1e-5, 1.0)), min_size=1, max_size=12)


@settings(max_examples=50)
@given(totals, st.floats(0, 1), st.floats(0.5, 1.5))
def test_the_posterior_lies_between_its_parts_never_falls_and_keeps_its_sum(pairs, weight, scale):
    implied, realised = np.array(pairs).T
    years = np.arange(1, len(pairs) + 1) / 60  # within the reach of the premium
    blend = replace(equal_blend("har"), implied_weight=weight)
    variance, adjusted = posterior_variance(implied, realised, years, blend)
    low, high = np.minimum(implied, realised), np.maximum(implied, realised)
    assert ((low * (1 - 1e-9) <= variance) & (variance <= high * (1 + 1e-9)))[~adjusted].all()
    scaled, _ = posterior_variance(implied, realised, years, replace(blend, implied_scale=scale))
    for result, factor in ((variance, 1.0), (scaled, scale)):
        assert (np.diff(result) >= 0).all()
        assert result.sum() == pytest.approx((weight * factor * implied + (1 - weight) * realised).sum())


def test_the_premium_is_taken_out_of_the_first_91_days_and_of_nothing_later():
    years = np.array([30, 91, 182, 365]) / 365
    implied = 0.04 * years
    blend = replace(equal_blend("har"), implied_weight=1.0, implied_scale=0.75)
    variance, adjusted = posterior_variance(implied, implied, years, blend)
    assert variance == pytest.approx(0.04 * (years - 0.25 * np.minimum(years, 91 / 365)))
    assert not adjusted.any()


@settings(max_examples=50)
@given(st.floats(0.01, 2.0), st.floats(0.01, 2.0), st.floats(0, 1))
def test_a_blend_of_variances_is_at_least_the_blend_of_vols(implied_vol, realised_vol, weight):
    """Quadratic and arithmetic mean."""
    blend = replace(equal_blend("har"), implied_weight=weight)
    variance, _ = posterior_variance([implied_vol**2], [realised_vol**2], [1.0], blend)
    assert math.sqrt(variance[0]) >= weight * implied_vol + (1 - weight) * realised_vol - 1e-9
