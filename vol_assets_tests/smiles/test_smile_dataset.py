"""Which states train, choose and judge: whole sessions in order, no window across a break, none in two splits."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from made_panels import random_walks

from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.errors import ContractError, ForecastError
from vol_assets.smiles.dataset import (
    SPLITS,
    dataset_frame,
    fingerprint,
    fitting_samples,
    panels_of,
    samples,
    split,
)
from vol_assets.smiles.panel import DAILY, HORIZONS, LENGTH, LIVE, Panel, panel_of
from vol_assets.smiles.state import COVARIATES, NODES, SmileState

MINUTE = dt.timedelta(minutes=1)
ENDS = np.array(["2024-03-22", "2024-03-28", "2024-04-19", "2024-05-17"], dtype="datetime64[D]")


def state(instant: pd.Timestamp, expirations: np.ndarray = ENDS) -> SmileState:
    count = len(expirations)
    return SmileState(
        ts=instant,
        expirations=expirations,
        years=np.linspace(0.02, 0.2, count),
        forward=np.full(count, 500.0),
        log_vol=np.full((count, len(NODES)), -1.8),
        covariates=np.zeros(len(COVARIATES)),
    )


def minutes_from(time: str, count: int) -> list[pd.Timestamp]:
    return list(pd.date_range(pd.Timestamp(time, tz="America/New_York"), periods=count, freq="min").tz_convert("UTC"))


def spans(panel: Panel, which: str = "") -> list[np.ndarray]:
    """The states, first to last target, of every sample of a split; of all that there are if none is named."""
    numbers = samples(panel, split(panel) if which else np.full(len(panel), ""), which)
    return [np.arange(last - LENGTH + 1, last + max(HORIZONS[panel.family]) + 1) for last in numbers]


# Windows


def test_no_sample_reaches_across_a_gap_a_night_or_a_change_of_expirations():
    rolled = np.append(ENDS[1:], np.datetime64("2024-06-21"))
    states = [
        *map(state, minutes_from("2024-03-14 10:00", 40)),
        *map(state, minutes_from("2024-03-14 10:42", 40)),  # two polls are missing
        *map(state, minutes_from("2024-03-15 09:30", 40)),
        *(state(instant, rolled) for instant in minutes_from("2024-03-15 10:10", 40)),
        *map(state, minutes_from("2024-03-15 10:50", 40)),
    ]
    panel = panel_of(LIVE, states, MINUTE)
    found = spans(panel)
    assert len(found) == 5 * (40 - LENGTH - 10 + 1)
    for span in found:
        assert (np.diff(panel.ts[span]) == np.timedelta64(1, "m")).all()
        assert (panel.expirations[span] == panel.expirations[span[0]]).all()


def test_a_poll_with_another_number_of_smiles_is_a_gap():
    states = [state(instant) for instant in minutes_from("2024-03-14 10:00", 50)]
    states[25] = state(states[25].ts, ENDS[:3])
    panel = panel_of(LIVE, states, MINUTE)
    assert len(panel) == 49
    assert [len(np.flatnonzero(panel.run == run)) for run in np.unique(panel.run)] == [25, 24]
    gap = np.timedelta64(1, "m")
    assert all((np.diff(panel.ts[span]) == gap).all() for span in spans(panel))


def test_daily_samples_do_not_reach_across_a_session_that_is_missing():
    days = [day for day in pd.bdate_range("2024-01-22", "2024-03-22") if str(day.date()) not in ("2024-02-19",)]
    instants = [day.tz_localize("America/New_York") + pd.Timedelta(hours=16) for day in days]
    whole = panel_of(DAILY, [state(instant.tz_convert("UTC")) for instant in instants])
    assert set(whole.run) == {0}  # a holiday is no gap
    holed = panel_of(DAILY, [state(instant.tz_convert("UTC")) for instant in instants[:20] + instants[21:]])
    assert list(np.unique(holed.run, return_counts=True)[1]) == [20, len(instants) - 21]
    assert not any(19 in span and 20 in span for span in spans(holed))


# Split


@pytest.mark.parametrize(("sessions", "whole"), [(3, (1, 1, 1)), (5, (3, 1, 1)), (10, (6, 2, 2)), (61, (36, 12, 13))])
def test_sessions_are_split_whole_and_in_order_of_time(sessions, whole):
    panel = random_walks(sessions, 12)
    which = split(panel)
    by_session = which.reshape(sessions, 12)
    assert (by_session == by_session[:, :1]).all()
    assert [SPLITS.index(each) for each in by_session[:, 0]] == sorted(SPLITS.index(each) for each in by_session[:, 0])
    assert tuple((by_session[:, 0] == name).sum() for name in SPLITS[:3]) == whole


def test_live_states_need_no_purging_because_runs_end_with_their_session():
    assert "purged" not in split(random_walks(10, 40))


def test_no_state_of_a_daily_sample_is_in_one_of_another_split():
    panel = random_walks(300, 1, family=DAILY)
    which = split(panel)
    assert (which == "purged").sum() == 2 * (LENGTH + 1)
    seen = [set(np.concatenate(spans(panel, name))) for name in SPLITS[:3]]
    assert max(seen[0]) < min(seen[1])
    assert max(seen[1]) < min(seen[2])
    assert all(len(samples(panel, which, name)) > 30 for name in SPLITS[:3])


def test_states_after_a_border_at_which_a_run_ends_are_not_purged():
    panel = random_walks(100, 1, family=DAILY)
    panel = replace(panel, run=(np.arange(100) >= 60).astype(int) + (np.arange(100) >= 80))
    assert "purged" not in split(panel)


def test_samples_of_a_shorter_horizon_go_on_to_the_end():
    panel = random_walks(5, 40)
    which = split(panel)
    assert len(samples(panel, which, "test")) == 40 - LENGTH + 1 - 10
    assert len(samples(panel, which, "test", ahead=1)) == 40 - LENGTH + 1 - 1


def test_too_few_states_are_refused_by_name():
    panel = random_walks(5, LENGTH + 5)
    with pytest.raises(ForecastError, match=r"gru needs windows of 10 .* hold 0 and 0.*more sessions"):
        fitting_samples("gru", panel, split(panel))


def test_changes_are_those_to_the_states_at_each_horizon():
    panel = random_walks(5, 40)
    train, validation = fitting_samples("gru", panel, split(panel))
    assert (len(train.last), len(validation.last)) == (3 * 21, 21)
    for column, ahead in enumerate(HORIZONS[LIVE]):
        assert np.array_equal(train.change[:, column], panel.log_vol[train.last + ahead] - panel.log_vol[train.last])
    assert np.array_equal(train.windows.log_vol[:, -1], panel.log_vol[train.last])


# Table


def both() -> dict[str, Panel]:
    return {LIVE: random_walks(6, 30), DAILY: random_walks(80, 1, family=DAILY)}


def test_the_table_keeps_its_contract_and_gives_back_panels_and_splits():
    panels = both()
    panels[DAILY].covariates[0, -1] = np.nan  # the first session has no close before
    frame = pd.concat([dataset_frame(panel, split(panel)) for panel in panels.values()], ignore_index=True)
    assert SMILE_DATASET.require(frame) is frame
    found = panels_of(frame)
    assert list(found) == [LIVE, DAILY]
    for family, (panel, which) in found.items():
        for field in fields(Panel):
            assert np.array_equal(getattr(panel, field.name), getattr(panels[family], field.name)) or (
                field.name == "covariates" and np.isnan(panel.covariates).sum() == 1
            )
        assert list(which) == list(split(panels[family]))
        assert fingerprint(panel, which) == fingerprint(panels[family], split(panels[family]))
    assert list(panels_of(frame[frame["family"] == DAILY])) == [DAILY]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [("split", "holdout", "train, validation, test or purged"), ("years_2", 0.0, "above 0"), ("family", "x", "live")],
)
def test_the_contract_refuses_what_is_no_row_of_a_data_set(column, value, rule):
    panel = random_walks(5, 20)
    frame = dataset_frame(panel, split(panel))
    frame.loc[3, column] = value
    with pytest.raises(ContractError, match=rule):
        SMILE_DATASET.require(frame)


def test_the_contract_refuses_states_out_of_order():
    panel = random_walks(5, 20)
    frame = dataset_frame(panel, split(panel))
    with pytest.raises(ContractError, match="order of time"):
        SMILE_DATASET.require(frame.iloc[::-1])


def test_the_fingerprint_changes_with_any_number_time_or_split():
    panel = random_walks(5, 20)
    which = split(panel)
    moved, later = panel.log_vol.copy(), panel.ts.copy()
    moved[50, 2, 3] = np.nextafter(moved[50, 2, 3], 0.0)
    later[7] += np.timedelta64(1, "us")
    other = which.copy()
    other[0] = "purged"
    prints = {
        fingerprint(panel, which),
        fingerprint(replace(panel, log_vol=moved), which),
        fingerprint(replace(panel, ts=later), which),
        fingerprint(panel, other),
    }
    assert len(prints) == 4
    assert fingerprint(random_walks(5, 20), which) in prints
