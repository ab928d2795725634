"""Scoring by hand: which contracts count, what was said of them, and what loss that makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_world import FORWARD, STRIKES, Foresees, world

from vol_assets.errors import ContractError
from vol_assets.quant import black_vega
from vol_assets.smiles.contracts import CONTRACT_COLUMNS, daily_contracts, live_contracts
from vol_assets.smiles.panel import SMILES, Panel
from vol_assets.smiles.scoring import Next, held, pairs_of, predicted, quoted, score, squared_error
from vol_assets.smiles.state import NODES, daily_state
from vol_assets.surfaces.fit import surface_of, surface_rows

FLAT = 0.20
SLOPE = -0.05  # of ln vol, a stdev


@pytest.fixture
def small():
    """Three states of flat smiles of 20 %, and their contracts at the money and some USD either side."""
    found = world(1, 3)
    panel = replace(found.panel, log_vol=np.full_like(found.panel.log_vol, np.log(FLAT)))
    near = found.contracts[found.contracts["strike"].isin([98.0, 100.0, 103.0])].reset_index(drop=True)
    return panel, near.assign(vol=FLAT, vega=black_vega(FORWARD, near["strike"], near["years"], FLAT))


def second(contracts: pd.DataFrame, panel: Panel) -> np.ndarray:
    return (contracts["ts"].dt.tz_localize(None) == panel.ts[1]).to_numpy()


def one_pair(panel: Panel, contracts: pd.DataFrame, **options):
    last, pairs = pairs_of(panel, np.array([0]), contracts, [1], **options)
    assert last.tolist() == [0]
    return pairs[1]


def test_the_scores_of_three_contracts_a_smile_are_those_that_are_made_by_hand(small):
    panel, contracts = small
    came = np.tile([0.21, 0.20, 0.18], SMILES)
    contracts.loc[second(contracts, panel), "vol"] = came
    true = np.full(len(contracts), 0.205)
    pairs = one_pair(panel, contracts, true_vol=true)
    assert pairs.vol.tolist() == came.tolist()
    said = score(pairs, predicted(pairs, panel.log_vol[:1]))
    assert said.squared == pytest.approx([(1.0 + 0.0 + 4.0) / 3])
    assert said.absolute == pytest.approx([(1.0 + 0.0 + 2.0) / 3])
    assert said.relative == pytest.approx([(0.01 / 0.21 + 0.02 / 0.18) / 3])
    assert said.true_squared == pytest.approx([0.25])
    vega = black_vega(FORWARD, np.tile([98.0, 100.0, 103.0], SMILES), panel.years[0].repeat(3), FLAT)
    assert said.vega_squared == pytest.approx([np.sum(vega * np.tile([1.0, 0.0, 4.0], SMILES)) / vega.sum()])
    assert squared_error(pairs, panel.log_vol[:1]) == pytest.approx(said.squared)
    assert said.butterflies == (SMILES, 0.0, 0.0)
    assert said.calendars == (3 * (SMILES - 1), 0.0, 0.0)


def test_without_a_truth_its_error_is_null_and_nothing_else_is(small):
    pairs = one_pair(*small)
    said = score(pairs, predicted(pairs, small[0].log_vol[:1]))
    assert np.isnan(said.true_squared).all()
    assert said.squared == pytest.approx([0.0], abs=1e-20)


def test_each_snapshot_weighs_the_same_however_many_contracts_it_has(small):
    panel, contracts = small
    contracts = contracts[~second(contracts, panel) | (contracts["strike"] == 100.0)]
    contracts.loc[contracts["strike"] == 100.0, "vol"] = 0.21
    _, pairs = pairs_of(panel, np.arange(2), contracts, [1])
    loss = score(pairs[1], predicted(pairs[1], panel.log_vol[:2])).squared
    assert loss == pytest.approx([1.0, 1.0])
    assert np.bincount(pairs[1].snapshot).tolist() == [SMILES, SMILES]


def test_a_prediction_is_read_at_the_forward_of_now_and_again_at_the_one_that_came(small):
    panel, contracts = small
    panel = replace(panel, log_vol=np.log(FLAT) + np.broadcast_to(SLOPE * NODES, panel.log_vol.shape))
    then = second(contracts, panel)
    contracts.loc[then, "forward"] = 101.0
    contracts.loc[then, "k"] = np.log(contracts.loc[then, "strike"] / 101.0)
    pairs = one_pair(panel, contracts)
    vols = predicted(pairs, panel.log_vol[:1])
    root = FLAT * np.sqrt(panel.years[1].repeat(3))
    for of_one, forward in ((vols.vol, FORWARD), (vols.then, 101.0)):
        z = np.log(np.tile([98.0, 100.0, 103.0], SMILES) / forward) / root
        assert of_one == pytest.approx(FLAT * np.exp(SLOPE * z), rel=1e-12)


def test_fixed_strike_is_the_smile_of_now_at_the_time_of_now_and_raw_the_contracts_own_vol(small):
    panel, contracts = small
    panel = replace(panel, log_vol=np.log(FLAT) + np.broadcast_to(SLOPE * NODES, panel.log_vol.shape))
    contracts = contracts.assign(vol=np.linspace(0.19, 0.21, len(contracts)))
    pairs = one_pair(panel, contracts)
    z = pairs.k / (FLAT * np.sqrt(panel.years[0].repeat(3)))
    fixed = held(pairs, panel, np.array([0]))
    assert fixed.vol == pytest.approx(FLAT * np.exp(SLOPE * z), rel=1e-12)
    assert np.isnan(fixed.then).all()
    raw = quoted(pairs)
    assert raw.vol.tolist() == contracts["vol"][: 3 * SMILES].tolist()
    assert score(pairs, raw).calendars.counted == 0


def test_only_the_side_that_is_out_of_the_money_now_is_scored(small):
    panel, contracts = small
    others = contracts.assign(right=contracts["right"].map({"C": "P", "P": "C"}), vol=0.9)
    pairs = one_pair(panel, pd.concat([others, contracts]))
    assert len(pairs.k) == 3 * SMILES
    assert (pairs.vol == FLAT).all()
    assert (pairs.vol_now == FLAT).all()


def test_a_contract_whose_side_is_gone_is_held_against_the_other_side_of_its_strike(small):
    panel, contracts = small
    gone = second(contracts, panel) & (contracts["strike"] == 98.0).to_numpy()
    contracts.loc[gone, ["right", "vol"]] = ["C", 0.25]
    pairs = one_pair(panel, contracts)
    assert pairs.vol.tolist() == SMILES * [0.25, FLAT, FLAT]


def test_a_contract_that_is_quoted_no_more_is_not_scored_and_a_snapshot_without_any_is_left_out(small):
    panel, contracts = small
    then = second(contracts, panel)
    assert len(one_pair(panel, contracts[~then | (contracts["strike"] > 99.5)]).k) == 2 * SMILES
    last, pairs = pairs_of(panel, np.arange(2), contracts[(contracts["ts"] != contracts["ts"].iloc[0])], [1])
    assert last.tolist() == [1]
    assert len(pairs[1].smile_years) == 1
    with pytest.raises(ContractError, match="none of 1 snapshots has a contract quoted"):
        pairs_of(panel, np.array([0]), contracts[~then], [1])


def test_snapshots_count_that_are_quoted_at_every_horizon():
    found = world(2, 24)
    late = found.contracts["ts"].dt.minute >= 20
    last, pairs = pairs_of(found.panel, np.arange(len(found.panel)), found.contracts[~late], (1, 10))
    minutes = pd.DatetimeIndex(found.panel.ts[last]).minute
    assert minutes.tolist() == 2 * list(range(10))
    assert set(pairs) == {1, 10}
    assert all(len(of_one.smile_years) == 20 for of_one in pairs.values())


def test_contracts_beyond_the_nodes_or_the_times_of_the_smiles_do_not_count(small):
    panel, contracts = small
    smile = contracts["expiration"] == contracts["expiration"].min()
    shortest = contracts[smile & (contracts["strike"] == 100.0)]
    stdev = FLAT * np.sqrt(panel.years[0, 0])
    low, high = (FORWARD * np.exp(z * stdev) for z in (-2.25, 1.75))
    outside = [
        shortest.assign(strike=strike, right=right) for strike, right in ((low * 0.999, "P"), (high * 1.001, "C"))
    ]
    inside = [
        shortest.assign(strike=strike, right=right) for strike, right in ((low * 1.001, "P"), (high * 0.999, "C"))
    ]
    early, late = (shortest.assign(years=shortest["years"] * factor, strike=100.0) for factor in (0.9, 30.0))
    early, late = (
        of_one.assign(expiration=pd.Timestamp(day)) for of_one, day in ((early, "2024-01-03"), (late, "2025"))
    )
    added = [of_one.assign(k=np.log(of_one["strike"] / FORWARD)) for of_one in (*outside, *inside, early, late)]
    pairs = one_pair(panel, pd.concat([contracts, *added]))
    assert len(pairs.k) == 3 * SMILES + 2
    assert pairs.k.min() == pytest.approx(-2.25 * stdev, rel=0.03)


def test_the_order_of_the_quotes_does_not_matter(small):
    panel, contracts = small
    contracts = contracts.assign(vol=np.linspace(0.19, 0.21, len(contracts)))
    first = one_pair(panel, contracts)
    mixed = one_pair(panel, contracts.sample(frac=1.0, random_state=3))
    for name in ("k", "vol", "vol_now", "smile", "later"):
        np.testing.assert_array_equal(getattr(first, name), getattr(mixed, name))


def test_the_next_expiration_is_that_of_the_same_snapshot(small):
    pairs = one_pair(*small)
    assert pairs.later[: 3 * (SMILES - 1)].tolist() == small[0].years[1, 1:].repeat(3).tolist()
    assert np.isnan(pairs.later[3 * (SMILES - 1) :]).all()


def test_contracts_of_a_missing_column_are_refused(small):
    with pytest.raises(ContractError, match="need the columns vega"):
        one_pair(small[0], small[1].drop(columns="vega"))


def test_the_smiles_that_made_the_quotes_have_no_error_at_any_horizon():
    found = world(2, 24)
    last, pairs = pairs_of(found.panel, found.last, found.contracts, (1, 10), found.true_vol)
    for ahead, of_one in pairs.items():
        said = score(of_one, predicted(of_one, found.panel.log_vol[last + ahead]))
        assert said.squared == pytest.approx(np.zeros(len(last)), abs=1e-20)
        assert said.true_squared == pytest.approx(np.zeros(len(last)), abs=1e-20)
        held_now = Foresees().forecast(found.panel.windows(last))[:, 0]
        level = found.panel.log_vol[last + ahead, 0, 0] - found.panel.log_vol[last, 0, 0]
        of_level = score(of_one, predicted(of_one, held_now)).relative
        assert of_level == pytest.approx(np.abs(np.expm1(-level)), abs=0.05 * np.abs(level).max())


def test_the_contracts_of_the_live_family_are_its_live_quotes_with_a_vol():
    row = {
        "ts": pd.Timestamp("2024-01-02 15:00", tz="UTC"),
        "expiration": pd.Timestamp("2024-01-19"),
        "strike": 95.0,
        "right": "P",
        "market_data_type": "live",
        "own_vol": 0.2,
        "bid_vol": 0.19,
        "ask_vol": 0.21,
        "forward": 100.0,
        "years": 0.05,
    }
    history = pd.DataFrame([row, row | {"strike": 94.0, "own_vol": np.nan}])
    found = live_contracts(history)
    assert list(found.columns) == list(CONTRACT_COLUMNS)
    assert len(found) == 1
    assert found.iloc[0][["k", "vol"]].tolist() == pytest.approx([np.log(0.95), 0.2])
    assert found["vega"].iloc[0] == pytest.approx(float(black_vega(100.0, 95.0, 0.05, 0.2)))


def test_what_a_state_leaves_out_of_a_contracts_own_smile_goes_with_it_to_the_target(small):
    panel, contracts = small
    left_out = np.tile(np.log([1.05, 1.02, 0.97]), SMILES) * np.arange(1, SMILES + 1).repeat(3)
    first = (contracts["ts"].dt.tz_localize(None) == panel.ts[0]).to_numpy()
    contracts.loc[first, "fitted_vol"] = FLAT * np.exp(left_out)
    pairs = one_pair(panel, contracts)
    for read in (predicted(pairs, panel.log_vol[:1]), held(pairs, panel, np.array([0]))):
        assert np.log(read.vol / FLAT) == pytest.approx(left_out, abs=1e-12)
        assert np.log(read.later / FLAT)[:-3] == pytest.approx(left_out[3:], abs=1e-12)
        assert np.isnan(read.later[-3:]).all()
    squares = ((100.0 * FLAT * (np.exp(left_out) - 1.0)) ** 2).mean()
    assert squared_error(pairs, panel.log_vol[:1]) == pytest.approx([squares])
    assert quoted(pairs).vol.tolist() == [FLAT] * 3 * SMILES


def test_what_the_next_smile_leaves_out_is_read_at_the_strikes_of_this_one(small):
    panel, contracts = small
    strikes = contracts["strike"].to_numpy()
    first = (contracts["ts"].dt.tz_localize(None) == panel.ts[0]).to_numpy()
    second_smile = first & (contracts["expiration"] == contracts.loc[first, "expiration"].unique()[1]).to_numpy()
    contracts.loc[second_smile, "fitted_vol"] = FLAT * np.exp(0.1 * contracts.loc[second_smile, "k"])
    pairs = one_pair(panel, contracts[~(second_smile & (strikes == 100.0)) & ~(second_smile & (strikes == 103.0))])
    later = np.log(predicted(pairs, panel.log_vol[:1]).later[:3] / FLAT)
    assert later == pytest.approx(0.1 * pairs.k[0], abs=1e-12)  # one strike alone: level on both sides
    pairs = one_pair(panel, contracts[~(second_smile & (strikes == 100.0))])
    later = np.log(predicted(pairs, panel.log_vol[:1]).later[:3] / FLAT)
    assert later == pytest.approx(0.1 * pairs.k[:3], abs=1e-12)  # linear between two


def test_the_last_smile_of_a_snapshot_has_no_next_one(small):
    panel, contracts = small
    _, pairs = pairs_of(panel, np.arange(2), contracts, [1])
    alone = np.tile(np.arange(SMILES).repeat(3) == SMILES - 1, 2)
    assert np.isnan(pairs[1].later).tolist() == alone.tolist()
    assert score(pairs[1], predicted(pairs[1], panel.log_vol[:2])).calendars.counted == 2 * 3 * (SMILES - 1)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_values_of_the_next_smile_are_read_as_one_by_one(strikes: list[int], smiles: int, seed: int):
    random = np.random.default_rng(seed)
    smile = np.arange(len(strikes)).repeat(strikes)
    snapshot, values = smile // smiles, random.standard_normal(len(smile))
    k = np.concatenate([np.sort(random.uniform(-2.0, 2.0, count)) for count in strikes])
    found = Next.of(snapshot, smile).read(k, values)
    for number, expected in enumerate(found):
        after = smile == smile[number] + 1
        if after.any() and snapshot[after][0] == snapshot[number]:
            assert expected == pytest.approx(np.interp(k[number], k[after], values[after]), abs=1e-9)


@pytest.fixture(scope="module")
def closes():
    """Curated chain and surface of two sessions of the sample market."""
    from vol_assets.curation.chains import curate_chain
    from vol_assets.sources.sample import SampleMarket

    chains = SampleMarket().option_chains("SPY", pd.Timestamp("2024-03-14").date(), pd.Timestamp("2024-03-15").date())
    curated = [curate_chain(chain.quotes.assign(source="sample")) for chain in chains]
    return pd.concat(curated), pd.concat(map(surface_rows, curated))


def test_the_contracts_of_the_daily_family_have_the_vols_of_their_own_surface(closes):
    curated, surface = closes
    found = daily_contracts(curated, surface)
    for ts, rows in surface.groupby("quote_time"):
        smiles, of_one = surface_of(rows).expirations, found[found["ts"] == ts]
        assert of_one["expiration"].nunique() == len(rows) == len(smiles.years)
        for number, expiration in enumerate(np.sort(rows["expiration"].unique())):
            mine = of_one[of_one["expiration"] == expiration]
            assert mine["fitted_vol"].to_numpy() == pytest.approx(smiles.vol(mine["k"].to_numpy())[number], abs=1e-12)


def test_a_chain_with_an_instant_a_row_belongs_to_the_state_of_its_session_all_the_same(closes):
    day = closes[0]["date"].iloc[0]
    curated = closes[0][closes[0]["date"] == day]
    spread = curated.assign(quote_time=curated["quote_time"] - pd.to_timedelta(np.arange(len(curated)) % 60, "s"))
    surface = surface_rows(spread)
    assert surface["quote_time"].nunique() > 1
    for rows in (surface, surface[::-1]):
        found = daily_contracts(spread, rows)
        assert (found["ts"] == daily_state(rows, np.nan).ts).all()
        assert len(found) == (curated["role"] == "fit").sum()


def test_an_expiration_that_the_surface_lacks_has_no_contracts(closes):
    curated, surface = closes
    lacking = surface["expiration"].iloc[3]
    found = daily_contracts(curated, surface[surface["expiration"] != lacking])
    every = daily_contracts(curated, surface)
    expected = every[every["expiration"] != lacking].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="fitted_vol"), expected.drop(columns="fitted_vol"))
    assert found["fitted_vol"].notna().all()
    unknown = curated.assign(expiration=curated["expiration"] + pd.Timedelta(days=365))
    assert daily_contracts(unknown, surface).empty


def test_a_session_without_a_surface_has_no_contracts(closes):
    curated, surface = closes
    first, second = surface["date"].unique()
    alone = daily_contracts(curated, surface[surface["date"] == second])
    assert alone["ts"].unique().tolist() == surface.loc[surface["date"] == second, "quote_time"].unique().tolist()
    for none in (
        daily_contracts(curated, surface[:0]),
        daily_contracts(curated[curated["date"] == first], surface[-1:]),
    ):
        assert none.empty
        assert list(none.columns) == list(CONTRACT_COLUMNS)
        assert none["ts"].dtype == alone["ts"].dtype


def test_the_contracts_of_the_daily_family_are_those_that_entered_the_surface(closes):
    curated, surface = closes
    found = daily_contracts(curated, surface)
    fitted = curated[curated["role"] == "fit"]
    assert len(found) == len(fitted) > 500
    assert found["vol"].tolist() == fitted["mid_vol"].tolist()
    assert found["k"].to_numpy() == pytest.approx(fitted["k"].to_numpy(), abs=1e-12)
    assert ((found["right"] == "C") == (found["k"] >= 0)).all()
    assert found["vega"].to_numpy() == pytest.approx((fitted["vega"] / fitted["discount_factor"]).to_numpy(), rel=1e-9)


def test_the_strikes_of_the_small_world_are_on_both_sides():
    assert STRIKES.min() < FORWARD < STRIKES.max()


@pytest.mark.parametrize("last", [np.array([0]), np.empty(0, dtype=int)])
def test_where_there_is_nothing_to_score_that_is_said(small, last):
    panel, contracts = small
    other_day = contracts.assign(ts=contracts["ts"] + pd.Timedelta(days=1))
    for none in (other_day, contracts[:0]):
        with pytest.raises(ContractError, match="give those of the sessions that are scored"):
            pairs_of(panel, last, none, [1])
