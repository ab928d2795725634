"""Where market data comes from: the embedded sample, Yahoo, or a drop folder; one MarketSource protocol."""

from __future__ import annotations

from vol_assets.settings import Settings
from vol_assets.sources.protocol import (
    BAR_COLUMNS,
    CHAIN_COLUMNS,
    OPTIONAL_SYMBOLS,
    REQUIRED_SYMBOLS,
    SYMBOLS,
    DailyBars,
    MarketSource,
    OptionChain,
    Problem,
    chains_of,
)

__all__ = [
    "BAR_COLUMNS",
    "CHAIN_COLUMNS",
    "OPTIONAL_SYMBOLS",
    "REQUIRED_SYMBOLS",
    "SYMBOLS",
    "DailyBars",
    "MarketSource",
    "OptionChain",
    "Problem",
    "chains_of",
    "open_source",
]


def open_source(settings: Settings) -> MarketSource:
    """The source VOL_ASSETS_SOURCE names. Nothing is read or asked before its first use, and only its module loads."""
    if settings.source == "yahoo":
        from vol_assets.sources.yahoo import YahooMarket

        return YahooMarket(rate=settings.rate)
    if settings.source == "files":
        from vol_assets.sources.files import FilesMarket

        return FilesMarket(settings.files, settings.rate)
    from vol_assets.sources.sample import SampleMarket

    return SampleMarket()
