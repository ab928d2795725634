"""The tables of the pages as data that the template draws: every number already written in the page's language.

A table has the widths of its columns in points, their sides, heads, groups of columns above those, and rows of cells; a
cell is a text, or a text with a colour's name and a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vol_assets.contracts.tenors import TENOR_DAYS
from vol_assets.gold.pdf import text
from vol_assets.gold.pdf.panel import missing
from vol_assets.gold.words import Words
from vol_assets.gold.words.numbers import UNKNOWN

Content = str | dict[str, Any]  # an SVG, or what the template draws

SIZE, SMALL = 7.4, 7.1  # pt of the cells
HEAD, HEAD_SIZE = 11.0, 7.0  # pt of a row of heads and of its text
CELL_PADDING = 5.0  # pt of a cell that its text does not use
HIGHEST_ROW = 14.0
SENTENCE, BETWEEN = 9.2, 3.2  # pt from line to line and from notice to notice
WIDE = 2  # the place of 95 % among the intervals
SIGNAL_COLOURS = {"SELL VOL": "rich", "BUY VOL": "cheap", "NEUTRAL": "muted"}
QUALITY_COLOURS = {"good": "good", "fair": "fair", "poor": "rich"}


class Column(NamedTuple):
    """Head of a column, and whether its cells stand on the left."""

    head: str
    left: bool = False


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    width: float,
    height: float,
    groups: Sequence[tuple[str, int]] = (),
    size: float = SIZE,
) -> Content:
    """A table as wide as its room and no higher; groups: text and number of columns."""
    heads = 2 if groups else 1
    return {
        "kind": "table",
        "widths": _widths(columns, rows, groups, size, width),
        "sides": ["left" if column.left else "right" for column in columns],
        "heads": [column.head for column in columns],
        "groups": [{"text": name, "span": span} for name, span in groups],
        "rows": [list(row) for row in rows],
        "head_height": HEAD,
        "row_height": round(min(HIGHEST_ROW, (height - heads * HEAD) / max(len(rows), 1)), 3),
        "size": size,
    }


def _widths(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    groups: Sequence[tuple[str, int]],
    size: float,
    width: float,
) -> list[float]:
    """What each column needs, and the same share of what is left."""
    needs = []
    for number, column in enumerate(columns):
        cells = [row[number] for row in rows]
        written = [(one, False) if isinstance(one, str) else (one["text"], one["bold"]) for one in cells]
        widest = max((text.advance(words, size, bold) for words, bold in written), default=0.0)
        needs.append(max(widest, text.advance(column.head, HEAD_SIZE)) + CELL_PADDING)
    first = 0
    for name, span in groups:
        lacking = text.advance(name, HEAD_SIZE, bold=True) + CELL_PADDING - sum(needs[first : first + span])
        for number in range(first, first + span):
            needs[number] += max(lacking, 0.0) / span
        first += span
    spare = (width - sum(needs)) / len(needs)
    return [round(need + spare, 3) for need in needs]


def cell(words: str, colour: str = "ink", *, bold: bool = False) -> dict[str, Any]:
    """A cell that stands out."""
    return {"text": words, "colour": colour, "bold": bold}


# ---------------------------------------------------------------------- page 3


def terms(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """GLD and XAU/USD by the same measures, and the basis between them."""
    pair = (analysis["gld"], analysis["xau"])
    anchor = _nearest(analysis["gld"]["horizons"], 365)
    rows = [
        [words("table.spot"), *(cell(_of(one, lambda i: words.dollars(i["spot"]["price"])), bold=True) for one in pair)]
    ]
    if anchor:
        ahead = [one and _nearest(one["horizons"], anchor["days"]) for one in pair]
        rows.append(
            [
                words("table.forward_at", days=anchor["days"]),
                *(_of(one, lambda h: words.price(h["forward"])) for one in ahead),
            ]
        )
        carries = [
            UNKNOWN if not one else words.percent(np.log(h["forward"] / one["spot"]["price"]) / h["years"], 2)
            for one, h in zip(pair, ahead)
        ]
        rows.append([words("table.carry"), *carries])
    past = [one and one["realised"] for one in pair]
    first = next((one["first"][:4] for one in past if one), None)
    if first:
        rows += [
            [words("table.rv21"), *(words.percent(_trailing(one, 21), 1) for one in past)],
            [words("table.rv_all", year=first), *(_of(one, lambda p: words.percent(p["vol"], 1)) for one in past)],
            [words("table.skew_kurt"), *(_of(one, lambda p: _pair_of_moments(p, words)) for one in past)],
            [words("table.jumps"), *(_of(one, lambda p: _jump_count(p, words)) for one in past)],
        ]
    basis = analysis["basis"]
    if basis:
        measured = f"{words.number(basis['ounces_per_share'], 5)} ±\u00a0{words.percent(basis['ratio_error'], 2)}"
        stated = f"{words.number(basis['ounces_stated'], 5)} ({words.signed_percent(basis['deviation'], 2)})"
        rows += [
            [words("table.ounces"), "", measured],
            [words("table.stated"), "", stated],
            [words("table.future"), "", words.dollars(basis["future_close"])],
            [words("table.residual"), "", words.signed_percent(basis["residual"], 2)],
        ]
    columns = (Column("", left=True), Column("GLD"), Column("XAU/USD"))
    return table(columns, rows, width, height)


def summary(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """A row an expiration: the listed ones nearest to the standard tenors."""
    chosen = _standard(analysis["surface"]["expirations"])
    if not chosen:
        return missing(words("summary.none"), width, height)
    ranks = {rank["days"]: rank for rank in analysis["surface"]["ranks"]}
    rows = []
    for tenor, expiration in chosen:
        ratio = _nearest(analysis["gld"]["ratios"], expiration["days"]) or {}
        rank = ranks.get(tenor, {})
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
    groups = (("", 2), ("group.vols", 3), ("group.trailing", 2), ("group.forecast", 2), ("", 1), ("group.year", 2))
    groups += (("group.points", 2), ("group.moments", 2))
    return table(columns, rows, width, height, [(words(name) if name else "", span) for name, span in groups])


def quality(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """The score, and each rule with the points it took off."""
    found = analysis["quality"]
    rules = found["penalties"]
    rows = [
        {
            "text": words(f"penalty.{rule['code']}", **rule["values"]),
            "share": rule["points"] / rule["most"],
            "points": words("quality.points", points=rule["points"], most=rule["most"]),
        }
        for rule in rules
    ]
    return {
        "kind": "quality",
        "tone": QUALITY_COLOURS[found["label"]],
        "score": words("quality.score", score=found["score"]),
        "label": words(f"quality.{found['label']}"),
        "scale": words("quality.scale"),
        "rows": rows,
        "row_height": round(min(12.0, (height - 32.0) / max(len(rows), 1)), 3),
    }


def lineage(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """The tables that the report was made of."""
    if not analysis["sources"]:
        return missing(words("lineage.none"), width, height)
    rows = [
        [
            cell(source["table"]),
            words.number(source["sessions"]),
            words.number(source["rows"]),
            words.date(source["first"]),
            words.date(source["last"]),
            source["sha256"][:12],
        ]
        for source in analysis["sources"]
    ]
    heads = ("table", "sessions", "rows", "first", "last", "sha")
    columns = [Column(words(f"lineage.{head}"), head == "table") for head in heads]
    return table(columns, rows, width, height, size=SMALL)


def notices(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """What is missing or made another way, as many as there is room for, what degrades the report first."""
    ordered = sorted(analysis["notices"], key=lambda notice: not notice["degrades"])
    items: list[dict[str, str]] = []
    used = 0.0
    for notice in ordered:
        sentence = said(notice, words)
        tall = SENTENCE * len(text.wrap(sentence, SIZE, width - 10.0)) + BETWEEN
        room = height - (0.0 if len(items) + 1 == len(ordered) else SENTENCE)
        if used + tall > room:
            break
        items.append({"text": sentence, "tone": "rich" if notice["degrades"] else "fair"})
        used += tall
    left = len(ordered) - len(items)
    if not ordered:
        items.append({"text": words("notices.none"), "tone": "good"})
    return {"kind": "list", "items": items, "more": words("notices.more", count=left) if left else "", "size": SIZE}


def said(notice: dict[str, Any], words: Words) -> str:
    """A notice as a sentence of the page's language."""
    sentence = words(f"notice.{notice['code']}", **notice["values"])
    return sentence[:1].upper() + sentence[1:] + "."


# ---------------------------------------------------------------------- pages 4 and 5


def price_table(instrument: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """Windows, VaR and ES at the standard tenors, or at the expirations where there is no tenor; Q's without a P."""
    horizons = [one for one in instrument["horizons"] if one["kind"] == "tenor"] or instrument["horizons"]
    if not horizons:
        return missing(words("window.no_horizons"), width, height)
    shares = [words.percent(each["probability"]) for each in horizons[0]["risk_neutral"]["intervals"]]
    columns = [Column(words("windows.tenor"), left=True), Column(words("windows.forward"))]
    if all(horizon["posterior"] for horizon in horizons):
        columns += [Column(name) for name in (*shares, *(2 * (shares[WIDE],)), *"PQPQ")]
        groups = (("", 2), ("p", 4), ("q", 1), ("cf", 1), ("var", 2), ("es", 2))
        laws, cells = (("posterior", "good"), ("risk_neutral", "implied")), _p_q_and_expansion
    else:
        columns += [Column(name) for name in (*shares, "Q", "Q")]
        groups = (("", 2), ("q_alone", 4), ("var", 1), ("es", 1))
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
                    cell(words.price(horizon[law]["tails"][number][field]), colour)
                    for number, field in ((0, "value_at_risk"), (1, "expected_shortfall"))
                    for law, colour in laws
                ),
            ]
        )
    named = [(words(f"windows.{name}") if name else "", span) for name, span in groups]
    return table(columns, rows, width, height, named)


def _p_q_and_expansion(horizon: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    expansion = horizon["cornish_fisher"]
    p = [_range(each, words, "good") for each in horizon["posterior"]["intervals"]]
    q = _range(horizon["risk_neutral"]["intervals"][WIDE], words, "implied")
    return [*p, q, _range(expansion["intervals"][WIDE], words, "soft", "*" if expansion["projected"] else "")]


def _q(horizon: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    return [_range(each, words, "implied") for each in horizon["risk_neutral"]["intervals"]]


def _range(interval: dict[str, Any], words: Words, colour: str, mark: str = "") -> dict[str, Any]:
    return cell(f"{words.price(interval['low'])}{UNKNOWN}{words.price(interval['high'])}{mark}", colour)


# ---------------------------------------------------------------------- parts


def _nearest(rows: list[dict[str, Any]], days: float) -> dict[str, Any] | None:
    """The row nearest in days."""
    return min(rows, key=lambda row: abs(row["days"] - days), default=None)


def _standard(expirations: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """The expirations nearest to a standard tenor, each once, with the tenor that is nearest to it."""
    chosen: dict[float, tuple[int, dict[str, Any]]] = {}
    for tenor in TENOR_DAYS:
        found = _nearest(expirations, tenor)
        if found:
            nearest = min(TENOR_DAYS, key=lambda days: abs(days - found["days"]))
            chosen[found["days"]] = (nearest, found)
    return list(chosen.values())


def _of(part: dict[str, Any] | None, write) -> str:
    return UNKNOWN if not part else write(part)


def _trailing(past: dict[str, Any] | None, window: int) -> float | None:
    """Close-to-close vol of the newest window of that length."""
    rows = past["cone"] if past else []
    return next((row["current"] for row in rows if (row["window"], row["estimator"]) == (window, "close")), None)


def _pair_of_moments(past: dict[str, Any], words: Words) -> str:
    return f"{words.signed(past['skewness'], 2)};\u00a0{words.number(past['excess_kurtosis'], 1)}"


def _jump_count(past: dict[str, Any], words: Words) -> str:
    return f"{words.number(past['jumps_found'])}\u00a0({words.number(past['jumps_expected'], 1)})"


def _vol(vol: float | None, words: Words) -> str:
    return words.number(None if vol is None else 100.0 * vol, 1)


def _points(vol: float | None, words: Words) -> str:
    return words.signed(None if vol is None else 100.0 * vol, 2)


def _signal(signal: str | None, words: Words) -> dict[str, Any]:
    if signal is None:
        return cell(UNKNOWN, "muted")
    return cell(words(f"signal.{signal}"), SIGNAL_COLOURS[signal], bold=signal != "NEUTRAL")
