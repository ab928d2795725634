"""Interactive Brokers: the client that polls a smile, and a simulated gateway to poll it from.

plan: which contracts. client: one poll, the only module that imports ib_insync. connection: notices and waiting.
quotes: tickers to rows. outcome: what came of it. known: contracts remembered for a day. greeting: whether a gateway
answers. framing: the protocol's frames. simulator: the other side.
"""

from vol_assets.ibkr.client import poll
from vol_assets.ibkr.connection import Limits
from vol_assets.ibkr.greeting import Gateway, Greeting, greet
from vol_assets.ibkr.outcome import QUOTE_COLUMNS, QUOTE_TYPES, Outcome, Poll

__all__ = ["QUOTE_COLUMNS", "QUOTE_TYPES", "Gateway", "Greeting", "Limits", "Outcome", "Poll", "greet", "poll"]
