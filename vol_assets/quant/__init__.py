"""Option mathematics on arrays: prices, implied volatilities, sensitivities, and what surfaces are made of."""

from vol_assets.quant.american import american_price, de_americanise
from vol_assets.quant.black import black_price, black_vega
from vol_assets.quant.forward import implied_forwards, near_the_money
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
from vol_assets.quant.surface import Surface, expiration_smiles
from vol_assets.quant.surface_fit import Quotes, certify, fit_surface, fit_surfaces

__all__ = [
    "Delta",
    "NoVol",
    "Quotes",
    "Surface",
    "american_price",
    "black_price",
    "black_vega",
    "carry_rho",
    "certify",
    "de_americanise",
    "delta",
    "expiration_smiles",
    "fit_surface",
    "fit_surfaces",
    "gamma",
    "implied_forwards",
    "implied_stdev",
    "implied_vol",
    "near_the_money",
    "rho",
    "strike_from_delta",
    "theta",
    "vanna",
    "vega",
    "volga",
]
