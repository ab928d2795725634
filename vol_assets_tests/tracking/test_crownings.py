"""The history of the crown: what the tags say, and who had it before."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vol_assets.errors import RegistryError
from vol_assets.tracking.crownings import GATE, HAND, Crowning, predecessor, read

START = dt.datetime(2026, 11, 21, 13, 4, 10, 123456, tzinfo=dt.UTC)


def reigns(*events: tuple[str, str | None] | tuple[str, str | None, bool]) -> list[Crowning]:
    """(version, replaced), and True for a rollback; a day apart."""
    return [
        Crowning(version, START + dt.timedelta(days=day), HAND, "why", replaced, bool(rest))
        for day, (version, replaced, *rest) in enumerate(events)
    ]


def test_a_crowning_is_one_tag_that_a_person_can_read():
    key, value = Crowning("4", START, GATE, 'QLIKE is 0.92 of "log_har_iv"\'s', "3").tag
    assert key == "crowned 2026-11-21T13:04:10.123456Z"
    assert json.loads(value) == {"by": "gate", "replaced": "3", "reason": 'QLIKE is 0.92 of "log_har_iv"\'s'}


REASONS = ["", "QLIKE is 0.92 of log_har_iv's", 'said "no"', "zu glatt, ±5 %\nthen nothing", "\\"]


@given(st.sampled_from(REASONS), st.none() | st.integers(1, 99).map(str), st.booleans(), st.sampled_from([GATE, HAND]))
def test_what_a_tag_says_is_read_back(reason: str, replaced: str | None, rolled_back: bool, by: str):
    crowning = Crowning("4", START, by, reason, replaced, rolled_back)
    assert read("4", dict([crowning.tag, ("source", "sample"), ("gate", "promoted")])) == [crowning]


def test_a_version_crowned_twice_tells_of_both_in_the_order_of_time():
    first, _, again = reigns(("3", None), ("4", "3"), ("3", "4"))
    assert read("3", dict([again.tag, first.tag])) == [first, again]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("crowned yesterday", '{"by": "hand", "replaced": null, "reason": "why"}'),
        ("crowned 2026-11-21T13:04:10.123456Z", "because"),
        ("crowned 2026-11-21T13:04:10.123456Z", '{"by": "hand"}'),
        ("crowned 2026-11-21T13:04:10.123456Z", "[]"),
    ],
)
def test_a_tag_that_was_edited_is_named(key: str, value: str):
    with pytest.raises(RegistryError, match=f"the tag '{key}' of version 4"):
        read("4", {key: value})


@pytest.mark.parametrize(
    ("crownings", "champion", "before"),
    [
        ([], "1", None),
        (reigns(("1", None)), "1", None),
        (reigns(("1", None), ("2", "1")), "2", "1"),
        (reigns(("1", None), ("2", "1"), ("4", "2")), "4", "2"),
        (reigns(("1", None), ("2", "1"), ("1", "2")), "1", "2"),
    ],
    ids=["no history", "the first", "the second", "a gap in the numbers", "an old one again"],
)
def test_the_one_before_is_the_one_that_was_replaced(crownings, champion, before):
    assert predecessor(crownings, champion) == before
    assert predecessor(crownings[::-1], champion) == before  # it goes by time, not by the order given


def test_rollbacks_go_further_back_and_not_to_and_fro():
    history = reigns(("1", None), ("2", "1"), ("3", "2"), ("2", "3", True))
    assert predecessor(history, "2") == "1"
    assert predecessor([*history, *reigns(*[("x", None)] * 4, ("1", "2", True))[4:]], "1") is None


def test_after_a_rollback_a_new_champion_goes_back_to_the_one_that_was_restored():
    history = reigns(("1", None), ("2", "1"), ("3", "2"), ("2", "3", True), ("4", "2"))
    assert predecessor(history, "4") == "2"
    assert predecessor([*history, *reigns(*[("x", None)] * 5, ("2", "4", True))[5:]], "2") == "1"


def test_an_alias_that_was_moved_in_mlflow_itself_is_believed():
    moved = reigns(("1", None), ("2", "1"), ("9", "5"))  # somebody made 5 champion in between
    assert predecessor(moved, "9") == "5"
    assert predecessor(moved[:2], "7") == "2"  # and 7 after the last crowning
    assert predecessor(moved[:2], "1") is None  # back to 1: there was none before


def test_a_crowning_that_was_recorded_and_did_not_happen_is_passed_over():
    assert predecessor(reigns(("1", None), ("2", "1"), ("3", "1")), "3") == "1"
    assert predecessor(reigns(("1", None), ("2", "1"), ("2", "1")), "2") == "1"


@given(st.lists(st.integers(1, 5).map(str), min_size=1, max_size=12))
def test_rolling_back_again_and_again_retraces_the_line_to_its_beginning(champions: list[str]):
    line = [one for one, before in zip(champions, [None, *champions], strict=False) if one != before]
    events = [(one, before) for one, before in zip(line, [None, *line], strict=False)]
    for step in range(len(line) - 1, 0, -1):
        history = reigns(*events)
        assert predecessor(history, line[step]) == line[step - 1]
        events.append((line[step - 1], line[step], True))
    assert predecessor(reigns(*events), line[0]) is None
