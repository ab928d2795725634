"""raw/<underlying>_chain and curated/<underlying>_chain: option quotes as they came, and every one of them judged.

A chain has thousands of rows, so a range passes through a few sessions at a time.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import table
from vol_assets.assets.publish import (
    SessionRows,
    asked_sessions,
    named,
    not_stored,
    publish_each,
    session_asset,
    warning,
)
from vol_assets.assets.workers import BLOCK_SESSIONS, FROM_SESSIONS, in_order
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.chains import CURATED_CHAINS, RAW_CHAINS, UNDERLYINGS
from vol_assets.curation.chain_rules import SPOT_COLUMNS, implied_spots, report_quotes
from vol_assets.curation.chains import curate_chain
from vol_assets.lake import Lake, Stored
from vol_assets.sources import MarketSource, OptionChain, chains_of

DROPPED_CHECK = "dropped_quotes"
SPOT_CHECK = "spot_jump"
SPOT_JUMP = 0.25  # log change of the implied spot since the last chain: more is another underlying, or a split
SPOT_SESSIONS = 10  # the last chain must not be older
NOTES_TOLD = 10  # different ones, on the console; the asset's page has more of them
USABLE_SHARE = 0.5  # of the expirations still to come: fewer with a fitted quote are worth a look


def raw_chain(underlying: str) -> dg.AssetsDefinition:
    """The asset raw/<underlying>_chain."""
    contract = RAW_CHAINS[underlying]

    @session_asset(
        contract,
        group="raw",
        description=f"Option quotes of {underlying} as fetched, with the session's rate. A fetch equal to what is "
        "stored leaves the file untouched.",
    )
    def asset(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], market: dg.ResourceParam[MarketSource]
    ) -> Iterator:
        asked = asked_sessions(context)
        context.log.info(f"{contract.name}: asking {market.name} for {len(asked)} sessions, {asked[0]} ... {asked[-1]}")
        notes: Counter[str] = Counter()
        newest: list[pd.DataFrame] = []

        def sessions() -> Iterator[SessionRows]:
            size = BLOCK_SESSIONS if len(asked) >= FROM_SESSIONS else len(asked)
            blocks = [asked[i : i + size] for i in range(0, len(asked), size)]
            arguments = ((market, underlying, block[0], block[-1]) for block in blocks)
            for chains in in_order(chains_of, arguments, len(asked)):
                for chain in chains:
                    new = [note for note in chain.notes if note not in notes and len(chain.quotes)]
                    for note in new[: max(NOTES_TOLD - len(notes), 0)]:
                        context.log.info(f"{contract.name} {chain.session}: {note}")
                    notes.update(chain.notes)
                    newest[:] = [chain.quotes] if len(chain.quotes) else newest
                    yield _raw_rows(chain, market.name, underlying, lake)

        yield from publish_each(
            context,
            lake,
            contract,
            sessions(),
            metadata=lambda: {
                "source": market.name,
                "newest chain": table(_by_expiration(newest[0])) if newest else "none",
                "notes": dg.MetadataValue.md("\n".join(_times(*said) for said in notes.most_common(20)) or "none"),
            },
        )

    return asset


def curated_chain(underlying: str) -> dg.AssetsDefinition:
    """The asset curated/<underlying>_chain."""
    contract = CURATED_CHAINS[underlying]

    @session_asset(
        contract,
        group="curated",
        deps=[dg.AssetKey(RAW_CHAINS[underlying].key)],
        checks=[DROPPED_CHECK, SPOT_CHECK],
        description=f"Every quote of {underlying} judged, none left out: role, reason, forward, log-moneyness and "
        "European implied vols.",
    )
    def asset(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator:
        asked = asked_sessions(context)
        reasons: Counter[str] = Counter()
        newest: list[pd.DataFrame] = []
        poor: list[dt.date] = []
        spots = _Spots(
            lake.read(contract, clock.offset(asked[0], -SPOT_SESSIONS), clock.offset(asked[0], -1), SPOT_COLUMNS)
        )

        def sessions() -> Iterator[SessionRows]:
            raw = Stored.sessions(lake, RAW_CHAINS[underlying], asked)
            for session, curated in zip(asked, in_order(curate_chain, zip(raw), len(asked)), strict=True):
                if curated.empty:
                    yield SessionRows(session, curated, not_stored(session, RAW_CHAINS[underlying]))
                    continue
                reasons.update(curated["reason"].replace("", "fit").value_counts().to_dict())
                newest[:] = [curated]
                fitted = curated["role"] == "fit"
                to_come = curated.loc[~curated["reason"].isin(["expired", "expires_today"]), "expiration"].nunique()
                if curated.loc[fitted, "expiration"].nunique() < USABLE_SHARE * to_come:
                    poor.append(session)
                usable = fitted.any()
                if usable:
                    spots.feed(curated)
                yield SessionRows(session, curated, None if usable else _no_usable_quote(session, underlying, curated))

        def checks() -> list[dg.AssetCheckResult]:
            counts = pd.DataFrame(reasons.most_common(), columns=["reason", "quotes"])
            return [
                warning(
                    DROPPED_CHECK,
                    not poor,
                    quotes_by_reason=table(counts),
                    sessions_with_fewer_than_half_of_the_expirations=named(poor),
                ),
                warning(SPOT_CHECK, not spots.jumps, implied_spots="; ".join(spots.jumps[:10]) or "no jump"),
            ]

        yield from publish_each(
            context,
            lake,
            contract,
            sessions(),
            checks=checks,
            metadata=lambda: {"newest chain": table(_forwards(newest[0]))} if newest else {},
        )

    return asset


RAW = [raw_chain(underlying) for underlying in UNDERLYINGS]
CURATED = [curated_chain(underlying) for underlying in UNDERLYINGS]


class _Spots:
    """The implied spot of each chain beside that of the one before it: a chain need not say whose it is.

    stored: rows of the sessions before the first.
    """

    def __init__(self, stored: pd.DataFrame):
        self.jumps: list[str] = []
        self._last: tuple[dt.date, float] | None = None
        for _, curated in stored.groupby("date"):
            self._last = _spot_of(curated) or self._last

    def feed(self, curated: pd.DataFrame) -> None:
        """One session more, later than those before."""
        if (found := _spot_of(curated)) is None:
            return
        if self._last and self._last[0] >= clock.offset(found[0], -SPOT_SESSIONS):
            (before, was), (session, spot) = self._last, found
            if abs(np.log(spot / was)) > SPOT_JUMP:
                self.jumps.append(f"{session} {spot:.2f} after {before} {was:.2f}")
        self._last = found


def _spot_of(curated: pd.DataFrame) -> tuple[dt.date, float] | None:
    spots = implied_spots(curated)
    known = spots[np.isfinite(spots)]
    return (curated["date"].iloc[0].date(), float(known[0])) if len(known) else None


def _raw_rows(chain: OptionChain, source: str, underlying: str, lake: Lake) -> SessionRows:
    contract = RAW_CHAINS[underlying]
    rows = chain.quotes.assign(source=source)[list(contract.columns)]
    if chain.problems:
        rejects = [(pd.Timestamp(p.session), p.symbol, p.rule, p.value) for p in chain.problems]
        return SessionRows(chain.session, rows, pd.DataFrame(rejects, columns=REJECT_COLUMNS))
    if rows.empty:
        said = "; ".join(chain.notes) or "none came"
        return SessionRows(chain.session, rows, _reject(chain.session, underlying, "quotes for the session", said))
    stored = lake.read(contract, chain.session, chain.session)
    same = [name for name in contract.columns if name != "fetched_at"]
    unchanged = len(stored) == len(rows) and stored[same].equals(rows[same].reset_index(drop=True))
    return SessionRows(chain.session, rows, unchanged=unchanged)


def _no_usable_quote(session: dt.date, underlying: str, curated: pd.DataFrame) -> pd.DataFrame:
    counts = curated["reason"].value_counts()
    said = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "no quote at all"
    return _reject(session, underlying, "a usable chain", f"none of {len(curated)} quotes can be fitted: {said}"[:400])


def _reject(session: dt.date, symbol: str, rule: str, value: str) -> pd.DataFrame:
    return pd.DataFrame([(pd.Timestamp(session), symbol, rule, value)], columns=REJECT_COLUMNS)


def _times(note: str, sessions: int) -> str:
    return f"- {note}" + (f" ({sessions} sessions)" if sessions > 1 else "")


def _by_expiration(quotes: pd.DataFrame) -> pd.DataFrame:
    return quotes.groupby("expiration", as_index=False).agg(
        quotes=("strike", "size"),
        lowest_strike=("strike", "min"),
        highest_strike=("strike", "max"),
        without_bid=("bid", lambda bids: int((~(bids > 0)).sum())),
    )


def _forwards(curated: pd.DataFrame) -> pd.DataFrame:
    """A row an expiration; of gold also how many of its fitted quotes a report shows."""
    gold = curated["symbol"].iloc[0] == "GLD"
    report = {"report": ("report", "sum")} if gold else {}
    return (
        curated.assign(report=report_quotes(curated))
        .groupby("expiration", as_index=False)
        .agg(
            days=("years", lambda years: years.iloc[0] * 365),
            fit=("role", lambda roles: int((roles == "fit").sum())),
            bound=("role", lambda roles: int((roles == "bound").sum())),
            dropped=("role", lambda roles: int((roles == "dropped").sum())),
            **report,
            forward=("forward", "first"),
            rate=("rate", "first"),
            carry=("carry", "first"),
            parity_strikes=("parity_strikes", "first"),
            flags=("quality_flags", "first"),
        )
    )
