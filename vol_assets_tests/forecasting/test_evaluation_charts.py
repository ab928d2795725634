import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from vol_assets import clock
from vol_assets.charts import style
from vol_assets.errors import ForecastError
from vol_assets.forecasting import charts
from vol_assets.forecasting.canary import Canary
from vol_assets.forecasting.evaluation import evaluate

SESSIONS = pd.DatetimeIndex(clock.sessions("2016-01-04", "2019-12-31"))


def backtest_of(forecasts, realised, dates):
    """A backtest of constant or given volatilities; variance is the square, the interval half to twice."""
    tables = [
        pd.DataFrame({"date": dates, "model": model, "forecast_vol": vol, "realised": realised}).assign(
            forecast_var=lambda table: table["forecast_vol"] ** 2,
            p10=lambda table: 0.5 * table["forecast_vol"],
            p90=lambda table: 2.0 * table["forecast_vol"],
        )
        for model, vol in forecasts.items()
    ]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def evaluation():
    draw = np.random.default_rng(3)
    n = len(SESSIONS)
    returns = pd.Series(0.01 * draw.normal(size=n), index=SESSIONS)
    realised = np.sqrt(252 / 5 * (returns**2)[::-1].rolling(5).sum()[::-1].shift(-1)).to_numpy()
    widths = {"persistence": 0.6, "har": 0.4, "log_har_iv": 0.3, "xgb_residual": 0.29, "ensemble": 0.2}
    forecasts = {name: 0.159 * np.exp(width * draw.normal(size=n)) for name, width in widths.items()}
    seeds = pd.DataFrame({1: [0.30, 0.31], 2: [0.31, 0.31]}, index=["ensemble", "log_har_iv"])
    canary = Canary({"shuffled": 0.7, "contiguous": 0.2, "walk_forward": -0.1}, n, 5, SESSIONS[0], SESSIONS[-1])
    backtest = backtest_of(forecasts, realised, SESSIONS)
    return evaluate(backtest, returns=returns, seeds=seeds, canary=canary, reps=100)


DRAWN = {
    "ladder": charts.qlike_ladder,
    "years": charts.yearly_ratios,
    "reliability": charts.reliability,
    "exceedances": charts.exceedances,
    "every fifth": charts.every_fifth,
    "leakage": lambda evaluation: charts.leakage(evaluation.canary),
    "seeds": lambda evaluation: charts.seed_dots(evaluation.seeds),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_an_evaluation_can_be_drawn_with_every_text_inside_the_picture_and_none_on_another(draw, evaluation):
    figure = draw(evaluation)
    assert style.png(figure).startswith(b"\x89PNG")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for owner in (figure, *figure.axes)
        for text in [*owner.texts, *(_labels(owner) if owner is not figure else [])]
        if text.get_text() and text.get_visible()
    ]
    page = figure.bbox.padded(2)
    for words, box in boxes:
        assert page.x0 <= box.x0 < box.x1 <= page.x1, words
        assert page.y0 <= box.y0 < box.y1 <= page.y1, words
    for i, (words, box) in enumerate(boxes):
        for others, other in boxes[i + 1 :]:
            assert not box.padded(-1).overlaps(other.padded(-1)), (words, others)


def _labels(ax):
    """Titles and tick labels that are drawn."""
    ticks = [
        *(label for tick, label in zip(ax.get_xticks(), ax.get_xticklabels()) if _inside(tick, ax.get_xlim())),
        *(label for tick, label in zip(ax.get_yticks(), ax.get_yticklabels()) if _inside(tick, ax.get_ylim())),
    ]
    return [ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label, *ticks]


def _inside(tick, limits):
    return min(limits) <= tick <= max(limits)


def test_the_ladder_stands_in_order_with_the_best_on_top(evaluation):
    (ax,) = charts.qlike_ladder(evaluation).axes
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == evaluation.scores["qlike"].sort_values(ascending=False).index.tolist()
    points = {line.get_ydata()[0]: line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"}
    for row, name in enumerate(names):
        assert points[row] == evaluation.scores.loc[name, "qlike_vs_log_har_iv"]


def test_the_years_show_the_ratio_of_every_model_but_the_reference(evaluation):
    (ax,) = charts.yearly_ratios(evaluation).axes
    assert "log_har_iv" not in [label.get_text() for label in ax.get_yticklabels()]
    best = [text.get_text() for text in ax.texts][:5]  # the first row: four years and all
    years = evaluation.by_year.xs("ensemble", level="model")["qlike_vs_log_har_iv"]
    assert best == [f"{v:.2f}" for v in (*years, evaluation.scores.loc["ensemble", "qlike_vs_log_har_iv"])]


def test_a_short_backtest_without_tests_can_be_drawn():
    dates = SESSIONS[:12]
    short = evaluate(backtest_of({"har": 0.1, "log_har_iv": 0.15}, 0.12, dates))
    for draw in (charts.qlike_ladder, charts.yearly_ratios, charts.reliability, charts.every_fifth):
        assert style.png(draw(short)).startswith(b"\x89PNG")


def test_pictures_say_what_they_lack(evaluation):
    alone = evaluate(backtest_of({"mine": 0.1}, 0.12, SESSIONS[:12]))
    for draw in (charts.qlike_ladder, charts.yearly_ratios, charts.every_fifth):
        with pytest.raises(ForecastError, match="log_har_iv is not among mine"):
            draw(alone)
    with pytest.raises(ForecastError, match="made without returns"):
        charts.exceedances(alone)
    only = evaluate(backtest_of({"log_har_iv": 0.1}, 0.12, SESSIONS[:12]))
    with pytest.raises(ForecastError, match="the only model"):
        charts.yearly_ratios(only)
