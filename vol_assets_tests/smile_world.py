"""A world whose smiles can be foreseen, if one sees it: the vols' next move is told by the share's return now.

ln vols of all smiles move together, by EFFECT times a saturating function of the share's return, which is drawn anew at
every state. So no past move says anything of the next: a network may find what no baseline can. `unforeseen` worlds
have the same moves without the link.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts import Contract
from vol_assets.contracts.chains import CURATED_CHAINS
from vol_assets.contracts.live import LIVE_HISTORY, LIVE_STATES
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.lake import Lake
from vol_assets.quant import essvi
from vol_assets.smiles import COVARIATES, NODES, SmileState, session_clock, smile_vols, state_rows
from vol_assets.smiles.panel import DAILY, LIVE, Panel, panel_of

STEP = dt.timedelta(minutes=1)
TENORS = np.array([7, 30, 60, 91])  # days
FORWARD = 100.0
EFFECT, NOISE = 0.02, 0.001  # of ln vol
RETURN = 0.002
YEAR = 365 * 86400
STRIKES = np.arange(84.0, 115.0, 2.0)
SLOPE, RHO = 0.5, -0.6  # of the daily smiles: psi over the stdev at the money, and the wings' skew
EXPIRATIONS = 6  # every third Friday, the last beyond the longest tenor
BENT = np.array([1.0, 1.04, 0.98, 1.03, 0.97, 1.0])  # of their variances: no tenor between them says as much


def live_states(sessions: Sequence[dt.date], count: int = 45, *, seed: int = 1, unforeseen: bool = False):
    """The states of `count` minutes of each session, from its open on."""
    instants = [clock.open_instant(session) + minute * STEP for session in sessions for minute in range(count)]
    days = [np.datetime64(clock.offset(instant.date(), 0), "D") + TENORS for instant in instants]
    return _states(instants, days, lambda instant, ends: _years(instant, ends), seed, unforeseen)


def daily_states(sessions: Sequence[dt.date], *, seed: int = 2, unforeseen: bool = False) -> list[SmileState]:
    """A state a session, at its close."""
    instants = [clock.close_instant(session) for session in sessions]
    days = [np.datetime64(session, "D") + TENORS for session in sessions]
    return _states(instants, days, lambda *_: TENORS / 365.0, seed, unforeseen)


def panel(family: str, sessions: Sequence[dt.date], **options) -> Panel:
    return panel_of(family, {LIVE: live_states, DAILY: daily_states}[family](sessions, **options), STEP)


def fill_live(lake: Lake, states: Sequence[SmileState]) -> None:
    """live/history and live/states of these states, as their assets would have written them."""
    frame = state_rows(*states)
    lake.write(LIVE_STATES, frame.assign(date=_session(frame["ts"]))[list(LIVE_STATES.columns)])
    history = _table(LIVE_HISTORY, [_quotes(state) for state in states])
    lake.write(LIVE_HISTORY, history.assign(date=_session(history["ts"])))


def fill_daily(lake: Lake, sessions: Sequence[dt.date], *, seed: int = 2, unforeseen: bool = False) -> None:
    """curated/market, curated/spy_chain and surface/spy of a world like that of `daily_states`."""
    level, spot_return = _levels(len(sessions), np.random.default_rng(seed), unforeseen)
    instants = map(clock.close_instant, sessions)
    rows = [_daily_rows(*of_one) for of_one in zip(instants, 0.16 * np.exp(level), spot_return)]
    for contract, of_all in zip((CURATED_MARKET, CURATED_CHAINS["SPY"], SURFACES["SPY"]), zip(*rows)):
        lake.write(contract, _table(contract, of_all))


def fill_closes(lake: Lake, states: Sequence[SmileState]) -> None:
    """curated/spy_chain and surface/spy of the sessions of daily states, all at the vol of their first smile."""
    for contract, table in zip((CURATED_CHAINS["SPY"], SURFACES["SPY"]), closes(states)):
        lake.write(contract, table)


def closes(states: Sequence[SmileState]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The chains and surfaces of `fill_closes`."""
    at_money = [np.exp(state.log_vol[0, int(np.flatnonzero(NODES == 0.0)[0])]) for state in states]
    _, chains, surfaces = zip(*(_daily_rows(state.ts, vol, 0.0) for state, vol in zip(states, at_money)))
    return _table(CURATED_CHAINS["SPY"], chains), _table(SURFACES["SPY"], surfaces)


def _daily_rows(close: pd.Timestamp, vol: float, moved: float) -> tuple[dict, dict, dict]:
    """What the bar, the chain and the surface of a session say whose smiles are at `vol` at the money, but for BENT."""
    days, years, which, strike, k = _listed(close)
    theta = vol**2 * years * BENT
    psi = SLOPE * np.sqrt(theta)
    surface = {
        **_named(close),
        "expiration": days,
        "years": years,
        **dict.fromkeys(("spot", "forward"), FORWARD),
        "model": "essvi",
        "essvi_theta": theta,
        "essvi_rho": RHO,
        "essvi_psi": psi,
        "calendar_gap": 0.0,
    }
    mid_vol = np.sqrt(essvi.total_variance(k, theta[which], RHO, psi[which]) / years[which])
    chain = _chain(close, days[which], years[which], strike, k, mid_vol)
    return {**_named(close), "close": FORWARD, "log_return": moved}, chain, surface


def _listed(close: pd.Timestamp) -> tuple[np.ndarray, ...]:
    """Expirations and years to them; of every contract, the number of its expiration, strike and log-moneyness."""
    anchor, session = np.datetime64("2020-01-03"), np.datetime64(close.tz_convert(clock.NEW_YORK).date(), "D")
    friday = anchor + 21 * ((session - anchor).astype(int) // 21)
    days = friday + 21 * np.arange(1, EXPIRATIONS + 1)
    which, strike = np.arange(EXPIRATIONS).repeat(len(STRIKES)), np.tile(STRIKES, EXPIRATIONS)
    return days.astype("datetime64[ns]"), _years(close, days), which, strike, np.log(strike / FORWARD)


def _chain(close: pd.Timestamp, days, years, strike: np.ndarray, k: np.ndarray, mid_vol: np.ndarray) -> dict:
    return {
        **_named(close),
        "expiration": days,
        "strike": strike,
        "right": np.where(k < 0.0, "P", "C").astype(object),
        "role": "fit",
        "years": years,
        "forward": FORWARD,
        "k": k,
        **_around(mid_vol, "mid_vol"),
    }


def _named(close: pd.Timestamp) -> dict:
    session = np.datetime64(close.tz_convert(clock.NEW_YORK).date(), "ns")
    return {"date": session, "symbol": "SPY", "quote_time": _naive(close)}


def _around(vol: np.ndarray, name: str) -> dict[str, np.ndarray]:
    return {name: vol, "bid_vol": vol - 0.002, "ask_vol": vol + 0.002}


def _naive(instant: pd.Timestamp) -> np.datetime64:
    return instant.tz_convert("UTC").tz_localize(None).to_datetime64()


def _table(contract: Contract, parts: Sequence[dict]) -> pd.DataFrame:
    """Rows of a table of which some columns are given, in parts; the others say nothing."""
    counts = [max(np.size(values) for values in part.values()) for part in parts]
    given = {
        name: np.concatenate([np.broadcast_to(part[name], count) for part, count in zip(parts, counts)])
        for name in parts[0]
    }
    nothing = {"float64": 1.0, "int64": 1, "bool": False, "str": "", "datetime64[us, UTC]": np.datetime64(0, "us")}
    columns: dict[str, object] = {}
    for name, column in contract.columns.items():
        kind = column.metadata["dtype"]
        values = pd.Series(given.get(name, nothing.get(kind)), index=range(sum(counts)))
        columns[name] = values.dt.tz_localize("UTC").dt.as_unit("us") if kind.endswith("UTC]") else values
        if kind not in ("str", "datetime64[us, UTC]"):
            columns[name] = values.astype(kind)
    return pd.DataFrame(columns)


def _levels(count: int, draw: np.random.Generator, unforeseen: bool) -> tuple[np.ndarray, np.ndarray]:
    """ln of the vol's level at every state, and the share's returns."""
    spot_return = RETURN * draw.standard_normal(count)
    told = RETURN * draw.standard_normal(count) if unforeseen else spot_return
    return np.concatenate([[0.0], np.cumsum(EFFECT * np.tanh(2.0 * told / RETURN))[:-1]]), spot_return


def _states(instants, days, years_of, seed: int, unforeseen: bool) -> list[SmileState]:
    draw = np.random.default_rng(seed)
    level, spot_return = _levels(len(instants), draw, unforeseen)
    shape = np.log(0.16) - 0.12 * NODES + 0.01 * NODES**2 + 0.03 * np.arange(4)[:, None]
    return [
        SmileState(
            ts=pd.Timestamp(instant).tz_convert("UTC"),
            expirations=ends,
            years=years_of(instant, ends),
            forward=np.full(4, FORWARD),
            log_vol=shape + level[number] + NOISE * draw.standard_normal((4, len(NODES))),
            covariates=np.array([*session_clock(instant), spot_return[number]]),
        )
        for number, (instant, ends) in enumerate(zip(instants, days))
    ]


def _years(instant: pd.Timestamp, ends: np.ndarray) -> np.ndarray:
    closes = [clock.close_instant(clock.offset(day, 0)) for day in ends.tolist()]
    return np.array([(close - instant).total_seconds() / YEAR for close in closes])


def _quotes(state: SmileState) -> dict:
    """Quotes of a state's smiles, both rights of every strike, with the vols that the smiles have there."""
    which = np.arange(4).repeat(len(STRIKES) * 2)
    strike, years = np.tile(STRIKES.repeat(2), 4), state.years[which]
    vol = smile_vols(state.log_vol, state.years, years, np.log(strike / FORWARD))
    return {
        "date": np.datetime64("NaT", "ns"),
        **dict.fromkeys(("ts", "quote_time"), _naive(state.ts)),
        "con_id": 1000 * state.expirations.astype(int)[which] + np.tile(np.arange(len(STRIKES) * 2), 4),
        "expiration": state.expirations.astype("datetime64[ns]")[which],
        "strike": strike,
        "right": np.tile(np.array(["C", "P"], dtype=object), len(which) // 2),
        "underlying": FORWARD,
        "market_data_type": "live",
        "source": "simulator",
        "forward": FORWARD,
        "years": years,
        **_around(vol, "own_vol"),
        **dict(zip(COVARIATES, state.covariates)),
    }


def _session(ts: pd.Series) -> pd.Series:
    return ts.dt.tz_convert(clock.NEW_YORK).dt.tz_localize(None).dt.normalize().dt.as_unit("ns")
