"""Every maturity in a row: vols, ratios and signals, ranks, skew, moments."""

from __future__ import annotations

from typing import Any

from vol_assets.contracts.tenors import TENOR_DAYS
from vol_assets.gold.pdf.panel import missing
from vol_assets.gold.pdf.reading import nearest
from vol_assets.gold.pdf.table import Column, Content, cell, table
from vol_assets.gold.words import Words
from vol_assets.gold.words.numbers import UNKNOWN

SIGNAL_COLOURS = {"SELL VOL": "rich", "BUY VOL": "cheap", "NEUTRAL": "muted"}


def summary(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """A row an expiration: the listed ones nearest to the standard tenors."""
    expirations = analysis["surface"]["expirations"]
    if not expirations:
        return missing(words("summary.none"), width, height)
    ranks = {rank["days"]: rank for rank in analysis["surface"]["ranks"]}
    ratios = {ratio["days"]: ratio for ratio in analysis["gld"]["ratios"]}
    rows = []
    for tenor, expiration in _standard(expirations):
        ratio, rank = ratios.get(expiration["days"], {}), ranks.get(tenor, {})
        rows.append(
            [
                cell(words.date(expiration["expiration"])),
                words.number(expiration["days"]),
                cell(_vol(expiration["atm_vol"], words), bold=True),
                _vol(ratio.get("trailing_vol"), words),
                _vol(ratio.get("forecast_vol"), words),
                words.number(ratio.get("ratio"), 2),
                _signal(ratio.get("signal"), words),
                words.number(ratio.get("forecast_ratio"), 2),
                _signal(ratio.get("forecast_signal"), words),
                words.percent(ratio.get("cone_percentile")),
                words.percent(rank.get("rank")),
                words.percent(rank.get("percentile")),
                _points(expiration["rr25"], words),
                _points(expiration["bf25"], words),
                words.signed(expiration["skewness"], 2),
                words.number(expiration["excess_kurtosis"], 1),
            ]
        )
    heads = ("iv", "trailing", "forecast", "ratio", "signal", "ratio", "signal", "cone", "rank", "percentile")
    heads += ("rr", "bf", "skew", "kurt")
    columns = [Column(words("table.expiration"), left=True), Column(words("table.of_days"))]
    columns += [Column(words(f"table.{head}")) for head in heads]
    spans = {"vols": 3, "trailing": 2, "forecast": 2, "": 1, "year": 2, "points": 2, "moments": 2}
    groups = [("", 2), *((words(f"group.{name}") if name else "", span) for name, span in spans.items())]
    return table(columns, rows, width, height, groups)


def _standard(expirations: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """The expirations nearest to a standard tenor, each once, with the tenor that is nearest to it."""
    chosen = {found["days"]: found for found in (nearest(expirations, tenor) for tenor in TENOR_DAYS)}
    return [(min(TENOR_DAYS, key=lambda tenor: abs(tenor - days)), found) for days, found in chosen.items()]


def _vol(vol: float | None, words: Words) -> str:
    return words.number(None if vol is None else 100.0 * vol, 1)


def _points(vol: float | None, words: Words) -> str:
    return words.signed(None if vol is None else 100.0 * vol, 2)


def _signal(signal: str | None, words: Words) -> dict[str, Any]:
    if signal is None:
        return cell(UNKNOWN, "muted")
    return cell(words(f"signal.{signal}"), SIGNAL_COLOURS[signal], bold=signal != "NEUTRAL")
