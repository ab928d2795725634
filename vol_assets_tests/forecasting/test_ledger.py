"""Which forecast stands for a session: the champion's if it was trained by then, else the backtest's, else none.

The champion here is a stand-in whose forecast is known: 0.9 times VIX. The backtest's is 0.11 throughout.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.contracts.features import L1_FEATURES
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
    """Forecasts 0.9 times VIX whatever else there is."""

    name: str = "stub"
    trained_through: pd.Timestamp = TRAINED_THROUGH
    factor: float = 0.9

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        vol = self.factor * frame["vix"].to_numpy(float)
        assert not np.isnan(vol).any()
        return Forecast(vol=vol, var=1.2 * vol**2, p10=0.5 * vol, p50=vol, p90=2 * vol)


CHAMPION = Champion(Stub(), "7")


def features(days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    frame = pd.DataFrame(0.5, index=days, columns=list(L1_FEATURES))
    frame["vix"] = 0.1 + 0.001 * np.arange(len(days))
    return frame


def backtest(trained_through: str = "2023-12-29") -> pd.DataFrame:
    days = DAYS[(DAYS >= BACKTEST_FROM) & (DAYS <= BACKTEST_TO)]
    return pd.DataFrame(
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


NOTHING = RV_5D.arrow_schema.empty_table().to_pandas()
NOTHING.insert(0, "date", pd.Series(dtype="datetime64[ns]"))


def run(given_features=None, stored=NOTHING, champion=CHAMPION, tested=None, now=LATER):
    tested = backtest() if tested is None else tested
    return ledger(
        features() if given_features is None else given_features,
        stored,
        champion=champion,
        backtest=tested if len(tested) else None,
        now=now,
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
    after = rows[rows.index >= KNOWN]
    assert set(after["origin"]) == {"replayed"}
    np.testing.assert_array_equal(after["forecast_vol"], 0.9 * features().loc[after.index, "vix"])
    np.testing.assert_array_equal(after["forecast_var"], 1.2 * after["forecast_vol"] ** 2)


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


# ---------------------------------------------------------------------- no champion, null features


@pytest.mark.parametrize("tested", [NO_BACKTEST, backtest()], ids=["no backtest", "backtest"])
def test_without_a_champion_the_session_that_waits_for_one_is_named_with_the_remedy(tested):
    with pytest.raises(ForecastError) as raised:
        run(champion=None, tested=tested)
    assert "no champion of spy_rv_5d to forecast 2024-02-15 with" in str(raised.value)
    assert "materialize forecast/rv_model" in str(raised.value)


def test_without_a_champion_the_backtest_serves_as_far_as_it_reaches():
    rows, rejects = run(features(DAYS[DAYS <= BACKTEST_TO]), champion=None)
    RV_5D.require(rows)
    assert list(rows["date"]) == list(backtest()["date"])
    assert len(rejects) == 0


def test_null_features_are_refused_where_a_forecast_is_due():
    broken = features()
    broken.loc[[DAYS[0], BACKTEST_FROM, KNOWN], "corr_spy_gld_60d"] = np.nan
    rows, rejects = run(broken)
    assert list(rejects["date"]) == [BACKTEST_FROM, KNOWN]  # nothing was due on the first day
    assert set(rejects["rule"]) == {"complete features of finished bars (see the gaps of features/l1)"}
    assert not set(rejects["date"]) & set(rows["date"])
    RV_5D.require(rows)


def test_null_features_are_refused_without_a_champion_too():
    broken = features(DAYS[DAYS <= BACKTEST_TO])
    broken.loc[BACKTEST_FROM] = np.nan
    assert list(run(broken, champion=None)[1]["date"]) == [BACKTEST_FROM]


def test_a_session_the_features_lack_altogether_is_refused_like_null_ones():
    given_features = features().drop(index=[KNOWN]).reindex(DAYS)
    assert list(run(given_features)[1]["date"]) == [KNOWN]


@pytest.mark.parametrize("day", [DAYS[0], BACKTEST_FROM, KNOWN])
def test_a_ledger_of_one_session_is_the_row_of_the_range(day):
    whole, one = by_day(run()[0]), by_day(run(features().loc[[day]])[0])
    pd.testing.assert_frame_equal(one, whole.loc[whole.index == day], check_exact=True)
