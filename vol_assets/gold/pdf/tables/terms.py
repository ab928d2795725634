"""GLD and XAU/USD by the same measures, and the basis between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vol_assets.gold.pdf.reading import nearest
from vol_assets.gold.pdf.table import Column, cell, table
from vol_assets.gold.words import Words
from vol_assets.gold.words.numbers import UNKNOWN


def terms(analysis: dict[str, Any], words: Words, width: float, height: float) -> dict[str, Any]:
    """GLD and XAU/USD by the same measures, and the basis between them."""
    pair = (analysis["gld"], analysis["xau"])
    anchor = nearest(analysis["gld"]["horizons"], 365)
    rows = [
        [
            words("table.spot"),
            *(cell(_if_known(one, lambda i: words.dollars(i["spot"]["price"])), bold=True) for one in pair),
        ]
    ]
    if anchor:
        ahead = [one and nearest(one["horizons"], anchor["days"]) for one in pair]
        rows.append(
            [
                words("table.forward_at", days=anchor["days"]),
                *(_if_known(one, lambda h: words.price(h["forward"])) for one in ahead),
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
            [
                words("table.rv_all", year=first),
                *(_if_known(one, lambda p: words.percent(p["vol"], 1)) for one in past),
            ],
            [words("table.skew_kurt"), *(_if_known(one, lambda p: _pair_of_moments(p, words)) for one in past)],
            [words("table.jumps"), *(_if_known(one, lambda p: _jump_count(p, words)) for one in past)],
        ]
    if analysis["basis"]:
        rows += _basis_rows(analysis["basis"], words)
    columns = (Column("", left=True), Column("GLD"), Column("XAU/USD"))
    return table(columns, rows, width, height)


def _basis_rows(basis: dict[str, Any], words: Words) -> list[list[str]]:
    measured = f"{words.number(basis['ounces_per_share'], 5)} ±\u00a0{words.percent(basis['ratio_error'], 2)}"
    stated = f"{words.number(basis['ounces_stated'], 5)} ({words.signed_percent(basis['deviation'], 2)})"
    return [
        [words("table.ounces"), "", measured],
        [words("table.stated"), "", stated],
        [words("table.future"), "", words.dollars(basis["future_close"])],
        [words("table.residual"), "", words.signed_percent(basis["residual"], 2)],
    ]


def _if_known(part: dict[str, Any] | None, write: Callable[[dict[str, Any]], str]) -> str:
    return write(part) if part else UNKNOWN


def _trailing(past: dict[str, Any] | None, window: int) -> float | None:
    """Close-to-close vol of the newest window of that length."""
    rows = past["cone"] if past else []
    return next((row["current"] for row in rows if (row["window"], row["estimator"]) == (window, "close")), None)


def _pair_of_moments(past: dict[str, Any], words: Words) -> str:
    return f"{words.signed(past['skewness'], 2)};\u00a0{words.number(past['excess_kurtosis'], 1)}"


def _jump_count(past: dict[str, Any], words: Words) -> str:
    return f"{words.number(past['jumps_found'])}\u00a0({words.number(past['jumps_expected'], 1)})"
