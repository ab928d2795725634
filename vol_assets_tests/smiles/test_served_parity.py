"""What is served equals what is computed afterwards from the stored history, to the last digits that matter.

Served: poll by poll from the live store, as the assets do. Afterwards: whole sessions at once from live/history and
live/states, as training and leaderboard do. The sessions lie on both sides of both changes of the clock, and one is a
half day; each is of polls of the simulated gateway every quarter of an hour, the last at the close.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from tilted import Tilted

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY
from vol_assets.ibkr.simulator.history import simulated_polls
from vol_assets.lake.live import FEATURES, STATES, LiveStore, compact
from vol_assets.smiles import features, live_state, smile_vols, state_rows, states_of
from vol_assets.smiles.contracts import live_contracts
from vol_assets.smiles.dataset import split
from vol_assets.smiles.gather import live_panel
from vol_assets.smiles.history import history_rows, opening_price, session_states
from vol_assets.smiles.networks import train
from vol_assets.smiles.panel import LENGTH, LIVE, Panel
from vol_assets.smiles.predictor import predict
from vol_assets.smiles.scoring import pairs_of, predicted

SESSIONS = [dt.date.fromisoformat(f"2024-{day}") for day in ("03-08", "03-11", "11-01", "11-04", "11-29")]
HALF_DAY = SESSIONS[-1]
STEP = dt.timedelta(minutes=15)
RATE = 0.05
KEY = ["ts", "horizon_steps", "expiration", "strike", "right"]


@dataclass(frozen=True)
class Sessions:
    """Polls as they came, what the live store made of them, and the store itself."""

    polls: dict[dt.date, pd.DataFrame]
    history: dict[dt.date, pd.DataFrame]
    store: LiveStore

    @property
    def panel(self) -> Panel:
        """That of the states which live/states would hold."""
        states = [session_states(rows, session) for session, rows in self.history.items()]
        return live_panel(pd.concat(states, ignore_index=True), STEP).panel


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Every poll through the store, with its features and its state, one after the other."""
    polls = {session: simulated_polls("SPY", session, STEP.total_seconds()) for session in SESSIONS}
    with LiveStore(f"sqlite:///{tmp_path_factory.mktemp('live')}/live.db") as store:
        for session, of_session in polls.items():
            opening = opening_price(of_session, session, STEP)
            for _, quotes in of_session.groupby("ts"):
                used = features(quotes, RATE, opening).used
                store.write_quotes(quotes.assign(own_vol=used["implied_vol"].reindex(quotes.index)))
                store.write_features(used)
                store.write_states(state_rows(live_state(used)))
        yield Sessions(polls, {session: compact(store, session) for session in SESSIONS}, store)


@pytest.fixture(scope="module")
def network(stored: Sessions):
    """A network that says something of everything it sees: what so few sessions teach would be next to nothing."""
    import torch

    panel = stored.panel
    model = train("gru", panel, split(panel)).model
    drawn = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weights in (model.network.head.weight, model.network.straight.weight):
            weights.copy_(0.1 * torch.randn(weights.shape, generator=drawn))
    return model


@pytest.fixture(scope="module")
def served(stored: Sessions, network) -> dict[str, pd.DataFrame]:
    """The predictions at every poll, from what the store holds up to it: of two models and of nobody."""
    models = {"numbers": Tilted(), "network": network, "nobody": None}
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in models}
    for session in SESSIONS:
        for ts in stored.store.buckets(clock.open_instant(session), clock.close_instant(session)):
            used = stored.store.read(FEATURES, ts, ts)
            states = states_of(stored.store.read(STATES, ts - 1.5 * LENGTH * STEP, ts))
            for name, model in models.items():
                found[name].append(predict(model, states, used, STEP))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}


def afterwards(stored: Sessions, model) -> pd.DataFrame:
    """The same of the whole history at once: those predictions that a model made."""
    panel = stored.panel
    last = panel.last_of_windows()
    said = model.forecast(panel.windows(last))
    contracts = live_contracts(pd.concat(stored.history.values(), ignore_index=True))
    ts = contracts["ts"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    number = np.searchsorted(panel.ts[last], ts)
    of_window = (number < len(last)) & (panel.ts[last][np.minimum(number, len(last) - 1)] == ts)
    contracts, number = contracts[of_window], number[of_window]
    parts = []
    for column, ahead in enumerate(model.horizons):
        passed = ahead * STEP.total_seconds() / (365 * 86400)
        vols = smile_vols(
            said[:, column], panel.years[last] - passed, contracts["years"] - passed, contracts["k"], number
        )
        parts.append(contracts.assign(horizon_steps=ahead, vol=vols))
    return pd.concat(parts, ignore_index=True)[[*KEY, "vol"]]


@pytest.mark.parametrize(("which", "enough"), [("numbers", 1e-9), ("network", 1e-6)])  # a network counts in float32
def test_the_served_prediction_equals_the_one_computed_afterwards(stored: Sessions, served, network, which, enough):
    made = served[which][~served[which]["flagged"]]
    both = made.merge(afterwards(stored, network if which == "network" else Tilted()), on=KEY, validate="one_to_one")
    assert len(both) == len(made)  # nothing was served that is not found again
    assert np.abs(both["predicted_vol"] - both["vol"]).max() < enough
    assert both["ts"].dt.tz_convert(clock.NEW_YORK).dt.date.unique().tolist() == SESSIONS
    for right in ("C", "P"):
        assert (both["right"] == right).sum() > 1000
    held = served["nobody"].merge(both, on=KEY)
    assert np.abs(held["predicted_vol_x"] - held["predicted_vol_y"]).max() > 1e-3  # it says something


def test_both_sides_of_a_strike_are_served_one_vol(served):
    both = served["network"].pivot(
        index=["ts", "horizon_steps", "expiration", "strike"], columns="right", values="predicted_vol"
    )
    both = both.dropna()
    assert len(both) > 500
    assert (both["C"] == both["P"]).all()


def test_each_session_warms_up_and_nothing_is_predicted_beyond_its_close(served):
    made = served["network"]
    for session, of_one in made.groupby(made["ts"].dt.tz_convert(clock.NEW_YORK).dt.date):
        polls = 14 if session == HALF_DAY else 26
        asked = of_one.loc[~of_one["flagged"], "ts"].unique()
        opens, closes = clock.open_instant(session), clock.close_instant(session)
        assert of_one.loc[of_one["flagged"], "ts"].nunique() == LENGTH - 1
        assert (min(asked), max(asked)) == (opens + (LENGTH - 1) * STEP, opens + (polls - 2) * STEP)
        assert of_one["target_ts"].max() == closes - STEP
        ten = of_one.loc[of_one["horizon_steps"] == 10, "ts"]
        assert ten.max() == opens + (polls - 11) * STEP


def test_the_leaderboard_scores_the_very_predictions_that_are_served(stored: Sessions, served):
    panel, model, made = stored.panel, Tilted(), served["numbers"]
    contracts = live_contracts(pd.concat(stored.history.values(), ignore_index=True))
    last, pairs = pairs_of(panel, panel.last_of_windows(), contracts, model.horizons)
    said = model.forecast(panel.windows(last))
    for column, ahead in enumerate(model.horizons):
        of_one = pairs[ahead]
        scored = pd.DataFrame(
            {
                "ts": pd.DatetimeIndex(panel.ts[last][of_one.snapshot], tz="UTC").as_unit("us"),
                "strike": (of_one.forward * np.exp(of_one.k)).round(6),
                "right": np.where(of_one.k < 0.0, "P", "C"),
                "minutes": (of_one.years * 365 * 1440).round(),
                "vol": predicted(of_one, said[:, column]).vol,
            }
        )
        mine = made[(made["horizon_steps"] == ahead) & ~made["flagged"]]
        closes = mine["expiration"].dt.date.map(clock.close_instant)
        minutes = (closes - mine["target_ts"]).dt.total_seconds() / 60
        both = scored.merge(mine.assign(minutes=minutes.round()), on=["ts", "strike", "right", "minutes"])
        assert len(both) == len(scored) > 500
        assert np.abs(both["predicted_vol"] - both["vol"]).max() < 1e-9


def test_a_simulated_history_is_what_the_store_gives_back(stored: Sessions):
    for session, quotes in stored.polls.items():
        simulated, kept = (
            rows.sort_values(["ts", "con_id"]).reset_index(drop=True)
            for rows in (history_rows(quotes, session, RATE, STEP), stored.history[session])
        )
        pd.testing.assert_frame_equal(simulated, kept, rtol=0.0, atol=1e-9)
        LIVE_HISTORY.require(kept)


def test_polls_are_of_one_family_and_step(stored: Sessions):
    found = live_panel(pd.concat([session_states(rows, day) for day, rows in stored.history.items()]), STEP)
    assert (found.panel.family, found.thin) == (LIVE, 0)
    assert np.bincount(found.panel.run).tolist() == [26, 26, 26, 26, 14]
