"""Black's formula inverted: a seed good to five digits, then one step to the last.

With the scale of `black` (x = |ln(K/F)|, m = e^x - 1, c = out-of-the-money price over min(F, K), s = sigma sqrt(T),
h = x/s, t = s/2, R Mills' ratio):

1. The price of the normal (Bachelier) model is a function of one variable, so its inverse is one table: the root h of
   n(h)/h - N(-h) = c/m makes y = x/h, and s/y = 1 + y^2/24 + ... (Hagan et al. 2002, "Managing smile risk",
   appendix) goes on as a small rational function of y^2 and x^2. Single precision is enough for all this.
2. One fourth-order Householder step on the price. In units of vega, c - c(s) is c/n(h - t) - [R(h - t) - R(h + t)],
   with R by its Taylor series at the nearest node of a table, and the two kept unrounded until they are subtracted,
   or their rounding would be most of the error. A seed wrong by e leaves an error near e^4.
3. Where that step was not small (very wide, very far) a safeguarded iteration, begun at the point of inflection
   s = sqrt(2x), on ln(c) below it and on ln(1 - c) above it, both close to parabolas (Jaeckel 2015).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import ndtr

from vol_assets.quant.black import SQRT_2PI, mills_ratio

TINY = 1e-25  # stands for x = 0
SMALL_STEP = 3e-4  # whose fourth-order error is lost in rounding
MOST_ITERATIONS = 12  # two or three are the rule

# The seed's table is indexed by the leading bits of a float32, its exponent and six bits of its mantissa.
SHIFT = 23 - 6
FIRST, LAST = (int(np.float32(edge).view(np.int32)) >> SHIFT for edge in (2.0**-125, 2.0**12))
# s/y - 1 = y^2 P(y^2, x^2) / (1 - POLE y^2), P's coefficients by falling powers of y^2 and rising powers of x^2: fitted
# to the least maximum error, 1.5e-5, over s < 3, x < 1.5. Prices reach their upper bound near y^2 = 2 pi, where s has a
# logarithmic singularity; the pole beyond imitates it.
POLE = np.float32(0.14)
POLYNOMIAL = np.array(
    [
        [-1.757793e-05, -3.794252e-06, 2.2346e-07],
        [-8.463347e-05, 2.482127e-05, -1.669917e-06],
        [-0.002219737, -7.352827e-05, 5.291708e-06],
        [0.04166732, -0.0002999654, 3.741791e-07],
    ],
    dtype=np.float32,
)

NODES = 512  # of Mills' ratio's table, per unit
LOWEST, HIGHEST = int(-2.25 * NODES), 16 * NODES


def stdev_from_price(c: np.ndarray, x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """s of each row (n,), m = e^x - 1; anything unless 0 < c < 1 and m is finite. The caller silences warnings."""
    x, m = np.maximum(x, TINY), np.maximum(m, TINY)
    s = _seed(c, x, m)
    h, t = x / s, 0.5 * s
    d = h - t
    nu = SQRT_2PI * c * np.exp(0.5 * d * d) - _mills_difference(d, h + t)
    u = h / s
    second = h * u - 0.5 * t  # c''/c', as derivatives in s; c'''/c' is second^2 + its own derivative
    third = second * second - 3 * u * u - 0.25
    size = np.abs(nu) * (1 + h * h + t * t)  # of nu c''/c' and nu/s at once
    good = size < SMALL_STEP * s
    s += _householder(nu, second, third)
    if not good.all():
        again = np.flatnonzero(~good & (c > 0) & (c < 1))
        s[again] = _safeguarded(c[again], x[again], m[again])
    return s


def _householder(nu: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    """The fourth-order step from Newton's nu = -f/f' and the second and third derivatives over the first."""
    return nu * (1 + 0.5 * nu * second) / (1 + nu * (second + (1 / 6) * nu * third))


def _seed(c: np.ndarray, x: np.ndarray, m: np.ndarray) -> np.ndarray:
    intercept, slope = _seed_table()
    rho = (c / m).astype(np.float32)
    segment = (rho.view(np.int32) >> SHIFT) - FIRST
    # 1/h = (rho + 1/2) times a function that varies slowly from the far wings to the forward
    slow = intercept.take(segment, mode="clip") + slope.take(segment, mode="clip") * rho
    y = slow * ((c + 0.5 * m) * (x / m)).astype(np.float32)
    yy, xx = y * y, (x * x).astype(np.float32)
    series = np.float32(0)
    for a0, a1, a2 in POLYNOMIAL:
        series = (series + (a0 + xx * (a1 + xx * a2))) * yy
    return (y + y * series / (1 - POLE * yy)).astype(float)


def _mills_difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """R(a) - R(b), so that neither is rounded before they nearly cancel; NaN beyond the table."""
    (node_a, rest_a), (node_b, rest_b) = _mills(a), _mills(b)
    return (node_a - node_b) + (rest_a - rest_b)


def _mills(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R at the nearest node, and the rest of R(z): four terms of the Taylor series there."""
    node = np.rint(z * NODES)
    place = node.astype(np.intp) - LOWEST
    node *= 1 / NODES
    d = z - node
    r0 = _mills_table().take(place, mode="clip")
    r1 = node * r0 - 1  # R' = z R - 1, hence n r_n = z r_{n-1} + r_{n-2} for the derivatives r_n = R^(n) / n!
    r2 = (node * r1 + r0) * 0.5
    r3 = (node * r2 + r1) * (1 / 3)
    r4 = (node * r3 + r2) * 0.25
    return r0, d * (r1 + d * (r2 + d * (r3 + d * r4)))


def _safeguarded(c: np.ndarray, x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The same from anywhere, slower."""
    tail = (1 + m) * ndtr(-np.sqrt(2 * x))  # at the point of inflection c is 1/2 - tail
    above = c > 0.5 - tail
    sign = np.where(above, -1.0, 1.0)
    target = np.log(np.where(above, 1 - c, c))
    # Begin as if both fell from there like e^(-d^2/2), d = x/s - s/2.
    distance = np.sqrt(2 * np.maximum(np.log(0.5 - sign * tail) - target, 0))
    s = np.sqrt(distance * distance + 2 * x) + distance
    s = np.where(above, s, 2 * x / s)
    for _ in range(MOST_ITERATIONS):
        h, t = x / s, 0.5 * s
        d = h - t
        value = mills_ratio(sign * d) - sign * mills_ratio(h + t)  # c, or 1 - c, in units of vega
        f = np.log(value) - 0.5 * d * d - np.log(SQRT_2PI) - target
        r, u = sign / value, h / s
        nu, q = -f / r, h * u - 0.5 * t
        second = q - r
        third = q * q - 3 * u * u - 0.25 - 3 * q * r + 2 * r * r
        step = np.clip(_householder(nu, second, third), -0.5 * s, s + 1)
        s = s + step
        if not np.any(np.abs(step) > 1e-5 * s):
            break
    return s


@cache
def _mills_table() -> np.ndarray:
    """R(node / NODES), each correctly rounded; the two outermost, to which places beyond are clipped, NaN.

    In integers of 96 binary places, by Taylor steps from the highest node down: errors there shrink as e^(z^2/2) does.
    """
    one = 1 << 96
    value = int(float(mills_ratio(HIGHEST / NODES)) * one)
    table = []
    for node in range(HIGHEST, LOWEST - 1, -1):
        table.append(value / one)
        terms = [value, node * value // NODES - one]
        for n in range(2, 9):
            terms.append((node * terms[-1] // NODES + terms[-2]) // n)
        value = 0
        for term in reversed(terms):
            value = term - value // NODES
    return np.array([np.nan, *table[-2:0:-1], np.nan])


@cache
def _seed_table() -> tuple[np.ndarray, np.ndarray]:
    """Intercept and slope of 1 / (h (rho + 1/2)) in each segment of rho, float32."""
    edges = (np.arange(FIRST, LAST + 2, dtype=np.int32) << SHIFT).view(np.float32).astype(float)
    slow = 1 / (_bachelier_h(edges) * (edges + 0.5))
    slope = np.diff(slow) / np.diff(edges)
    intercept = slow[:-1] - slope * edges[:-1]
    return intercept.astype(np.float32), slope.astype(np.float32)


def _bachelier_h(rho: np.ndarray) -> np.ndarray:
    """The root h of n(h)/h - N(-h) = rho: interpolated, then one Newton step on the logarithm."""
    grid = np.exp(np.linspace(np.log(14), np.log(1e-6), 20_000))
    h = np.exp(np.interp(np.log(rho), np.log(_bachelier_rho(grid)), np.log(grid)))
    there = _bachelier_rho(h)
    return h + np.log(there / rho) * there * h * h * SQRT_2PI * np.exp(0.5 * h * h)


def _bachelier_rho(h: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * h * h) / SQRT_2PI * (1 / h - mills_ratio(h))
