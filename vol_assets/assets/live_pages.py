"""What the pages of the live assets show: a poll in words and numbers, and a row an expiration, the nearest the money.

They are stored with every run, some 400 a day: no pictures, and a handful of rows.
"""

from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.live_rate import LiveRate
from vol_assets.assets.pages import table
from vol_assets.ibkr import Poll
from vol_assets.smiles.contracts import CONTRACT

SHOWN_NODES = (-2.0, -1.0, 0.0, 1.0)


def instant(ts: pd.Timestamp) -> str:
    """An instant by New York's clock."""
    return f"{ts.astimezone(clock.NEW_YORK):%Y-%m-%d %H:%M:%S} New York"


def rate_said(rate: LiveRate) -> dict[str, Any]:
    """The rate, and where it is from."""
    return {"rate": rate.rate, "rate from" if rate.known else "WARNING, rate from": rate.source}


def poll_said(done: Poll) -> dict[str, Any]:
    """What came of a poll."""
    codes = pd.DataFrame({"code": map(str, done.codes), "the gateway's words": done.codes.values()})
    return {
        "outcome": str(done.outcome),
        "reason": done.reason,
        "contracts asked": done.asked,
        "seconds": done.seconds,
        **({"notices": table(codes)} if len(codes) else {}),
    }


def quotes_table(quotes: pd.DataFrame) -> dg.MetadataValue:
    """Quotes with their vols."""
    rows = _nearest(quotes, (quotes["strike"] - quotes["underlying"]).abs().fillna(np.inf))
    vols = {"own vol %": 100.0 * rows["own_vol"], "IB's vol %": 100.0 * rows["ib_vol"]}
    return table(rows[[*CONTRACT, "bid", "ask"]].assign(**vols), decimals=2)


def state_table(states: pd.DataFrame) -> dg.MetadataValue:
    """The smiles of a state (STATE_COLUMNS)."""
    shown = {"expiration": states["expiration"], "days": 365.0 * states["years"], "forward": states["forward"]}
    shown |= {f"{node:+g} sd %": 100.0 * np.exp(states[f"log_vol_{node:+.1f}"]) for node in SHOWN_NODES}
    return table(pd.DataFrame(shown), decimals=2)


def predicted_table(predicted: pd.DataFrame, used: pd.DataFrame) -> dg.MetadataValue:
    """The vols of now, and those that are predicted."""
    rows = _nearest(used, used["log_moneyness"].abs())
    shown = rows[list(CONTRACT)].assign(**{"vol now %": 100.0 * rows["implied_vol"]})
    for ahead, of_one in predicted.groupby("horizon_steps"):
        vols = of_one.set_index(list(CONTRACT))["predicted_vol"]
        shown[f"in {ahead} %"] = 100.0 * vols.reindex(pd.MultiIndex.from_frame(rows[list(CONTRACT)])).to_numpy()
    return table(shown, decimals=2)


def errors(due: pd.DataFrame, came: pd.DataFrame) -> dict[str, float]:
    """What predictions missed what came by, root mean square in vol points, by horizon."""
    scored = due.drop(columns="realised_vol").merge(came, on=["family", "target_ts", *CONTRACT])
    miss = 100.0 * (scored["predicted_vol"] - scored["realised_vol"])
    squares = (miss**2).groupby(scored["horizon_steps"]).mean()
    return {f"RMSE of {ahead} ahead, vol points": float(np.sqrt(square)) for ahead, square in squares.items()}


def _nearest(rows: pd.DataFrame, distance: pd.Series) -> pd.DataFrame:
    return rows.loc[distance.groupby(rows["expiration"]).idxmin()]
