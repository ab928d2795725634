"""Forecasts against what came, by numbers worked out by hand; and when a model counts as degraded.

A return of 1 % on each of five sessions is a variance of 252 * 0.0001 = 0.0252 a year.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.charts import style
from vol_assets.contracts.monitoring import SCORECARD
from vol_assets.forecasting import charts
from vol_assets.forecasting.comparison import diebold_mariano
from vol_assets.forecasting.scorecard import ENOUGH, JUDGED_SESSIONS, Degradation, degradation, score, scorecard

DAYS = pd.DatetimeIndex(clock.sessions("2021-01-04", "2023-12-29"), name="date").as_unit("ns")
HAND = 0.0252


def ledger(count: int, start: int = 0, **columns) -> pd.DataFrame:
    """Forecasts of the right variance by a model whose baseline says twice as much."""
    rows = pd.DataFrame(
        {
            "date": DAYS[start : start + count],
            "model": "ensemble",
            "model_version": "3",
            "trained_through": DAYS[0] - pd.Timedelta(days=30),
            "origin": "replayed",
            "forecast_vol": 0.15,
            "forecast_var": HAND,
            "p10": 0.10,
            "p50": 0.15,
            "p90": 0.20,
            "baseline_vol": 0.21,
            "baseline_var": 2 * HAND,
        }
    )
    return rows.assign(**columns)


def returns(count: int, size: float = 0.01) -> pd.Series:
    signs = np.where(np.arange(count) % 2, 1.0, -1.0)
    return pd.Series(size * signs, DAYS[:count])


def losses(own: np.ndarray, baseline: np.ndarray, **columns) -> pd.DataFrame:
    """Scored rows with these losses, on sessions that end together."""
    rows = pd.DataFrame({"date": DAYS[len(DAYS) - len(own) :], "qlike": own, "baseline_qlike": baseline})
    return rows.assign(**{"model": "ensemble", "model_version": "3", "origin": "live", **columns})


# ---------------------------------------------------------------------- scoring


def test_a_forecast_is_scored_at_the_close_of_its_fifth_session_and_not_before():
    made = ledger(3)
    assert len(score(made, returns(5))) == 0
    first = score(made, returns(6))  # the session of the forecast, and five more
    assert list(first["forecast_date"]) == [DAYS[0]]
    assert list(first["date"]) == [DAYS[5]]
    assert list(score(made, returns(8))["date"]) == list(DAYS[5:8])


def test_losses_are_those_worked_out_by_hand():
    made = ledger(1, forecast_var=HAND / 2, p90=0.155)
    (row,) = score(made, returns(6)).itertuples()
    assert row.realised == pytest.approx(np.sqrt(HAND), rel=1e-12)
    assert row.error == pytest.approx(0.15 - 0.158745, abs=1e-6)
    assert row.qlike == pytest.approx(2 - np.log(2) - 1, rel=1e-12)  # 0.3069: half the variance that came
    assert row.baseline_qlike == pytest.approx(0.5 + np.log(2) - 1, rel=1e-12)  # 0.1931: twice of it
    assert not row.inside
    assert score(made.assign(p90=0.159), returns(6))["inside"].all()


def test_what_comes_before_the_forecast_or_after_its_fifth_session_does_not_count():
    calm = returns(20)
    wild = calm.copy()
    wild.iloc[[0, 1, 2, 8]] = 0.2  # the forecast of session 2 is about sessions 3 to 7
    for series in (calm, wild):
        assert score(ledger(1, start=2), series)["realised"].tolist() == pytest.approx([np.sqrt(HAND)])


def test_a_forecast_of_which_a_return_is_missing_is_not_scored_and_five_rows_are_five_sessions():
    gap = returns(20).drop(DAYS[9])
    scored = score(ledger(14), gap)
    assert list(scored["forecast_date"]) == [*DAYS[:4], *DAYS[9:14]]
    assert scored["realised"].tolist() == pytest.approx([np.sqrt(HAND)] * 9)


def test_sessions_without_a_forecast_leave_no_trace():
    scored = score(ledger(14).drop(index=[3, 4, 5]), returns(20))
    assert list(scored["forecast_date"]) == [*DAYS[:3], *DAYS[6:14]]


def test_nothing_to_score_is_an_empty_scorecard_of_the_same_columns():
    for made, series in ((ledger(0), returns(20)), (ledger(3), returns(0)), (ledger(3), returns(4))):
        empty = scorecard(score(made, series))
        assert list(empty.columns) == list(SCORECARD.columns)
        assert len(empty) == 0


# ---------------------------------------------------------------------- rolling


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    """300 scored forecasts of changing quality, a few of them live."""
    draw = np.random.default_rng(5)
    made = ledger(300)
    made["origin"] = np.where(np.arange(300) >= 290, "live", "replayed")
    made["forecast_var"] *= np.exp(0.4 * draw.standard_normal(300))
    made["p90"] = draw.uniform(0.14, 0.19, 300)
    moves = pd.Series(0.01 * draw.standard_normal(320), DAYS[:320])
    return score(made, moves)


@pytest.fixture(scope="module")
def rows(scored) -> pd.DataFrame:
    return scorecard(scored)


def test_rolling_figures_are_null_until_the_window_is_full_and_keep_the_contract(rows):
    SCORECARD.require(rows)
    for window in (63, 252):
        for name in ("qlike_ratio", "worse_t", "coverage", "bias"):
            assert rows[f"{name}_{window}"].isna().tolist() == [True] * (window - 1) + [False] * (301 - window)


def test_rolling_figures_are_those_of_the_last_scored_sessions(scored, rows):
    for window, end in ((63, 63), (63, 200), (252, 300)):
        part, row = scored.iloc[end - window : end], rows.iloc[end - 1]
        assert row[f"qlike_ratio_{window}"] == pytest.approx(part["qlike"].sum() / part["baseline_qlike"].sum())
        assert row[f"coverage_{window}"] == pytest.approx(part["inside"].sum() / window)
        assert row[f"bias_{window}"] == pytest.approx((part["forecast_vol"] - part["realised"]).sum() / window)
        reversed_roles = diebold_mariano(part["baseline_qlike"].to_numpy(), part["qlike"].to_numpy())
        assert row[f"worse_t_{window}"] == pytest.approx(-reversed_roles.t)  # above 0 where the forecast is worse


def test_live_forecasts_are_counted_from_the_first_on(scored, rows):
    assert rows["live_63"].tolist() == [0] * 290 + list(range(1, 11))
    newest = scorecard(scored.assign(origin="live"), since=scored["date"].iloc[-1])
    assert newest[["live_63", "live_252"]].to_numpy().tolist() == [[63, 252]]


def test_a_window_with_a_row_from_before_the_baseline_was_kept_is_not_compared_but_its_coverage_is_known(scored):
    partly = scored.assign(baseline_qlike=scored["baseline_qlike"].where(scored.index != 10)).iloc[:80]
    rows = scorecard(partly)
    assert rows["worse_t_63"].isna().tolist() == [True] * 73 + [False] * 7
    assert rows["coverage_63"].notna().sum() == 18


def test_a_scorecard_made_day_by_day_is_that_of_the_range_to_the_last_bit(scored, rows):
    for end in (1, 63, 64, 251, 252, 253, 300):
        seen = scored.iloc[max(end - 252, 0) : end]
        one = scorecard(seen, since=scored["date"].iloc[end - 1])
        pd.testing.assert_frame_equal(one, rows.iloc[[end - 1]].reset_index(drop=True), check_exact=True)


# ---------------------------------------------------------------------- degradation


def drawn(count: int = JUDGED_SESSIONS, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A baseline's losses, and the difference of a model that is as good on average."""
    draw = np.random.default_rng(seed)
    difference = draw.normal(0.0, 0.15, count)
    return draw.gamma(2.0, 0.15, count) + 0.5, difference - difference.mean()


def test_a_model_that_loses_to_the_baseline_again_and_again_is_degraded():
    base, difference = drawn()
    verdict = degradation(losses(base + difference + 0.05, base))
    assert verdict.degraded
    assert (verdict.model, verdict.sessions, verdict.live) == ("ensemble", 126, 126)
    assert verdict.difference == pytest.approx(0.05)
    assert verdict.ratio == pytest.approx(1 + 0.05 / base.mean())
    assert verdict.t > 1.645
    assert "ensemble does worse than log_har_iv" in verdict.reason


def test_a_model_as_good_as_the_baseline_is_not():
    base, difference = drawn()
    verdict = degradation(losses(base + difference, base))
    assert not verdict.degraded
    assert verdict.t == pytest.approx(0, abs=1e-9)
    assert "does not do demonstrably worse" in verdict.reason


@settings(max_examples=25)
@given(gain=st.lists(st.floats(0, 3), min_size=ENOUGH, max_size=150), seed=st.integers(0, 99))
def test_an_improvement_never_degrades_however_large_or_sudden(gain, seed):
    base, _ = drawn(len(gain), seed)
    assert not degradation(losses(base, base + np.array(gain))).degraded


@settings(max_examples=25)
@given(start=st.integers(0, 121), size=st.floats(0, 1e3), worse=st.booleans())
def test_a_bad_week_for_both_changes_nothing(start, size, worse):
    base, difference = drawn()
    own = base + difference + 0.05 * worse
    week = np.zeros(len(base))
    week[start : start + 5] = size
    before, after = degradation(losses(own, base)), degradation(losses(own + week, base + week))
    assert before.degraded is after.degraded is worse
    assert after.t == pytest.approx(before.t, abs=1e-6)


def test_one_terrible_session_of_its_own_is_bad_luck():
    base, difference = drawn()
    own = base + difference
    own[100] += 20.0
    verdict = degradation(losses(own, base))
    assert verdict.difference > 0.05
    assert not verdict.degraded


def test_what_lies_further_back_than_half_a_year_is_forgotten():
    base, difference = drawn()
    long_ago = np.full(200, 0.6)
    rows = losses(np.r_[long_ago + 0.5, base + difference], np.r_[long_ago, base])
    assert degradation(rows.iloc[:200]).degraded
    assert not degradation(rows).degraded


def test_a_model_is_judged_by_forecasts_of_its_own_name_and_from_a_quarter_of_them_on():
    base, difference = drawn(200)
    rows = losses(base + difference, base)
    rows.loc[:140, "model"] = "of old"
    rows.loc[:140, "qlike"] += 0.5
    assert degradation(rows.iloc[:141]).degraded
    verdict = degradation(rows)
    assert not verdict.degraded
    assert verdict.sessions == 59
    assert verdict.reason == "ensemble has 59 scored forecasts and is judged from 63 on"


def test_a_retraining_does_not_wipe_the_slate():
    base, difference = drawn()
    rows = losses(base + difference + 0.1, base)
    rows.loc[100:, "model_version"] = "4"
    rows.loc[:20, ["model_version", "origin"]] = "walk_forward"
    verdict = degradation(rows)
    assert verdict.degraded
    assert (verdict.sessions, verdict.live) == (126, 105)


def test_the_baseline_cannot_be_worse_than_itself():
    base, _ = drawn()
    verdict = degradation(losses(base, base, model="log_har_iv"))
    assert not verdict.degraded
    assert verdict.reason == "log_har_iv serves, which is the baseline itself"


def test_without_scores_there_is_no_verdict():
    nothing = losses(np.array([]), np.array([]))
    assert degradation(nothing) == Degradation(False, degradation(nothing).reason)
    assert "no forecast has been scored yet" in degradation(nothing).reason


# ---------------------------------------------------------------------- picture


def test_the_picture_shows_the_cumulated_gain_on_the_baseline_and_the_changes_of_version(scored):
    rows = scored.assign(model_version=np.where(scored.index < 250, "3", "4"))
    figure = charts.skill(rows)
    assert style.png(figure).startswith(b"\x89PNG")
    gain = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 300]
    assert gain[0].get_ydata()[-1] == pytest.approx((scored["baseline_qlike"] - scored["qlike"]).sum())
    dotted = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    assert len(dotted) == 1
    assert style.png(charts.skill(rows.tail(2))).startswith(b"\x89PNG")
