"""The quality score and what made it."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.words import Words

ABOVE, HIGHEST_ROW = 32.0, 12.0  # pt: what the score takes, and a rule at most
COLOURS = {"good": "good", "fair": "fair", "poor": "rich"}


def quality(analysis: dict[str, Any], words: Words, width: float, height: float) -> dict[str, Any]:
    """The score, and each rule with the points it took off."""
    found = analysis["quality"]
    rows = [
        {
            "text": words(f"penalty.{rule['code']}", **rule["values"]),
            "share": rule["points"] / rule["most"],
            "points": words("quality.points", points=rule["points"], most=rule["most"]),
        }
        for rule in found["penalties"]
    ]
    return {
        "kind": "quality",
        "tone": COLOURS[found["label"]],
        "score": words("quality.score", score=found["score"]),
        "label": words(f"quality.{found['label']}"),
        "scale": words("quality.scale"),
        "rows": rows,
        "row_height": round(min(HIGHEST_ROW, (height - ABOVE) / len(rows)), 3),
    }
