"""surface/<underlying>, tenors/<underlying> and richness/<underlying>: from curated quotes to what desks read.

Sessions do not depend on each other but for the tenors' changes and percentiles, which look back over stored
sessions; so a range equals its daily runs, and both cores work.
"""

import datetime as dt
from collections import deque
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import picture, table
from vol_assets.assets.publish import SessionRows, asked_sessions, publish_each, session_asset, warning
from vol_assets.assets.workers import in_order
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.chains import CURATED_CHAINS, UNDERLYINGS
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.richness import RICHNESS
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.contracts.tenors import TENORS
from vol_assets.lake import Lake
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


def _curated(underlying: str, columns: tuple[str, ...]) -> dg.AssetIn:
    """The curated chain as an input, of which `columns` are read."""
    return dg.AssetIn(dg.AssetKey(CURATED_CHAINS[underlying].key), metadata={"columns": list(columns)})


def surface(underlying: str) -> dg.AssetsDefinition:
    """The asset surface/<underlying>."""
    contract = SURFACES[underlying]

    @session_asset(
        contract,
        group="surface",
        ins={"curated": _curated(underlying, FIT_QUOTE_COLUMNS)},
        checks=[FIT_CHECK],
        description=f"{underlying}: a row an expiration. Lognormal mixtures, eSSVI where quotes are few, calendar "
        "order by the running maximum; smile, moments, fit error, and the measured certificate of no arbitrage.",
    )
    def asset(context: dg.AssetExecutionContext, curated: Iterator, lake: dg.ResourceParam[Lake]) -> Iterator:
        newest: list[pd.DataFrame] = []
        poor: list[dt.date] = []
        lifted: list[dt.date] = []

        def sessions() -> Iterator[SessionRows]:
            quotes: deque[dt.date] = deque()
            for rows in in_order(surface_rows, _noting(curated, quotes), len(asked_sessions(context))):
                session = quotes.popleft()
                if len(rows):
                    newest[:] = [rows]
                    poor.extend([session] if rows["error_half_spreads"].median() > POOR_FIT_HALF_SPREADS else [])
                    lifted.extend([session] if rows["quality_flags"].str.contains("lifted").any() else [])
                why = _reject(session, underlying, "an expiration with fitted quotes", "none") if rows.empty else None
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
                    sessions_that_miss_their_quotes=_some(poor),
                    sessions_with_lifted_prices=_some(lifted),
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
        ins={
            "surfaces": dg.AssetIn(dg.AssetKey(SURFACES[underlying].key)),
            "curated": _curated(underlying, TENOR_QUOTE_COLUMNS),
        },
        checks=[EXTRAPOLATION_CHECK],
        description=f"The standard surface of {underlying}: 7 to 730 days by call-equivalent forward delta, and what "
        "is read off it; the two 30-day indices beside the quoted one.",
    )
    def asset(
        context: dg.AssetExecutionContext, surfaces: Iterator, curated: Iterator, lake: dg.ResourceParam[Lake]
    ) -> Iterator:
        asked = asked_sessions(context)
        quoted = _quoted_index(lake, QUOTED_INDEX[underlying], asked)
        history = History(lake.read(contract, clock.offset(asked[0], -LOOKBACK_SESSIONS), clock.offset(asked[0], -1)))
        newest: list[pd.DataFrame] = []
        sparse: list[dt.date] = []

        def sessions() -> Iterator[SessionRows]:
            both = _both(surfaces, curated)
            arguments = ((rows, quotes, quoted.get(session, float("nan"))) for session, rows, quotes in both)
            for rows in in_order(tenor_rows, arguments, len(asked)):
                session, rows = _day(rows), history.feed(rows)
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
            checks=lambda: [warning(EXTRAPOLATION_CHECK, not sparse, sessions_without_a_30_day_smile=_some(sparse))],
        )

    return asset


def richness(underlying: str) -> dg.AssetsDefinition:
    """The asset richness/<underlying>."""
    contract = RICHNESS[underlying]

    @session_asset(
        contract,
        group="surface",
        ins={
            "surfaces": dg.AssetIn(dg.AssetKey(SURFACES[underlying].key)),
            "curated": _curated(underlying, RICHNESS_QUOTE_COLUMNS),
        },
        description=f"Every usable quote of {underlying} against the surface: theoretical value and richness in "
        "half-spreads.",
    )
    def asset(
        context: dg.AssetExecutionContext, surfaces: Iterator, curated: Iterator, lake: dg.ResourceParam[Lake]
    ) -> Iterator:
        asked = asked_sessions(context)
        arguments = ((rows, quotes) for _, rows, quotes in _both(surfaces, curated))
        found = in_order(richness_rows, arguments, len(asked))
        newest: list[pd.DataFrame] = []

        def sessions() -> Iterator[SessionRows]:
            for rows in found:
                newest[:] = [rows]
                yield SessionRows(_day(rows), rows)

        def metadata() -> dict[str, dg.MetadataValue]:
            quotes = newest[0].dropna(subset="richness").sort_values("richness")
            shown = pd.concat([quotes.head(8), quotes.tail(8)]).drop(columns=["date", "symbol"])
            return {"cheapest and dearest": table(shown)}

        yield from publish_each(context, lake, contract, sessions(), metadata=metadata)

    return asset


SURFACE_ASSETS = [make(underlying) for make in (surface, tenors, richness) for underlying in UNDERLYINGS]


def _both(surfaces: Iterator, curated: Iterator) -> Iterator[tuple[dt.date, pd.DataFrame, pd.DataFrame]]:
    """(session, surface, quotes) of the sessions that both tables hold; for another, a refused one, there is none."""
    day, quotes = dt.date.min, pd.DataFrame()
    for session, rows in surfaces:
        while day < session:
            day, quotes = next(curated, (dt.date.max, quotes))
        if day == session:
            yield session, rows, quotes


def _noting(sessions: Iterator, noted: deque[dt.date]) -> Iterator[tuple[pd.DataFrame]]:
    """The frames of (session, frame) pairs as arguments; their sessions are noted, since an answer may have no row."""
    for session, frame in sessions:
        noted.append(session)
        yield (frame,)


def _quoted_index(lake: Lake, symbol: str, asked: list[dt.date]) -> dict[dt.date, float]:
    """The volatility index quoted for each session, decimal; sessions without bars are left out."""
    bars = lake.read(CURATED_MARKET, asked[0], asked[-1], ["symbol", "close"])
    bars = bars[bars["symbol"] == symbol]
    return dict(zip(bars["date"].dt.date, bars["close"] / 100.0))


def _day(rows: pd.DataFrame) -> dt.date:
    return rows["date"].iloc[0].date()


def _reject(session: dt.date, symbol: str, rule: str, value: str) -> pd.DataFrame:
    return pd.DataFrame([(pd.Timestamp(session), symbol, rule, value)], columns=REJECT_COLUMNS)


def _some(sessions: list[dt.date]) -> str:
    return ", ".join(map(str, sessions[:10])) + (" ..." if len(sessions) > 10 else "") if sessions else "none"
