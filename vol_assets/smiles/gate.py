"""The gate: which networks may serve in persistence's place? Judged on sessions that no training has seen.

    sessions     enough of them to judge by
    skill        a loss below the best baseline's
    luck         and hardly by luck, given how many networks have tried (Diebold and Mariano by sessions, Holm)
    foresight    at the longest horizon, better than its own shortest forecast held until then; and hardly by luck
    butterfly    no more breaches than persistence, at any horizon
    calendar     the same

Persistence needs to pass nothing: it serves until somebody does. It is not the bar. The states that a model sees are
fits to noisy quotes, and a network that does no more than smooth them gains on persistence, and by more on raw
quotes, of a smile that nobody can forecast. So the bar is the best of all baselines, smoothing ones among them, picked
with hindsight on the very sessions of the test.

Nor is that enough. A network smooths across strikes and expirations as no simple baseline does: where true smiles are
random walks and quotes as noisy as the sample market's, it gains 1.7 % on the best of them one step ahead, .8 % over
all horizons (medians of 20 draws of `make skill`), and in half of the draws beyond doubt. But the most that smoothing
can say is where the smile is, and that is the same for every horizon. Only who sees where it goes does better at ten
steps than by holding what he said of one; that is what `foresight` asks. In a family of one horizon it asks nothing:
from one session to the next smiles move so far that the noise of quotes is little beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from vol_assets.contracts.leaderboard import ALL_HORIZONS, SMILE_LEADERBOARD
from vol_assets.errors import ForecastError
from vol_assets.forecasting.gate import Condition, Verdict
from vol_assets.smiles.leaderboard import BASELINES, PERSISTENCE, Board
from vol_assets.smiles.significance import compare, holm

MIN_SESSIONS = 10  # two weeks; below, a test by sessions has next to no power, and what passes is luck
LUCK = 0.05  # of promoting any network where none is better


def judge(board: Board, networks: Iterable[str]) -> dict[str, Verdict]:
    """Whether each of `networks` may serve; a ForecastError where one is not on the board, or is a baseline."""
    networks = tuple(networks)
    together = board.table[board.table["horizon_steps"] == ALL_HORIZONS].set_index("model")
    strangers = [name for name in networks if name not in together.index or name in BASELINES]
    if strangers:
        raise ForecastError(
            f"{', '.join(strangers)} cannot be judged: networks on the board of the {board.family} family are "
            f"{', '.join(name for name in together.index if name not in BASELINES) or 'none'}"
        )
    luck = holm(together.loc[list(networks), "dm_p"].to_dict())
    foresight = _foresight(board, networks)
    return {
        name: Verdict(
            (
                *_better(together.loc[name], luck[name], len(networks)),
                *foresight.get(name, ()),
                *(_no_more_breaches(board, name, what) for what in ("butterfly", "calendar")),
            )
        )
        for name in networks
    }


def judged(board: Board, networks: Iterable[str]) -> tuple[dict[str, Verdict], pd.DataFrame]:
    """The verdicts, and the board's table with them: the rows of SMILE_LEADERBOARD."""
    networks = tuple(networks)
    verdicts = judge(board, networks)
    table = board.table.copy()
    adjusted = {
        (ahead, name): p
        for ahead, rows in table[table["model"].isin(networks)].groupby("horizon_steps")
        for name, p in holm(rows.set_index("model")["dm_p"].to_dict()).items()
    }
    key = list(zip(table["horizon_steps"], table["model"]))
    words = {(ALL_HORIZONS, name): verdict.reason for name, verdict in verdicts.items()}
    table["dm_p_holm"] = [adjusted.get(of_one, np.nan) for of_one in key]
    table["promoted"] = [name in verdicts and verdicts[name].passed for name in table["model"]]
    table["verdict"] = [words.get(of_one, "") for of_one in key]
    return verdicts, table[list(SMILE_LEADERBOARD.columns)]


def _better(row: pd.Series, p: float, tried: int) -> tuple[Condition, Condition, Condition]:
    """Sessions, skill and luck of a model, `row` of the table for all horizons together."""
    enough = bool(row["sessions"] >= MIN_SESSIONS)
    return (
        Condition(
            "sessions",
            enough,
            float(row["sessions"]),
            f"at least {MIN_SESSIONS}",
            f"{row['sessions']} test sessions, {row['snapshots']:,} snapshots"
            + ("" if enough else f": too few to judge by, {MIN_SESSIONS} are needed"),
        ),
        Condition(
            "skill",
            bool(row["skill_best"] > 0.0),
            float(row["skill_best"]),
            "above 0",
            f"skill {row['skill_best']:+.1%} over {row['best_baseline']}, the best baseline "
            f"({row['skill']:+.1%} over {PERSISTENCE})",
        ),
        Condition("luck", bool(p < LUCK), p, f"below {LUCK:.2f}", _luck(p, tried)),
    )


def _foresight(board: Board, networks: tuple[str, ...]) -> dict[str, tuple[Condition]]:
    """Of each network: does its forecast for the longest horizon know more than the one for the shortest?"""
    if board.held.empty:
        return {}
    ahead = max(board.held.columns.get_level_values("horizon_steps"))
    losses, held = board.losses[ahead], board.held[ahead]
    tests = {name: compare(losses[name].to_numpy(), held[name].to_numpy(), board.session) for name in networks}
    adjusted = holm({name: test.p_better for name, test in tests.items()})
    conditions = {}
    for name, p in adjusted.items():
        gain = float(1.0 - losses[name].mean() / held[name].mean())
        words = f"at {ahead} steps skill {gain:+.1%} over its own shortest forecast, held ({_luck(p, len(networks))})"
        passed = bool(gain > 0.0 and p < LUCK)
        conditions[name] = (Condition("foresight", passed, gain, f"above 0, with p below {LUCK:.2f}", words),)
    return conditions


def _luck(p: float, tried: int) -> str:
    return f"p {p:.3f} by Diebold and Mariano, one-sided, Holm of {tried}"


def _no_more_breaches(board: Board, name: str, what: str) -> Condition:
    """At the horizon where a model has most breaches beyond persistence's."""
    rows = board.table[board.table["horizon_steps"] != ALL_HORIZONS]
    mine, its = (
        rows[rows["model"] == model].set_index("horizon_steps")[f"{what}_share"].fillna(0.0)
        for model in (name, PERSISTENCE)
    )
    ahead = (mine - its).idxmax()
    shares = (f"{share:.3%}" if share else "none" for share in (mine[ahead], its[ahead]))
    words = "{} of its {} spreads can be traded against at {} ahead, of {}'s {}"
    steps = f"{ahead} step" if ahead == 1 else f"{ahead} steps"
    first, second = shares
    return Condition(
        what,
        bool(mine[ahead] <= its[ahead]),
        float(mine[ahead]),
        f"at most {its[ahead]:.3%}",
        words.format(first, what, steps, PERSISTENCE, second),
    )
