"""The market tables: raw bars as they came, and curated bars with returns, variances and flags.

raw/market is never edited: whatever a source can put into a row is kept, with when it came. Judging prices is
curated/market's work: a session whose required symbols are not all sound is refused whole; an optional symbol
(gold, the bill rate, VVIX and its like) that is absent or odd is flagged and never blocks anything.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from vol_assets import clock
from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.symbols import FUNDS, OPTIONAL_SYMBOLS, REQUIRED_SYMBOLS, SYMBOLS

# Adjusted prices carry rounding of their own: six significant digits in the worst files seen.
ROUNDING = 1e-5
# A day's move beyond this is a wrong price: SPY's worst since 2007 is -0.116 in log (2020-03-16), HYG's 0.116.
FUND_RETURN_LIMIT = 0.35


def _on(symbols: tuple[str, ...], test, error: str) -> pa.Check:
    """A row rule that binds some symbols and lets the others pass."""

    def rule(frame: pd.DataFrame) -> pd.Series:
        return ~frame["symbol"].isin(symbols) | test(frame)

    return pa.Check(rule, name=error, error=error, ignore_na=False)


def _positive(frame: pd.DataFrame) -> pd.Series:
    prices = frame[["open", "high", "low", "close"]]
    return (prices.isna() | ((prices > 0) & (prices < np.inf))).all(axis=1)


def _high_is_highest(frame: pd.DataFrame) -> pd.Series:
    top = frame[["open", "close", "low"]].max(axis=1)
    return frame["high"].isna() | (frame["high"] >= top * (1 - ROUNDING))


def _low_is_lowest(frame: pd.DataFrame) -> pd.Series:
    bottom = frame[["open", "close", "high"]].min(axis=1)
    return frame["low"].isna() | (frame["low"] <= bottom * (1 + ROUNDING))


def _open_high_low() -> dict[str, pa.Column]:
    meanings = {"open": "first price", "high": "highest price", "low": "lowest price"}
    return {
        name: column("float64", f"{meaning}; null in close-only series", unit="USD, index points", nullable=True)
        for name, meaning in meanings.items()
    }


SESSION_CHECK = pa.Check(clock.are_sessions, name="an exchange session", error="an exchange session")
SOURCE_CHECK = pa.Check.isin(["sample", "yahoo", "files"])
SYMBOL_CHECK = pa.Check.isin(SYMBOLS, error="a known symbol")

RAW_MARKET = Contract(
    key=("raw", "market"),
    description="Daily bars as fetched, a row a symbol, never edited.",
    columns={
        "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
        "symbol": column(
            "str",
            f"{' '.join(REQUIRED_SYMBOLS)}, and {' '.join(OPTIONAL_SYMBOLS)} where the source has them",
            SYMBOL_CHECK,
        ),
        **_open_high_low(),
        "close": column(
            "float64", "last price; IRX: bank-discount yield", unit="USD, index points, percent a year", nullable=True
        ),
        "previous_close": column(
            "float64",
            "close of the session before on the adjustment basis of `close`; null where the source has none",
            unit="as close",
            nullable=True,
        ),
        "volume": column("float64", "shares or contracts traded; 0 for indices", unit="shares", nullable=True),
        "source": column("str", "where it came from", SOURCE_CHECK),
        "fetched_at": column("datetime64[us, UTC]", "when it came", unit="UTC"),
    },
    unique=("date", "symbol"),
)

CURATED_MARKET = Contract(
    key=("curated", "market"),
    description="Validated daily bars, a row for every symbol: total log return, overnight and range variance, flags.",
    columns={
        "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
        "symbol": column("str", "one of the twelve symbols", SYMBOL_CHECK),
        **_open_high_low(),
        "close": column(
            "float64",
            "last price; IRX: bank-discount yield, carried from up to 5 sessions before where it is missing",
            unit="USD, index points, percent a year",
            nullable=True,
        ),
        "volume": column("float64", "shares or contracts traded", unit="shares", nullable=True),
        "log_return": column(
            "float64", "total return ln(close / previous_close); null for rates", unit="decimal", nullable=True
        ),
        "overnight_variance": column(
            "float64",
            "ln(open / previous_close)^2",
            pa.Check.ge(0, error="at least 0"),
            unit="decimal^2 a session",
            nullable=True,
        ),
        "range_variance": column(
            "float64",
            "Garman-Klass: ln(high/low)^2 / 2 - (2 ln 2 - 1) ln(close/open)^2; null for rates",
            unit="decimal^2 a session",
            nullable=True,
        ),
        "quality_flags": column("str", "comma-separated notices on this row, empty when there is nothing to say"),
    },
    unique=("date", "symbol"),
    checks=(
        pa.Check(
            lambda frame: frame.groupby("date")["symbol"].transform("size") == len(SYMBOLS),
            name="a row for every symbol",
            error="a row for every symbol",
        ),
        _on(REQUIRED_SYMBOLS, lambda frame: frame["close"].notna(), "a close for every required symbol"),
        _on(REQUIRED_SYMBOLS, _positive, "prices above zero and finite"),
        _on(FUNDS, _high_is_highest, "high >= max(open, close, low)"),
        _on(FUNDS, _low_is_lowest, "low <= min(open, close, high)"),
        _on(
            FUNDS,
            lambda frame: ~(frame["log_return"].abs() > FUND_RETURN_LIMIT),
            f"|log_return| <= {FUND_RETURN_LIMIT}",
        ),
    ),
)
