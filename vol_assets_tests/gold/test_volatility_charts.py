"""The charts of the first two pages are true to the numbers they are made of."""

from __future__ import annotations

import copy
import itertools
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from drawn import draw

from vol_assets.gold.pdf import theme
from vol_assets.gold.pdf.charts.cone import cone
from vol_assets.gold.pdf.charts.density import density
from vol_assets.gold.pdf.charts.forward_vols import forward_vols
from vol_assets.gold.pdf.charts.greeks import dollar_gamma, vega_by_tenor
from vol_assets.gold.pdf.charts.heat_map import heat_map
from vol_assets.gold.pdf.charts.ranks import ranks
from vol_assets.gold.pdf.charts.signals import signals
from vol_assets.gold.pdf.charts.skew import skew
from vol_assets.gold.pdf.charts.smiles import smiles
from vol_assets.gold.pdf.charts.term_structure import term_structure
from vol_assets.gold.words import Words

SVG = "{http://www.w3.org/2000/svg}"


def texts_of(found: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(found).iter(f"{SVG}text")]


def stroked(found: str, colour: str, width: str) -> list[np.ndarray]:
    """Corners (n, 2) of the lines of a colour and width."""
    paths = re.findall(rf'<path d="([^"]*)" stroke="{colour}" stroke-width="{width}"', found)
    return [np.array(re.findall(r"[\d.]+", path), dtype=float).reshape(-1, 2) for path in paths]


def test_the_term_structure_goes_through_every_expiration(analysis):
    found = term_structure(analysis, Words("en"), 268, 191)
    vols = np.array([row["atm_vol"] for row in analysis["surface"]["expirations"]])
    (line,) = stroked(found, theme.IMPLIED, "1.8")
    assert len(line) == len(vols)
    slope = np.polyfit(vols, line[:, 1], 1)
    np.testing.assert_allclose(line[:, 1], np.polyval(slope, vols), atol=0.01)
    roots = np.sqrt([row["days"] for row in analysis["surface"]["expirations"]])
    np.testing.assert_allclose(line[:, 0], np.polyval(np.polyfit(roots, line[:, 0], 1), roots), atol=0.01)


def test_gvz_stands_at_thirty_days_with_its_level(analysis):
    assert f"GVZ {100 * analysis['gvz']['level']:.1f}" in texts_of(term_structure(analysis, Words("en"), 268, 191))


def test_a_session_ago_is_drawn_only_where_it_is_stored(analysis, young_analysis):
    words = Words("en")
    names = [words(f"chart.term.{ago}") for ago in ("day", "week", "month")]
    assert set(names) <= set(texts_of(term_structure(analysis, words, 268, 191)))
    assert not set(names) & set(texts_of(term_structure(young_analysis, words, 268, 191)))


def test_the_cone_names_its_percentiles_in_their_order_of_height(analysis):
    drawn = draw(cone, analysis, Words("en"), 268, 191)
    heights = {box.text.replace("\u202f", ""): box.y for box in drawn.panel.texts}
    names = ["90%", "75%", "median", "25%", "10%"]
    assert sorted(names, key=heights.__getitem__) == names


def test_signals_colour_every_bar_by_its_signal(analysis):
    ratios = copy.deepcopy(analysis)
    rows = ratios["gld"]["ratios"]
    for row, (ratio, signal) in zip(rows, itertools.cycle([(1.3, "SELL VOL"), (1.02, "NEUTRAL"), (0.7, "BUY VOL")])):
        row["ratio"], row["signal"] = ratio, signal
    found = signals(ratios, Words("en"), 205, 191)
    for signal, colour in (("SELL VOL", theme.RICH), ("BUY VOL", theme.CHEAP)):
        bars = re.findall(rf'<path d="[^"]*Z" fill="{colour}"/>', found)
        assert len(bars) == sum(row["signal"] == signal for row in rows)


def test_the_bars_of_signals_stand_on_a_ratio_of_one(analysis):
    ratios = copy.deepcopy(analysis)
    for row, ratio in zip(ratios["gld"]["ratios"], itertools.cycle([1.25, 0.75])):
        row["ratio"], row["signal"] = ratio, "SELL VOL" if ratio > 1 else "BUY VOL"
    found = signals(ratios, Words("en"), 205, 191)
    ((start, end),) = stroked(found, theme.MUTED, "0.7")
    assert start[1] == end[1]
    for colour, far_end in ((theme.RICH, min), (theme.CHEAP, max)):
        for path in re.findall(rf'<path d="([^"]*)Z" fill="{colour}"/>', found):
            heights = {float(y) for y in re.findall(r" ([\d.]+)", path)}
            assert start[1] in heights
            assert far_end(heights) != start[1]


def test_signals_are_drawn_of_the_forecast_alone_where_nothing_trails(analysis):
    ratios = copy.deepcopy(analysis)
    for row in ratios["gld"]["ratios"]:
        row["ratio"] = row["signal"] = row["trailing_vol"] = None
    found = signals(ratios, Words("en"), 205, 191)
    diamonds = re.findall(rf'fill="{theme.FORECAST}" stroke="{theme.GROUND}"', found)
    assert len(diamonds) == len(ratios["gld"]["ratios"])


def test_a_fall_of_total_variance_is_a_gap_with_its_name(analysis, young_analysis):
    words = Words("en")
    whole, broken = (forward_vols(one, words, 229, 191) for one in (analysis, young_analysis))
    falls = words("chart.forward.falls")
    assert falls not in texts_of(whole)
    assert falls in texts_of(broken)
    counts = [re.findall(rf'<path d="([^"]*)" stroke="{theme.GREEN}"', one)[0].count("M") for one in (whole, broken)]
    assert counts == [1, 2]


def test_a_stretch_of_time_that_stands_out_is_named(analysis):
    words, bumpy = Words("en"), copy.deepcopy(analysis)
    step = bumpy["surface"]["forward_vols"][4]
    step["forward_vol"] = 0.21
    name = words(
        "chart.forward.bump", start=round(step["from_days"]), end=round(step["to_days"]), vol=words.number(21.0, 1)
    )
    assert name in texts_of(forward_vols(bumpy, words, 229, 191))
    assert name not in texts_of(forward_vols(analysis, words, 229, 191))


def test_the_skew_writes_a_percentile_for_every_band(analysis, young_analysis):
    words = Words("en")
    bands = analysis["surface"]["bands"]
    three = copy.deepcopy(analysis)
    three["surface"]["bands"] = [band for band in bands if band["days"] in (30, 91, 182)]
    expected = sorted(f"p{round(100 * band['percentile'])}" for band in three["surface"]["bands"])
    found = texts_of(skew(three, words, 253, 191))
    assert sorted(one for one in found if re.fullmatch(r"p\d+", one)) == expected
    assert not [one for one in texts_of(skew(young_analysis, words, 253, 191)) if re.fullmatch(r"p\d+", one)]


def test_ranks_stand_over_their_tenors_and_gvz_alone_where_there_is_no_other(analysis, young_analysis):
    words = Words("en")
    wide = [row for row in analysis["surface"]["ranks"] if row["days"] in (30, 91, 365)]
    some = copy.deepcopy(analysis)
    some["surface"]["ranks"] = wide
    found = texts_of(ranks(some, words, 260, 191))
    assert {f"{100 * row['rank']:.0f}" for row in wide} <= set(found)

    alone = copy.deepcopy(young_analysis)
    gvz = next(row for row in alone["surface"]["ranks"] if row["days"] == 30)
    gvz |= {"rank": 0.61, "percentile": 0.88, "lowest": 0.12, "highest": 0.2, "source": "gvz", "now": 0.16}
    found = texts_of(ranks(alone, words, 260, 191))
    assert "GVZ 61" in found


def test_smiles_are_those_nearest_to_a_week_a_month_a_quarter_and_half_a_year(analysis):
    words = Words("en")
    found = texts_of(smiles(analysis, words, 461, 214))
    curves = analysis["surface"]["smiles"]
    for days in (7, 30, 91, 182):
        gap = min(abs(curve["days"] - days) for curve in curves)
        names = [words("chart.smiles.head", days=round(c["days"]), day=c["expiration"]) for c in curves]
        assert any(name in found for name, c in zip(names, curves) if abs(c["days"] - days) == gap)


def test_a_smile_has_a_bar_for_every_quote_with_bid_and_ask(analysis):
    one = copy.deepcopy(analysis)
    curve = one["surface"]["smiles"][3]
    one["surface"]["smiles"] = [curve]
    curve["quotes"][0]["bid_vol"] = None
    found = smiles(one, Words("en"), 300, 214)
    bars = re.findall(rf'<path d="([^"]*)" stroke="(?:{theme.ORANGE}|{theme.YELLOW})" stroke-width="1.1"', found)
    assert sum(bar.count("V") for bar in bars) == len(curve["quotes"]) - 1


def test_densities_are_described_by_their_horizons(analysis):
    found = texts_of(density(analysis, Words("en"), 302, 214))
    for curve in analysis["gld"]["densities"]:
        horizon = next(one for one in analysis["gld"]["horizons"] if one["days"] == curve["days"])
        middle = horizon["risk_neutral"]["intervals"][0]
        expected = f"within {middle['low']:.0f} to {middle['high']:.0f}"
        assert any(one.startswith(f"{curve['days']:.0f} d:") and expected in one for one in found)


@pytest.mark.parametrize("width", [347.0, 250.0, 150.0])
def test_the_heat_map_writes_vols_in_percent_maturities_down_low_strikes_left(width, analysis):
    drawn = draw(heat_map, analysis, Words("en"), width, 169)
    source = analysis["surface"]["heat_map"]
    cells = [box for box in drawn.panel.texts if box.colour in ("#000000", "#ffffff")]
    rows = [sorted(row, key=lambda box: box.x) for _, row in itertools.groupby(cells, key=lambda box: box.y)]
    heads = {box.x + 0.5 * box.width: box.text for box in drawn.panel.texts if re.fullmatch(r"\d+[PC]|50", box.text)}
    deltas = []
    for box in rows[0]:
        name = heads[min(heads, key=lambda x: abs(x - box.x - 0.5 * box.width))]
        percent = int(name.rstrip("PC"))
        deltas.append((100 - percent if name.endswith("P") else percent) / 100)
    assert deltas == sorted(deltas, reverse=True)
    assert {0.9, 0.75, 0.5, 0.25, 0.1} & set(source["deltas"]) <= set(deltas)
    columns = [source["deltas"].index(delta) for delta in deltas]
    written = [[box.text for box in row] for row in rows]
    assert written == [[f"{100 * vols[i]:.1f}" for i in columns] for vols in source["vol"]]


def test_dollar_gamma_is_named_where_it_is_highest(analysis):
    curves = analysis["surface"]["greeks"]
    top = int(np.argmax(curves["dollar_gamma"]))
    expected = f"{curves['dollar_gamma'][top]:.1f} at {curves['strike'][top]:.0f}"
    assert expected in texts_of(dollar_gamma(analysis, Words("en"), 221, 169))


def test_vega_is_written_as_its_root_of_time_says(analysis):
    flat: dict[str, Any] = copy.deepcopy(analysis)
    flat["surface"]["vegas"] = [{"days": days, "vega": 0.05 * days**0.5} for days in (9.0, 60.0, 200.0, 400.0)]
    found = texts_of(vega_by_tenor(flat, Words("en"), 174, 169))
    for days in (30, 91, 182, 365):
        assert f"{0.05 * days**0.5:.2f} at {days} d" in found
