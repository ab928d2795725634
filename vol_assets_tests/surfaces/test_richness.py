"""Richness of quotes whose distance from the surface is known."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.richness import RICHNESS
from vol_assets.quant import black_price, implied_vol, mixture
from vol_assets.quant.american import american_price
from vol_assets.surfaces.richness import VALUED, richness_rows

DATE = pd.Timestamp("2024-03-15")
DAYS = np.array([35, 100, 300])
COLUMNS = list(RICHNESS["SPY"].columns)


def surface_rows(rate=0.0, carry=0.0, level=0.2):
    """A leaning mixture whose vols do not fall to where prices are lost."""
    years = DAYS / 365.0
    s = level * np.sqrt(years)[:, None]
    weights, means, stdevs = np.tile([0.8, 0.2], (3, 1)), np.exp(s * np.array([0.2, -1.0])), s * np.array([0.8, 1.8])
    means = means / (weights * means).sum(axis=1, keepdims=True)
    frame = pd.DataFrame(
        {
            "date": DATE,
            "symbol": "SPY",
            "expiration": DATE + pd.to_timedelta(DAYS, "D"),
            "years": years,
            "spot": 500.0,
            "forward": 500.0 * np.exp((rate - carry) * years),
            "model": "mixture_3",
            "essvi_theta": 0.04 * years,
            "essvi_rho": 0.0,
            "essvi_psi": 0.1,
        }
    )
    for i in range(4):
        for name, values in (("weight", weights), ("mean", means), ("stdev", stdevs)):
            frame[f"{name}_{i + 1}"] = values[:, i] if i < 2 else np.nan
    return frame


def true_prices(row, strike):
    """European puts and calls of the mixture, discounted, by strike."""
    k = np.log(strike / row["forward"])
    part = [np.array([[row[f"{name}_{i}"] for i in (1, 2)]], float) for name in ("weight", "mean", "stdev")]
    otm = mixture.otm_price(k[None], *part)[0] * row["forward"]
    call = otm + np.maximum(row["forward"] - strike, 0.0)
    return {"C": call, "P": call - row["forward"] + strike}


def chain(rows, rate=0.0, carry=0.0, half_spread=0.05, off=0.0, flags=""):
    """Quotes `off` half-spreads above the value that a European option has."""
    frames = []
    for _, row in rows.iterrows():
        strike = np.arange(350.0, 651.0, 10.0)
        for right, price in true_prices(row, strike).items():
            mid = np.exp(-rate * row["years"]) * price + off * half_spread
            frames.append(
                pd.DataFrame(
                    {
                        "date": DATE,
                        "symbol": "SPY",
                        "expiration": row["expiration"],
                        "strike": strike,
                        "right": right,
                        "bid": mid - half_spread,
                        "ask": mid + half_spread,
                        "years": row["years"],
                        "rate": rate,
                        "carry": carry,
                        "forward": row["forward"],
                        "k": np.log(strike / row["forward"]),
                        "quality_flags": flags,
                    }
                )
            )
    quotes = pd.concat(frames, ignore_index=True)
    otm = (quotes["right"] == "C") == (quotes["k"] >= 0)
    return quotes.assign(role=np.where(otm, "fit", "dropped"), reason=np.where(otm, "", "in_the_money"))


def with_bids(quotes):
    return quotes[quotes["bid"] > 0].reset_index(drop=True)


@pytest.mark.parametrize("off", [0.0, 1.0, -2.5])
def test_without_rates_a_quote_s_richness_is_how_far_its_mid_is_off(off):
    rows = surface_rows()
    quotes = with_bids(chain(rows, off=off))
    found = richness_rows(rows, quotes)
    assert list(found.columns) == COLUMNS
    assert len(found) == len(quotes)
    assert np.abs(found["richness"] - off).max() < 1e-6
    true = implied_vol(
        0.5 * (quotes["bid"] + quotes["ask"]) - off * 0.05, quotes["forward"], quotes["strike"], quotes["years"], "C"
    )
    calls = (quotes["right"] == "C").to_numpy() & (quotes["k"] > -0.2).to_numpy()
    assert np.allclose(found["model_vol"][calls], true[calls], atol=1e-6)
    RICHNESS["SPY"].require(found)


def test_a_european_vendor_s_quotes_are_valued_without_early_exercise():
    rate, carry = 0.05, 0.01
    rows = surface_rows(rate, carry)
    quotes = with_bids(chain(rows, rate, carry, flags="rate_interpolated,european_prices"))
    found = richness_rows(rows, quotes)
    assert np.abs(found["richness"]).max() < 1e-6
    price = np.exp(-rate * quotes["years"]) * black_price(
        quotes["forward"], quotes["strike"], quotes["years"], found["model_vol"], quotes["right"]
    )
    assert np.allclose(found["model_price"], price, rtol=1e-10)


def test_others_are_valued_with_early_exercise_at_the_same_vol():
    rate, carry = 0.05, 0.01
    rows = surface_rows(rate, carry)
    quotes = with_bids(chain(rows, rate, carry))
    found = richness_rows(rows, quotes)
    columns = [quotes[name].to_numpy() for name in ("forward", "strike", "years")]
    american = american_price(*columns, found["model_vol"].to_numpy(), quotes["right"].to_numpy(), rate, carry)
    assert np.array_equal(found["model_price"], american, equal_nan=True)
    european = 0.5 * (quotes["bid"] + quotes["ask"])
    puts = (quotes["right"] == "P").to_numpy() & (quotes["strike"] == 500.0).to_numpy()
    assert (found["model_price"] > european + 0.01)[puts].all()
    assert (found["richness"][puts] < 0).all()


def test_quotes_of_a_strike_have_one_vol_whatever_their_side():
    rows = surface_rows()
    found = richness_rows(rows, chain(rows))
    by_strike = found.groupby(["expiration", "strike"])["model_vol"]
    assert (by_strike.nunique() == 1).all()


def test_without_a_bid_there_is_a_value_but_no_richness():
    rows = surface_rows()
    quotes = chain(rows)
    quotes.loc[[3, 4], "bid"] = [0.0, np.nan]
    quotes.loc[[3, 4], ["role", "reason"]] = ["bound", "zero_bid"]
    found = richness_rows(rows, quotes)
    assert found.loc[[3, 4], ["bid", "mid", "richness"]].isna().all().all()
    assert found.loc[[3, 4], ["ask", "model_price"]].notna().all().all()
    RICHNESS["SPY"].require(found[found["bid"].isna() | (found["bid"] > 0)])


def test_only_quotes_that_are_sound_in_themselves_and_of_fitted_expirations_are_valued():
    rows = surface_rows()
    quotes = with_bids(chain(rows))
    reasons = [*VALUED, "crossed", "duplicate", "nonstandard", "below_intrinsic", "no_ask", "locked"]
    quotes["reason"] = np.resize(np.array(reasons, dtype=object), len(quotes))
    found = richness_rows(rows.iloc[[2, 0]], quotes)
    kept = quotes["reason"].isin(VALUED) & quotes["expiration"].isin(rows["expiration"].iloc[[0, 2]])
    assert len(found) == kept.sum()
    assert found[["expiration", "strike", "right"]].equals(
        quotes.loc[kept, ["expiration", "strike", "right"]].reset_index(drop=True)
    )
    whole = richness_rows(rows, quotes)
    same = whole[whole["expiration"].isin(rows["expiration"].iloc[[0, 2]])].reset_index(drop=True)
    assert np.allclose(found["model_vol"], same["model_vol"], rtol=1e-9)


def test_no_quote_to_value_leaves_the_columns():
    rows = surface_rows()
    quotes = chain(rows)
    for found in (richness_rows(rows, quotes.assign(reason="crossed")), richness_rows(rows.iloc[:0], quotes)):
        assert found.empty
        assert list(found.columns) == COLUMNS
