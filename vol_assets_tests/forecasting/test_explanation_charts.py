from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from vol_assets.charts import style
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.forecasting import charts
from vol_assets.forecasting.charts.readings import reading
from vol_assets.forecasting.explanation import explain
from vol_assets.forecasting.frame import complete
from vol_assets.forecasting.models import ENSEMBLE, VIX
from vol_assets.forecasting.rv_model import train

PICTURES = {
    "importance": charts.importance,
    "beeswarm": charts.beeswarm,
    "waterfall": lambda explanation: charts.waterfall(explanation, explanation.terms.index[-1]),
    "dependence": charts.dependence,
    "drift": charts.drift,
}


@pytest.fixture(scope="module")
def frame(make_bars, make_frame):
    frame = make_frame(make_bars(900))
    draw = np.random.default_rng(3)
    seen = np.arange(len(frame)) >= 200
    noise = {name: np.where(seen, draw.normal(0.1, 0.1, len(frame)), np.nan) for name in IMPLIED_FEATURES}
    return frame.assign(**noise)[complete(frame)]


@pytest.fixture(scope="module")
def ensemble(frame):
    return explain(train(frame), frame)


@pytest.fixture(scope="module")
def explanations(frame, ensemble):
    constant = replace(
        ensemble,
        terms=ensemble.terms * 0.0,
        values=ensemble.values * 0.0 + 0.3,
        forecast_vol=ensemble.forecast_vol * 0.0 + np.exp(ensemble.base),
    )
    one_term = explain(train(frame, VIX), frame)
    return {
        "the ensemble": ensemble,
        "one session": ensemble.last(1),
        "one term": one_term,
        "one term and session": one_term.last(1),
        "constant": constant,
        "no optional input": explain(train(frame, ENSEMBLE), frame.drop(columns=list(IMPLIED_FEATURES)).tail(40)),
    }


CASES = ["the ensemble", "one session", "one term", "one term and session", "constant", "no optional input"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", PICTURES)
def test_it_is_drawn_with_all_texts_inside_and_no_axis_labels_over_each_other(name, case, explanations):
    figure = PICTURES[name](explanations[case])
    assert style.png(figure, dpi=60).startswith(b"\x89PNG")
    figure.canvas.draw()
    whole = figure.get_window_extent()
    for text in figure.texts:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text.get_text()
    for ax in figure.axes:
        for axis, low, high in ((ax.xaxis, "x0", "x1"), (ax.yaxis, "y0", "y1")):
            shown = [tick.label1 if tick.label1.get_visible() else tick.label2 for tick in axis.get_major_ticks()]
            boxes = [text.get_window_extent() for text in shown if text.get_text() and text.get_visible()]
            boxes = sorted(boxes, key=lambda box: getattr(box, low))
            for one, next_one in pairwise(boxes):
                assert getattr(one, high) <= getattr(next_one, low)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_importance_is_in_two_colours_with_a_legend_that_says_what_the_kinds_do_together(ensemble):
    (ax,) = charts.importance(ensemble).axes
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    together = ensemble.importance_by_kind()
    assert said[0].startswith("linear")
    assert said[0].endswith(f"{np.expm1(together['linear']):.0%}")
    assert said[1].startswith("trees")
    colours = {bar.get_facecolor() for bar in ax.patches}
    assert colours == {handle.get_facecolor() for handle in ax.get_legend().legend_handles}
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], ensemble.importance()[::-1])


@pytest.mark.parametrize("top", [3, 10, 31])
def test_the_waterfall_starts_at_the_average_session_and_ends_at_the_forecast(top, ensemble):
    day = ensemble.terms.index[-1]
    (ax,) = charts.waterfall(ensemble, day, top=top).axes
    start, end = (line.get_xdata()[0] for line in ax.lines)
    assert start == pytest.approx(np.exp(ensemble.base), rel=1e-12)
    assert end == pytest.approx(ensemble.forecast_vol[day], rel=1e-12)
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert len(ends) == min(top + 1, 31)
    at = start
    for bar in ends:  # each bar goes on where the last one ended
        assert min(abs(np.log(x / at)) for x in bar) < 1e-9
        at = max(bar, key=lambda x: abs(np.log(x / at)))
    assert at == pytest.approx(end, rel=1e-6)


def test_the_waterfall_names_inputs_and_changes_in_a_persons_units(ensemble):
    day = ensemble.terms.index[-1]
    (ax,) = charts.waterfall(ensemble, day).axes
    values = [label.get_text() for label in ax.get_yticklabels()]
    assert f"VIX {np.exp(ensemble.values.loc[day, 'log_vix']):.1%}" in values
    assert f"{np.expm1(ensemble.terms.loc[day, 'log_vix']):+.1%}" in texts(ax)
    assert "21 other terms" in texts(ax)


def test_a_linear_term_is_a_straight_line_on_the_axis_it_is_drawn_on(ensemble):
    figure = charts.dependence(ensemble)
    kinds = {ax.get_title(loc="left"): ax.get_title(loc="right") for ax in figure.axes}
    assert kinds["log_vix"] == "linear"
    assert "trees" in kinds.values()
    for ax in figure.axes[:8]:
        points = np.ma.getdata(ax.collections[0].get_offsets())
        points = ax.transData.transform(points[np.isfinite(points).all(axis=1)])
        correlation = abs(np.corrcoef(points.T)[0, 1])
        assert (correlation > 1 - 1e-9) == (ax.get_title(loc="right") == "linear")


def test_the_drift_table_says_each_years_mean_change_and_leaves_absent_inputs_blank(ensemble):
    (ax,) = charts.drift(ensemble, top=31).axes
    cells = {tuple(text.get_position()): text.get_text() for text in ax.texts}
    yearly = ensemble.importance_by_year()
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(year) for year in yearly.columns]
    row = yearly.index.get_loc("log_vix")
    assert cells[0, row] == f"{np.expm1(yearly.iloc[row, 0]):.0%}"
    assert (0, yearly.index.get_loc("log_skew")) not in cells
    assert "Blank: no such input" in ax.figure.texts[1].get_text()


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("vix", 0.138, "13.8%"),
        ("log_vix", np.log(0.138), "VIX 13.8%"),
        ("log_vix_term", np.log(0.87), "VIX/VIX3M 0.87"),
        ("log_var_22d", 2 * np.log(0.081), "vol 8.1%"),
        ("log_vvix", np.log(0.99), "VVIX 99%"),
        ("log_vix9d_term", np.log(1.48), "VIX9D/VIX 1.48"),
        ("log_skew", np.log(1.25), "SKEW 125"),
        ("spy_ret_5d", 0.0121, "+1.2%"),
        ("negative_return_1d", -0.041, "-4.1%"),
        ("negative_return_1d", -0.0, "0.0%"),
        ("rv_vix_spread_20d", -0.066, "-6.6%"),
        ("hyg_tlt_spread", 0.004, "+0.4%"),
        ("spy_vol_60d", 0.081, "8.1%"),
        ("drawdown_60d", 0.0, "0.0%"),
        ("vix_term", 1.149, "1.15"),
        ("corr_spy_hyg_60d", 0.672, "0.67"),
        ("rsi_spy_14", 85.6, "86"),
        ("of_tomorrow", 12.345, "12.3"),
        ("log_vix", np.nan, "missing"),
    ],
)
def test_an_input_is_read_in_the_unit_a_person_uses(column, value, text):
    assert reading(column).text(value) == text


def test_every_term_of_the_ensemble_has_a_reading_of_its_own(ensemble):
    plain = reading("of_tomorrow")
    assert [name for name in ensemble.terms if reading(name) is plain] == []
    assert isinstance(ensemble.terms.index, pd.DatetimeIndex)
