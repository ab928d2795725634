"""A gateway of Interactive Brokers that needs none: the TWS API over TCP, on a simulated market and clock.

gateway: the server. session: a client's connection; feed: its market data. messages, contracts, lines, bars: what is
said. behaviour, limits: how it can fail. market: what it quotes; sample: the sample market as that. clock: its time.
recorder, replay: what a real gateway said, kept in a recording and said again. server: what they all listen with.
"""

from vol_assets.ibkr.simulator.behaviour import NEVER, Behaviour, Permission
from vol_assets.ibkr.simulator.clock import SimulatedClock
from vol_assets.ibkr.simulator.gateway import Simulator
from vol_assets.ibkr.simulator.market import Board, OptionQuote, ShareQuote, SimulatedMarket

__all__ = [
    "NEVER",
    "Behaviour",
    "Board",
    "OptionQuote",
    "Permission",
    "ShareQuote",
    "SimulatedClock",
    "SimulatedMarket",
    "Simulator",
]
