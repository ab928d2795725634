"""Run a simulated gateway on a session of the sample market.

    python -m vol_assets.ibkr.simulator --port 7497 --session 2024-03-15 --speed 60

Its clock starts at the session's open and runs through the days after it, at night and at weekends too.
"""

from __future__ import annotations

import datetime as dt
import time

from vol_assets import clock
from vol_assets.errors import SessionError
from vol_assets.ibkr.simulator.clock import SimulatedClock
from vol_assets.ibkr.simulator.gateway import Simulator
from vol_assets.ibkr.simulator.sample import SampleMarket
from vol_assets.ibkr.simulator.server import arguments, run


def main() -> None:
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("--port", type=int, default=7497, help="where to listen (%(default)s)")
    parser.add_argument("--session", required=True, help="the session to start with, YYYY-MM-DD")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a real one (%(default)s)")
    parser.add_argument(
        "--began",
        type=float,
        default=time.time(),
        help="when the session opens, in seconds since 1970; given to other processes too, they share the clock (now)",
    )
    options = parser.parse_args()
    try:
        opening: dt.datetime = clock.open_instant(options.session).to_pydatetime()
    except SessionError as error:
        parser.error(str(error))
    simulator = Simulator(SampleMarket(), SimulatedClock(opening, options.speed, options.began))
    run(
        simulator,
        options.port,
        lambda: (
            f"simulated gateway on 127.0.0.1:{simulator.port}: it is {simulator.now():%Y-%m-%d %H:%M:%S} UTC, "
            f"{options.speed:g} s a second since {options.began:.3f}"
        ),
    )


if __name__ == "__main__":
    main()
