"""American options: from their prices to European volatilities, and prices for simulation."""

from vol_assets.quant.american.european import NoEuropean, de_americanise
from vol_assets.quant.american.price import american_price

__all__ = ["NoEuropean", "american_price", "de_americanise"]
