"""Realised-volatility forecasts of SPY over the next five sessions: models, walk-forward, evaluation, explanation."""
