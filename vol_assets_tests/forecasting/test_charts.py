import subprocess
import sys
from pathlib import Path

import pytest

from vol_assets import forecasting
from vol_assets.charts import style
from vol_assets.forecasting import charts
from vol_assets.forecasting.models import HAR, LOG_HAR_IV, PERSISTENCE, VIX
from vol_assets.forecasting.walk_forward import walk_forward


@pytest.fixture(scope="module")
def backtest(frame):
    return walk_forward(frame, [PERSISTENCE, VIX, HAR, LOG_HAR_IV], min_train=300, refit_every=60)


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


def test_the_features_can_be_drawn_with_their_gaps(frame):
    figure = charts.feature_history(frame)
    assert [ax.get_title(loc="left") for ax in figure.axes][:2] == ["spy_ret_1d", "spy_ret_5d"]
    assert len(figure.axes) == 21


def test_importing_the_room_loads_no_heavy_library():
    heavy = ("xgboost", "shap", "arch", "statsmodels", "matplotlib", "sklearn", "scipy", "mlflow", "dagster")
    rooms = sorted(Path(forecasting.__file__).parent.glob("*.py"))
    modules = ["charts", "models", *(room.stem for room in rooms if room.stem != "__init__")]
    code = "import sys; " + "; ".join(f"import vol_assets.forecasting.{m}" for m in modules)
    code += f"; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
