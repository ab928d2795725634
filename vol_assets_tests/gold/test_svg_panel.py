"""The drawing toolkit: ticks, axes, measured text, colours, and where texts go."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from drawn import overlapping
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.gold.pdf import axis, ends, svg, text, theme, ticks
from vol_assets.gold.pdf.panel import Key, Panel, missing

COLOUR = st.integers(0, 2**24 - 1).map("#{:06x}".format)
SVG = "{http://www.w3.org/2000/svg}"
TEXT_COLOURS = ("INK", "SOFT", "MUTED", "BLUE", "ORANGE", "GREEN", "VERMILION", "PURPLE", "YELLOW", "GREY", "GOLD")


def write(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"


# ---------------------------------------------------------------------- ticks and axes


@settings(max_examples=50)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(3, 9))
def test_ticks_are_multiples_of_a_round_step_and_as_many_as_there_is_room_for(low, span, most):
    high = low + span
    found = ticks.linear(low, high, most)
    assert 1 <= len(found) <= most
    assert low - 1e-6 * span <= found[0]
    assert found[-1] <= high + 1e-6 * span
    steps = np.diff(found)
    if len(found) > 1:
        step = steps[0]
        np.testing.assert_allclose(steps, step, rtol=1e-6)
        leading = step / 10 ** np.floor(np.log10(step) + 1e-9)
        assert min(abs(leading - one) for one in (1.0, 2.0, 2.5, 5.0, 10.0)) < 1e-4


def test_ticks_have_the_decimals_they_need_and_no_more():
    assert ticks.decimals([0.0, 5.0, 10.0]) == 0
    assert ticks.decimals([0.0, 2.5, 5.0]) == 1
    assert ticks.decimals([0.14 * 100, 0.15 * 100]) == 0
    assert ticks.decimals([0.25, 0.5]) == 2


def test_dates_have_ticks_on_firsts_of_months_or_years():
    found = ticks.dates(dt.date(2019, 5, 14), dt.date(2024, 3, 15), 6)
    assert found == [dt.date(year, 1, 1) for year in range(2020, 2025)]
    assert ticks.dates(dt.date(2024, 1, 10), dt.date(2024, 4, 2), 6) == [dt.date(2024, month, 1) for month in (2, 3, 4)]
    assert ticks.dates(dt.date(2024, 3, 4), dt.date(2024, 3, 8), 6) == [dt.date(2024, 3, 4), dt.date(2024, 3, 8)]


def test_a_square_root_axis_has_a_quarter_of_the_days_in_its_middle():
    across = axis.days([1.0, 400.0], write, start=0.0, at=[100.0])
    assert across.place(across.high / 4)[0] == pytest.approx(0.5)


def test_an_axis_that_starts_at_zero_does_and_one_of_both_signs_holds_both():
    assert axis.linear([3.0, 9.0], write, zero=True).low == 0.0
    both = axis.linear([-2.0, 9.0], write, zero=True)
    assert both.low < -2.0 < 9.0 < both.high


def test_an_axis_does_not_magnify_noise():
    up = axis.linear([0.15, 0.1500001], write, least=0.02)
    assert up.high - up.low >= 0.02


def test_percents_are_written_with_the_decimals_that_their_step_needs():
    assert axis.linear([], write, ends=(0.10, 0.20), shown=100, most=3).names == ("10", "15", "20")
    assert axis.linear([], write, ends=(0.10, 0.11), shown=100, most=3).names == ("10.0", "10.5", "11.0")


# ---------------------------------------------------------------------- measured text


def test_text_is_as_wide_as_typst_sets_it():
    import typst

    strings = ["1,492.75", "21 sessions ago", "Écart médian", "\u03c3 √T ≤ 14.8", "premium +4.6", "WAVE To"]
    items = json.dumps([{"text": one, "bold": bold} for one in strings for bold in (False, True)], ensure_ascii=False)
    source = f"""
        #let measured = json(bytes({json.dumps(items, ensure_ascii=False)})).map(it => (it, if it.bold {{
          text(font: "{theme.BOLD_FAMILY}", weight: {theme.BOLD_WEIGHT}, size: 10pt, kerning: false, it.text)
        }} else {{
          text(font: "{theme.FAMILY}", stretch: 75%, size: 10pt, kerning: false, it.text)
        }}))
        #context for pair in measured [#metadata((pair.at(0), measure(pair.at(1)).width.pt())) <width>]
    """
    answer = json.loads(
        typst.query(source.encode(), "<width>", field="value", ignore_system_fonts=True, font_paths=[text.FONTS])
    )
    assert len(answer) == 2 * len(strings)
    for item, width in answer:
        assert text.advance(item["text"], 10.0, item["bold"]) == pytest.approx(width, rel=1e-3)


def test_figures_stand_in_columns():
    for bold in (False, True):
        assert len({round(text.advance(digit, 7.0, bold), 6) for digit in "0123456789"}) == 1


@settings(max_examples=50)
@given(st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=30), st.floats(20.0, 200.0))
def test_wrapping_loses_no_word_and_passes_the_width_only_for_one_word(words, width):
    lines = text.wrap(" ".join(words), 7.0, width)
    assert " ".join(lines).split(" ") == words
    assert all(text.advance(line, 7.0) <= width or " " not in line for line in lines)


# ---------------------------------------------------------------------- colours


def test_contrast_is_that_of_the_web_guidelines():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # their well-known near miss
    assert theme.contrast("#123456", "#123456") == 1.0


@pytest.mark.parametrize("name", TEXT_COLOURS)
def test_every_colour_of_text_is_legible_on_panel_and_page(name):
    for ground in (theme.GROUND, theme.PAGE):
        assert theme.contrast(getattr(theme, name), ground) >= 4.5


@settings(max_examples=50)
@given(COLOUR)
def test_black_or_white_is_legible_on_any_colour(ground):
    assert theme.contrast(theme.on(ground), ground) >= 4.5


def test_the_ramp_also_rises_in_grey():
    lightness = [theme.contrast(theme.ramp(share), "#000000") for share in np.linspace(0, 1, 101)]
    assert (np.diff(lightness) > 0).all()


@settings(max_examples=50)
@given(COLOUR, COLOUR)
def test_a_clear_colour_leaves_the_ground_and_an_opaque_one_hides_it(colour, ground):
    assert theme.over(colour, ground, 0.0) == ground
    assert theme.over(colour, ground, 1.0) == colour


def test_series_differ_in_grey():
    series = (theme.IMPLIED, theme.REALISED, theme.FORECAST, theme.POSTERIOR, theme.INDEX, theme.RICH)
    grey = sorted(theme.contrast(colour, "#000000") for colour in series)
    assert grey[-1] / grey[0] > 1.5


# ---------------------------------------------------------------------- where texts go


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(2, 12)), max_size=12).map(sorted),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_names_at_line_ends_are_apart_in_order_and_within_bounds(things, low, spare):
    middles, halves = [thing[0] for thing in things], [thing[1] for thing in things]
    high = low + 2 * sum(halves) + spare
    placed = ends.apart(middles, halves, low, high)
    edges = [(at - half, at + half) for at, half in zip(placed, halves)]
    assert all(one[1] <= other[0] + 1e-6 for one, other in itertools.pairwise(edges))
    assert all(low - 1e-6 <= one[0] and one[1] <= high + 1e-6 for one in edges)


def test_of_names_that_have_no_room_the_least_important_go():
    names = [ends.End(10.0 * i, f"name {i}", theme.BLUE, False, importance=float(i % 3), x=0.0) for i in range(6)]
    kept, left_out = ends.settled(names, 0.0, 4 * 2 * names[0].half + 0.1)
    assert [end.words for end, _ in kept] == ["name 1", "name 2", "name 4", "name 5"]
    assert {end.words for end in left_out} == {"name 0", "name 3"}


def test_names_that_are_apart_stay_and_two_that_touch_share_the_move():
    assert ends.apart([10.0, 30.0, 60.0], [4.0, 4.0, 4.0], 0.0, 100.0) == [10.0, 30.0, 60.0]
    assert ends.apart([50.0, 52.0], [4.0, 4.0], 0.0, 100.0) == [47.0, 55.0]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.text("abcdef ", min_size=1)), max_size=25))
def test_labels_wherever_their_points_are_neither_overlap_nor_leave_the_panel(points):
    panel = Panel(180.0, 120.0)
    plot = panel.plot(axis.linear([0, 10], write, "x", ends=(0, 10)), axis.linear([0, 10], write, "y", ends=(0, 10)))
    for number, (x, y, words) in enumerate(points):
        plot.label(x, y, words.strip() or "a", theme.BLUE, importance=float(number))
        plot.markers(x, y, theme.BLUE)
    plot.rule_x(5.0, label="upright")
    plot.rule_y(5.0, label="level")
    panel.svg()
    assert overlapping(panel.texts) == []
    for box in panel.texts:
        assert box.x >= -0.02
        assert box.y >= -0.02
        assert box.x + box.width <= 180.02
        assert box.y + box.size <= 120.02
        assert theme.contrast(box.colour, box.ground) >= 4.5


def test_of_two_texts_for_one_place_the_more_important_stays():
    panel = Panel(100.0, 50.0)
    panel.write(50.0, 25.0, "less", importance=10.0)
    panel.write(52.0, 26.0, "more", importance=20.0)
    panel.svg()
    assert [box.text for box in panel.texts] == ["more"]
    assert panel.left_out == ["less"]


def test_a_label_keeps_off_a_line_if_it_can():
    panel = Panel(200.0, 100.0)
    plot = panel.plot(axis.bare(0, 10), axis.bare(0, 10))
    plot.line([5.0, 10.0], [5.0, 5.0], theme.BLUE)
    plot.label(5.0, 5.0, "name", theme.BLUE, prefer="right")
    panel.svg()
    (box,) = panel.texts
    (at,) = plot.py(5.0)
    assert not (box.x + box.width > plot.px(5.0)[0] and box.y < at < box.y + box.size)


def test_a_text_that_must_lie_over_a_bar_gets_a_ground_it_can_be_read_on():
    panel = Panel(60.0, 40.0)
    plot = panel.plot(axis.bare(0, 1), axis.bare(0, 1))
    plot.bars([0.5], [1.0], ["#ffffff"], base=0.0, thick=2.0)
    plot.label(0.5, 0.5, "name", theme.INK)
    found = panel.svg()
    (box,) = panel.texts
    assert theme.contrast(theme.INK, "#ffffff") < 4.5 <= theme.contrast(box.colour, box.ground)
    assert found.index(f'fill="{theme.GROUND}"') < found.index("<text")


def test_a_text_in_an_area_too_light_for_it_gets_the_panels_ground():
    panel = Panel(200.0, 100.0)
    plot = panel.plot(axis.bare(0, 10), axis.bare(0, 10))
    plot.band([0, 10], [0, 0], [10, 10], "#ffffff", opacity=1.0)
    panel.write(100.0, 50.0, "inside", theme.INK)
    panel.svg()
    assert panel.texts[0].ground == theme.GROUND


def test_a_text_in_a_band_is_read_on_the_bands_colour():
    panel = Panel(200.0, 100.0)
    plot = panel.plot(axis.bare(0, 10), axis.bare(0, 10))
    plot.band([0, 10], [0, 0], [10, 10], theme.ORANGE, opacity=0.25)
    panel.write(100.0, 50.0, "inside", theme.INK)
    panel.svg()
    assert panel.texts[0].ground == theme.over(theme.ORANGE, theme.GROUND, 0.25)


def test_a_cells_number_is_black_or_white_on_its_colour():
    panel = Panel(100.0, 40.0)
    plot = panel.plot(axis.categories(["a", "b"]), axis.categories(["c"]))
    plot.cell((-0.5, 0.5), (-0.5, 0.5), "#fdee7a", "1.0")
    plot.cell((0.5, 1.5), (-0.5, 0.5), "#13315c", "2.0")
    panel.svg()
    found = {box.text: (box.colour, box.ground) for box in panel.texts}
    assert found["1.0"] == ("#000000", "#fdee7a")
    assert found["2.0"] == ("#ffffff", "#13315c")


def test_a_legend_takes_the_rows_it_needs_and_the_plot_starts_below():
    panel = Panel(120.0, 100.0)
    one = Panel(120.0, 100.0).legend([Key("short", theme.BLUE)])
    top = panel.legend([Key(f"entry number {i}", theme.BLUE, "line+circle") for i in range(4)])
    plot = panel.plot(axis.bare(0, 1), axis.bare(0, 1), top=top)
    panel.svg()
    assert top > one
    assert len(panel.texts) == 4
    assert all(box.y + box.size <= plot.top for box in panel.texts)


# ---------------------------------------------------------------------- what is drawn


def test_the_same_data_give_the_same_bytes_with_two_decimals_at_most():
    def drawn() -> str:
        panel = Panel(200.0, 100.0)
        days = np.array([7.0, 30.3, 91.7])
        plot = panel.plot(axis.days(days, write, "days"), axis.linear(days / 7, write, "vol"), room_for=["end"])
        plot.line(days, days / 7, theme.BLUE, dash=theme.DASHED)
        plot.markers(days, days / 7, theme.BLUE, shape="diamond")
        plot.end_label(days[-1] / 7, "end", theme.BLUE)
        return panel.svg()

    found = drawn()
    assert found == drawn()
    root = ElementTree.fromstring(found)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("200", "100", "0 0 200 100")
    assert max(len(part) for part in re.findall(r"\d\.(\d+)", re.sub(r'xmlns="[^"]*"', "", found))) <= 2


def test_coordinates_have_no_negative_zero():
    assert [svg.number(value) for value in (-0.001, 0.0, 1.5, 2.0, 1.005e3)] == ["0", "0", "1.5", "2", "1005"]


def test_what_is_beyond_the_axes_is_cut_off():
    panel = Panel(100.0, 100.0)
    plot = panel.plot(axis.bare(0, 1), axis.bare(0, 1))
    plot.line([0.0, 1.0], [0.0, 50.0], theme.BLUE)
    plot.markers([0.5, 0.5], [0.5, 50.0], theme.ORANGE)
    root = ElementTree.fromstring(panel.svg())
    (clip,) = root.iter(f"{SVG}clipPath")
    (rectangle,) = clip
    sides = {side: float(rectangle.get(side)) for side in ("x", "y", "width", "height")}
    assert sides["y"] == pytest.approx(plot.top, abs=0.01)
    assert sides["y"] + sides["height"] == pytest.approx(plot.bottom, abs=0.01)
    (group,) = root.iter(f"{SVG}g")
    assert group.get("clip-path") == f"url(#{clip.get('id')})"
    assert [path.get("stroke") for path in group] == [theme.BLUE]
    assert len([path for path in root.iter(f"{SVG}path") if path.get("fill") == theme.ORANGE]) == 1


def test_a_line_is_interrupted_where_a_value_is_unknown():
    panel = Panel(100.0, 100.0)
    plot = panel.plot(axis.bare(0, 5), axis.bare(0, 5))
    plot.line([0, 1, 2, 3, 4, 5], [1, 1, None, 2, float("nan"), 3], theme.BLUE)
    found = panel.svg()
    (path,) = re.findall(rf'<path d="([^"]*)" stroke="{theme.BLUE}"', found)
    assert path.count("M") == 1
    dots = re.findall(rf'<path d="M([\d.]+) [^"]*" fill="{theme.BLUE}"', found)
    np.testing.assert_allclose([float(x) + 1.3 for x in dots], plot.px([3, 5]), atol=0.011)


def test_steps_hold_their_level_from_edge_to_edge():
    panel = Panel(100.0, 100.0)
    plot = panel.plot(axis.bare(0, 4), axis.bare(0, 4))
    plot.steps([0, 1, 4], [2, 3], theme.BLUE)
    (path,) = re.findall(rf'<path d="([^"]*)" stroke="{theme.BLUE}"', panel.svg())
    corners = np.array(re.findall(r"[\d.]+", path), dtype=float).reshape(-1, 2)
    x, y = plot.px([0, 1, 1, 4]), plot.py([2, 2, 3, 3])
    np.testing.assert_allclose(corners, np.column_stack([x, y]), atol=0.006)


def test_bars_reach_from_their_base_to_their_value():
    panel = Panel(100.0, 100.0)
    plot = panel.plot(axis.categories(["a", "b"]), axis.bare(0, 2))
    plot.bars([0, 1], [0.5, 1.75], [theme.BLUE, theme.RICH], base=1.0, thick=0.6)
    found = panel.svg()
    for colour, value in ((theme.BLUE, 0.5), (theme.RICH, 1.75)):
        (path,) = re.findall(rf'<path d="([^"]*)" fill="{colour}"', found)
        heights = np.array(re.findall(r"[\d.]+", path), dtype=float)[1::2]
        np.testing.assert_allclose(sorted({*heights}), sorted([*plot.py(value), *plot.py(1.0)]), atol=0.006)


@pytest.mark.parametrize("x", [[], [30.0], [30.0, 30.0], [None], [float("nan"), 7.0]])
def test_little_or_no_data_are_drawn_without_complaint(x):
    y = [0.15] * len(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = Panel(100.0, 80.0)
        for across in (axis.days(x, write, "days"), axis.linear(x, write, "x")):
            plot = panel.plot(across, axis.linear(y, write, "y"))
            plot.line(x, y, theme.BLUE)
            plot.band(x, y, y, theme.BLUE)
            plot.bars(x, y, [theme.BLUE] * len(x), base=0.0, thick=0.6)
            plot.steps([*x, 40.0], y, theme.BLUE)
            plot.error_bars(x, y, y, theme.BLUE, cap=2.0)
            plot.markers(x, y, theme.BLUE, shape="square")
            plot.rule_y(None, label="nowhere")
            plot.rule_x(float("nan"), label="nowhere")
            plot.label(None, None, "nowhere")
            plot.end_label(None, "nowhere", theme.BLUE)
        found = panel.svg()
    ElementTree.fromstring(found)
    assert "nan" not in found
    assert "nowhere" not in found
    assert overlapping(panel.texts) == []


def test_a_missing_part_is_said_in_a_sentence_that_fits():
    sentence = "There is no cone: too few returns are stored for a window of realised vol, and so none can be drawn."
    lines = [element.text for element in ElementTree.fromstring(missing(sentence, 120.0, 90.0)).iter(f"{SVG}text")]
    assert len(lines) > 1
    assert " ".join(lines) == sentence
    assert all(text.advance(line, theme.BODY) <= 120.0 for line in lines)


def test_text_is_escaped():
    panel = Panel(100.0, 20.0)
    panel.write(0.0, 10.0, "R&D <5 > 3")
    (element,) = ElementTree.fromstring(panel.svg()).iter(f"{SVG}text")
    assert element.text == "R&D <5 > 3"
