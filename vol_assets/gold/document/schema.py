"""The JSON Schema (draft 2020-12) of the document; `python -m vol_assets.gold.document.schema` prints it.

What it prints is docs/gold_surface_data.schema.json. It is made of the dataclasses: a definition a class, a property a
field with its unit in `x-unit`; every key is required and no other allowed, and what is not known is null. The tables
here add what a type cannot say: the words a text may be, and bounds that are laws of a number (a probability, a price),
not expectations of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from vol_assets.gold.document.plain import key_of
from vol_assets.gold.document.seed import SCHEMA_VERSION, Document
from vol_assets.gold.report import DAYS, SESSIONS, USD, YEARS
from vol_assets.settings import SOURCES

SIGNALS = ("SELL VOL", "NEUTRAL", "BUY VOL")

# Class and field -> the words it may be.
WORDS = {
    ("Document", "schema_version"): (SCHEMA_VERSION,),
    ("Meta", "schema_version"): (SCHEMA_VERSION,),
    ("Meta", "source"): SOURCES,
    ("SmileRow", "type"): ("call", "put"),
    ("VolRatioRow", "signal"): SIGNALS,
    ("QualityWarning", "severity"): ("CRITIQUE", "MAJEUR", "MODÉRÉ"),
    ("QualityBlock", "label"): ("GLD", "XAU/USD"),
    ("GoldReport", "source"): SOURCES,
    ("Expiration", "model"): ("mixture_4", "mixture_3", "essvi"),
    ("Expiration", "moments_source"): ("surface", "expansion"),
    ("EarlierTermStructure", "ago"): ("day", "week", "month"),
    ("Band", "what"): ("rr25", "bf25"),
    ("Rank", "source"): ("tenors", "gvz"),
    ("Quote", "right"): ("C", "P"),
    ("ConeWindow", "estimator"): ("close", "range"),
    ("Ratio", "signal"): SIGNALS,
    ("Ratio", "forecast_signal"): SIGNALS,
    ("Horizon", "kind"): ("expiration", "tenor"),
    ("Horizon", "shape"): ("mixture", "approximate"),
    ("Blend", "source"): ("equal", "precision"),
    ("Blend", "realised_source"): ("har", "trailing"),
    ("Spot", "source"): ("close", "parity", "basis"),
    ("Instrument", "name"): ("GLD", "XAU/USD"),
    ("Quality", "label"): ("good", "fair", "poor"),
}

NOT_NEGATIVE = {"minimum": 0}
POSITIVE = {"exclusiveMinimum": 0}
PROBABILITY = {"minimum": 0, "maximum": 1}
PERCENTAGE = {"minimum": 0, "maximum": 100}
LOSS = {"maximum": 1}  # of a price, which stays above 0

UNIT_BOUNDS = {
    USD: POSITIVE,
    "USD an ounce per USD of GLD": POSITIVE,
    "ounces": POSITIVE,
    YEARS: POSITIVE,
    **dict.fromkeys((DAYS, SESSIONS, "quotes", "windows", "rows", "expirations", "points", "1 / USD"), NOT_NEGATIVE),
}
# Fields of one meaning wherever they stand; a vol is known by its name's end, too.
NAME_BOUNDS = {
    **dict.fromkeys(("probability", "percentile", "confidence", "within_spread", "outside_share"), PROBABILITY),
    **dict.fromkeys(("sell_share", "neutral_share", "buy_share", "after_sell", "after_all"), PROBABILITY),
    **dict.fromkeys(("cone_percentile", "implied_weight", "deltas"), PROBABILITY),
    **dict.fromkeys(("value_at_risk_loss", "expected_shortfall_loss"), LOSS),
    **dict.fromkeys(("ratio", "forecast_ratio", "ivr", "implied_scale", "error_half_spreads"), NOT_NEGATIVE),
    **dict.fromkeys(("log_stdev", "ratio_error", "implied_error", "realised_error"), NOT_NEGATIVE),
    **dict.fromkeys(("jump_notice", "jump_significance", "dollar_gamma", "vega", "min_density"), NOT_NEGATIVE),
    **dict.fromkeys(("vol", "model_free", "vix_style", "level", "lowest", "highest"), NOT_NEGATIVE),
    **dict.fromkeys(("gvz", "iv", "atm_iv", "iv_25c", "iv_25p", "rv_current", "rv_recent", "rv_annual"), NOT_NEGATIVE),
    **dict.fromkeys(("score", "ivp"), PERCENTAGE),
    "correlation": {"minimum": -1, "maximum": 1},
    "widening": {"minimum": 1},
}
BOUNDS = {
    ("Quote", "delta"): PROBABILITY,
    ("SmileRow", "delta"): {"minimum": -1, "maximum": 1},
    ("Rank", "now"): NOT_NEGATIVE,
    ("Rank", "rank"): PROBABILITY,
    ("RatioHistory", "now"): NOT_NEGATIVE,
    **{
        (owner, name): NOT_NEGATIVE
        for owner in ("ConeWindow", "Cone")
        for name in ("p10", "p25", "p50", "p75", "p90", "current")
    },
}

_TYPES = {
    float: {"type": "number"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    dt.date: {"type": "string", "format": "date"},
    dt.datetime: {"type": "string", "format": "date-time", "pattern": "Z$"},
    Any: {},
}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_KEY = "^[1-9][0-9]*$"  # of a table by the length of a window


def document_schema() -> dict[str, Any]:
    """The schema as plain data."""
    definitions: dict[str, Any] = {}
    root = _definition(Document, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gold_surface_data.json",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _definition(owner: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a dataclass; those of the classes it holds are added to `definitions`."""
    hints = get_type_hints(owner)
    properties = {}
    for each in dataclasses.fields(owner):
        unit, what = each.metadata["unit"], each.metadata["what"]
        kind, words, bounds = hints[each.name], WORDS.get((owner.__name__, each.name)), _bounds(owner, each.name, unit)
        if "sha256" in each.name:
            value = dict(_SHA256)
        elif words:
            value = {"enum": [*words, None]} if _optional(kind) else {"enum": list(words)}
        else:
            value = _value(kind, bounds, definitions)
        properties[key_of(each.name)] = {
            "description": f"{what} ({unit})" if unit else what,
            **({"x-unit": unit} if unit else {}),
            **value,
        }
    return {
        "description": " ".join(owner.__doc__.split()),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _value(kind: Any, bounds: dict[str, float], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value of a type, whose numbers have these bounds."""
    if dataclasses.is_dataclass(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # named before it is made: it may hold others
            definitions[kind.__name__] = _definition(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if _optional(kind):
        (inner,) = (each for each in get_args(kind) if each is not types.NoneType)
        value = _value(inner, bounds, definitions)
        if "$ref" in value:
            return {"anyOf": [value, {"type": "null"}]}
        return {**value, "type": [value["type"], "null"]}  # bounds and formats let null pass
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _value(get_args(kind)[0], bounds, definitions)}
    if get_origin(kind) is dict:
        inner = get_args(kind)[1]
        if inner is Any:
            return {"type": "object"}
        values = _value(inner, bounds, definitions)
        return {"type": "object", "patternProperties": {_KEY: values}, "additionalProperties": False}
    return {**_TYPES[kind], **(bounds if kind in (int, float) else {})}


def _bounds(owner: type, name: str, unit: str) -> dict[str, float]:
    own = BOUNDS.get((owner.__name__, name)) or NAME_BOUNDS.get(name) or UNIT_BOUNDS.get(unit)
    return own or (NOT_NEGATIVE if name.endswith("_vol") else {})


def _optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def as_json() -> str:
    """The schema as the text of its file."""
    return json.dumps(document_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(as_json(), end="")
