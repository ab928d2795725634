"""Raw chains to curated ones, on American quotes of a known world and on dirt of every kind."""

import warnings

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.contracts.chains import CURATED_CHAINS, RAW_CHAINS
from vol_assets.curation.chain_rules import REASONS
from vol_assets.curation.chains import curate_chain
from vol_assets.errors import ContractError
from vol_assets.quant import black_price

SESSION = "2024-01-02"
SPOT, RATE, CARRY = 472.65, 0.045, 0.012
EXPIRATIONS = ("2024-01-12", "2024-02-16", "2024-04-19", "2024-07-19", "2025-01-17", "2025-12-19")


def years_to(expiration):
    close = clock.close_instant(clock.offset(expiration, 0))
    return (close - clock.close_instant(SESSION)).total_seconds() / 86400 / 365


def vol_at(k, years):
    return 0.16 - 0.05 * np.clip(k / np.sqrt(years), -0.5, 0.5)


def american_prices(rate=RATE, carry=CARRY, expirations=EXPIRATIONS):
    """expiration, strike, right, exact American price: strikes within three stdevs of every forward."""
    today = ql.Date(2, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    year = ql.Actual365Fixed()
    vol, clock_rate, clock_carry = (ql.SimpleQuote(0.0) for _ in range(3))  # of one year, whatever the expiration

    def curve(quote):
        return ql.YieldTermStructureHandle(ql.FlatForward(today, ql.QuoteHandle(quote), year))

    flat = ql.BlackConstantVol(today, ql.NullCalendar(), ql.QuoteHandle(vol), year)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(SPOT)),
        curve(clock_carry),
        curve(clock_rate),
        ql.BlackVolTermStructureHandle(flat),
    )
    engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme())
    rows = []
    for expiration in expirations:
        years = years_to(expiration)
        forward, stdev = SPOT * np.exp((rate - carry) * years), 0.16 * np.sqrt(years)
        clock_rate.setValue(rate * years)
        clock_carry.setValue(carry * years)
        for strike in np.unique(np.round(forward * np.exp(stdev * np.linspace(-3, 2, 41)))):
            vol.setValue(vol_at(np.log(strike / forward), years) * np.sqrt(years))
            for right, kind in (("C", ql.Option.Call), ("P", ql.Option.Put)):
                option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(today, today + 365))
                option.setPricingEngine(engine)
                rows.append((expiration, strike, right, option.NPV()))
    return pd.DataFrame(rows, columns=["expiration", "strike", "right", "price"])


def raw_chain(prices, half_spread=0.004, rate=RATE, session=SESSION, **columns):
    """Raw quotes around `prices`, the half-spread a share of them and at least half a cent."""
    half = np.maximum(half_spread * prices["price"], 0.005)
    closed = clock.close_instant(session)
    known = not np.isnan(rate)
    raw = prices[["strike", "right"]].assign(
        date=pd.Timestamp(session),
        symbol="SPY",
        expiration=pd.to_datetime(prices["expiration"]),
        quote_time=closed,
        bid=prices["price"] - half,
        ask=prices["price"] + half,
        volume=10.0,
        open_interest=100.0,
        root="SPY",
        nonstandard=False,
        vendor_bid_vol=np.nan,
        vendor_ask_vol=np.nan,
        vendor_forward=np.nan,
        vendor_discount_factor=np.nan,
        vendor_spot=np.nan,
        rate=rate,
        rate_tenor_days=91.0 if known else np.nan,
        rate_age_sessions=0.0 if known else np.nan,
        rate_source="IRX" if known else "",
        source="files",
        fetched_at=closed,
    )
    raw = raw.assign(**columns)
    raw["bid"] = raw["bid"].clip(lower=0.0)
    for name in ("date", "expiration"):
        raw[name] = raw[name].astype("datetime64[ns]")
    for name in ("quote_time", "fetched_at"):
        raw[name] = raw[name].astype(pd.DatetimeTZDtype("us", "UTC"))
    return RAW_CHAINS["SPY"].require(raw[list(RAW_CHAINS["SPY"].columns)].reset_index(drop=True))


def curated_of(raw):
    """The curated chain, with everything that holds for any chain checked."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curated = curate_chain(raw)
    CURATED_CHAINS["SPY"].require(curated)
    for name in ("date", "symbol", "quote_time", "expiration", "strike", "right", "bid", "ask", "root"):
        pd.testing.assert_series_equal(curated[name], raw[name], check_dtype=False)
    assert set(curated["reason"]) <= set(REASONS)
    assert ((curated["role"] == "bound") == (curated["reason"] == "zero_bid")).all()
    numbers = curated.select_dtypes("float64").drop(columns=["strike", "bid", "ask", "volume", "open_interest"])
    assert not np.isinf(numbers.to_numpy()).any()
    used = curated[curated["role"] != "dropped"]
    assert used["ask_vol"].notna().all()
    assert ((used["right"] == "C") == (used["k"] >= 0)).all()
    assert not used.duplicated(["expiration", "strike", "right"]).any()
    assert (used["years"] > 0).all()
    return curated


@pytest.fixture(scope="module")
def prices():
    return american_prices()


@pytest.fixture(scope="module")
def raw(prices):
    return raw_chain(prices)


@pytest.fixture(scope="module")
def curated(raw):
    return curated_of(raw)


def by_expiration(curated):
    return curated.groupby("expiration").first()


def true_forwards(rate=RATE, carry=CARRY, expirations=EXPIRATIONS):
    return np.array([SPOT * np.exp((rate - carry) * years_to(day)) for day in expirations])


def relative(found, true):
    return np.abs(np.asarray(found) / true - 1).max()


# A chain in order.


def test_forward_and_carry_of_a_sound_chain_are_the_true_ones(curated):
    found = by_expiration(curated)
    assert (found["forward_source"] == "parity").all()
    assert relative(found["forward"], true_forwards()) < 0.25e-4
    np.testing.assert_allclose(found["carry"][1:], CARRY, atol=3e-4)
    assert (found["parity_strikes"] >= 6).all()


def test_mid_vols_are_the_european_ones_that_the_prices_were_made_of(curated):
    fit = curated[curated["role"] == "fit"]
    true = vol_at(fit["k"], fit["years"])
    assert np.abs(fit["mid_vol"] - true).max() < 2e-4
    assert (fit["american_vol"] - true).max() > 5e-3  # what was taken out
    assert (fit["bid_vol"] < fit["mid_vol"]).all()
    assert (fit["mid_vol"] < fit["ask_vol"]).all()


def test_vega_is_what_a_point_of_vol_costs(curated):
    fit = curated[curated["role"] == "fit"]
    slope = (fit["ask"] - fit["bid"]) / (fit["ask_vol"] - fit["bid_vol"])
    near = (fit["k"].abs() < 0.5 * 0.16 * np.sqrt(fit["years"])) & (fit["right"] == "C")  # puts: exercise bends it
    np.testing.assert_allclose(fit["vega"][near], slope[near], rtol=0.01)


def test_every_sound_quote_out_of_the_money_enters(curated):
    out = curated["right"].eq("C") == (curated["k"] >= 0)
    assert set(curated.loc[~out, "reason"]) == {"in_the_money"}
    assert set(curated.loc[out, "reason"]) <= {"", "penny", "zero_bid"}
    assert (curated["role"] == "fit").sum() > 200


def test_beyond_the_curve_the_rate_is_flagged_with_what_it_matters(curated, prices):
    found = by_expiration(curated)
    beyond = found["quality_flags"].str.contains("rate_beyond_curve")
    assert beyond.tolist() == [False] * 4 + [True] * 2
    assert found["rate_sensitivity"].notna().tolist() == beyond.tolist()
    higher = by_expiration(curated_of(raw_chain(prices, rate=RATE + 0.002)))
    at_money = [
        chain[chain["role"] == "fit"]
        .groupby("expiration")
        .apply(lambda g: np.interp(0, g["k"], g["mid_vol"]), include_groups=False)
        for chain in (curated, curated_of(raw_chain(prices, rate=RATE + 0.002)))
    ]
    change = (at_money[1] - at_money[0])[beyond] * 5
    np.testing.assert_allclose(found["rate_sensitivity"][beyond], change, rtol=0.35)
    assert higher["forward"].notna().all()


def test_nothing_depends_on_the_order_of_the_quotes(raw, curated):
    order = np.random.default_rng(0).permutation(len(raw))
    shuffled = curated_of(raw.iloc[order].reset_index(drop=True))
    pd.testing.assert_frame_equal(shuffled, curated.iloc[order].reset_index(drop=True))


def test_a_chain_without_early_exercise_premium_is_left_alone():
    raw = raw_chain(american_prices(rate=0.0, carry=0.0, expirations=EXPIRATIONS[:2]), rate=0.0)
    fit = curated_of(raw).query("role == 'fit'")
    np.testing.assert_allclose(fit["mid_vol"], fit["american_vol"], atol=1e-6)


# Time.


@pytest.mark.parametrize(
    ("session", "quoted", "expiration", "days"),
    [
        ("2024-07-01", "2024-07-01 20:00", "2024-07-03", 2 - 3 / 24),  # a half day ends at 13:00
        ("2024-03-08", "2024-03-08 21:00", "2024-03-15", 7 - 1 / 24),  # summer time begins on the 10th
        ("2024-07-01", "2024-07-01 14:00", "2024-07-02", 1 + 6 / 24),
        ("2014-12-15", "2014-12-15 21:00", "2014-12-20", 4.0),  # a Saturday: the Friday is the last day
    ],
)
def test_time_runs_in_seconds_to_the_close_of_the_last_day(prices, session, quoted, expiration, days):
    some = prices.head(4).assign(expiration=expiration)
    raw = raw_chain(some, session=session)
    raw["quote_time"] = pd.Series(pd.Timestamp(quoted, tz="UTC"), raw.index).astype(raw["quote_time"].dtype)
    assert curated_of(raw)["years"].unique() == pytest.approx([days / 365], abs=1e-12)


# Rates.


def test_without_any_rate_the_one_is_taken_at_which_put_and_call_agree(prices):
    found = by_expiration(curated_of(raw_chain(prices, rate=np.nan)))
    assert (found["rate_source"] == "parity").all()
    np.testing.assert_allclose(found["rate"], RATE, atol=2e-3)
    assert relative(found["forward"], true_forwards()) < 3e-4


def test_an_expiration_without_rate_takes_its_neighbours(raw):
    lacking = raw["expiration"] == EXPIRATIONS[2]
    found = by_expiration(curated_of(raw.assign(rate=raw["rate"].mask(lacking))))
    np.testing.assert_allclose(found["rate"], RATE)
    assert found["quality_flags"].str.contains("rate_interpolated").tolist() == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_an_old_rate_is_flagged_with_its_age(raw):
    found = curated_of(raw.assign(rate_age_sessions=3.0))
    assert found["quality_flags"].str.contains("rate_3_sessions_old").all()


# Vendors.


def vendor_chain(prices, vols):
    """One side of each strike, with a vendor's forward, discount factor and vols."""
    years = prices["expiration"].map({day: years_to(day) for day in EXPIRATIONS})
    forward = SPOT * np.exp((RATE - CARRY) * years)
    out = (prices["right"] == "C") == (prices["strike"] >= forward)
    columns = {
        "vendor_forward": forward,
        "vendor_discount_factor": np.exp(-RATE * years),
        "vendor_bid_vol": vols,
        "vendor_ask_vol": vols,
    }
    return raw_chain(prices[out], rate=0.01, **{name: values[out] for name, values in columns.items()})


def test_where_no_strike_has_both_sides_the_vendors_forward_and_discount_are_used(prices):
    curated = curated_of(vendor_chain(prices, vols=pd.Series(np.nan, prices.index)))
    found = by_expiration(curated)
    assert (found["forward_source"] == "vendor").all()
    assert (found["rate_source"] == "vendor").all()
    np.testing.assert_allclose(found["forward"], true_forwards())
    np.testing.assert_allclose(found["carry"][1:], CARRY, atol=3e-4)
    np.testing.assert_allclose(found["rate"], RATE)
    fit = curated[curated["role"] == "fit"]
    assert np.abs(fit["mid_vol"] - vol_at(fit["k"], fit["years"])).max() < 2e-4


def test_prices_that_a_vendor_made_from_its_vols_by_blacks_formula_have_no_early_exercise(prices):
    years = prices["expiration"].map({day: years_to(day) for day in EXPIRATIONS})
    forward = SPOT * np.exp((RATE - CARRY) * years)
    vol = vol_at(np.log(prices["strike"] / forward), years)
    for vendor_time in (years, 0.98 * years):  # the vendor's count of days need not be ours
        european = np.exp(-RATE * years) * black_price(forward, prices["strike"], vendor_time, vol, prices["right"])
        made = prices.assign(price=european)
        raw = vendor_chain(made, vols=vol)
        raw["bid"] = european[((prices["right"] == "C") == (prices["strike"] >= forward))].round(4).to_numpy()
        raw["ask"] = raw["bid"] * 1.01 + 0.01
        curated = curated_of(raw)
        assert curated["quality_flags"].str.contains("european_prices").all()
        fit = curated[curated["role"] == "fit"]
        np.testing.assert_allclose(fit["american_vol"], fit["mid_vol"])


# Dirt.


def test_no_quotes_no_rows():
    empty = curate_chain(raw_chain(american_prices(expirations=EXPIRATIONS[:1])).iloc[:0])
    assert list(empty.columns) == list(CURATED_CHAINS["SPY"].columns)
    assert len(empty) == 0
    CURATED_CHAINS["SPY"].schema.validate(empty)


def test_two_sessions_or_missing_columns_are_refused(raw):
    later = raw.assign(date=raw["date"] + pd.Timedelta(days=1))
    with pytest.raises(ContractError, match="one session"):
        curate_chain(pd.concat([raw, later]))
    with pytest.raises(ContractError, match="strike"):
        curate_chain(raw.drop(columns="strike"))


def test_a_mini_contract_an_expired_one_and_a_crossed_quote_disturb_nothing(raw, curated):
    mini = raw.assign(root="SPY7", bid=raw["bid"] + 1, ask=raw["ask"] + 1)
    expired = raw.assign(expiration=pd.Timestamp("2023-12-29"))
    crossed = raw.assign(bid=raw["ask"] + 1)
    today = raw.assign(expiration=pd.Timestamp(SESSION))
    everything = pd.concat([raw, mini, expired, crossed, today], ignore_index=True)
    found = curated_of(everything)
    n = len(raw)
    pd.testing.assert_frame_equal(found.iloc[:n], curated)
    reasons = [set(found["reason"].iloc[part * n : (part + 1) * n]) for part in range(1, 5)]
    assert reasons == [{"nonstandard"}, {"expired"}, {"crossed"}, {"expires_today"}]


def test_a_stale_quote_is_an_outlier(raw):
    at = raw.index[(raw["expiration"] == EXPIRATIONS[2]) & (raw["right"] == "P") & (raw["strike"] < 0.95 * SPOT)][-3]
    stale = raw.copy()
    stale.loc[at, ["bid", "ask"]] *= 1.5
    found = curated_of(stale)
    assert found["reason"].eq("outlier")[lambda is_so: is_so].index.tolist() == [at]


def test_one_strike_alone_has_no_forward(raw):
    lonely = raw[(raw["expiration"] != EXPIRATIONS[1]) | (raw["strike"] == raw["strike"].iloc[60])]
    extra = raw[raw["expiration"] == EXPIRATIONS[1]].iloc[:2]
    found = curated_of(pd.concat([lonely, extra], ignore_index=True))
    one = found[found["expiration"] == EXPIRATIONS[1]]
    assert len(one) >= 2
    assert set(one["reason"]) == {"no_forward"}
    rest = found[found["expiration"] != EXPIRATIONS[1]]
    assert relative(by_expiration(rest)["forward"], np.delete(true_forwards(), 1)) < 0.25e-4


@pytest.mark.parametrize(
    ("columns", "reasons"),
    [
        ({"bid": 0.0}, {"no_forward"}),
        ({"bid": np.nan, "ask": np.nan}, {"no_ask"}),
        ({"bid": 0.0, "ask": 0.0}, {"no_ask"}),
        ({"bid": -1.0, "ask": np.inf}, {"no_ask"}),
        ({"right": "C"}, None),
        ({"strike": np.nan}, {"bad_strike"}),
        ({"strike": 500.0}, None),
        ({"bid": 1e-3, "ask": 2e-3}, {"penny", "duplicate"}),
        ({"bid": 5.0, "ask": 5.0}, {"locked"}),
        ({"bid": 1e300, "ask": 1.1e300}, None),
        ({"expiration": pd.Timestamp("2090-01-01")}, {"bad_expiration"}),
        ({"expiration": pd.Timestamp("1990-01-01")}, {"expired"}),
        ({"rate": np.inf}, None),
        ({"rate": 4.5}, None),
        ({"rate": -0.02}, None),
        ({"vendor_forward": -1.0, "vendor_discount_factor": 0.0}, None),
        ({"rate": np.nan, "bid": 0.0}, {"no_forward"}),
    ],
)
def test_a_chain_wrong_in_every_row_raises_nothing(raw, columns, reasons):
    found = curated_of(raw.assign(**columns))
    if reasons:
        assert set(found["reason"]) <= reasons


def test_prices_below_intrinsic_value_are_named(raw, curated):
    deep = (curated["reason"] == "in_the_money") & (curated["k"].abs() > 0.1) & (curated["years"] < 0.5)
    assert deep.any()
    low = raw.copy()
    low.loc[deep, ["bid", "ask"]] *= 0.5
    assert set(curated_of(low).loc[deep, "reason"]) == {"below_intrinsic"}


def in_the_money(raw, beyond):
    call = raw["right"] == "C"
    return np.where(call, raw["strike"] < SPOT - beyond, raw["strike"] > SPOT + beyond)


def test_where_in_the_money_quotes_are_far_too_low_a_forward_is_right_or_absent(raw):
    low = raw.copy()
    low.loc[in_the_money(raw, 10.0), ["bid", "ask"]] *= 0.7
    curated = curated_of(low)
    found = by_expiration(curated)
    absent = found["forward"].isna().to_numpy()
    assert absent[-2:].all()  # a year and two: what the forward would rest on is mostly those quotes
    assert relative(found["forward"][~absent], true_forwards()[~absent]) < 3e-4
    lost = curated["expiration"].isin(found.index[absent])
    assert set(curated.loc[lost, "reason"]) == {"no_forward"}


def test_pairs_far_apart_at_their_best_forward_give_none(raw):
    low, at = raw.copy(), in_the_money(raw, 0.0) & (raw["right"] == "C")
    exercise = SPOT - raw["strike"][at]
    low.loc[at, "bid"], low.loc[at, "ask"] = 0.97 * exercise, 0.975 * exercise
    found = by_expiration(curated_of(low))["forward"].to_numpy()
    assert np.isnan(found[[1, 2, 4]]).all()  # 2 to 8 % below the true ones


def test_a_wrong_rate_loses_no_forward(raw):
    assert by_expiration(curated_of(raw.assign(rate=RATE - 0.02)))["forward"].notna().all()


@pytest.mark.parametrize("telling_nothing", [{"right": "C"}, {"bid": 0.0}, {"strike": 500.0}])
def test_quotes_that_tell_no_forward_tell_no_rate(raw, telling_nothing):
    found = curated_of(raw.assign(rate=np.nan, rate_source="", **telling_nothing))
    assert found[["rate", "discount_factor", "forward"]].isna().all(axis=None)
    assert set(found["rate_source"]) == {""}


def test_an_old_quote_in_the_money_is_named(raw, curated):
    puts = (curated["reason"] == "in_the_money") & (curated["right"] == "P")
    at = curated.index[puts & (curated["k"] > 0.05) & (curated["years"] < 0.6)]
    assert len(at)
    old = raw.copy()
    old.loc[at, ["bid", "ask"]] += 40.0
    found = curated_of(old)
    assert set(found.loc[at, "reason"]) == {"off_parity"}
    pd.testing.assert_series_equal(found["reason"].drop(at), curated["reason"].drop(at))


ODD = [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-12, 0.01, 1e12]
DIRT = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["bid", "ask", "strike", "rate", "vendor_forward"]), st.sampled_from(ODD)),
        st.tuples(st.just("bid"), st.floats(0, 100)),
        st.tuples(st.just("ask"), st.floats(0, 100)),
        st.tuples(st.just("strike"), st.floats(300, 700)),
        st.tuples(st.just("right"), st.sampled_from(["C", "P"])),
        st.tuples(st.just("root"), st.sampled_from(["", "SPY", "SPY7"])),
        st.tuples(st.just("nonstandard"), st.booleans()),
        st.tuples(
            st.just("expiration"),
            st.sampled_from(["2024-01-02", "2023-12-30", "2024-01-13", "2024-02-16", "2040-01-01", "2007-01-02"]),
        ),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(dirt=DIRT, share=st.sampled_from([0.02, 0.3, 1.0]), seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 500))
def test_dirty_chains_never_raise_and_every_quote_is_accounted_for(raw, dirt, share, seed, rows):
    draw = np.random.default_rng(seed)
    dirty = raw.iloc[draw.integers(0, len(raw), rows)].reset_index(drop=True)
    for name, value in dirt:
        hit = draw.uniform(size=rows) < share
        dirty.loc[hit, name] = pd.Timestamp(value) if name == "expiration" else value
    curated_of(dirty)
