"""Which forecast stands for a session: the champion's if it was trained by then, else the backtest's, else none.

The champion here is a stand-in whose forecast is known: 0.9 times VIX, its reference 0.8 times. The backtest's is 0.11
throughout, its reference's 0.12.
"""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.contracts.features import HAR_FEATURES, IMPLIED_FEATURES, L1_FEATURES
from vol_assets.contracts.forecast import RV_5D
from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import HORIZON
from vol_assets.forecasting.ledger import Champion, ledger
from vol_assets.forecasting.protocol import Forecast
from vol_assets.lake import Lake

FIRST, LAST = "2024-01-02", "2024-02-15"
DAYS = pd.DatetimeIndex(clock.sessions(FIRST, LAST), name="date").as_unit("ns")
BACKTEST_FROM, BACKTEST_TO = pd.Timestamp("2024-01-16"), pd.Timestamp("2024-02-09")
TRAINED_THROUGH = pd.Timestamp("2024-01-31").as_unit("ns")
KNOWN = pd.Timestamp("2024-02-07")  # five sessions later: 1, 2, 5, 6, 7 February
LATER = dt.datetime(2024, 6, 3, 12, tzinfo=dt.UTC)
EVENING = dt.datetime(2024, 2, 15, 23, tzinfo=dt.UTC)  # of the last session: its forecast is live


@dataclass(frozen=True)
class Stub:
    """Forecasts 0.9 times VIX whatever else there is. It was trained on a VIX up to `calm` and log_vix above 0."""

    name: str = "stub"
    trained_through: pd.Timestamp = TRAINED_THROUGH
    factor: float = 0.9
    calm: float = 9.0
    columns: tuple[str, ...] = ("vix", "log_vix")
    wants_implied: bool = False

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        return self._times(self.factor, frame)

    def reference_forecast(self, frame: pd.DataFrame) -> Forecast:
        return self._times(0.8, frame)

    def outside(self, frame: pd.DataFrame) -> pd.Series:
        outside = {"vix": frame["vix"] > self.calm, "log_vix": frame["log_vix"] < 0}
        return pd.Series([",".join(n for n in outside if outside[n][day]) for day in frame.index], frame.index)

    def without_optional(self, frame: pd.DataFrame) -> pd.Series:
        return frame["log_skew"].isna() & self.wants_implied

    def _times(self, factor: float, frame: pd.DataFrame) -> Forecast:
        vol = factor * frame["vix"].to_numpy(float)
        assert np.isfinite(vol).all()
        return Forecast(vol=vol, var=1.2 * vol**2, p10=0.5 * vol, p50=vol, p90=2 * vol)


CHAMPION = Champion(Stub(), "7")


def features(days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    frame = pd.DataFrame(0.5, index=days, columns=[*L1_FEATURES, *HAR_FEATURES, *IMPLIED_FEATURES])
    frame["vix"] = 0.1 + 0.001 * np.arange(len(days))
    return frame


def backtest(trained_through: str = "2023-12-29") -> pd.DataFrame:
    days = DAYS[(DAYS >= BACKTEST_FROM) & (DAYS <= BACKTEST_TO)]
    own = pd.DataFrame(
        {
            "date": days,
            "model": "stub",
            "forecast_vol": 0.11,
            "forecast_var": 0.0144,
            "p10": 0.05,
            "p50": 0.10,
            "p90": 0.20,
            "realised": 0.13,
            "trained_through": pd.Timestamp(trained_through).as_unit("ns"),
        }
    )
    reference = own.assign(model="log_har_iv", forecast_vol=0.12, forecast_var=0.0169)
    return pd.concat([own.assign(model="another", forecast_vol=0.9), reference, own], ignore_index=True)


NOTHING = RV_5D.empty()


def run(given_features=None, stored=NOTHING, champion=CHAMPION, tested=None, now=LATER, unfinished=()):
    tested = backtest() if tested is None else tested
    return ledger(
        features() if given_features is None else given_features,
        stored,
        champion=champion,
        backtest=tested if len(tested) else None,
        registered="stub",
        now=now,
        unfinished=unfinished,
    )


NO_BACKTEST = backtest().iloc[:0]


def by_day(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index("date")


# ---------------------------------------------------------------------- which forecast


def test_each_session_has_the_forecast_of_the_best_model_that_knew_nothing_of_it():
    rows, rejects = run()
    RV_5D.require(rows)
    assert len(rejects) == 0
    rows = by_day(rows)
    assert list(rows.index) == list(DAYS[DAYS >= BACKTEST_FROM])
    before = rows[rows.index < KNOWN]
    assert set(before["origin"]) == {"walk_forward"}
    assert set(before["forecast_vol"]) == {0.11}
    assert set(before["baseline_vol"]) == {0.12}
    assert set(before["baseline_var"]) == {0.0169}
    after = rows[rows.index >= KNOWN]
    assert set(after["origin"]) == {"replayed"}
    np.testing.assert_array_equal(after["forecast_vol"], 0.9 * features().loc[after.index, "vix"])
    np.testing.assert_array_equal(after["forecast_var"], 1.2 * after["forecast_vol"] ** 2)
    np.testing.assert_array_equal(after["baseline_vol"], 0.8 * features().loc[after.index, "vix"])
    np.testing.assert_array_equal(after["baseline_var"], 1.2 * after["baseline_vol"] ** 2)
    assert set(rows["flags"]) == {""}


def test_a_row_says_which_model_made_it_when_and_from_what():
    rows = by_day(run()[0])
    old, new = rows.loc[BACKTEST_FROM], rows.loc[KNOWN]
    assert (old["model"], old["model_version"], old["trained_through"]) == (
        "stub",
        "walk_forward",
        pd.Timestamp("2023-12-29"),
    )
    assert (new["model"], new["model_version"], new["trained_through"]) == ("stub", "7", TRAINED_THROUGH)
    assert old["made_at"] == new["made_at"] == pd.Timestamp(LATER)


def test_the_champion_forecasts_from_the_session_on_at_whose_close_its_last_label_had_ended():
    assert CHAMPION.known_through == KNOWN.date()
    rows, _ = run(tested=NO_BACKTEST)
    RV_5D.require(rows)
    assert list(rows["date"]) == list(DAYS[DAYS >= KNOWN])


def test_sessions_before_the_first_out_of_sample_date_have_no_row_and_are_not_refused():
    early = features(DAYS[DAYS < BACKTEST_FROM])
    rows, rejects = run(early)
    assert len(rows) == len(rejects) == 0
    assert list(rows.columns) == list(RV_5D.columns)
    early.iloc[:, 3] = np.nan  # nor do null features matter there
    assert len(run(early)[1]) == 0


@settings(max_examples=40)
@given(
    trained=st.sampled_from(list(DAYS[:-6])),
    tested_from=st.integers(0, len(DAYS) - 1),
    null=st.sets(st.sampled_from(list(DAYS))),
)
def test_no_forecast_is_ever_in_sample(trained, tested_from, null):
    tested = backtest().query("date >= @DAYS[@tested_from]")
    given_features = features()
    given_features.loc[list(null), "rsi_spy_14"] = np.nan
    rows, rejects = run(given_features, champion=Champion(Stub(trained_through=trained), "1"), tested=tested)
    for row in rows.itertuples():
        if row.origin != "walk_forward":
            assert clock.offset(row.trained_through.date(), HORIZON) <= row.date.date()
        else:
            assert row.date in set(tested["date"])
    # A session is at most one of: forecast, refused, rightly without a row.
    assert not set(rows["date"]) & set(rejects["date"])
    assert set(rejects["date"]) <= null
    assert rows["date"].is_unique


# ---------------------------------------------------------------------- live


@pytest.mark.parametrize(
    ("session", "now", "origin"),
    [
        ("2024-02-15", "2024-02-15 21:00", "live"),  # the instant of the close
        ("2024-02-15", "2024-02-16 14:29:59", "live"),
        ("2024-02-15", "2024-02-16 14:30", "replayed"),  # the next session has opened
        ("2024-02-09", "2024-02-11 23:00", "live"),  # a Friday's forecast made on Sunday
        ("2024-02-09", "2024-02-12 14:30", "replayed"),
    ],
)
def test_a_forecast_is_live_between_the_close_and_the_next_open(session, now, origin):
    rows, _ = run(features().loc[[session]], now=pd.Timestamp(now, tz="UTC").to_pydatetime(), tested=NO_BACKTEST)
    assert list(rows["origin"]) == [origin]


def test_only_the_last_session_of_a_range_can_be_live():
    rows = run(now=EVENING)[0]
    assert list(rows.loc[rows["origin"] == "live", "date"]) == [DAYS[-1]]


def test_a_backtest_row_is_never_called_live():
    friday = features().loc[[BACKTEST_TO]]
    now = dt.datetime(2024, 2, 10, tzinfo=dt.UTC)
    rows, _ = run(friday, champion=None, now=now)
    assert list(rows["origin"]) == ["walk_forward"]


def test_a_live_row_is_never_rewritten_whatever_happens_to_data_and_models():
    stored = run(now=EVENING)[0]
    live = by_day(stored).loc[[DAYS[-1]]]
    other = features().assign(vix=0.33)
    for champion in (CHAMPION, Champion(Stub(factor=2.0), "8"), Champion(Stub(trained_through=DAYS[30]), "9")):
        rows, rejects = run(other, stored=stored, champion=champion)
        pd.testing.assert_frame_equal(by_day(rows).loc[[DAYS[-1]]], live)
        assert len(rejects) == 0


def test_a_live_row_outlives_features_that_became_null():
    stored = run(now=EVENING)[0]
    broken = features()
    broken.iloc[-1] = np.nan
    rows, rejects = run(broken, stored=stored)
    pd.testing.assert_frame_equal(rows, stored)
    assert len(rejects) == 0


# ---------------------------------------------------------------------- running again


def test_running_again_changes_nothing_not_even_when_a_row_was_made():
    stored = run(now=EVENING)[0]
    again, _ = run(stored=stored, now=LATER)
    pd.testing.assert_frame_equal(again, stored, check_exact=True)


def test_running_again_through_the_lake_changes_nothing(tmp_path):
    lake = Lake(tmp_path, "sample")
    lake.write(RV_5D, run(now=EVENING)[0])
    stored = lake.read(RV_5D, DAYS[0].date(), DAYS[-1].date())
    again, _ = run(stored=stored)
    pd.testing.assert_frame_equal(again, stored, check_exact=True)


def test_a_new_champion_leaves_the_rows_of_the_old_one_and_of_the_backtest_as_they_are():
    stored = run(now=EVENING)[0]
    newer = Champion(Stub(factor=3.0, trained_through=pd.Timestamp("2024-01-18")), "8")
    rows, _ = run(stored=stored, champion=newer)
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)


def test_the_same_model_under_a_new_version_rewrites_nothing():
    stored = run()[0]
    rows, _ = run(features().assign(vix=0.3), stored=stored, champion=Champion(Stub(), "8"))
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)


def test_corrected_data_rewrite_the_replayed_row_of_the_same_model_and_no_other():
    stored = run()[0]
    corrected = features()
    corrected.loc[[BACKTEST_FROM, KNOWN, DAYS[-1]], "vix"] = 0.4
    rows, _ = run(corrected, stored=stored, now=LATER + dt.timedelta(days=1))
    changed = by_day(rows).compare(by_day(stored)).index
    assert list(changed) == [KNOWN, DAYS[-1]]  # the backtest's row came from elsewhere
    assert by_day(rows).loc[KNOWN, "forecast_vol"] == pytest.approx(0.36)
    assert by_day(rows).loc[KNOWN, "made_at"] == pd.Timestamp(LATER + dt.timedelta(days=1))


def test_a_baseline_that_corrected_data_change_is_made_anew_with_its_forecast():
    stored = run(champion=Champion(Stub(factor=0.8), "7"))[0]
    stored.loc[stored["date"] == KNOWN, "baseline_vol"] = 0.3
    rows = by_day(run(stored=stored, champion=Champion(Stub(factor=0.8), "7"))[0])
    assert rows.loc[KNOWN, "baseline_vol"] == rows.loc[KNOWN, "forecast_vol"]


def test_a_baseline_that_is_null_is_filled_in_by_the_rows_own_model_but_a_live_row_stays():
    stored = run(now=EVENING)[0].assign(baseline_vol=np.nan, baseline_var=np.nan)
    RV_5D.require(stored)
    rows = by_day(run(stored=stored, now=LATER)[0])
    assert rows["baseline_vol"].isna().tolist() == [False] * (len(rows) - 1) + [True]
    pd.testing.assert_frame_equal(rows.iloc[[-1]], by_day(stored).iloc[[-1]], check_dtype=False)


def test_another_model_that_was_registered_since_leaves_the_walk_forward_rows_of_the_old_one():
    stored = run()[0]
    stored.loc[stored["origin"] == "walk_forward", "model"] = "of old"
    rows, _ = run(stored=stored, tested=backtest().assign(forecast_vol=0.15))
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)


def test_a_walk_forward_row_follows_its_backtest_only_while_the_same_fit_made_it():
    stored = run()[0]
    same_fit, other_fit = backtest().assign(forecast_vol=0.12), backtest("2023-11-30").assign(forecast_vol=0.12)
    assert by_day(run(stored=stored, tested=same_fit)[0]).loc[BACKTEST_FROM, "forecast_vol"] == 0.12
    pd.testing.assert_frame_equal(run(stored=stored, tested=other_fit)[0], stored, check_exact=True)


def test_noise_in_the_last_digits_rewrites_nothing():
    stored = run()[0]
    rows, _ = run(features() * (1 + 1e-13), stored=stored)
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)


def test_stored_rows_stay_when_the_backtest_and_the_champion_no_longer_reach_them():
    stored = run()[0]
    newer = Champion(Stub(trained_through=DAYS[-6]), "8")
    rows, _ = run(stored=stored, champion=newer, tested=NO_BACKTEST)
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)


# ---------------------------------------------------------------------- flags


def test_each_feature_outside_its_training_range_is_a_flag_of_its_own_on_its_session_alone():
    wild = features()
    wild.loc[DAYS[-2], "vix"] = 9.5
    wild.loc[DAYS[-1], ["vix", "log_vix"]] = 9.5, -1.0
    rows = by_day(run(wild)[0])
    assert set(rows["flags"].iloc[:-2]) == {""}
    assert rows["flags"].iloc[-2] == "outside_training_range:vix"
    assert rows["flags"].iloc[-1].split(",") == ["outside_training_range:vix", "outside_training_range:log_vix"]


def test_the_champions_notice_is_on_the_rows_it_makes_and_not_on_the_backtests():
    rows = by_day(run(features().assign(vix=9.5), champion=replace(CHAMPION, notice="registry_unreachable"))[0])
    made = rows.index >= KNOWN
    assert set(rows.loc[made, "flags"]) == {"outside_training_range:vix,registry_unreachable"}
    assert set(rows.loc[~made, "flags"]) == {""}


def test_a_notice_that_has_passed_rewrites_no_row():
    stored = run(champion=replace(CHAMPION, notice="registry_unreachable"))[0]
    rows, _ = run(stored=stored)
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)


def test_optional_inputs_may_be_missing_which_a_flag_says_of_a_model_that_learnt_from_them():
    given_features = features()
    given_features.loc[DAYS[-1], list(IMPLIED_FEATURES)] = np.nan
    wanting, rejects = run(given_features, champion=Champion(Stub(wants_implied=True), "7"))
    assert list(wanting["flags"].iloc[-2:]) == ["", "without_optional_inputs"]
    assert len(rejects) == 0
    assert set(run(given_features)[0]["flags"]) == {""}


# ---------------------------------------------------------------------- no champion, null features


@pytest.mark.parametrize(
    ("tested", "waiting"),
    [(backtest().iloc[:0], DAYS), (backtest(), DAYS[DAYS > BACKTEST_TO])],
    ids=["no backtest", "backtest"],
)
def test_without_a_champion_the_sessions_that_wait_for_one_are_refused_with_the_remedy(tested, waiting):
    rows, rejects = run(champion=None, tested=tested)
    assert list(rejects["date"]) == list(waiting)
    assert set(rejects["rule"]) == {"a model to forecast with"}
    assert "no champion of spy_rv_5d to forecast 2024-02-15 with" in rejects["value"].iloc[-1]
    assert "materialize forecast/rv_model" in rejects["value"].iloc[-1]
    assert list(rows["date"]) == list(tested["date"].unique())


def test_what_is_stored_stays_when_there_is_no_champion_any_more():
    stored = run(now=EVENING)[0]
    rows, rejects = run(stored=stored, champion=None)
    pd.testing.assert_frame_equal(rows, stored, check_exact=True)
    assert len(rejects) == 0


def test_without_a_champion_the_backtest_serves_as_far_as_it_reaches():
    rows, rejects = run(features(DAYS[DAYS <= BACKTEST_TO]), champion=None)
    RV_5D.require(rows)
    assert list(rows["date"]) == list(backtest()["date"].unique())
    assert len(rejects) == 0


def test_a_backtest_without_the_registered_model_serves_nobody():
    rows, _ = run(tested=backtest().query("model == 'another'"))
    assert set(rows["origin"]) == {"replayed"}


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("corr_spy_gld_60d", np.nan, "null in features/l1: corr_spy_gld_60d"),
        ("log_var_22d", np.nan, "null in features/har: log_var_22d"),
        ("vix", np.inf, "infinite in features/l1: vix"),
        (list(L1_FEATURES), np.nan, "null in features/l1: all"),
        (["vix", "vix3m", "log_vix"], np.nan, "null in features/l1: vix, vix3m; null in features/har: log_vix"),
    ],
)
def test_a_missing_or_infinite_feature_refuses_its_session_by_name_where_a_forecast_is_due(column, value, said):
    broken = features()
    broken.loc[[DAYS[0], BACKTEST_FROM, KNOWN], column] = value
    rows, rejects = run(broken)
    assert list(rejects["date"]) == [BACKTEST_FROM, KNOWN]  # nothing was due on the first day
    assert set(rejects["rule"]) == {"complete features of finished bars (see the check no_gaps)"}
    assert set(rejects["value"]) == {said}
    assert not set(rejects["date"]) & set(rows["date"])
    RV_5D.require(rows)


def test_a_bar_fetched_before_the_close_refuses_its_session_although_no_feature_is_null():
    rows, rejects = run(now=EVENING, unfinished=[DAYS[-1].date()])
    assert list(rejects["date"]) == [DAYS[-1]]
    assert rejects["value"].iloc[0] == "a bar came before the close; fetch the session again"
    assert rows["date"].max() == DAYS[-2]


def test_null_features_are_refused_without_a_champion_too():
    broken = features(DAYS[DAYS <= BACKTEST_TO])
    broken.loc[BACKTEST_FROM] = np.nan
    assert list(run(broken, champion=None)[1]["date"]) == [BACKTEST_FROM]


def test_a_session_the_features_lack_altogether_is_refused_like_null_ones():
    given_features = features().drop(index=[KNOWN]).reindex(DAYS)
    assert list(run(given_features)[1]["date"]) == [KNOWN]


def test_a_champion_that_reads_what_no_table_has_is_an_error_that_names_it():
    with pytest.raises(ForecastError, match="version 7 of spy_rv_5d reads moon_phase, which neither features/l1 nor"):
        run(champion=Champion(Stub(columns=("vix", "moon_phase")), "7"))


@pytest.mark.parametrize("day", [DAYS[0], BACKTEST_FROM, KNOWN])
def test_a_ledger_of_one_session_is_the_row_of_the_range(day):
    whole, one = by_day(run()[0]), by_day(run(features().loc[[day]])[0])
    pd.testing.assert_frame_equal(one, whole.loc[whole.index == day], check_exact=True)
