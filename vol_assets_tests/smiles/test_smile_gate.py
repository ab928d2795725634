"""The gate: who sees something passes, who smooths, who is lucky or adds arbitrage does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judged_world import SHAPE, Foresees, World, world

from vol_assets.errors import ForecastError
from vol_assets.forecasting.gate import Condition, Verdict
from vol_assets.smiles.gate import LUCK, MIN_SESSIONS, judge
from vol_assets.smiles.leaderboard import Board, leaderboard

BARS = {
    "persistence": Foresees(),
    "local_level": Foresees(smooth=0.3),
    "ar1": Foresees(smooth=0.6),
}


def board(found: World, **models) -> Board:
    return leaderboard(found.panel, found.last, BARS | models, found.contracts)


def verdict(found: World, model: Foresees) -> Verdict:
    return judge(board(found, gru=model), ["gru"])["gru"]


def condition(found: Verdict, name: str) -> Condition:
    (one,) = (of for of in found.conditions if of.name == name)
    return one


def failing(found: Verdict) -> set[str]:
    return {of.name for of in found.conditions if not of.passed}


@pytest.fixture(scope="module")
def foreseeable() -> World:
    return world(16, 40)


@pytest.fixture(scope="module")
def noisy_walk() -> World:
    """Smiles that are random walks, seen through noise of one and a half of their steps."""
    return world(16, 40, shock=0.0, state_noise=0.0045, quote_noise=0.0045)


def test_who_knows_half_of_the_drift_may_serve(foreseeable):
    found = verdict(foreseeable, Foresees(0.5))
    assert found.passed
    assert [of.name for of in found.conditions] == ["sessions", "skill", "luck", "foresight", "butterfly", "calendar"]
    assert condition(found, "skill").figure > 0.2
    assert condition(found, "luck").figure < 0.01
    assert "over its own shortest forecast, held" in condition(found, "foresight").in_words


def test_persistence_by_another_name_has_no_skill(foreseeable):
    found = verdict(foreseeable, Foresees())
    assert failing(found) >= {"skill", "luck", "foresight"}
    assert condition(found, "skill").figure <= 0


def test_smoothing_has_skill_over_persistence_and_is_refused(noisy_walk):
    smoothing = verdict(noisy_walk, Foresees(smooth=0.45))
    of_board = board(noisy_walk, gru=Foresees(smooth=0.45)).table.set_index(["model", "horizon_steps"])
    assert of_board.loc[("gru", 1), "skill"] > 0.05
    assert failing(smoothing) >= {"luck", "foresight"}


def test_who_smooths_better_than_every_baseline_is_refused_too_for_he_sees_no_further(noisy_walk):
    """Across the smiles the noise averages out: no baseline here does that, and one step ahead it is worth a lot."""
    found = board(noisy_walk, gru=Pooled())
    table = found.table.set_index(["model", "horizon_steps"])
    assert table.loc[("gru", 1), "skill_best"] > 0.1
    assert table.loc[("gru", 10), "skill_best"] > 0
    of_gru = judge(found, ["gru"])["gru"]
    assert condition(of_gru, "skill").passed
    assert condition(of_gru, "luck").passed
    assert failing(of_gru) == {"foresight"}


class Pooled(Foresees):
    """One level for all nodes of all smiles: what is left of noise is a fifth."""

    def forecast(self, windows):
        last = windows.log_vol[:, -1]
        level = (last - SHAPE).mean(axis=(1, 2), keepdims=True)
        return np.repeat((SHAPE + level)[:, None], 2, axis=1)


def test_who_pools_and_sees_further_passes():
    """The same, where there is something to see."""
    found = world(16, 40, state_noise=0.003, quote_noise=0.003)
    assert judge(board(found, gru=PooledForesees(0.5)), ["gru"])["gru"].passed


class PooledForesees(Foresees):
    def forecast(self, windows):
        level = (windows.log_vol[:, -1] - SHAPE).mean(axis=(1, 2), keepdims=True)
        return super().forecast(windows) - windows.log_vol[:, -1][:, None] + (SHAPE + level)[:, None]


def test_a_better_model_that_adds_arbitrage_is_refused_for_that_alone(foreseeable):
    found = verdict(foreseeable, Kinked(0.5))
    assert failing(found) == {"butterfly"}
    assert condition(found, "butterfly").figure > 0
    assert "of persistence's none" in condition(found, "butterfly").in_words


class Kinked(Foresees):
    """A kink of the shortest smile at its forward, ten steps ahead, once."""

    def forecast(self, windows):
        said = super().forecast(windows)
        said[100, 1, 0, 4] += 0.1
        return said


def test_a_later_smile_below_an_earlier_one_is_a_calendar_that_is_refused(foreseeable):
    found = verdict(foreseeable, Crossed(0.5))
    assert "calendar" in failing(found)
    assert condition(found, "butterfly").passed


class Crossed(Foresees):
    def forecast(self, windows):
        said = super().forecast(windows)
        said[100, 1, 1] -= 0.4
        return said


def test_where_persistence_has_breaches_as_many_are_allowed(foreseeable):
    nicked = foreseeable.panel.log_vol.copy()
    nicked[::3, 0, 4] += 0.15
    panel = replace(foreseeable.panel, log_vol=nicked)
    found = board(foreseeable._replace(panel=panel), gru=Foresees(0.5))
    share = found.table.set_index(["model", "horizon_steps"])["butterfly_share"]
    assert share["persistence", 1] > 0
    of_gru = condition(judge(found, ["gru"])["gru"], "butterfly")
    assert of_gru.passed is bool(
        share["gru", 1] <= share["persistence", 1] and share["gru", 10] <= share["persistence", 10]
    )


def test_the_luckiest_of_many_that_know_nothing_is_refused(noisy_walk):
    """Their guesses move the smile a little, in any direction."""
    promoted = 0
    for seed in range(6):
        found = board(noisy_walk, **{f"guess{number}": Guess(seed=4 * seed + number) for number in range(4)})
        names = [f"guess{number}" for number in range(4)]
        verdicts = judge(found, names)
        promoted += any(of_one.passed for of_one in verdicts.values())
    assert promoted == 0


class Guess(Foresees):
    def __init__(self, seed: int) -> None:
        object.__setattr__(self, "smooth", 0.3)
        object.__setattr__(self, "seed", seed)

    def forecast(self, windows):
        random = np.random.default_rng(self.seed)
        said = super().forecast(windows)
        return said + 2e-4 * random.standard_normal(said.shape[:2])[..., None, None]


def test_holm_pays_for_every_network_that_tried(foreseeable):
    one = judge(board(foreseeable, gru=Foresees(0.5)), ["gru"])["gru"]
    names = {"gru": Foresees(0.5), "a": Foresees(smooth=0.9), "b": Foresees(smooth=0.8), "c": Foresees(smooth=0.7)}
    four = judge(board(foreseeable, **names), names)["gru"]
    assert condition(four, "luck").figure == pytest.approx(4 * condition(one, "luck").figure)
    assert "Holm of 4" in condition(four, "luck").in_words


@pytest.mark.parametrize(("sessions", "enough"), [(MIN_SESSIONS, True), (MIN_SESSIONS - 1, False)])
def test_below_two_weeks_of_sessions_nobody_is_promoted(sessions: int, enough: bool):
    found = verdict(world(sessions, 40), Foresees(0.5))
    assert condition(found, "sessions").passed is enough
    assert found.passed is enough
    if not enough:
        assert "too few to judge by, 10 are needed" in found.reason


def test_a_network_that_is_not_on_the_board_or_is_a_baseline_cannot_be_judged(foreseeable):
    found = board(foreseeable, gru=Foresees(0.5))
    for name in ("lstm", "persistence"):
        with pytest.raises(
            ForecastError, match=f"{name} cannot be judged: networks on the board of the live family are gru"
        ):
            judge(found, [name])


def test_a_verdict_says_what_speaks_for_it_and_what_against(foreseeable):
    passed = verdict(foreseeable, Foresees(0.5))
    assert "the best baseline" in passed.reason
    assert "none of its butterfly spreads can be traded against" in passed.reason
    frame = passed.to_frame()
    assert frame["passed"].tolist() == 6 * ["yes"]
    assert f"below {LUCK:.2f}" in frame["limit"].tolist()
