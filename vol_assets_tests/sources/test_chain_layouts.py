"""Each vendor's layout, written here by its column names: the same quotes come out, whoever wrote them."""

from __future__ import annotations

import csv
import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.errors import SourceError
from vol_assets.sources import chain_layouts

SESSION = dt.date(2019, 7, 1)
CLOSE = pd.Timestamp("2019-07-01 20:00", tz="UTC")

OWN = """expiration,strike,type,bid,ask,volume,open_interest,root,nonstandard
2019-07-19,290,C,6.1,6.2,10,100,SPY,False
2019-07-19,290,P,1.5,1.6,20,200,SPY,False
2019-09-20,300,P,0,8.9,,,SPY7,False
"""
YAHOO = """,contractSymbol,lastTradeDate,strike,lastPrice,bid,ask,volume,openInterest,contractSize,Type,Expiration_Date
0,SPY190719C00290000,2019-06-28 19:59:59+00:00,290.0,6.0,6.1,6.2,10,100,REGULAR,c,2019-07-19
1,SPY190719P00290000,2019-07-01 19:59:59+00:00,290.0,1.4,1.5,1.6,20,200,REGULAR,p,2019-07-19
2,SPY7190920P00300000,2019-07-01 19:59:59+00:00,300.0,8.0,0,8.9,,,MINI,p,2019-09-20
"""
YFINANCE = """contractSymbol,lastTradeDate,strike,lastPrice,bid,ask,change,volume,openInterest,inTheMoney,contractSize
SPY190719C00290000,2019-06-28 19:59:59+00:00,290.0,6.0,6.1,6.2,0,10,100,True,REGULAR
SPY190719P00290000,2019-07-01 19:59:59+00:00,290.0,1.4,1.5,1.6,0,20,200,False,REGULAR
SPY7190920P00300000,2019-07-01 19:59:59+00:00,300.0,8.0,0,8.9,0,,,True,REGULAR
"""
END_OF_DAY = """date, symbol, under, expiration, strike, put/call, bid, ask, price, volume, open interest, delta, nonstd
2019-07-01,SPY   190719C00290000,SPY,2019-07-19,290,C,6.1,6.2,0,10,100,0.7,104
2019-07-01,SPY   190719P00290000,SPY,2019-07-19,290,P,1.5,1.6,0,20,200,-0.3,0
2019-07-01,SPY7  190920P00300000,SPY,2019-09-20,300,P,0,8.9,0,,,-0.6,104
"""
DATA_SET = """contract_id,symbol,expiration,strike,type,bid,ask,volume,open_interest,date,implied_volatility,delta,rho
SPY190719C00290000,SPY,2019-07-19,290.0,call,6.1,6.2,10,100,2019-07-01,0.12,0.7,0.1
SPY190719P00290000,SPY,2019-07-19,290.0,put,1.5,1.6,20,200,2019-07-01,0.12,-0.3,0.1
SPY7190920P00300000,SPY,2019-09-20,300.0,put,0,8.9,,,2019-07-01,0.12,-0.6,0.1
"""
WIDE = """[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [UNDERLYING_LAST], [EXPIRE_DATE], [EXPIRE_UNIX], [DTE], \
[C_DELTA], [C_VOLUME], [C_SIZE], [C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_VOLUME], [STRIKE_DISTANCE]
1562011200, 2019-07-01 16:00, 2019-07-01, 295.66, 2019-07-19, 1563566400, 18, 0.7, 10.0, 1 x 2, 6.1, 6.2, 290.0, \
1.5, 1.6, 3 x 4, 20.0, 5.6
1562011200, 2019-07-01 16:00, 2019-07-01, 295.66, 2019-09-20, 1569009600, 81, 0.4, , 0 x 0, , , 300.0, 0.0, 8.9, \
0 x 5, , 4.3
"""


def cells(text: str) -> pd.DataFrame:
    """What `chain_files` makes of a CSV."""
    header, *rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    names = chain_layouts.recognise("chain.csv", header)
    return pd.DataFrame(
        [[row[position] for position in names] for row in rows], columns=list(names.values()), dtype=object
    )


def quotes(text: str, underlying: str = "SPY", session: dt.date = SESSION) -> tuple[pd.DataFrame, list[str]]:
    return chain_layouts.quotes("chain.csv", cells(text), underlying, session, lambda row: f"line {row + 2}")


def edited(old: str, new: str, text: str = OWN) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize("text", [OWN, YAHOO, YFINANCE, END_OF_DAY, DATA_SET])
def test_every_layout_of_one_row_a_quote_says_the_same(text):
    frame, notes = quotes(text)
    assert notes == []
    assert frame["expiration"].dt.strftime("%Y-%m-%d").tolist() == ["2019-07-19", "2019-07-19", "2019-09-20"]
    assert frame["strike"].tolist() == [290.0, 290.0, 300.0]
    assert frame["right"].tolist() == ["C", "P", "P"]
    assert frame["bid"].tolist() == [6.1, 1.5, 0.0]
    assert frame["ask"].tolist() == [6.2, 1.6, 8.9]
    assert frame["volume"].tolist()[:2] == [10.0, 20.0]
    assert frame["open_interest"].tolist()[:2] == [100.0, 200.0]
    assert frame[["volume", "open_interest"]].isna().all(axis=1).tolist() == [False, False, True]
    assert frame["root"].tolist() == ["SPY", "SPY", "SPY7"]
    assert frame["nonstandard"].tolist() == [False, False, True]
    assert (frame["quote_time"] == CLOSE).all()
    assert frame["vendor_spot"].isna().all()


def test_a_row_of_a_strike_becomes_its_call_and_its_put():
    frame, notes = quotes(WIDE)
    assert notes == []
    assert frame["right"].tolist() == ["C", "P", "C", "P"]
    assert frame["strike"].tolist() == [290.0, 290.0, 300.0, 300.0]
    assert frame["bid"].fillna(-1.0).tolist() == [6.1, 1.5, -1.0, 0.0]
    assert frame["ask"].fillna(-1.0).tolist() == [6.2, 1.6, -1.0, 8.9]
    assert frame["volume"].fillna(-1.0).tolist() == [10.0, 20.0, -1.0, -1.0]
    assert frame["open_interest"].isna().all()
    assert (frame["vendor_spot"] == 295.66).all()
    assert (frame["quote_time"] == CLOSE).all()


def test_vendor_vols_forwards_discount_factors_and_spots_are_kept():
    frame, _ = quotes(
        "expiration,strike,type,bid,ask,bid_iv,ask_iv,forward,discount_factor,spot\n"
        "2019-07-19,290,P,1.5,1.6,0.12,0.13,295.9,0.999,295.6\n"
    )
    vendor = ["vendor_bid_vol", "vendor_ask_vol", "vendor_forward", "vendor_discount_factor", "vendor_spot"]
    assert frame.loc[0, vendor].tolist() == [0.12, 0.13, 295.9, 0.999, 295.6]
    assert frame["root"].tolist() == [""]


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2019-07-01 15:45", "2019-07-01 19:45"),
        ("2019-07-01T19:30:15Z", "2019-07-01 19:30:15"),
        ("2019-07-01 21:30:00+02:00", "2019-07-01 19:30"),
        ("2019-07-02T00:30:00+00:00", "2019-07-02 00:30"),  # still the day before in New York
        ("2019-07-01", "2019-07-01 20:00"),
        ("", "2019-07-01 20:00"),
    ],
)
def test_a_quote_has_its_own_time_in_new_york_without_an_offset_or_else_that_of_the_close(cell, instant):
    text = f"expiration,strike,type,bid,ask,quote_time\n2019-07-19,290,P,1.5,1.6,{cell}\n"
    assert quotes(text)[0]["quote_time"].tolist() == [pd.Timestamp(instant, tz="UTC")]


def test_a_half_day_closes_at_one():
    frame, _ = quotes("expiration,strike,type,bid,ask\n2019-07-19,290,P,1.5,1.6\n", session=dt.date(2019, 7, 3))
    assert frame["quote_time"].tolist() == [pd.Timestamp("2019-07-03 17:00", tz="UTC")]


@pytest.mark.parametrize(
    ("mark", "nonstandard"),
    [("0", False), ("104", False), ("103", False), ("", False), ("False", False), ("7", True), ("1", True)],
)
def test_marks_of_weekly_and_quarterly_expirations_are_not_of_other_deliverables(mark, nonstandard):
    text = edited("SPY,False", f"SPY,{mark}")
    assert quotes(text)[0]["nonstandard"].tolist() == [nonstandard, False, True]


def test_a_contract_of_another_size_is_nonstandard_whatever_its_root():
    text = edited("True,REGULAR", "True,MINI", YFINANCE)
    assert quotes(text)[0]["nonstandard"].tolist() == [True, False, True]


def test_repeated_negative_crossed_and_expired_quotes_are_kept_for_curation():
    text = OWN + OWN.splitlines()[1] + "\n2019-06-28,-5,C,7,6,0,0,SPY,False\n2019-07-19,,C,7,6,0,0,SPY,False\n"
    frame, notes = quotes(text)
    assert notes == []
    assert frame.loc[3, frame.columns != "x"].equals(frame.loc[0])
    assert frame["strike"].tolist()[4] == -5.0
    assert np.isnan(frame["strike"].iloc[5])


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (
            "2019-07-19,290,P",
            "soon,290,P",
            r"unreadable expiration left out, the first in line 3 (expiration = 'soon')",
        ),
        ("2019-07-19,290,P", ",290,P", r"unreadable expiration left out, the first in line 3 (expiration = '')"),
        ("2019-07-19,290,P", "0219-07-19,290,P", r"(expiration = '0219-07-19')"),
        ("2019-07-19,290,P", "9999-12-31,290,P", r"(expiration = '9999-12-31')"),
        ("2019-07-19,290,P", "2019-07-19,290,X", r"unreadable type left out, the first in line 3 (type = 'X')"),
        ("2019-07-19,290,P", "2019-07-19,29O,P", r"unreadable strike left out, the first in line 3 (strike = '29O')"),
        ("1.5,1.6", "1.5,inf", r"unreadable ask left out, the first in line 3 (ask = 'inf')"),
        ("1.5,1.6", "'1.5,1.6", r"unreadable bid left out, the first in line 3 (bid = \"'1.5\")"),
    ],
)
def test_what_cannot_be_a_row_is_left_out_and_named_with_its_line(old, new, note):
    frame, (said,) = quotes(edited(old, new))
    assert said.startswith("chain.csv: 1 row with an ")
    assert note.replace("\\", "") in said
    assert frame["bid"].tolist() == [6.1, 0.0]


def test_rows_of_other_days_are_left_out_and_counted():
    text = DATA_SET + DATA_SET.split("\n", 1)[1].replace("2019-07-01", "2019-07-02")
    frame, (note,) = quotes(text)
    assert len(frame) == 3
    assert note == "chain.csv: 3 rows of other days left out, the first in line 5 (date = '2019-07-02')"


def test_a_quote_time_of_another_day_counts_as_another_day():
    text = edited("2019-07-01 16:00, 2019-07-01", "2019-07-02 16:00, 2019-07-01", WIDE)
    frame, (note,) = quotes(text)
    assert "2 rows of other days" in note
    assert frame["strike"].tolist() == [300.0, 300.0]


@pytest.mark.parametrize("cell", ["0001-01-01 00:00+14:00", "9999-12-31 23:59-05:00", "half past three"])
def test_a_quote_time_beyond_belief_costs_its_row_and_no_more(cell):
    text = f"expiration,strike,type,bid,ask,quote_time\n2019-07-19,290,P,1,2,\n2019-07-19,295,P,1,2,{cell}\n"
    frame, (note,) = quotes(text)
    assert frame["strike"].tolist() == [290.0]
    assert "left out, the first in line 3" in note


def test_nothing_but_other_days_is_refused_naming_them():
    with pytest.raises(
        SourceError, match=r"chain\.csv holds no quote of 2019-07-01 but of 2019-07-02 \.\.\. 2019-07-0"
    ):
        quotes(DATA_SET.replace("2019-07-01", "2019-07-02"))


@pytest.mark.parametrize(
    "text",
    [
        DATA_SET.replace("SPY", "QQQ"),
        YFINANCE.replace("SPY", "QQQ"),
        END_OF_DAY.replace("SPY ", "QQQ ").replace("SPY7", "QQQ7").replace("SPY,", "QQQ,"),
        OWN.replace("SPY", "QQQ"),
    ],
)
def test_the_chain_of_another_underlying_is_refused_naming_both(text):
    with pytest.raises(SourceError, match=r"chain\.csv holds quotes of QQQ, not of SPY; move it"):
        quotes(text)


def test_a_whole_markets_other_underlyings_are_left_out_and_counted():
    text = END_OF_DAY + END_OF_DAY.split("\n", 1)[1].replace("SPY ", "QQQ ").replace("SPY7", "QQQ7").replace(
        "SPY,", "QQQ,"
    )
    frame, (note,) = quotes(text)
    assert len(frame) == 3
    assert "3 rows of other underlyings left out, the first in line 5 (underlying = 'QQQ')" in note


def test_without_a_name_of_the_underlying_its_option_roots_tell():
    text = END_OF_DAY.replace(",SPY,", ",,")
    assert len(quotes(text)[0]) == 3
    with pytest.raises(SourceError, match="holds quotes of SPY, not of GLD"):
        quotes(text, underlying="GLD")


def test_the_underlyings_name_counts_more_than_an_old_root():
    frame, notes = quotes(DATA_SET.replace("SPY190719", "SWV190719"))
    assert notes == []
    assert frame["nonstandard"].tolist() == [False, False, True]


def test_an_option_symbol_that_is_none_costs_its_row():
    frame, (note,) = quotes(edited("SPY190719P00290000", "SPY 290 put", YFINANCE))
    assert len(frame) == 2
    assert (
        "1 row without a readable option symbol left out, the first in line 3 (option symbol = 'SPY 290 put')" in note
    )


def test_names_and_cells_may_have_blanks_and_other_cases():
    text = " Expiration , STRIKE,Put/Call, Bid ,ask\n 2019-07-19 , 290 , call , 6.1 , 6.2 \n"
    frame, notes = quotes(text)
    assert notes == []
    assert frame.loc[0, ["strike", "right", "bid"]].tolist() == [290.0, "C", 6.1]


def test_numbers_may_have_grouped_thousands_and_dashes_for_nothing():
    text = "Expiration,Strike Price,Type,Bid,Ask,Volume,Open Interest\n"
    text += '2019-07-19,"4,000.00",C,-,"1,006.25",--,"12,345,678"\n'
    frame, notes = quotes(text)
    assert notes == []
    assert frame.loc[0, ["strike", "ask", "open_interest"]].tolist() == [4000.0, 1006.25, 12_345_678]
    assert frame.loc[0, ["bid", "volume"]].isna().all()


@pytest.mark.parametrize("cell", ["4,00.00", "4000,00", ",400", "1,0000", "4 000", "---"])
def test_what_only_resembles_a_number_is_not_read_as_one(cell):
    _, notes = quotes(f'expiration,strike,type,bid,ask\n2019-07-19,290,C,6.1,6.2\n2019-07-19,"{cell}",C,6.1,6.2\n')
    assert any("unreadable strike" in note and repr(cell) in note for note in notes)


def test_missing_columns_are_named_with_what_came_and_what_is_needed():
    with pytest.raises(SourceError) as raised:
        chain_layouts.recognise("chain.csv", ["expiration", "price", "bid"])
    assert str(raised.value) == (
        "chain.csv has no column strike and no column type and no column ask among expiration, price, bid; a chain "
        "needs expiration, strike and type (or an option symbol such as SPY250826C00540000), bid and ask, "
        "separated by commas"
    )


def test_a_symbol_that_is_the_underlyings_does_not_stand_for_expiration_and_strike():
    with pytest.raises(SourceError, match=r"no column expiration, and symbol = 'SPY' is no option symbol"):
        quotes("symbol,type,strike,bid,ask\nSPY,C,290,1,2\n")


def test_two_columns_of_one_meaning_are_refused():
    with pytest.raises(SourceError, match=r"more than one column for bid \(bid, Bid\); keep one"):
        chain_layouts.recognise("chain.csv", ["expiration", "strike", "type", "bid", "Bid", "ask"])


def test_a_file_without_rows_or_without_a_readable_one_is_refused():
    with pytest.raises(SourceError, match="holds no rows"):
        quotes(OWN.splitlines()[0] + "\n")
    with pytest.raises(SourceError, match=r"no row that can be read: 3 rows with an unreadable type left out"):
        quotes(OWN.replace(",C,", ",?,").replace(",P,", ",?,"))


def test_typed_columns_are_read_as_text_is():
    typed = cells(END_OF_DAY).assign(
        date=pd.Timestamp(SESSION),
        expiration=pd.to_datetime(["2019-07-19", "2019-07-19", "2019-09-20"]).date,
        strike=[290, 290, 300],
        bid=[6.1, 1.5, 0.0],
        volume=pd.array([10, 20, None], dtype="Int64"),
        nonstandard=[104, 0, 104],
    )
    frame, notes = chain_layouts.quotes("chain.parquet", typed, "SPY", SESSION, str)
    assert notes == []
    pd.testing.assert_frame_equal(frame, quotes(END_OF_DAY)[0])


noise = st.text("0123456789.,-:+TZeE naCP'x/", max_size=12)


@given(edits=st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 8)), noise, max_size=5))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_cell_costs_at_most_its_row(edits):
    _, *rows = [line.split(",") for line in OWN.splitlines()]
    sound = cells(OWN)
    table = pd.DataFrame(rows, columns=sound.columns, dtype=object)
    for (row, column), text in edits.items():
        table.iat[row, column] = text
    touched = {row for row, _ in edits}
    try:
        frame, notes = chain_layouts.quotes("chain.csv", table, "SPY", SESSION, str)
    except SourceError:
        assert touched == {0, 1, 2}
        return
    assert len(frame) == 3 or notes
    for row in {0, 1, 2} - touched:
        expected = quotes(OWN)[0].loc[row]
        assert any(expected.equals(found) for _, found in frame.iterrows())
