"""Making the tables: python -m vol_assets.quant.american.build [table ..] (two minutes; needs QuantLib).

Every point of a table is a put priced by QuantLib's QdFpAmericanEngine, accurate scheme, with the clock set so that
one year has the whole stdev, rT and qT.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import QuantLib as ql
from scipy.optimize import brentq

from vol_assets.quant.american import boundary, chebyshev, high_carry, high_rate
from vol_assets.quant.black import otm_price

OFFSETS = 0.08, 0.16  # stdevs above the boundary at which it is looked for
# At smaller stdevs and rates and a carry further above the rate, boundaries hardly change and the engine may fail.
LOWEST_STDEV, LOWEST_RATE, LOWEST_CARRY, FARTHEST = 0.0015, 2e-6, 2e-5, 6.0  # of s; of a/s or b/s; of ln(b/a)/s


class Puts:
    """American puts one year from expiry."""

    def __init__(self) -> None:
        today, days = ql.Date(1, 1, 2025), ql.Actual365Fixed()
        ql.Settings.instance().evaluationDate = today
        self._spot, self._rate, self._carry, self._sigma = (ql.SimpleQuote(0.1) for _ in range(4))
        rate, carry = (
            ql.YieldTermStructureHandle(ql.FlatForward(today, ql.QuoteHandle(quote), days))
            for quote in (self._rate, self._carry)
        )
        sigma = ql.BlackConstantVol(today, ql.NullCalendar(), ql.QuoteHandle(self._sigma), days)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(self._spot), carry, rate, ql.BlackVolTermStructureHandle(sigma)
        )
        self._engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme())
        self._exercise = ql.AmericanExercise(today, today + 365)

    def undiscounted(self, k: float, s: float, a: float, b: float) -> float:
        """Price / forward."""
        return self.price(np.exp(k), s, a, b, np.exp(b - a)) * float(np.exp(a))

    def price(self, strike: float, s: float, a: float, b: float, spot: float) -> float:
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, float(strike)), self._exercise)
        option.setPricingEngine(self._engine)
        for quote, value in ((self._rate, a), (self._carry, b), (self._sigma, s), (self._spot, spot)):
            quote.setValue(float(value))
        return option.NPV()

    def european_stdev(self, k: float, s: float, a: float, b: float) -> float:
        """The stdev at which the American put has the price of a European one with stdev s."""
        price = float(otm_price(k, s)) + max(float(np.expm1(k)), 0.0)
        if self.undiscounted(k, s, a, b) <= price:
            return s
        return brentq(lambda stdev: self.undiscounted(k, stdev, a, b) - price, 0.02 * s, s, xtol=1e-11 * s, rtol=1e-12)

    def boundary(self, last: float, s: float, a: float, b: float) -> float:
        """ln(K/B)/s, given that it is above `last`.

        At the boundary B the value over exercise has no slope, and by the equation of Black and Scholes it is
        (a K - b B) x^2, x stdevs above. Further up it gives x with an error that goes like x^2, so two values of x
        give B.
        """

        def above(y: float) -> float:
            spot = np.exp(-s * y)
            over = self.price(1.0, s, a, b, spot) - 1 + spot
            return np.sqrt(max(over, 0.0) / (a - b * spot)) if y > last else 10.0

        step = 0.25
        while above(last + step) > OFFSETS[0]:
            step *= 2
        near = brentq(lambda y: above(y) - OFFSETS[0], last, last + step, xtol=1e-6)
        far = brentq(lambda y: above(y) - OFFSETS[1], max(last, near - 2 * OFFSETS[1]), near, xtol=1e-6)
        near, far = near + OFFSETS[0], far + OFFSETS[1]
        return near - (far - near) / 3


def high_rate_share(puts: Puts, *where: float) -> float:
    """What the table of `high_rate` has at these coordinates."""
    z, s, a, b = high_rate.point(*where)
    return 1 - puts.european_stdev(z * s, s, a, b) / s


def high_carry_share(puts: Puts, *where: float) -> float:
    """What the table of `high_carry` has at these coordinates."""
    z, s, a, b = high_carry.point(*where)
    return (1 - puts.european_stdev(z * s, s, a, b) / s) / high_carry.scale(s, a, b)


def boundary_high_rate(puts: Puts, *where: float) -> list[float]:
    """What the tables of `boundary` have at these coordinates, for a rate at or above the carry."""
    return _distances(puts, *boundary.point_high_rate(*where))


def boundary_high_carry(puts: Puts, *where: float) -> list[float]:
    """The same for a carry above the rate."""
    return _distances(puts, *boundary.point_high_carry(*where))


def _distances(puts: Puts, s: float, a: float, b: float) -> list[float]:
    return [np.sqrt(left) * _distance(puts, s * np.sqrt(left), a * left, b * left) for left in boundary.ALL_LEFT]


def _distance(puts: Puts, s: float, a: float, b: float) -> float:
    """ln(B_0/B)/s of a put with years left, B_0 being its boundary on the last day, K min(1, a/b)."""
    larger, smaller = max(a, b) / s, min(a, b) / max(a, b)
    if a >= b:
        s, a = max(s, LOWEST_STDEV), max(larger, LOWEST_RATE)
        return puts.boundary(0.0, s, a * s, a * s * smaller)
    last = min(np.log(b / a) / s, FARTHEST)
    s, b = max(s, LOWEST_STDEV), max(larger, LOWEST_CARRY)
    return puts.boundary(last, s, b * s * np.exp(-last * s), b * s) - last


def table(function: Callable, counts: tuple[int, ...]) -> np.ndarray:
    """Coefficients of function(puts, x, y, ..), a number or several; the first axis numbers several."""
    puts = Puts()
    axes = np.meshgrid(*(chebyshev.points(count) for count in counts), indexing="ij")
    values = np.array([function(puts, *where) for where in np.stack(axes, axis=-1).reshape(-1, len(counts))])
    if values.ndim == 1:
        return chebyshev.coefficients(values.reshape(counts))
    return np.stack([chebyshev.coefficients(column.reshape(counts)) for column in values.T])


TABLES = {
    "high_rate": (high_rate_share, high_rate.COUNTS),
    "high_carry": (high_carry_share, high_carry.COUNTS),
    "boundary_high_rate": (boundary_high_rate, boundary.HIGH_RATE_COUNTS),
    "boundary_high_carry": (boundary_high_carry, boundary.HIGH_CARRY_COUNTS),
}


def main() -> None:
    for name in sys.argv[1:] or TABLES:
        started = time.perf_counter()
        np.save(chebyshev.FOLDER / f"{name}.npy", table(*TABLES[name]))
        print(f"{name}: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
