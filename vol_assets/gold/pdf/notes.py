"""The lines under the panels of a page: how its numbers were made, as the document has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vol_assets.gold.pdf.reading import is_beyond, nearest
from vol_assets.gold.words import Words


def volatility(analysis: dict[str, Any], words: Words) -> list[str]:
    past = analysis["gld"]["realised"]
    cone_note = words("volatility.note.cone", first=past["first"]) if past else words("volatility.note.no_cone")
    rule = analysis["gld"]["ratio_history"]
    rates = [words("volatility.note.rates", **rule)] if rule else []
    return [words("volatility.note.implied"), cone_note, words("volatility.note.ranks"), *rates]


def volatility_answer(analysis: dict[str, Any], words: Words) -> str:
    """Is vol rich or cheap, at the expiration nearest to 30 days; empty where nothing is known to compare it with."""
    row = nearest(analysis["gld"]["ratios"], 30)
    if row is None or row["ratio"] is None:
        return ""
    which = "trailing" if row["forecast_vol"] is None else "forecast"
    vol = row[f"{which}_vol"]
    against = words(f"volatility.answer.{which}", vol=vol, premium=100.0 * (row["implied_vol"] - vol))
    record = analysis["gld"]["ratio_history"]
    shares = {"SELL VOL": "sell_share", "NEUTRAL": "neutral_share", "BUY VOL": "buy_share"}
    signal, share = row["signal"], record[shares[row["signal"]]] if record else None
    rule = words("volatility.answer.rule", signal=words(f"signal.{signal}"), share=share) if record else ""
    return words(
        "volatility.answer",
        days=row["days"],
        implied=row["implied_vol"],
        against=against,
        cone=row["cone_percentile"],
        rule=rule,
    )


def surface(analysis: dict[str, Any], words: Words) -> list[str]:
    listed = analysis["surface"]["expirations"]
    notes = [words("surface.note.fit")]
    if listed:
        quotes = np.array([one["quotes"] for one in listed], dtype=float)
        within = float(np.average([one["within_spread"] for one in listed], weights=quotes))
        errors = [one["error_half_spreads"] for one in listed if one["error_half_spreads"] is not None]
        error = float(np.median(errors)) if errors else None
        notes.append(words("surface.note.error", within=within, error=error, count=len(listed)))
    return [*notes, words("surface.note.greeks")]


def markets(analysis: dict[str, Any], words: Words) -> list[str]:
    basis = analysis["basis"]
    values = {name: basis[name] for name in ("sessions", "expense")} if basis else {}
    return [
        words("markets.note.basis" if basis else "markets.note.no_basis", **values),
        words("markets.note.ratio"),
        words("markets.note.jumps"),
    ]


def windows(analysis: dict[str, Any], words: Words) -> list[str]:
    blend, horizons = analysis["blend"], analysis["gld"]["horizons"]
    projected = any(one["cornish_fisher"] and one["cornish_fisher"]["projected"] for one in horizons)
    levelled = any(one["calendar_adjusted"] for one in horizons)
    tails = words("windows.note.tails", adjusted=words("windows.note.adjusted") if levelled else "").rstrip()
    if not blend:
        return [words("windows.note.q"), words("windows.note.no_posterior"), tails, *_beyond(horizons, words)]
    expansion = words("windows.note.cornish_fisher", projected=words("windows.note.projected") if projected else "")
    said = [words("windows.note.laws"), _blend_note(blend, words), expansion.rstrip(), tails]
    return [*said, *_beyond(horizons, words)]


def _beyond(horizons: list[dict[str, Any]], words: Words) -> list[str]:
    """What grey numbers are, where there are any."""
    widest = (horizon["risk_neutral"]["intervals"][-1] for horizon in horizons)
    grey = any(is_beyond(horizon, each["low"], each["high"]) for horizon, each in zip(horizons, widest))
    return [words("windows.note.beyond")] if grey else []


def _blend_note(blend: dict[str, Any], words: Words) -> str:
    source = words(f"windows.note.{blend['realised_source']}")
    if blend["source"] == "equal":
        return words("windows.note.equal", source=source)
    return words(
        "windows.note.precision",
        weight=blend["implied_weight"],
        scale=blend["implied_scale"],
        errors=blend["errors"],
        independent=blend["independent"],
        implied=blend["implied_error"],
        realised=blend["realised_error"],
        correlation=blend["correlation"],
        source=source,
    )
