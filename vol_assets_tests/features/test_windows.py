"""Trailing windows against pandas' own, and the one thing pandas' cannot do: no memory beyond the window."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vol_assets.features.windows import correlation, total, windows

returns = arrays(float, st.integers(8, 40), elements=st.floats(-0.25, 0.25, width=32))
widths = st.integers(2, 8)


def draws(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.01, size=n)


def test_the_windows_of_three_values_of_four():
    np.testing.assert_array_equal(
        windows(np.array([1.0, 2.0, 3.0, 4.0]), 3),
        [[np.nan, np.nan, 1], [np.nan, 1, 2], [1, 2, 3], [2, 3, 4]],
    )


def test_a_series_shorter_than_its_window_is_all_null():
    assert np.isnan(total(np.ones(4), 5)).all()
    assert len(total(np.ones(4), 5)) == 4


@pytest.mark.parametrize("width", [1, 5, 20, 60])
def test_totals_equal_pandas_rolling_sums(width):
    values = draws(300, seed=width)
    expected = pd.Series(values).rolling(width).sum().to_numpy()
    np.testing.assert_allclose(total(values, width), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("width", [5, 20, 60])
def test_correlations_equal_pandas_rolling_correlations(width):
    x, y = draws(300, seed=1), draws(300, seed=2)
    y += 0.6 * x
    expected = pd.Series(x).rolling(width).corr(pd.Series(y)).to_numpy()
    np.testing.assert_allclose(correlation(x, y, width), expected, rtol=0, atol=1e-12)


@given(returns, widths)
def test_a_total_is_the_plain_sum_of_its_window(values, width):
    got = total(values, width)
    for t in range(len(values)):
        if t < width - 1:
            assert np.isnan(got[t])
        else:
            assert got[t] == pytest.approx(sum(values[t - width + 1 : t + 1].tolist()), abs=1e-12)


@given(returns, widths, st.data())
def test_a_value_depends_on_its_own_window_to_the_last_bit(values, width, data):
    t = data.draw(st.integers(width - 1, len(values) - 1))
    alone = values[t - width + 1 : t + 1]
    other = np.roll(values, 1)
    assert total(values, width)[t] == total(alone, width)[-1]
    np.testing.assert_array_equal(
        correlation(values, other, width)[t], correlation(alone, other[t - width + 1 : t + 1], width)[-1]
    )


@given(returns, widths)
def test_correlation_is_symmetric_and_between_minus_one_and_one(values, width):
    other = values[::-1] ** 2
    got = correlation(values, other, width)
    np.testing.assert_array_equal(got, correlation(other, values, width))
    known = got[~np.isnan(got)]
    assert ((known >= -1) & (known <= 1)).all()


@given(st.integers(0, 2**32 - 1), widths, st.floats(0.1, 50), st.floats(-3, 3))
def test_correlation_ignores_scale_and_level_and_turns_with_the_sign(seed, width, scale, level):
    x, y = draws(30, seed), draws(30, seed + 1)
    known = slice(width - 1, None)
    np.testing.assert_allclose(
        correlation(scale * x + level, y, width)[known], correlation(x, y, width)[known], atol=1e-9
    )
    np.testing.assert_allclose(correlation(-x, y, width)[known], -correlation(x, y, width)[known], atol=1e-12)


@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), widths)
def test_the_correlation_of_a_series_that_does_not_move_is_null(level, other, width):
    flat, moving = np.full(12, level), draws(12, seed=3)
    for pair in ((flat, moving), (moving, flat), (flat, np.full(12, other))):
        assert np.isnan(correlation(*pair, width)).all()


@given(widths)
def test_a_series_is_perfectly_correlated_with_itself(width):
    x = draws(30, seed=4)
    np.testing.assert_allclose(correlation(x, x, width)[width - 1 :], 1.0, atol=1e-12)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_null_makes_exactly_the_windows_that_hold_it_null(width):
    values = draws(20, seed=5)
    values[9] = np.nan
    expected = [t < width - 1 or t - width < 9 <= t for t in range(20)]
    np.testing.assert_array_equal(np.isnan(total(values, width)), expected)
