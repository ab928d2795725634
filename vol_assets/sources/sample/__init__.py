"""The embedded sample market: simulated once a process from one seed, so that everything runs without a network.

process: named random streams, OU paths, regimes. variance: SPY's variance and what it is expected to be.
closes: all nine series from close to close. intraday: the path inside a session. bars: prices as quoted.
market: the `SampleMarket` source and the truth behind it.
"""

from vol_assets.sources.sample.market import SampleMarket, true_expected_variance, true_spot_variance

__all__ = ["SampleMarket", "true_expected_variance", "true_spot_variance"]
