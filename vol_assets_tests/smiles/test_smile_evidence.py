"""The evidence command's own parts: the truth of simulated contracts, the split of its draws, when it fails."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import smile_evidence as evidence
from judged_world import world
from poll_frames import at, market_poll

from vol_assets.smiles import features
from vol_assets.smiles.contracts import live_contracts
from vol_assets.sources.sample import live_surface


def test_the_true_vols_of_contracts_are_those_their_quotes_were_made_of():
    instants = at("2024-03-15", "10:00"), at("2024-03-15", "15:30")
    polls, parts = [market_poll(instant, strikes=8) for instant in instants], []
    for instant, poll in zip(instants, polls):
        used = features(poll, live_surface("SPY", instant).rate, np.nan).used
        history = used.rename(columns={"implied_vol": "own_vol"}).assign(market_data_type="live")
        parts.append(live_contracts(history).assign(made_of=poll.loc[used.index, "vol"].to_numpy()))
    contracts = pd.concat(parts, ignore_index=True)
    found = evidence.true_vols(contracts)
    assert found == pytest.approx(contracts["made_of"].to_numpy(), abs=1e-9)
    assert np.abs(found - contracts["vol"]).max() > 1e-4


def test_the_sessions_of_a_draw_are_split_in_order_half_a_fifth_and_the_rest():
    session = np.arange(40).repeat(3)
    which = evidence.shares(session)
    assert {name: len(np.unique(session[which == name])) for name in np.unique(which)} == {
        "train": 20,
        "validation": 8,
        "test": 12,
    }
    assert session[which == "train"].max() < session[which == "validation"].min()
    assert session[which == "validation"].max() < session[which == "test"].min()


def test_the_market_of_some_sessions_is_their_states_and_contracts():
    found = world(5, 12)
    market = evidence.Market(found.panel, found.contracts, found.true_vol)
    some = market.of_sessions(np.unique(found.panel.session)[-2:])
    assert len(some.panel) == 24
    assert len(some.contracts) == len(some.true_vol) == len(found.contracts) * 2 // 5
    assert some.true_vol[-1] == found.true_vol[-1]
    assert set(some.contracts["ts"].dt.date) == set(np.unique(some.panel.session).tolist())


@pytest.mark.parametrize(("promoted", "status"), [((), 0), (("gru",), 1)])
def test_the_command_fails_if_anybody_is_promoted_where_there_is_nothing_to_see(promoted, status, capsys):
    draws = [
        evidence.Draw("permuted", 0, (), (), "mlp", 0.2, 0.01, "raw", -0.01, 0.0, 1.0),
        evidence.Draw("random_walk", 0, promoted, ("mlp",), "gru", 0.2, 0.03, "local_level", 0.02, 0.03, 0.01),
    ]
    with pytest.raises(SystemExit) as ended:
        evidence.judge_draws(pd.DataFrame(draws))
    assert ended.value.code == status
    said = capsys.readouterr().out
    assert f"random_walk: a network promoted in {status} of 1 draws, foresight alone kept one out in 1" in said
    assert "permuted: a network promoted in 0 of 1 draws" in said
