import dataclasses
import itertools

import documents
import pytest

from vol_assets.gold.pdf import theme
from vol_assets.gold.pdf.charts.comparison import cones, forwards
from vol_assets.gold.pdf.charts.fan import fan
from vol_assets.gold.pdf.charts.jumps import jumps
from vol_assets.gold.pdf.charts.posterior import posterior
from vol_assets.gold.pdf.charts.price_density import price_density
from vol_assets.gold.words import LANGUAGES, Words

SIZES = {
    fan: (485.0, 205.0),
    posterior: (285.0, 160.0),
    price_density: (285.0, 205.0),
    forwards: (197.0, 110.0),
    cones: (299.0, 110.0),
    jumps: (253.0, 110.0),
}
OF_AN_INSTRUMENT = (fan, posterior, price_density)
CHARTS = [pytest.param(chart, id=chart.__name__) for chart in SIZES]
ENGLISH = Words("en")


def report(**changes):
    return documents.document(**changes)["analysis"]


@pytest.fixture(scope="module")
def analyses(analysis, single_analysis, empty_analysis):
    """From everything to nothing."""
    without_posterior = documents.instrument("GLD", with_posterior=False)
    without_jumps = dataclasses.replace(
        documents.instrument("GLD"), realised=dataclasses.replace(documents.realised(), jumps=())
    )
    return {
        "whole": analysis,
        "without posterior": report(gld=without_posterior, xau=None, basis=None, blend=None),
        "without jumps": report(gld=without_jumps),
        "one expiration": single_analysis,
        "nothing": empty_analysis,
    }


def drawn_of(draw, chart, analysis, words=ENGLISH, which="gld"):
    return draw(chart, analysis[which] if chart in OF_AN_INSTRUMENT else analysis, words, *SIZES[chart])


def said(drawn):
    return [box.text for box in drawn.panel.texts]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("chart", CHARTS)
def test_every_text_is_read_with_ease(draw, chart, language, analyses):
    width, height = SIZES[chart]
    for name, analysis in analyses.items():
        texts = drawn_of(draw, chart, analysis, Words(language)).panel.texts
        assert texts, name
        for box in texts:
            assert box.size >= 7.0, (name, box)
            assert theme.contrast(box.colour, box.ground) >= 4.5, (name, box)
            assert -0.1 <= box.x <= box.x + box.width <= width + 0.1, (name, box)
            assert -0.1 <= box.y <= box.y + box.height <= height + 0.1, (name, box)
        for one, other in itertools.combinations(texts, 2):
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert across <= 0.01 or down <= 0.01, (name, one.text, other.text)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_of_the_size_asked_for_and_always_the_same(draw, chart, analysis):
    width, height = SIZES[chart]
    one, other = (drawn_of(draw, chart, analysis).svg for _ in range(2))
    assert f'width="{width:g}" height="{height:g}"' in one
    assert one == other


@pytest.mark.parametrize("chart", CHARTS)
def test_what_is_missing_is_said_in_a_sentence(draw, chart, empty_analysis):
    assert " ".join(said(drawn_of(draw, chart, empty_analysis))).startswith("There ")


@pytest.mark.parametrize("which", ["gld", "xau"])
def test_the_fan_ends_in_the_windows_of_the_last_horizon_from_high_to_low(draw, analysis, which):
    drawn = drawn_of(draw, fan, analysis, which=which)
    last = analysis[which]["horizons"][-1]
    windows = list(zip(("68", "90", "95", "99"), last["posterior"]["intervals"]))
    highs = [f"{share}\u202f%\u00a0\u00a0{ENGLISH.price(one['high'])}" for share, one in reversed(windows)]
    lows = [f"{share}\u202f%\u00a0\u00a0{ENGLISH.price(one['low'])}" for share, one in windows]
    ends = [box for box in drawn.panel.texts if "\u00a0\u00a0" in box.text]
    ends.sort(key=lambda box: box.y)
    assert [box.text for box in ends] == [*highs, f"F\u00a0\u00a0{ENGLISH.price(last['forward'])}", *lows]
    assert not drawn.panel.left_out


def test_without_a_posterior_the_fan_is_that_of_options(draw, analyses):
    analysis = analyses["without posterior"]
    texts = said(drawn_of(draw, fan, analysis))
    highest = analysis["gld"]["horizons"][-1]["risk_neutral"]["intervals"][-1]["high"]
    assert f"99\u202f%\u00a0\u00a0{ENGLISH.price(highest)}" in texts
    assert "Q: 68, 90, 95, 99\u202f%" in texts
    assert not any(one.startswith("P") for one in texts)


def test_densities_name_value_at_risk_and_expected_shortfall_of_their_horizons(draw, analysis):
    texts = said(drawn_of(draw, price_density, analysis))
    for days in (30, 91):
        horizon = next(one for one in analysis["gld"]["horizons"] if one["days"] == days)
        var, es = horizon["posterior"]["tails"][0], horizon["posterior"]["tails"][1]
        assert f"{days} days" in texts
        for price, loss in (
            (var["value_at_risk"], var["value_at_risk_loss"]),
            (es["expected_shortfall"], es["expected_shortfall_loss"]),
        ):
            assert f"{ENGLISH.price(price)} (\u2212{ENGLISH.percent(loss, 1)})" in texts
    assert {"VaR 5\u202f%", "ES 2.5\u202f%"} <= set(texts)


def test_vols_end_in_the_numbers_of_the_last_horizon(draw, analysis):
    last = analysis["gld"]["horizons"][-1]
    texts = said(drawn_of(draw, posterior, analysis))
    for name in ("implied_vol", "realised_vol", "posterior_vol", "equal_weight_vol"):
        assert ENGLISH.percent(last[name], 1) in texts


def test_the_most_significant_jumps_are_named_with_date_and_z(draw, analysis):
    texts = said(drawn_of(draw, jumps, analysis))
    listed = sorted(analysis["gld"]["realised"]["jumps"], key=lambda jump: -abs(jump["z"]))
    for jump in listed[:2]:
        assert ENGLISH.date(jump["session"]) in texts
        assert f"z {ENGLISH.signed(jump['z'], 1)}" in texts


def test_the_metal_carries_more_than_the_fund(draw, analysis):
    ends = {box.text: box.y for box in drawn_of(draw, forwards, analysis).panel.texts if box.bold}
    over = {
        which: ENGLISH.signed_percent(
            analysis[which]["horizons"][-1]["forward"] / analysis[which]["spot"]["price"] - 1, 2
        )
        for which in ("gld", "xau")
    }
    assert set(ends) == set(over.values())
    assert ends[over["xau"]] < ends[over["gld"]]


def test_cones_share_their_scale(draw, analysis):
    drawn = drawn_of(draw, cones, analysis)
    ticks = [box for box in drawn.panel.texts if box.anchor == "end" and box.text.isdigit()]
    middle = SIZES[cones][0] / 2
    left, right = ([(box.text, box.y) for box in ticks if (box.x < middle) is side] for side in (True, False))
    assert left == right
    assert len(left) >= 3
