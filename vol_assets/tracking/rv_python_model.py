"""What MLflow runs to serve the volatility forecaster; logged as code, so no pickle is involved."""

import mlflow
import pandas as pd

from vol_assets.forecasting.rv_model import RvForecaster
from vol_assets.tracking.rv_model import ARTIFACT, forecast_frame


class RvPythonModel(mlflow.pyfunc.PythonModel):
    """`predict` takes the forecaster's inputs (features/l1 and features/har; the signature names them) and gives
    forecast_vol, forecast_var, p10, p50, p90 (annualised decimals)."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.forecaster = RvForecaster.load(context.artifacts[ARTIFACT])

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return forecast_frame(self.forecaster, model_input)


mlflow.models.set_model(RvPythonModel())
