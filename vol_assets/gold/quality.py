"""The quality score: 100 less points for what makes a report less trustworthy, each rule with what it measured.

The rules look at what the surface's own certificate cannot: how much was quoted, whether the raw quotes contradict each
other at bid and ask, whether options and the share agree on the price, how wide and how old the quotes are, and how
much history stands behind "cheap" and "dear".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vol_assets.contracts.surfaces import CALENDAR_TOLERANCE
from vol_assets.gold.implied import FARTHEST_DAYS
from vol_assets.gold.realised import CONE_WINDOWS
from vol_assets.gold.report import Expiration, Penalty, Quality, Realised
from vol_assets.gold.words import Words

GOOD, FAIR = 85, 60
WANTED_EXPIRATIONS, FEW_EXPIRATIONS = 6, 4
WANTED_SMILES = 3
BEYOND_25_DELTA = 0.75  # at-the-money stdevs from the forward: a 25-delta strike is at .67 and a drift
ROUNDING = 1e-9  # USD


def quality(
    expirations: tuple[Expiration, ...],
    quotes: pd.DataFrame,
    parity_gap: float | None,
    minutes_from_close: float,
    realised: Realised | None,
) -> Quality:
    """The score of a session.

    quotes: the curated chain; parity_gap: ln(close / spot that options imply), None without a close.
    """
    near = [each for each in expirations if each.days <= FARTHEST_DAYS]
    smiles = sum(_both_wings(each) for each in near)
    broken = sum(each.min_density < 0 or each.calendar_gap > CALENDAR_TOLERANCE for each in expirations)
    spread = 100.0 * float(
        np.nanmedian([np.nan if e.half_spread_vol is None else e.half_spread_vol for e in near] or [0])
    )
    windows = len({row.window for row in realised.cone if row.estimator == "close"}) if realised else 0
    raw = raw_arbitrage(quotes)
    penalties = (
        _penalty("expirations", _steps(-len(near), (-WANTED_EXPIRATIONS, 10), (-FEW_EXPIRATIONS, 30)), 30, len(near)),
        _penalty(
            "smiles", 15 if smiles < WANTED_SMILES else 5 * (smiles < 0.8 * len(near)), 15, smiles, total=len(near)
        ),
        _penalty("raw_arbitrage", min(15, raw), 15, raw),
        _penalty("surface_arbitrage", min(30, 8 * broken), 30, broken),
        _parity(parity_gap),
        _penalty("spreads", _steps(spread, (0.5, 5), (1.0, 10), (2.0, 15)), 15, round(spread, 2)),
        _penalty("staleness", _steps(minutes_from_close, (15, 3), (60, 10)), 10, round(minutes_from_close)),
        _penalty("cone", 10 if not windows else 5 * (windows < 4), 10, windows, total=len(CONE_WINDOWS)),
    )
    score = max(0, 100 - sum(penalty.points for penalty in penalties))
    return Quality(score, "good" if score >= GOOD else "fair" if score >= FAIR else "poor", penalties)


def raw_arbitrage(quotes: pd.DataFrame) -> int:
    """How many vertical spreads and butterflies of neighbouring strikes could be had for less than nothing, selling at
    the bid and buying at the ask, among the quotes that are used."""
    used = quotes[quotes["role"] != "dropped"].sort_values(["expiration", "right", "strike"])
    found = 0
    for (_, right), chain in used.groupby(["expiration", "right"]):
        strike, bid, ask = (chain[name].to_numpy(float) for name in ("strike", "bid", "ask"))
        bid = np.nan_to_num(bid)
        sold, bought = (bid[1:], ask[:-1]) if right == "C" else (bid[:-1], ask[1:])
        found += int((sold > bought + ROUNDING).sum())  # what must be worth less costs more
        upper = (strike[1:-1] - strike[:-2]) / np.maximum(strike[2:] - strike[:-2], ROUNDING)
        found += int((bid[1:-1] > (1 - upper) * ask[:-2] + upper * ask[2:] + ROUNDING).sum())
    return found


def _both_wings(expiration: Expiration) -> bool:
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


_NAMES = {"spreads": "points", "staleness": "minutes"}


def _penalty(code: str, points: int, most: int, measured: float | None, *, name: str = "", **values: Any) -> Penalty:
    values |= {name or _NAMES.get(code, "count"): measured} if measured is not None else {}
    known = None if measured is None else float(measured)
    return Penalty(code, int(points), most, known, Words("en")(f"penalty.{code}", **values), values)
