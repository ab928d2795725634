"""The ledger and its scorecard over the sample market, by a forecaster and a backtest whose forecasts are known.

The forecaster says 0.8 times VIX and its log_har_iv 0.7 times. The backtest's ensemble expects three times the variance
that its log_har_iv does: it is degraded by construction.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from code_location import CodeLocation, Ran, files

from vol_assets import clock
from vol_assets.assets import rv_ledger
from vol_assets.assets.training import spy_returns
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, RV_5D, RV_BACKTEST
from vol_assets.contracts.monitoring import SCORECARD
from vol_assets.contracts.tenors import TENORS
from vol_assets.forecasting.calibration import Calibration, Fitted
from vol_assets.forecasting.ledger import Champion
from vol_assets.forecasting.models.additive import LogAdditive
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.rv_model import RvForecaster
from vol_assets.lake import Lake

DAYS = clock.sessions("2016-01-04", "2017-12-29")[:280]
FIRST, LAST = DAYS[0], DAYS[-1]
TESTED = DAYS[-110:-25]  # the backtest's sessions
KNOWN = DAYS[-26]  # the champion's last label ended then
NAME = "monitoring/scorecard"


def line(factor: float) -> Fitted:
    """`factor` times VIX, from the column of features/har."""
    calibration = Calibration(vol=1.0, var=1.1, p10=0.5, p50=0.95, p90=1.6)
    return Fitted(LogAdditive(("log_vix",), Line(float(np.log(factor)), (1.0,))), calibration)


# Trained, one would think, on a VIX no higher than the 21 % it was on some of the sessions.
FORECASTER = RvForecaster(
    name="ensemble",
    fitted=line(0.8),
    reference=line(0.7),
    trained_through=pd.Timestamp(DAYS[-31]).as_unit("ns"),
    trained_rows=500,
    feature_ranges={"log_vix": (-9.0, float(np.log(0.213)))},
    feature_means={"log_vix": -2.0},
)


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    """Bars, features and the backtest, and nothing that hangs on them."""
    with CodeLocation.over(tmp_path_factory.mktemp("scored")) as location:
        location.fill(FIRST, LAST)
        backtest = pd.concat([made_up("log_har_iv", 1.0), made_up("ensemble", 3.0)], ignore_index=True)
        location.lake.write_table(RV_BACKTEST, RV_BACKTEST.require(backtest))
        location.lake.write(TENORS["SPY"], smile(LAST, 0.185, extrapolated=False))
        yield location


def made_up(model: str, factor: float) -> pd.DataFrame:
    """A backtest that expects the same on every session, `factor` times a variance of (12 %)^2."""
    vol = 0.12 * np.sqrt(factor)
    vols = {"forecast_vol": 0.95 * vol, "forecast_var": vol**2, "p10": 0.5 * vol, "p50": vol, "p90": 1.5 * vol}
    rows = pd.DataFrame({"date": pd.DatetimeIndex(TESTED).as_unit("ns"), "model": model, **vols, "realised": np.nan})
    return rows.assign(trained_through=pd.Timestamp(DAYS[-120]).as_unit("ns"))


@pytest.fixture(scope="module", autouse=True)
def champion() -> Iterator[None]:
    """Version 7 serves, whatever is in a registry; it was loaded while the registry did not answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rv_ledger, "champion_of", lambda *_: Champion(FORECASTER, "7", "registry_unreachable"))
        yield


@pytest.fixture(scope="module")
def scored(location: CodeLocation) -> tuple[Ran, Ran]:
    """The ledger and the scorecard of all sessions."""
    ledger = location.run("forecast/rv_5d", FIRST, LAST)
    scores = location.run(NAME, FIRST, LAST)
    assert ledger.success, ledger.lines
    assert scores.success, scores.lines
    return ledger, scores


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    with CodeLocation.over(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        yield elsewhere


@pytest.fixture
def copy(location: CodeLocation, scored: tuple[Ran, Ran], elsewhere: CodeLocation) -> CodeLocation:
    """The lake, for a test to change: links will do, since files are replaced and never written into."""
    shutil.rmtree(elsewhere.settings.lake, ignore_errors=True)
    shutil.copytree(location.settings.lake, elsewhere.settings.lake, copy_function=os.link)
    return elsewhere


def smile(day: dt.date, vol: float, extrapolated: bool) -> pd.DataFrame:
    """tenors/spy of a session as far as it is read."""
    contract = TENORS["SPY"]
    blank = {name: 0.1 if spec.metadata["dtype"] == "float64" else "SPY" for name, spec in contract.columns.items()}
    rows = pd.DataFrame([{**blank, "date": pd.Timestamp(day), "tenor_days": days} for days in (7, 14)])
    return rows.assign(model_free_vol=[vol, 0.3], extrapolated=[extrapolated, False])


# ---------------------------------------------------------------------- the ledger


def test_the_champion_makes_the_baseline_with_the_forecast_and_flags_both(
    location: CodeLocation, scored: tuple[Ran, Ran]
):
    rows = location.read(RV_5D, FIRST, LAST)
    made = rows[rows["origin"] == "replayed"].set_index("date")
    assert [day.date() for day in made.index] == [day for day in DAYS if day >= KNOWN]
    assert set(made["model"]) == {"ensemble"}
    assert set(made["model_version"]) == {"7"}
    bars = location.read(CURATED_MARKET, KNOWN, LAST)
    vix = bars[bars["symbol"] == "VIX"].set_index("date")["close"] / 100
    for column, expected in (
        ("forecast_vol", 0.8 * vix),
        ("baseline_vol", 0.7 * vix),
        ("baseline_var", 1.1 * (0.7 * vix) ** 2),
    ):
        assert made[column].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9), column
    high = np.where(vix > 0.213, "outside_training_range:log_vix,registry_unreachable", "registry_unreachable")
    assert made["flags"].tolist() == high.tolist()
    assert len(set(high)) == 2


def test_the_backtest_stands_with_its_own_log_har_iv_until_the_champion_is_known(
    location: CodeLocation, scored: tuple[Ran, Ran]
):
    rows = location.read(RV_5D, FIRST, LAST)
    tested = rows[rows["origin"] == "walk_forward"]
    assert [day.date() for day in tested["date"]] == [day for day in TESTED if day < KNOWN]
    assert set(tested["baseline_var"]) == {0.12**2}
    assert set(tested["forecast_var"]) == {(0.12 * np.sqrt(3.0)) ** 2}
    assert set(tested["flags"]) == {""}


def test_the_page_says_what_the_newest_forecast_means_and_draws_it(location: CodeLocation, scored: tuple[Ran, Ran]):
    page = scored[0].metadata("forecast/rv_5d")
    newest = location.read(RV_5D, LAST, LAST).iloc[0]
    assert f"| forecast of the next five sessions | {newest['forecast_vol']:.1%} |" in page["outlook"]
    closes = location.read(CURATED_MARKET, LAST, LAST).set_index("symbol")["close"] / 100
    assert f"| VIX9D | {closes['VIX9D']:.1%} | implied over 9 days: " in page["outlook"]
    assert f"| VIX | {closes['VIX']:.1%} | implied over 30 days: not comparable" in page["outlook"]
    assert "| implied over 7 days | 18.5% | model-free, of SPY's options: " in page["outlook"]
    assert f"five-session volatilities since {DAYS[4]}" in page["outlook"]  # the first session has no return before it
    assert page["today"].startswith("![picture](data:image/png;base64,")
    assert "registry_unreachable" in page["newest forecast"]


@pytest.mark.parametrize(("extrapolated", "vol"), [(False, 0.185), (True, np.nan)])
def test_the_seven_day_smile_of_the_session_is_read_where_it_is_not_extrapolated(
    tmp_path: Path, extrapolated: bool, vol: float
):
    lake = Lake(tmp_path, "sample")
    lake.write(TENORS["SPY"], smile(LAST, 0.185, extrapolated))
    assert rv_ledger.implied_7d(lake, LAST) == pytest.approx(vol, nan_ok=True)
    assert np.isnan(rv_ledger.implied_7d(lake, DAYS[-2]))


def test_a_session_without_har_features_is_refused_by_the_columns_that_are_null(copy: CodeLocation):
    har = copy.read(FEATURES_HAR, LAST, LAST)
    copy.lake.write(FEATURES_HAR, har.assign(**dict.fromkeys(har.columns[1:], np.nan)))
    shutil.rmtree(copy.lake.path(RV_5D, LAST).parent)
    ran = copy.run("forecast/rv_5d", DAYS[-2], LAST)
    assert ran.failed == ["forecast__rv_5d"]
    assert f"{LAST} SPY complete features of finished bars (see the check no_gaps): null in features/har: all" in (
        ran.lines
    )
    assert len(copy.read(RV_5D, DAYS[-2], LAST)) == 1


# ---------------------------------------------------------------------- the scorecard


def test_each_forecast_is_scored_on_the_fifth_session_after_it(location: CodeLocation, scored: tuple[Ran, Ran]):
    rows = location.read(SCORECARD, FIRST, LAST)
    SCORECARD.require(rows)
    made = location.read(RV_5D, FIRST, LAST)
    known = made[made["date"] <= pd.Timestamp(clock.offset(LAST, -5))]
    assert list(rows["forecast_date"]) == list(known["date"])
    returns = spy_returns(location.lake)
    for row in (rows.iloc[0], rows.iloc[40], rows.iloc[-1]):
        five = returns[(returns.index > row["forecast_date"]) & (returns.index <= row["date"])]
        assert len(five) == 5
        forecast = made.set_index("date").loc[row["forecast_date"]]
        variance = 252 / 5 * (five**2).sum()
        assert row["realised"] == pytest.approx(np.sqrt(variance), rel=1e-12)
        for loss, expected in (("qlike", forecast["forecast_var"]), ("baseline_qlike", forecast["baseline_var"])):
            ratio = variance / expected
            assert row[loss] == pytest.approx(ratio - np.log(ratio) - 1, rel=1e-9)


def test_sessions_that_end_no_forecast_are_recorded_without_a_row(location: CodeLocation, scored: tuple[Ran, Ran]):
    assert location.recorded(NAME) == {str(day) for day in DAYS}
    assert location.lake.missing(SCORECARD, FIRST, LAST) == []
    assert len(location.read(SCORECARD, FIRST, TESTED[4])) == 0
    assert len(location.read(SCORECARD, TESTED[5], TESTED[5])) == 1


def test_the_scorecard_again_writes_nothing(location: CodeLocation, scored: tuple[Ran, Ran]):
    before = files(location.lake, SCORECARD)
    ran = location.run(NAME, DAYS[-10], LAST)
    assert ran.success
    assert files(location.lake, SCORECARD) == before
    assert ran.metadata(NAME)["sessions written"] == 0


def test_a_day_alone_is_the_row_of_the_range(copy: CodeLocation):
    whole = copy.read(SCORECARD, FIRST, LAST)
    shutil.rmtree(copy.lake.folder(SCORECARD))
    for session in (TESTED[5], LAST):
        assert copy.run(NAME, session).success
        one = copy.read(SCORECARD, session, session)
        expected = whole[whole["date"] == pd.Timestamp(session)].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, expected, check_exact=True)


def test_a_day_alone_finds_its_full_windows_beyond_a_long_gap_in_the_ledger(copy: CodeLocation, monkeypatch):
    """The window counts scored sessions; here most of the 84 read at first have none."""
    from vol_assets.assets import scorecard

    monkeypatch.setattr(scorecard, "LOOKBACK", 63)
    for session in DAYS[-75:-5]:
        copy.lake.write_sessions(RV_5D, [(session, RV_5D.empty())])
    older = made_up("ensemble", 1.0).assign(
        date=pd.DatetimeIndex(DAYS[-200:-115]).as_unit("ns"),
        trained_through=pd.Timestamp(DAYS[-220]).as_unit("ns"),
        model_version="walk_forward",
        origin="walk_forward",
        made_at=pd.Timestamp("2024-01-02", tz="UTC").as_unit("us"),
        baseline_vol=0.1,
        baseline_var=0.01,
        flags="",
    )
    copy.lake.write(RV_5D, older[list(RV_5D.columns)])
    assert copy.run(NAME, DAYS[-81]).success
    assert copy.read(SCORECARD, DAYS[-81], DAYS[-81])["coverage_63"].notna().all()


def test_a_return_that_is_missing_refuses_the_five_sessions_whose_scores_need_it(copy: CodeLocation):
    missed = DAYS[-8]
    shutil.rmtree(copy.lake.path(CURATED_MARKET, missed).parent)
    ran = copy.run(NAME, DAYS[-12], LAST)
    assert ran.failed == ["monitoring__scorecard"]
    assert sorted({day.date() for day in copy.lake.read_rejects(SCORECARD)["date"]}) == list(DAYS[-8:-3])
    said = f"returns of the forecast's five sessions: none on {missed}; materialize curated/market there"
    assert said in ran.lines


def test_the_skill_check_warns_when_the_model_is_worse_than_the_baseline_and_shows_by_how_much(
    location: CodeLocation, scored: tuple[Ran, Ran]
):
    check = scored[1].check(NAME, "skill")
    assert not check.passed
    assert check.severity.value == "WARN"
    assert check.metadata["scored forecasts"].value == 105
    assert check.metadata["t"].value > 1.645
    assert "ensemble does worse than log_har_iv" in check.metadata["what"].value
    early = location.run(NAME, TESTED[66])
    assert early.check(NAME, "skill").passed
    assert "is judged from 63 on" in early.check(NAME, "skill").metadata["what"].value


def test_the_page_of_the_scorecard_has_its_tables_and_its_picture(scored: tuple[Ran, Ran]):
    page = scored[1].metadata(NAME)
    assert page["last ten scored"].count("\n") == 11
    assert "| 63 | " in page["the last quarter and year"]
    assert page["skill over time"].startswith("![picture](data:image/png;base64,")
    assert page["skill"].startswith("ensemble does worse than log_har_iv")


def test_a_lake_without_a_ledger_has_nothing_to_score(elsewhere: CodeLocation):
    shutil.rmtree(elsewhere.settings.lake, ignore_errors=True)
    ran = elsewhere.run(NAME, LAST)
    assert ran.success, ran.lines
    assert elsewhere.lake.sessions(SCORECARD) == [LAST]
    assert len(elsewhere.read(SCORECARD, LAST, LAST)) == 0
    assert ran.check(NAME, "skill").passed
