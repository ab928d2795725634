"""What the lake has for a session's report: the surface and its quotes, the tenors and their past, six years of bars.

Only the surface must be there. The bars are an optional input: a session whose bars failed still has its options.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from vol_assets import clock
from vol_assets.contracts import Contract
from vol_assets.contracts.chains import CURATED_CHAINS
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.contracts.tenors import TENORS
from vol_assets.errors import ReportError
from vol_assets.lake import Lake

UNDERLYING = "GLD"
SYMBOLS = ("GLD", "GC=F", "GVZ")
BAR_SESSIONS = 1512  # six years: the history of the cone, the jumps and the forecast
TENOR_SESSIONS = 300  # room for some that are not stored among the 252 of a rank
BAR_COLUMNS = ("symbol", "close", "log_return", "overnight_variance", "range_variance", "quality_flags")
TENOR_COLUMNS = ("tenor_days", "atm_vol", "rr25", "bf25", "extrapolated")
QUOTE_COLUMNS = ("expiration", "strike", "right", "bid", "ask", "role", "reason", "k", "bid_vol", "mid_vol", "ask_vol")


@dataclass(frozen=True)
class GoldInputs:
    """Tables of one session, rows as in the lake; `bars` and `earlier_tenors` reach back, up to the session itself and
    the one before."""

    session: dt.date
    source: str
    surface: pd.DataFrame
    quotes: pd.DataFrame
    tenors: pd.DataFrame
    earlier_tenors: pd.DataFrame
    bars: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """By asset key, as far as they were read."""
        tenors = pd.concat([part for part in (self.earlier_tenors, self.tenors) if len(part)] or [self.tenors])
        return {
            _name(SURFACES): self.surface,
            _name(CURATED_CHAINS): self.quotes,
            _name(TENORS): tenors[["date", *TENOR_COLUMNS]],
            CURATED_MARKET.name: self.bars,
        }


class InputReader:
    """Reads the inputs of some sessions, what they share once."""

    def __init__(self, lake: Lake, sessions: Sequence[dt.date]):
        self._lake = lake
        first, last = min(sessions), max(sessions)
        bars = lake.read(CURATED_MARKET, clock.at_most_before(first, BAR_SESSIONS - 1), last, BAR_COLUMNS)
        self._bars = bars[bars["symbol"].isin(SYMBOLS)].reset_index(drop=True)
        self._tenors = lake.read(TENORS[UNDERLYING], clock.at_most_before(first, TENOR_SESSIONS), last, TENOR_COLUMNS)

    def read(self, session: dt.date) -> GoldInputs:
        """The inputs of one session; a ReportError where it has no surface, and so no price of gold at all."""
        surface, tenors, quotes = (
            self._lake.read(contracts[UNDERLYING], session, session, columns)
            for contracts, columns in ((SURFACES, None), (TENORS, None), (CURATED_CHAINS, QUOTE_COLUMNS))
        )
        if surface.empty:
            raise ReportError(
                f"there is no option surface of GLD for {session}, so no price to report on; materialize "
                f"raw/gld_chain, curated/gld_chain, surface/gld and tenors/gld of that session, if its source has the "
                f"chain"
            )
        return GoldInputs(
            session=session,
            source=self._lake.source,
            surface=surface.sort_values("years").reset_index(drop=True),
            quotes=quotes,
            tenors=tenors if len(tenors) else TENORS[UNDERLYING].empty(),
            earlier_tenors=_between(
                self._tenors, clock.at_most_before(session, TENOR_SESSIONS), clock.offset(session, -1)
            ),
            bars=_between(self._bars, clock.at_most_before(session, BAR_SESSIONS - 1), session),
        )


def _between(frame: pd.DataFrame, first: dt.date, last: dt.date) -> pd.DataFrame:
    within = frame["date"].between(pd.Timestamp(first), pd.Timestamp(last))
    return frame[within].reset_index(drop=True)


def _name(contracts: dict[str, Contract]) -> str:
    return contracts[UNDERLYING].name
