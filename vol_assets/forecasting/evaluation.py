"""How good the forecasts were, and how sure that is: every model on the same sessions, as one `Evaluation`.

Losses are in `losses`, the tests in `comparison`, the words in `findings`. Sessions count that every model has
forecast and whose five sessions are over; tests are on QLIKE, errors are Newey-West, bootstraps resample blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import ForecastError
from vol_assets.features.l1 import SESSIONS_A_YEAR
from vol_assets.forecasting import comparison
from vol_assets.forecasting.comparison import BLOCK, LAGS, REPS, SEED, ConfidenceSet, SuperiorAbility
from vol_assets.forecasting.frame import HORIZON
from vol_assets.forecasting.losses import QLIKE_OF_THE_TRUTH, mae, qlike, r2, rmse

if TYPE_CHECKING:
    from vol_assets.forecasting.canary import Canary

REFERENCES = ("har", "log_har_iv")
# Shares of |r / sigma| beyond what holds 90, 95 and 99 % of a Gaussian.
GAUSSIAN_BEYOND = {"beyond_90": (1.645, 0.10), "beyond_95": (1.960, 0.05), "beyond_99": (2.576, 0.01)}

NUMBERS = ("realised", "forecast_vol", "forecast_var", "p10", "p90")


@dataclass(frozen=True)
class Evaluation:
    """What a walk-forward showed, made by `evaluate`. Frames are for reading; a change would not reach the rest.

    sessions     those that count, ascending
    scores       a row a model, indexed by name in the order of the backtest (columns: see `to_frame`)
    losses       QLIKE, sessions down and models across
    by_year      by (year, model): n, qlike, qlike_vs_har, qlike_vs_log_har_iv
    every_fifth  by (offset, model): n, qlike_vs_log_har_iv, dm_t, dm_p on each of the five sets of sessions whose
                 labels do not overlap, where the test needs no lags
    confidence   the model confidence set
    superior     by reference that was run: can anything beat it, given that many tried
    exceedances  a row a model: n, bias_statistic, beyond_90, beyond_95, beyond_99; None without returns
    seeds        QLIKE, models down and seeds across, or None; canary: what shuffled folds would have claimed, or None
    """

    reference: str
    benchmark: str
    lags: int
    sessions: pd.DatetimeIndex
    scores: pd.DataFrame
    losses: pd.DataFrame
    by_year: pd.DataFrame
    every_fifth: pd.DataFrame
    confidence: ConfidenceSet
    superior: Mapping[str, SuperiorAbility]
    exceedances: pd.DataFrame | None = None
    seeds: pd.DataFrame | None = None
    canary: Canary | None = None

    @property
    def best(self) -> str:
        """The model with the lowest mean QLIKE."""
        return self.scores["qlike"].idxmin()

    @property
    def challenger(self) -> str | None:
        """The best model but for the two references; None if there is no other."""
        others = self.scores["qlike"].drop([self.reference, self.benchmark], errors="ignore")
        return others.idxmin() if len(others) else None

    def to_frame(self) -> pd.DataFrame:
        """A row a model: `model` and the scores.

        n, rmse, mae, r2 (volatility), qlike (variance); per reference: qlike_vs_ and its _error, reducible_vs_ (the
        share that is left of the reference's excess over QLIKE_OF_THE_TRUTH), dm_t_vs_ (negative is better) and
        dm_p_vs_ (one-sided); coverage of p10 ... p90 and its _error; variance_ratio, mean of realised / forecast
        variance, and its _error; mz_intercept, mz_slope, their _error, mz_p; dm_t_every_fifth, the mean over the
        sets without overlap; mcs_p, in_mcs; bias_statistic, beyond_90, beyond_95, beyond_99 of r / sigma;
        qlike_seed_low and _high. Null where a reference was not run, a test has too few sessions, or nothing was given.
        """
        return self.scores.reset_index()

    def to_metrics(self) -> dict[str, float]:
        """Everything that is a finite number, flat: `model.column`, `spa_p.reference`, `canary.scheme`."""
        numbers = self.scores.astype(float)
        metrics = {f"{model}.{name}": value for model, row in numbers.iterrows() for name, value in row.items()}
        metrics |= {f"spa_p.{name}": found.p for name, found in self.superior.items()}
        if self.canary is not None:
            metrics |= {f"canary.{scheme}": value for scheme, value in self.canary.r2.items()}
        return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}

    def summary(self, model: str | None = None) -> str:
        """What a quant reads in a terminal, in fewer than 40 lines: settings, the table, and what it says of `model`.

        By default of the best; name the one that is served where that is another.
        """
        from vol_assets.forecasting.findings import summary

        return summary(self, model)


def evaluate(
    backtest: pd.DataFrame,
    *,
    returns: pd.Series | None = None,
    reference: str = "log_har_iv",
    benchmark: str = "har",
    seeds: pd.DataFrame | None = None,
    canary: Canary | None = None,
    lags: int = LAGS,
    size: float = 0.10,
    block: int = BLOCK,
    reps: int = REPS,
    seed: int = SEED,
) -> Evaluation:
    """Everything there is to say about a backtest (the rows of `walk_forward`); the same for the same seed.

    Parameters
    ----------
    returns : SPY's daily total log return by session, for the exceedances of the session after each forecast.
    reference, benchmark : the model to beat, and the one everybody knows. What is measured against a model that was
        not run is null.
    seeds, canary : of `canary.seed_spread` and `canary.leakage_canary`, to be told with the rest.
    lags, size, block, reps, seed : of the Newey-West errors, the confidence set and the bootstraps.

    A ForecastError if there is no session that every model has forecast and whose outcome is known.
    """
    common = _common(backtest)
    models = list(dict.fromkeys(backtest["model"]))
    panels = {name: common.pivot(index="date", columns="model", values=name)[models] for name in NUMBERS}
    losses = qlike(panels["realised"] ** 2, panels["forecast_var"])
    references = tuple(dict.fromkeys((benchmark, reference)))

    confidence = comparison.model_confidence_set(losses, size=size, reps=reps, block=block, seed=seed)
    every_fifth = _every_fifth(losses, reference)
    exceedances = None if returns is None else _exceedances(panels["forecast_var"], returns)
    scores = pd.concat(
        [
            _score(common).drop(columns="coverage"),
            *(_against(losses, name, lags) for name in references),
            _reliability(panels, lags),
            every_fifth.groupby("model")["dm_t"].mean().rename("dm_t_every_fifth"),
            pd.Series(confidence.p_values, name="mcs_p"),
            pd.Series({model: model in confidence.members for model in models}, name="in_mcs"),
            _tails(exceedances, models),
            _seed_range(seeds, models),
        ],
        axis=1,
    )
    return Evaluation(
        reference=reference,
        benchmark=benchmark,
        lags=lags,
        sessions=losses.index,
        scores=scores.loc[models].rename_axis("model"),
        losses=losses,
        by_year=_by_year(losses, references),
        every_fifth=every_fifth,
        confidence=confidence,
        superior={
            name: comparison.superior_predictive_ability(
                losses[name].to_numpy(), losses.drop(columns=name), reps=reps, block=block, seed=seed
            )
            for name in references
            if name in models
        },
        exceedances=exceedances,
        seeds=seeds,
        canary=canary,
    )


def score(backtest: pd.DataFrame) -> pd.DataFrame:
    """A row a model, indexed by its name: n, rmse, mae, r2, qlike, qlike_vs_har, qlike_vs_log_har_iv, coverage.

    The quick part of `evaluate`, without tests. The ratios are below 1 where the model is better (null if the
    reference was not run); coverage is the share of sessions that fell within p10 ... p90, 0.8 when the interval is
    right.
    """
    return _with_ratios(_score(_common(backtest)))


def qlike_by_session(backtest: pd.DataFrame) -> pd.DataFrame:
    """QLIKE of each session, sessions down and models across, over the sessions that `score` counts."""
    common = _common(backtest)
    common = common.assign(qlike=qlike(common["realised"] ** 2, common["forecast_var"]))
    return common.pivot(index="date", columns="model", values="qlike")[list(backtest["model"].unique())]


def _common(backtest: pd.DataFrame) -> pd.DataFrame:
    known = backtest[backtest["realised"].notna()]
    models_a_session = known.groupby("date")["model"].transform("size")
    common = known[models_a_session == backtest["model"].nunique()]
    if common.empty:
        raise ForecastError(
            f"no session was forecast by all of {', '.join(backtest['model'].unique())} and has its five sessions "
            f"over; run the walk-forward on a longer history"
        )
    return common


def _score(common: pd.DataFrame) -> pd.DataFrame:
    rows = {}
    for model, part in common.groupby("model", sort=False):
        realised, vol = part["realised"].to_numpy(), part["forecast_vol"].to_numpy()
        rows[model] = {
            "n": len(part),
            "rmse": rmse(realised, vol),
            "mae": mae(realised, vol),
            "r2": r2(realised, vol),
            "qlike": float(qlike(realised**2, part["forecast_var"].to_numpy()).mean()),
            "coverage": float(part["realised"].between(part["p10"], part["p90"]).mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model").astype({"n": int})


def _with_ratios(scores: pd.DataFrame) -> pd.DataFrame:
    for reference in REFERENCES:
        ratio = scores["qlike"] / scores["qlike"].get(reference, np.nan)
        scores.insert(scores.columns.get_loc("coverage"), f"qlike_vs_{reference}", ratio)
    return scores


def _against(losses: pd.DataFrame, reference: str, lags: int) -> pd.DataFrame:
    """Ratio, what is left of the reducible loss, and Diebold-Mariano of every model against one of them."""
    rows = {}
    for model in losses:
        row = dict.fromkeys(("ratio", "error", "reducible", "t", "p"), np.nan)
        if reference in losses:
            mine, theirs = losses[model].to_numpy(), losses[reference].to_numpy()
            ratio = comparison.ratio_with_error(mine, theirs, lags)
            row |= {"ratio": ratio.value, "error": ratio.error, "reducible": _reducible(mine.mean(), theirs.mean())}
            if model != reference:
                test = comparison.diebold_mariano(mine, theirs, lags=lags)
                row |= {"t": test.t, "p": test.p_better}
        rows[model] = row
    names = [f"qlike_vs_{reference}", f"qlike_vs_{reference}_error", f"reducible_vs_{reference}"]
    names += [f"dm_t_vs_{reference}", f"dm_p_vs_{reference}"]
    return pd.DataFrame.from_dict(rows, orient="index").set_axis(names, axis=1)


def _reducible(loss: float, reference: float) -> float:
    excess = reference - QLIKE_OF_THE_TRUTH
    return (loss - QLIKE_OF_THE_TRUTH) / excess if excess > 0 else np.nan


def _reliability(panels: dict[str, pd.DataFrame], lags: int) -> pd.DataFrame:
    """Whether the forecasts mean what they say: the interval's coverage, the level of the variance, the slope."""
    rows = {}
    for model in panels["realised"]:
        realised, vol, variance, p10, p90 = (panels[name][model].to_numpy() for name in NUMBERS)
        inside = comparison.mean_with_error((p10 <= realised) & (realised <= p90), lags)
        level = comparison.mean_with_error(realised**2 / variance, lags)
        line = comparison.mincer_zarnowitz(realised, vol, lags=lags)
        rows[model] = {
            "coverage": inside.value,
            "coverage_error": inside.error,
            "variance_ratio": level.value,
            "variance_ratio_error": level.error,
            "mz_intercept": line.intercept,
            "mz_intercept_error": line.intercept_error,
            "mz_slope": line.slope,
            "mz_slope_error": line.slope_error,
            "mz_p": line.p_unbiased,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _by_year(losses: pd.DataFrame, references: tuple[str, ...]) -> pd.DataFrame:
    years = losses.index.year.rename("year")
    means = losses.groupby(years).mean()
    columns = {"qlike": means}
    for name in references:
        columns[f"qlike_vs_{name}"] = means.div(means[name], axis=0) if name in means else means * np.nan
    table = pd.concat(columns, axis=1).stack(level=1, future_stack=True).rename_axis(["year", "model"])
    table.insert(0, "n", losses.groupby(years).size().reindex(table.index.get_level_values("year")).to_numpy())
    return table


def _every_fifth(losses: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Every fifth session has labels of its own; there are five ways to begin."""
    rows = []
    for offset in range(min(HORIZON, len(losses))):
        apart = losses.iloc[offset::HORIZON]
        for model in losses:
            row = {"offset": offset, "model": model, "n": len(apart)}
            if reference in losses:
                row[f"qlike_vs_{reference}"] = apart[model].mean() / apart[reference].mean()
                if model != reference:
                    test = comparison.diebold_mariano(apart[model], apart[reference], horizon=1, lags=0)
                    row |= {"dm_t": test.t, "dm_p": test.p_better}
            rows.append(row)
    columns = ["offset", "model", "n", f"qlike_vs_{reference}", "dm_t", "dm_p"]
    return pd.DataFrame(rows, columns=columns).astype({"dm_t": float, "dm_p": float}).set_index(["offset", "model"])


def _exceedances(forecast_var: pd.DataFrame, returns: pd.Series) -> pd.DataFrame:
    """The next session's return over its forecast standard deviation: how wide it was, and how often far out."""
    calendar = pd.DatetimeIndex(clock.sessions(returns.index.min(), returns.index.max()))
    ahead = returns.reindex(calendar).shift(-1).reindex(forecast_var.index)
    z = np.sqrt(SESSIONS_A_YEAR / forecast_var).mul(ahead, axis=0).dropna()
    beyond = {name: (z.abs() > bound).mean() for name, (bound, _) in GAUSSIAN_BEYOND.items()}
    table = pd.DataFrame({"n": z.count(), "bias_statistic": z.std(), **beyond})
    return table.rename_axis("model")


def _tails(exceedances: pd.DataFrame | None, models: list[str]) -> pd.DataFrame:
    if exceedances is None:
        return pd.DataFrame(np.nan, index=models, columns=["bias_statistic", *GAUSSIAN_BEYOND])
    return exceedances.drop(columns="n")


def _seed_range(seeds: pd.DataFrame | None, models: list[str]) -> pd.DataFrame:
    spread = pd.DataFrame(index=models, columns=[0], dtype=float) if seeds is None else seeds.reindex(models)
    return pd.DataFrame({"qlike_seed_low": spread.min(axis=1), "qlike_seed_high": spread.max(axis=1)})
