"""A session with a gateway, recorded by the proxy and served again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from smile_market import FAST, NOON, TINY

from vol_assets.errors import GatewayError
from vol_assets.ibkr import Gateway, Outcome, poll
from vol_assets.ibkr.simulator import SimulatedClock, recorder, replay
from vol_assets.ibkr.simulator.messages import Ask, Tell
from vol_assets.ibkr.simulator.recorder import Recorder
from vol_assets.ibkr.simulator.recording import Recording, read
from vol_assets.ibkr.simulator.replay import Replay

PRICES = ["con_id", "expiration", "strike", "right", "bid", "ask", "bid_size", "ask_size", "ib_vol", "market_data_type"]


@pytest.fixture
def recorded(simulate, tmp_path):
    """A poll of an account with a real-looking number through the recorder: its quotes, and the file."""
    simulator = simulate(replace(FAST, chunk=5), account="DU1234567,DF7654321")
    file = tmp_path / "session.jsonl"
    with Recorder("127.0.0.1", simulator.port, file, now=simulator.now) as proxy:
        done = poll(Gateway(port=proxy.port), tmp_path / "first", now=simulator.now, limits=TINY)
        assert done.outcome is Outcome.COMPLETE
        yield done, file


def test_a_recorded_session_is_served_again_quote_for_quote(recorded, tmp_path):
    done, file = recorded
    with Replay(file) as again:
        clock = SimulatedClock(again.began)
        second = poll(Gateway(port=again.port, client_id=77), tmp_path / "again", now=clock.now, limits=TINY)
    assert second.outcome is Outcome.COMPLETE
    assert second.quotes[PRICES].equals(done.quotes[PRICES])
    assert set(second.quotes["source"]) == {"ibkr"}


def test_a_replay_knows_only_the_contracts_that_were_asked_for(recorded, tmp_path):
    _, file = recorded
    with Replay(file) as again:
        clock = SimulatedClock(again.began)
        other = poll(Gateway(port=again.port), tmp_path, underlying="GLD", now=clock.now, limits=TINY)
    assert other.outcome is Outcome.NO_CONTRACT
    assert "not asked for in the recording" in other.codes[200]


def test_every_frame_is_kept_with_its_time_and_who_sent_it(recorded):
    _, file = recorded
    began, frames = read(file)
    assert abs((began - NOON).total_seconds()) < 60
    assert [frame.at for frame in frames] == sorted(frame.at for frame in frames)
    first, second, *rest = frames
    assert (first.is_client, first.fields) == (True, ("v157..176",))
    assert (second.is_client, second.fields[0]) == (False, "176")
    asked = [int(frame.fields[0]) for frame in rest if frame.is_client]
    told = {int(frame.fields[0]) for frame in rest if not frame.is_client}
    assert asked[:3] == [Ask.START, Ask.TIME, Ask.MARKET_DATA_TYPE]
    assert asked.count(Ask.MARKET_DATA) == TINY.lines
    assert {Tell.ACCOUNTS, Tell.TIME, Tell.CONTRACT, Tell.PRICE, Tell.OPTION_COMPUTATION} <= told


def test_no_account_number_is_kept(recorded):
    _, file = recorded
    text = file.read_text()
    assert "1234567" not in text
    assert "7654321" not in text
    assert "DU0000001,DF0000002" in text


def test_a_gateway_that_is_gone_is_gone_through_the_recorder_too(simulate, tmp_path, free_port):
    with Recorder("127.0.0.1", free_port(), tmp_path / "session.jsonl") as proxy:
        done = poll(Gateway(port=proxy.port), tmp_path, limits=TINY)
    assert done.outcome is Outcome.DROPPED


def test_a_recording_is_never_written_over(recorded):
    _, file = recorded
    with pytest.raises(GatewayError, match="delete it"):
        Recorder("127.0.0.1", 1, file)


def test_bytes_that_are_no_text_are_kept_as_they_are(tmp_path):
    recording = Recording(tmp_path / "odd", "somewhere", now=lambda: NOON)
    recording.note(1, True, b"v1..2")
    recording.note(1, False, b"4\0\xff\xfe\0")
    recording.close()
    _, frames = read(tmp_path / "odd")
    assert frames[1].fields[1].encode(errors="surrogateescape") == b"\xff\xfe"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("{}\n", 1),
        ('{"began": "2024-03-15T16:00:00+00:00"}\nnot json\n', 2),
        ('{"began": "2024-03-15T16:00:00+00:00"}\n{"at": 1.0}\n', 2),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_its_line(tmp_path, text, line):
    (tmp_path / "file").write_text(text)
    with pytest.raises(GatewayError, match=f"line {line}:"):
        Replay(tmp_path / "file")


def test_a_recording_without_a_connection_cannot_be_served(tmp_path):
    (tmp_path / "file").write_text(json.dumps({"began": NOON.isoformat()}))
    with pytest.raises(GatewayError, match="no connection"):
        Replay(tmp_path / "file")
    with pytest.raises(GatewayError, match="cannot be read"):
        Replay(tmp_path / "missing")


@pytest.mark.parametrize(
    ("main", "options", "words"),
    [
        (replay.main, ["--file", "missing.jsonl"], "missing.jsonl cannot be read"),
        (recorder.main, ["--file", "new.jsonl", "--gateway", "somewhere"], "a gateway like 127.0.0.1:7497"),
        (recorder.main, ["--file", "nowhere/new.jsonl"], "cannot be written"),
    ],
)
def test_a_command_that_cannot_start_says_why(main, options, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["command", *options])
    with pytest.raises(SystemExit):
        main()
    assert words in capsys.readouterr().err
