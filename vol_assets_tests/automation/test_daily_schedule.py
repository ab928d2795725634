"""The daily schedules: which days they ask for, which they skip and why, and what the one of bars fetches again."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from code_location import BARS, RANGE, CodeLocation, DropFolder, at_home
from dagster._utils.schedules import schedule_execution_time_iterator

from vol_assets import clock
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, FEATURES_IMPLIED, RAW_MARKET
from vol_assets.sources import SYMBOLS

REFILL = clock.sessions("2019-04-29", "2019-06-14")
TODAY = REFILL[-1]
HAR = f"{BARS},features/har"
SCHEDULES = ("daily_schedule", "surface_schedule")


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow store without a model; making one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    """An empty lake, that stays empty."""
    with CodeLocation.over(tmp_path_factory.mktemp("empty")) as location:
        yield location


@pytest.fixture
def folder(tmp_path: Path, mlflow: str) -> Iterator[tuple[CodeLocation, DropFolder]]:
    """An empty lake over a drop folder that ends today."""
    drop = DropFolder(tmp_path / "drop", REFILL[0], TODAY)
    with CodeLocation.over(tmp_path, source="files", drop=drop.folder, mlflow=mlflow) as location:
        yield location, drop


def tick(location: CodeLocation, day: str | dt.date, schedule: str = "daily_schedule") -> dg.RunRequest | str:
    """What a schedule says at half past six in the evening of a day: a run, or why there is none."""
    evening = dt.datetime.combine(clock.as_date(day), dt.time(18, 30), clock.NEW_YORK)
    repository = location.defs.get_repository_def()
    context = dg.build_schedule_context(location.instance, evening, repository_def=repository)
    with at_home(location.settings), context:
        decided = repository.get_schedule_def(schedule).evaluate_tick(context)
    requests = decided.run_requests
    assert len(requests) + (decided.skip_message is not None) == 1
    return requests[0] if requests else decided.skip_message


def started_at(request: dg.RunRequest) -> tuple[str | None, str | None]:
    return request.tags.get(RANGE[0]), request.tags.get(RANGE[1])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(
    "day",
    [
        pytest.param("2024-07-16", id="summer"),
        pytest.param("2024-01-16", id="winter"),
        pytest.param("2024-11-29", id="half day"),
        pytest.param("2012-10-31", id="after Sandy"),
        pytest.param("2024-09-03", id="after Labor Day"),
    ],
)
def test_a_session_just_closed_is_asked_for_by_its_own_date(location: CodeLocation, day: str, schedule: str):
    request = tick(location, day, schedule)
    assert request.partition_key == day
    assert request.tags["dagster/partition"] == day
    assert request.run_key == day
    assert started_at(request) == (None, None)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2024-11-28", "Thanksgiving"),
        ("2024-03-29", "Good Friday"),
        ("2012-10-29", "special closure"),
        ("2025-01-09", "special closure"),
        ("2024-12-25", "Christmas"),
    ],
)
def test_a_day_without_a_session_is_skipped_by_name(location: CodeLocation, day: str, reason: str, schedule: str):
    message = tick(location, day, schedule)
    assert message.startswith(f"{day} is no session: ")
    assert reason in message


@pytest.mark.parametrize(("name", "minute"), [("daily_schedule", 30), ("surface_schedule", 45)])
def test_ticks_are_on_weekdays_after_the_close_in_new_york_in_winter_and_summer_the_bars_first(
    location: CodeLocation, name: str, minute: int
):
    schedule = location.defs.resolve_schedule_def(name)
    for start in (dt.datetime(2024, 3, 7, tzinfo=dt.UTC), dt.datetime(2024, 10, 31, tzinfo=dt.UTC)):  # clocks change
        ticks = schedule_execution_time_iterator(start.timestamp(), schedule.cron_schedule, schedule.execution_timezone)
        local = [next(ticks).astimezone(clock.NEW_YORK) for _ in range(6)]
        assert {(time.hour, time.minute) for time in local} == {(18, minute)}
        assert all(time.weekday() < 5 for time in local)


def test_an_empty_lake_asks_for_today_alone(location: CodeLocation):
    assert location.lake.sessions(RAW_MARKET) == []
    assert tick(location, TODAY).partition_key == str(TODAY)


def test_a_lake_that_began_yesterday_does_not_reach_back_before_it(folder):
    location, drop = folder
    drop.save()
    assert location.run(BARS, REFILL[-2]).success
    assert tick(location, TODAY).partition_key == str(TODAY)


def test_a_session_missed_while_the_daemon_was_off_is_fetched_and_what_hangs_on_it_computed_again(folder):
    location, drop = folder
    missed = REFILL[-4]
    drop.save()
    assert location.run(HAR, REFILL[1], clock.offset(missed, -1)).success
    assert location.run(HAR, clock.offset(missed, 1), REFILL[-2]).success
    har = location.read(FEATURES_HAR, REFILL[-3], REFILL[-2])
    assert har["log_var_22d"].isna().all()

    request = tick(location, TODAY)

    assert request.partition_key is None
    assert started_at(request) == (str(missed), str(TODAY))
    ran = location.run("", job="daily_job", tags=request.tags)
    # There is no champion in this lake yet, so the ledger is the one step that cannot do its part.
    assert ran.failed == ["forecast__rv_5d"]
    assert location.lake.missing(CURATED_MARKET, REFILL[1], TODAY) == []
    assert location.read(FEATURES_HAR, missed, TODAY)["log_var_22d"].notna().all()
    assert location.recorded("features/har") == {str(session) for session in REFILL[1:]}
    assert tick(location, clock.offset(TODAY, 1)).partition_key == str(clock.offset(TODAY, 1))


def unfinished(drop: DropFolder, session: dt.date) -> Callable[[], None]:
    """Save the files as of that session at noon, before its close."""
    drop.save(session)
    noon = (clock.close_instant(session) - dt.timedelta(hours=4)).timestamp()
    for path in (drop.folder / "bars").iterdir():
        os.utime(path, (noon, noon))


def without_gvz(drop: DropFolder, session: dt.date) -> None:
    drop.prices["GVZ"] = drop.prices["GVZ"].drop(session)
    drop.save(session)


def without_tlt(drop: DropFolder, session: dt.date) -> None:
    drop.prices["TLT"] = drop.prices["TLT"].drop(session)
    drop.save(session)


@pytest.mark.parametrize("fault", [unfinished, without_gvz, without_tlt])
def test_an_incomplete_session_of_the_last_ten_is_fetched_again_with_all_since(folder, fault):
    location, drop = folder
    whole = {symbol: prices.copy() for symbol, prices in drop.prices.items()}
    incomplete = REFILL[-5]
    drop.save()
    assert location.run(BARS, REFILL[-8], clock.offset(incomplete, -1)).success
    fault(drop, incomplete)
    assert location.run(BARS, incomplete).success is (fault is not without_tlt)
    drop.prices = whole
    drop.save()
    assert location.run(BARS, REFILL[-4], REFILL[-2]).success
    before = location.read(RAW_MARKET, REFILL[-4], REFILL[-2])

    request = tick(location, TODAY)

    assert started_at(request) == (str(incomplete), str(TODAY))
    assert location.run(BARS, tags=request.tags).success
    curated = location.read(CURATED_MARKET, incomplete, incomplete)
    assert list(curated.loc[curated["symbol"] != "IRX", "quality_flags"]) == [""] * (len(SYMBOLS) - 1)
    assert location.read(RAW_MARKET, REFILL[-4], REFILL[-2]).equals(before)
    assert tick(location, clock.offset(TODAY, 1)).partition_key == str(clock.offset(TODAY, 1))


def test_a_refused_session_of_the_last_ten_is_fetched_again_for_the_vendor_may_have_mended_it(folder):
    location, drop = folder
    sound = drop.prices["SPY"].copy()
    bad = REFILL[-4]
    drop.prices["SPY"].loc[bad, "high"] = drop.prices["SPY"].loc[bad, "low"] - 0.01
    drop.save()
    assert not location.run(BARS, REFILL[-8], REFILL[-2]).success
    drop.prices["SPY"] = sound
    drop.save()

    request = tick(location, TODAY)

    assert started_at(request) == (str(bad), str(TODAY))
    assert location.run(BARS, bad, TODAY).success
    assert location.lake.missing(CURATED_MARKET, REFILL[-8], TODAY) == []


def test_what_ten_failing_days_left_undone_is_made_up_when_the_bad_session_is_ten_back(folder):
    location, drop = folder
    bad = REFILL[-12]  # the vendor never mends it: raw/market refuses it day after day, what hangs on raw is not made
    drop.prices["SPY"].loc[bad, "close"] = "-"
    drop.save()
    assert location.run(BARS, REFILL[-15], clock.offset(bad, -1)).success
    assert location.run(BARS, bad, REFILL[-2]).failed == ["raw__market"]
    assert location.lake.missing(RAW_MARKET, REFILL[-15], REFILL[-2]) == [bad]
    assert location.lake.sessions(CURATED_MARKET)[-1] == clock.offset(bad, -1)

    request = tick(location, TODAY)

    assert started_at(request) == (str(clock.offset(bad, 1)), str(TODAY))
    assert location.run(BARS, *started_at(request)).success
    assert location.lake.missing(CURATED_MARKET, REFILL[-15], TODAY) == [bad]


def test_an_incomplete_session_eleven_back_is_left_to_a_person(folder):
    location, drop = folder
    without_gvz(drop, REFILL[-12])
    assert location.run(BARS, REFILL[-14], REFILL[-12]).success
    drop.save()
    assert location.run(BARS, REFILL[-11], REFILL[-2]).success
    assert tick(location, TODAY).partition_key == str(TODAY)


def test_an_optional_symbol_that_stayed_away_for_ten_sessions_is_asked_for_again(folder):
    location, drop = folder
    gvz, away = drop.prices["GVZ"], REFILL[-11:-1]
    drop.prices["GVZ"] = gvz.drop(list(away))
    drop.save()
    assert location.run(BARS, REFILL[-15], REFILL[-2]).success
    drop.prices["GVZ"] = gvz
    drop.save()
    assert started_at(tick(location, TODAY)) == (str(away[0]), str(TODAY))


@pytest.mark.parametrize("begins", [None, REFILL[-6]], ids=["never", "six sessions ago"])
def test_an_optional_symbol_is_not_asked_for_before_the_source_has_it(folder, begins: dt.date | None):
    location, drop = folder
    for symbol in ("VVIX", "VIX9D", "SKEW"):
        prices = drop.prices.pop(symbol)
        if begins:
            drop.prices[symbol] = prices.loc[begins:]
    drop.save()
    ran = location.run(f"{BARS},features/implied", REFILL[-10], REFILL[-2])
    assert ran.success, ran.lines
    assert ran.check("raw/market", "complete").passed
    assert ran.check("features/implied", "no_gaps").passed
    assert "warning" not in ran.lines
    held = location.read(FEATURES_IMPLIED, REFILL[-10], REFILL[-2]).set_index("date").notna().all(axis=1)
    assert held[held].index.date.tolist() == ([] if begins is None else REFILL[-6:-1])
    assert tick(location, TODAY).partition_key == str(TODAY)


def test_after_more_than_ten_sessions_off_the_last_ten_are_fetched(folder):
    location, drop = folder
    drop.save()
    assert location.run(BARS, REFILL[1], REFILL[5]).success
    assert started_at(tick(location, TODAY)) == (str(clock.offset(TODAY, -10)), str(TODAY))


def test_a_chain_that_was_missed_is_not_asked_for_again_for_a_vendor_shows_todays_alone(folder):
    location, drop = folder
    drop.save()
    assert location.run(BARS, REFILL[-8], REFILL[-4]).success
    assert tick(location, TODAY).partition_key is None
    request = tick(location, TODAY, "surface_schedule")
    assert (request.partition_key, request.run_key, started_at(request)) == (str(TODAY), str(TODAY), (None, None))
