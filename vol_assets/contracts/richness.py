"""Rich and cheap: every usable quote against the value that the surface gives it."""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.chains import RIGHTS, ROLES, UNDERLYING_CHECK, UNDERLYINGS
from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK


def _richness(underlying: str) -> Contract:
    return Contract(
        key=("richness", underlying.lower()),
        description=f"{underlying}: a row a quote of the expirations fitted: surface value and richness.",
        columns={
            "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
            "symbol": column("str", "the underlying", UNDERLYING_CHECK),
            "expiration": column("datetime64[ns]", "last day of trading"),
            "strike": column("float64", "strike", pa.Check.gt(0, error="above 0"), unit="USD"),
            "right": column("str", "C or P", pa.Check.isin(RIGHTS, error="C or P")),
            "role": column("str", "as in the curated chain", pa.Check.isin(ROLES, error="fit, bound or dropped")),
            "reason": column("str", "why the quote is not `fit`; empty for those that are"),
            "bid": column("float64", "best bid; null where there is none", unit="USD a share", nullable=True),
            "mid": column("float64", "mean of bid and ask; null without a bid", unit="USD a share", nullable=True),
            "ask": column("float64", "best ask", unit="USD a share"),
            "model_vol": column(
                "float64",
                "European vol of the surface; null where its price is below a double's rounding",
                unit="decimal a year",
                nullable=True,
            ),
            "model_price": column(
                "float64",
                "value at model_vol with early exercise, as the quote has it; null where there is no vol",
                pa.Check.ge(0, error="at least 0"),
                unit="USD a share",
                nullable=True,
            ),
            "richness": column(
                "float64",
                "(mid - model_price) / half-spread: beyond 1 the value is under the bid, below -1 over the ask",
                unit="half-spreads",
                nullable=True,
            ),
        },
        unique=("date", "expiration", "strike", "right"),
    )


RICHNESS = {underlying: _richness(underlying) for underlying in UNDERLYINGS}
