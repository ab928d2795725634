import subprocess
import sys

import numpy as np
import pytest

from vol_assets.charts import style
from vol_assets.forecasting import charts
from vol_assets.forecasting.explanation import shap_values
from vol_assets.forecasting.frame import complete
from vol_assets.forecasting.models import HAR, LOG_HAR_IV, PERSISTENCE, VIX
from vol_assets.forecasting.rv_model import train
from vol_assets.forecasting.walk_forward import walk_forward


@pytest.fixture(scope="module")
def backtest(frame):
    return walk_forward(frame, [PERSISTENCE, VIX, HAR, LOG_HAR_IV], min_train=200, refit_every=60)


@pytest.fixture(scope="module")
def values(frame):
    return shap_values(train(frame), frame[complete(frame)])


def is_png(figure):
    return style.png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "draw",
    [
        lambda backtest: charts.forecast_history(backtest, "log_har_iv"),
        charts.qlike_bars,
        charts.cumulative_qlike,
        lambda backtest: charts.calibration(backtest, ("har", "log_har_iv")),
        lambda backtest: charts.calibration(backtest, ("har",)),
    ],
    ids=["history", "bars", "cumulative", "calibration", "calibration of one"],
)
def test_a_backtest_can_be_drawn(draw, backtest):
    assert is_png(draw(backtest))


def test_shap_values_can_be_drawn(values, frame):
    assert is_png(charts.importance(values))
    assert is_png(charts.beeswarm(values, frame))
    assert is_png(charts.waterfall(values, frame, values.index[-1]))
    assert is_png(charts.beeswarm(values.iloc[-1:], frame))


def test_the_features_can_be_drawn_with_their_gaps(frame):
    figure = charts.feature_history(frame)
    assert [ax.get_title(loc="left") for ax in figure.axes][:2] == ["spy_ret_1d", "spy_ret_5d"]
    assert len(figure.axes) == 21


def test_the_waterfall_ends_at_the_forecast_before_smearing(values, frame):
    figure = charts.waterfall(values, frame, values.index[-1], top=3)
    (ax,) = figure.axes
    last = ax.patches[-1]  # "18 other features"
    ends = (last.get_x(), last.get_x() + last.get_width())
    assert min(abs(np.log(end) - values.iloc[-1].sum()) for end in ends) < 1e-9


def test_importing_the_room_loads_no_heavy_library():
    heavy = ("xgboost", "shap", "matplotlib", "sklearn", "scipy", "mlflow", "dagster")
    modules = ("charts", "evaluation", "explanation", "frame", "models", "rv_model", "walk_forward")
    code = "import sys; " + "; ".join(f"import vol_assets.forecasting.{m}" for m in modules)
    code += f"; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
