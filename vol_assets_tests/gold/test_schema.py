import copy
import dataclasses
import functools
import typing
from pathlib import Path

import documents
import jsonschema_rs
import pytest

from vol_assets.errors import ReportError
from vol_assets.gold import report as r
from vol_assets.gold.document import document_of, schema, seed, validated

PAGE = Path(__file__).parents[2] / "docs" / "gold_surface_data.schema.json"
CLASSES = [
    each
    for module in (r, seed)
    for each in vars(module).values()
    if dataclasses.is_dataclass(each) and each.__module__ == module.__name__
]
FIELDS = [(owner, each) for owner in CLASSES for each in dataclasses.fields(owner)]
SCHEMA = schema.document_schema()
DEFINITIONS = {"Document": SCHEMA, **SCHEMA["$defs"]}


@functools.cache
def whole():
    return document_of(documents.report())


def counts(hint):
    """Whether a type holds numbers."""
    return hint in (float, int) or any(counts(each) for each in typing.get_args(hint))


def at(document, *path):
    return functools.reduce(lambda value, step: value[step], path, document)


def test_the_page_is_what_the_schema_says():
    assert PAGE.read_text() == schema.as_json(), (
        "run: python -m vol_assets.gold.document.schema > docs/gold_surface_data.schema.json"
    )


def test_it_is_a_schema_of_its_draft():
    jsonschema_rs.meta.validate(SCHEMA)


def test_every_class_of_a_report_is_defined_under_a_name_of_its_own():
    names = [each.__name__ for each in CLASSES]
    assert len(names) == len(set(names))
    assert set(DEFINITIONS) == set(names)


@pytest.mark.parametrize("owner", CLASSES, ids=lambda owner: owner.__name__)
def test_every_field_says_what_it_is_and_every_number_its_unit(owner):
    hints = typing.get_type_hints(owner)
    for field in dataclasses.fields(owner):
        unit, what = field.metadata["unit"], field.metadata["what"]
        written = DEFINITIONS[owner.__name__]["properties"][field.name.removesuffix("_")]
        assert what.strip()
        assert what in written["description"]
        if counts(hints[field.name]):
            assert unit.strip(), field.name
            assert written["x-unit"] == unit
            assert unit in written["description"]


def test_the_tables_of_words_and_bounds_name_fields_that_there_are():
    there = {(owner.__name__, field.name) for owner, field in FIELDS}
    assert set(schema.WORDS) | set(schema.BOUNDS) <= there
    assert set(schema.NAME_BOUNDS) <= {name for _, name in there}
    assert set(schema.UNIT_BOUNDS) <= {field.metadata["unit"] for _, field in FIELDS}


def test_the_keys_that_readers_know_are_all_there():
    known = {
        "Meta": "fetched_at source gvz rate ratio_gld_xau note pipeline_version schema_version degraded "
        "degraded_reasons data_sha256",
        "InstrumentBlock": "spot surface smiles rv_cone rv_recent rv_stats jumps ivr_ivp fwd_vols quality",
        "MetalBlock": "spot surface smiles rv_cone rv_recent rv_stats jumps ivr_ivp fwd_vols quality "
        "spot_source ratio_gld note",
        "SurfaceRow": "expiry tenor_days T atm_iv iv_25c iv_25p rr25 bf25 n_strikes n_calls n_puts",
        "Smile": "tenor_days smile",
        "SmileRow": "k iv K delta type",
        "Cone": "p10 p25 p50 p75 p90 current n_obs",
        "ReturnStats": "mean_annual rv_annual skew kurt_excess n_days start_date end_date",
        "JumpRow": "date return zscore",
        "VolRatioRow": "tenor_days iv rv_current ivr ivp signal",
        "ForwardVolRow": "from_days to_days fwd_vol cal_arb_ok",
        "QualityBlock": "label score n_tenors_atm n_tenors_smile n_strikes warnings",
        "QualityWarning": "severity msg",
    }
    for name, keys in known.items():
        assert set(DEFINITIONS[name]["properties"]) - {"session"} == set(keys.split()), name


def test_a_whole_report_meets_it():
    validated(whole())


LAW = ("analysis", "gld", "horizons", 0, "posterior")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("analysis", "gvz", "level"), "14.8", r"analysis\.gvz\.level: .*\"number\".*\"14\.8\""),
        (("gld", "surface", 1, "atm_iv"), "20", r"gld\.surface\[1\]\.atm_iv: .*\"20\""),
        ((*LAW, "intervals", 1, "probability"), 90.0, r"horizons\[0\]\.posterior\.intervals\[1\]\.probability: .*90"),
        (("analysis", "surface", "expirations", 0, "within_spread"), 97.0, r"within_spread: .*maximum of 1.*97"),
        (("analysis", "surface", "ranks", 0, "percentile"), -0.1, r"ranks\[0\]\.percentile"),
        (("analysis", "gld", "ratios", 0, "signal"), "SELL", r"ratios\[0\]\.signal: .*SELL VOL.*\"SELL\""),
        (("gld", "ivr_ivp", 0, "signal"), "Neutral", r"ivr_ivp\[0\]\.signal"),
        (("xauusd", "ivr_ivp", 0, "ivp"), 100.5, r"xauusd\.ivr_ivp\[0\]\.ivp"),
        (("analysis", "surface", "expirations", 0, "atm_vol"), -0.2, r"expirations\[0\]\.atm_vol"),
        (("analysis", "surface", "expirations", 0, "atm_vol"), None, r"expirations\[0\]\.atm_vol: .*null"),
        (("analysis", "surface", "heat_map", "vol", 0, 1), None, r"heat_map\.vol\[0\]\[1\]"),
        (("analysis", "gld", "spot", "price"), 0.0, r"spot\.price"),
        (("analysis", "quality", "score"), 101, r"quality\.score"),
        (("analysis", "gld", "realised", "sessions"), 12.5, r"realised\.sessions: .*integer"),
        (("analysis", "session"), "2024-02-30", r"analysis\.session"),
        (("analysis", "quote_time"), "2024-03-15T16:00:00-04:00", r"analysis\.quote_time"),
        (("analysis", "xau"), [], r"analysis\.xau: .*object"),
        (("meta", "data_sha256"), "abc", r"meta\.data_sha256"),
        (("schema_version",), "2.3", r"schema_version"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place_and_what_came(path, value, says):
    document = copy.deepcopy(whole())
    at(document, *path[:-1])[path[-1]] = value
    with pytest.raises(ReportError, match=says):
        validated(document)


PLACES = [
    (),
    ("meta",),
    ("gld", "surface", 0),
    ("gld", "rv_cone", "21"),
    ("xauusd",),
    ("analysis",),
    ("analysis", "surface", "expirations", 2),
    (*LAW, "tails", 0),
]


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_a_key_that_is_unknown_is_refused_by_name(path):
    document = copy.deepcopy(whole())
    at(document, *path)["extra"] = 1.0
    with pytest.raises(ReportError, match="extra"):
        validated(document)


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_every_key_is_needed(path):
    document = copy.deepcopy(whole())
    place = at(document, *path)
    for key, value in dict(place).items():
        del place[key]
        with pytest.raises(ReportError, match=f'"{key}"'):
            validated(document)
        place[key] = value
    validated(document)


def test_a_cone_is_keyed_by_lengths_alone():
    document = copy.deepcopy(whole())
    document["gld"]["rv_cone"]["month"] = document["gld"]["rv_cone"]["21"]
    with pytest.raises(ReportError, match="month"):
        validated(document)
