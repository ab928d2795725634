"""What may come in the sample market: the state it starts from, its law in closed form, and a path that keeps to it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from windows import rank_pit, sample_market, true_law, worst_p

from vol_assets import clock
from vol_assets.errors import SessionError, SourceError
from vol_assets.gold.coverage import berkowitz, coverage, holds, kolmogorov_smirnov
from vol_assets.gold.windows import PROBABILITIES
from vol_assets.sources.sample import closes, gold_returns_ahead, process, variance
from vol_assets.sources.sample.ahead import GoldState, one_session, returns_after, states

SESSIONS = len(clock.session_days())
DAY = dt.date(2020, 3, 2)


@pytest.fixture(scope="module")
def path() -> closes.Closes:
    return closes.simulate(SESSIONS)


@pytest.fixture(scope="module")
def states_of_path() -> GoldState:
    return states(SESSIONS)


@pytest.fixture(scope="module")
def interesting(states_of_path) -> dict[str, int]:
    """Numbers of sessions: in stress, in calm far from it, gold with stocks and against them."""
    stress, correlation = states_of_path.regime == 1, states_of_path.correlation
    return {
        "stress": int(np.argmax(np.where(stress, states_of_path.slow, -np.inf))),
        "calm": int(np.argmin(np.where(stress, np.inf, states_of_path.slow))),
        "with stocks": int(correlation.argmax()),
        "against stocks": int(correlation.argmin()),
    }


def drawn(state: GoldState, number: int, sessions: int, paths: int, name: str = "test") -> np.ndarray:
    """Returns less their drift, (paths, sessions), after session `number`."""
    returns = returns_after(state.take(np.full(paths, number)), sessions, process.stream(name))
    return returns - closes.DRIFTS["GLD"] / 252.0


def within(sample: np.ndarray, expected: float, errors: float = 4.0) -> bool:
    """Whether the sample's mean is as near to what is expected as chance leaves it."""
    return abs(sample.mean() - expected) < errors * sample.std() / np.sqrt(len(sample))


def expected_variance(path: closes.Closes, state: GoldState, number: int, sessions: int) -> np.ndarray:
    """Variance of each of the next sessions seen from session `number`, decimal^2, in closed form."""
    keep = process.decay(closes.GOLD_HALF_LIFE) ** np.arange(sessions)
    own = np.exp(keep * state.own[number] + 0.5 * closes.GOLD_SD**2 * (1.0 - keep**2))
    market = path.spy.moments(sessions, closes.GOLD_POWER)[:, number]
    return np.exp(closes.GOLD_LEVEL) * market * own / 252.0


# The state


def test_the_state_is_the_paths_variance_and_correlation(path, states_of_path):
    load = np.tanh(states_of_path.correlation)
    sigma = np.sqrt(states_of_path.variance / 252.0)
    without_jumps = sigma * np.sqrt(1.0 - variance.JUMP_VARIANCE * load**2)
    np.testing.assert_allclose(path.sigmas["GLD"][1:], without_jumps[:-1], rtol=1e-12)
    jumped = np.flatnonzero(path.spy.jump[1:])
    expected = (sigma * load)[jumped] * path.spy.jump[jumped + 1]
    assert len(jumped) > 80
    np.testing.assert_allclose(path.jumps["GLD"][jumped + 1], expected, rtol=1e-12)


def test_the_returns_begin_at_the_state_of_the_session_that_is_named(states_of_path):
    number = int(np.searchsorted(clock.session_days(), np.datetime64(DAY)))
    first = gold_returns_ahead(DAY, 1, 40_000)[:, 0] - closes.DRIFTS["GLD"] / 252.0
    assert within(first**2, states_of_path.variance[number] / 252.0)


# The law


@pytest.mark.parametrize("where", ["stress", "calm", "with stocks", "against stocks"])
def test_the_first_return_has_the_moments_of_its_shock(states_of_path, interesting, where):
    """Third and fourth cumulants are the jump's, times a power of the correlation; all else is normal."""
    number = interesting[where]
    load = np.tanh(states_of_path.correlation[number])
    z = drawn(states_of_path, number, 1, 200_000)[:, 0] / np.sqrt(states_of_path.variance[number] / 252.0)
    p, m, s = variance.JUMP_PROBABILITY, variance.JUMP_MEAN, variance.JUMP_SD
    raw = p * np.array([m, m**2 + s**2, m**3 + 3 * m * s**2, m**4 + 6 * m**2 * s**2 + 3 * s**4])
    third = raw[2] - 3 * raw[0] * raw[1] + 2 * raw[0] ** 3
    fourth = raw[3] - 4 * raw[0] * raw[2] + 6 * raw[0] ** 2 * raw[1] - 3 * raw[0] ** 4 - 3 * (raw[1] - raw[0] ** 2) ** 2
    assert within(z, 0.0)
    assert within(z**2, 1.0)
    assert within(z**3, load**3 * third)
    assert within(z**4, 3.0 + load**4 * fourth)


@pytest.mark.parametrize("where", ["stress", "calm", "with stocks"])
def test_variance_ahead_is_the_closed_forms(path, states_of_path, interesting, where):
    number = interesting[where]
    squares = drawn(states_of_path, number, 126, 8_000) ** 2
    expected = expected_variance(path, states_of_path, number, 126)
    assert within(squares[:, :21].sum(axis=1), expected[:21].sum())
    assert within(squares[:, 105:].sum(axis=1), expected[105:].sum())  # where the regimes have come to bear


def test_the_closed_form_is_what_the_index_is_made_of(path, states_of_path, interesting):
    number = interesting["stress"]
    of_gvz = closes._expected_gold(path.spy, states_of_path.own, 21)[number]
    assert expected_variance(path, states_of_path, number, 21).mean() * 252.0 == pytest.approx(of_gvz, rel=1e-12)


@pytest.mark.parametrize("where", ["with stocks", "against stocks"])
def test_leverage_reaches_gold_as_far_as_it_goes_with_stocks(path, states_of_path, interesting, where):
    """E[z1 r2^2] / E[r2^2], how a shock moves the next variance: the slope at t = 0 of ln E[exp(t z + innovations)]."""
    number = interesting[where]
    returns = drawn(states_of_path, number, 2, 400_000)
    z = returns[:, 0] / np.sqrt(states_of_path.variance[number] / 252.0)
    next_variance = expected_variance(path, states_of_path, number, 2)[1]

    p, m, s = variance.JUMP_PROBABILITY, variance.JUMP_MEAN, variance.JUMP_SD
    moved = closes.GOLD_POWER * variance.INNOVATION_SDS @ variance.LEVERAGES
    a = closes.GOLD_POWER * variance.JUMP_IN_FAST
    tilted = p * np.exp(a * m + 0.5 * (a * s) ** 2)
    jump = tilted * (m + a * s**2) / (1.0 - p + tilted) - p * m
    load = np.tanh(states_of_path.correlation[number])
    expected = load * (np.sqrt(1.0 - variance.JUMP_VARIANCE) * moved + jump)
    assert abs(expected) > 0.02
    assert within(z * returns[:, 1] ** 2 / next_variance, expected)


@pytest.mark.parametrize("where", ["stress", "calm"])
def test_the_state_moves_on_as_the_paths_does(states_of_path, interesting, where):
    """Mean and standard deviation of each part at the next close, given this one."""
    start = states_of_path.take(np.array([interesting[where]]))
    _, after = one_session(start.take(np.zeros(200_000, dtype=int)), process.stream("test"))
    in_stress = start.regime[0] == 1
    keep_fast, keep_slow = process.decay(variance.HALF_LIVES)
    keep_own, keep_correlation = process.decay(closes.GOLD_HALF_LIFE), process.decay(60.0)
    fast_sd, slow_sd = variance.INNOVATION_SDS
    expected = {
        "fast": (keep_fast * start.fast, np.hypot(fast_sd, variance.JUMP_IN_FAST * np.sqrt(variance.JUMP_VARIANCE))),
        "slow": (keep_slow * start.slow + (1.0 - keep_slow) * variance.STRESS[int(in_stress)], slow_sd),
        "own": (keep_own * start.own, closes.GOLD_SD * np.sqrt(1.0 - keep_own**2)),
        "correlation": (keep_correlation * start.correlation, 0.30 * np.sqrt(1.0 - keep_correlation**2)),
        "regime": (1.0 - 1.0 / variance.DURATIONS[1] if in_stress else 1.0 / variance.DURATIONS[0], None),
    }
    for part, (mean, sd) in expected.items():
        values = getattr(after, part)
        assert within(values, mean), part
        if sd is not None:
            assert within((values - mean) ** 2, sd**2), part


def test_the_law_holds_in_markets_of_other_seeds(monkeypatch):
    """Paths that nobody chose: 6 markets, 160 windows of 21 sessions each."""
    pits = []
    for seed in range(6):
        monkeypatch.setattr(process, "SEED", seed)
        returns, state = closes.simulate(4000).returns["GLD"], states(4000)
        starts = 600 + 21 * np.arange(160)
        came = np.array([returns[start + 1 : start + 22].sum() for start in starts])
        paths = returns_after(state.take(np.repeat(starts, 99)), 21, process.stream("test")).sum(axis=1)
        pits.append(rank_pit(came, paths.reshape(160, 99)))
    pit = np.concatenate(pits)
    assert kolmogorov_smirnov(pit).p > 0.05
    assert berkowitz(pit).p > 0.05
    for probability in (0.68, 0.90, 0.98):  # of ranks among 99
        assert abs(holds(pit, probability).mean() - probability) < 3.0 * np.sqrt(probability * (1 - probability) / 960)


# The path


def test_windows_of_the_true_law_hold_what_came_and_a_quarter_narrower_do_not():
    law = true_law(sample_market("2026-10-30").returns, paths=199)
    assert len(law.came) > 200
    assert worst_p(rank_pit(law.came, law.paths)) > 0.05

    centre = np.median(law.paths, axis=1, keepdims=True)
    narrow = rank_pit(law.came, centre + 0.75 * (law.paths - centre))
    assert worst_p(narrow) < 1e-4
    for probability in PROBABILITIES:
        found = coverage(narrow, probability, 1)
        assert found.p < 0.05
        assert found.high < probability


# What is asked for


def test_the_same_question_has_the_same_answer_and_another_session_another():
    asked = gold_returns_ahead(DAY, 21, 50)
    assert asked.shape == (50, 21)
    np.testing.assert_array_equal(asked, gold_returns_ahead(DAY, 21, 50))
    assert not np.isin(asked, gold_returns_ahead(clock.offset(DAY, 1), 21, 50)).any()


@pytest.mark.parametrize("day", [dt.date(2007, 4, 10), dt.date(2036, 1, 2)])
def test_a_session_outside_the_simulated_years_is_refused(day):
    with pytest.raises(SourceError, match="runs 2007-04-11"):
        gold_returns_ahead(day, 21, 10)


def test_a_day_without_trading_is_refused():
    with pytest.raises(SessionError, match="weekend"):
        gold_returns_ahead(dt.date(2020, 3, 1), 21, 10)
