"""The bars of GLD, GC=F and GVZ as the report uses them: what is no price of its day left out, short gaps bridged."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from vol_assets import clock
from vol_assets.gold.inputs import GoldInputs

OLD_SESSIONS = 5  # a symbol whose last bar is older has none
BRIDGED_SESSIONS = 3
NO_PRICE = "not_positive|implausible_level|unfinished"


@dataclass(frozen=True)
class Bars:
    """The bars by symbol, sessions ascending; `ended`: the last bar of each symbol whose bars are too old to be used.

    A session or a few without a bar count as ones without a move: the return and the night's variance of the next bar
    hold what happened meanwhile, so that totals are right.
    """

    session: pd.Timestamp
    by_symbol: dict[str, pd.DataFrame]  # a row for every session from a symbol's first bar to its last
    ended: dict[str, pd.Timestamp]

    @classmethod
    def of(cls, inputs: GoldInputs) -> Bars:
        """What can be used of a session's inputs."""
        bars = inputs.bars
        flagged = bars["quality_flags"].str.contains(NO_PRICE)
        # GC=F settles outside the range of its few trades on many a day; its close is right.
        flagged |= bars["quality_flags"].str.contains("impossible_range") & (bars["symbol"] != "GC=F")
        rows = bars[~flagged & (bars["close"] > 0)]
        oldest = pd.Timestamp(clock.at_most_before(inputs.session, OLD_SESSIONS))
        last = rows.groupby("symbol")["date"].max()
        ended = last[last < oldest].to_dict()
        kept = rows[~rows["symbol"].isin(ended)].groupby("symbol")
        return cls(pd.Timestamp(inputs.session), {symbol: _every_session(bars) for symbol, bars in kept}, ended)

    def closes(self, symbol: str) -> pd.Series:
        """By session, those that are there."""
        return self._of_symbol(symbol, "close").dropna()

    def returns(self, symbol: str) -> pd.Series:
        """Daily log returns by session."""
        return _bridged(self._of_symbol(symbol, "log_return"))

    def variances(self, symbol: str) -> pd.Series:
        """Daily Garman-Klass and overnight variances (decimal^2) by session."""
        return _bridged(self._of_symbol(symbol, "overnight_variance") + self._of_symbol(symbol, "range_variance"))

    def last(self, symbol: str) -> pd.Timestamp | None:
        """The last session with a close."""
        closes = self.closes(symbol)
        return closes.index[-1] if len(closes) else None

    def today(self, symbol: str) -> float | None:
        """The close of the session itself."""
        return float(self.closes(symbol).iloc[-1]) if self.last(symbol) == self.session else None

    def _of_symbol(self, symbol: str, column: str) -> pd.Series:
        if symbol not in self.by_symbol:
            return pd.Series(dtype=float, index=pd.DatetimeIndex([], name="date"))
        return self.by_symbol[symbol][column]


def _every_session(bars: pd.DataFrame) -> pd.DataFrame:
    rows = bars.set_index("date")[["close", "log_return", "overnight_variance", "range_variance"]]
    return rows.reindex(pd.DatetimeIndex(clock.sessions(rows.index[0].date(), rows.index[-1].date()), name="date"))


def _bridged(daily: pd.Series) -> pd.Series:
    """0 for up to BRIDGED_SESSIONS unknown ones in a row between two known; longer gaps stay unknown."""
    unknown = daily.isna()
    runs = unknown.groupby((unknown != unknown.shift()).cumsum()).transform("sum")
    inside = daily.ffill().notna() & daily.bfill().notna()
    return daily.mask(unknown & inside & (runs <= BRIDGED_SESSIONS), 0.0)
