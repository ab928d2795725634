"""Inputs of a report from the sample market, as the lake would hold them, without one."""

from __future__ import annotations

import datetime as dt
from functools import cache

import pandas as pd

from vol_assets import clock
from vol_assets.curation.bars import curate
from vol_assets.curation.chains import curate_chain
from vol_assets.curation.raw import raw_bars
from vol_assets.gold.inputs import BAR_COLUMNS, BAR_SESSIONS, QUOTE_COLUMNS, SYMBOLS, TENOR_COLUMNS, GoldInputs
from vol_assets.sources import SYMBOLS as ALL_SYMBOLS
from vol_assets.sources.sample import SampleMarket
from vol_assets.surfaces.fit import surface_rows
from vol_assets.surfaces.tenor_history import History
from vol_assets.surfaces.tenors import tenor_rows

CALM, STRESSED = dt.date(2024, 7, 22), dt.date(2020, 1, 3)  # VIX lowest and highest of 2020 ... 2026


@cache
def sample_inputs(session: dt.date = CALM) -> GoldInputs:
    """Everything of the session itself, its bars, and no earlier tenors. Do not write into the frames."""
    return _inputs(session, _quotes(session))


def crossed_inputs(session: dt.date = CALM, expirations: tuple[int, ...] = (3, 4)) -> GoldInputs:
    """The same with the vols of some expirations at six tenths of what they are: calendar spreads for less than
    nothing."""
    quotes = _quotes(session).copy()
    cheap = quotes["expiration"].isin(sample_inputs(session).surface["expiration"].iloc[list(expirations)])
    vols = [f"{side}_vol" for side in ("bid", "mid", "ask")]
    quotes.loc[cheap, vols] *= 0.6
    return _inputs(session, quotes)


@cache
def _quotes(session: dt.date) -> pd.DataFrame:
    (chain,) = SampleMarket().option_chains("GLD", session, session)
    return curate_chain(chain.quotes.assign(source="sample"))


def _inputs(session: dt.date, quotes: pd.DataFrame) -> GoldInputs:
    first = clock.offset(session, 1 - BAR_SESSIONS)
    bars = curate(raw_bars(SampleMarket().daily_bars(ALL_SYMBOLS, first, session), "sample"))
    bars = bars[bars["symbol"].isin(SYMBOLS)].reset_index(drop=True)
    surface = surface_rows(quotes)
    tenors = History().feed(tenor_rows(surface, quotes, bars.loc[bars["symbol"] == "GVZ", "close"].iloc[-1] / 100))
    return GoldInputs(
        session=session,
        source="sample",
        surface=surface.sort_values("years").reset_index(drop=True),
        quotes=quotes[["date", *QUOTE_COLUMNS]],
        tenors=tenors,
        earlier_tenors=tenors.iloc[:0][["date", *TENOR_COLUMNS]],
        bars=bars[["date", *BAR_COLUMNS]],
    )


def earlier(inputs: GoldInputs, vols: list[float], days: int = 30) -> pd.DataFrame:
    """Tenors of as many sessions before: one maturity, a vol a session, the last the newest."""
    dates = clock.sessions(clock.offset(inputs.session, -len(vols)), clock.offset(inputs.session, -1))
    return pd.DataFrame(
        {
            "date": pd.to_datetime(dates),
            "tenor_days": days,
            "atm_vol": vols,
            "rr25": [0.1 * vol for vol in vols],
            "bf25": [0.02 * vol for vol in vols],
            "extrapolated": False,
        }
    )
