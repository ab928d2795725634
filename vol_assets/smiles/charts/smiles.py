"""One prediction: the quotes it was made from, what persistence says, what the model says, and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.charts import style
from vol_assets.smiles.contracts import remainder
from vol_assets.smiles.panel import LIVE
from vol_assets.smiles.scoring import POINTS, SLACK, within_reach
from vol_assets.smiles.state import smile_vols

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vol_assets.smiles.model import SmileModel
    from vol_assets.smiles.panel import Panel

WIDTH = 11.25  # inches
COLUMNS = ("expiration", "strike", "forward", "bid_vol", "vol", "ask_vol", "fitted_vol", "held_vol", "predicted_vol")
KEY = ["expiration", "strike"]


def forecast_rows(panel: Panel, at: int, ahead: int, model: SmileModel, contracts: pd.DataFrame) -> pd.DataFrame:
    """What `smiles` draws of the prediction from state number `at`, which ends a window: COLUMNS and came_vol, of the
    contracts that are scored and of those that were quoted no more.

    contracts: CONTRACT_COLUMNS, of the state and of the one `ahead` steps later at least.
    """
    ts = contracts["ts"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    now, then = contracts[ts == panel.ts[at]], contracts[ts == panel.ts[at + ahead]]
    now = now[(now["right"] == "C") == (now["k"] >= 0.0)].sort_values(KEY)
    came = then.assign(came_vol=then["vol"], came_years=then["years"])[[*KEY, "right", "came_vol", "came_years"]]
    rows = now.merge(came, on=[*KEY, "right"], how="left")
    k, years = rows["k"].to_numpy(), rows["years"].to_numpy()
    passed = float(np.nanmedian(years - rows["came_years"]))
    said = model.forecast(panel.windows(np.array([at])))[0, model.horizons.index(ahead)]
    held, left = panel.log_vol[at], panel.years[at + ahead]
    kept = np.exp(remainder(rows["fitted_vol"].to_numpy(), held, panel.years[at], years, k))
    rows = rows.assign(
        fitted_vol=smile_vols(held, panel.years[at], years, k) * kept,
        held_vol=smile_vols(held, left, years - passed, k) * kept,
        predicted_vol=smile_vols(said, left, years - passed, k) * kept,
    )
    near = within_reach(held, panel.years[at], years, k)
    for times, of_smiles in ((years, panel.years[at]), (years - passed, left)):
        near &= (times >= of_smiles[0] - SLACK) & (times <= of_smiles[-1] + SLACK)
    return rows.loc[near, [*COLUMNS, "came_vol"]].reset_index(drop=True)


def smiles(rows: pd.DataFrame, made: pd.Timestamp, ahead: int, name: str, family: str = LIVE) -> Figure:
    """The smiles of up to four expirations above, below them by how much vols move from the fitted ones of now.

    rows: COLUMNS a contract out of the money, vols in decimals, and came_vol, null where it is not known (or all,
    before the target); made: the instant that the prediction was made at; name: of the model.
    """
    days = _shown(rows["expiration"])
    parts = [rows[rows["expiration"] == day].sort_values("strike") for day in days]
    figure, axes = style.panels(
        f"SPY's smile {_steps(family, ahead)}, by {name}",
        f"{_made(made)}{_result(rows)}. Below: vols less the fitted smile of now, at fixed strikes.",
        width=WIDTH,
        height=6.4,
        rows=2,
        columns=len(days),
        left=0.72,
        bottom=0.62,
        hspace=0.12,
        wspace=0.2,
        sharex="col",
        heights=(1.5, 1.0),
    )
    reach = _reach(rows[rows["expiration"].isin(days)])
    for column, (day, part) in enumerate(zip(days, parts)):
        above, below = axes[:, column]
        _quotes(above, part)
        style.panel_title(above, style.day(pd.Timestamp(day)), _left(made, day))
        _moves(below, part, reach)
        for ax in (above, below):
            ax.axvline(part["forward"].iloc[0], color=style.MUTED, lw=0.8, ls=(0, (4, 3)), zorder=0.9)
            ax.tick_params(labelsize=8.5, pad=3)
        below.set_xlabel("strike, USD")
        below.locator_params(axis="x", nbins=5)
        if column:
            below.tick_params(labelleft=False)
    axes[1, 0].set_ylabel("vol points from now")
    style.head_legend(figure, _legend(rows["came_vol"].notna().any()))
    return figure


def _quotes(ax: Axes, part: pd.DataFrame) -> None:
    x = part["strike"]
    ax.vlines(x, part["bid_vol"], part["ask_vol"], color=style.SKY, lw=3.0)
    ax.plot(x, part["vol"], "o", color=style.MUTED, ms=2.6, mew=0)
    ax.plot(x, part["predicted_vol"], color=style.NAVY, lw=1.4)
    ax.plot(x, part["came_vol"], "D", color=style.AMBER, ms=3.0, mew=0)
    values = part[["vol", "predicted_vol", "came_vol"]].to_numpy()
    low, high = np.nanmin(values), np.nanmax(values)
    margin = max(0.08 * (high - low), 0.005)
    ax.set_ylim(low - margin, high + margin)
    style.percent_ticks(ax.yaxis, most=6)


def _moves(ax: Axes, part: pd.DataFrame, reach: float) -> None:
    """Vols less the fitted ones of now, vol points."""
    x, fitted = part["strike"], part["fitted_vol"]
    ax.axhline(0, color=style.MUTED, lw=0.8, zorder=0.9)
    for side in ("bid_vol", "ask_vol"):
        part = part.assign(**{side: np.clip(POINTS * (part[side] - fitted), -2 * reach, 2 * reach)})
    ax.fill_between(x, part["bid_vol"], part["ask_vol"], color=style.SKY, alpha=0.3, lw=0)
    ax.plot(x, POINTS * (part["held_vol"] - fitted), color=style.GREEN, lw=1.3, ls=(0, (3, 2)))
    ax.plot(x, POINTS * (part["predicted_vol"] - fitted), color=style.NAVY, lw=1.8)
    ax.plot(x, POINTS * (part["came_vol"] - fitted), "D", color=style.AMBER, ms=3.4, mew=0)
    ax.set_ylim(-reach, reach)


def _reach(rows: pd.DataFrame) -> float:
    """What the lower panels show, either side of 0: all that was predicted, and nineteen in twenty of what came."""
    moves = POINTS * rows[["held_vol", "predicted_vol", "came_vol"]].sub(rows["fitted_vol"], axis=0).abs()
    predicted = moves[["held_vol", "predicted_vol"]].max().max()
    came = moves["came_vol"].quantile(0.95) if moves["came_vol"].notna().any() else 0.0
    return 1.15 * max(predicted, came, 0.02)


def _shown(expirations: pd.Series) -> Sequence[np.datetime64]:
    days = np.unique(expirations.to_numpy())
    return days[np.unique(np.linspace(0, len(days) - 1, 4).round().astype(int))]


def _result(rows: pd.DataFrame) -> str:
    came = rows[rows["came_vol"].notna()]
    if came.empty:
        return ""
    mine, its = (
        POINTS * np.sqrt(np.mean((came[name] - came["came_vol"]) ** 2)) for name in ("predicted_vol", "held_vol")
    )
    return f": off by {mine:.3f} vol points, persistence by {its:.3f} (RMSE)"


def _made(made: pd.Timestamp) -> str:
    instant = pd.Timestamp(made).tz_convert(clock.NEW_YORK)
    return f"Made {style.day(instant)}, {instant:%H:%M} New York"


def _steps(family: str, ahead: int) -> str:
    unit = "step" if family == LIVE else "session"
    return f"{ahead} {unit}{'' if ahead == 1 else 's'} ahead"


def _left(made: pd.Timestamp, day: np.datetime64) -> str:
    days = (pd.Timestamp(day) - pd.Timestamp(made).tz_convert(clock.NEW_YORK).tz_localize(None).normalize()).days
    return f"{days} days" if days != 1 else "1 day"


def _legend(came: bool) -> list:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=style.SKY, lw=4, label="quoted, bid to ask"),
        Line2D([], [], color=style.GREEN, lw=1.3, ls=(0, (3, 2)), label="persistence"),
        Line2D([], [], color=style.NAVY, lw=1.8, label="predicted"),
        Line2D([], [], color=style.AMBER, lw=0, marker="D", ms=4, label="what came"),
    ]
    return handles if came else handles[:-1]
