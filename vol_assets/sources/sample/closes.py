"""All series from close to close: total log returns of the funds, levels of the indices and of the bill rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vol_assets.sources.sample import variance
from vol_assets.sources.sample.process import decay, mean_reverting, ornstein_uhlenbeck, regimes, stream

DRIFTS = {"SPY": 0.085, "TLT": 0.035, "HYG": 0.050, "GLD": 0.060}  # total log return a year
FUNDS = tuple(DRIFTS)

VARIANCE_FLOOR = 0.08**2  # options on a quiet market still cost: keeps VIX near 9 when realised volatility is 5
VVIX_FLOOR = 0.63**2  # and so do options on VIX, which hardly moves there: keeps VVIX above 50

NINE_DAYS = 7  # sessions there are at most in the nine calendar days that VIX9D looks ahead
VVIX_DAMPING = 0.75  # of the factors' volatility: over a month they turn back

GOLD_LEVEL = np.log(0.140**2)
GOLD_POWER = 0.35  # of SPY's variance in gold's
GOLD_HALF_LIFE, GOLD_SD = 45.0, 0.60  # of the part of ln v that is gold's own


@dataclass(frozen=True)
class Closes:
    """One value a session (n): what every series did from the close before to this close.

    returns: total log returns of the funds; jumps: the part of them that came at one instant; sigmas: standard
    deviation, known at the close before, of the rest; levels: VIX, VIX3M, GVZ, VIX9D, VVIX, SKEW (points) and IRX
    (percent), those that did not exist yet included.
    """

    spy: variance.VariancePath
    returns: dict[str, np.ndarray]
    sigmas: dict[str, np.ndarray]
    jumps: dict[str, np.ndarray]
    levels: dict[str, np.ndarray]


def simulate(count: int) -> Closes:
    """All series over `count` sessions."""
    spy = variance.simulate(count)
    excess = spy.excess
    gold = _ou("gold variance", count, GOLD_HALF_LIFE, GOLD_SD)
    log_variances = {
        "SPY": variance.LOG_LEVEL + excess,
        "TLT": np.log(0.125**2) + 0.25 * excess + _ou("treasury variance", count, 60, 0.45),
        "HYG": np.log(0.066**2) + 0.95 * excess + _ou("credit variance", count, 40, 0.45),
        "GLD": GOLD_LEVEL + GOLD_POWER * excess + gold,
    }
    sigmas = {fund: _lag(np.exp(0.5 * log_variances[fund]) / np.sqrt(252.0)) for fund in FUNDS}
    loads = {"SPY": 1.0} | _correlations(spy, count)
    own = {fund: stream(f"{fund} shock").standard_normal(count) for fund in FUNDS}
    own["GLD"] = 0.20 * own["TLT"] + np.sqrt(1.0 - 0.20**2) * own["GLD"]  # gold answers to real yields too
    returns, jumps = {}, {}
    for fund in FUNDS:
        shock = loads[fund] * spy.shock + np.sqrt(1.0 - np.square(loads[fund])) * own[fund]
        returns[fund] = DRIFTS[fund] / 252.0 + sigmas[fund] * shock
        jumps[fund] = sigmas[fund] * loads[fund] * spy.jump
        sigmas[fund] = sigmas[fund] * np.sqrt(1.0 - variance.JUMP_VARIANCE * np.square(loads[fund]))
    return Closes(spy, returns, sigmas, jumps, _implied(spy, gold, count) | {"IRX": _bill_rate(count)})


def _correlations(spy: variance.VariancePath, count: int) -> dict[str, np.ndarray]:
    """Correlation of TLT, HYG and GLD with SPY in each session, known at the close before it.

    Bonds hedge stocks while growth is the news (state 0) and fall with them while inflation is (state 1); credit is the
    closer to stocks the higher their variance.
    """
    inflation = regimes(stream("inflation"), count, (1600.0, 350.0))
    news = mean_reverting((1.0 - decay(40)) * np.array([-0.60, 0.30])[inflation], 40)
    return {
        "TLT": _lag(np.tanh(news + _ou("treasury correlation", count, 40, 0.20))),
        "HYG": _lag(np.tanh(0.80 + 0.12 * spy.excess + _ou("credit correlation", count, 40, 0.20))),
        "GLD": _lag(np.tanh(_ou("gold correlation", count, 60, 0.30))),
    }


def _implied(spy: variance.VariancePath, gold: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Volatility indices: expected variance times a premium with a life of its own, so that no index is the state.

    The premiums' means make VIX 3.9 points dearer than what follows and put VIX3M above it on 86 % of sessions; with
    both indices known, the spot volatility still has an error of 15 %.
    """
    premium = _ou("premium", count, 40, 0.24)
    term = _ou("term premium", count, 30, 0.04)
    quotes = stream("quotes").standard_normal((3, count)) * np.array([[0.02], [0.015], [0.03]])
    variances = {
        "VIX": spy.expected(21) * np.exp(0.12 + premium + quotes[0]),
        "VIX3M": spy.expected(63) * np.exp(0.21 + 0.85 * premium + term + quotes[1]),
        "GVZ": _expected_gold(spy, gold, 21) * np.exp(0.12 + _ou("gold premium", count, 20, 0.18) + quotes[2]),
        "VIX9D": spy.expected(NINE_DAYS) * np.exp(0.05 + 1.1 * premium + _nine_day_premium(count)),
    }
    levels = {index: 100.0 * np.sqrt(priced + VARIANCE_FLOOR) for index, priced in variances.items()}
    return levels | {"VVIX": _vol_of_vix(levels["VIX"], count), "SKEW": _skew(spy, count)}


def _nine_day_premium(count: int) -> np.ndarray:
    """What VIX9D's premium has of its own beside VIX's, in ln variance: days of events, and quotes of few strikes."""
    return _ou("nine-day premium", count, 4, 0.15) + 0.05 * stream("nine-day quotes").standard_normal(count)


def _vol_of_vix(vix: np.ndarray, count: int) -> np.ndarray:
    """VVIX: how far the two variance factors move ln VIX in a year, and what options on that cost.

    The floor under VIX does not move, so VVIX is low when VIX is near it and rises with variance. It also answers to
    each move of VIX, and calms down within days.
    """
    moving = 1.0 - VARIANCE_FLOOR / (vix / 100.0) ** 2  # share of VIX^2
    vol = VVIX_DAMPING * moving * 0.5 * variance.volatility_of_expected(21)
    dearer = mean_reverting(0.35 * np.diff(np.log(vix), prepend=np.log(vix[0])), 8.0)
    dearer += _ou("VVIX premium", count, 20, 0.10) + 0.015 * stream("VVIX quotes").standard_normal(count)
    return 100.0 * np.sqrt(vol**2 + VVIX_FLOOR) * np.exp(dearer)


def _skew(spy: variance.VariancePath, count: int) -> np.ndarray:
    """SKEW: 100 for a lognormal share, more where far puts are dear; a life of its own, a little lower in stress."""
    own = _ou("skew", count, 45, 0.29) + _ou("skew of days", count, 2, 0.12)
    return 100.0 + 23.5 * np.exp(own - 0.10 * spy.excess)


def _expected_gold(spy: variance.VariancePath, own: np.ndarray, sessions: int) -> np.ndarray:
    """Annualised variance of GLD expected over the next `sessions` sessions: SPY's part times gold's own."""
    decays = decay(GOLD_HALF_LIFE) ** np.arange(sessions)[:, None]
    own = np.exp(own * decays + 0.5 * GOLD_SD**2 * (1.0 - decays**2))
    return np.exp(GOLD_LEVEL) * (spy.moments(sessions, GOLD_POWER) * own).mean(axis=0)


def _bill_rate(count: int) -> np.ndarray:
    """IRX: a policy rate, reset in quarter points every 32 sessions after a slow cycle, never below 0, and noise."""
    cycle = mean_reverting((1.0 - decay(60)) * ornstein_uhlenbeck(stream("rates").standard_normal(count), 500, 2.1), 60)
    target = np.clip(2.0 + cycle, 0.0, 5.25)
    meetings = np.arange(count) // 32 * 32
    policy = np.round(target[meetings] * 4.0) / 4.0
    return np.maximum(policy + 0.08 + _ou("bill spread", count, 15, 0.06), 0.01)


def _ou(name: str, count: int, half_life: float, sd: float) -> np.ndarray:
    return ornstein_uhlenbeck(stream(name).standard_normal(count), half_life, sd)


def _lag(values: np.ndarray) -> np.ndarray:
    """What was known at the close before; the first session takes its own."""
    return np.concatenate([values[:1], values[:-1]])
