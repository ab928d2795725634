"""Row statistics against numpy's own, a row at a time."""

import numpy as np

from vol_assets.quant.rows import line, location, median, rank, table


def ragged(seed=0, rows=20, width=9):
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, width))
    values[np.arange(width) >= draw.integers(3, width + 1, rows)[:, None]] = np.nan
    return values


def test_median_is_numpys_of_what_is_there():
    values = ragged()
    np.testing.assert_allclose(median(values), np.nanmedian(values, axis=1))
    assert np.isnan(median(np.full((1, 4), np.nan))).all()


def test_rank_counts_within_the_group():
    group, value = np.array([1, 0, 1, 0, 1]), np.array([3.0, 5.0, 1.0, 4.0, np.nan])
    assert rank(group, value).tolist() == [1, 1, 0, 0, 2]


def test_table_leaves_out_what_is_beyond_its_width():
    found = table(np.array([0, 1, 1]), np.array([0, 1, 2]), 2, 2, np.array([7.0, 8.0, 9.0]))
    np.testing.assert_array_equal(found, [[7.0, np.nan], [np.nan, 8.0]])


def test_location_of_good_values_is_near_their_weighted_mean_and_a_bad_one_has_no_weight():
    values = ragged()
    weight = np.random.default_rng(1).uniform(1, 2, values.shape)
    centre, robust = location(values, weight, np.full(len(values), 5.0))  # a scale at which all of them are good
    mean = np.nansum(weight * values, axis=1) / np.sum(weight * np.isfinite(values), axis=1)
    np.testing.assert_allclose(centre, mean, atol=0.02)
    spoilt = values.copy()
    spoilt[:, 0] = 1e6
    without, robust = location(spoilt, weight, np.full(len(values), 1e-3))
    assert (robust[:, 0] == 0).all()
    assert np.abs(without).max() < 3


def test_line_is_the_weighted_least_squares_one():
    x, y = ragged(2), ragged(3)
    x[np.isnan(y)] = np.nan
    weight = np.random.default_rng(4).uniform(0.5, 2, x.shape)
    value, slope, error = line(x, y, weight)
    for row in range(len(x)):
        use = np.isfinite(x[row] + y[row])
        if use.sum() > 4:
            w = np.sqrt(weight[row, use])
            fitted, covariance = np.polyfit(x[row, use], y[row, use], 1, w=w, cov=True)
            np.testing.assert_allclose([slope[row], value[row]], fitted, rtol=1e-9)
            np.testing.assert_allclose(error[row], np.sqrt(covariance[0, 0]), rtol=1e-9)
