"""Options: solving, early exercise, a whole chain to its surface, and the parts of a session. One thread."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from unittest import mock

import mpmath
import numpy as np
import pandas as pd
from scipy.optimize import brentq
from threadpoolctl import threadpool_limits

from vol_assets import clock
from vol_assets.curation.chains import curate_chain
from vol_assets.quant import black_price, cornish_fisher, implied_vol, moments
from vol_assets.quant.american import de_americanise
from vol_assets.quant.black import otm_price
from vol_assets.quant.implied_vol import implied_stdev
from vol_assets.sources.sample import SampleMarket, listings
from vol_assets.surfaces.fit import surface_rows
from vol_assets.surfaces.richness import richness_rows
from vol_assets.surfaces.tenor_history import History
from vol_assets.surfaces.tenors import tenor_rows
from vol_assets_tests.bench.processes import data_folder, run

WHOLE_CHAIN_SESSION = dt.date(2019, 4, 12)
MANY_LISTED = {"WEEKLIES": 22, "NEAR_STRIKES": 110}  # of which 9,000 quotes with 32 expirations come
PARTS = "2023-01-03", "2023-02-01"


def implied_volatility() -> Iterator[tuple[str, str, str]]:
    """200,000 hard options, next to the quickest accurate public solver; the error against fifty-digit prices."""
    import numba
    from fast_vollib.jackel.jackel_iv import jackel_iv_black

    numba.set_num_threads(1)
    forward, strike, years, sigma, right = many = _hard_options(200_000, 0)
    price, text, is_call = black_price(*many), right.astype(object), right == "C"
    with threadpool_limits(1):
        own, with_text, theirs = (
            1e9 * _cpu(solve, 7) / len(price)
            for solve in (
                lambda: implied_vol(price, forward, strike, years, right),
                lambda: implied_vol(price, forward, strike, years, text),
                lambda: jackel_iv_black(price, forward, strike, years, is_call),
            )
        )
    yield (
        "implied volatility, 200,000 options",
        f"{own:.0f} ns",
        f"target 100 ns; {with_text:.0f} ns with the rights as Python strings; "
        f"fast_vollib jackel_iv_black {theirs:.0f} ns, {theirs / own:.1f} times",
    )
    forward, strike, years, sigma, right = few = _hard_options(3_000, 1)
    exact = np.array([_fifty_digits(*row) for row in zip(*few)])
    own_error = np.abs(implied_vol(exact, forward, strike, years, right) - sigma).max()
    their_error = np.abs(jackel_iv_black(exact, forward, strike, years, right == "C") - sigma).max()
    yield (
        "its largest error, 3,000 fifty-digit prices",
        f"{own_error:.1e}",
        f"target 1e-12; fast_vollib {their_error:.1e}",
    )


def early_exercise() -> Iterator[tuple[str, str, str]]:
    """European vols behind American puts, by table and by root-finding with QuantLib's engine, from its own prices."""
    from vol_assets.quant.american.build import Puts

    draw, puts = np.random.default_rng(0), Puts()
    count = 1_000
    years = np.exp(draw.uniform(np.log(7 / 365), np.log(2), count))
    stdev = np.exp(draw.uniform(np.log(0.1), np.log(0.5), count)) * np.sqrt(years)
    k, a, b = draw.uniform(-3, 0, count) * stdev, draw.uniform(0, 0.05, count) * years, 0.015 * years
    price = np.array([puts.undiscounted(*option) for option in zip(k, stdev, a, b)])
    seen = price > 1e-6
    price, k, stdev, a, b, years = (values[seen] for values in (price, k, stdev, a, b, years))
    american = implied_stdev(price, k)

    def by_roots() -> np.ndarray:
        options = zip(price, k, american, a, b)
        return np.array([_root(puts, *option) for option in options])

    with threadpool_limits(1):
        many = [np.resize(values, 9_000) for values in (american, k, a, b)]
        table = 1e6 * _cpu(lambda: de_americanise(*many, "P"), 7) / 9_000
        roots = 1e6 * _cpu(by_roots, 1) / len(price)
    found, reason = de_americanise(american, k, a, b, "P")
    known = reason == 0
    before, after, solved = (
        100 * np.max(np.abs(s - stdev)[known] / np.sqrt(years[known])) for s in (american, found, by_roots())
    )
    yield (
        "early exercise out of a price, 9,000 at once",
        f"{table:.2f} us",
        f"root-finding with QuantLib's QdFp {roots:,.0f} us, {roots / table:,.0f} times",
    )
    yield (
        f"its largest error, {known.sum()} prices of QuantLib",
        f"{after:.4f}",
        f"vol points; left in it would be {before:.2f}; by root-finding {solved:.4f}",
    )


def whole_chain() -> Iterator[tuple[str, str, str]]:
    """SPY as it has been listed of late, from raw quotes to a certified surface: in a fresh process, and again."""
    with data_folder() as folder:
        with mock.patch.multiple(listings, **MANY_LISTED):
            raw = _raw("SPY", WHOLE_CHAIN_SESSION)
        raw.to_pickle(folder / "chain.pickle")
        printed = run(folder, "python", "-c", WHOLE_CHAIN).printed
    (count, expirations), (calendar, cold_curate, cold_fit), (curate, fit, table), (density, gap) = (
        [float(number) for number in line.split()] for line in printed.splitlines()
    )
    yield (
        f"{count:,.0f} quotes, {expirations:.0f} expirations to a certified surface, again",
        f"{curate + fit:.3f} s",
        f"target 0.25 s; curation {curate:.3f}, fit and certificate {fit:.3f}; {curate + table:.3f} with all columns",
    )
    yield (
        "the same for the first time in a fresh process",
        f"{calendar + cold_curate + cold_fit:.3f} s",
        f"target 0.6 s, imports apart; calendar {calendar:.3f}, curation {cold_curate:.3f}, fit {cold_fit:.3f}",
    )
    yield "its certificate: least density, worst fall with time", f"{density:.1e}", f"fall {gap:.1e} of the forward"


def session_parts() -> Iterator[tuple[str, str, str]]:
    """Each asset's work on a session of the sample market, averaged over a month, without Dagster and disk."""
    targets = {"simulate": "target 25 ms", "tenors": "target 15 ms, 12 tenors"}
    first, last = PARTS
    for underlying in ("SPY", "GLD"):
        with threadpool_limits(1):
            _parts(underlying, clock.sessions(first, first))
            parts, quotes = _parts(underlying, clock.sessions(first, last))
        for part, milliseconds in parts.items():
            what = f"{underlying}, a session of {quotes:,.0f} quotes: {part}"
            yield what, f"{milliseconds:.1f} ms", targets.get(part, "")


def readings() -> Iterator[tuple[str, str, str]]:
    """What is read off many slices at once."""
    count = 300
    draw = np.random.default_rng(0)
    stdev = draw.uniform(0.02, 0.3, count)
    k = moments.grid(stdev)
    price = otm_price(k, stdev[:, None] * (1 - 0.2 * np.tanh(k / stdev[:, None])))
    weights = draw.dirichlet([3, 2, 1], count)
    means = np.exp(stdev[:, None] * draw.normal(size=(count, 3)))
    means /= (weights * means).sum(axis=-1, keepdims=True)
    law = weights, means, stdev[:, None] * draw.uniform(0.5, 2, (count, 3))
    targets = draw.normal(size=count), draw.uniform(0, 20, count)
    points = f"{k.shape[-1]} prices a slice"
    with threadpool_limits(1):
        for what, work, against in (
            ("moments from prices", lambda: moments.from_prices(k, price), points),
            ("share outside the quotes", lambda: moments.moments_outside(k, price, -0.1, 0.1), points),
            ("moments of a mixture", lambda: moments.from_mixture(*law), "closed form"),
            ("its share outside", lambda: moments.mixture_moments_outside(*law, -0.1, 0.1), "closed form"),
            ("Cornish-Fisher parameters", lambda: cornish_fisher.fit(*targets), "six Newton steps"),
        ):
            yield f"{what}, a slice", f"{1e6 * _cpu(work, 5) / count:.1f} us", against


def _parts(underlying: str, sessions: list[dt.date]) -> tuple[dict[str, float], float]:
    """CPU milliseconds a session of each part, and quotes a session."""
    spent: dict[str, float] = {}

    def timed(part: str, function: Callable, *arguments) -> pd.DataFrame:
        started = time.process_time()
        found = function(*arguments)
        spent[part] = spent.get(part, 0.0) + 1e3 * (time.process_time() - started) / len(sessions)
        return found

    history, quotes = History(), 0
    for session in sessions:
        raw = timed("simulate", _raw, underlying, session)
        curated = timed("curate", curate_chain, raw)
        rows = timed("surface", surface_rows, curated)
        tenors = timed("tenors", tenor_rows, rows, curated)
        timed("history of the tenors", history.feed, tenors)
        timed("richness", richness_rows, rows, curated)
        quotes += len(raw)
    return spent, quotes / len(sessions)


def _cpu(work: Callable[[], object], times: int) -> float:
    """The least CPU seconds of several runs, after one that does not count."""
    seconds = []
    for _ in range(times + 1):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds[1:])


def _hard_options(count: int, seed: int) -> tuple[np.ndarray, ...]:
    """K/F .4 ... 2.5, a day to two years, 1 ... 300 %, out of the money, price over forward at least 1e-10."""
    draw = np.random.default_rng(seed)
    forward = np.exp(draw.uniform(np.log(5), np.log(5000), 4 * count))
    strike = forward * np.exp(draw.uniform(np.log(0.4), np.log(2.5), 4 * count))
    years = np.exp(draw.uniform(np.log(1 / 365), np.log(2), 4 * count))
    sigma = np.exp(draw.uniform(np.log(0.01), np.log(3), 4 * count))
    right = np.where(strike < forward, "P", "C")
    seen = black_price(forward, strike, years, sigma, right) >= 1e-10 * forward
    return tuple(values[seen][:count] for values in (forward, strike, years, sigma, right))


def _fifty_digits(forward: float, strike: float, years: float, sigma: float, right: str) -> float:
    with mpmath.workdps(50):
        forward, strike, years, sigma = (mpmath.mpf(float(value)) for value in (forward, strike, years, sigma))
        s, sign = sigma * mpmath.sqrt(years), 1 if right == "C" else -1
        d1 = mpmath.log(forward / strike) / s + s / 2
        return float(sign * (forward * mpmath.ncdf(sign * d1) - strike * mpmath.ncdf(sign * (d1 - s))))


def _root(puts, price: float, k: float, american: float, a: float, b: float) -> float:
    """The stdev at which QuantLib's engine gives this undiscounted price over the forward."""
    return brentq(lambda s: puts.undiscounted(k, s, a, b) - price, 0.5 * american, 1.001 * american, xtol=1e-7)


def _raw(underlying: str, session: dt.date) -> pd.DataFrame:
    (chain,) = SampleMarket().option_chains(underlying, session, session)
    return chain.quotes.assign(source="sample")


WHOLE_CHAIN = """
import os, time
from pathlib import Path
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from vol_assets import clock
from vol_assets.curation.chains import curate_chain
from vol_assets.surfaces import fit

raw = pd.read_pickle(Path(os.environ["VOL_ASSETS_DATA"]) / "chain.pickle")
spent, found = [], []

def timed(function):
    def work(*arguments):
        started = time.perf_counter()
        found.append(function(*arguments))
        spent.append(time.perf_counter() - started)
        return found[-1]
    return work

days, fit.fit_surface, fit.certify = map(timed, (clock.session_days, fit.fit_surface, fit.certify))
curate, rows = timed(curate_chain), timed(fit.surface_rows)

def once():
    spent.clear(), found.clear()
    days()
    rows(curate(raw))
    calendar, curating, fitting, certifying, table = spent
    return calendar, curating, fitting + certifying, table

with threadpool_limits(1):
    first = once()
    again = np.array([once() for _ in range(9)])
table = found[-1]
print(len(raw), len(table))
print(*first[:3])
print(*again[again[:, 1:3].sum(axis=1).argmin(), 1:])
print(table["min_density"].min(), table["calendar_gap"].max())
"""
