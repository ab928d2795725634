"""The embedded sample market: simulated once a process from one seed, so that everything runs without a network.

process: named random streams, OU paths, regimes. variance: SPY's variance and what it is expected to be.
closes: all series from close to close. intraday: the path inside a session. bars: prices as quoted.
surface: the true option surface. smiles: what it is at each close. listings: the contracts there are. chains: their
quotes. dirt: what is wrong with a few. market: the `SampleMarket` source and the truth behind it. ahead: what may come.
live_path: spot and surface between two closes. live: surface and quotes at any instant of a session.
"""

from vol_assets.sources.sample.ahead import gold_returns_ahead
from vol_assets.sources.sample.live import expected_surface, live_quotes, live_surface
from vol_assets.sources.sample.market import (
    SampleMarket,
    chain_around,
    true_expected_variance,
    true_spot_variance,
    true_surface,
)
from vol_assets.sources.sample.surface import TrueSurface

__all__ = [
    "SampleMarket",
    "TrueSurface",
    "chain_around",
    "expected_surface",
    "gold_returns_ahead",
    "live_quotes",
    "live_surface",
    "true_expected_variance",
    "true_spot_variance",
    "true_surface",
]
