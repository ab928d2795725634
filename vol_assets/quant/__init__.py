"""Option mathematics on arrays: prices, implied volatilities, sensitivities, and what surfaces are made of."""

from vol_assets.quant.black import black_price, black_vega
from vol_assets.quant.greeks import (
    Delta,
    carry_rho,
    delta,
    gamma,
    rho,
    strike_from_delta,
    theta,
    vanna,
    vega,
    volga,
)
from vol_assets.quant.implied_vol import NoVol, implied_stdev, implied_vol

__all__ = [
    "Delta",
    "NoVol",
    "black_price",
    "black_vega",
    "carry_rho",
    "delta",
    "gamma",
    "implied_stdev",
    "implied_vol",
    "rho",
    "strike_from_delta",
    "theta",
    "vanna",
    "vega",
    "volga",
]
