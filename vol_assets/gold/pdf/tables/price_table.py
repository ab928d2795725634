"""Price windows, value at risk and expected shortfall by horizon."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf.panel import missing
from vol_assets.gold.pdf.reading import is_beyond
from vol_assets.gold.pdf.table import Column, Content, cell, table
from vol_assets.gold.words import Words
from vol_assets.gold.words.numbers import UNKNOWN

WIDE = 2  # the place of 95 % among the intervals


def price_table(instrument: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """Windows, VaR and ES at the standard tenors, or at the expirations where there is no tenor; Q's without a P."""
    horizons = [one for one in instrument["horizons"] if one["kind"] == "tenor"] or instrument["horizons"]
    if not horizons:
        return missing(words("window.no_horizons"), width, height)
    shares = [words.percent(each["probability"]) for each in horizons[0]["risk_neutral"]["intervals"]]
    if all(horizon["posterior"] for horizon in horizons):
        heads, spans = (*shares, *(2 * (shares[WIDE],)), *"PQPQ"), {"p": 4, "q": 1, "cf": 1, "var": 2, "es": 2}
        laws, cells = (("posterior", "good"), ("risk_neutral", "implied")), _p_q_and_expansion
    else:
        heads, spans = (*shares, "Q", "Q"), {"q_alone": 4, "var": 1, "es": 1}
        laws, cells = (("risk_neutral", "implied"),), _q
    rows = []
    for horizon in horizons:
        levelled = "†" if horizon["calendar_adjusted"] else ""
        rows.append(
            [
                cell(words("table.days", days=horizon["days"]) + levelled, bold=True),
                words.price(horizon["forward"]),
                *cells(horizon, words),
                *(
                    _price(horizon[law]["tails"][number][field], horizon, words, colour)
                    for number, field in ((0, "value_at_risk"), (1, "expected_shortfall"))
                    for law, colour in laws
                ),
            ]
        )
    columns = [Column(words("windows.tenor"), left=True), Column(words("windows.forward")), *map(Column, heads)]
    groups = [("", 2), *((words(f"windows.{name}"), span) for name, span in spans.items())]
    return table(columns, rows, width, height, groups)


def _p_q_and_expansion(horizon: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    expansion = horizon["cornish_fisher"]
    p = [_range(each, horizon, words, "good") for each in horizon["posterior"]["intervals"]]
    q = _range(horizon["risk_neutral"]["intervals"][WIDE], horizon, words, "implied")
    return [*p, q, _range(expansion["intervals"][WIDE], horizon, words, "soft", "*" if expansion["projected"] else "")]


def _q(horizon: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    return [_range(each, horizon, words, "implied") for each in horizon["risk_neutral"]["intervals"]]


def _range(
    interval: dict[str, Any], horizon: dict[str, Any], words: Words, colour: str, mark: str = ""
) -> dict[str, Any]:
    ends = f"{words.price(interval['low'])}{UNKNOWN}{words.price(interval['high'])}{mark}"
    return cell(ends, "muted" if is_beyond(horizon, interval["low"], interval["high"]) else colour)


def _price(price: float, horizon: dict[str, Any], words: Words, colour: str) -> dict[str, Any]:
    return cell(words.price(price), "muted" if is_beyond(horizon, price) else colour)
