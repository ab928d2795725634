"""Implied volatility of European quotes: arrays in, volatilities out, and why there is none where there is none.

Quotes are brought to the out-of-the-money side by parity and to the scale of `black_inverse`, which solves them.
What an in-the-money quote then lacks in digits no solver can put back: it holds a volatility only as far as its time
value stands out of its rounding.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from vol_assets.quant.black import floats, sign_of
from vol_assets.quant.black_inverse import stdev_from_price

CHUNK = 32_768  # rows at a time: intermediate results stay in the processor's cache


class NoVol(IntEnum):
    """Why there is no implied volatility."""

    OK = 0  # there is one
    NOT_A_NUMBER = 1  # an argument missing or infinite, a forward or strike not positive
    UNKNOWN_RIGHT = 2  # neither "C" nor "P"
    NO_TIME = 3  # expired
    BELOW_INTRINSIC = 4  # at or below the intrinsic value: no time value
    ABOVE_MAXIMUM = 5  # at or above the forward (a call) or the strike (a put)


def implied_vol(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    right: ArrayLike,
    *,
    with_reason: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The sigma at which Black's undiscounted price is `price`, NaN where there is none. Arguments broadcast.

    right: "C" or "P". with_reason: also the `NoVol` codes (int8). The error is at most 1e-12 wherever the price in
    double precision determines sigma that well.
    """
    arrays = floats(price, forward, strike, years)
    with np.errstate(all="ignore"), _chunks([*arrays, sign_of(right)], [float, np.int8]) as chunks:
        for p, f, k, years_, sign, sigma, reason in chunks:
            low, apart = np.minimum(f, k), f - k
            c, m = (p - np.maximum(sign * apart, 0)) / low, np.abs(apart) / low
            sigma[...] = stdev_from_price(c, np.log1p(m), m) / np.sqrt(years_)
            reason[...] = NoVol.OK
            known = (c > 0) & (c < 1) & (low > 0) & (m < np.inf) & (years_ > 0) & (years_ < np.inf)
            if not known.all():
                lost = ~known
                sigma[lost] = np.nan
                reason[lost] = _reason(*(a[lost] for a in (p, f, k, years_, sign, c)))
        sigma, reason = (chunks.operands[i][()] for i in (5, 6))
    return (sigma, reason) if with_reason else sigma


def implied_stdev(price: ArrayLike, k: ArrayLike) -> np.ndarray:
    """Total stdev s = sigma sqrt(T) from undiscounted out-of-the-money prices over the forward; NaN where none.

    k = ln(K/F): the price is the put's for k < 0 and the call's for k >= 0. Arguments broadcast.
    """
    with np.errstate(all="ignore"), _chunks(floats(price, k), [float]) as chunks:
        for p, k_, stdev in chunks:
            x = np.abs(k_)
            c = p * np.exp(np.maximum(-k_, 0))
            stdev[...] = stdev_from_price(c, x, np.expm1(x))
            known = (c > 0) & (c < 1)
            if not known.all():
                stdev[~known] = np.nan
        return chunks.operands[2][()]


def _chunks(arrays: list[np.ndarray], made: list[type]) -> np.nditer:
    """The arrays broadcast against each other and the new ones of the types to be made, CHUNK flat rows at a time."""
    read, write = ["readonly"], ["writeonly", "allocate"]
    return np.nditer(
        [*arrays, *[None] * len(made)],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[read] * len(arrays) + [write] * len(made),
        op_dtypes=[float] * len(arrays) + made,
        buffersize=CHUNK,
    )


def _reason(
    price: np.ndarray, forward: np.ndarray, strike: np.ndarray, years: np.ndarray, sign: np.ndarray, c: np.ndarray
) -> np.ndarray:
    sensible = np.isfinite(price + forward + strike + years + strike / forward) & (forward > 0) & (strike > 0)
    cases = {
        NoVol.NOT_A_NUMBER: ~sensible,
        NoVol.UNKNOWN_RIGHT: np.isnan(sign),
        NoVol.NO_TIME: years <= 0,
        NoVol.BELOW_INTRINSIC: c <= 0,
    }
    return np.select(list(cases.values()), list(cases), NoVol.ABOVE_MAXIMUM)
