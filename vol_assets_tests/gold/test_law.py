"""A law's closed forms against integrals of its density, and what must hold of any law whatever its components."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from vol_assets.gold.law import Law
from vol_assets.quant import mixture

P = np.array([0.0005, 0.005, 0.01, 0.025, 0.05, 0.3, 0.5, 0.8, 0.95, 0.99, 0.9995])


def law(weights, means, stdevs):
    return Law(*(np.atleast_2d(np.array(part, dtype=float)) for part in (weights, means, stdevs)))


@st.composite
def laws(draw):
    """One law of one to five normals, some far apart and some of hardly any weight."""
    count = draw(st.integers(1, 5))
    weights = np.array(draw(st.lists(st.floats(1e-4, 1.0), min_size=count, max_size=count)))
    means = draw(st.lists(st.floats(-0.6, 0.4), min_size=count, max_size=count))
    stdevs = draw(st.lists(st.floats(0.01, 0.5), min_size=count, max_size=count))
    return law(weights / weights.sum(), means, stdevs)


FIRST, SECOND = ([0.75, 0.25], [0.03, -0.11], [0.06, 0.14]), ([0.5, 0.5], [0.2, -0.4], [0.3, 0.2])
TWO = law(*FIRST)


class Integrals:
    """What the density of TWO integrates to, with 20 digits."""

    def __init__(self):
        self.parts = list(zip(*(part[0].tolist() for part in (TWO.weights, TWO.means, TWO.stdevs))))

    def density(self, x):
        return mpmath.fsum(w * mpmath.npdf(x, m, s) for w, m, s in self.parts)

    def of(self, function, end=2):
        points = [point for point in (-2, -0.6, -0.2, 0, 0.2, 0.6) if point < end]
        with mpmath.workdps(20):
            return mpmath.quad(lambda x: function(x) * self.density(x), [*points, end])


@pytest.fixture(scope="module")
def integrals():
    return Integrals()


def test_moments_are_the_density_s_integrals(integrals):
    mean = integrals.of(lambda x: x)
    central = [integrals.of(lambda x, n=n: (x - mean) ** n) for n in (2, 3, 4)]
    assert TWO.mean[0] == pytest.approx(float(mean), rel=1e-13)
    assert TWO.variance[0] == pytest.approx(float(central[0]), rel=1e-13)
    assert TWO.stdev[0] == pytest.approx(float(mpmath.sqrt(central[0])), rel=1e-13)
    assert TWO.skewness[0] == pytest.approx(float(central[1] / central[0] ** mpmath.mpf(1.5)), rel=1e-12)
    assert TWO.excess_kurtosis[0] == pytest.approx(float(central[2] / central[0] ** 2 - 3), rel=1e-12)
    assert TWO.expectation[0] == pytest.approx(float(integrals.of(mpmath.exp)), rel=1e-13)


def test_the_density_as_it_is_has_mass_one_and_the_distribution_is_its_integral(integrals):
    k = np.array([-0.4, -0.1, 0.02, 0.2])
    assert TWO.density(k)[0] == pytest.approx([float(integrals.density(x)) for x in k], rel=1e-13)
    below = [float(integrals.of(lambda x: 1, end=x)) for x in k]
    assert TWO.distribution(k)[0] == pytest.approx(below, rel=1e-13)
    # The same sums on the density that floats make, nothing normalised: the trapezoid rule is exact for it.
    grid = np.linspace(-1.6, 1.4, 1201)
    values, step = TWO.density(grid)[0], grid[1] - grid[0]
    assert values.sum() * step == pytest.approx(1.0, abs=1e-13)
    assert (np.exp(grid) * values).sum() * step == pytest.approx(TWO.expectation[0], rel=1e-13)


def test_value_at_risk_and_expected_shortfall_are_the_density_s(integrals):
    p = np.array([0.05, 0.025, 0.01])
    quantile, tail = TWO.quantile(p)[0], TWO.tail_mean(p)[0]
    for probability, k, mean in zip(p, quantile, tail):
        assert float(integrals.of(lambda x: 1, end=k)) == pytest.approx(probability, rel=1e-13)
        assert mean == pytest.approx(float(integrals.of(mpmath.exp, end=k)) / probability, rel=1e-13)


def test_one_normal_has_the_lognormal_s_closed_forms():
    m, s = np.array([-0.02, 0.1]), np.array([0.2, 0.05])
    one = law([[1.0], [1.0]], m[:, None], s[:, None])
    z = ndtri(P)
    assert one.skewness.tolist() == [0.0, 0.0]
    assert one.excess_kurtosis.tolist() == [0.0, 0.0]
    assert np.allclose(one.quantile(P), m[:, None] + s[:, None] * z, rtol=0, atol=1e-15)
    tail = np.exp(m + s**2 / 2)[:, None] * ndtr(z - s[:, None]) / P
    assert np.allclose(one.tail_mean(P), tail, rtol=1e-12)


@settings(max_examples=25)
@given(laws())
def test_a_quantile_has_its_probability_below_it(one):
    k = one.quantile(P)
    lower = np.minimum(P, 1.0 - P)
    z = (k[..., None] - one.means[:, None]) / one.stdevs[:, None]
    tail = (one.weights[:, None] * ndtr(np.where(P > 0.5, -1.0, 1.0)[:, None] * z)).sum(axis=-1)  # upper from above
    # What 1e-12 stdevs change a probability by, or its own rounding.
    assert (np.abs(tail - lower) <= 1e-12 * (one.density(k) * one.stdev[:, None] + lower)).all()
    assert (np.diff(k) > 0).all()


def test_a_quantile_between_two_far_modes_is_found():
    for weight in (0.01, 0.1, 0.16, 0.3, 0.4999):
        far = law([weight, 1 - weight], [-1.0, 0.4], [0.02, 0.02])
        p = weight * np.array([0.5, 0.999, 1.0, 1.001])
        k = far.quantile(p)[0]
        assert np.allclose(far.distribution(k)[0], p, rtol=1e-12)
        assert k[0] == pytest.approx(-1.0, abs=1e-12)
        assert k[1] < -0.9 < k[3]


@pytest.mark.parametrize(
    ("probability", "components"),
    [
        (0.95, ([0.12, 0.36, 0.28, 0.24], [-1.4, 2.1, 0.8, 4.6], [1.93, 1.23, 3.52, 0.24])),
        (0.025, ([0.25, 0.31, 0.13, 0.31], [-3.2, -1.7, -3.8, -10.5], [3.63, 0.44, 6.02, 0.34])),
    ],
)
def test_a_quantile_round_which_newton_s_method_goes_in_a_circle_is_found(probability, components):
    circled = law(*components)
    k = circled.quantile(np.array([probability]))
    assert circled.distribution(k)[0, 0] == pytest.approx(probability, abs=1e-14)


@settings(max_examples=25)
@given(laws(), st.floats(0.02, 0.8))
def test_another_stdev_leaves_the_standardised_law_and_gives_the_forward_as_mean(one, stdev):
    other = one.rescaled(np.array([stdev]))
    assert other.expectation[0] == pytest.approx(1.0, abs=1e-13)
    assert other.stdev[0] == pytest.approx(stdev, rel=1e-12)
    assert other.skewness[0] == pytest.approx(one.skewness[0], abs=1e-9)
    assert other.excess_kurtosis[0] == pytest.approx(one.excess_kurtosis[0], rel=1e-9, abs=1e-9)
    usual, moved = ((each.quantile(P)[0] - each.mean[0]) / each.stdev[0] for each in (one, other))
    certain = one.density(one.quantile(P))[0] * one.stdev[0] > 1e-6  # not in a gap between modes
    assert np.allclose(usual[certain], moved[certain], rtol=0, atol=1e-9)


@settings(max_examples=25)
@given(laws(), st.floats(0.1, 5.0), st.floats(-1.0, 1.0))
def test_a_law_is_scale_invariant(one, ratio, shift):
    other = law(one.weights, one.means * ratio + shift, one.stdevs * ratio)
    assert other.mean[0] == pytest.approx(one.mean[0] * ratio + shift, abs=1e-12)
    assert other.variance[0] == pytest.approx(one.variance[0] * ratio**2, rel=1e-11)
    assert other.skewness[0] == pytest.approx(one.skewness[0], abs=1e-9)
    assert other.excess_kurtosis[0] == pytest.approx(one.excess_kurtosis[0], rel=1e-9, abs=1e-9)
    k = one.quantile(P)
    assert np.allclose(other.distribution(k * ratio + shift), one.distribution(k), rtol=1e-9)
    assert np.allclose(other.density(k * ratio + shift) * ratio, one.density(k), rtol=1e-9)


@settings(max_examples=25)
@given(laws(), st.floats(-0.5, 0.5))
def test_a_price_in_other_units_is_the_law_shifted(one, shift):
    other = law(one.weights, one.means + shift, one.stdevs)
    certain = one.density(one.quantile(P))[0] * one.stdev[0] > 1e-6
    expected = np.exp(shift) * one.tail_mean(P)[0]
    assert np.allclose(other.tail_mean(P)[0][certain], expected[certain], rtol=1e-9)
    assert other.expectation[0] == pytest.approx(one.expectation[0] * np.exp(shift), rel=1e-12)


@settings(max_examples=25)
@given(laws())
def test_the_shortfall_is_value_at_risk_less_a_put_over_its_probability(one):
    forward = one.rescaled(one.stdev)
    means = np.exp(forward.means + forward.stdevs**2 / 2)
    p = np.array([0.01, 0.025, 0.05])
    k = forward.quantile(p)
    put = mixture.otm_price(k, forward.weights, means, forward.stdevs)
    put = np.where(k < 0, put, put + np.exp(k) - 1.0)  # a call above the forward, by parity
    assert np.allclose(forward.tail_mean(p), np.exp(k) - put / p, rtol=1e-10)
    assert (forward.tail_mean(p) < np.exp(k)).all()
    assert (np.diff(forward.tail_mean(p)) > 0).all()


def test_components_of_no_weight_change_nothing():
    padded = law([0.75, 0.0, 0.25], [0.03, 0.0, -0.11], [0.06, 1.0, 0.14])
    for name in ("mean", "variance", "skewness", "excess_kurtosis", "expectation"):
        assert getattr(padded, name)[0] == pytest.approx(getattr(TWO, name)[0], rel=1e-13)
    assert np.allclose(padded.quantile(P), TWO.quantile(P), rtol=0, atol=1e-15)
    wide = np.array([2.0])
    assert np.allclose(padded.rescaled(wide).tail_mean(P), TWO.rescaled(wide).tail_mean(P), rtol=1e-13)


def test_laws_are_read_together_as_alone():
    both = law(*([first, second] for first, second in zip(FIRST, SECOND)))
    k = np.array([[-0.1, 0.0], [0.2, 0.3]])
    for row, alone in enumerate((TWO, law(*SECOND))):
        assert np.allclose(both.quantile(P)[row], alone.quantile(P)[0], rtol=0, atol=1e-14)
        assert np.allclose(both.part([row]).quantile(P)[0], alone.quantile(P)[0], rtol=0, atol=1e-14)
        assert np.allclose(both.tail_mean(P)[row], alone.tail_mean(P)[0], rtol=1e-13)
        assert np.allclose(both.density(k)[row], alone.density(k[row])[0], rtol=1e-15)
        assert np.allclose(both.distribution(k)[row], alone.distribution(k[row])[0], rtol=1e-15)
