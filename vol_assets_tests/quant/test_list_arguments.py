"""Lists and pandas Series mean the same to every function as arrays of the same numbers."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.quant import american, black, cornish_fisher, greeks, implied_vol, malz, moments, rates, svi
from vol_assets.quant import variance_swap as swap
from vol_assets.quant.implied_vol import implied_stdev

OPTION = ([100.0, 101.0], [100.0, 90.0], [1.0, 0.5], [0.2, 0.3])  # forward, strike, years, sigma
RIGHT = ["C", "P"]
RATE, CARRY = [0.03, 0.02], [0.01, 0.04]
SHAPE = ([-0.5, 0.2], [1.0, 2.0])
QUOTES = ([0.2, 0.3], [-0.02, 0.01], [0.004, 0.006])
RAW = ([0.01, 0.02], [0.05, 0.1], [-0.6, 0.2], [0.02, -0.1], [0.12, 0.2])
W = ([-0.1, 0.2], [0.04, 0.05], [-0.02, 0.01], [0.1, 0.2])  # k, w and its derivatives
YEARS = [0.5, 1.0]
GRID = np.linspace(-2, 2, 41).tolist()
PRICE = black.otm_price(GRID, 0.2).tolist()
MIXTURE = ([0.5, 0.5], [0.95, 1.05], [0.1, 0.2])


def of_tuple(function, kind):
    """`function`, which takes a named tuple first, with its fields as arguments."""
    size = len(kind._fields)
    return lambda *values: function(kind(*values[:size]), *values[size:])


CASES = {
    "black_price": (black.black_price, *OPTION, RIGHT),
    "black_vega": (black.black_vega, *OPTION),
    "otm_price": (black.otm_price, *W[:2]),
    "implied_vol": (implied_vol, [8.0, 3.0], *OPTION[:3], RIGHT),
    "implied_stdev": (implied_stdev, [0.02, 0.03], [0.1, -0.1]),
    "delta": (greeks.delta, *OPTION, RIGHT),
    "spot_delta": (lambda *a: greeks.delta(*a[:-1], "premium_adjusted_spot", carry=a[-1]), *OPTION, RIGHT, CARRY),
    "gamma": (lambda *a: greeks.gamma(*a[:-2], rate=a[-2], carry=a[-1]), *OPTION, RATE, CARRY),
    "vega": (lambda *a: greeks.vega(*a[:-1], rate=a[-1]), *OPTION, RATE),
    "theta": (lambda *a: greeks.theta(*a[:-2], rate=a[-2], carry=a[-1]), *OPTION, RIGHT, RATE, CARRY),
    "vanna": (lambda *a: greeks.vanna(*a[:-1], carry=a[-1]), *OPTION, CARRY),
    "volga": (lambda *a: greeks.volga(*a[:-1], rate=a[-1]), *OPTION, RATE),
    "rho": (lambda *a: greeks.rho(*a[:-1], rate=a[-1]), *OPTION, RIGHT, RATE),
    "carry_rho": (lambda *a: greeks.carry_rho(*a[:-1], rate=a[-1]), *OPTION, RIGHT, RATE),
    "strike_from_delta": (greeks.strike_from_delta, OPTION[0], OPTION[2], OPTION[3], [0.25, -0.25], RIGHT),
    "quantile": (cornish_fisher.quantile, [0.01, 0.05], *SHAPE),
    "expected_shortfall": (cornish_fisher.expected_shortfall, [0.01, 0.05], *SHAPE),
    "kurtosis_range": (cornish_fisher.kurtosis_range, SHAPE[0]),
    "is_monotone": (cornish_fisher.is_monotone, *SHAPE),
    "implied_moments": (cornish_fisher.implied_moments, *SHAPE),
    "cornish_fisher_fit": (cornish_fisher.fit, *SHAPE),
    "vol_at_delta": (malz.vol_at_delta, [0.25, 0.5], *QUOTES),
    "k_at_delta": (malz.k_at_delta, [0.25, 0.5], YEARS, *QUOTES),
    "vol_at_k": (malz.vol_at_k, [-0.1, 0.1], YEARS, *QUOTES),
    "backus_foresi_wu": (malz.backus_foresi_wu, *QUOTES),
    "total_variance": (lambda k, *raw: svi.total_variance(k, svi.RawSvi(*raw)), [-0.1, 0.2], *RAW),
    "durrleman": (svi.durrleman, *W),
    "density": (svi.density, *W),
    "distribution": (svi.distribution, *W[:3]),
    "lee_bound_holds": (of_tuple(svi.lee_bound_holds, svi.RawSvi), *RAW),
    "to_jump_wings": (of_tuple(svi.to_jump_wings, svi.RawSvi), *RAW, YEARS),
    "from_jump_wings": (
        of_tuple(svi.from_jump_wings, svi.JumpWings),
        *(values.tolist() for values in svi.to_jump_wings(svi.RawSvi(*map(np.array, RAW)), np.array(YEARS))),
        YEARS,
    ),
    "repair_butterfly": (of_tuple(svi.repair_butterfly, svi.RawSvi), *RAW, YEARS),
    "from_essvi": (svi.from_essvi, [0.04, 0.05], [-0.5, 0.1], [0.2, 0.3]),
    "bank_discount_to_rate": (rates.bank_discount_to_rate, [5.0, 4.0], [91, 182]),
    "zero_rate": (rates.zero_rate, [30, 90], [0.02, 0.03], [40, 400]),
    "moments_grid": (moments.grid, [0.1, 0.2]),
    "from_prices": (moments.from_prices, GRID, PRICE),
    "from_mixture": (moments.from_mixture, *MIXTURE),
    "bakshi_kapadia_madan": (moments.bakshi_kapadia_madan, GRID, PRICE),
    "up_down_variance": (moments.up_down_variance, GRID, PRICE),
    "mixture_up_down_variance": (moments.mixture_up_down_variance, *MIXTURE),
    "moments_outside": (lambda k, price: moments.moments_outside(k, price, -0.3, 0.3), GRID, PRICE),
    "mixture_moments_outside": (lambda *a: moments.mixture_moments_outside(*a, -0.3, 0.3), *MIXTURE),
    "swap_from_strikes": (
        lambda *a: swap.from_strikes(*a, forward=100.0, boundary=100.0, years=1.0),
        *([90.0, 100.0, 110.0], [3.0, 8.0, 14.0], [13.0, 8.0, 4.0]),
    ),
    "swap_from_smile": (lambda *a: swap.from_smile(*a, 1.0), *W[:3]),
    "de_americanise": (american.de_americanise, [0.2, 0.3], [0.1, -0.1], RATE, CARRY, RIGHT),
    "american_price": (american.american_price, *OPTION, RIGHT, RATE, CARRY),
}


@pytest.mark.parametrize("name", CASES)
def test_lists_and_series_give_the_same_as_arrays(name):
    function, *arguments = CASES[name]
    expected = function(*map(np.array, arguments))
    parts = expected if isinstance(expected, tuple) else (expected,)
    assert all(np.isfinite(part).all() for part in parts)
    for kind in (list, lambda values: pd.Series(values, index=range(7, 7 + len(values)))):
        found = function(*map(kind, arguments))
        found = found if isinstance(found, tuple) else (found,)
        for part, wanted in zip(found, parts, strict=True):
            assert type(part) is type(wanted)
            assert np.array_equal(part, wanted)
