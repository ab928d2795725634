import dataclasses
import datetime as dt
import hashlib
import json
import math
import random
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.errors import ReportError
from vol_assets.gold import report as r
from vol_assets.gold.document import document_of, to_json, validated
from vol_assets.gold.document.plain import plain
from vol_assets.gold.document.seed import seed_blocks

SESSION = dt.date(2024, 3, 15)
SPOT, RATIO, EXPENSE, CARRY = 200.0, 11.0, 0.004, 0.05
DAYS = (30.0, 90.0, 365.0, 500.0)  # of the expirations
UNKNOWN = (math.nan, math.inf, -math.inf)


def forward(days):
    return SPOT * math.exp(CARRY * days / 365)


def expiration(days):
    return r.Expiration(
        expiration=SESSION + dt.timedelta(days=round(days)),
        days=days,
        years=days / 365,
        forward=forward(days),
        model="mixture_4",
        atm_vol=0.2,
        rr25=0.0125,
        bf25=0.0025,
        rr10=None,
        bf10=None,
        call25_vol=0.20875,
        put25_vol=0.19625,
        model_free_vol=0.205,
        skewness=0.3,
        excess_kurtosis=1.5,
        moments_source="surface",
        quotes=40,
        calls=25,
        lowest_strike=150.0,
        highest_strike=260.0,
        rmse_vol=0.001,
        half_spread_vol=0.003,
        error_half_spreads=0.4,
        within_spread=0.95,
        outside_share=0.02,
        min_density=0.0,
        calendar_gap=0.0,
        flags=(),
    )


def quote(strike, right, days, delta):
    return r.Quote(strike, right, math.log(strike / forward(days)), delta, 0.198, 0.2, 0.202)


def smile(days):
    quotes = (quote(SPOT * math.exp(-0.1), "P", days, 0.9), quote(SPOT * math.exp(0.05), "C", days, 0.3))
    return r.SmileCurve(SESSION + dt.timedelta(days=round(days)), days, forward(days), (-0.1, 0.1), (0.21, 0.2), quotes)


def surface(**changes):
    reading = r.SurfaceReading(
        expirations=tuple(map(expiration, DAYS)),
        tenors=(r.Tenor(30, 30 / 365, forward(30), 0.2, 0.0125, 0.0025, 0.205, False, 1.0),),
        forward_vols=(r.ForwardVol(0.0, 30.0, 0.2), r.ForwardVol(30.0, 90.0, 0.21), r.ForwardVol(90.0, 365.0, None)),
        earlier=(r.EarlierTermStructure("day", SESSION - dt.timedelta(days=1), (30,), (0.19,)),),
        bands=(r.Band(30, "rr25", 0.0125, -0.01, 0.0, 0.02, 0.8, 252),),
        ranks=(rank(30, 0.634),),
        smiles=tuple(map(smile, DAYS)),
        heat_map=r.HeatMap((30,), (0.1, 0.5, 0.9), ((0.22, 0.2, 0.21),)),
        greeks=r.GreekCurves(30.0, (190.0, 210.0), (0.1, 0.1), (0.2, 0.2)),
        vegas=(r.AtMoneyVega(30.0, 0.22),),
    )
    return dataclasses.replace(reading, **changes)


def rank(days, percentile):
    if percentile is None:
        return r.Rank(days, 0.2, None, None, None, None, 30, None, "30 of 252 sessions are stored")
    return r.Rank(days, 0.2, 0.5, percentile, 0.1, 0.3, 252, "tenors", None)


def cone(window, estimator, current):
    return r.ConeWindow(window, estimator, 0.1, 0.12, 0.14, 0.16, 0.18, current, 1000, 1000 / window, 1.01)


def realised(**changes):
    history = r.Realised(
        first=dt.date(2010, 1, 4),
        last=SESSION,
        sessions=3500,
        mean_return=0.0512,
        vol=0.1634,
        skewness=-0.31234,
        excess_kurtosis=6.41234,
        cone=(cone(21, "close", 0.15), cone(60, "close", 0.155), cone(21, "range", 0.9)),
        jumps=(r.Jump(dt.date(2024, 3, 1), -0.0345, -4.126, False),),
        jump_notice=3.0,
        jump_significance=4.8,
        jumps_found=1,
        jumps_expected=0.3,
    )
    return dataclasses.replace(history, **changes)


def ratio(days):
    return r.Ratio(days, round(days * 252 / 365), 0.2, 21, 0.16, 1.25, "SELL VOL", 0.18, 1.11, "NEUTRAL", 0.0076, 0.7)


def horizon(days, spot_ratio, expense):
    at = forward(days) * spot_ratio * math.exp(expense * days / 365)
    law = r.Window(
        at,
        0.99 * at,
        -0.01,
        0.1,
        tuple(r.Interval(p, (1 - p / 5) * at, (1 + p / 5) * at) for p in (0.6827, 0.9, 0.95, 0.99)),
        tuple(r.TailRisk(p, 0.85 * at, 0.15, 0.8 * at, 0.2) for p in (0.05, 0.025, 0.01)),
    )
    expansion = r.CornishFisherWindow(0.1, 0.3, False, law.intervals, law.tails)
    when = SESSION + dt.timedelta(days=round(days))
    shape = (0.2, 0.18, 0.19, 0.19, False, 0.3, 1.5)
    quoted = (0.7 * at, 1.4 * at, "mixture")
    return r.Horizon("expiration", when, days, days / 365, 20, at, *quoted, *shape, law, law, expansion)


def instrument(name, spot, ratio_to_gld, expense):
    return r.Instrument(
        name=name,
        spot=spot,
        realised=realised(),
        ratios=tuple(map(ratio, DAYS)),
        ratio_history=r.RatioHistory(3000, 1.1, 0.5, 0.4, 0.4, 0.2, 0.7, 0.65),
        horizons=tuple(horizon(days, ratio_to_gld, expense) for days in DAYS),
        densities=(r.DensityCurve(30.0, (180.0, 220.0), (0.01, 0.02), None),),
    )


def report(**changes):
    whole = r.GoldReport(
        session=SESSION,
        quote_time=dt.datetime(2024, 3, 15, 16, 0, tzinfo=ZoneInfo("America/New_York")),
        source="yahoo",
        rate=0.0531234,
        rate_source="vendor",
        gvz=r.Gvz(0.14837, None, 0.15, None),
        surface=surface(),
        gld=instrument("GLD", r.Spot(SPOT, "close", SPOT), 1.0, 0.0),
        xau=instrument("XAU/USD", r.Spot(SPOT * RATIO, "basis", None), RATIO, EXPENSE),
        blend=r.Blend(0.4, 0.9, "precision", "har", 3000, 140.0, 0.3, 0.3, 0.5),
        basis=r.Basis(2190.0, SPOT, RATIO, 0.0004, 63, 0.001, 1 / RATIO, 0.0925, -0.017, EXPENSE),
        quality=r.Quality(
            57,
            "poor",
            (
                r.Penalty("expirations", 30, 30, 3.0, "three expirations", {"count": 3}),
                r.Penalty("spreads", 10, 15, 1.2, "wide", {"points": 1.2}),
                r.Penalty("staleness", 3, 10, 20.0, "late", {"minutes": 20}),
                r.Penalty("cone", 0, 10, 8.0, "all windows", {"count": 8, "total": 8}),
            ),
        ),
        degraded=True,
        notices=(
            r.Notice("few_expirations", "surface", True, "There are few expirations.", {"count": 4}),
            r.Notice("basis_off", "xau", False, "The basis is off.", {"gap": math.nan}),
        ),
        sources=(
            r.Source("tenors/gld", 253, 3036, dt.date(2023, 3, 15), SESSION, "b" * 64),
            r.Source("surface/gld", 1, 4, SESSION, SESSION, "a" * 64),
        ),
    )
    return dataclasses.replace(whole, **changes)


def strict(text):
    """JSON as the standard has it: without the NaN and Infinity that Python lets pass."""

    def refuse(token):
        raise AssertionError(token)

    return json.loads(text, parse_constant=refuse)


# ---------------------------------------------------------------------- plain data


def test_dates_and_instants_become_iso_text_in_utc():
    assert plain(SESSION) == "2024-03-15"
    assert plain(dt.datetime(2024, 3, 15, 16, 15, tzinfo=ZoneInfo("America/New_York"))) == "2024-03-15T20:15:00Z"
    assert plain(pd.Timestamp("2024-01-15 21:00", tz="UTC")) == "2024-01-15T21:00:00Z"


def test_scalars_of_numpy_become_pythons_and_tuples_lists():
    found = plain([np.float64(0.5), np.int64(3), np.bool_(True), (1,)])
    assert found == [0.5, 3, True, [1]]
    assert [type(each) for each in found] == [float, int, bool, list]


@pytest.mark.parametrize("unknown", [*UNKNOWN, np.float32("nan")])
def test_a_number_that_is_not_finite_is_unknown(unknown):
    assert plain((unknown,)) == [None]


@pytest.mark.parametrize("value", [dt.datetime(2024, 3, 15, 16), pd.Timestamp("2024-03-15"), pd.NaT, {1, 2}, object()])
def test_what_has_no_one_meaning_in_json_is_refused(value):
    with pytest.raises(ReportError):
        plain([value])


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


@settings(max_examples=50)
@given(json_like)
def test_the_json_of_anything_plain_is_standard_json_of_equal_meaning(value):
    data = plain({"value": value})
    assert strict(to_json(data)) == data


# ---------------------------------------------------------------------- the document


def test_a_report_made_by_hand_meets_the_schema_with_and_without_what_may_be_missing():
    validated(document_of(report()))
    bare = dataclasses.replace(report().gld, realised=None, ratio_history=None, ratios=(), horizons=(), densities=())
    empty = dataclasses.replace(surface(), ranks=(), bands=(), earlier=(), smiles=(), heat_map=None, greeks=None)
    validated(document_of(report(gld=bare, surface=empty, xau=None, basis=None, blend=None, gvz=None)))


def test_the_analysis_is_the_report_itself():
    analysis = document_of(report())["analysis"]
    assert list(analysis) == [field.name for field in dataclasses.fields(r.GoldReport)]
    assert analysis["quote_time"] == "2024-03-15T20:00:00Z"
    assert analysis["surface"]["expirations"][0]["atm_vol"] == 0.2
    assert analysis["gld"]["horizons"][1]["posterior"]["intervals"][3]["probability"] == 0.99
    assert analysis["notices"][1]["values"] == {"gap": None}


NUMBERS = {name: kind for name, kind in r.Expiration.__annotations__.items() if "float" in kind}


@pytest.mark.parametrize("name", NUMBERS)
def test_an_unknown_number_is_null_where_there_may_be_none_and_refused_by_name_elsewhere(name):
    row = dataclasses.replace(expiration(30.0), **{name: math.nan})
    document = document_of(report(surface=surface(expirations=(row,))))
    assert document["analysis"]["surface"]["expirations"][0][name] is None
    if "None" in NUMBERS[name]:
        validated(document)
    else:
        with pytest.raises(ReportError, match=r"surface(\.expirations)?\[0\]\.\w+: .* it is null"):
            validated(document)


# ---------------------------------------------------------------------- meta


def test_meta_says_when_of_what_and_by_what():
    meta = document_of(report())["meta"]
    assert (meta["session"], meta["fetched_at"], meta["source"]) == ("2024-03-15", "2024-03-15T20:00:00Z", "yahoo")
    assert (meta["gvz"], meta["rate"], meta["ratio_gld_xau"], meta["schema_version"]) == (14.84, 0.05312, 11.0, "3.0")
    assert (meta["degraded"], meta["degraded_reasons"]) == (True, ["There are few expirations."])


def test_the_fingerprint_of_the_data_is_that_of_its_tables_in_any_order():
    made = report()
    lines = f"{'a' * 64} surface/gld\n{'b' * 64} tenors/gld\n"
    fingerprint = hashlib.sha256(lines.encode()).hexdigest()
    assert seed_blocks(made)[0].data_sha256 == fingerprint
    turned = dataclasses.replace(made, sources=made.sources[::-1])
    assert seed_blocks(turned)[0].data_sha256 == fingerprint


def test_a_simulated_market_is_called_one():
    assert "simulated" in seed_blocks(report(source="sample"))[0].note
    assert "simulated" not in seed_blocks(report())[0].note.lower()


# ---------------------------------------------------------------------- gld and xauusd


def test_the_surface_is_in_percent_and_vol_points():
    assert document_of(report())["gld"]["surface"][0] == {
        "expiry": "2024-04-14",
        "tenor_days": 30,
        "T": 0.082192,
        "atm_iv": 20.0,
        "iv_25c": 20.875,
        "iv_25p": 19.625,
        "rr25": 1.25,
        "bf25": 0.25,
        "n_strikes": 40,
        "n_calls": 25,
        "n_puts": 15,
    }


def test_a_smile_has_its_moneyness_from_spot_and_the_delta_of_its_own_right():
    (put, call) = document_of(report())["gld"]["smiles"][0]["smile"]
    assert put == {"k": -10.0, "iv": 20.0, "K": round(SPOT * math.exp(-0.1), 2), "delta": -0.1, "type": "put"}
    assert call == {"k": 5.0, "iv": 20.0, "K": round(SPOT * math.exp(0.05), 2), "delta": 0.3, "type": "call"}


def test_every_expiration_has_its_row_and_every_smile_its_own():
    gld = document_of(report())["gld"]
    assert [each["tenor_days"] for each in gld["smiles"]] == [30, 90, 365, 500]
    assert [each["tenor_days"] for each in gld["surface"]] == [30, 90, 365, 500]


def test_the_metals_strikes_lie_where_its_own_forward_puts_them():
    made = report()
    _, gld, xau = seed_blocks(made)
    for i, curve in enumerate(gld.smiles):
        step = made.xau.horizons[i].forward / made.gld.horizons[i].forward
        for ours, theirs in zip(curve.smile, xau.smiles[i].smile):
            assert math.isclose(theirs.K, step * ours.K, rel_tol=1e-4)
            assert math.isclose(theirs.k, ours.k + 100 * EXPENSE * curve.tenor_days / 365, abs_tol=0.011)
            assert (theirs.iv, theirs.delta, theirs.type) == (ours.iv, ours.delta, ours.type)
    assert (xau.spot, xau.ratio_gld, xau.quality.label) == (2200.0, 11.0, "XAU/USD")


def test_without_a_gold_future_the_metals_block_is_null():
    document = document_of(report(xau=None, basis=None))
    assert document["xauusd"] is None
    assert document["meta"]["ratio_gld_xau"] is None
    validated(document)


def test_the_cone_is_close_to_close_and_in_percent():
    gld = document_of(report())["gld"]
    levels = {"p10": 10.0, "p25": 12.0, "p50": 14.0, "p75": 16.0, "p90": 18.0}
    assert gld["rv_cone"] == {
        "21": {**levels, "current": 15.0, "n_obs": 1000},
        "60": {**levels, "current": 15.5, "n_obs": 1000},
    }
    assert gld["rv_recent"] == {"21": 15.0, "60": 15.5}
    assert gld["rv_stats"] == {
        "mean_annual": 5.12,
        "rv_annual": 16.34,
        "skew": -0.312,
        "kurt_excess": 6.412,
        "n_days": 3500,
        "start_date": "2010-01-04",
        "end_date": "2024-03-15",
    }
    assert gld["jumps"] == [{"date": "2024-03-01", "return": -3.45, "zscore": -4.13}]


def test_implied_over_realised_has_the_percentile_of_implied_vol_itself():
    rows = document_of(report())["gld"]["ivr_ivp"]
    first = {"tenor_days": 30, "iv": 20.0, "rv_current": 16.0, "ivr": 1.25, "ivp": 63.4, "signal": "SELL VOL"}
    assert rows[0] == first
    assert rows[1]["ivp"] is None  # 90 days are not 30


@pytest.mark.parametrize(
    ("days", "ivp"),
    [(23.9, None), (24.0, 10.0), (40.0, 10.0), (40.1, None), (48.0, 20.0), (75.0, 20.0), (90.0, None)],
)
def test_a_percentile_serves_expirations_within_a_quarter_of_their_days(days, ivp):
    ranks = (rank(30, 0.1), rank(60, 0.2), rank(91, None))
    gld = dataclasses.replace(report().gld, ratios=(ratio(days),))
    assert seed_blocks(report(gld=gld, surface=surface(ranks=ranks)))[1].ivr_ivp[0].ivp == ivp


def test_a_percentile_is_the_nearest_maturitys():
    ranks = (rank(30, 0.1), rank(38, 0.2))
    gld = dataclasses.replace(report().gld, ratios=(ratio(33.0), ratio(35.0)))
    assert [row.ivp for row in seed_blocks(report(gld=gld, surface=surface(ranks=ranks)))[1].ivr_ivp] == [10.0, 20.0]


def test_forward_vols_are_those_between_expirations_and_say_where_variance_falls():
    assert document_of(report())["gld"]["fwd_vols"] == [
        {"from_days": 30, "to_days": 90, "fwd_vol": 21.0, "cal_arb_ok": True},
        {"from_days": 90, "to_days": 365, "fwd_vol": None, "cal_arb_ok": False},
    ]


def test_rules_that_took_points_off_are_warnings_as_grave_as_the_points():
    assert document_of(report())["gld"]["quality"] == {
        "label": "GLD",
        "score": 57,
        "n_tenors_atm": 4,
        "n_tenors_smile": 4,
        "n_strikes": 160,
        "warnings": [
            {"severity": "CRITIQUE", "msg": "three expirations"},
            {"severity": "MAJEUR", "msg": "wide"},
            {"severity": "MODÉRÉ", "msg": "late"},
        ],
    }


# ---------------------------------------------------------------------- JSON


def test_json_is_the_same_for_equal_reports_and_loads_as_the_document():
    document = document_of(report())
    text = to_json(document)
    assert text == to_json(document_of(report()))
    assert strict(text) == document
    assert "MODÉRÉ" in text.decode()
    assert max(map(len, text.decode().splitlines())) < 2000  # readable: what nests is broken into lines


@pytest.mark.parametrize("number", UNKNOWN)
def test_json_refuses_a_number_that_is_not_finite(number):
    with pytest.raises(ReportError, match="finite"):
        to_json({"a": [[number]]})


def test_the_json_of_a_busy_day_stays_under_one_and_a_half_megabytes():
    """23 expirations of 90 quotes and curves of 61 points, 34 horizons, densities of 241 prices, in full precision."""
    noise = random.Random(1)

    def full(value):
        """Every number with all its digits, as a fit has them."""
        if isinstance(value, float):
            return value * (1 - noise.random() * 1e-3)
        if dataclasses.is_dataclass(value):
            return dataclasses.replace(
                value, **{each.name: full(getattr(value, each.name)) for each in dataclasses.fields(value)}
            )
        return tuple(map(full, value)) if isinstance(value, tuple) else value

    days = [7.0 + 17.0 * i for i in range(23)]
    quotes = tuple(dataclasses.replace(quote(150.0 + i, "C", 30, 0.5), k=0.1 / (i + 3)) for i in range(90))
    points = tuple(0.1 / (i + 7) for i in range(241))
    curves = [dataclasses.replace(smile(d), k=points[:61], vol=points[:61], quotes=quotes) for d in days]
    gld = dataclasses.replace(
        report().gld,
        horizons=tuple(horizon(d, 1.0, 0.0) for d in [*days, *range(7, 400, 37)]),
        densities=(r.DensityCurve(30.0, points, points, points),) * 3,
        ratios=tuple(map(ratio, days)),
    )
    xau = dataclasses.replace(gld, name="XAU/USD", spot=r.Spot(SPOT * RATIO, "basis", None))
    # Strikes are round numbers, as they are listed.
    smiles = tuple(
        dataclasses.replace(
            full(curve), quotes=tuple(dataclasses.replace(full(q), strike=q.strike) for q in curve.quotes)
        )
        for curve in curves
    )
    whole = surface(expirations=tuple(full(expiration(d)) for d in days), smiles=smiles)
    document = document_of(report(gld=full(gld), xau=full(xau), surface=whole))
    validated(document)
    assert 500_000 < len(to_json(document)) < 1_500_000
