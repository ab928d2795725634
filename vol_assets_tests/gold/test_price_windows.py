"""Windows against closed forms, against integrals, and against the simulated market's own law."""

import datetime as dt
from dataclasses import fields, is_dataclass

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from vol_assets.curation.chains import curate_chain
from vol_assets.gold.law import Law
from vol_assets.gold.windows import PROBABILITIES, TAILS, Listed, densities, horizons
from vol_assets.quant import cornish_fisher, moments, svi
from vol_assets.sources.sample import SampleMarket, true_surface
from vol_assets.surfaces.fit import surface_of, surface_rows

SPOT = 250.0
YEARS = np.array([30 / 365, 91 / 365, 1.0])
FORWARD = SPOT * np.exp(0.04 * YEARS)
LISTED = tuple(Listed("tenor", None, 365.0 * t, t, round(252 * t), (-0.4, 0.5), "mixture") for t in YEARS)
COUNT = len(LISTED)


def flat(vol=0.2, years=YEARS):
    """The laws of a flat surface."""
    s = vol * np.sqrt(years)[:, None]
    return Law(np.ones_like(s), -0.5 * s**2, s)


def skewed(years=YEARS):
    """Laws that lean left with fat tails, the forward as their mean."""
    root = 0.2 * np.sqrt(years)[:, None]
    shape = Law(np.tile([0.7, 0.25, 0.05], (len(years), 1)), root * [0.15, -0.2, -1.1], root * [0.75, 1.2, 1.9])
    return shape.rescaled(root[:, 0])


def found(q, posterior=None, forward=FORWARD, spot=SPOT, listed=LISTED):
    return horizons(listed, q, forward, spot, None, posterior, None, None)


@st.composite
def one_law(draw):
    """A law of two normals to one month, of almost any skewness and kurtosis that such a law can have."""
    weight, apart = draw(st.floats(0.02, 0.98)), draw(st.floats(-3.0, 3.0))
    wide, stdev = draw(st.floats(0.3, 3.0)), draw(st.floats(0.02, 0.4))
    return Law(np.array([[weight, 1 - weight]]), np.array([[0.0, apart]]), np.array([[1.0, wide]])).rescaled(
        np.array([stdev])
    )


def one_horizon(q, posterior=None, spot=SPOT):
    return found(q, posterior, forward=np.array([spot * 1.003]), spot=spot, listed=LISTED[:1])[0]


def test_a_flat_surface_has_lognormal_windows_under_both_laws_and_no_skewness():
    q, less = flat(0.2), 0.15**2 * YEARS
    for i, horizon in enumerate(found(q, less)):
        assert (horizon.skewness, horizon.excess_kurtosis) == (0.0, 0.0)
        assert horizon.implied_vol == pytest.approx(0.2, rel=1e-14)
        assert (horizon.cornish_fisher.s, horizon.cornish_fisher.k) == (0.0, 0.0)
        assert not horizon.cornish_fisher.projected
        for vol, window in ((0.2, horizon.risk_neutral), (0.15, horizon.posterior), (0.15, horizon.cornish_fisher)):
            s = vol * np.sqrt(YEARS[i])
            for interval in window.intervals:
                z = ndtri(0.5 + 0.5 * interval.probability)
                ends = FORWARD[i] * np.exp(-0.5 * s**2 + s * z * np.array([-1, 1]))
                assert (interval.low, interval.high) == pytest.approx(tuple(ends), rel=1e-12)
            for tail in window.tails:
                z = ndtri(tail.probability)
                assert tail.value_at_risk == pytest.approx(FORWARD[i] * np.exp(-0.5 * s**2 + s * z), rel=1e-12)
                shortfall = FORWARD[i] * ndtr(z - s) / tail.probability
                assert tail.expected_shortfall == pytest.approx(shortfall, rel=1e-11)


def test_probabilities_are_one_stdev_of_a_normal_and_what_they_say():
    assert PROBABILITIES[0] == pytest.approx(ndtr(1.0) - ndtr(-1.0), abs=1e-15)
    (horizon, *_) = found(flat())
    assert [interval.probability for interval in horizon.risk_neutral.intervals] == list(PROBABILITIES)
    s = horizon.risk_neutral.log_stdev
    assert np.log(horizon.risk_neutral.intervals[0].high / FORWARD[0]) == pytest.approx(s - s**2 / 2, abs=1e-14)


@settings(max_examples=15)
@given(one_law(), st.floats(0.01, 0.5))
def test_windows_hold_what_they_say_with_as_much_on_either_side(q, stdev):
    p = q.rescaled(np.array([stdev]))
    horizon = one_horizon(q, np.array([stdev**2]))
    for law, window in ((q, horizon.risk_neutral), (p, horizon.posterior)):
        for interval in window.intervals:
            low, high = law.distribution(np.log(np.array([interval.low, interval.high]) / horizon.forward))[0]
            assert high - low == pytest.approx(interval.probability, abs=1e-11)
            assert low == pytest.approx(1 - high, abs=1e-11)
        for tail in window.tails:
            below = law.distribution(np.log([tail.value_at_risk / horizon.forward]))[0, 0]
            assert below == pytest.approx(tail.probability, abs=1e-11)


@settings(max_examples=15)
@given(one_law(), st.floats(0.01, 0.5))
def test_intervals_nest_strictly_and_shortfalls_are_below_values_at_risk(q, stdev):
    horizon = one_horizon(q, np.array([stdev**2]))
    for window in (horizon.risk_neutral, horizon.posterior, horizon.cornish_fisher):
        lows, highs = zip(*((interval.low, interval.high) for interval in window.intervals))
        assert list(lows) == sorted(set(lows), reverse=True)
        assert list(highs) == sorted(set(highs))
        at_risk = [tail.value_at_risk for tail in window.tails]
        shortfalls = [tail.expected_shortfall for tail in window.tails]
        assert at_risk == sorted(set(at_risk), reverse=True)
        assert shortfalls == sorted(set(shortfalls), reverse=True)
        assert all(shortfall < risk for shortfall, risk in zip(shortfalls, at_risk))
        assert at_risk[0] == pytest.approx(window.intervals[1].low, rel=1e-12)  # 5 %: half of what 90 % leave
        for tail in window.tails:
            assert tail.value_at_risk_loss == 1.0 - tail.value_at_risk / SPOT
            assert tail.expected_shortfall_loss == 1.0 - tail.expected_shortfall / SPOT


@settings(max_examples=15)
@given(one_law(), st.floats(0.01, 0.5))
def test_the_posterior_is_the_same_shape_about_the_forward_with_its_own_stdev(q, stdev):
    horizon = one_horizon(q, np.array([stdev**2]))
    implied, window = horizon.risk_neutral, horizon.posterior
    assert implied.mean == pytest.approx(horizon.forward, rel=1e-13)
    assert window.mean == pytest.approx(horizon.forward, rel=1e-13)
    assert window.log_stdev == pytest.approx(stdev, rel=1e-12)
    assert window.log_mean < 0
    for mine, theirs in zip(window.intervals, implied.intervals):
        for end in ("low", "high"):
            standard = [
                (np.log(getattr(interval, end) / horizon.forward) - law.log_mean) / law.log_stdev
                for interval, law in ((mine, window), (theirs, implied))
            ]
            assert standard[0] == pytest.approx(standard[1], abs=1e-9)


def test_vols_are_annualised_on_the_years_of_the_horizon_and_missing_parts_are_missing():
    q, realised, posterior, equal = skewed(), 0.02 * YEARS, 0.03 * YEARS, 0.025 * YEARS
    levelled = np.array([False, True, False])
    full = horizons(LISTED, q, FORWARD, SPOT, realised, posterior, equal, levelled)
    for horizon in full:
        assert horizon.implied_vol == pytest.approx(0.2, rel=1e-12)
        vols = (horizon.realised_vol, horizon.posterior_vol, horizon.equal_weight_vol)
        assert vols == pytest.approx(tuple(np.sqrt([0.02, 0.03, 0.025])), rel=1e-14)
    assert [horizon.calendar_adjusted for horizon in full] == levelled.tolist()
    for horizon in found(q):
        assert horizon.realised_vol is horizon.posterior_vol is horizon.equal_weight_vol is None
        assert horizon.posterior is horizon.cornish_fisher is None
        assert horizon.calendar_adjusted is False
    dated = Listed("expiration", dt.date(2024, 8, 16), 25.0, 25 / 365, 19, (-0.4, 0.5), "mixture")
    (horizon,) = found(skewed(YEARS[:1]), forward=FORWARD[:1], listed=[dated])
    for name in {field.name for field in fields(Listed)} - {"quoted"}:
        assert getattr(horizon, name) == getattr(dated, name)
    quoted = FORWARD[0] * np.exp(dated.quoted)
    assert (horizon.lowest_quoted, horizon.highest_quoted) == pytest.approx(tuple(quoted))


def plain(value):
    """Every number and word in a dataclass."""
    if is_dataclass(value):
        return [one for field in fields(value) for one in plain(getattr(value, field.name))]
    return [one for each in value for one in plain(each)] if isinstance(value, tuple) else [value]


def test_a_report_holds_plain_numbers_only():
    everything = found(skewed(), 0.03 * YEARS) + densities((30,), LISTED, skewed(), FORWARD, 0.03 * YEARS)
    kinds = {type(value) for value in plain(everything)}
    assert kinds <= {float, int, bool, str, type(None)}


# ---------------------------------------------------------------------- the Cornish-Fisher window


def expansion(z, s, k):
    return z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36


def slope(z, s, k):
    """Its derivative in z, written out by hand."""
    return 1 - k / 8 + 5 * s**2 / 36 + s * z / 3 + (k / 8 - s**2 / 6) * z**2


HERMITE = np.polynomial.hermite_e.hermegauss(24)


def normal_means(function):
    """Means over a standard normal of polynomials, exact."""
    z, weight = HERMITE
    return (weight * function(z)).sum() / weight.sum()


@settings(max_examples=15)
@given(one_law(), st.floats(0.02, 0.4))
def test_the_window_of_the_expansion_has_the_moments_asked_for_or_says_that_it_has_not(q, stdev):
    horizon = one_horizon(q, np.array([stdev**2]))
    s, k = horizon.cornish_fisher.s, horizon.cornish_fisher.k
    assert slope(np.linspace(-60.0, 60.0, 2001), s, k).min() > -1e-9
    variance, third, fourth = (normal_means(lambda z, n=n: expansion(z, s, k) ** n) for n in (2, 3, 4))
    got = (third / variance**1.5, fourth / variance**2 - 3.0)
    asked = (horizon.skewness, horizon.excess_kurtosis)
    assert horizon.cornish_fisher.projected == (got != pytest.approx(asked, abs=1e-7))
    centre, scale = horizon.posterior.log_mean, stdev / np.sqrt(variance)
    for interval in horizon.cornish_fisher.intervals:
        z = ndtri(0.5 + 0.5 * interval.probability)
        ends = [centre + scale * expansion(sign * z, s, k) for sign in (-1, 1)]
        logs = np.log(np.array([interval.low, interval.high]) / horizon.forward)
        assert logs == pytest.approx(ends, abs=1e-12)


def test_moments_out_of_the_expansion_s_reach_are_moved_to_its_boundary_and_flagged():
    # Kurtosis below a normal's; more skewness than the kurtosis allows.
    two_modes = Law(np.array([[0.5, 0.5]]), np.array([[-1.0, 1.0]]), np.array([[0.4, 0.4]]))
    crash = Law(np.array([[0.8, 0.2]]), np.array([[0.0, -3.0]]), np.array([[0.7, 0.7]]))
    for law in (two_modes, crash):
        month = law.rescaled(np.array([0.06]))
        horizon = one_horizon(month, month.variance)
        window = horizon.cornish_fisher
        assert window.projected
        assert cornish_fisher.is_monotone(window.s, window.k)
        low, high = cornish_fisher.kurtosis_range(window.s)
        assert min(window.k - low, high - window.k) == pytest.approx(0.0, abs=1e-6)
    (reached, *_) = found(skewed(), 0.03 * YEARS)
    assert reached.skewness < -0.2
    assert not reached.cornish_fisher.projected


@pytest.mark.parametrize("stdev", [0.02, 0.3, 1.5])
@pytest.mark.parametrize("weight", [0.05, 0.6])
def test_the_expansion_s_shortfall_is_the_mean_of_its_prices_below_the_value_at_risk(stdev, weight):
    shape = Law(np.array([[weight, 1 - weight]]), np.array([[-1.0, 0.1]]), np.array([[2.0, 0.8]]))
    q = shape.rescaled(np.array([stdev]))
    horizon = one_horizon(q, q.variance)
    s, k = horizon.cornish_fisher.s, horizon.cornish_fisher.k
    scale = stdev / np.sqrt(normal_means(lambda z: expansion(z, s, k) ** 2))
    for tail in horizon.cornish_fisher.tails:
        end = float(ndtri(tail.probability))
        total = mpmath.quad(
            lambda z: mpmath.exp(horizon.posterior.log_mean + scale * expansion(z, s, k)) * mpmath.npdf(z),
            [end - 14, end - 6, end - 2, end - 0.5, end],
        )
        assert tail.expected_shortfall == pytest.approx(horizon.forward * float(total) / tail.probability, rel=1e-8)


# ---------------------------------------------------------------------- instruments, densities


@settings(max_examples=10)
@given(one_law(), st.floats(1.0, 30.0), st.floats(-0.01, 0.01))
def test_an_instrument_at_another_level_has_its_prices_scaled_and_the_same_losses_and_moments(q, ratio, drift):
    total = 0.8 * q.variance
    gld = found(q, total, np.array([251.0]), SPOT, LISTED[:1])[0]
    xau = found(q, total, np.array([251.0 * ratio]), SPOT * ratio, LISTED[:1])[0]
    assert (xau.skewness, xau.excess_kurtosis, xau.implied_vol) == (gld.skewness, gld.excess_kurtosis, gld.implied_vol)
    for name in ("risk_neutral", "posterior", "cornish_fisher"):
        mine, theirs = getattr(xau, name), getattr(gld, name)
        for one, other in zip(mine.intervals, theirs.intervals):
            assert (one.low, one.high) == pytest.approx((ratio * other.low, ratio * other.high), rel=1e-14)
        for one, other in zip(mine.tails, theirs.tails):
            assert one.value_at_risk == pytest.approx(ratio * other.value_at_risk, rel=1e-14)
            assert one.expected_shortfall_loss == pytest.approx(other.expected_shortfall_loss, abs=1e-14)
    assert xau.posterior.mean == pytest.approx(ratio * gld.posterior.mean, rel=1e-14)
    # A drift of its own moves prices, not the law about the forward.
    moved = found(q, total, np.array([251.0 * ratio * np.exp(drift)]), SPOT * ratio, LISTED[:1])[0]
    assert moved.posterior.median == pytest.approx(np.exp(drift) * xau.posterior.median, rel=1e-13)
    assert (moved.posterior.log_mean, moved.posterior.log_stdev) == (xau.posterior.log_mean, xau.posterior.log_stdev)


def test_a_density_has_the_mass_and_the_mean_of_its_law_between_its_ends_as_it_is():
    q, total = skewed(), 0.5 * skewed().variance
    p = q.rescaled(np.sqrt(total))
    curves = densities((30, 91, 365), LISTED, q, FORWARD, total)
    assert [curve.days for curve in curves] == pytest.approx([30, 91, 365])
    for i, curve in enumerate(curves):
        price = np.array(curve.price)
        assert np.ptp(np.diff(price)) < 1e-9
        assert len(price) == 161
        ends = np.log(price[[0, -1]] / FORWARD[i])
        assert q.distribution(ends)[i] == pytest.approx([0.0005, 0.9995], abs=1e-12)  # Q is the wider
        for law, density in ((q, curve.risk_neutral), (p, curve.posterior)):
            below = law.distribution(ends)[i]
            # E[S; S < K] / F is the distribution with each component moved by its variance and weighed by its mean.
            weights = law.weights * np.exp(law.means + law.stdevs**2 / 2)
            below_in_value = Law(weights, law.means + law.stdevs**2, law.stdevs).distribution(ends)[i]
            assert np.trapezoid(density, price) == pytest.approx(np.diff(below)[0], abs=2e-5)
            mean = np.trapezoid(price * density, price) / FORWARD[i]
            assert mean == pytest.approx(np.diff(below_in_value)[0], abs=2e-5)
    narrow = densities((30,), LISTED, q, FORWARD, 2.0 * q.variance)[0]  # here P is the wider
    assert narrow.price[0] < curves[0].price[0]
    assert narrow.price[-1] > curves[0].price[-1]


def test_densities_are_those_of_the_nearest_horizons_once_each_and_of_none_too_far():
    q = flat()
    assert [curve.days for curve in densities((30, 31, 100, 182), LISTED, q, FORWARD, None)] == pytest.approx([30, 91])
    assert densities((30,), LISTED, q, FORWARD, None)[0].posterior is None
    assert densities((182,), LISTED, q, FORWARD, None) == ()


# ---------------------------------------------------------------------- the truth


STRESSED, CALM = dt.date(2020, 1, 3), dt.date(2024, 7, 22)


def true_quantiles(truth, years, probability):
    """ln(S_T / F) of the simulated market's own law, by bisection: (t, p)."""
    t, h = years[:, None], 1e-6
    low = np.broadcast_to(-30.0 * truth.atm_vol(t) * np.sqrt(t), (len(years), len(probability)))
    high = -low
    for _ in range(60):
        k = 0.5 * (low + high)
        rise = (truth.total_variance(k + h, t) - truth.total_variance(k - h, t)) / (2 * h)
        below = svi.distribution(k, truth.total_variance(k, t), rise) < probability
        low, high = np.where(below, k, low), np.where(below, high, k)
    return 0.5 * (low + high)


@pytest.fixture(scope="module", params=[STRESSED, CALM], ids=str)
def session(request):
    (chain,) = SampleMarket().option_chains("GLD", request.param, request.param)
    surface = surface_of(surface_rows(curate_chain(chain.quotes.assign(source="sample"))))
    years = np.append(surface.years, np.array([30, 60, 91, 182, 365]) / 365)
    years = np.sort(years[(years > 6 / 365) & (years < 370 / 365)])
    return true_surface("GLD", request.param), surface.smiles(years)


def test_windows_of_a_fitted_surface_are_those_of_the_market_behind_its_quotes(session):
    truth, smiles = session
    years, forward = smiles.years, truth.forward(smiles.years)
    listed = [Listed("tenor", None, 365 * t, t, 1, (-0.4, 0.5), "mixture") for t in years]
    rows = horizons(listed, Law(*smiles.mixtures()), smiles.forward, truth.spot, None, None, None, None)
    sides = 0.5 - 0.5 * np.array(PROBABILITIES)
    stdev = (truth.atm_vol(years) * np.sqrt(years))[:, None]
    exact = forward[:, None] * np.exp(true_quantiles(truth, years, np.concatenate([sides, 1 - sides, TAILS])))
    prices = [
        [interval.low for interval in row.risk_neutral.intervals]
        + [interval.high for interval in row.risk_neutral.intervals]
        + [tail.value_at_risk for tail in row.risk_neutral.tails]
        for row in rows
    ]
    miss = np.abs(np.log(np.array(prices) / exact)) / stdev
    limits = np.array([0.03, 0.045, 0.06, 0.12, 0.03, 0.045, 0.06, 0.12, 0.045, 0.06, 0.12])  # stdevs
    assert (miss <= limits).all(), miss.max(axis=0)
    # E[S | S <= K] is K less a put over its probability.
    at_risk = exact[:, -3:]
    put = forward[:, None] * truth.otm_price(np.log(at_risk / forward[:, None]), years[:, None])
    shortfalls = [[tail.expected_shortfall for tail in row.risk_neutral.tails] for row in rows]
    off = np.abs(np.log(np.array(shortfalls) / (at_risk - put / np.array(TAILS)))) / stdev
    assert (off <= np.array([0.06, 0.12, 0.25])).all(), off.max(axis=0)


def test_moments_of_a_fitted_surface_are_those_of_the_market_behind_its_quotes(session):
    truth, smiles = session
    law, years = Law(*smiles.mixtures()), smiles.years
    k = moments.grid(truth.atm_vol(years) * np.sqrt(years))
    exact = moments.from_prices(k, truth.otm_price(k, years[:, None]))
    assert law.stdev == pytest.approx(np.sqrt(exact.variance), rel=0.01)
    assert law.skewness == pytest.approx(exact.skewness, abs=0.05)
    assert law.excess_kurtosis == pytest.approx(exact.kurtosis - 3.0, abs=0.15)
