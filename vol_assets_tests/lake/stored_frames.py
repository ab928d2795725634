"""Frames for the live store: quotes, features, states and predictions of some buckets, numbers that name their row."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from vol_assets.contracts.live import COVARIATES, NODE_COLUMNS

OPEN = pd.Timestamp("2026-01-15 14:30", tz="UTC")
MINUTE = pd.Timedelta(minutes=1)
EXPIRATIONS = (dt.date(2026, 1, 16), dt.date(2026, 2, 20))


def quotes(first: pd.Timestamp = OPEN, buckets: int = 1, contracts: int = 4, level: float = 1.0) -> pd.DataFrame:
    """A row a bucket (a minute each) and contract; every bid is `level`, the ask a cent more."""
    number = np.tile(np.arange(contracts), buckets)
    ts = pd.DatetimeIndex(first + MINUTE * np.repeat(np.arange(buckets), contracts))
    return pd.DataFrame(
        {
            "ts": ts,
            "quote_time": ts + pd.to_timedelta(number, unit="us"),
            "con_id": 700_000_000 + number,
            "expiration": np.array(EXPIRATIONS, dtype=object)[number % 2],
            "strike": 600.0 + number // 4,
            "right": np.where(number // 2 % 2 == 0, "C", "P"),
            "bid": level,
            "ask": level + 0.01,
            "bid_size": 10.0 + number,
            "ask_size": 20.0 + number,
            "underlying": 600.1,
            "ib_vol": 0.15,
            "ib_delta": -0.5,
            "ib_gamma": 0.01,
            "ib_vega": 0.7,
            "ib_theta": -0.2,
            "market_data_type": "live",
            "source": "simulator",
            "own_vol": 0.1 + number / 1000,
        }
    )


def features(of: pd.DataFrame) -> pd.DataFrame:
    """Features of quotes; the forward of an expiration is 600 and its place in EXPIRATIONS."""
    forward = 600.0 + (of["expiration"] == EXPIRATIONS[1])
    return of[["ts", "con_id", "expiration", "strike", "right"]].assign(
        log_moneyness=np.log(of["strike"] / forward),
        years=0.1,
        forward=forward,
        hour_sin=0.5,
        hour_cos=-0.5,
        minutes_since_open=0.0,
        spot_return=0.001,
        right_enc=(of["right"] == "C").astype(float),
        implied_vol=of["own_vol"],
        vega=80.0,
        bid_vol=np.nan,
        ask_vol=of["own_vol"] + 0.01,
    )


def states(first: pd.Timestamp = OPEN, buckets: int = 1) -> pd.DataFrame:
    """A smile a bucket and expiration."""
    rank = np.tile(np.arange(len(EXPIRATIONS)), buckets)
    columns = {
        "ts": pd.DatetimeIndex(first + MINUTE * np.repeat(np.arange(buckets), len(EXPIRATIONS))).as_unit("us"),
        "rank": rank,
        "expiration": np.array(EXPIRATIONS, dtype="datetime64[ns]")[rank],
        "years": 0.01 + 0.1 * rank,
        "forward": 600.0 + rank,
        **{name: -1.5 - 0.01 * place - 0.1 * rank for place, name in enumerate(NODE_COLUMNS)},
        **{name: 0.1 * place for place, name in enumerate(COVARIATES)},
    }
    return pd.DataFrame(columns)


def predictions(made: pd.Timestamp = OPEN, steps: int = 1, family: str = "spy_smile_live") -> pd.DataFrame:
    """One model's predictions of four contracts, `steps` buckets ahead."""
    of = quotes(made)[["ts", "expiration", "strike", "right"]]
    return of.assign(
        target_ts=made + steps * MINUTE,
        family=family,
        horizon_steps=steps,
        predicted_vol=0.15 + 0.01 * np.arange(len(of)),
        model="gru",
        model_version="3",
        flagged=False,
    )


def realised(target: pd.Timestamp, vol: float = 0.2, family: str = "spy_smile_live") -> pd.DataFrame:
    """What came of those contracts."""
    of = quotes(target)[["expiration", "strike", "right"]]
    return of.assign(family=family, target_ts=target, realised_vol=vol + 0.01 * np.arange(len(of)))
