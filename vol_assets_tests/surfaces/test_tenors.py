"""Tenors against closed forms: flat vols, eSSVI smiles solved by another root finder, Black's prices as quotes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from vol_assets.contracts.tenors import BASE_COLUMNS, DELTAS, MONEYNESS, TENOR_DAYS, TENORS
from vol_assets.quant import essvi, moments
from vol_assets.quant.black import black_price
from vol_assets.quant.surface import Surface
from vol_assets.surfaces.fit import surface_of
from vol_assets.surfaces.tenor_history import History
from vol_assets.surfaces.tenors import read_tenors, tenor_rows, vix_style

DATE = pd.Timestamp("2024-03-15")
YEARS = np.array(TENOR_DAYS) / 365.0
RATE, CARRY, SPOT = 0.04, 0.015, 500.0
WIDE = (-2.0, 2.0)


def surface(years, weights=None, means=None, stdevs=None, essvi_slices=None):
    """Mixtures (n, c), or eSSVI slices (n, 3)."""
    years = np.asarray(years, float)
    n = len(years)
    slices = np.full((n, 3), [0.04, 0.0, 0.1]) if essvi_slices is None else np.asarray(essvi_slices, float)
    filled = (
        np.eye(1, 4).repeat(n, axis=0) if essvi_slices is not None else np.zeros((n, 4)),
        np.ones((n, 4)),
        np.ones((n, 4)),
    )
    if essvi_slices is None:
        for whole, part in zip(filled, (weights, means, stdevs)):
            part = np.asarray(part, float)
            whole[:, : part.shape[1]] = part
    return Surface(
        years=years,
        forward=SPOT * np.exp((RATE - CARRY) * years),
        spot=SPOT,
        weights=filled[0],
        means=filled[1],
        stdevs=filled[2],
        theta=slices[:, 0],
        rho=slices[:, 1],
        psi=slices[:, 2],
        is_mixture=np.full(n, essvi_slices is None),
    )


def flat(vol, days):
    years = np.asarray(days, float) / 365.0
    one = np.ones((len(years), 1))
    return surface(years, one, one, vol * np.sqrt(years)[:, None])


def leaning(days, level=0.18):
    """A two-component mixture that leans to the puts and grows with the root of time: no calendar arbitrage."""
    years = np.asarray(days, float) / 365.0
    s = level * np.sqrt(years)[:, None]
    weights = np.tile([0.85, 0.15], (len(years), 1))
    means = np.exp(s * np.array([0.2, -1.2]))
    means /= (weights * means).sum(axis=1, keepdims=True)
    return surface(years, weights, means, s * np.array([0.8, 1.8]))


def read(of, quoted=WIDE):
    return read_tenors(of, np.full(len(TENOR_DAYS), RATE), np.tile(quoted, (len(of.years), 1)))


def rows_of(of, lowest=0.5, highest=1.5):
    """The columns of surface/spy that tenors are made from."""
    frame = pd.DataFrame(
        {
            "date": DATE,
            "symbol": "SPY",
            "expiration": DATE + pd.to_timedelta(np.round(of.years * 365.0), "D"),
            "years": of.years,
            "spot": of.spot,
            "forward": of.forward,
            "rate": RATE,
            "model": np.where(of.is_mixture, "mixture_4", "essvi"),
            "essvi_theta": of.theta,
            "essvi_rho": of.rho,
            "essvi_psi": of.psi,
            "lowest_strike": lowest * of.forward,
            "highest_strike": highest * of.forward,
        }
    )
    for name in ("weight", "mean", "stdev"):
        for i in range(4):
            frame[f"{name}_{i + 1}"] = getattr(of, f"{name}s")[:, i]
    return frame


def chain_of(rows, vol, step=2.5):
    """European quotes at a flat vol, in the columns of curated/spy_chain that the index needs."""
    frames = []
    for row in rows.itertuples():
        strike = np.arange(0.5 * SPOT, 1.5 * SPOT, step)
        for right in "CP":
            price = np.exp(-row.rate * row.years) * black_price(row.forward, strike, row.years, vol, right)
            frames.append(
                pd.DataFrame(
                    {
                        "expiration": row.expiration,
                        "strike": strike,
                        "right": right,
                        "bid": price * 0.99,
                        "ask": price * 1.01,
                        "reason": "",
                    }
                )
            )
    chain = pd.concat(frames, ignore_index=True)
    return chain.assign(bid=chain["bid"].where(chain["bid"] > 0.005))


@given(vol=st.floats(0.03, 1.2))
@settings(max_examples=15, deadline=None)
def test_a_flat_vol_is_flat_in_every_node_and_has_no_skew(vol):
    found = read(flat(vol, TENOR_DAYS))
    vols = found[["atm_vol", *(f"vol_d{d}" for d in DELTAS), "model_free_vol", "index_model_free"]]
    assert np.allclose(vols, vol, rtol=1e-8)
    assert np.abs(found[["rr25", "bf25", "rr10", "bf10"]]).max().max() < 1e-9 * (1 + vol)
    assert np.abs(found[["slope_sqrt_t", "curvature_t"]]).max().max() < 1e-6
    assert np.allclose(found["skewness"], 0.0, atol=1e-6)
    assert np.allclose(found["kurtosis"], 3.0, atol=1e-6)
    assert np.allclose(found["up_variance"] + found["down_variance"], vol**2, rtol=1e-7)
    moneyness = found[[f"vol_m{m}" for m in MONEYNESS]].to_numpy()
    assert np.allclose(moneyness[np.isfinite(moneyness)], vol, rtol=1e-4)
    assert np.allclose(found["vol_m100"], vol)


def test_strikes_and_premiums_of_a_flat_vol_are_the_closed_form():
    vol = 0.22
    found = read(flat(vol, TENOR_DAYS))
    forward = SPOT * np.exp((RATE - CARRY) * YEARS)
    assert np.allclose(found["forward"], forward)
    assert np.allclose(found["implied_yield"], CARRY)
    for d in DELTAS:
        strike = forward * np.exp(0.5 * vol**2 * YEARS - ndtri(d / 100) * vol * np.sqrt(YEARS))
        assert np.allclose(found[f"strike_d{d}"], strike, rtol=1e-10)
        # A 50-delta call is above the forward; a put is out of the money where its strike is below.
        right = np.where(strike >= forward, "C", "P")
        premium = np.exp(-RATE * YEARS) * black_price(forward, strike, YEARS, vol, right)
        assert np.allclose(found[f"premium_d{d}"], premium, rtol=1e-8)
    assert (found["strike_d90"] < found["strike_d10"]).all()


def test_the_implied_move_is_the_straddle_and_the_breakeven_the_vol_of_a_session():
    vol = 0.25
    found = read(flat(vol, TENOR_DAYS))
    assert np.allclose(found["implied_move"], 2 * (2 * ndtr(0.5 * vol * np.sqrt(YEARS)) - 1))
    assert np.allclose(found["daily_breakeven"], vol / np.sqrt(252))


def test_strikes_by_delta_of_essvi_smiles_are_those_of_another_root_finder():
    slices = np.array([(0.04 * t, -0.6, 0.35 * np.sqrt(t)) for t in YEARS])
    of = surface(YEARS, essvi_slices=slices)
    found = read(of)
    for i in (0, 2, 5, 9, 11):
        theta, rho, psi = slices[i]

        def delta(k):
            s = np.sqrt(essvi.total_variance(k, theta, rho, psi))  # noqa: B023
            return ndtr(-k / s + 0.5 * s)

        for d in (10, 25, 50, 75, 90):
            k = brentq(lambda k: delta(k) - d / 100, -3.0, 3.0, xtol=1e-13)  # noqa: B023
            vol = np.sqrt(essvi.total_variance(k, theta, rho, psi) / YEARS[i])
            assert found[f"vol_d{d}"][i] == pytest.approx(vol, rel=1e-8)
            assert np.log(found[f"strike_d{d}"][i] / of.forward[i]) == pytest.approx(k, abs=1e-9)
        s = np.sqrt(theta)
        first, second = rho * psi, 0.5 * psi**2 * (1 - rho**2) / theta  # derivatives of w at k = 0
        root = np.sqrt(YEARS[i])
        assert found["slope"][i] == pytest.approx(first / (2 * s) / root, rel=1e-6)
        assert found["curvature"][i] == pytest.approx((second / (2 * s) - first**2 / (4 * s**3)) / root, rel=1e-5)
        assert found["slope_sqrt_t"][i] == pytest.approx(found["slope"][i] * root)
        assert found["curvature_t"][i] == pytest.approx(found["curvature"][i] * YEARS[i])
    assert np.allclose(found["rr25"], found["vol_d25"] - found["vol_d75"])
    assert np.allclose(found["bf10"], 0.5 * (found["vol_d10"] + found["vol_d90"]) - found["atm_vol"])


def test_total_variance_at_the_money_is_linear_between_expirations():
    of = leaning([20, 45, 200, 400, 800])
    ends = (of.smiles(of.years).at_money ** 2, of.years)
    found = read(of)
    inside = ~found["extrapolated"]
    assert inside.sum() == 10
    variance = found["atm_vol"] ** 2 * found["years"]
    assert np.allclose(variance[inside], np.interp(YEARS, ends[1], ends[0])[inside], rtol=1e-10)
    assert (variance.diff().dropna() > 0).all()


def test_forward_vols_add_up_to_the_variance_of_the_later_tenor():
    found = read(leaning([5, 40, 100, 900]))
    variance = (found["atm_vol"] ** 2 * found["years"]).to_numpy()
    for i, days in enumerate(TENOR_DAYS[:-1]):
        vol = found[f"forward_vol_{days}"].to_numpy()
        assert np.isnan(vol[: i + 1]).all()
        assert np.allclose(variance[i] + vol[i + 1 :] ** 2 * (YEARS[i + 1 :] - YEARS[i]), variance[i + 1 :])


def test_moments_of_a_mixture_are_its_closed_form():
    of = leaning(TENOR_DAYS)
    found, true = read(of), moments.from_mixture(of.weights, of.means, of.stdevs)
    assert np.allclose(found["model_free_vol"] ** 2 * YEARS, true.model_free_variance, rtol=1e-8)
    assert np.allclose(found["skewness"], true.skewness, atol=1e-6)
    assert np.allclose(found["kurtosis"], true.kurtosis, atol=1e-5)
    up, down = moments.mixture_up_down_variance(of.weights, of.means, of.stdevs)
    assert np.allclose(found["up_variance"], up / YEARS, rtol=3e-5)
    assert np.allclose(found["down_variance"], down / YEARS, rtol=3e-5)


def test_confidence_is_the_share_of_nodes_within_the_quotes_around():
    of = flat(0.1, TENOR_DAYS)
    assert (read(of)["confidence"] == 1.0).all()
    assert (read(of, (0.0, 2.0))["confidence"] == 9 / 17).all()  # nodes at or above the forward: .10 to .50
    assert (read(of, (1.9, 2.0))["confidence"] == 0.0).all()
    between = flat(0.2, [20, 40, 800])
    k = np.tile(WIDE, (3, 1))
    k[1] = (1.9, 2.0)  # nothing quoted at 40 days: half of 30 days is left, that of 20 days
    found = read_tenors(between, np.full(len(TENOR_DAYS), RATE), k)
    assert found["confidence"][2] == pytest.approx(0.5)
    assert found["extrapolated"].tolist() == [True, True] + [False] * 10
    assert (found["confidence"][:2] == 0.0).all()


def test_one_expiration_serves_all_tenors_but_none_is_trusted():
    found = read(flat(0.3, [100]))
    assert found["extrapolated"].all()
    assert np.allclose(found["atm_vol"], 0.3)
    assert np.allclose(found["vol_d10"], 0.3)
    assert (found["confidence"] == 0.0).all()


def test_a_session_s_rows_keep_the_contract_and_read_the_stored_surface():
    rows = rows_of(leaning([10, 25, 60, 150, 400, 900])).sample(frac=1, random_state=1)
    found = tenor_rows(rows, chain_of(rows, 0.2), 0.195)
    assert tuple(found.columns) == BASE_COLUMNS
    assert (found["index_quoted"] == 0.195).all()
    expected = read(surface_of(rows), (np.log(0.5), np.log(1.5)))
    pd.testing.assert_frame_equal(found[list(expected.columns)], expected, check_exact=True)
    TENORS["SPY"].require(History().feed(found))


def test_rates_are_linear_between_expirations_and_flat_beyond():
    rows = rows_of(leaning([20, 70, 500])).assign(rate=[0.05, 0.04, 0.03])
    found = tenor_rows(rows, chain_of(rows, 0.2))
    assert np.allclose(found["rate"], np.interp(TENOR_DAYS, [20, 70, 500], [0.05, 0.04, 0.03]))


def test_a_session_without_a_surface_has_no_rows():
    rows = rows_of(leaning([20, 70]))
    found = tenor_rows(rows.iloc[:0], chain_of(rows, 0.2))
    assert found.empty
    assert tuple(found.columns) == BASE_COLUMNS


def test_the_index_by_cboe_s_rules_is_the_vol_of_black_s_quotes():
    vol = 0.2
    rows = rows_of(flat(vol, [16, 25, 37, 60]))
    found = tenor_rows(rows, chain_of(rows, vol))
    assert np.allclose(found["index_vix_style"], vol, atol=2e-4)
    assert found["index_vix_style"].nunique() == 1


def test_the_index_uses_the_two_expirations_around_30_days_and_nothing_else():
    rows = rows_of(flat(0.2, [16, 25, 37, 60]))
    chain = chain_of(rows, 0.2)
    away = chain["expiration"].isin(rows["expiration"].iloc[[0, 3]])
    spoilt = chain.assign(bid=chain["bid"].where(~away, chain["bid"] * 2), ask=chain["ask"].where(~away, 99.0))
    arguments = (rows["expiration"].to_numpy(), rows["years"].to_numpy(), rows["rate"].to_numpy())
    assert vix_style(spoilt, *arguments) == vix_style(chain, *arguments)


def test_the_index_leaves_out_minis_and_keeps_quotes_without_bid_as_ends_of_the_strip():
    rows = rows_of(flat(0.2, [25, 37]))
    chain = chain_of(rows, 0.2)
    mini = chain[(chain["strike"] == 450.0)].assign(bid=50.0, ask=51.0, reason="nonstandard")
    arguments = (rows["expiration"].to_numpy(), rows["years"].to_numpy(), rows["rate"].to_numpy())
    plain = vix_style(chain, *arguments)
    assert vix_style(pd.concat([chain, mini], ignore_index=True), *arguments) == plain
    # Two neighbours without a bid end the strip, although quotes go on beyond them.
    gone = (chain["right"] == "P") & chain["strike"].isin([450.0, 447.5])
    cut = vix_style(chain.assign(bid=chain["bid"].mask(gone)), *arguments)
    far = (chain["right"] == "P") & (chain["strike"] <= 450.0)
    assert cut == pytest.approx(vix_style(chain.assign(bid=chain["bid"].mask(far)), *arguments))
    assert cut < plain


@pytest.mark.parametrize("days", [[40, 60], [10, 20], [25]])
def test_there_is_no_index_unless_expirations_enclose_30_days(days):
    rows = rows_of(flat(0.2, days))
    assert np.isnan(tenor_rows(rows, chain_of(rows, 0.2))["index_vix_style"]).all()


def test_there_is_no_index_without_a_strip():
    rows = rows_of(flat(0.2, [25, 37]))
    chain = chain_of(rows, 0.2).assign(bid=np.nan)
    assert np.isnan(tenor_rows(rows, chain)["index_vix_style"]).all()
