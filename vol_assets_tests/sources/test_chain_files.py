"""Option chains of drop folders the tests write: which file a session comes from, its rates, and faults by name."""

from __future__ import annotations

import datetime as dt
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vol_assets import clock
from vol_assets.contracts.chains import RAW_CHAINS
from vol_assets.errors import SessionError, SourceError
from vol_assets.settings import Settings
from vol_assets.sources import CHAIN_COLUMNS, OptionChain, open_source
from vol_assets.sources.files import FilesMarket

SESSION = dt.date(2019, 7, 2)
BEFORE, AFTER = dt.date(2019, 7, 1), dt.date(2019, 7, 3)
SAVED = dt.datetime(2019, 7, 2, 21, 30, 15, 250000, tzinfo=dt.UTC)
CHAIN = "expiration,strike,type,bid,ask,volume\n2019-07-19,290,C,6.1,6.2,10\n2019-07-19,290,P,1.5,1.6,20\n"
# The rate that a 13-week bill at 2 % stands for, from its price.
AT_TWO_PERCENT = -np.log(1 - 0.02 * 91 / 360) * 365 / 91


def write(folder: Path, name: str, content: str | bytes = CHAIN) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (SAVED.timestamp(), SAVED.timestamp()))
    return path


def chain(folder: Path, session: dt.date = SESSION, underlying: str = "SPY", rate: float | None = None) -> OptionChain:
    (answer,) = FilesMarket(folder, rate).option_chains(underlying, session, session)
    assert answer.session == session
    return answer


def problem(folder: Path) -> str:
    """What is wrong with SESSION, which is its one problem and leaves no quotes."""
    answer = chain(folder)
    (fault,) = answer.problems
    assert answer.quotes.empty
    assert (fault.session, fault.symbol) == (SESSION, "SPY")
    return fault.value


def dated(days: list[dt.date], count: int = 2) -> pd.DataFrame:
    """Chains of many sessions with a column date; strikes tell the session and the quote."""
    rows = [
        (str(day), "SPY", "2019-09-20", 100.0 * number + quote, "call", 1.0, 1.1)
        for number, day in enumerate(days)
        for quote in range(count)
    ]
    return pd.DataFrame(rows, columns=["date", "symbol", "expiration", "strike", "type", "bid", "ask"])


def test_a_chain_comes_as_the_protocol_and_its_contract_say(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    write(tmp_path, "rates.csv", "date,tenor_days,bank_discount_percent\n2019-07-02,91,2\n")
    answer = chain(tmp_path)
    assert answer.notes == answer.problems == ()
    quotes = answer.quotes
    assert tuple(quotes.columns) == CHAIN_COLUMNS
    contract = RAW_CHAINS["SPY"]
    contract.require(quotes.assign(source="files")[list(contract.columns)])
    assert (quotes["date"] == pd.Timestamp(SESSION)).all()
    assert (quotes["symbol"] == "SPY").all()
    assert (quotes["quote_time"] == clock.close_instant(SESSION)).all()
    assert (quotes["fetched_at"] == SAVED).all()
    assert quotes["bid"].tolist() == [6.1, 1.5]
    assert quotes["open_interest"].isna().all()


def test_a_range_is_answered_a_session_at_a_time_and_says_where_a_chain_was_looked_for(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    answers = list(FilesMarket(tmp_path).option_chains("SPY", BEFORE, AFTER))
    assert [answer.session for answer in answers] == [BEFORE, SESSION, AFTER]
    assert [len(answer.quotes) for answer in answers] == [0, 2, 0]
    (note,) = answers[0].notes
    assert note.startswith(f"{tmp_path}/chains/SPY/2019-07-01.csv (or .parquet) is not there")
    assert tuple(answers[0].quotes.columns) == CHAIN_COLUMNS


def test_no_file_is_read_before_its_session_is_asked_for(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-01.csv")
    answers = FilesMarket(tmp_path).option_chains("SPY", BEFORE, SESSION)
    next(answers)
    write(tmp_path, "chains/SPY/2019-07-01.csv", "")
    assert next(answers).problems == ()


def test_parquet_says_the_same_as_csv(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    table = pd.read_csv(io.StringIO(CHAIN), parse_dates=["expiration"]).astype({"type": "category"})
    table.to_parquet(write(tmp_path, "other/chains/SPY/2019-07-02.parquet", b""))
    parquet = chain(tmp_path / "other").quotes.drop(columns="fetched_at")
    pd.testing.assert_frame_equal(parquet, chain(tmp_path).quotes.drop(columns="fetched_at"))


# A file of many sessions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_a_year_in_parquet_is_read_a_session_at_a_time(tmp_path, as_text):
    days = clock.sessions("2019-06-24", "2019-07-12")
    frame = dated(days, count=7)
    if not as_text:
        frame["date"] = pd.to_datetime(frame["date"])
    path = write(tmp_path, "chains/SPY/options_2019.parquet", b"")
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=10)  # a session may lie across two
    answers = list(FilesMarket(tmp_path).option_chains("SPY", days[0], days[-1]))
    assert [answer.session for answer in answers] == days
    for number, answer in enumerate(answers):
        assert answer.problems == ()
        assert answer.quotes["strike"].tolist() == [100.0 * number + quote for quote in range(7)]


def test_sessions_in_any_order_and_faults_keep_their_rows(tmp_path):
    frame = dated([AFTER, SESSION, BEFORE] * 2)
    frame["type"] = frame["type"].where(frame["strike"] != 401.0, "?")
    path = write(tmp_path, "chains/SPY/2019.parquet", b"")
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=5)
    answer = chain(tmp_path)
    assert answer.quotes["strike"].tolist() == [100.0, 101.0, 400.0]
    assert f"{path}: 1 row with an unreadable type left out, the first in row 10 (type = '?')" in answer.notes


def test_a_vendors_file_under_its_own_name_is_found_by_its_dates(tmp_path):
    text = dated([BEFORE, SESSION]).to_csv(index=False)
    write(tmp_path, "chains/SPY/SPY_eod_full.csv", text.replace("call,1.0", "what,1.0", 1))
    (first, second, third) = FilesMarket(tmp_path).option_chains("SPY", BEFORE, AFTER)
    assert [len(answer.quotes) for answer in (first, second, third)] == [1, 2, 0]
    assert "in line 2 (type = 'what')" in first.notes[0]


def test_a_file_with_neither_date_nor_name_of_a_session_is_refused_naming_it(tmp_path):
    path = write(tmp_path, "chains/SPY/download.csv")
    with pytest.raises(SourceError) as raised:
        chain(tmp_path)
    assert str(raised.value).startswith(f"{path} has neither the date of a session for a name nor a column date")
    assert "name it <YYYY-MM-DD>.csv" in str(raised.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_unreadable_date_among_many_is_refused_naming_where_it_stands(tmp_path, suffix):
    frame = dated([BEFORE, SESSION])
    frame.loc[3, "date"] = "July"
    path = write(tmp_path, f"chains/SPY/many.{suffix}", frame.to_csv(index=False))
    if suffix == "parquet":
        frame.to_parquet(path)
    with pytest.raises(SourceError, match=rf"many\.{suffix} (line 5|row group 0): date = 'July' is no date; write it"):
        chain(tmp_path)


@pytest.mark.parametrize("other", ["2019-07-02.parquet", "year.parquet"])
def test_two_files_of_one_session_are_its_problem_and_not_the_next_ones(tmp_path, other):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    write(tmp_path, "chains/SPY/2019-07-03.csv")
    dated([SESSION]).to_parquet(write(tmp_path, f"chains/SPY/{other}", b""))
    assert problem(tmp_path) == f"{tmp_path}/chains/SPY/2019-07-02.csv and {other} both hold it; " + (
        "remove the one not to be used"
    )
    assert len(chain(tmp_path, AFTER).quotes) == 2


# What cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty; fill it or remove it"),
        ("\n \n", "is empty; fill it or remove it"),
        (CHAIN.splitlines()[0], "holds no rows; fill it or remove it"),
        ("date,close\n2019-07-02,1\n", "has no column expiration and no column strike and no column type"),
        (CHAIN.replace(",", ";"), "among expiration;strike;type;bid;ask;volume"),
        (CHAIN.replace("290,C", '290,"C'), "is not CSV"),
        (CHAIN.encode("utf-16"), "is not UTF-8 text"),
        (CHAIN.encode() + b"2019-07-19,29\0\0\0", "line 4 holds null bytes"),
        (CHAIN.replace("type", "symbol").replace(",C,", ",QQQ,").replace(",P,", ",QQQ,"), "has no column type"),
        (dated([SESSION]).assign(symbol="QQQ").to_csv(index=False), "holds quotes of QQQ, not of SPY; move it"),
        (dated([AFTER]).to_csv(index=False), "holds no quote of 2019-07-02 but of 2019-07-03 ... 2019-07-03; name it"),
    ],
)
def test_a_file_that_cannot_be_read_costs_its_session_and_is_named(tmp_path, content, said):
    path = write(tmp_path, "chains/SPY/2019-07-02.csv", content)
    value = problem(tmp_path)
    assert value.startswith(str(path))
    assert said in value


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing of the kind", CHAIN.encode()])
def test_a_corrupt_parquet_file_costs_its_session_and_is_named(tmp_path, content):
    path = write(tmp_path, "chains/SPY/2019-07-02.parquet", content)
    assert problem(tmp_path).startswith(f"{path} is not a readable Parquet file")


def test_a_parquet_file_without_rows_costs_its_session(tmp_path):
    path = write(tmp_path, "chains/SPY/2019-07-02.parquet", b"")
    dated([]).to_parquet(path)
    assert problem(tmp_path) == f"{path} holds no rows; fill it or remove it"


def test_rows_with_too_few_or_too_many_cells_are_left_out_with_their_line(tmp_path):
    path = write(tmp_path, "chains/SPY/2019-07-02.csv", CHAIN + "\n2019-07-19,295\n2019-07-19,295,C,1,2,3,4\n" + ",,\n")
    answer = chain(tmp_path)
    assert len(answer.quotes) == 2
    assert answer.notes[0] == (
        f"{path}: 2 rows with another number of cells than the header's 6 left out, the first in line 5"
    )


def test_empty_cells_beyond_the_header_are_no_fault(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-02.csv", CHAIN.replace(",10\n", ",10,,\n"))
    assert len(chain(tmp_path).quotes) == 2


def test_folders_that_are_not_there_are_named_with_the_setting_at_the_call(tmp_path):
    with pytest.raises(SourceError, match="VOL_ASSETS_FILES is not set"):
        FilesMarket(None).option_chains("SPY", SESSION, SESSION)
    with pytest.raises(
        SourceError, match=r"chains is not there; VOL_ASSETS_FILES must name a folder that holds chains"
    ):
        FilesMarket(tmp_path).option_chains("SPY", SESSION, SESSION)
    write(tmp_path, "chains/SPY/LICENSE.txt", "no chain")
    with pytest.raises(SourceError, match=r"chains/GLD is not there; put the chains of GLD there"):
        FilesMarket(tmp_path).option_chains("GLD", SESSION, SESSION)
    with pytest.raises(SourceError, match=r"chains/SPY has no chain; save each session's quotes as <YYYY-MM-DD>\.csv"):
        FilesMarket(tmp_path).option_chains("SPY", SESSION, SESSION)


def test_hidden_files_and_other_kinds_are_no_chains(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    write(tmp_path, "chains/SPY/._2019-07-02.csv", b"\0\0")
    write(tmp_path, "chains/SPY/README.md", "mine")
    assert len(chain(tmp_path).quotes) == 2


def test_an_end_that_is_no_session_is_refused(tmp_path):
    with pytest.raises(SessionError, match="2019-07-04 is no XNYS session"):
        FilesMarket(tmp_path).option_chains("SPY", SESSION, dt.date(2019, 7, 4))


def test_fifty_thousand_rows_come_whole(tmp_path):
    strikes = np.arange(50_000) / 10
    rows = "".join(f"2019-07-19,{strike},P,{strike / 2},{strike},7\n" for strike in strikes)
    write(tmp_path, "chains/SPY/2019-07-02.csv", CHAIN.splitlines()[0] + "\n" + rows)
    quotes = chain(tmp_path).quotes
    assert np.array_equal(quotes["strike"], strikes)
    assert np.array_equal(quotes["bid"], strikes / 2)


# Rates ------------------------------------------------------------------------------------------------------


def rate_columns(folder: Path, rate: float | None = None, session: dt.date = SESSION) -> tuple:
    """(rates by quote, longest tenor, age, source) of the session's chain."""
    write(folder, f"chains/SPY/{session}.csv", CHAIN + f"{session + dt.timedelta(days=200)},290,P,9,10,0\n")
    quotes = chain(folder, session, rate=rate).quotes
    (tenor,), (age,), (source,) = (quotes[f"rate_{name}"].unique() for name in ("tenor_days", "age_sessions", "source"))
    return quotes["rate"].tolist(), tenor, age, source


def test_rates_csv_comes_first_then_the_bill_then_the_setting(tmp_path):
    rates = write(tmp_path, "rates.csv", "date,tenor_days,bank_discount_percent\n2019-07-02,91,2\n")
    bill = write(tmp_path, "bars/IRX.csv", "date,close\n2019-07-01,2\n")
    assert rate_columns(tmp_path, 0.05) == ([pytest.approx(AT_TWO_PERCENT)] * 3, 91.0, 0.0, "rates.csv")
    rates.unlink()
    assert rate_columns(tmp_path, 0.05) == ([pytest.approx(AT_TWO_PERCENT)] * 3, 91.0, 1.0, "IRX")
    bill.unlink()
    found = rate_columns(tmp_path, 0.05)
    assert (found[0], found[3]) == ([0.05] * 3, "setting")
    assert np.isnan(found[1:3]).all()


def test_without_any_rate_it_is_null_and_a_note_says_so(tmp_path):
    found = rate_columns(tmp_path)
    assert np.isnan(found[0] + [*found[1:3]]).all()
    assert found[3] == ""
    assert any("VOL_ASSETS_RATE is not set" in note for note in chain(tmp_path).notes)


def test_a_curve_is_straight_between_its_tenors_and_flat_beyond(tmp_path):
    write(tmp_path, "rates.csv", "date,tenor_days,rate_percent\n2019-07-02,117,3\n2019-07-02,17,1\n")
    assert rate_columns(tmp_path)[:2] == ([pytest.approx(0.01)] * 2 + [pytest.approx(0.03)], 117.0)
    write(tmp_path, "rates.csv", "date,tenor_days,rate_percent\n2019-07-02,300,3\n2019-07-02,100,1\n")
    assert rate_columns(tmp_path)[0] == [pytest.approx(0.01)] * 2 + [pytest.approx(0.02)]


@pytest.mark.parametrize(
    ("quoted", "age"),
    [("2019-07-02", 0), ("2019-07-01", 1), ("2019-06-30", 2), ("2019-06-28", 2), ("2019-06-25", 5)],
)
def test_the_last_rate_of_five_sessions_is_taken_and_its_age_told(tmp_path, quoted, age):
    write(
        tmp_path,
        "rates.csv",
        f"date,tenor_days,bank_discount_percent\n{quoted},91,2\n2019-07-03,91,9\n2019-06-24,91,8\n",
    )
    assert rate_columns(tmp_path, 0.05)[2:] == (float(age), "rates.csv")


def test_a_rate_six_sessions_old_is_none(tmp_path):
    write(tmp_path, "rates.csv", "date,tenor_days,bank_discount_percent\n2019-06-24,91,2\n2019-07-03,91,9\n")
    write(tmp_path, "bars/IRX.csv", "date,close\n2019-06-24,2\n")
    assert rate_columns(tmp_path, 0.05)[3] == "setting"


def test_a_holiday_of_the_bond_market_leaves_the_rate_of_the_day_before(tmp_path):
    write(tmp_path, "rates.csv", "date,tenor_days,bank_discount_percent\n2019-07-01,91,2\n2019-07-02,91,\n")
    assert rate_columns(tmp_path)[2:] == (1.0, "rates.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("date,rate\n2019-07-02,2\n", "must have the columns date, tenor_days and either bank_discount_percent or "),
        ("date,tenor_days,rate_percent,bank_discount_percent\n", "must have the columns date, tenor_days and either"),
        ("date,tenor_days,rate_percent\n2/7/2019,91,2\n", "line 2: date = '2/7/2019' is no date"),
        ("date,tenor_days,rate_percent\n2019-07-02,91,2%\n", "line 2: rate_percent = '2%' is no number"),
        ("date,tenor_days,rate_percent\n2019-07-02,-1,2\n", "line 2: rate_percent = 2 over -1 days is no rate"),
        ("date,tenor_days,rate_percent\n2019-07-02,,2\n", "line 2: tenor_days = '' is no number"),
        ("date,tenor_days,rate_percent\n2019-07-02,91\n", "line 2 has 2 cells where the header has 3"),
        ("date,tenor_days,rate_percent\n2019-07-02,91,200\n", "line 2: rate_percent = 200 over 91 days is no rate"),
        ("date,tenor_days,bank_discount_percent\n2019-07-02,7200,6\n", "= 6 over 7200 days is no rate in percent"),
        ("date,tenor_days,rate_percent\n2019-07-02,91,2\n2019-07-02,91,3\n", "lines 2 and 3 give different rates"),
    ],
)
def test_a_file_of_rates_that_cannot_be_read_stops_the_run_naming_the_line(tmp_path, content, said):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    path = write(tmp_path, "rates.csv", content)
    with pytest.raises(SourceError) as raised:
        chain(tmp_path)
    assert str(raised.value).startswith(str(path))
    assert said in str(raised.value)


def test_the_same_rate_twice_is_one(tmp_path):
    write(tmp_path, "rates.csv", "date,tenor_days,rate_percent\n2019-07-02,91,2\n2019-07-02,91,2.0\n")
    assert rate_columns(tmp_path)[0] == [0.02] * 3


def test_a_bill_that_cannot_be_read_is_a_note_and_the_next_rate_counts(tmp_path):
    write(tmp_path, "bars/IRX.csv", "nothing\n")
    assert rate_columns(tmp_path, 0.05)[3] == "setting"
    (note,) = chain(tmp_path, rate=0.05).notes
    assert note.startswith(f"IRX: not used for rates, for {tmp_path}/bars/IRX.csv has no column date")


def test_the_setting_reaches_the_source(tmp_path):
    write(tmp_path, "chains/SPY/2019-07-02.csv")
    environment = {"VOL_ASSETS_SOURCE": "files", "VOL_ASSETS_FILES": str(tmp_path), "VOL_ASSETS_RATE": "0.031"}
    (answer,) = open_source(Settings.from_env(environment)).option_chains("SPY", SESSION, SESSION)
    assert answer.quotes["rate"].tolist() == [0.031, 0.031]


def test_a_source_goes_to_other_processes_and_reads_a_changed_file_again(tmp_path):
    path = write(tmp_path, "chains/SPY/year.csv", dated([SESSION]).to_csv(index=False))
    rates = write(tmp_path, "rates.csv", "date,tenor_days,rate_percent\n2019-07-02,91,2\n")
    market = pickle.loads(pickle.dumps(FilesMarket(tmp_path)))
    (before,) = market.option_chains("SPY", SESSION, SESSION)
    path.write_text(dated([BEFORE, SESSION]).to_csv(index=False))
    rates.write_text("date,tenor_days,rate_percent\n2019-07-02,91,2.5\n")
    (after,) = market.option_chains("SPY", SESSION, SESSION)
    assert before.quotes["strike"].tolist() == [0.0, 1.0]
    assert before.quotes["rate"].tolist() == [0.02, 0.02]
    assert after.quotes["strike"].tolist() == [100.0, 101.0]
    assert after.quotes["rate"].tolist() == [0.025, 0.025]
