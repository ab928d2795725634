"""smile/spy_next: what the champion says at each close, found again from the data set, and live rows that stay.

The sessions lie on both sides of a change of the clock, with a holiday and a half day among them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import smile_world
from code_location import CodeLocation, Ran

from vol_assets import clock
from vol_assets.automation.resources import open_tracking
from vol_assets.contracts.chains import CURATED_CHAINS
from vol_assets.contracts.smile_next import SMILE_NEXT
from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.smiles import smile_vols
from vol_assets.smiles.baselines import fit_baseline
from vol_assets.smiles.contracts import daily_contracts
from vol_assets.smiles.dataset import panels_of, split
from vol_assets.smiles.leaderboard import leaderboard
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.next_session import as_rows, next_session
from vol_assets.smiles.panel import DAILY, LENGTH
from vol_assets.tracking.smile_model import register, serve

SESSIONS = clock.sessions("2024-10-25", "2024-12-02")
HALF_DAY = dt.date(2024, 11, 29)
TAUGHT = clock.sessions("2022-01-03", "2022-12-30")
SPAN = (SESSIONS[0], SESSIONS[-1])


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CodeLocation, Ran]]:
    """A lake whose MLflow nobody has made yet, after a run over its last two sessions."""
    with CodeLocation.over(tmp_path_factory.mktemp("bare")) as location:
        location.lake.claim()
        smile_world.fill_daily(location.lake, SESSIONS)
        yield location, location.run("smile/spy_next", *SESSIONS[-2:])


@pytest.fixture(scope="module")
def champion() -> SmileModel:
    """A model that says something of every node."""
    panel = smile_world.panel(DAILY, TAUGHT)
    return fit_baseline("ar1", panel, split(panel))


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path, champion: SmileModel
) -> Iterator[tuple[CodeLocation, Ran]]:
    """A lake with a champion, after a run over all its sessions."""
    with CodeLocation.over(tmp_path_factory.mktemp("served"), store=empty_mlflow) as location:
        location.lake.claim()
        smile_world.fill_daily(location.lake, SESSIONS)
        tracking, panel = open_tracking(location.settings), smile_world.panel(DAILY, TAUGHT[:LENGTH])
        with tracking.run("by hand", {"test": "champion"}):
            version = register(tracking, champion, panel.windows([LENGTH - 1]), {"source": "sample"})
        serve(tracking, DAILY, "ar1", version, "for the test")
        yield location, location.run("smile/spy_next", *SPAN)


def rows_of(location: CodeLocation, first=SESSIONS[0], last=SESSIONS[-1]) -> pd.DataFrame:
    return location.read(SMILE_NEXT, first, last)


def test_where_nobody_is_crowned_persistence_is_told_and_flagged_and_no_registry_is_made(bare):
    location, ran = bare
    assert ran.success, ran.lines
    rows = SMILE_NEXT.require(rows_of(location))
    assert rows["date"].unique().tolist() == [pd.Timestamp(day) for day in SESSIONS[-2:]]
    assert (rows["predicted_vol"] == rows["held_vol"]).all()
    assert rows["flagged"].all()
    assert set(zip(rows["model"], rows["model_version"])) == {("persistence", "")}
    assert not (location.settings.data / "mlflow").exists()
    check = ran.check("smile/spy_next", "champion")
    assert not check.passed
    assert check.metadata["serves"].value == "nobody"
    assert ran.metadata("smile/spy_next")["predicted by"] == "persistence: nobody is crowned yet (replay)"


def test_what_is_served_is_found_again_from_the_data_set(served, champion: SmileModel):
    location, ran = served
    assert ran.success, ran.lines
    assert location.run("smile/dataset").success
    panel, _ = panels_of(location.lake.read_table(SMILE_DATASET))[DAILY]
    assert panel.session.tolist() == SESSIONS
    last = panel.last_of_windows()
    said = dict(zip(panel.session[last].tolist(), champion.forecast(panel.windows(last))[:, 0]))
    seen = dict(zip(panel.session.tolist(), panel.log_vol))
    rows = rows_of(location)
    asked = rows[~rows["flagged"]]
    assert asked["date"].dt.date.unique().tolist() == SESSIONS[LENGTH - 1 :]
    for session, of_one in asked.groupby(asked["date"].dt.date):
        closes = of_one["expiration"].map(lambda day: clock.close_instant(clock.offset(day, 0)))
        k = np.log(of_one["strike"] / of_one["forward"]).to_numpy()

        def read(state: np.ndarray, day: dt.date, closes=closes, k=k) -> np.ndarray:
            years = ((closes - clock.close_instant(day)) / pd.Timedelta(days=365)).to_numpy()
            return smile_vols(state, smile_world.TENORS / 365.0, years, k)

        left_out = of_one["fitted_vol"].to_numpy() / read(seen[session], session)
        again = read(said[session], clock.offset(session, 1)) * left_out
        assert np.abs(of_one["predicted_vol"].to_numpy() - again).max() < 1e-9
    assert np.abs(asked["predicted_vol"] - asked["held_vol"]).max() > 1e-4  # it says something
    assert rows["fitted_vol"].to_numpy() == pytest.approx(rows["vol"].to_numpy(), abs=1e-9)  # quotes without noise
    assert asked["right"].value_counts().min() > 50


def test_the_leaderboard_scores_what_is_served(served, champion: SmileModel):
    location, _ = served
    location.run("smile/dataset")
    panel, _ = panels_of(location.lake.read_table(SMILE_DATASET))[DAILY]
    chain = daily_contracts(*(location.read(contract, *SPAN) for contract in (CURATED_CHAINS["SPY"], SURFACES["SPY"])))
    persistence = fit_baseline("persistence", *taught())
    board = leaderboard(panel, panel.last_of_windows(), {"persistence": persistence, "ar1": champion}, chain)
    rows = rows_of(location)
    came = chain.assign(target_date=chain["ts"].dt.tz_convert(clock.NEW_YORK).dt.tz_localize(None).dt.normalize())
    key = ["target_date", "expiration", "strike"]
    both = rows[~rows["flagged"]].merge(came[[*key, "vol"]], on=key, suffixes=("", "_came"))
    squares = (1e4 * (both["predicted_vol"] - both["vol_came"]) ** 2).groupby(both["date"]).mean()
    scored = board.losses[1]["ar1"].droplevel("ts")
    assert squares.to_numpy() == pytest.approx(scored.to_numpy(), rel=1e-6)
    assert len(squares) == len(SESSIONS) - LENGTH


def taught():
    panel = smile_world.panel(DAILY, TAUGHT)
    return panel, split(panel)


def test_a_session_is_for_the_one_after_it_whatever_lies_between(served):
    rows = rows_of(served[0]).groupby("date")["target_date"].first()
    assert rows[pd.Timestamp("2024-11-27")] == pd.Timestamp(HALF_DAY)  # over Thanksgiving
    assert rows[pd.Timestamp(HALF_DAY)] == pd.Timestamp("2024-12-02")


def test_rows_are_the_strikes_that_a_smile_says_something_of_its_own_of(served):
    rows = rows_of(served[0])
    days = (rows["expiration"] - rows["target_date"]).dt.days
    assert days.between(7, 91).all()
    assert ((rows["right"] == "C") == (rows["strike"] >= rows["forward"])).all()
    assert not rows.duplicated(["date", "expiration", "strike"]).any()


def test_the_page_shows_who_says_what(served):
    page = served[1].metadata("smile/spy_next")
    assert page["predicted by"] == "ar1 version 1 (replay)"
    assert page["for the close of"] == "2024-12-03"
    assert "predicted %" in page["at the money"]
    assert page["smiles"].startswith("![picture](data:image/png;base64,")
    check = served[1].check("smile/spy_next", "champion")
    assert not check.passed  # of the first nine sessions
    assert check.metadata["sessions without it"].value == ", ".join(map(str, SESSIONS[: LENGTH - 1]))


def test_one_session_by_itself_is_as_in_the_range(served):
    location, _ = served
    before = rows_of(location, SESSIONS[12], SESSIONS[12])
    assert location.run("smile/spy_next", SESSIONS[12]).success
    after = rows_of(location, SESSIONS[12], SESSIONS[12])
    pd.testing.assert_frame_equal(before.drop(columns="made_at"), after.drop(columns="made_at"))
    assert (after["made_at"] > before["made_at"]).all()


def test_a_live_row_is_never_rewritten(served):
    location, _ = served
    session = SESSIONS[15]
    live = rows_of(location, session, session).assign(origin="live", predicted_vol=0.5, model_version="0")
    location.lake.write(SMILE_NEXT, live)
    ran = location.run("smile/spy_next", SESSIONS[14], session)
    assert ran.success
    pd.testing.assert_frame_equal(rows_of(location, session, session), live)
    assert ran.metadata("smile/spy_next")["predicted by"] == "ar1 version 0 (live)"


def test_made_before_the_next_open_it_is_live_and_afterwards_a_replay(champion: SmileModel):
    states = smile_world.daily_states(SESSIONS)
    day, opens = HALF_DAY, clock.open_instant("2024-12-02")
    until = [state for state in states if state.ts <= clock.close_instant(day)]
    contracts = daily_contracts(*smile_world.closes(until[-1:]))
    said = next_session(champion, until, contracts)
    for now, origin in ((opens - dt.timedelta(seconds=1), "live"), (opens, "replay")):
        rows = SMILE_NEXT.require(as_rows(said, day, "ar1", "1", now.to_pydatetime()))
        assert set(rows["origin"]) == {origin}
        assert len(rows) > 20
    assert next_session(champion, [], contracts).empty


def test_a_session_without_a_surface_or_a_chain_is_refused_by_name_and_the_others_are_written(bare):
    location, _ = bare
    without_surface, without_chain = SESSIONS[10], SESSIONS[11]
    location.lake.path(SURFACES["SPY"], without_surface).unlink()
    location.lake.path(CURATED_CHAINS["SPY"], without_chain).unlink()
    ran = location.run("smile/spy_next", SESSIONS[9], SESSIONS[12])
    assert ran.failed == ["smile__spy_next"]
    assert f"{without_surface} surface/spy of the session: not in the lake; materialize it first" in ran.lines
    assert f"{without_chain} curated/spy_chain of the session: not in the lake" in ran.lines
    assert location.recorded("smile/spy_next") >= {str(SESSIONS[9]), str(SESSIONS[12])}
    assert set(rows_of(location, SESSIONS[9], SESSIONS[12])["date"].dt.date) == {SESSIONS[9], SESSIONS[12]}
