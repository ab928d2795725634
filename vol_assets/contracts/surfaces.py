"""The surfaces: one row an expiration with its fitted slice, what is read off it, and its certificate.

`vol_assets.surfaces` makes a `quant.surface.Surface` of a session's rows again: nothing else is needed to price.
"""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.chains import UNDERLYING_CHECK, UNDERLYINGS
from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK

COMPONENTS = 4
CALENDAR_TOLERANCE = 1e-12  # of the forward: rounding of a price
VOL = {"unit": "decimal a year", "nullable": True}
POSITIVE = pa.Check.gt(0, error="above 0")


def _surface(underlying: str) -> Contract:
    mixture = {
        f"{name}_{i}": column("float64", f"{what} of component {i}; null where unused", unit=unit, nullable=True)
        for name, what, unit in (
            ("weight", "weight", "decimal"),
            ("mean", "mean of S_T / F", "forwards"),
            ("stdev", "total stdev", "log"),
        )
        for i in range(1, COMPONENTS + 1)
    }
    return Contract(
        key=("surface", underlying.lower()),
        description=f"{underlying}: a row an expiration: fitted slice, smile, moments, fit error, certificate.",
        columns={
            "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
            "symbol": column("str", "the underlying", UNDERLYING_CHECK),
            "quote_time": column("datetime64[us, UTC]", "the instant of the quotes", unit="UTC"),
            "expiration": column("datetime64[ns]", "last day of trading"),
            "years": column("float64", "time from quote to close of the expiration", POSITIVE, unit="years"),
            "spot": column("float64", "price of the underlying that the forwards imply", POSITIVE, unit="USD"),
            "forward": column("float64", "forward", POSITIVE, unit="USD"),
            "forward_source": column("str", "parity or vendor"),
            "rate": column("float64", "zero rate", unit="decimal a year"),
            "rate_source": column("str", "where the rate came from"),
            "carry": column("float64", "yield q in F = S exp((r - q) T)", unit="decimal a year", nullable=True),
            "model": column(
                "str",
                "mixture of 4 (from 20 quotes) or 3 (from 8) lognormals, or the eSSVI slice",
                pa.Check.isin(["mixture_4", "mixture_3", "essvi"]),
            ),
            **mixture,
            "essvi_theta": column("float64", "eSSVI: at-the-money total variance", POSITIVE, unit="log^2"),
            "essvi_rho": column("float64", "eSSVI: correlation", unit="decimal"),
            "essvi_psi": column("float64", "eSSVI: psi = theta phi", unit="log^2 per 1 of k"),
            **{
                f"svi_{name}": column(
                    "float64",
                    f"SVI-JW of raw SVI fitted to the mids (from 8 quotes, else of the eSSVI slice): {what}",
                    unit=unit,
                    nullable=True,
                )
                for name, what, unit in (
                    ("v", "at-the-money variance", "decimal^2 a year"),
                    ("psi", "at-the-money skew", "vol sqrt(year)"),
                    ("p", "slope of the put wing", "vol sqrt(year)"),
                    ("c", "slope of the call wing", "vol sqrt(year)"),
                    ("lowest", "least variance", "decimal^2 a year"),
                )
            },
            "atm_vol": column("float64", "vol at the forward", POSITIVE, unit="decimal a year"),
            **{
                f"{what}{delta}": column("float64", f"{delta}-delta {name}, forward delta N(d1)", **VOL)
                for delta in (25, 10)
                for what, name in (("rr", "risk reversal: call vol - put vol"), ("bf", "butterfly: mean vol - atm_vol"))
            },
            "skew": column("float64", "d vol / d k at the forward", unit="vol per 1 of k", nullable=True),
            "convexity": column("float64", "d2 vol / d k2 at the forward", unit="vol per 1 of k^2", nullable=True),
            "mean": column("float64", "mean of ln(S_T / F)", unit="log"),
            "stdev": column("float64", "standard deviation of ln(S_T / F)", POSITIVE, unit="log"),
            "skewness": column("float64", "its skewness", unit="decimal"),
            "kurtosis": column("float64", "its kurtosis (3 for a normal law)", unit="decimal"),
            "model_free_vol": column("float64", "sqrt(-2 E ln(S_T / F) / T), the log contract", unit="decimal a year"),
            "down_variance_share": column("float64", "share of the model-free variance from puts", unit="decimal"),
            "outside_share": column(
                "float64", "share of the model-free variance outside the quoted strikes", unit="decimal"
            ),
            **{
                f"outside_share_{n}": column(
                    "float64", f"the same of E[ln(S_T / F)^{n}], of contributions without their signs", unit="decimal"
                )
                for n in (2, 3, 4)
            },
            "quotes": column("int64", "quotes fitted"),
            "bounds": column("int64", "strikes without a bid, whose asks bound the slice"),
            "lowest_strike": column("float64", "lowest strike fitted", unit="USD"),
            "highest_strike": column("float64", "highest strike fitted", unit="USD"),
            "rmse_vol": column("float64", "rms error of mids within 2.5 stdevs", unit="decimal a year", nullable=True),
            "within_spread": column(
                "float64", "share of fitted quotes whose bid and ask hold the price", unit="decimal"
            ),
            "half_spread_vol": column("float64", "median half-spread in vol", unit="decimal a year", nullable=True),
            "error_half_spreads": column("float64", "rms error of those mids", unit="half-spreads", nullable=True),
            "min_density": column(
                "float64",
                "least density to 10 stdevs, times the at-the-money stdev",
                pa.Check.ge(0, error="no butterfly arbitrage: at least 0"),
                unit="decimal",
            ),
            "calendar_gap": column(
                "float64",
                "worst fall of a price at fixed k from the expiration before, to 10 stdevs",
                pa.Check.le(CALENDAR_TOLERANCE, error="no calendar arbitrage"),
                unit="forwards",
            ),
            "lift": column("float64", "most that a price was lifted to keep calendar order", unit="forwards"),
            "quality_flags": column("str", "comma-separated notices, empty when there are none"),
        },
        unique=("date", "expiration"),
    )


SURFACES = {underlying: _surface(underlying) for underlying in UNDERLYINGS}
