"""Pictures of a backtest: the forecast beside what happened, and how good each model was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.forecasting.evaluation import qlike_by_session, score
from vol_assets.forecasting.losses import QLIKE_OF_THE_TRUTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LADDER = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)  # volatilities a log axis may name


def forecast_history(backtest: pd.DataFrame, model: str, years: int = 2) -> Figure:
    """One model's forecasts of the last years, their 10-90% interval, and the volatility that came."""
    rows = backtest[backtest["model"] == model].set_index("date")
    rows = rows[rows.index > rows.index[-1] - pd.DateOffset(years=years)]
    known = rows[rows["realised"].notna()]
    inside = known["realised"].between(known["p10"], known["p90"]).mean()
    figure, ax = style.canvas(
        "SPY volatility over the next five sessions: forecast and outcome",
        f"{model}, out of sample, {style.day(rows.index[0])} to {style.day(rows.index[-1])}. {inside:.0%} of outcomes "
        "fell inside the interval (80% expected).",
    )
    ax.fill_between(rows.index, rows["p10"], rows["p90"], color=style.SKY, alpha=0.45, lw=0, label="80% interval")
    ax.plot(rows.index, rows["realised"], color=style.AMBER, lw=1.2, label="realised, 5 sessions ahead")
    ax.plot(rows.index, rows["forecast_vol"], color=style.NAVY, lw=1.8, label="forecast")
    ax.set_xlim(rows.index[0], rows.index[-1] + pd.Timedelta(days=5))
    ax.set_ylim(bottom=0)
    ax.set_xlabel("session of the forecast")
    style.percent(ax.yaxis)
    style.dates(ax)
    style.legend(ax)
    return figure


def qlike_bars(backtest: pd.DataFrame, reference: str = "log_har_iv") -> Figure:
    """QLIKE of every model, best on top, each labelled with its ratio to the reference."""
    scores = score(backtest).sort_values("qlike", ascending=False)
    ratio = scores["qlike"] / scores.loc[reference, "qlike"]
    known = backtest.loc[backtest["realised"].notna(), "date"]
    figure, ax = style.canvas(
        "Which model forecasts variance best",
        f"Mean QLIKE over the same {scores['n'].iloc[0]:,} sessions, {style.day(known.min())} to "
        f"{style.day(known.max())}; lower is better. Ratios are to {reference}.",
        height=1.5 + 0.42 * len(scores),
    )
    colours = [style.AMBER if name == reference else style.NAVY if r < 1 else style.SKY for name, r in ratio.items()]
    bars = ax.barh(scores.index, scores["qlike"], color=colours, height=0.62)
    texts = [f"{loss:.3f}   x{r:.2f}" for loss, r in zip(scores["qlike"], ratio, strict=True)]
    ax.bar_label(bars, texts, padding=6, fontsize=9.5, color=style.INK)
    ax.axvline(QLIKE_OF_THE_TRUTH, color=style.MUTED, lw=1, ls=(0, (4, 3)))
    ax.text(
        QLIKE_OF_THE_TRUTH,
        len(scores) - 0.42,
        f"  noise of the label: the true variance itself scores about {QLIKE_OF_THE_TRUTH:.3f}",
        fontsize=8.5,
        color=style.MUTED,
        va="bottom",
    )
    ax.set_ylim(-0.6, len(scores) - 0.05)
    ax.set_xlim(0, scores["qlike"].max() * 1.14)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=10)
    ax.set_xlabel("QLIKE")
    return figure


def cumulative_qlike(backtest: pd.DataFrame, reference: str = "log_har_iv", models: tuple[str, ...] = ()) -> Figure:
    """Cumulated QLIKE of the models minus the reference's: a falling line is a model gaining on it.

    Without `models`, those within a quarter of the reference's mean loss: the others would flatten the picture.
    """
    losses = qlike_by_session(backtest)
    near = losses.mean() < 1.25 * losses[reference].mean()
    shown = [m for m in (models or losses.columns[near]) if m != reference]
    gain = losses[shown].sub(losses[reference], axis=0).cumsum()
    figure, ax = style.canvas(
        f"When the models gained on {reference}, and when they lost",
        "Cumulated difference of QLIKE, session by session; a falling line is a model doing better than the reference.",
    )
    palette = (style.GREEN, style.SKY, style.RED, style.MUTED, style.INK)
    ends = gain.iloc[-1].sort_values()
    ax.plot(gain.index, gain[shown[-1]], color=style.NAVY, lw=2.2, zorder=3)
    for position, name in enumerate(ends.index.drop(shown[-1])):
        dashes = "-" if position < len(palette) else (0, (4, 2))
        ax.plot(gain.index, gain[name], color=palette[position % len(palette)], lw=1.4, ls=dashes)
    heights = style.apart(ends.to_numpy(), 0.045 * np.ptp(gain.to_numpy()))
    for name, height in zip(ends.index, heights, strict=True):
        style.beside(ax, name, gain.index[-1], height)
    ax.axhline(0, color=style.AMBER, lw=1.4)
    ax.set_xlim(gain.index[0], gain.index[-1] + 0.09 * (gain.index[-1] - gain.index[0]))
    ax.set_ylabel(f"QLIKE, sum of model - {reference}")
    style.dates(ax, until=gain.index[-1])
    return figure


def calibration(backtest: pd.DataFrame, models: tuple[str, ...]) -> Figure:
    """Mean outcome against mean forecast in ten equal groups of sessions, sorted by the forecast."""
    figure, axes = style.canvas(
        "Does it come true: outcome by level of the forecast",
        "Sessions in ten groups by forecast; points are group means, bars hold the middle half of the outcomes. "
        "On the line, the forecast is right on average.",
        width=max(4.0 * len(models), 8.0),
        height=4.9,
        columns=len(models),
    )
    known = backtest[backtest["realised"].notna() & backtest["model"].isin(models)]
    tables = {name: _deciles(known[known["model"] == name]) for name in models}
    everything = pd.concat(tables)
    edge = (0.85 * everything.min().min(), 1.1 * everything.max().max())
    ticks = [vol for vol in LADDER if edge[0] < vol < edge[1]]
    for ax, (name, table) in zip(np.atleast_1d(axes), tables.items(), strict=True):
        ax.plot(edge, edge, color=style.AMBER, lw=1.4)
        ax.vlines(table["forecast"], table["low"], table["high"], color=style.SKY, lw=4)
        ax.plot(table["forecast"], table["realised"], "o", color=style.NAVY, ms=6)
        ax.set(xscale="log", yscale="log", xlim=edge, ylim=edge, xlabel="forecast", ylabel="realised")
        ax.set_title(name, loc="left", fontsize=10.5, color=style.INK, fontweight="bold")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks(ticks)
            axis.set_ticks([], minor=True)
            style.percent(axis)
    return figure


def _deciles(rows: pd.DataFrame) -> pd.DataFrame:
    """Ten groups of sessions by forecast: mean forecast, mean outcome, quartiles of the outcome."""
    groups = rows.groupby(pd.qcut(rows["forecast_vol"], 10, duplicates="drop"), observed=True)
    return pd.DataFrame(
        {
            "forecast": groups["forecast_vol"].mean(),
            "realised": groups["realised"].mean(),
            "low": groups["realised"].quantile(0.25),
            "high": groups["realised"].quantile(0.75),
        }
    )
