import unicodedata

import numpy as np
import pytest

from vol_assets.charts import style

MINUS = unicodedata.lookup("MINUS SIGN")


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 0.31, ["0%", "10%", "20%", "30%"]),
        (-0.0655, -0.0495, [f"{MINUS}6.5%", f"{MINUS}6.0%", f"{MINUS}5.5%", f"{MINUS}5.0%"]),
        (0.0019, 0.0081, ["0.2%", "0.4%", "0.6%", "0.8%"]),
        (0.55, 2.2, ["100%", "150%", "200%"]),
    ],
)
def test_percents_are_round_and_have_the_decimals_they_need(low, high, labels):
    _, ax = style.canvas("title", "subtitle")
    ax.set_ylim(low, high)
    style.percent_ticks(ax.yaxis, most=4)
    ticks = [(tick, text.get_text()) for tick, text in zip(ax.get_yticks(), ax.get_yticklabels())]
    assert [text for tick, text in ticks if low <= tick <= high] == labels


def test_panels_keep_their_margins_in_inches_whatever_their_size():
    for width, height in ((9.0, 4.0), (13.0, 12.0)):
        _, axes = style.panels("title", "subtitle", width=width, height=height, rows=2, columns=3, left=0.7)
        assert axes.shape == (2, 3)
        box = axes[1, 0].get_position()
        np.testing.assert_allclose((box.x0 * width, box.y0 * height), (0.7, 0.36))
        np.testing.assert_allclose((1 - axes[0, 0].get_position().y1) * height, 0.96)


def test_a_legend_of_all_panels_lies_inside_the_figure():
    figure, axes = style.panels("title", "subtitle", width=9.0, height=4.0, rows=1, columns=2)
    (line,) = axes[0, 0].plot([0, 1], [0, 1], label="a line")
    style.head_legend(figure, [line])
    box = figure.legends[0].get_window_extent()
    whole = figure.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
    assert axes[0, 0].get_window_extent().y1 < box.y0 < box.y1 <= whole.y1
