"""smile/spy_next: what each session's close was said to lead to, a row a strike of the chain."""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.chains import RIGHTS
from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK

LIVE, REPLAY = "live", "replay"

_POSITIVE = pa.Check.gt(0, error="above 0")


def _vol(description: str, *, nullable: bool = False) -> pa.Column:
    return column("float64", description, _POSITIVE, unit="decimal a year", nullable=nullable)


SMILE_NEXT = Contract(
    key=("smile", "spy_next"),
    description="SPY's smile at the next session's close as predicted at this one's, a row a strike out of the money "
    "from 7 to 91 days and within the nodes of the smile.",
    columns={
        "date": column("datetime64[ns]", "session at whose close it was predicted", SESSION_CHECK),
        "target_date": column("datetime64[ns]", "session whose close is predicted", SESSION_CHECK),
        "quote_time": column("datetime64[us, UTC]", "the instant of the quotes it was made from", unit="UTC"),
        "expiration": column("datetime64[ns]", "last day of trading"),
        "strike": column("float64", "strike", _POSITIVE, unit="USD"),
        "right": column("str", "the side that is out of the money", pa.Check.isin(RIGHTS, error="C or P")),
        "forward": column("float64", "forward of the expiration now, at which it is read", _POSITIVE, unit="USD"),
        "bid_vol": _vol("European vol of the bid now; null: none", nullable=True),
        "vol": _vol("of the mid now"),
        "ask_vol": _vol("of the ask now", nullable=True),
        "fitted_vol": _vol("on the surface now"),
        "held_vol": _vol("at the target, were that smile to stay at fixed stdevs (persistence)"),
        "predicted_vol": _vol("at the target, as predicted; one a strike for call and put"),
        "model": column("str", "what predicted it; persistence where nothing else could"),
        "model_version": column("str", "its version in spy_smile_daily; empty where nobody is crowned"),
        "flagged": column("bool", "persistence stood in for the champion"),
        "origin": column(
            "str",
            "live: made before the session it predicts opened; replay: made afterwards, by a model that may have been "
            "trained, chosen or crowned on what came",
            pa.Check.isin((LIVE, REPLAY), error="live or replay"),
        ),
        "made_at": column("datetime64[us, UTC]", "when it was made", unit="UTC"),
    },
    unique=("date", "expiration", "strike"),
    checks=(
        pa.Check(
            lambda frame: frame["target_date"] > frame["date"], name="a later target", error="target_date after date"
        ),
    ),
)
