"""Many small problems are solved at once, each as if it were alone."""

import numpy as np

from vol_assets.quant import least_squares


def rosenbrock(x, which):
    a, b = x[:, 0], x[:, 1]
    r = np.stack([10 * (b - a**2), 1 - a], axis=1)
    zero = np.zeros_like(a)
    jacobian = np.stack([np.stack([-20 * a, 10 + zero], 1), np.stack([zero - 1, zero], 1)], axis=2)
    return r, jacobian


def test_rosenbrock_s_valley_is_followed_to_its_end_from_many_starts_at_once():
    starts = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    x, cost = least_squares.solve(rosenbrock, starts, iterations=500, tolerance=1e-14)
    assert np.allclose(x, 1.0, atol=1e-5)
    assert (cost < 1e-9).all()


def test_each_problem_has_its_own_data():
    slopes = np.array([[1.0], [-2.0], [0.5]])
    times = np.linspace(0, 1, 7)

    def decay(x, which):
        model = np.exp(x * times)
        return model - np.exp(slopes[which] * times), (times * model)[:, None, :]

    x, _ = least_squares.solve(decay, np.zeros((3, 1)), tolerance=1e-12)
    assert np.allclose(x, slopes, atol=1e-6)


def test_a_problem_s_answer_does_not_depend_on_its_company():
    starts = np.random.default_rng(1).uniform(-2, 2, (8, 2))
    together, _ = least_squares.solve(rosenbrock, starts, iterations=40)
    for number in (0, 5):
        alone, _ = least_squares.solve(rosenbrock, starts[number : number + 1], iterations=40)
        assert np.allclose(alone[0], together[number], rtol=1e-9)


def test_a_start_without_a_finite_cost_is_left_alone():
    x, cost = least_squares.solve(rosenbrock, np.array([[np.nan, 1.0], [0.5, 0.5]]), iterations=200)
    assert np.isnan(x[0]).any()
    assert np.isnan(cost[0])
    assert np.allclose(x[1], 1.0, atol=1e-2)
