"""What MLflow runs to serve a smile model; logged as code, so no pickle is involved."""

import mlflow
import pandas as pd

from vol_assets.smiles.stored import load_model
from vol_assets.tracking.smile_model import ARTIFACT, forecast_frame


class SmilePythonModel(mlflow.pyfunc.PythonModel):
    """`predict` takes ten states a window, oldest first (the signature names their numbers), and gives the ln vols of
    every smile and node at each horizon, a row a window and horizon."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.model = load_model(context.artifacts[ARTIFACT])

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return forecast_frame(self.model, model_input)


mlflow.models.set_model(SmilePythonModel())
