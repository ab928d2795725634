"""The quality score: 100 less points for what makes a report less trustworthy, each rule with what it measured.

The rules look at what the surface's own certificate cannot: how much was quoted, whether the raw quotes contradict each
other at bid and ask, whether options and the share agree on the price, how wide and how old the quotes are, and how
much history stands behind "cheap" and "dear".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vol_assets.gold.implied import FARTHEST_DAYS
from vol_assets.gold.realised import CONE_WINDOWS
from vol_assets.gold.report import Expiration, Penalty, Quality, Realised
from vol_assets.gold.words import Words

GOOD, FAIR = 85, 60
WANTED_EXPIRATIONS, FEW_EXPIRATIONS = 6, 4
WANTED_SMILES, FEW_WINDOWS = 3, 4
FULL_HISTORY = 756  # sessions, three years: the cone's longest window four times over
BEYOND_25_DELTA = 0.75  # at-the-money stdevs from the forward: a 25-delta strike is at .67 and a drift
SMILE_QUOTES = 8  # fewer make no smile of their own: the slice is eSSVI
OTHER_CONTRACTS = ("bad_strike", "nonstandard", "expired", "expires_today", "ambiguous", "duplicate")
ROUNDING = 1e-9  # USD


def quality(
    expirations: tuple[Expiration, ...],
    quotes: pd.DataFrame,
    parity_gap: float | None,
    minutes_from_close: float,
    realised: Realised | None,
    crossed: int,
    degraded: bool,
) -> Quality:
    """The score of a session, and its label; a report that lacks a part is not called good.

    quotes: the curated chain; parity_gap: ln(close / spot that options imply), None without a close; crossed: how many
    expirations had to be lifted over one before.
    """
    near = [each for each in expirations if each.days <= FARTHEST_DAYS]
    smiles = sum(_both_wings(each) for each in near)
    spread = 100.0 * float(
        np.nanmedian([np.nan if e.half_spread_vol is None else e.half_spread_vol for e in near] or [0])
    )
    outside = 100.0 * float(np.median([each.outside_share for each in near] or [0]))
    windows = len({row.window for row in realised.cone if row.estimator == "close"}) if realised else 0
    history = realised.sessions if realised else 0
    paying, looked_at = raw_arbitrage(quotes)
    share = 100.0 * paying / max(looked_at, 1)
    penalties = (
        _penalty("expirations", _steps(-len(near), (-WANTED_EXPIRATIONS, 10), (-FEW_EXPIRATIONS, 30)), 30, len(near)),
        _penalty(
            "smiles", 15 if smiles < WANTED_SMILES else 5 * (smiles < 0.8 * len(near)), 15, smiles, total=len(near)
        ),
        _penalty("wings", _steps(outside, (5, 3), (10, 6), (20, 10)), 10, round(outside, 1)),
        _penalty("raw_arbitrage", _steps(share, (0.5, 3), (1.0, 6), (2.0, 15)), 15, paying, total=looked_at),
        _penalty("crossed", min(30, 8 * crossed), 30, crossed),
        _parity(parity_gap),
        _penalty("spreads", _steps(spread, (0.5, 5), (1.0, 10), (2.0, 15)), 15, round(spread, 2)),
        _penalty("staleness", _steps(minutes_from_close, (15, 3), (60, 10)), 10, round(minutes_from_close)),
        _penalty("cone", _cone(windows, history), 10, windows, total=len(CONE_WINDOWS), sessions=history),
    )
    score = max(0, 100 - sum(penalty.points for penalty in penalties))
    label = "good" if score >= GOOD and not degraded else "fair" if score >= FAIR else "poor"
    return Quality(score, label, penalties)


def raw_arbitrage(quotes: pd.DataFrame) -> tuple[int, int]:
    """How many vertical spreads and butterflies of neighbouring strikes could be had for less than nothing, selling at
    the bid and buying at the ask, and how many there are; all quotes of the contracts, before any cleaning."""
    held = quotes[~quotes["reason"].isin(OTHER_CONTRACTS)].sort_values(["expiration", "right", "strike"])
    found = looked_at = 0
    for (_, right), chain in held.groupby(["expiration", "right"]):
        strike, bid, ask = (chain[name].to_numpy(float) for name in ("strike", "bid", "ask"))
        bid = np.nan_to_num(bid)
        sold, bought = (bid[1:], ask[:-1]) if right == "C" else (bid[:-1], ask[1:])
        looked_at += max(2 * len(strike) - 3, 0)
        found += int((sold > bought + ROUNDING).sum())  # what must be worth less costs more
        upper = (strike[1:-1] - strike[:-2]) / np.maximum(strike[2:] - strike[:-2], ROUNDING)
        found += int((bid[1:-1] > (1 - upper) * ask[:-2] + upper * ask[2:] + ROUNDING).sum())
    return found, looked_at


def _cone(windows: int, history: int) -> int:
    """Points for a missing cone, and for one of few windows or of less than FULL_HISTORY."""
    return 10 if not windows else 5 * (windows < FEW_WINDOWS or history < FULL_HISTORY)


def _both_wings(expiration: Expiration) -> bool:
    if expiration.quotes < SMILE_QUOTES:
        return False
    reach = BEYOND_25_DELTA * expiration.atm_vol * np.sqrt(expiration.years)
    low, high = np.log(np.array([expiration.lowest_strike, expiration.highest_strike]) / expiration.forward)
    return bool(low <= -reach and high >= reach)


def _parity(gap: float | None) -> Penalty:
    if gap is None:
        return _penalty("no_close", 5, 15, None)
    basis_points = 1e4 * abs(gap)
    points = _steps(basis_points, (10, 3), (25, 8), (100, 15))
    return _penalty("parity", points, 15, round(basis_points, 1), name="basis_points")


def _steps(value: float, *steps: tuple[float, int]) -> int:
    """The points of the last step that the value is beyond."""
    return next((points for edge, points in reversed(steps) if value > edge), 0)


_NAMES = {"spreads": "points", "staleness": "minutes", "wings": "percent"}


def _penalty(code: str, points: int, most: int, measured: float | None, *, name: str = "", **values: Any) -> Penalty:
    values |= {name or _NAMES.get(code, "count"): measured} if measured is not None else {}
    known = None if measured is None else float(measured)
    return Penalty(code, int(points), most, known, Words("en")(f"penalty.{code}", **values), values)
