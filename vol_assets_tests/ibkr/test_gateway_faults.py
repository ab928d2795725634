"""The fault table: everything a gateway can do wrong, over TCP. Each has its outcome, a reason, and no quotes that are
not quotes; and the next poll works."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from smile_market import EXPIRATIONS, FAST, FEW, NOON, TINY, SmileMarket, listed
from waiting import until

from vol_assets.ibkr import QUOTE_COLUMNS, Gateway, Limits, Outcome, Poll, poll
from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import NEVER, Permission, Simulator
from vol_assets.ibkr.simulator.messages import Ask

IMPATIENT = replace(FEW, answer=0.6, quiet=0.6)
EVERYTHING = frozenset(Ask)


def no_quotes(done: Poll, outcome: Outcome, *words: str) -> None:
    assert done.outcome is outcome
    assert not done.quoted
    assert tuple(done.quotes.columns) == QUOTE_COLUMNS
    for word in words:
        assert word in done.reason


# ---------------------------------------------------------------------- not there, or not answering


def test_where_nothing_listens_the_poll_is_refused_at_once(tmp_path, free_port):
    port = free_port()
    no_quotes(poll(Gateway(port=port), tmp_path), Outcome.REFUSED, f"127.0.0.1:{port}", "start TWS")


def test_a_host_that_does_not_exist_is_refused_with_its_name(tmp_path):
    no_quotes(poll(Gateway(host="gateway.invalid"), tmp_path), Outcome.REFUSED, "gateway.invalid:7497", "reached")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (replace(FAST, greeting=False), "start of a session"),
        (replace(FAST, unanswered=EVERYTHING), "start of a session"),
        (replace(FAST, unanswered=EVERYTHING - {Ask.START}), "what time it is"),
        (replace(FAST, unanswered=frozenset({Ask.CONTRACT})), "what SPY is"),
        (replace(FAST, unanswered=frozenset({Ask.OPTION_PARAMETERS})), "which options SPY has"),
        (replace(FAST, unanswered=frozenset({Ask.MARKET_DATA})), "no quote of SPY"),
    ],
    ids=["handshake", "start", "time", "contract", "options", "ticks"],
)
def test_a_gateway_that_falls_silent_is_given_up_wherever_it_does(simulate, tmp_path, ask, behaviour, words):
    simulator = simulate(behaviour)
    no_quotes(ask(simulator, tmp_path, IMPATIENT), Outcome.SILENT, words)
    simulator.behaviour = FAST
    assert ask(simulator, tmp_path, TINY).outcome is Outcome.COMPLETE


def test_options_that_never_tick_are_silence_and_no_quotes(simulate, known, ask):
    simulator = simulate()
    simulator.at_line(1, lambda it: setattr(it, "behaviour", replace(FAST, unanswered=frozenset({Ask.MARKET_DATA}))))
    no_quotes(ask(simulator, known, IMPATIENT), Outcome.SILENT, "without an answer")


def test_nothing_outlasts_the_budget(simulate, tmp_path, ask):
    patient = Limits(budget=0.8, answer=600.0, quiet=600.0)
    silent = simulate(replace(FAST, unanswered=EVERYTHING))
    no_quotes(ask(silent, tmp_path, patient), Outcome.SILENT)
    without_greeks = simulate(replace(FAST, greeks_delay=NEVER))
    done = ask(without_greeks, tmp_path, replace(patient, lines=9, budget=1.5))
    assert done.outcome is Outcome.COMPLETE
    assert len(done.quotes) == 8


@pytest.fixture
def stranger():
    """A server that is no gateway: it answers with bytes, and hangs up or stays."""
    opened = []

    def listen(says: bytes, hangs_up: bool) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve() -> None:
            connection, _ = server.accept()
            opened.append(connection)
            connection.sendall(says)
            if hangs_up:
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    yield listen
    for each in opened:
        each.close()


@pytest.mark.parametrize(("hangs_up", "outcome"), [(True, Outcome.DROPPED), (False, Outcome.SILENT)])
def test_a_server_that_is_no_gateway_is_told_from_one(tmp_path, stranger, hangs_up, outcome):
    port = stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n", hangs_up)
    no_quotes(poll(Gateway(port=port), tmp_path, limits=IMPATIENT), outcome)


# ---------------------------------------------------------------------- lost in the middle


def test_a_connection_dropped_in_mid_poll_is_had_again(simulate, known, ask):
    simulator = simulate()
    simulator.at_line(10, Simulator.drop)
    done = ask(simulator, known)
    assert done.outcome is Outcome.COMPLETE
    assert done.asked == len(done.quotes)
    assert simulator.asked[Ask.START] == 2


def test_a_gateway_that_goes_away_in_mid_poll_leaves_no_quotes(simulate, known, ask):
    simulator = simulate()
    simulator.at_line(10, Simulator.vanish)
    no_quotes(ask(simulator, known, IMPATIENT), Outcome.DROPPED, "closed the connection", "since then", "listens")


def test_a_gateway_that_hangs_up_at_every_try_is_not_tried_for_ever(simulate, known, ask):
    simulator = simulate()
    for count in range(1, 1000):
        simulator.at_line(count, Simulator.drop)
    done = ask(simulator, known, replace(IMPATIENT, budget=1.5))
    no_quotes(done, Outcome.DROPPED, "closed the connection")
    assert simulator.asked[Ask.START] > 1


def test_data_lost_are_asked_for_again_on_the_same_connection(simulate, known, ask):
    simulator = simulate(replace(FAST, tick_delay=0.2, greeks_delay=0.2))
    simulator.at_line(5, Simulator.lose_data)
    done = ask(simulator, known, TINY)
    assert done.outcome is Outcome.COMPLETE
    assert done.asked == len(done.quotes)
    assert {1100, 1101} <= set(done.codes)
    assert simulator.asked[Ask.START] == 1
    assert simulator.asked[Ask.MARKET_DATA] > 1 + done.asked


def test_a_connection_to_ib_that_is_lost_and_kept_its_data_costs_nothing(simulate, known, ask):
    simulator = simulate(replace(FAST, tick_delay=0.2, greeks_delay=0.2))

    def blink(it: Simulator) -> None:
        it.say(1100, "Connectivity between IB and Trader Workstation has been lost.")
        it.say(1102, "Connectivity between IB and Trader Workstation has been restored - data maintained.")

    simulator.at_line(10, blink)
    done = ask(simulator, known)
    assert done.outcome is Outcome.COMPLETE
    assert set(done.codes) == {1100, 1102}
    assert simulator.asked[Ask.MARKET_DATA] == 1 + done.asked


@pytest.mark.parametrize("code", [1100, 2110])
def test_a_gateway_without_ib_is_offline(simulate, known, ask, code):
    simulator = simulate(replace(FAST, tick_delay=NEVER, greeks_delay=NEVER))
    simulator.at_line(1, lambda it: it.say(code, "Connectivity between IB and TWS has been lost."))
    no_quotes(ask(simulator, known, IMPATIENT), Outcome.OFFLINE, "has lost IB's servers")


def test_prices_from_before_ib_was_lost_are_not_stored(simulate, known, ask):
    simulator = simulate(replace(FAST, greeks_delay=NEVER))
    simulator.at_line(FEW.lines - 6, lambda it: it.say(1100, "Connectivity has been lost."))
    no_quotes(ask(simulator, known, IMPATIENT), Outcome.OFFLINE)


def test_a_gateway_that_moves_is_followed_to_its_new_port(simulate, known, ask):
    simulator = simulate(replace(FAST, tick_delay=0.2))
    simulator.at_line(5, Simulator.move)
    port = simulator.port
    done = ask(simulator, known, TINY)
    assert done.outcome is Outcome.COMPLETE
    assert 1300 in done.codes
    assert f"127.0.0.1:{simulator.port}" in done.reason
    assert simulator.port != port


# ---------------------------------------------------------------------- said no


def test_a_client_id_in_use_is_said_at_once_and_the_other_client_is_left_alone(simulate, known, ask):
    simulator = simulate(replace(FAST, greeks_delay=0.5))
    first: list[Poll] = []
    thread = threading.Thread(target=lambda: first.append(ask(simulator, known)))
    thread.start()
    until(lambda: 10 in simulator.clients)
    second = ask(simulator, known)
    no_quotes(second, Outcome.DUPLICATE_CLIENT, "326", "already in use", "another id")
    thread.join()
    assert first[0].outcome is Outcome.COMPLETE


def test_without_permission_for_anything_the_poll_says_what_to_subscribe_to(simulate, known, ask):
    done = ask(simulate(replace(FAST, permission=Permission.NONE)), known)
    no_quotes(done, Outcome.NO_PERMISSION, "354", "SPY", "OPRA")
    assert 354 in done.codes


def test_without_permission_for_options_there_are_no_quotes(simulate, known, ask):
    done = ask(simulate(replace(FAST, options=Permission.NONE)), known)
    no_quotes(done, Outcome.NO_PERMISSION, "354", "OPRA", f"0 of {done.asked}")


def test_delayed_data_come_as_such(simulate, known, ask):
    done = ask(simulate(replace(FAST, permission=Permission.DELAYED)), known)
    assert done.outcome is Outcome.DELAYED
    assert set(done.quotes["market_data_type"]) == {"delayed"}
    assert done.quotes["ib_vol"].notna().all()
    assert 10167 in done.codes
    assert "a quarter of an hour old" in done.reason


def test_delayed_options_beside_a_live_share_are_delayed(simulate, known, ask):
    done = ask(simulate(replace(FAST, options=Permission.DELAYED)), known)
    assert done.outcome is Outcome.DELAYED
    assert set(done.quotes["market_data_type"]) == {"delayed"}


def test_another_session_that_has_the_data_ends_the_poll(simulate, known, ask):
    no_quotes(ask(simulate(replace(FAST, competing=True)), known), Outcome.COMPETING_SESSION, "10197", "logged in")


def test_too_many_messages_end_the_poll(simulate, known, ask):
    no_quotes(ask(simulate(replace(FAST, messages=10)), known), Outcome.TOO_FAST, "100", "messages a second")


def test_lines_that_others_use_leave_part_of_the_quotes(simulate, known, ask):
    done = ask(simulate(replace(FAST, lines=20)), known)
    assert done.outcome is Outcome.PARTIAL
    assert len(done.quotes) == 19
    assert f"{done.asked - 19} refused with code 101" in done.reason


def test_without_a_free_line_there_are_no_quotes(simulate, known, ask):
    for lines in (0, 1):
        no_quotes(ask(simulate(replace(FAST, lines=lines)), known), Outcome.NO_LINES, "101", "watch lists")


# ---------------------------------------------------------------------- contracts


def test_a_strike_without_a_contract_is_left_out_replaced_and_remembered(simulate, tmp_path, ask):
    weekly, gone = EXPIRATIONS[0], 500.0
    everything = listed((weekly,))
    market = SmileMarket(numbers={key: everything[key] for key in everything if key != OptionKey(weekly, gone, "C")})
    simulator = simulate(market=market)
    done = ask(simulator, tmp_path, TINY)
    assert done.outcome is Outcome.COMPLETE
    assert (done.quotes["strike"].value_counts() == 2).sum() == 3  # another pair in its stead
    assert gone not in set(done.quotes["strike"])
    asked = simulator.asked[Ask.CONTRACT]
    assert ask(simulator, tmp_path, TINY).outcome is Outcome.COMPLETE
    assert simulator.asked[Ask.CONTRACT] == asked


def test_a_contract_that_is_gone_costs_its_quote_once(simulate, known, ask):
    gone = OptionKey(EXPIRATIONS[0], 500.0, "C")
    market = SmileMarket(numbers={key: number for key, number in listed().items() if key != gone})
    simulator = simulate(market=market)
    first, second = ask(simulator, known), ask(simulator, known)
    assert first.outcome is Outcome.PARTIAL
    assert "1 refused with code 200" in first.reason
    assert second.outcome is Outcome.COMPLETE


def test_an_unknown_underlying_has_no_contract(simulate, tmp_path, ask):
    no_quotes(ask(simulate(), tmp_path, underlying="XYZ"), Outcome.NO_CONTRACT, "0 shares XYZ")


def test_an_underlying_without_expirations_ahead_has_no_contracts(simulate, tmp_path, ask):
    market = SmileMarket(numbers=listed(expirations=(NOON.date(),)))
    no_quotes(ask(simulate(market=market), tmp_path), Outcome.NO_CONTRACT, "options of SPY")


def test_contracts_that_were_kept_badly_are_asked_for_again(simulate, tmp_path, ask):
    path = known_path(tmp_path, "simulator", "SPY", NOON.date())
    path.parent.mkdir(parents=True)
    simulator = simulate()
    for text in ("", "[]", '{"share": 1}'):
        path.write_text(text)
        assert ask(simulator, tmp_path, TINY).outcome is Outcome.COMPLETE
    assert Known.read(path).numbers


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2024-07-03T16:30", Outcome.COMPLETE),  # half past twelve of a half day
        ("2024-07-03T17:30", Outcome.MARKET_CLOSED),
        ("2024-07-04T16:30", Outcome.MARKET_CLOSED),  # Independence Day
        ("2024-07-05T12:00", Outcome.MARKET_CLOSED),  # before the open
    ],
)
def test_prices_of_a_closed_market_are_no_quotes(simulate, tmp_path, ask, at, outcome):
    days = [dt.date.fromisoformat(day) for day in ("2024-07-12", "2024-07-19", "2024-08-02", "2024-09-06")]
    at = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    done = ask(simulate(market=SmileMarket(numbers=listed(days)), at=at), tmp_path, TINY)
    assert done.outcome is outcome
    assert done.quoted is (outcome is Outcome.COMPLETE)


def test_options_that_are_not_quoted_while_the_share_is_are_no_quotes(simulate, known, ask):
    done = ask(simulate(market=SmileMarket(no_options=True)), known)
    no_quotes(done, Outcome.MARKET_CLOSED, "no bids and asks")


@pytest.mark.parametrize("skew", [-3600.0, 45.0])
def test_clocks_that_disagree_end_the_poll_before_anything_is_asked(simulate, known, ask, skew):
    simulator = simulate(replace(FAST, skew=skew))
    no_quotes(ask(simulator, known), Outcome.CLOCK_SKEW, "2024-03-15", "set the clock")
    assert simulator.asked[Ask.MARKET_DATA] == 0


def test_a_clock_a_little_off_does_not_matter(simulate, known, ask):
    assert ask(simulate(replace(FAST, skew=-15.0)), known).outcome is Outcome.COMPLETE


# ---------------------------------------------------------------------- killed


def test_a_poll_that_is_killed_leaves_its_client_id_and_its_lines_free(simulate, known, ask):
    """It polls in a thread that never had an event loop, as a sensor's is: there a first import of ib_insync fails
    everywhere but in a coroutine."""
    simulator = simulate(replace(FAST, greeks_delay=NEVER))
    code = f"""
import datetime as dt, sys, threading
from pathlib import Path
from vol_assets.ibkr import Gateway, Limits, poll
assert "ib_insync" not in sys.modules and "eventkit" not in sys.modules
moved = dt.datetime.fromisoformat({simulator.now().isoformat()!r}) - dt.datetime.now(dt.UTC)
options = dict(now=lambda: dt.datetime.now(dt.UTC) + moved, limits=Limits(budget=120, quiet=120, lines=9))
threading.Thread(target=poll, args=(Gateway(port={simulator.port}), Path({str(known)!r})), kwargs=options).start()
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: simulator.most_lines == 9)
    process.kill()
    process.wait()
    until(lambda: not simulator.clients)
    simulator.behaviour = FAST
    assert ask(simulator, known, TINY).outcome is Outcome.COMPLETE
