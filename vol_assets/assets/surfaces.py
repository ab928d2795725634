"""surface/<underlying>, tenors/<underlying> and richness/<underlying>: from curated quotes to what desks read.

Sessions do not depend on each other but for the tenors' changes and percentiles, which look back over stored
sessions; so a range equals its daily runs, and both cores work.
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import picture, table
from vol_assets.assets.publish import (
    SessionRows,
    asked_sessions,
    named,
    not_stored,
    publish_each,
    session_asset,
    warning,
)
from vol_assets.assets.workers import in_order
from vol_assets.contracts.chains import CURATED_CHAINS, UNDERLYINGS
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.richness import RICHNESS
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.contracts.tenors import TENORS
from vol_assets.lake import Lake, Stored
from vol_assets.surfaces.fit import QUOTE_COLUMNS as FIT_QUOTE_COLUMNS
from vol_assets.surfaces.fit import surface_of, surface_rows
from vol_assets.surfaces.richness import QUOTE_COLUMNS as RICHNESS_QUOTE_COLUMNS
from vol_assets.surfaces.richness import richness_rows
from vol_assets.surfaces.tenor_history import LOOKBACK_SESSIONS, History
from vol_assets.surfaces.tenors import QUOTE_COLUMNS as TENOR_QUOTE_COLUMNS
from vol_assets.surfaces.tenors import tenor_rows

FIT_CHECK = "fit"
EXTRAPOLATION_CHECK = "extrapolation"
QUOTED_INDEX = {"SPY": "VIX", "GLD": "GVZ"}
POOR_FIT_HALF_SPREADS = 3.0  # median over a session's expirations: beyond it the slices miss what was quoted
SHOWN = ["expiration", "years", "model", "quotes", "forward", "atm_vol", "rr25", "bf25", "rmse_vol", "within_spread"]
SHOWN_TENORS = ["tenor_days", "atm_vol", "rr25", "bf25", "model_free_vol", "implied_move", "extrapolated", "confidence"]


def surface(underlying: str) -> dg.AssetsDefinition:
    """The asset surface/<underlying>."""
    contract = SURFACES[underlying]

    @session_asset(
        contract,
        group="surface",
        deps=[dg.AssetKey(CURATED_CHAINS[underlying].key)],
        checks=[FIT_CHECK],
        description=f"{underlying}: a row an expiration. Lognormal mixtures, eSSVI where quotes are few, calendar "
        "order by the running maximum; smile, moments, fit error, and the measured certificate of no arbitrage.",
    )
    def asset(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator:
        asked = asked_sessions(context)
        newest: list[pd.DataFrame] = []
        poor: list[dt.date] = []
        lifted: list[dt.date] = []

        def sessions() -> Iterator[SessionRows]:
            curated = Stored.sessions(lake, CURATED_CHAINS[underlying], asked, FIT_QUOTE_COLUMNS)
            for session, rows in zip(asked, in_order(surface_rows, zip(curated), len(asked)), strict=True):
                if len(rows):
                    newest[:] = [rows]
                    poor.extend([session] if rows["error_half_spreads"].median() > POOR_FIT_HALF_SPREADS else [])
                    lifted.extend([session] if rows["quality_flags"].str.contains("lifted").any() else [])
                why = not_stored(session, CURATED_CHAINS[underlying]) if rows.empty else None
                yield SessionRows(session, rows, why)

        def metadata() -> dict[str, dg.MetadataValue]:
            from vol_assets.surfaces import charts

            rows = newest[0]
            quotes = lake.read(CURATED_CHAINS[underlying], _day(rows), _day(rows))
            fitted = surface_of(rows)
            return {
                "newest surface": table(rows[SHOWN]),
                "smiles": picture(charts.smiles(fitted, rows, quotes)),
                "term structure": picture(charts.term_structure(fitted, rows)),
                "densities": picture(charts.densities(fitted, rows)),
            }

        def checks() -> list[dg.AssetCheckResult]:
            return [
                warning(
                    FIT_CHECK,
                    not poor,
                    sessions_that_miss_their_quotes=named(poor),
                    sessions_with_lifted_prices=named(lifted),
                    what_is_a_miss=f"median error of the expirations above {POOR_FIT_HALF_SPREADS:.0f} half-spreads",
                )
            ]

        yield from publish_each(context, lake, contract, sessions(), metadata=metadata, checks=checks)

    return asset


def tenors(underlying: str) -> dg.AssetsDefinition:
    """The asset tenors/<underlying>."""
    contract = TENORS[underlying]

    @session_asset(
        contract,
        group="surface",
        deps=[dg.AssetKey(table.key) for table in (SURFACES[underlying], CURATED_CHAINS[underlying])],
        checks=[EXTRAPOLATION_CHECK],
        description=f"The standard surface of {underlying}: 7 to 730 days by call-equivalent forward delta, and what "
        "is read off it; the two 30-day indices beside the quoted one.",
    )
    def asset(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator:
        asked = asked_sessions(context)
        quoted = _quoted_index(lake, QUOTED_INDEX[underlying], asked)
        history = History(lake.read(contract, clock.offset(asked[0], -LOOKBACK_SESSIONS), clock.offset(asked[0], -1)))
        newest: list[pd.DataFrame] = []
        sparse: list[dt.date] = []

        def sessions() -> Iterator[SessionRows]:
            surfaces = Stored.sessions(lake, SURFACES[underlying], asked)
            curated = Stored.sessions(lake, CURATED_CHAINS[underlying], asked, TENOR_QUOTE_COLUMNS)
            arguments = zip(surfaces, curated, (quoted.get(session, float("nan")) for session in asked))
            for session, rows in zip(asked, in_order(tenor_rows, arguments, len(asked)), strict=True):
                if rows.empty:
                    yield SessionRows(session, rows, not_stored(session, SURFACES[underlying]))
                    continue
                rows = history.feed(rows)
                newest[:] = [rows]
                sparse.extend([session] if rows.loc[rows["tenor_days"] == 30, "extrapolated"].any() else [])
                yield SessionRows(session, rows)

        def metadata() -> dict[str, dg.MetadataValue]:
            from vol_assets.surfaces import charts

            return {"newest tenors": table(newest[0][SHOWN_TENORS]), "by delta": picture(charts.heat_map(newest[0]))}

        yield from publish_each(
            context,
            lake,
            contract,
            sessions(),
            metadata=metadata,
            checks=lambda: [warning(EXTRAPOLATION_CHECK, not sparse, sessions_without_a_30_day_smile=named(sparse))],
        )

    return asset


def richness(underlying: str) -> dg.AssetsDefinition:
    """The asset richness/<underlying>."""
    contract = RICHNESS[underlying]

    @session_asset(
        contract,
        group="surface",
        deps=[dg.AssetKey(table.key) for table in (SURFACES[underlying], CURATED_CHAINS[underlying])],
        description=f"Every usable quote of {underlying} against the surface: theoretical value and richness in "
        "half-spreads.",
    )
    def asset(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator:
        asked = asked_sessions(context)
        newest: list[pd.DataFrame] = []

        def sessions() -> Iterator[SessionRows]:
            surfaces = Stored.sessions(lake, SURFACES[underlying], asked)
            curated = Stored.sessions(lake, CURATED_CHAINS[underlying], asked, RICHNESS_QUOTE_COLUMNS)
            for session, rows in zip(asked, in_order(richness_rows, zip(surfaces, curated), len(asked)), strict=True):
                newest[:] = [rows]
                yield SessionRows(session, rows, not_stored(session, SURFACES[underlying]) if rows.empty else None)

        def metadata() -> dict[str, dg.MetadataValue]:
            rows = newest[0]
            quotes = rows[rows["role"] == "fit"].dropna(subset="richness").sort_values("richness")
            shown = pd.concat([quotes.head(8), quotes.tail(8)]).drop(columns=["date", "symbol"])
            return {"cheapest and dearest": table(shown)}

        yield from publish_each(context, lake, contract, sessions(), metadata=metadata)

    return asset


SURFACE_ASSETS = [make(underlying) for make in (surface, tenors, richness) for underlying in UNDERLYINGS]


def _quoted_index(lake: Lake, symbol: str, asked: list[dt.date]) -> dict[dt.date, float]:
    """The volatility index quoted for each session, decimal; sessions without bars are left out."""
    bars = lake.read(CURATED_MARKET, asked[0], asked[-1], ["symbol", "close"])
    bars = bars[bars["symbol"] == symbol]
    return dict(zip(bars["date"].dt.date, bars["close"] / 100.0))


def _day(rows: pd.DataFrame) -> dt.date:
    return rows["date"].iloc[0].date()
