"""The scores of the walk-forward: a row a model, every figure with its error or its p-value."""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column


def _number(description: str, *checks: pa.Check, unit: str = "") -> pa.Column:
    return column("float64", description, *checks, unit=unit, nullable=True)


def _share(description: str) -> pa.Column:
    return _number(description, pa.Check.in_range(0, 1, error="within 0 ... 1"), unit="0..1")


def _against(reference: str) -> dict[str, pa.Column]:
    return {
        f"qlike_vs_{reference}": _number(f"qlike as a ratio to {reference}'s; below 1 is better", unit="ratio"),
        f"qlike_vs_{reference}_error": _number("its standard error, Newey-West", unit="ratio"),
        f"reducible_vs_{reference}": _number(
            f"excess of qlike over the noise of the label, as a ratio to {reference}'s", unit="ratio"
        ),
        f"dm_t_vs_{reference}": _number(f"Diebold-Mariano t of qlike against {reference}; below 0 is better", unit="t"),
        f"dm_p_vs_{reference}": _share(f"its one-sided p: that the model is no better than {reference}"),
    }


RV_EVALUATION = Contract(
    key=("forecast", "rv_evaluation"),
    description="How good the walk-forward forecasts of each model were, on the sessions all have forecast.",
    columns={
        "model": column("str", "model name"),
        "n": column("int64", "sessions scored"),
        "rmse": _number("root mean squared error of volatility", unit="decimal a year"),
        "mae": _number("mean absolute error of volatility", unit="decimal a year"),
        "r2": _number("1 - squared errors / variance of realised volatility", unit="ratio"),
        "qlike": _number("mean of y/f - ln(y/f) - 1 on variance", unit="QLIKE"),
        **_against("har"),
        **_against("log_har_iv"),
        "coverage": _share("outcomes within p10 ... p90; 0.8 when the interval is right"),
        "coverage_error": _number("its standard error, Newey-West", unit="0..1"),
        "variance_ratio": _number("mean of realised / forecast variance; 1 when unbiased", unit="ratio"),
        "variance_ratio_error": _number("its standard error, Newey-West", unit="ratio"),
        "mz_intercept": _number("of realised on forecast volatility (Mincer-Zarnowitz)", unit="decimal a year"),
        "mz_intercept_error": _number("its standard error, Newey-West", unit="decimal a year"),
        "mz_slope": _number("of the same regression; 1 when calibrated", unit="slope"),
        "mz_slope_error": _number("its standard error, Newey-West", unit="slope"),
        "mz_p": _share("p of intercept 0 and slope 1 together"),
        "dm_t_every_fifth": _number(
            "Diebold-Mariano t against log_har_iv, mean of the five sets without overlap", unit="t"
        ),
        "mcs_p": _share("p of the model confidence set; in the order of elimination, not of mean loss"),
        "in_mcs": column("bool", "in the 90 % model confidence set"),
        "bias_statistic": _number(
            "standard deviation of the next return over its forecast; 1 when calibrated", unit="ratio"
        ),
        "beyond_90": _share("next returns beyond 1.645 of their forecast standard deviation; Gaussian 0.10"),
        "beyond_95": _share("next returns beyond 1.960; Gaussian 0.05"),
        "beyond_99": _share("next returns beyond 2.576; Gaussian 0.01"),
        "qlike_seed_low": _number(
            "least qlike over other seeds, where the model has one; refitted twice a year", unit="QLIKE"
        ),
        "qlike_seed_high": _number("largest qlike over other seeds; refitted twice a year", unit="QLIKE"),
    },
    unique=("model",),
    by_session=False,
)
