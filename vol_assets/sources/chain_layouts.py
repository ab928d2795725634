"""The layouts option chains come in, as one table: which column says what, whoever wrote it, and how it is read.

A header is compared in small letters and digits only, so `open interest`, `openInterest` and `[OPEN_INTEREST]` are one.
The table knows our own layout, Yahoo's (yfinance, and dumps of it), the end-of-day files with `put/call` and `nonstd`,
that of philippdubach/options-dataset-hist (`contract_id`, `type`), and OptionsDX's, where one row holds a call in
C_ columns and a put in P_ columns. Expiration, right and strike may be left to an OCC symbol (SPY   150102C00120000).

What cannot be a row is left out with a note that says where it stands; whether a quote makes sense is for curation.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources import assemble
from vol_assets.sources.cells import day_of, is_empty, numbers_of

Read = tuple[np.ndarray, np.ndarray]  # values, and which cells are unreadable

YEARS = range(1973, 2200)  # from the first listed options on
GROUPED, DASHES = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII), ("-", "--")
RIGHT = {"c": "C", "call": "C", "p": "P", "put": "P"}
OCC_SYMBOL = r"^([A-Z][A-Z0-9.]*?) *(\d{6})([CP])(\d{8})$"
# End-of-day files mark weekly (104) and quarterly (103) expirations in the column of non-standard deliverables;
# their minis are 7 or, if weekly, 104 again, and known by their root.
STANDARD_CODES = frozenset({"", "0", "0.0", "false", "no", "n", "103", "104"})
STANDARD_SIZES = frozenset({"", "regular", "100", "100.0"})


def _by_value(cells: pd.Series, read: Callable[[object], object], none: object, dtype: str) -> Read:
    """Read each different cell once; `none` and unreadable where `read` raises a ValueError."""
    codes, different = pd.factorize(cells, use_na_sentinel=False)
    values, wrong = np.empty(len(different), dtype=dtype), np.zeros(len(different), dtype=bool)
    for number, cell in enumerate(different):
        try:
            values[number] = read(cell)
        except (ValueError, OverflowError):
            values[number], wrong[number] = none, True
    return values[codes], wrong[codes]


def _days(cells: pd.Series) -> Read:
    return _by_value(cells, lambda cell: _likely(day_of(cell)), np.datetime64("NaT"), "datetime64[D]")


def _likely(day: dt.date) -> dt.date:
    if day.year not in YEARS:
        raise ValueError("a year with a cipher too many or too few")
    return day


def _instants(cells: pd.Series) -> Read:
    return _by_value(cells, _instant, np.datetime64("NaT"), "datetime64[us]")


def _instant(cell: object) -> np.datetime64:
    """In UTC; New York time where no offset is given, and none (the close, then) for a day without a time."""
    if is_empty(cell) or cell is pd.NaT:
        return np.datetime64("NaT")
    if not isinstance(cell, dt.datetime):
        text = str(cell).strip()
        if len(text) == len("2019-01-02"):
            dt.date.fromisoformat(text)
            return np.datetime64("NaT")
        cell = dt.datetime.fromisoformat(text)
    local = cell if cell.tzinfo is not None else cell.replace(tzinfo=clock.NEW_YORK)
    return np.datetime64(local.astimezone(dt.UTC).replace(tzinfo=None))


def _numbers(cells: pd.Series) -> Read:
    """As `numbers_of`, but thousands may be grouped, as in 4,000.00, and a dash is an empty cell."""
    values, wrong = numbers_of(cells)
    for row in np.flatnonzero(wrong):
        text = str(cells.iloc[row]).strip()
        if GROUPED.fullmatch(text):
            values[row], wrong[row] = float(text.replace(",", "")), False
        elif text in DASHES:
            wrong[row] = False
    return values, wrong


def _rights(cells: pd.Series) -> Read:
    return _by_value(cells, _right, "", "object")


def _right(cell: object) -> str:
    text = str(cell).strip().lower()
    if text not in RIGHT:
        raise ValueError("neither call nor put")
    return RIGHT[text]


def _texts(cells: pd.Series) -> Read:
    return _by_value(cells, lambda cell: "" if is_empty(cell) else str(cell).strip(), "", "object")


def _marked(standard: frozenset[str]) -> Callable[[pd.Series], Read]:
    def read(cells: pd.Series) -> Read:
        def marks(cell: object) -> bool:
            return not is_empty(cell) and str(cell).strip().lower() not in standard

        return _by_value(cells, marks, False, "bool")

    return read


@dataclass(frozen=True)
class Field:
    """What a column can say, how its cells are read, and the names it goes by (in small letters and digits)."""

    name: str
    read: Callable[[pd.Series], Read]
    spellings: tuple[str, ...]
    sided: bool = False  # also comes as a pair, one column of calls and one of puts


FIELDS = (
    Field("date", _days, ("date", "quotedate")),
    Field("quote_time", _instants, ("quotetime", "quotereadtime")),
    Field("underlying", _texts, ("underlying", "under")),
    Field("symbol", _texts, ("symbol",)),  # the underlying's or the option's: its cells tell
    Field("contract", _texts, ("contractsymbol", "contractid")),
    Field("expiration", _days, ("expiration", "expirationdate", "expiredate")),
    Field("strike", _numbers, ("strike", "strikeprice")),
    Field("right", _rights, ("right", "type", "optiontype", "putcall")),
    Field("bid", _numbers, ("bid",), sided=True),
    Field("ask", _numbers, ("ask",), sided=True),
    Field("volume", _numbers, ("volume",), sided=True),
    Field("open_interest", _numbers, ("openinterest",), sided=True),
    Field("root", _texts, ("root",)),
    Field("nonstandard", _marked(STANDARD_CODES), ("nonstandard", "nonstd")),
    Field("contract_size", _marked(STANDARD_SIZES), ("contractsize",)),
    Field("vendor_bid_vol", _numbers, ("vendorbidvol", "bidiv")),
    Field("vendor_ask_vol", _numbers, ("vendoraskvol", "askiv")),
    Field("vendor_forward", _numbers, ("vendorforward", "forward")),
    Field("vendor_discount_factor", _numbers, ("vendordiscountfactor", "discountfactor")),
    Field("vendor_spot", _numbers, ("vendorspot", "spot", "underlyinglast")),
)
BY_NAME = {field.name: field for field in FIELDS}
SPELLED = {spelling: field for field in FIELDS for spelling in field.spellings}
SIDES = {"c": "C", "p": "P"}
CALLED = {"right": "type"}  # where our name is not what people call the column
NUMBERS = tuple(field.name for field in FIELDS if field.read is _numbers)


def recognise(where: str, header: Sequence[str]) -> dict[int, str]:
    """Which columns of a header (by position) say what; a SourceError when that is not enough for a chain.

    A column of one side is named `C bid`, `P bid` and so on.
    """
    names: dict[int, str] = {}
    for position, text in enumerate(header):
        spelling = re.sub(r"[^a-z0-9]", "", str(text).lower())
        if spelling in SPELLED:
            names[position] = SPELLED[spelling].name
        elif spelling[:1] in SIDES and spelling[1:] in SPELLED and SPELLED[spelling[1:]].sided:
            names[position] = f"{SIDES[spelling[0]]} {SPELLED[spelling[1:]].name}"
    given = list(names.values())
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        spelled = ", ".join(str(header[position]).strip() for position, name in names.items() if name in twice)
        raise SourceError(f"{where} has more than one column for {', '.join(twice)} ({spelled}); keep one")
    missing = _missing(set(given))
    if missing:
        raise SourceError(
            f"{where} has no column {' and no column '.join(missing)} among {', '.join(map(str, header))}; a chain "
            "needs expiration, strike and type (or an option symbol such as SPY250826C00540000), bid and ask, "
            "separated by commas"
        )
    return names


def _missing(given: set[str]) -> list[str]:
    by_symbol = bool(given & {"contract", "symbol"})
    wide = {"C bid", "C ask", "P bid", "P ask"} <= given
    needed = [] if by_symbol else ["expiration", "strike"]
    if not wide:
        needed += ["bid", "ask"] if by_symbol else ["right", "bid", "ask"]
    return [CALLED.get(name, name) for name in needed if name not in given]


def quotes(
    where: str,
    cells: pd.DataFrame,
    underlying: str,
    session: dt.date,
    place: Callable[[int], str],
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of `cells` (columns as `recognise` names them) that are quotes of `underlying` at `session`, and notes.

    The frame has the columns of raw/<underlying>_chain up to vendor_spot, in the order the rows came. `place(row)`
    says where a row stands. A SourceError when the file is another underlying's or session's, or has no usable row.
    """
    if cells.empty:
        raise SourceError(f"{where} holds no rows; fill it or remove it")
    sieve = _Sieve(where, _one_side_a_row(cells.reset_index(drop=True)), place)
    contract = sieve.contracts()
    roots, expirations, rights, strikes = _occ(contract)
    roots = sieve.read("root", roots)
    sieve.keep_underlying(underlying, roots)
    instants = sieve.keep_session(session)
    frame = pd.DataFrame(index=sieve.cells.index)
    frame["expiration"] = sieve.read("expiration", expirations)
    frame["right"] = sieve.read("right", rights)
    unnamed = frame["expiration"].isna() | (frame["right"] == "")
    sieve.leave_out(unnamed.to_numpy(), "without a readable option symbol", contract)
    for name in NUMBERS:
        frame[name] = sieve.read(name, strikes if name == "strike" else np.nan)
    frame["root"] = roots
    marked = sieve.read("nonstandard", False) | sieve.read("contract_size", False)
    frame["nonstandard"] = marked | frame["root"].str.fullmatch(re.escape(underlying) + r"\d+").to_numpy()
    close = clock.close_instant(session).tz_localize(None).to_datetime64()
    frame["quote_time"] = np.where(np.isnat(instants), close.astype("datetime64[us]"), instants)
    if not sieve.keep.any():
        raise SourceError(f"{where} holds no row that can be read: {'; '.join(sieve.notes)}; mend or remove the file")
    frame = frame[sieve.keep].reset_index(drop=True)
    frame["expiration"] = frame["expiration"].astype("datetime64[ns]")
    frame["quote_time"] = frame["quote_time"].astype("datetime64[us]").dt.tz_localize("UTC")
    return frame, [f"{where}: {note}" for note in sieve.notes]


def _one_side_a_row(cells: pd.DataFrame) -> pd.DataFrame:
    """Rows that hold a call and a put as two rows, the call first; `cells.index` still says which row each was."""
    if "bid" in cells or "C bid" not in cells:
        return cells
    sides = []
    for side in SIDES.values():
        own = {f"{side} {field.name}": field.name for field in FIELDS if field.sided}
        sides.append(cells.rename(columns=own).assign(right=side))
    return pd.concat(sides).sort_index(kind="stable")


def _occ(contract: pd.Series | None) -> tuple[object, object, object, object]:
    """Root, expiration, right and strike of OCC symbols; empty where there is none to read."""
    if contract is None:
        return "", np.datetime64("NaT", "D"), "", np.nan
    parts = contract.str.extract(OCC_SYMBOL)
    days, _ = _days("20" + parts[1])
    strikes = pd.to_numeric(parts[3]).to_numpy(dtype="float64") / 1000.0
    return parts[0].fillna("").to_numpy(), days, parts[2].fillna("").to_numpy(), strikes


class _Sieve:
    """The cells of one file, which rows of them are kept, and notes on the others."""

    def __init__(self, where: str, cells: pd.DataFrame, place: Callable[[int], str]):
        self.where = where
        self.rows = cells.index.to_numpy()
        self.cells = cells.reset_index(drop=True)
        self.place = place
        self.keep = np.ones(len(cells), dtype=bool)
        self.notes: list[str] = []

    def leave_out(self, wrong: np.ndarray, what: str, shown: pd.Series | None = None) -> None:
        wrong = wrong & self.keep
        if not wrong.any():
            return
        first = int(wrong.argmax())
        where = f"in {self.place(int(self.rows[first]))}"
        if shown is not None:
            where += f" ({shown.name} = {str(shown.iloc[first])!r})"
        self.notes.append(assemble.left_out(int(wrong.sum()), what, where))
        self.keep &= ~wrong

    def read(self, name: str, otherwise: object) -> object:
        """The column as its field reads it, rows it cannot read left out; `otherwise` where there is no such column."""
        if name not in self.cells:
            return otherwise
        values, wrong = BY_NAME[name].read(self.cells[name])
        called = CALLED.get(name, name)
        self.leave_out(wrong, f"with an unreadable {called}", self.cells[name].rename(called))
        return values

    def contracts(self) -> pd.Series | None:
        """OCC symbols, if there are any; `symbol` is the underlying's otherwise."""
        if "contract" in self.cells:
            return pd.Series(self.read("contract", ""), name="option symbol")
        if "symbol" in self.cells:
            texts = pd.Series(self.read("symbol", ""), name="option symbol")
            if texts.str.fullmatch(OCC_SYMBOL[1:-1]).any():
                return texts
            missing = _missing(set(self.cells) - {"symbol"})
            if missing:
                raise SourceError(
                    f"{self.where} has no column {' and no column '.join(missing)}, and symbol = {texts[0]!r} is no "
                    "option symbol such as SPY250826C00540000; a chain needs one or the other"
                )
        return None

    def keep_underlying(self, underlying: str, roots: object) -> None:
        """Leave out rows of other underlyings: as the file names it or, where it does not, by the option's root."""
        roots = pd.Series(roots, index=self.cells.index).str.replace(r"\d+$", "", regex=True)
        texts = roots
        for name in ("symbol", "underlying"):
            named = pd.Series(self.read(name, ""), index=self.cells.index)
            named = named.mask(named.str.fullmatch(OCC_SYMBOL[1:-1]), "")
            texts = texts.mask(named != "", named)
        other = ~texts.str.upper().isin([underlying, ""]).to_numpy()
        if other.all():
            raise SourceError(
                f"{self.where} holds quotes of {', '.join(sorted(set(texts))[:3])}, not of {underlying}; "
                "move it to the folder of its underlying"
            )
        self.leave_out(other, "of other underlyings", texts.rename("underlying"))

    def keep_session(self, session: dt.date) -> np.ndarray:
        """Leave out rows that say they were quoted on another day; the instants of the quotes, where they say them."""
        asked = np.datetime64(session, "D")
        instants = self.read("quote_time", np.full(len(self.cells), np.datetime64("NaT", "us")))
        local = pd.Series(instants).dt.tz_localize("UTC").dt.tz_convert(clock.NEW_YORK)
        quoted = local.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        days = self.read("date", quoted)
        other = (~np.isnat(days) & (days != asked)) | (~np.isnat(quoted) & (quoted != asked))
        other &= self.keep
        if other.any() and not (self.keep & ~other).any():
            there = np.where(days != asked, days, quoted)[other]
            raise SourceError(
                f"{self.where} holds no quote of {session} but of {there.min()} ... {there.max()}; "
                "name it by the session it holds, or remove it"
            )
        self.leave_out(other, "of other days", pd.Series(days.astype(str), name="date"))
        return instants
