"""FilesMarket on drop folders the tests write: every fault is named with its file and row, and stays there."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.errors import SessionError, SourceError
from vol_assets.settings import Settings
from vol_assets.sources import BAR_COLUMNS, open_source
from vol_assets.sources.files import FilesMarket

FIRST, LAST = dt.date(2019, 7, 1), dt.date(2019, 7, 12)
BEFORE = dt.date(2019, 6, 28)
HOLIDAY = dt.date(2019, 7, 4)
DAYS = clock.sessions(BEFORE, LAST)  # DAYS[i] stands in line i + 2
HEADER = "date,open,high,low,close,adj_close,volume"
SAVED = dt.datetime(2019, 7, 12, 21, 30, 15, 250000, tzinfo=dt.UTC)


def lines(days=DAYS) -> list[str]:
    """A CSV: closes 100.5, 101.5, ..., adjusted closes 2 % lower."""
    return [HEADER] + [
        f"{day},{100 + i},{101 + i},{99 + i},{100.5 + i},{(100.5 + i) * 0.98:.6f},{1000 + i}"
        for i, day in enumerate(days)
    ]


def write(folder: Path, name: str, content: list[str] | bytes) -> Path:
    path = folder / "bars" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode())
    os.utime(path, (SAVED.timestamp(), SAVED.timestamp()))
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """A sound TLT file, so that a fault of SPY's can be seen to stay SPY's."""
    write(tmp_path, "TLT.csv", lines())
    return tmp_path


def read(folder: Path, symbols=("SPY", "TLT"), first=FIRST, last=LAST):
    return FilesMarket(folder).daily_bars(symbols, first, last)


def of(answer, symbol: str) -> pd.DataFrame:
    return answer.bars[answer.bars["symbol"] == symbol].set_index("date").drop(columns="symbol")


def edited(number: int, old: str, new: str) -> list[str]:
    """The CSV with `old` replaced by `new` in line `number`, which must hold it."""
    text = lines()
    assert old in text[number - 1]
    text[number - 1] = text[number - 1].replace(old, new, 1)
    return text


def assert_unharmed(folder: Path, answer, lost: list[dt.date]) -> None:
    """TLT is whole; SPY lacks `lost` only, and previous closes only where the session before is one of them."""
    write(folder, "GLD.csv", lines())
    sound = of(read(folder, ["GLD"]), "GLD")
    pd.testing.assert_frame_equal(of(answer, "TLT"), sound)
    expected = sound.drop(pd.DatetimeIndex([day for day in lost if day >= FIRST]))
    after = pd.DatetimeIndex([clock.offset(day, 1) for day in lost]).intersection(expected.index)
    expected.loc[after, "previous_close"] = np.nan
    pd.testing.assert_frame_equal(of(answer, "SPY"), expected)


def test_bars_come_as_the_protocol_says(folder):
    write(folder, "SPY.csv", lines())
    answer = read(folder)
    bars = answer.bars
    assert tuple(bars.columns) == BAR_COLUMNS
    assert str(bars["date"].dtype) == "datetime64[ns]"
    assert str(bars["fetched_at"].dtype) == "datetime64[us, UTC]"
    assert all(str(bars[column].dtype) == "float64" for column in BAR_COLUMNS[2:8])
    assert bars.equals(bars.sort_values(["date", "symbol"], ignore_index=True))
    assert answer.problems == ()
    assert answer.notes == ()
    assert list(of(answer, "SPY").index.date) == clock.sessions(FIRST, LAST)
    row = of(answer, "SPY").iloc[0]
    assert tuple(row[["open", "high", "low", "close", "volume"]]) == (101.0, 102.0, 100.0, 101.5, 1001.0)
    assert row["previous_close"] == pytest.approx(100.5, rel=1e-8)


def test_fetched_at_is_when_the_file_was_saved(folder):
    assert (read(folder, ["TLT"]).bars["fetched_at"] == SAVED).all()


def test_an_equals_sign_in_a_symbol_is_an_underscore_in_its_file_name(folder):
    write(folder, "GC_F.csv", lines())
    assert len(of(read(folder, ["GC=F"]), "GC=F")) == len(DAYS) - 1


def test_a_close_only_series_has_null_open_high_low_and_volume(folder):
    write(folder, "GVZ.csv", ["date,close", *(f"{day},{20 + i}" for i, day in enumerate(DAYS))])
    gvz = of(read(folder, ["GVZ"]), "GVZ")
    assert gvz[["open", "high", "low", "volume"]].isna().all(axis=None)
    assert gvz["previous_close"].tolist() == (gvz["close"] - 1).tolist()


def test_without_adjusted_closes_the_close_is_taken_as_adjusted(folder):
    write(folder, "SPY.csv", [",".join(line.split(",")[:5]) for line in lines()])
    spy = of(read(folder), "SPY")
    assert spy["previous_close"].tolist() == (spy["close"] - 1).tolist()


def test_yahoos_spelling_any_order_and_other_columns_are_read(folder):
    write(folder, "SPY.csv", lines())
    plain = of(read(folder), "SPY")
    text = [line.split(",") for line in lines()]
    text[0] = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
    write(folder, "SPY.csv", [",".join(["x", *reversed(cells)]) for cells in [text[0], *reversed(text[1:])]])
    pd.testing.assert_frame_equal(of(read(folder), "SPY"), plain)


@pytest.mark.parametrize(
    "spelling",
    [
        "{day:%Y%m%d}",
        "{day} 00:00:00",
        "{day}T16:00:00",
        "{day} 00:00:00-04:00",  # as yfinance writes it
        "{day}T00:00:00Z",  # a day's label, though in New York it is still the evening before
        "{day}T20:00:00+00:00",
        " {day} ",
        '"{day}"',
    ],
)
def test_a_date_may_be_written_in_any_iso_way(folder, spelling):
    content = [
        ",".join([spelling.format(day=day), *line.split(",")[1:]]) for day, line in zip(DAYS, lines()[1:], strict=True)
    ]
    write(folder, "SPY.csv", [HEADER, *content])
    assert_unharmed(folder, read(folder), [])


def test_an_instant_after_midnight_utc_is_the_day_before_in_new_york(folder):
    write(folder, "SPY.csv", ["date,close", "2019-07-02T01:30:00Z,100"])
    assert list(of(read(folder), "SPY").index.date) == [dt.date(2019, 7, 1)]


def test_byte_order_mark_quotes_windows_line_ends_blank_lines_and_closing_commas_are_read(folder):
    quoted = [",".join(f'"{cell}"' for cell in line.split(",")) + "," * (i > 5) for i, line in enumerate(lines())]
    write(folder, "SPY.csv", "\ufeff".encode() + "\r\n\r\n".join(quoted).encode() + b"\r\n,,,,,,\r\n")
    assert_unharmed(folder, read(folder), [])


def frame() -> pd.DataFrame:
    rows = [line.split(",") for line in lines()]
    table = pd.DataFrame(rows[1:], columns=rows[0])
    return table.astype(dict.fromkeys(table.columns[1:], "float64"))


@pytest.mark.parametrize(
    "shape",
    [
        lambda table: table,
        lambda table: table.assign(date=pd.to_datetime(table["date"])),
        lambda table: table.assign(date=pd.to_datetime(table["date"]).dt.date),
        lambda table: table.assign(Date=pd.to_datetime(table["date"])).drop(columns="date").set_index("Date"),
        lambda table: table.assign(date=pd.to_datetime(table["date"]).dt.tz_localize("America/New_York")),
        lambda table: table.assign(date=pd.to_datetime(table["date"]).dt.tz_localize("UTC")),
        lambda table: table.assign(close=table["close"].astype(str), volume=table["volume"].astype("Int64")),
    ],
)
def test_parquet_is_read_as_csv_is(folder, shape):
    path = write(folder, "SPY.parquet", b"")
    shape(frame()).to_parquet(path)
    os.utime(path, (SAVED.timestamp(), SAVED.timestamp()))
    assert_unharmed(folder, read(folder), [])


def test_a_fault_in_parquet_names_the_row(folder):
    table = frame().assign(close=lambda table: table["close"].astype(str))
    table.loc[4, "close"] = "n.a."
    path = write(folder, "SPY.parquet", b"")
    table.to_parquet(path)
    os.utime(path, (SAVED.timestamp(), SAVED.timestamp()))
    answer = read(folder)
    (problem,) = answer.problems
    assert problem.value == "bars/SPY.parquet row 5: close = 'n.a.'"
    assert_unharmed(folder, answer, [DAYS[4]])


# Rows that cost their session -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        (",104.5,", ",abc,", "close = 'abc'"),
        (",104.5,", ",inf,", "close = 'inf'"),
        (",104.5,", ',"1,004.5",', "close = '1,004.5'"),
        (",104,", ",104;0,", "open = '104;0'"),
        (",1004", ",1e", "volume = '1e'"),
        (",102.41", ",$102.41", "adj_close = '$102.410000'"),
        (",104,105,", ",x,y,", "open = 'x', high = 'y'"),
        (",104.5,", ",,", "close is empty"),
        (",104.5,", ",null,", "close is empty"),
        (",104.5,", ",NaN,", "close is empty"),
        (",1004", ",1004,7", "8 cells where the header has 7"),
        (",1004", "", "6 cells where the header has 7"),
    ],
)
def test_a_row_that_cannot_be_read_costs_its_session_and_no_other(folder, old, new, value):
    write(folder, "SPY.csv", edited(6, old, new))
    answer = read(folder)
    (problem,) = answer.problems
    assert (problem.session, problem.symbol) == (DAYS[4], "SPY")
    assert problem.value == f"bars/SPY.csv line 6: {value}"
    assert_unharmed(folder, answer, [DAYS[4]])


def test_lines_are_counted_as_an_editor_counts_them(folder):
    text = edited(6, ",104.5,", ",abc,")
    write(folder, "SPY.csv", [*text[:2], "", "", *text[2:]])
    assert read(folder).problems[0].value == "bars/SPY.csv line 8: close = 'abc'"


def test_a_fault_outside_the_range_is_not_mentioned(folder):
    write(folder, "SPY.csv", edited(6, ",104.5,", ",abc,"))
    answer = read(folder, first=DAYS[6])
    assert answer.problems == ()
    assert answer.notes == ()


def test_a_fault_on_the_session_before_the_range_costs_the_first_previous_close(folder):
    write(folder, "SPY.csv", edited(2, ",100.5,", ",abc,"))
    answer = read(folder)
    assert answer.problems == ()
    assert_unharmed(folder, answer, [BEFORE])


def test_an_empty_open_high_low_volume_or_adjusted_close_is_null_and_no_fault(folder):
    text = lines()
    text[5] = f"{DAYS[4]},,n/a,null,104.5,,"
    write(folder, "SPY.csv", text)
    answer = read(folder)
    assert answer.problems == ()
    spy = of(answer, "SPY")
    row = spy.loc[pd.Timestamp(DAYS[4])]
    assert row["close"] == 104.5
    assert row[["open", "high", "low", "volume", "previous_close"]].isna().all()
    assert spy["previous_close"].isna().sum() == 2


def test_prices_that_make_no_sense_pass_for_the_contracts_to_judge(folder):
    text = lines()
    text[5] = f"{DAYS[4]},0,90,110,-5,-5,-1"
    write(folder, "SPY.csv", text)
    answer = read(folder)
    assert answer.problems == ()
    row = of(answer, "SPY").loc[pd.Timestamp(DAYS[4])]
    assert tuple(row[["open", "high", "low", "close", "volume"]]) == (0, 90, 110, -5, -1)


def test_an_adjusted_close_of_zero_leaves_no_infinite_previous_close(folder):
    write(folder, "SPY.csv", ["date,close,adj_close", f"{DAYS[0]},100,100", f"{DAYS[1]},100,0", f"{DAYS[2]},0,0"])
    assert of(read(folder), "SPY")["previous_close"].isna().all()


def test_a_date_that_comes_twice_with_different_prices_costs_its_session_and_no_other(folder):
    write(folder, "SPY.csv", [*lines(), lines()[5].replace(",104.5,", ",104.6,")])
    answer = read(folder)
    (problem,) = answer.problems
    assert (problem.session, problem.symbol, problem.rule) == (DAYS[4], "SPY", "one row a session")
    assert problem.value == "bars/SPY.csv line 6 and line 12 differ"
    assert_unharmed(folder, answer, [DAYS[4]])


def test_a_row_that_comes_twice_the_same_is_kept_once_with_a_note(folder):
    write(folder, "SPY.csv", [*lines(), lines()[5].replace(",104.5,", ",104.500,")])
    answer = read(folder)
    assert answer.notes == (f"bars/SPY.csv: 1 row repeating another left out, the first in line 12 ({DAYS[4]})",)
    assert answer.problems == ()
    assert_unharmed(folder, answer, [])


def test_rows_on_days_without_a_session_are_left_out_and_noted_but_not_gold_futures(folder):
    extra = [f"{HOLIDAY},1,1,1,1,1,1", "2019-07-06,1,1,1,1,1,1"]
    write(folder, "SPY.csv", [*lines(), *extra])
    write(folder, "GC_F.csv", [*lines(), *extra])
    answer = read(folder, ["SPY", "TLT", "GC=F"])
    assert answer.notes == (
        "bars/SPY.csv: 2 rows on days without a session left out, the first in line 12 (2019-07-04)",
    )
    assert_unharmed(folder, answer, [])
    assert of(answer, "GC=F").equals(of(answer, "SPY"))


def test_a_missing_row_is_a_missing_session_and_the_next_has_no_previous_close(folder):
    text = lines()
    del text[5]
    write(folder, "SPY.csv", text)
    answer = read(folder)
    assert answer.problems == ()
    assert answer.notes == ()
    assert_unharmed(folder, answer, [DAYS[4]])


def test_a_year_out_of_bounds_is_a_day_like_any_other(folder):
    write(folder, "SPY.csv", [*lines(), "0219-07-10,1,1,1,1,1,1", "9999-07-10,1,1,1,1,1,1"])
    assert_unharmed(folder, read(folder), [])


def test_a_symbol_without_a_file_is_named_in_a_note(folder):
    answer = read(folder, ["TLT", "GC=F"])
    assert answer.notes == ("GC=F: bars/GC_F.csv (or .parquet) is not there",)
    assert len(answer.bars) == len(DAYS) - 1


def test_a_file_that_ends_before_the_range_is_named_with_its_extent(folder):
    header, *rows = lines(clock.sessions("2018-07-02", "2018-07-10"))
    write(folder, "GVZ.csv", [header, *reversed(rows)])
    answer = read(folder, ["TLT", "GVZ"])
    assert answer.notes == (
        "GVZ: bars/GVZ.csv has no session in 2019-07-01 ... 2019-07-12; it runs 2018-07-02 ... 2018-07-10",
    )


# Files that stop the run ------------------------------------------------------------------------------------


def test_no_bar_at_all_is_an_error_that_says_what_the_files_have(folder):
    with pytest.raises(SourceError) as raised:
        read(folder, ["TLT"], dt.date(2019, 8, 1), dt.date(2019, 8, 2))
    message = str(raised.value)
    assert "TLT on 2019-08-01 ... 2019-08-02" in message
    assert "bars/TLT.csv runs 2019-06-28 ... 2019-07-12" in message
    assert str(folder) in message
    assert "put files" in message


def test_a_session_whose_only_row_is_faulty_is_a_problem_and_no_error(folder):
    write(folder, "SPY.csv", edited(6, ",104.5,", ",abc,"))
    answer = read(folder, ["SPY"], DAYS[4], DAYS[4])
    assert len(answer.bars) == 0
    assert len(answer.problems) == 1
    assert answer.notes == ()
    assert tuple(answer.bars.columns) == BAR_COLUMNS
    assert str(answer.bars["date"].dtype) == "datetime64[ns]"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; fill it or remove it"),
        (HEADER.encode(), "holds no rows; fill it or remove it"),
        (b"day,close\n2019-07-01,1\n", "has no column date among day, close"),
        (b"date,open\n2019-07-01,1\n", "has no column close among date, open"),
        (b"date;close\n2019-07-01;1\n", "it must be comma-separated"),
        (b"date,close,Close\n2019-07-01,1,2\n", "has more than one column close; keep one"),
        (b"date,close\n2019-07-01,1\n07/02/2019,2\n", "line 3: date = '07/02/2019' is no date; write it as YYYY-MM-DD"),
        (b"date,close\n2019-07-01,1\n,2\n", "line 3: date = '' is no date"),
        (b"date,close\n2019-02-30,1\n", "line 2: date = '2019-02-30' is no date"),
        ("date,close\n2019-07-01,1\n".encode("utf-16"), "is not UTF-8 text"),
        (b'date,close\n2019-07-01,1\n2019-07-02,"2\n2019-07-03,3\n', "is not CSV"),
        (b"date,close\n2019-07-01,1\n2019-07-02,12\x00\x00", "line 3 holds null bytes; save the file again"),
    ],
)
def test_a_csv_that_cannot_be_read_is_an_error_that_names_it(folder, content, said):
    path = write(folder, "SPY.csv", content)
    with pytest.raises(SourceError) as raised:
        read(folder)
    assert str(raised.value).startswith(str(path))
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing of the kind", b"date,close\n2019-07-01,1\n"])
def test_a_corrupt_parquet_file_is_an_error_that_names_it(folder, content):
    path = write(folder, "SPY.parquet", content)
    with pytest.raises(SourceError) as raised:
        read(folder)
    assert str(raised.value).startswith(f"{path} is not a readable Parquet file")
    assert "remove it" in str(raised.value)


def test_a_parquet_file_without_a_close_is_an_error_that_names_it(folder):
    path = write(folder, "SPY.parquet", b"")
    frame().drop(columns="close").to_parquet(path)
    with pytest.raises(SourceError, match=r"SPY\.parquet has no column close among date, open"):
        read(folder)


def test_a_null_date_in_parquet_is_an_error_that_names_the_row(folder):
    table = frame().assign(date=lambda table: pd.to_datetime(table["date"]))
    table.loc[2, "date"] = pd.NaT
    table.to_parquet(write(folder, "SPY.parquet", b""))
    with pytest.raises(SourceError, match=r"SPY\.parquet row 3: date = 'NaT' is no date"):
        read(folder)


def test_two_files_of_one_symbol_are_an_error(folder):
    write(folder, "SPY.csv", lines())
    frame().to_parquet(write(folder, "SPY.parquet", b""))
    with pytest.raises(SourceError, match=r"SPY\.csv and SPY\.parquet are both there; remove"):
        read(folder)


def test_a_folder_that_is_not_there_is_named_with_the_setting(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere is not there; VOL_ASSETS_FILES"):
        read(tmp_path / "nowhere")


def test_a_folder_without_bars_is_named_with_the_setting(tmp_path):
    with pytest.raises(SourceError, match=r"bars is not there; VOL_ASSETS_FILES must name a folder that holds bars/"):
        read(tmp_path)


def test_no_file_of_any_symbol_is_an_error(folder):
    with pytest.raises(SourceError, match=r"bars has no file of SPY, VIX; save each as <SYMBOL>\.csv"):
        read(folder, ["SPY", "VIX"])


def test_an_end_that_is_no_session_is_refused(folder):
    with pytest.raises(SessionError, match="2019-07-04 is no XNYS session"):
        read(folder, last=HOLIDAY)


# Caching, speed and laws ------------------------------------------------------------------------------------


def test_a_file_is_read_once_and_again_when_it_has_changed(folder, monkeypatch):
    from vol_assets.sources import files

    reads = []
    monkeypatch.setattr(files, "_read_csv", lambda path, read=files._read_csv: reads.append(path) or read(path))
    market = FilesMarket(folder)
    market.daily_bars(["TLT"], FIRST, LAST)
    market.daily_bars(["TLT"], LAST, LAST)
    assert len(reads) == 1
    path = write(folder, "TLT.csv", edited(6, ",104.5,", ",104.7,"))
    os.utime(path, (SAVED.timestamp() + 1, SAVED.timestamp() + 1))
    changed = market.daily_bars(["TLT"], DAYS[4], DAYS[4])
    assert len(reads) == 2
    assert changed.bars["close"].tolist() == [104.7]


prices = st.floats(0.01, 10_000, allow_nan=False)


@given(
    rows=st.lists(st.tuples(st.sampled_from(DAYS), prices, prices), min_size=1, unique_by=lambda row: row[0]),
    factor=st.floats(0.1, 10),
    shuffle=st.randoms(use_true_random=False),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_re_basing_of_adjusted_closes_change_nothing(folder, rows, factor, shuffle):
    """previous_close is that of the session just before or null, whatever a later dividend does to all of history."""

    def spy(rows: list[tuple[dt.date, float, float]]) -> pd.DataFrame:
        write(folder, "SPY.csv", ["date,close,adj_close", *(f"{day},{c!r},{a!r}" for day, c, a in rows)])
        return of(read(folder), "SPY")

    plain = spy(sorted(rows))
    shuffle.shuffle(rows)
    pd.testing.assert_frame_equal(spy(rows), plain)
    pd.testing.assert_frame_equal(spy([(day, c, a * factor) for day, c, a in rows]), plain, rtol=1e-12)
    there = {day: (c, a) for day, c, a in rows}
    assert list(plain.index.date) == sorted(day for day in there if day >= FIRST)
    for day, previous in zip(plain.index.date, plain["previous_close"], strict=True):
        before = there.get(clock.offset(day, -1))
        close, adjusted = there[day]
        assert np.isnan(previous) if before is None else previous == pytest.approx(close * before[1] / adjusted)


@given(cells=st.dictionaries(st.integers(1, len(DAYS) - 1), st.text("0123456789.,-eE+naN_ x", max_size=6), max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_close_costs_at_most_its_session(folder, cells):
    text = [line.split(",") for line in lines()]
    for row, cell in cells.items():
        text[row + 1][4] = f'"{cell}"'
    write(folder, "SPY.csv", [",".join(line) for line in text])
    answer = read(folder, ["SPY"])
    lost = {problem.session for problem in answer.problems}
    assert lost <= {DAYS[row] for row in cells}
    spy = of(answer, "SPY")
    assert set(spy.index.date) == set(DAYS[1:]) - lost
    for row, day in enumerate(DAYS[1:], start=1):
        if row not in cells:
            assert spy.loc[pd.Timestamp(day), "close"] == 100.5 + row


# Which source -----------------------------------------------------------------------------------------------


def test_the_files_source_without_its_setting_says_so_at_first_use_and_not_before():
    source = open_source(Settings.from_env({"VOL_ASSETS_SOURCE": "files"}))
    assert source.name == "files"
    with pytest.raises(SourceError, match="VOL_ASSETS_FILES is not set; set it to the folder"):
        source.daily_bars(["SPY"], FIRST, LAST)


def test_the_setting_names_the_source(folder):
    assert open_source(Settings.from_env({"VOL_ASSETS_SOURCE": "yahoo"})).name == "yahoo"
    source = open_source(Settings.from_env({"VOL_ASSETS_SOURCE": "files", "VOL_ASSETS_FILES": str(folder)}))
    assert len(source.daily_bars(["TLT"], LAST, LAST).bars) == 1
