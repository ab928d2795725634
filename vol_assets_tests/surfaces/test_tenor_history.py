"""What compares sessions: ranges equal daily runs, gaps leave nulls, ratios are those of simulated worlds."""

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.tenors import COMPARED, HISTORY_COLUMNS, PERCENTILE_SESSIONS, STICKINESS_SESSIONS, TENOR_DAYS
from vol_assets.errors import SessionError
from vol_assets.surfaces.tenor_history import LOOKBACK_SESSIONS, REMEMBERED, History

SESSIONS = [pd.Timestamp(day) for day in clock.sessions("2022-01-03", "2025-12-31")]


def session_rows(day, values):
    """values: by remembered column, a number or one a tenor."""
    return pd.DataFrame({"date": day, "tenor_days": TENOR_DAYS, **{name: values[name] for name in REMEMBERED}})


def random_rows(count, seed=0, **constant):
    random = np.random.default_rng(seed)
    tenors = len(TENOR_DAYS)
    rows = []
    for day in SESSIONS[:count]:
        values = {
            "atm_vol": random.uniform(0.1, 0.3, tenors),
            "rr25": random.normal(-0.05, 0.01, tenors),
            "bf25": random.normal(0.005, 0.001, tenors),
            "slope": random.normal(-0.5, 0.05, tenors),
            "forward": 500 * np.exp(random.normal(0, 0.01)),
        }
        rows.append(session_rows(day, values | constant))
    return rows


def fed(rows, history=None):
    history = history or History()
    return [history.feed(each) for each in rows]


def test_a_range_equals_its_daily_runs_to_the_last_bit():
    rows = random_rows(330)
    del rows[40], rows[290]
    whole = fed(rows)
    for i in (0, 1, 5, 41, 70, 252, 289, 290, 327):
        day = rows[i]["date"].iloc[0]
        first, last = (pd.Timestamp(clock.offset(day, -count)) for count in (LOOKBACK_SESSIONS, 1))
        stored = [each for each in whole[:i] if first <= each["date"].iloc[0] <= last]
        primed = History(pd.concat(stored).sample(frac=1, random_state=i) if stored else None)
        pd.testing.assert_frame_equal(primed.feed(rows[i]), whole[i], check_exact=True)


def test_columns_are_the_contract_s_whatever_the_history():
    rows = random_rows(2)
    first, second = fed(rows)
    assert list(first.columns) == [*rows[0].columns, *HISTORY_COLUMNS]
    assert first[list(HISTORY_COLUMNS)].isna().all().all()
    assert second["change_1_atm_vol"].notna().all()
    empty = History(first.iloc[:0]).feed(rows[0].iloc[:0])
    assert list(empty.columns) == list(first.columns)


def test_changes_are_from_the_session_as_many_sessions_before():
    rows = random_rows(10)
    found = fed(rows)
    for name in COMPARED:
        assert np.allclose(found[9][f"change_1_{name}"], rows[9][name] - rows[8][name], rtol=0, atol=1e-15)
        assert np.allclose(found[9][f"change_5_{name}"], rows[9][name] - rows[4][name], rtol=0, atol=1e-15)
        assert found[4][f"change_5_{name}"].isna().all()


def test_a_session_that_is_not_stored_leaves_its_changes_null():
    rows = random_rows(12)
    found = fed(rows[:6] + rows[7:])  # without the seventh
    by_day = {each["date"].iloc[0]: each for each in found}
    assert by_day[SESSIONS[7]]["change_1_atm_vol"].isna().all()
    assert by_day[SESSIONS[8]]["change_1_atm_vol"].notna().all()
    assert by_day[SESSIONS[11]]["change_5_atm_vol"].isna().all()
    assert by_day[SESSIONS[10]]["change_5_atm_vol"].notna().all()


def test_a_percentile_is_the_share_of_252_sessions_that_were_not_higher():
    rows = random_rows(270)
    found = fed(rows)
    assert found[PERCENTILE_SESSIONS - 2]["percentile_rr25"].isna().all()
    for i in (PERCENTILE_SESSIONS - 1, 269):
        window = rows[i - PERCENTILE_SESSIONS + 1 : i + 1]
        for name in COMPARED:
            values = np.array([each[name] for each in window])
            expected = [(values[:, j] <= values[-1, j]).sum() / 252 for j in range(len(TENOR_DAYS))]
            assert np.allclose(found[i][f"percentile_{name}"], expected)


def test_the_highest_of_a_year_is_at_one_and_the_lowest_at_one_in_252():
    rows = random_rows(PERCENTILE_SESSIONS)
    assert (fed([*rows[:-1], rows[-1].assign(atm_vol=9.0)])[-1]["percentile_atm_vol"] == 1.0).all()
    assert (fed([*rows[:-1], rows[-1].assign(atm_vol=0.01)])[-1]["percentile_atm_vol"] == 1 / 252).all()


def test_a_percentile_reaches_over_sessions_that_are_not_stored_but_not_beyond_the_lookback():
    rows = random_rows(LOOKBACK_SESSIONS + 2)
    some = rows[:10] + rows[40:]
    assert fed(some)[251]["percentile_atm_vol"].notna().all()
    kept = rows[:1] + rows[LOOKBACK_SESSIONS - 250 :]  # 252 with the first, which is too long ago for the last two
    found = fed(kept)
    assert len(found) == 253
    assert found[251]["date"].iloc[0] == SESSIONS[LOOKBACK_SESSIONS]
    assert found[251]["percentile_atm_vol"].notna().all()
    few = fed(rows[:1] + rows[LOOKBACK_SESSIONS - 249 :])
    assert len(few) == 252
    assert few[-1]["percentile_atm_vol"].isna().all()


def world(regime, count=STICKINESS_SESSIONS + 1, seed=5):
    """Sessions whose smiles are linear in log-strike: vol(K) = level + slope ln(K / anchor)."""
    random = np.random.default_rng(seed)
    slope = -0.4 / np.sqrt(np.array(TENOR_DAYS) / 30.0)
    log_forward = np.log(500) + np.cumsum(random.normal(0, 0.01, count))
    rows = []
    for day, x in zip(SESSIONS, log_forward):
        values = {"rr25": -0.05, "bf25": 0.01, "slope": slope, "forward": np.exp(x)}
        rows.append(session_rows(day, values | {"atm_vol": 0.2 + regime * slope * (x - log_forward[0])}))
    return rows


@pytest.mark.parametrize(("regime", "ratio"), [("sticky strike", 1.0), ("sticky delta", 0.0), ("local vol", 2.0)])
def test_the_skew_stickiness_ratio_tells_how_the_smile_moves(regime, ratio):
    found = fed(world(ratio))
    assert all(each["skew_stickiness"].isna().all() for each in found[:-1])
    assert np.allclose(found[-1]["skew_stickiness"], ratio, atol=1e-9), regime


def test_noise_in_vols_that_does_not_follow_the_forward_leaves_the_ratio_near_its_truth():
    random = np.random.default_rng(11)
    noisy = [rows.assign(atm_vol=rows["atm_vol"] + random.normal(0, 2e-4, len(rows))) for rows in world(1.0)]
    assert np.allclose(fed(noisy)[-1]["skew_stickiness"].iloc[:6], 1.0, atol=0.15)


def test_the_ratio_skips_changes_over_a_missing_session_and_waits_for_sixty_others():
    rows = world(1.0, count=70)
    found = fed(rows[:30] + rows[31:])
    ratios = [each["skew_stickiness"].iloc[0] for each in found]
    first = next(i for i, ratio in enumerate(ratios) if np.isfinite(ratio))
    assert first == STICKINESS_SESSIONS + 1  # one change lost on either side of the gap, one session not there
    assert np.allclose(ratios[first:], 1.0)


def test_no_move_and_no_skew_have_no_ratio():
    still = random_rows(61, slope=-0.5, forward=500.0)
    assert fed(still)[-1]["skew_stickiness"].isna().all()
    flat = random_rows(61, slope=0.0)
    assert fed(flat)[-1]["skew_stickiness"].isna().all()


def test_sessions_are_fed_in_order():
    rows = random_rows(3)
    history = History()
    history.feed(rows[1])
    for day in (rows[1], rows[0]):
        with pytest.raises(SessionError, match="order of time"):
            history.feed(day)


def test_the_lookback_of_the_first_session_there_can_be_is_within_the_calendar():
    assert clock.offset(clock.FIRST_SESSION, -LOOKBACK_SESSIONS) > clock.CALENDAR_START
