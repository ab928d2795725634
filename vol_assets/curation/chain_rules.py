"""What makes an option quote unfit for the surface: one rule a reason, the first one broken names it.

Rules before the forward look at a quote as it came; those after it know forward, moneyness and European vols. A rule
sees which quotes no rule before it has taken (`left`), so that a mini contract is no duplicate of the real one and a
stub quote does not widen what its neighbours are measured by.

A quote that breaks no rule but has no bid is a `bound`: nobody pays anything for it, so it has no mid, but its ask
still bounds the surface from above.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.curation.chain_neighbours import local_spread, outliers
from vol_assets.quant.american import NoEuropean

ONE_TICK = 0.01  # USD
# Spreads are judged against the quotes around them: an illiquid wing is wide everywhere and stays, with the weight that
# its spread gives it; a single quote that has lost its market maker goes.
WIDE_OF_MID, WIDE_OF_NEIGHBOURS = 0.10, 5.0
STUB_OF_BID, STUB_OF_STRIKE = 3.0, 0.005  # ask over bid, spread over strike: a quote that only pretends to be a market
FEWEST_QUOTES = 4  # an expiration with fewer says too little about a smile
# Beyond the bounds of C - P, F D - K and S - K D, which hold with any early exercise: what no lag of a quote explains.
OFF_HALF_SPREADS, OFF_PARITY = 5.0, 0.01  # of the quote; of the forward
ARBITRAGE_ROOM = 1e-4  # of the forward: what rounding and the forward's own error explain


@dataclass(frozen=True)
class Quotes:
    """The quotes of one session as arrays (n,). `expiry` is the row of the expiration among the session's.

    None before the forward is known: from `forward` on. stdevs are total; dates datetime64[D].
    """

    session: np.datetime64
    symbol: str
    expiration: np.ndarray
    expiry: np.ndarray
    years: np.ndarray
    strike: np.ndarray
    is_call: np.ndarray
    bid: np.ndarray  # NaN where there is none
    ask: np.ndarray
    root: np.ndarray
    nonstandard: np.ndarray
    forward: np.ndarray | None = None
    discount: np.ndarray | None = None
    spot: float = np.nan
    k: np.ndarray | None = None
    bid_vol: np.ndarray | None = None
    mid_vol: np.ndarray | None = None
    ask_vol: np.ndarray | None = None
    no_european: np.ndarray | None = None  # quant.american.NoEuropean of the ask (of the mid, where there is a bid)

    @property
    def has_bid(self) -> np.ndarray:
        return np.isfinite(self.bid)

    @property
    def spread(self) -> np.ndarray:
        return self.ask - self.bid

    @property
    def mid(self) -> np.ndarray:
        return 0.5 * (self.bid + self.ask)


@dataclass(frozen=True)
class Rule:
    """A reason, what it means, and which quotes (n,) of those `left` break it."""

    reason: str
    meaning: str
    broken: Callable[[Quotes, np.ndarray], np.ndarray]


def _other_root(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    codes, roots = pd.factorize(quotes.root, use_na_sentinel=True)
    other = np.array([root not in ("", quotes.symbol) for root in roots] + [False])
    return quotes.nonstandard | other[codes]


def _same_contract(quotes: Quotes, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quotes `left` whose contract has others: the rows, those of a contract together and best first; its first."""
    at = np.flatnonzero(left)
    series = 2 * quotes.expiry[at] + quotes.is_call[at]
    order = np.lexsort((quotes.strike[at], series))
    again = np.zeros(len(at) + 1, dtype=bool)
    again[1:-1] = (np.diff(series[order]) == 0) & (np.diff(quotes.strike[at][order]) == 0)
    company = order[again[1:] | again[:-1]]
    at, series = at[company], series[company]
    spread = np.where(quotes.has_bid, quotes.spread, np.inf)[at]
    order = np.lexsort((at, spread, quotes.strike[at], series))
    at, series = at[order], series[order]
    first = np.ones(len(at), dtype=bool)
    first[1:] = (np.diff(series) != 0) | (np.diff(quotes.strike[at]) != 0)
    return at, first


def _ambiguous(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    at, first = _same_contract(quotes, left)
    broken = np.zeros(len(left), dtype=bool)
    if len(at):
        highest_bid = np.maximum.reduceat(np.nan_to_num(quotes.bid[at]), np.flatnonzero(first))
        lowest_ask = np.minimum.reduceat(quotes.ask[at], np.flatnonzero(first))
        broken[at] = (highest_bid > lowest_ask)[np.cumsum(first) - 1]
    return broken


def _duplicate(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    at, first = _same_contract(quotes, left)
    broken = np.zeros(len(left), dtype=bool)
    broken[at] = ~first
    return broken


def _wide(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(left & quotes.has_bid)
    spread = quotes.spread[at]
    local = local_spread(2 * quotes.expiry[at] + quotes.is_call[at], quotes.strike[at], spread)
    lonely = (spread > WIDE_OF_NEIGHBOURS * local) & (spread > WIDE_OF_MID * quotes.mid[at])
    stub = (quotes.ask[at] > STUB_OF_BID * quotes.bid[at]) & (spread > STUB_OF_STRIKE * quotes.strike[at])
    broken = np.zeros(len(left), dtype=bool)
    broken[at] = lonely | stub
    return broken


BEFORE_FORWARD = (
    Rule("bad_strike", "strike missing or not positive", lambda q, left: ~(np.isfinite(q.strike) & (q.strike > 0))),
    Rule("expired", "expiration before the session", lambda q, left: q.expiration < q.session),
    Rule(
        "expires_today",
        "last day of trading: what is left is hours, of which a vol a year says nothing",
        lambda q, left: (q.expiration == q.session) | (q.years <= 0),
    ),
    Rule("bad_expiration", "expiration beyond the exchange calendar", lambda q, left: np.isnan(q.years)),
    Rule("nonstandard", "mini or adjusted contract: marked so, or of another root", _other_root),
    Rule("no_ask", "ask missing, zero or not finite: no offer, no bound", lambda q, left: np.isnan(q.ask)),
    Rule("crossed", "ask below bid", lambda q, left: q.ask < q.bid),
    Rule(
        "locked",
        "ask equal to bid: nobody makes a market for nothing, the two sides are of different instants",
        lambda q, left: q.ask == q.bid,
    ),
    Rule(
        "ambiguous",
        "another quote of the same contract contradicts it (one's bid above the other's ask): either may be old",
        _ambiguous,
    ),
    Rule("duplicate", "another quote of the same contract agrees with it and is tighter, or came first", _duplicate),
    Rule(
        "penny",
        "bid of one tick or less: the tick is the price, and a price that cannot fall further is biased upwards",
        lambda q, left: q.bid < 2 * ONE_TICK - 1e-9,
    ),
    Rule(
        "wide",
        f"spread over {WIDE_OF_NEIGHBOURS:g} times its neighbours' and {WIDE_OF_MID:.0%} of its mid; or ask over "
        f"{STUB_OF_BID:g} times the bid with a spread over {STUB_OF_STRIKE:.1%} of the strike",
        _wide,
    ),
)


def _below_intrinsic(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    exercise = np.where(quotes.is_call, quotes.forward - quotes.strike, quotes.strike - quotes.forward)
    return quotes.ask < (exercise - ARBITRAGE_ROOM * quotes.forward) * quotes.discount


def _off_parity(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(left)
    at = at[np.lexsort((quotes.is_call[at], quotes.strike[at], quotes.expiry[at]))]
    put, call = at[:-1], at[1:]  # no contract comes twice any more
    same = (quotes.strike[put] == quotes.strike[call]) & (quotes.expiry[put] == quotes.expiry[call])
    put, call = put[same], call[same]
    strikes = np.stack([quotes.strike[put], quotes.strike[put] * quotes.discount[put]])
    shares = np.stack([np.full(len(put), quotes.spot), quotes.forward[put] * quotes.discount[put]])
    bid = np.nan_to_num(quotes.bid)
    too_high = bid[call] - quotes.ask[put] - (shares.max(axis=0) - strikes.min(axis=0))
    too_low = shares.min(axis=0) - strikes.max(axis=0) - (quotes.ask[call] - bid[put])
    inner = np.where(quotes.k[put] >= 0, put, call)
    room = np.maximum(OFF_HALF_SPREADS * 0.5 * quotes.spread[inner], OFF_PARITY * quotes.forward[inner])
    broken = np.zeros(len(left), dtype=bool)
    broken[inner] = np.maximum(too_high, too_low) > room
    return broken


def _above_maximum(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    most = np.where(quotes.is_call, quotes.spot, quotes.strike)
    return np.where(quotes.has_bid, quotes.bid, quotes.ask) > most


def _no_vol(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    return ~np.isfinite(quotes.ask_vol) | (quotes.has_bid & ~np.isfinite(quotes.bid_vol + quotes.mid_vol))


def _outlier(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    broken = np.zeros(len(left), dtype=bool)
    at = np.flatnonzero(left & quotes.has_bid)
    half = 0.5 * (quotes.ask_vol[at] - quotes.bid_vol[at])
    broken[at] = outliers(quotes.expiry[at], quotes.k[at], quotes.mid_vol[at], half)
    return broken | (left & ~broken & ~quotes.has_bid & _outbid(quotes, left & ~broken))


def _outbid(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    """Which quotes ask less than is bid for one further from the money, which can only be worth less."""
    broken = np.zeros(len(left), dtype=bool)
    for calls in (False, True):
        at = np.flatnonzero(left & (quotes.is_call == calls))
        at = at[np.lexsort((np.abs(quotes.k[at]) * -1, quotes.expiry[at]))]  # from the far end towards the money
        step = 1.0 + np.nanmax(quotes.ask[at], initial=0.0)  # lifts each expiration above those before it
        lift = step * quotes.expiry[at]
        highest = np.maximum.accumulate(np.nan_to_num(quotes.bid[at]) + lift) - lift
        broken[at] = quotes.ask[at] < highest - 0.5 * ONE_TICK
    return broken


def _thin(quotes: Quotes, left: np.ndarray) -> np.ndarray:
    fit = np.bincount(quotes.expiry[left & quotes.has_bid], minlength=quotes.expiry.max(initial=0) + 1)
    return (fit < FEWEST_QUOTES)[quotes.expiry]


AFTER_FORWARD = (
    Rule(
        "no_forward",
        "too few strikes with a sound call and put near the money, or too far apart to mean one; no vendor's forward",
        lambda q, left: ~np.isfinite(q.forward),
    ),
    Rule("below_intrinsic", "ask below what exercise at expiration locks in: an arbitrage, or old", _below_intrinsic),
    Rule("above_maximum", "bid above the spot (call) or the strike (put)", _above_maximum),
    Rule(
        "off_parity",
        "in the money, and by far outside what the other side of its strike leaves an American option: an old quote",
        _off_parity,
    ),
    Rule(
        "in_the_money",
        "of each strike the out-of-the-money side enters; the other has given the forward",
        lambda q, left: q.is_call == (q.k < 0),
    ),
    Rule(
        "near_exercise",
        "American price at or near immediate exercise: it tells no European vol",
        lambda q, left: q.no_european == NoEuropean.EXERCISED,
    ),
    Rule(
        "outside_table",
        "rate, carry, moneyness or vol beyond what the table of early exercise covers",
        lambda q, left: q.no_european == NoEuropean.OUTSIDE,
    ),
    Rule("no_vol", "no vol gives this price", _no_vol),
    Rule(
        "outlier",
        "vol off the curve of its neighbours by several half-spreads; without a bid: asks less than is bid further out",
        _outlier,
    ),
    Rule("thin_expiration", f"fewer than {FEWEST_QUOTES} quotes of its expiration are sound", _thin),
)

BOUND = Rule("zero_bid", "no bid: the ask bounds the surface from above", lambda q, left: ~q.has_bid)
RULES = (*BEFORE_FORWARD, *AFTER_FORWARD, BOUND)
REASONS = np.array(["", *(rule.reason for rule in RULES)], dtype=object)
FIT, BOUND_CODE = 0, len(RULES)
# Quotes that get vols: besides those in play, what is left out of the fit but is a price all the same.
STILL_PRICED = [code for code, reason in enumerate(REASONS) if reason in ("", "penny", "wide")]


@np.errstate(all="ignore")
def judge(rules: Sequence[Rule], quotes: Quotes, codes: np.ndarray) -> np.ndarray:
    """`codes` (n,) int8 into REASONS, with the rules applied in order to the quotes that have none (0) yet."""
    codes = codes.copy()
    for rule in rules:
        left = codes == FIT
        codes[left & rule.broken(quotes, left)] = 1 + RULES.index(rule)
    return codes


# What a published gold report shows: a filter for display, never for the fit.
GLD_REPORT_FILTERS = {
    "open_interest": 10.0,  # at least, where known
    "spread_of_mid": 0.30,  # at most
    "strike_of_spot": (0.55, 1.65),
    "days": 400.0,  # at most
}


def report_quotes(curated: pd.DataFrame) -> np.ndarray:
    """Which rows of a curated chain (CURATED_CHAINS columns) a report shows: GLD_REPORT_FILTERS on its `fit` quotes.

    The spot is the implied one.
    """
    column = {name: curated[name].to_numpy(dtype=float) for name in _REPORT_COLUMNS}
    spot = implied_spots(curated)
    spread, mid = column["ask"] - column["bid"], 0.5 * (column["ask"] + column["bid"])
    low, high = GLD_REPORT_FILTERS["strike_of_spot"]
    return (
        (curated["role"] == "fit").to_numpy()
        & ~(column["open_interest"] < GLD_REPORT_FILTERS["open_interest"])
        & (spread <= GLD_REPORT_FILTERS["spread_of_mid"] * mid)
        & (column["strike"] >= low * spot)
        & (column["strike"] <= high * spot)
        & (column["years"] * 365.0 <= GLD_REPORT_FILTERS["days"])
    )


def implied_spots(curated: pd.DataFrame) -> np.ndarray:
    """F exp(-(r - q) T) of each row, the same for all expirations of a session; NaN where there is no forward."""
    forward, rate, carry, years = (curated[name].to_numpy(dtype=float) for name in SPOT_COLUMNS)
    return forward * np.exp((carry - rate) * years)


SPOT_COLUMNS = ("forward", "rate", "carry", "years")
_REPORT_COLUMNS = ("years", "bid", "ask", "strike", "open_interest")
