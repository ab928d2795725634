"""The feature tables: the 21 L1 features, the HAR block and three more indices, a row a session.

A row is complete or null. Ranges are wide enough for 2008 and 2020 and narrow enough to catch a wrong unit:
a VIX of 18.5 instead of 0.185, a return in percent.
"""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK


def _feature(description: str, low: float, high: float, unit: str = "decimal") -> pa.Column:
    within = pa.Check.in_range(low, high, error=f"within {low} ... {high}")
    return column("float64", description, within, unit=unit, nullable=True)


def _date() -> pa.Column:
    return column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK)


def _complete_or_null(frame):
    nulls = frame.drop(columns="date").isna()
    return nulls.all(axis=1) | ~nulls.any(axis=1)


COMPLETE_OR_NULL = pa.Check(
    _complete_or_null, name="a row complete or null", error="a row complete or null", ignore_na=False
)

FEATURES_L1 = Contract(
    key=("features", "l1"),
    description="The 21 features of the volatility forecast; null where a window of 60 sessions holds a gap.",
    columns={
        "date": _date(),
        **{
            f"spy_ret_{width}d": _feature(f"SPY log return over {width} sessions", -1.5, 1.5)
            for width in (1, 5, 10, 20, 60)
        },
        **{
            f"spy_vol_{width}d": _feature(f"SPY realised volatility over {width} sessions", 0, 4, "decimal a year")
            for width in (5, 10, 20, 60)
        },
        "drawdown_60d": _feature("SPY below its highest close of 60 sessions", 0, 1),
        "vix": _feature("VIX", 0.03, 2, "decimal a year"),
        "vix3m": _feature("VIX3M", 0.03, 2, "decimal a year"),
        "vix_term": _feature("VIX3M / VIX; above 1 is contango", 0.3, 3, "ratio"),
        "rsi_spy_14": _feature("SPY relative strength, plain averages over 14 sessions", 0, 100, "0..100"),
        "corr_spy_tlt_20d": _feature("SPY-TLT return correlation over 20 sessions", -1, 1, "-1..1"),
        "corr_spy_tlt_60d": _feature("SPY-TLT return correlation over 60 sessions", -1, 1, "-1..1"),
        "corr_spy_hyg_20d": _feature("SPY-HYG return correlation over 20 sessions", -1, 1, "-1..1"),
        "corr_spy_hyg_60d": _feature("SPY-HYG return correlation over 60 sessions", -1, 1, "-1..1"),
        "corr_spy_gld_60d": _feature("SPY-GLD return correlation over 60 sessions", -1, 1, "-1..1"),
        "hyg_tlt_spread": _feature("HYG less TLT log return over one session", -0.5, 0.5),
        "rv_vix_spread_20d": _feature("spy_vol_20d less vix", -2, 4, "decimal a year"),
    },
    checks=(COMPLETE_OR_NULL,),
)

FEATURES_HAR = Contract(
    key=("features", "har"),
    description="Regressors of the log-HAR models: log range variance, log implied volatility, negative returns.",
    columns={
        "date": _date(),
        **{
            f"log_var_{width}d": _feature(
                f"log Garman-Klass + overnight variance over {width} sessions", -14, 4, "log of decimal^2 a year"
            )
            for width in (1, 5, 22)
        },
        "log_vix": _feature("log VIX", -4, 1, "log of decimal a year"),
        "log_vix_term": _feature("log(VIX / VIX3M); below 0 is contango", -1.2, 1.2, "log ratio"),
        "negative_return_1d": _feature("min(SPY log return, 0)", -1, 0),
        "negative_return_5d": _feature("min(SPY log return over 5 sessions, 0)", -1.5, 0),
    },
    checks=(COMPLETE_OR_NULL,),
)

# ln(VIX9D / VIX) beyond this is a wrong index: seen from 2011 to 2026 were -.42 (2019-09-23) ... .46 (2018-02-05).
NINE_DAY_TERM_LIMIT = 1.2

FEATURES_IMPLIED = Contract(
    key=("features", "implied"),
    description="What VVIX, VIX9D and SKEW say beside VIX, in logs; null where the source lacks one of them.",
    columns={
        "date": _date(),
        "log_vvix": _feature("log(VVIX / 100), the implied volatility of VIX", -0.7, 0.95, "log of decimal a year"),
        "log_vix9d_term": _feature(
            "log(VIX9D / VIX); above 0 the next nine days are the dearest",
            -NINE_DAY_TERM_LIMIT,
            NINE_DAY_TERM_LIMIT,
            "log ratio",
        ),
        "log_skew": _feature("log(SKEW / 100); 0 is a lognormal share", -0.06, 0.75, "log ratio"),
    },
    checks=(COMPLETE_OR_NULL,),
)

L1_FEATURES = tuple(name for name in FEATURES_L1.columns if name != "date")
HAR_FEATURES = tuple(name for name in FEATURES_HAR.columns if name != "date")
IMPLIED_FEATURES = tuple(name for name in FEATURES_IMPLIED.columns if name != "date")
