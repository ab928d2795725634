"""smile/spy_next: at each close, what the champion of the daily smiles says the next session's close will bring.

A row made before the session that it predicts opened is live and never rewritten. One made afterwards is a replay, and
says so: whoever serves now may have been trained, chosen or crowned on what came. How good predictions were is for
smile/leaderboard to say, on sessions that no network has seen.

Bars are an optional input and no dependency: a session whose bars failed is predicted all the same, with the share's
return read off the surface before.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.gold import AFTER_THE_BARS
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
from vol_assets.assets.smile_dataset import SURFACE, spots_before
from vol_assets.assets.smile_families import GROUP
from vol_assets.assets.smile_leaderboard import CHAIN
from vol_assets.assets.workers import in_order
from vol_assets.contracts.smile_next import LIVE, SMILE_NEXT
from vol_assets.lake import Lake, Stored
from vol_assets.smiles.contracts import DAILY_INPUTS, daily_contracts
from vol_assets.smiles.gather import close_state
from vol_assets.smiles.leaderboard import PERSISTENCE
from vol_assets.smiles.next_session import as_rows, next_session
from vol_assets.smiles.panel import DAILY, LENGTH
from vol_assets.smiles.state import SmileState
from vol_assets.tracking import Tracking

FLAGGED_CHECK = "champion"


@session_asset(
    SMILE_NEXT,
    group=GROUP,
    deps=[dg.AssetKey(SURFACE.key), dg.AssetKey(CHAIN.key), dg.AssetKey([GROUP, "leaderboard"])],
    checks=[FLAGGED_CHECK],
    op_tags=AFTER_THE_BARS,
    description="SPY's smile at the next session's close as the champion of spy_smile_daily predicts it at this one's, "
    "strike by strike beside the quotes. Live rows, made before that session opened, are never rewritten; replays say "
    "that they are. Flagged where persistence stands in.",
)
def spy_next(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], mlflow: dg.ResourceParam[Tracking]
) -> Iterator:
    from vol_assets.tracking.smile_model import champion_of_family

    asked = asked_sessions(context)
    champion = champion_of_family(mlflow, DAILY, lake.source, context.log.warning)
    model, version, kind = champion or (None, "", PERSISTENCE)
    states = _states(lake, asked)
    newest: list[pd.DataFrame] = []
    flagged: list[dt.date] = []

    def sessions() -> Iterator[SessionRows]:
        for session in asked:
            stored = lake.read(SMILE_NEXT, session, session)
            made_live = bool((stored["origin"] == LIVE).any())
            rows = stored
            if not made_live:
                before = [state for day, state in states.items() if day <= session][-LENGTH:]
                chain = lake.read(CHAIN, session, session, DAILY_INPUTS)
                contracts = daily_contracts(chain, lake.read(SURFACE, session, session))
                said = next_session(model, before, contracts)
                rows = as_rows(said, session, kind, version, dt.datetime.now(dt.UTC))
            if rows.empty:
                yield SessionRows(session, SMILE_NEXT.empty(), _why_none(lake, session))
                continue
            newest[:] = [rows]
            flagged.extend([session] if rows["flagged"].any() else [])
            yield SessionRows(session, rows, unchanged=made_live)

    def metadata() -> dict:
        from vol_assets.smiles import charts

        rows = newest[0]
        drawn = rows.assign(came_vol=np.nan)
        return {
            "predicted by": _who(rows),
            "for the close of": f"{rows['target_date'].iloc[0]:%Y-%m-%d}",
            "at the money": table(_at_the_money(rows), decimals=2),
            "smiles": picture(charts.smiles(drawn, rows["quote_time"].iloc[0], 1, rows["model"].iloc[0], DAILY)),
        }

    def checks() -> Sequence[dg.AssetCheckResult]:
        serves = f"{kind} version {version}" if champion else "nobody"
        return [warning(FLAGGED_CHECK, not flagged, serves=serves, sessions_without_it=named(flagged))]

    yield from publish_each(context, lake, SMILE_NEXT, sessions(), metadata=metadata, checks=checks)


def _states(lake: Lake, asked: list[dt.date]) -> dict[dt.date, SmileState]:
    """The states of the sessions asked for and of those before that fill their windows, ascending."""
    reach = clock.sessions(clock.offset(asked[0], 1 - LENGTH), asked[-1])
    held = [session for session in reach if lake.path(SURFACE, session).exists()]
    if not held:
        return {}
    before = spots_before(lake, held)
    stored = Stored.sessions(lake, SURFACE, held)
    found = in_order(close_state, ((one, before.get(one.session, np.nan)) for one in stored), len(held))
    return {session: state for session, state in zip(held, found, strict=True) if state is not None}


def _why_none(lake: Lake, session: dt.date) -> pd.DataFrame:
    upstream = SURFACE if not lake.path(SURFACE, session).exists() else CHAIN
    return not_stored(session, upstream)


def _who(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    version = f" version {first['model_version']}" if first["model_version"] else ": nobody is crowned yet"
    stood_in = ", for which persistence stood in" if first["flagged"] and first["model_version"] else ""
    return f"{first['model']}{version}{stood_in} ({first['origin']})"


def _at_the_money(rows: pd.DataFrame) -> pd.DataFrame:
    """The strike of each expiration that is nearest to the forward, in percent and vol points."""
    nearest = rows.loc[(rows["strike"] / rows["forward"] - 1.0).abs().groupby(rows["expiration"]).idxmin()]
    return pd.DataFrame(
        {
            "expiration": nearest["expiration"],
            "strike": nearest["strike"],
            "mid now %": 100.0 * nearest["vol"],
            "predicted %": 100.0 * nearest["predicted_vol"],
            "from now, points": 100.0 * (nearest["predicted_vol"] - nearest["fitted_vol"]),
            "from persistence, points": 100.0 * (nearest["predicted_vol"] - nearest["held_vol"]),
        }
    )
