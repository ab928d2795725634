"""Black's formula in fifty digits and published prices: what the vectorised formula is held against."""

import mpmath
import numpy as np

mpmath.mp.dps = 50

# forward, strike, years, sigma, right, undiscounted price to seventeen digits
REFERENCES = [
    (100, 100, 1 / 365, 0.01, "C", 0.020881593091105932),
    (100, 100.5, 1 / 365, 0.05, "C", 0.0028573365031256459),
    (100, 80, 30 / 365, 0.16, "P", 4.4925457894047224e-7),
    (100, 40, 2, 0.2, "P", 0.0028343383456931093),
    (100, 250, 2, 0.35, "C", 0.95831201257904613),
    (100, 250, 1, 3, "C", 79.511318667572163),
    (100, 40, 1 / 12, 1.5, "P", 0.16628856096206687),
    (100, 101, 1e-4, 0.3, "C", 3.5997681176950675e-5),
    (100, 60, 7 / 365, 0.45, "P", 7.0491504822814631e-17),
]

# Haug, "The complete guide to option pricing formulas": right, strike, spot, carry, rate, years, sigma, price
HAUG = [
    ("C", 65, 60, 0.0, 0.08, 0.25, 0.30, 2.1334),
    ("P", 95, 100, 0.05, 0.10, 0.5, 0.20, 2.4648),
    ("P", 19, 19, 0.10, 0.10, 0.75, 0.28, 1.7011),
    ("C", 19, 19, 0.10, 0.10, 0.75, 0.28, 1.7011),
    ("C", 1.6, 1.56, 0.08, 0.06, 0.5, 0.12, 0.0291),
    ("P", 70, 75, 0.05, 0.10, 0.5, 0.35, 4.0870),
    ("C", 40, 42, 0.08, 0.04, 0.75, 0.35, 5.0975),
]


def exact_price(forward, strike, years, sigma, right):
    """The undiscounted price of the arguments as given, as an mpmath number."""
    forward, strike, years, sigma = (mpmath.mpf(float(a)) for a in (forward, strike, years, sigma))
    s = sigma * mpmath.sqrt(years)
    d1 = mpmath.log(forward / strike) / s + s / 2
    sign = 1 if right == "C" else -1
    return sign * (forward * mpmath.ncdf(sign * d1) - strike * mpmath.ncdf(sign * (d1 - s)))


def exact_prices(forward, strike, years, sigma, right) -> np.ndarray:
    """The same for arrays, rounded once to double precision."""
    rows = np.broadcast(forward, strike, years, sigma, right)
    return np.array([float(exact_price(*row)) for row in rows]).reshape(rows.shape)


def hard_domain(rows: int, seed: int) -> tuple[np.ndarray, ...]:
    """Forwards, strikes, years, sigmas and out-of-the-money rights: K/F .4-2.5, a day to two years, vol 1-300 %.

    A third of the strikes lies within a hundredth of the forward, down to a part in a million.
    """
    draw = np.random.default_rng(seed)
    forward = np.exp(draw.uniform(np.log(5), np.log(5000), rows))
    k = draw.uniform(np.log(0.4), np.log(2.5), rows)
    k[::3] = draw.choice([-1, 1], len(k[::3])) * 10 ** draw.uniform(-6, -2, len(k[::3]))
    strike = forward * np.exp(k)
    years = np.exp(draw.uniform(np.log(1 / 365), np.log(2), rows))
    sigma = np.exp(draw.uniform(np.log(0.01), np.log(3), rows))
    return forward, strike, years, sigma, np.where(strike < forward, "P", "C")
