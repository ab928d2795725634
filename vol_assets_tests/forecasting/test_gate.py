"""The gate, condition by condition at its border, on walk-forwards whose losses are constructed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw
from scipy.stats import t as student

from vol_assets.forecasting.gate import (
    COVERAGE,
    COVERAGE_MARGIN,
    LUCK,
    MIN_SESSIONS,
    NEGLIGIBLE,
    SLOPE,
    Condition,
    Verdict,
    judge,
)

N = 600
DATES = pd.bdate_range("2020-01-01", periods=N).as_unit("ns")
JUST = 1e-6  # either side of a border


def variance_losing(loss: np.ndarray, realised: np.ndarray) -> np.ndarray:
    """The forecast of variance whose QLIKE is `loss`: x - ln x - 1 = loss, solved for x = realised^2 / forecast > 1."""
    return realised**2 / -lambertw(-np.exp(-1 - loss), -1).real


def newey_west_error(x: np.ndarray, lags: int = 10) -> float:
    """The standard error of a mean, summed as the textbook writes it."""
    n, deviation = len(x), x - x.mean()
    total = deviation @ deviation / n
    for k in range(1, lags + 1):
        total += 2 * (1 - k / (lags + 1)) * (deviation[k:] @ deviation[:-k]) / n
    return float(np.sqrt(total / n))


def bordering_mean(gap: np.ndarray, p: float) -> float:
    """The mean that a gap of mean 0 must get for Diebold and Mariano's lower-tail p, five sessions ahead, to be `p`."""
    n, h = len(gap), 5
    small_sample = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return float(student.ppf(p, n - 1) * newey_west_error(gap) / small_sample)


def rows(model: str, **numbers: np.ndarray | float) -> pd.DataFrame:
    return pd.DataFrame({"date": DATES, "model": model, "p50": 0.2, "trained_through": DATES[0], **numbers})


def world(seed: int = 3, sessions: int = N, gain: float = 0.05) -> pd.DataFrame:
    """A backtest in which `new` passes all conditions: a calibrated volatility, losses `gain` below the reference's."""
    draw = np.random.default_rng(seed)
    forecast = 0.15 * np.exp(0.4 * draw.standard_normal(N))
    realised = forecast * np.exp(0.3 * draw.standard_normal(N) - 0.045)
    p10, p90 = (forecast * np.exp(0.3 * z - 0.045) for z in (-1.2816, 1.2816))
    numbers = {"forecast_vol": forecast, "p10": p10, "p90": p90, "realised": realised}
    loss = 0.3 + 0.1 * draw.random(N)
    backtest = pd.concat(
        [
            rows("log_har_iv", **numbers, forecast_var=variance_losing(loss + gain, realised)),
            rows("new", **numbers, forecast_var=variance_losing(loss + 0.01 * draw.standard_normal(N), realised)),
        ],
        ignore_index=True,
    )
    return backtest[backtest["date"] <= DATES[sessions - 1]]


def changed(backtest: pd.DataFrame, model: str = "new", **numbers: np.ndarray | float) -> pd.DataFrame:
    backtest = backtest.copy()
    for name, values in numbers.items():
        backtest.loc[backtest["model"] == model, name] = values
    return backtest


def of(backtest: pd.DataFrame, model: str) -> pd.DataFrame:
    return backtest[backtest["model"] == model].reset_index(drop=True)


def condition(verdict: Verdict, name: str) -> Condition:
    (found,) = [condition for condition in verdict.conditions if condition.name == name]
    return found


def failing(verdict: Verdict) -> set[str]:
    return {condition.name for condition in verdict.conditions if not condition.passed}


def test_a_better_calibrated_model_passes_and_the_reason_says_by_how_much():
    verdict = judge(world(), "new")
    assert verdict.passed
    assert [c.name for c in verdict.conditions] == ["sessions", "reference", "slope", "coverage", "champion"]
    qlike = {name: 0.0 for name in ("new", "log_har_iv")}
    for name in qlike:
        part = of(world(), name)
        x = part["realised"] ** 2 / part["forecast_var"]
        qlike[name] = (x - np.log(x) - 1).mean()
    assert condition(verdict, "reference").figure == pytest.approx(qlike["new"] / qlike["log_har_iv"], rel=1e-9)
    assert f"QLIKE is {qlike['new'] / qlike['log_har_iv']:.3f} of log_har_iv's" in verdict.reason
    assert "\n" not in verdict.reason
    assert "there is no champion to compare with" in verdict.reason


def test_what_fails_is_the_reason_and_nothing_else():
    verdict = judge(changed(world(), p10=0.0, p90=5.0), "new")
    assert failing(verdict) == {"coverage"}
    assert not verdict.passed
    assert verdict.reason == "p10 ... p90 held 100.0% of the outcomes"


def test_the_page_shows_every_condition_with_figure_and_limit():
    shown = judge(changed(world(), p10=0.0, p90=5.0), "new").to_frame()
    assert list(shown.columns) == ["condition", "figure", "limit", "passed", "in words"]
    assert dict(zip(shown["condition"], shown["passed"], strict=True)) == {
        "sessions": "yes",
        "reference": "yes",
        "slope": "yes",
        "coverage": "NO",
        "champion": "yes",
    }


@pytest.mark.parametrize(("side", "passed"), [(1 + JUST, True), (1 - JUST, False)])
def test_the_advantage_over_the_reference_must_leave_less_than_one_in_ten_to_luck(side: float, passed: bool):
    draw = np.random.default_rng(8)
    gap = draw.standard_normal(N) * 0.05
    gap -= gap.mean()
    gap += side * bordering_mean(gap, LUCK)  # challenger - reference, below zero
    backtest = world()
    realised = of(backtest, "new")["realised"].to_numpy()
    backtest = changed(backtest, "log_har_iv", forecast_var=variance_losing(np.full(N, 0.5), realised))
    verdict = judge(changed(backtest, forecast_var=variance_losing(0.5 + gap, realised)), "new")
    assert condition(verdict, "reference").passed is passed
    assert condition(verdict, "reference").figure < 1  # better it is, either way
    assert verdict.passed is passed


def test_a_model_as_good_as_the_reference_to_the_bit_does_not_pass():
    backtest = world()
    same = changed(backtest, forecast_var=of(backtest, "log_har_iv")["forecast_var"].to_numpy())
    assert failing(judge(same, "new")) == {"reference"}
    assert condition(judge(same, "new"), "reference").figure == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_reference_itself_never_passes(seed: int):
    assert "reference" in failing(judge(world(seed), "log_har_iv"))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.5, 1 / 1.5]))
def test_a_good_model_scaled_by_half_again_is_no_longer_calibrated(seed: int, factor: float):
    backtest = world(seed)
    good = of(backtest, "new")
    assert not {"slope", "coverage"} & failing(judge(backtest, "new"))
    scaled = {name: factor * good[name].to_numpy() for name in ("forecast_vol", "p10", "p90")}
    scaled["forecast_var"] = factor**2 * good["forecast_var"].to_numpy()
    assert failing(judge(changed(backtest, **scaled), "new")) >= {"slope", "coverage"}


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random):
    backtest = world()
    order = list(range(len(backtest)))
    random.shuffle(order)
    mixed = backtest.iloc[order]
    assert judge(mixed, "new", champion=of(mixed, "log_har_iv")) == judge(
        backtest, "new", champion=of(backtest, "log_har_iv")
    )


def sloped(slope: float, noise: float) -> pd.DataFrame:
    """A backtest whose Mincer-Zarnowitz slope is `slope` exactly, whatever the noise about the line."""
    backtest = world()
    forecast = of(backtest, "new")["forecast_vol"].to_numpy()
    deviation = np.random.default_rng(1).standard_normal(N)
    x = np.column_stack([np.ones(N), forecast])
    deviation -= x @ np.linalg.lstsq(x, deviation)[0]
    realised = 0.2 + slope * forecast + noise * deviation
    return changed(changed(backtest, "log_har_iv", realised=realised), realised=realised)


@pytest.mark.parametrize(
    ("slope", "passed"),
    [(SLOPE[0] + JUST, True), (SLOPE[0] - JUST, False), (SLOPE[1] - JUST, True), (SLOPE[1] + JUST, False)],
)
def test_the_slope_of_what_came_on_what_was_forecast_must_be_near_one(slope: float, passed: bool):
    found = condition(judge(sloped(slope, noise=1e-5), "new"), "slope")
    assert found.figure == pytest.approx(slope, abs=1e-9)
    assert found.passed is passed


@pytest.mark.parametrize(("side", "passed"), [(1 - 1e-3, True), (1 + 1e-3, False)])
def test_a_slope_that_cannot_be_told_from_one_passes(side: float, passed: bool):
    slope, unit = 0.6, 1e-3
    # The error of the slope is in proportion to the noise: what it is at `unit`, as the textbook has it.
    backtest = sloped(slope, unit)
    forecast, realised = (of(backtest, "new")[name].to_numpy() for name in ("forecast_vol", "realised"))
    x = np.column_stack([np.ones(N), forecast])
    score = x * (realised - 0.2 - slope * forecast)[:, None]
    middle = score.T @ score
    for k in range(1, 11):
        lagged = (1 - k / 11) * score[k:].T @ score[:-k]
        middle += lagged + lagged.T
    bread = np.linalg.inv(x.T @ x)
    error = np.sqrt((bread @ middle @ bread)[1, 1])
    noise = unit * (1 - slope) / (2 * error) / side  # two errors reach from the slope to 1, or a little short of it
    assert condition(judge(sloped(slope, noise), "new"), "slope").passed is passed


def covering(inside: np.ndarray) -> pd.DataFrame:
    backtest = world()
    realised = of(backtest, "new")["realised"].to_numpy()
    return changed(backtest, p10=0.0, p90=np.where(inside, 2 * realised, realised / 2))


@pytest.mark.parametrize(
    ("held", "passed"), [(0.76, True), (0.755, False), (0.84, True), (0.845, False), (0.80, True), (1.0, False)]
)
def test_the_interval_must_hold_four_outcomes_in_five_give_or_take_four_points(held: float, passed: bool):
    inside = np.diff(np.arange(N + 1) * round(N * held) // N) == 1  # spread evenly: the error is next to nothing
    assert inside.mean() == pytest.approx(held)
    assert 2 * newey_west_error(inside.astype(float)) < COVERAGE_MARGIN
    found = condition(judge(covering(inside), "new"), "coverage")
    assert found.figure == pytest.approx(held)
    assert found.passed is passed


@pytest.mark.parametrize(("clusters", "passed"), [(1, True), (60, False)])
def test_misses_that_come_together_say_less_against_an_interval_than_as_many_apart(clusters: int, passed: bool):
    missed = 180  # 30 % in place of 20
    inside = np.ones(N, bool)
    for start in np.linspace(0, N - missed // clusters, clusters).astype(int):
        inside[start : start + missed // clusters] = False
    assert inside.mean() == pytest.approx(0.70)
    assert bool(COVERAGE - inside.mean() <= 2 * newey_west_error(inside.astype(float))) is passed
    assert condition(judge(covering(inside), "new"), "coverage").passed is passed


def crowned(backtest: pd.DataFrame, side: float) -> pd.DataFrame:
    """A champion whose QLIKE, and a hundredth more, is below the challenger's by p = LUCK, or a little off that."""
    challenger = of(backtest, "new")
    realised = challenger["realised"].to_numpy()
    x = realised**2 / challenger["forecast_var"].to_numpy()
    loss = x - np.log(x) - 1
    gap = 0.05 * np.random.default_rng(2).standard_normal(N)
    gap -= gap.mean()
    gap += side * bordering_mean(gap, LUCK)  # 1.01 champion - challenger, below zero
    return challenger.assign(forecast_var=variance_losing((loss + gap) / (1 + NEGLIGIBLE), realised))


@pytest.mark.parametrize(("side", "passed"), [(1 - JUST, True), (1 + JUST, False), (-1, True), (5, False)])
def test_a_challenger_that_is_worse_than_the_champion_beyond_bad_luck_is_turned_away(side: float, passed: bool):
    backtest = world()
    found = condition(judge(backtest, "new", champion=crowned(backtest, side)), "champion")
    assert found.passed is passed
    if abs(abs(side) - 1) < 0.1:
        assert found.figure == pytest.approx(LUCK, abs=1e-4) if side > 0 else found.figure > 0.5


@pytest.mark.parametrize(("worse_by", "passed"), [(0.0, True), (0.005, True), (0.02, False)])
def test_a_difference_of_no_use_to_anybody_blocks_no_retraining_however_certain(worse_by: float, passed: bool):
    backtest = world()
    challenger = of(backtest, "new")
    realised = challenger["realised"].to_numpy()
    x = realised**2 / challenger["forecast_var"].to_numpy()
    champion = challenger.assign(forecast_var=variance_losing((x - np.log(x) - 1) / (1 + worse_by), realised))
    assert condition(judge(backtest, "new", champion=champion), "champion").passed is passed


@pytest.mark.parametrize(("common", "comparable"), [(MIN_SESSIONS, True), (MIN_SESSIONS - 1, False), (0, False)])
def test_with_less_than_a_year_in_common_the_champion_is_no_hindrance_and_that_is_said(common: int, comparable: bool):
    backtest = world()
    far_better = crowned(backtest, 5).head(common)
    verdict = judge(backtest, "new", champion=far_better)
    assert verdict.passed is not comparable
    if not comparable:
        assert np.isnan(condition(verdict, "champion").figure)
        assert f"not comparable with the champion: {common} sessions in common" in verdict.reason


def test_the_champion_is_scored_on_the_outcomes_known_now():
    backtest = world()
    stale = of(backtest, "new").assign(realised=9.9)
    found = condition(judge(backtest, "new", champion=stale), "champion")
    assert found.passed
    assert "QLIKE is 1.000 of the champion's" in found.in_words


def test_rows_of_the_champion_that_cannot_be_scored_or_come_twice_are_not_compared():
    backtest = world()
    champion = of(backtest, "new")
    champion.loc[:9, "forecast_var"] = 0.0
    champion.loc[10:19, "p90"] = np.nan
    found = condition(judge(backtest, "new", champion=pd.concat([champion, champion])), "champion")
    assert f"on {N - 20} sessions" in found.in_words


@pytest.mark.parametrize(("sessions", "passed"), [(MIN_SESSIONS, True), (MIN_SESSIONS - 1, False)])
def test_less_than_a_year_of_outcomes_is_too_little_to_judge_by(sessions: int, passed: bool):
    verdict = judge(world(sessions=sessions), "new")
    assert verdict.passed is passed
    if not passed:
        assert [c.name for c in verdict.conditions] == ["sessions"]
        assert "too few to judge by: 250 are needed" in verdict.reason


def test_sessions_without_outcome_or_without_the_reference_do_not_count():
    backtest = world()
    backtest.loc[backtest["date"].isin(DATES[-5:]), "realised"] = np.nan
    backtest = backtest[(backtest["model"] != "log_har_iv") | (backtest["date"] >= DATES[100])]
    assert condition(judge(backtest, "new"), "sessions").figure == N - 105


@pytest.mark.parametrize("name", ["unheard_of", "new"])
def test_a_model_that_was_not_run_or_has_no_reference_does_not_pass(name: str):
    verdict = judge(of(world(), "new"), name)
    assert not verdict.passed
    assert verdict.reason.startswith(f"0 sessions forecast by both {name} and log_har_iv")


@pytest.mark.parametrize("broken", [{"forecast_var": 0.0}, {"forecast_vol": np.nan}, {"p10": np.inf}])
def test_a_forecast_that_cannot_be_scored_fails_its_model(broken: dict[str, float]):
    backtest = world()
    backtest.loc[(backtest["model"] == "new") & (backtest["date"] == DATES[7]), list(broken)] = list(broken.values())
    verdict = judge(backtest, "new")
    assert not verdict.passed
    assert f"1 of {N} sessions have a forecast by new that cannot be scored" in verdict.reason


def test_a_forecast_that_never_moves_has_no_slope_and_fails():
    verdict = judge(changed(world(), forecast_vol=0.2), "new")
    assert "slope" in failing(verdict)
    assert np.isnan(condition(verdict, "slope").figure)


def test_a_week_without_a_trade_is_an_outcome_like_any_other():
    backtest = world()
    backtest.loc[backtest["date"] == DATES[7], "realised"] = 0.0
    assert np.isfinite(condition(judge(backtest, "new"), "reference").figure)


def test_a_verdict_is_passed_if_every_condition_is():
    passed = judge(world(), "new")
    assert not replace(passed, conditions=(*passed.conditions, Condition("x", False, 1.0, "", "no"))).passed
