"""An evaluation in words: the table, best first, and answers to what a sceptical reader asks of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.evaluation import GAUSSIAN_BEYOND
from vol_assets.forecasting.losses import QLIKE_OF_THE_TRUTH

if TYPE_CHECKING:
    from vol_assets.forecasting.evaluation import Evaluation

WIDTH = 118
MOST_MODELS = 14  # rows of the table
WORST_YEARS = MOST_MEMBERS = 6  # named ones
ALONE = 0.05  # level of the one-sided test of a single model
Z = 1.96  # half a 95 % interval, in errors


def summary(evaluation: Evaluation, model: str | None = None) -> str:
    """Settings, table and findings as plain text of fewer than 40 lines; only the table may be wider than WIDTH."""
    lines = [*_heading(evaluation), "", *_table(evaluation), ""]
    for finding in findings(evaluation, model):
        lines += textwrap.wrap(finding, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def findings(evaluation: Evaluation, model: str | None = None) -> list[str]:
    """A sentence or two each: how good `model` is (by default the best) and how sure that is, the search, its years,
    its calibration, the seeds, the canary. A ForecastError for a model that was not run."""
    model = evaluation.best if model is None else model
    if model not in evaluation.scores.index:
        raise ForecastError(f"{model} is not among the evaluated models, {', '.join(evaluation.scores.index)}")
    return [
        *_ranking(evaluation, model),
        *_search(evaluation),
        *_years(evaluation, model),
        *_calibration(evaluation, model),
        *_seeds(evaluation),
        *_canary(evaluation),
    ]


def _heading(e: Evaluation) -> list[str]:
    first, last = (f"{day:%Y-%m-%d}" for day in e.sessions[[0, -1]])
    models, sessions, set_ = _count(len(e.scores), "model"), _count(len(e.sessions), "session"), e.confidence
    return [
        f"Walk-forward of {models}: {sessions} out of sample, {first} to {last}",
        f"Newey-West errors of {e.lags} lags; bootstrap of {set_.reps:,} draws, blocks of {set_.block} sessions, seed "
        f"{set_.seed}; confidence set of {1 - set_.size:.0%}",
        f"The true variance itself would score about {QLIKE_OF_THE_TRUTH:.3f}, five squared returns being noisy; "
        "`left` is the excess over it",
        f"as a part of {e.reference}'s. Diebold-Mariano against {e.reference}: negative t is better, p one-sided.",
    ]


def _table(e: Evaluation) -> list[str]:
    scores = e.scores.sort_values("qlike", kind="stable")
    ratio, known = f"qlike_vs_{e.reference}", f"qlike_vs_{e.benchmark}"
    columns = {
        "QLIKE": scores["qlike"].map("{:.3f}".format),
        f"/{e.reference}": scores[ratio].map(_number("{:.2f}")),
        "95%": (Z * scores[f"{ratio}_error"]).map(_number("±{:.2f}")),
        f"/{e.benchmark}": scores[known].map(_number("{:.2f}")),
        "left": scores[f"reducible_vs_{e.reference}"].map(_number("{:.0%}")),
        "DM t": scores[f"dm_t_vs_{e.reference}"].map(_number("{:+.1f}")),
        "p": scores[f"dm_p_vs_{e.reference}"].map(_number("{:.3f}")),
        "MCS p": scores["mcs_p"].map(_number("{:.2f}")),
        "RMSE": scores["rmse"].map("{:.3f}".format),
        "R2": scores["r2"].map(_number("{:.2f}")),
        "10-90": scores["coverage"].map("{:.0%}".format),
        "MZ slope": scores["mz_slope"].map(_number("{:.2f}")),
    }
    text = pd.DataFrame(columns).head(MOST_MODELS).rename_axis(None).to_string().splitlines()
    more = len(scores) - MOST_MODELS
    return [line.rstrip() for line in text] + ([f"... and {more} more"] if more > 0 else [])


def _ranking(e: Evaluation, model: str) -> Iterator[str]:
    place = int(e.scores["qlike"].rank(method="min")[model])
    of_all = f"{model} is best" if place == 1 else f"{model} is number {place} of {len(e.scores)}, {e.best} the best"
    if e.reference not in e.scores.index:
        yield f"{of_all}; {e.reference} was not run, so nothing is said of it."
        return
    if e.best == e.reference:
        yield f"No model has a lower QLIKE than {e.reference}."
    if model != e.reference:
        yield f"{of_all}: {_against_reference(e, model)}."
    p = e.scores[f"dm_p_vs_{e.reference}"].drop(model)
    others = p.index[p < ALONE].tolist()
    if others:
        yield f"Taken alone, these too beat {e.reference} at {ALONE:.0%}: {', '.join(others)}."


def _against_reference(e: Evaluation, model: str) -> str:
    row = e.scores.loc[model]
    ratio, error = row[f"qlike_vs_{e.reference}"], row[f"qlike_vs_{e.reference}_error"]
    t, p = row[f"dm_t_vs_{e.reference}"], row[f"dm_p_vs_{e.reference}"]
    if np.isnan(p):
        return f"{ratio:.3f} of {e.reference}'s QLIKE, on too few sessions for a test"
    text = (
        f"{ratio:.3f} of {e.reference}'s QLIKE (95%: {ratio - Z * error:.3f} to {ratio + Z * error:.3f}). Taken alone, "
        f"it {'beats' if p < ALONE else 'does not beat'} {e.reference} at {ALONE:.0%}: Diebold-Mariano t {t:+.1f}, "
        f"one-sided p {_p(p)}"
    )
    apart = e.every_fifth.xs(model, level="model")["dm_t"].dropna()
    if len(apart):
        text += (
            f"; on the {len(apart)} sets of sessions without overlap t is {apart.mean():+.1f} on average "
            f"({apart.min():+.1f} to {apart.max():+.1f})"
        )
    return text


def _search(e: Evaluation) -> Iterator[str]:
    tested = {name: found for name, found in e.superior.items() if found.models and np.isfinite(found.p)}
    if tested:
        of_each = ", ".join(
            f"{name} p {_p(found.p, found.reps)} (of {_count(found.models, 'other')})" for name, found in tested.items()
        )
        yield (
            f"Paying for the search (Hansen's SPA, that nothing beats it): {of_each}. It knows of the models of this "
            f"table only; variants tried and dropped make the true p larger."
        )
    if np.isfinite(list(e.confidence.p_values.values())).all() and len(e.scores) > 1:
        best_first = e.scores["qlike"][list(e.confidence.members)].sort_values(kind="stable").index
        more = f" and {len(best_first) - MOST_MEMBERS} more" if len(best_first) > MOST_MEMBERS else ""
        members = ", ".join(best_first[:MOST_MEMBERS]) + more
        yield (
            f"Could be the best ({1 - e.confidence.size:.0%} confidence set): {members}. MCS p follow the order of "
            f"elimination, not the mean loss."
        )


def _years(e: Evaluation, model: str) -> Iterator[str]:
    if e.reference not in e.scores.index or model == e.reference:
        return
    ratio = e.by_year.xs(model, level="model")[f"qlike_vs_{e.reference}"]
    lost = ratio[ratio > 1]
    if lost.empty:
        years = f"each of {len(ratio)} years" if len(ratio) > 1 else "the one year there is"
        yield f"{model} does better than {e.reference} in {years}."
        return
    worst = lost.nlargest(WORST_YEARS).sort_index()
    years = ", ".join(f"{year} ({value:.3f})" for year, value in worst.items())
    more = f" and {len(lost) - len(worst)} more" if len(lost) > len(worst) else ""
    yield f"{model} loses to {e.reference} in {len(lost)} of {_count(len(ratio), 'year')}: {years}{more}."


def _calibration(e: Evaluation, model: str) -> Iterator[str]:
    row = e.scores.loc[model]
    finding = f"{model}: {row['coverage']:.1%}{_plus_minus(row['coverage_error'], '.1%')} of outcomes inside 10-90%"
    finding += f", realised / forecast variance {row['variance_ratio']:.2f}"
    finding += _plus_minus(row["variance_ratio_error"], ".2f")
    if np.isfinite(row["mz_slope"]):
        finding += (
            f"; volatility = {row['mz_intercept']:+.3f} {row['mz_slope']:+.2f} x forecast (errors "
            f"{row['mz_intercept_error']:.3f}, {row['mz_slope_error']:.2f}; 0 and 1 have p {_p(row['mz_p'])})"
        )
    yield finding + "."
    if np.isfinite(row["bias_statistic"]):
        beyond = ", ".join(f"{row[name]:.1%} for {share:.0%}" for name, (_, share) in GAUSSIAN_BEYOND.items())
        yield (
            f"{model}: the next return over its forecast sigma has standard deviation {row['bias_statistic']:.2f} (1 "
            f"is right); beyond Gaussian bounds lie {beyond}."
        )


def _seeds(e: Evaluation) -> Iterator[str]:
    if e.seeds is None or e.seeds.empty:
        return
    width = e.seeds.max(axis=1) - e.seeds.min(axis=1)
    name = width.idxmax()
    yield (
        f"Over {e.seeds.shape[1]} seeds QLIKE of {name} goes from {e.seeds.loc[name].min():.4f} to "
        f"{e.seeds.loc[name].max():.4f}, the widest; differences below that are the seed's."
    )


def _canary(e: Evaluation) -> Iterator[str]:
    if e.canary is not None:
        claims = ", ".join(f"{scheme.replace('_', '-')} {value:.2f}" for scheme, value in e.canary.r2.items())
        yield (
            f"Leakage canary, R2 of the same deep trees on {e.canary.sessions:,} sessions: {claims}. Only the last can "
            f"be earned."
        )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _number(pattern: str) -> Callable[[float], str]:
    return lambda value: "" if pd.isna(value) else pattern.format(value)


def _plus_minus(error: float, pattern: str) -> str:
    return f" (±{Z * error:{pattern}})" if np.isfinite(error) else ""


def _p(p: float, draws: int = 1000) -> str:
    """A bootstrap of 1,000 draws cannot tell p = 0 from p < 0.001."""
    return f"< {1 / draws:.3g}" if p < 1 / draws else f"{p:.3f}"
