"""`make windows`: price windows of gold at 21 sessions against what came, for each way to make their variance.

    make windows                      the sample market from 2007 to today, and the law it is drawn from; seconds
    make windows BARS=/folder         another market: GLD.csv (date,open,high,low,close) and GVZ.csv (date,close)

The windows are lognormal with the close as expected price, GLD's forward but for a month's interest, at every close:

    implied      GVZ^2 * 30/365
    trailing     the squared returns of the last 21 sessions
    realised     HAR, out of sample
    equal        half implied, half realised
    precision    both weighted by past errors, the premium removed: learned every 63 sessions on the past alone

On the sample market `true law` stands beside them: the conditional law itself, as paths from every 21st close. It holds
the tests to account: the command fails if that law does not pass them.

A row is a window's probability: the share that held the price 21 sessions later, its 95 % interval, how many there were
and how many independent ones they are worth, p of a right share by all of them, and of those apart by Kupiec's test;
p_alone: that misses come alone, by Christoffersen's. Whole laws are judged on windows apart: mean and stdev of the
outcomes (0 and 1 if right), p by Berkowitz and by Kolmogorov and Smirnov. Gold's drift, which no window but the true
law has, counts against them there: 6 % a year is a tenth of a month's stdev.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from vol_assets import clock
from vol_assets.curation.bars import GARMAN_KLASS
from vol_assets.gold.blend import GVZ_YEARS, learn_blend
from vol_assets.gold.coverage import berkowitz, coverage, holds, kolmogorov_smirnov, non_overlapping
from vol_assets.gold.har import REFIT_EVERY, next_sums, out_of_sample
from vol_assets.gold.windows import PROBABILITIES
from vol_assets.sources.sample import SampleMarket, gold_returns_ahead

HORIZON = 21
PATHS = 1999
TRUTH = "true law"
SIGNIFICANT = 0.05


class Market(NamedTuple):
    """GLD by session: log returns, daily variances (decimal^2), GVZ (decimal a year); NaN where unknown."""

    returns: pd.Series
    variances: pd.Series
    gvz: pd.Series


class TrueLaw(NamedTuple):
    """Log returns over 21 sessions that do not overlap: what came (n,) and what could have, (n, paths)."""

    days: pd.DatetimeIndex
    came: np.ndarray
    paths: np.ndarray


def sample_market(last: str) -> Market:
    """The simulated market to `last`."""
    table = SampleMarket().daily_bars(("GLD", "GVZ"), clock.FIRST_SESSION, clock.offset(last, 0)).bars
    gld, gvz = (table[table["symbol"] == symbol].set_index("date") for symbol in ("GLD", "GVZ"))
    return market_of(gld, gvz["close"])


def market_in(folder: Path) -> Market:
    """The market of GLD.csv and GVZ.csv in a folder."""
    gld, gvz = (pd.read_csv(folder / f"{s}.csv", parse_dates=["date"]).set_index("date") for s in ("GLD", "GVZ"))
    return market_of(gld, gvz["close"])


def market_of(gld: pd.DataFrame, gvz: pd.Series) -> Market:
    """Bars of GLD and closes of GVZ (points), by date."""
    days = pd.DatetimeIndex(clock.sessions(gld.index.min(), gld.index.max()))
    logs = np.log(gld[["open", "high", "low", "close"]].reindex(days))
    day = 0.5 * (logs["high"] - logs["low"]) ** 2 - GARMAN_KLASS * (logs["close"] - logs["open"]) ** 2
    night = (logs["open"] - logs["close"].shift(1)) ** 2
    return Market(logs["close"].diff(), day + night, gvz.reindex(days) / 100.0)


def return_ahead(returns: pd.Series) -> pd.Series:
    """Log return of the next 21 sessions."""
    return pd.Series(next_sums(returns.to_numpy(), HORIZON), index=returns.index)


def variances_ahead(market: Market) -> dict[str, pd.Series]:
    """Total variance of the next 21 sessions at every close, by the way it is made."""
    implied = market.gvz**2 * GVZ_YEARS
    realised = out_of_sample(market.returns, market.variances, HORIZON)["forecast"].reindex(implied.index)
    precision = pd.Series(np.nan, index=implied.index)
    for at in range(REFIT_EVERY - 1, len(precision), REFIT_EVERY):
        blend = learn_blend(*(series.iloc[: at + 1] for series in market), "har")
        if blend.source == "precision":
            served, weight = slice(at, at + REFIT_EVERY), blend.implied_weight
            scaled = blend.implied_scale * implied.iloc[served]
            precision.iloc[served] = weight * scaled + (1.0 - weight) * realised.iloc[served]
    return {
        "implied": implied,
        "trailing": (market.returns**2).rolling(HORIZON).sum(),
        "realised": realised,
        "equal": 0.5 * (implied + realised),
        "precision": precision,
    }


def lognormal_pit(ahead: pd.Series, variance: pd.Series) -> pd.Series:
    """P(less than what came) if ln of the price is normal with this variance and the close is the expected price."""
    return pd.Series(ndtr((ahead + 0.5 * variance) / np.sqrt(variance)), index=ahead.index)


def true_law(returns: pd.Series, paths: int = PATHS) -> TrueLaw:
    """The sample market's own law at every 21st close of its returns."""
    came = return_ahead(returns).dropna().iloc[::HORIZON]
    draws = [gold_returns_ahead(day.date(), HORIZON, paths).sum(axis=1) for day in came.index]
    return TrueLaw(came.index, came.to_numpy(), np.array(draws))


def rank_pit(came: np.ndarray, paths: np.ndarray) -> np.ndarray:
    """P(less than what came), (n,), by the rank among paths (n, m): uniform if they have one law, however few paths."""
    return ((paths < came[:, None]).sum(axis=1) + 0.5) / (paths.shape[1] + 1)


def shares(pits: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A row a way, a column a probability: shares of windows that held, on sessions for which every way has one."""
    together = pd.concat(pits, axis=1).dropna()
    held = {f"{p:.2%}": holds(together, p).mean() for p in PROBABILITIES}
    span = {"first": together.index[0].date(), "last": together.index[-1].date(), "n": len(together)}
    return pd.DataFrame(held).assign(**span)


def windows_table(pits: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A row a way and probability, each on all sessions that it has."""
    rows = []
    for way, pit in pits.items():
        for probability in PROBABILITIES:
            found = coverage(pit.to_numpy(), probability, 1 if way == TRUTH else HORIZON)
            rows.append(
                {
                    "way": way,
                    "window": f"{probability:.2%}",
                    "share": found.share,
                    "low": found.low,
                    "high": found.high,
                    "n": found.windows,
                    "worth": round(found.effective),
                    "p": found.p,
                    "apart": found.apart,
                    "p_kupiec": found.kupiec.p,
                    "p_alone": found.christoffersen.p,
                }
            )
    return pd.DataFrame(rows).set_index(["way", "window"])


def laws_table(pits: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A row a way, judged as a whole law."""
    rows = {}
    for way, pit in pits.items():
        apart = non_overlapping(pit.to_numpy(), 1 if way == TRUTH else HORIZON)
        known, z = pit.dropna().index, ndtri(apart)
        rows[way] = {
            "first": known[0].date(),
            "last": known[-1].date(),
            "apart": len(apart),
            "mean": z.mean(),
            "stdev": z.std(),
            "p_berkowitz": berkowitz(apart).p,
            "p_ks": kolmogorov_smirnov(apart).p,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def worst_p(pit: np.ndarray) -> float:
    """The least p of ten tests on windows that do not overlap, times ten (Bonferroni), at most 1."""
    found = [coverage(pit, probability, 1) for probability in PROBABILITIES]
    tests = [test for one in found for test in (one.kupiec, one.christoffersen)]
    tests += [berkowitz(pit), kolmogorov_smirnov(pit)]
    return min(len(tests) * min(test.p for test in tests), 1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make windows")
    parser.add_argument("--bars", type=Path, help="a folder with GLD.csv and GVZ.csv; default: the sample market")
    parser.add_argument("--to", default=str(clock.offset(pd.Timestamp.now(), -1)), help="end of the sample market")
    options = parser.parse_args(arguments)

    market = market_in(options.bars) if options.bars else sample_market(options.to)
    ahead = return_ahead(market.returns)
    pits = {way: lognormal_pit(ahead, variance) for way, variance in variances_ahead(market).items()}
    print(f"on the same sessions\n{shares(pits).round(3).to_string()}\n")
    if not options.bars:
        law = true_law(market.returns)
        pits[TRUTH] = pd.Series(rank_pit(law.came, law.paths), index=law.days)
    print(f"each on all its sessions\n{windows_table(pits).round(3).to_string()}\n")
    print(laws_table(pits).round(3).to_string())
    if options.bars:
        return 0
    p = worst_p(pits[TRUTH].to_numpy())
    passes = p >= SIGNIFICANT
    print(f"\nthe true law {'passes' if passes else 'DOES NOT PASS'}: p {p:.3f} over ten tests")
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main())
