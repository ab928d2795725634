"""`make accuracy`: the surfaces of simulated sessions against the truth their quotes were made from.

    make accuracy                     a year of sessions, SPY and GLD, some minutes
    make accuracy FROM=2020-03-02 TO=2020-03-31

Each session's chain is simulated, curated and fitted as the assets do it. An error of a (session, expiration) is held
against the limits that 95 % of them, and every one of them, should keep; vol points are hundredths, and the same errors
are given in half-spreads of the quotes nearest the forward.

Two more measures: strikes left out of a fit against its price (`hold_out`), and how much the tenors of a month of
sessions move while the truth stands still and expirations, quotes and noise roll on (`roughness`).
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.workers import in_order
from vol_assets.curation.chains import curate_chain
from vol_assets.quant import moments
from vol_assets.quant.surface import Smiles
from vol_assets.sources.sample import SampleMarket, chain_around, true_surface
from vol_assets.surfaces.fit import surface_of, surface_rows
from vol_assets.surfaces.richness import model_vols
from vol_assets.surfaces.tenors import tenor_rows

DAYS = (14, 365)  # of the expirations that count
NEAR_DAYS = 200  # forwards nearer than this have the tighter limit
MODEL_FREE_DAYS = 30
ROUGH = ("atm_vol", "rr25", "bf25", "model_free_vol")
LIMITS = {  # 95 % within, every one within
    "ATM vol, points": (0.07, 0.15),
    "25-delta RR, points": (0.12, 0.30),
    "forward to 200 days, bp": (1.5, 3.0),
    "forward beyond, bp": (3.0, 8.0),
    "30-day model-free vol, points": (0.13, 0.20),
}


def session_errors(underlying: str, session: dt.date) -> pd.DataFrame:
    """The errors of one session: columns underlying, date, days, what, error, half_spreads."""
    (chain,) = SampleMarket().option_chains(underlying, session, session)
    rows = surface_rows(curate_chain(chain.quotes.assign(source="sample")))
    surface, truth = surface_of(rows), true_surface(underlying, session)
    days = rows["years"].to_numpy() * 365
    listed = (days >= DAYS[0]) & (days <= DAYS[1] + 1)
    smiles = surface.smiles(surface.years)
    deltas = np.array([0.25, 0.75])
    fitted = smiles.at_delta(deltas)[1] / np.sqrt(surface.years)[:, None]
    true = np.array([truth.vol_at_delta(deltas, t) for t in surface.years])
    half = rows["half_spread_vol"].to_numpy() * 100

    parts = []

    def add(what: str, error: np.ndarray, which: np.ndarray, unit: np.ndarray | float) -> None:
        parts.append(pd.DataFrame({"what": what, "days": days, "error": error, "half_spreads": error / unit})[which])

    add("ATM vol, points", 100 * (rows["atm_vol"].to_numpy() - truth.atm_vol(surface.years)), listed, half)
    reversal = 100 * ((fitted[:, 0] - fitted[:, 1]) - (true[:, 0] - true[:, 1]))
    add("25-delta RR, points", reversal, listed, half)
    forward = 1e4 * (surface.forward / truth.forward(surface.years) - 1)
    # A half-spread of vol at the forward is vega times it in price: 0.4 sqrt(T) of the forward a unit.
    in_forwards = 1e4 * half / 100 * 0.4 * np.sqrt(surface.years)
    add("forward to 200 days, bp", forward, listed & (days <= NEAR_DAYS), in_forwards)
    add("forward beyond, bp", forward, listed & (days > NEAR_DAYS), in_forwards)
    month = MODEL_FREE_DAYS / 365
    at_month = surface.smiles([month])
    found = _model_free_vol(at_month)
    error = 100 * (found - truth.model_free_vol(np.array([month])))
    unit = float(np.interp(month, surface.years, half))
    parts.append(
        pd.DataFrame(
            {"what": "30-day model-free vol, points", "days": 30.0, "error": error, "half_spreads": error / unit}
        )
    )
    return pd.concat(parts, ignore_index=True).assign(underlying=underlying, date=pd.Timestamp(session))


def hold_out(underlying: str, session: dt.date) -> pd.DataFrame:
    """Errors, in half-spreads, of every second strike when the others alone are fitted: days, half_spreads."""
    (chain,) = SampleMarket().option_chains(underlying, session, session)
    return left_out(curate_chain(chain.quotes.assign(source="sample")))


def left_out(curated: pd.DataFrame) -> pd.DataFrame:
    """`hold_out` of any curated chain; quotes within 2.5 stdevs of the forward count."""
    fitted = curated[curated["role"] == "fit"].sort_values(["expiration", "k"])
    odd = fitted.groupby("expiration").cumcount() % 2 == 1
    aside = fitted[odd.to_numpy()]
    rows = surface_rows(curated.drop(aside.index))
    aside = aside[aside["expiration"].isin(rows["expiration"])]
    expiry = pd.Index(rows["expiration"]).get_indexer(aside["expiration"])
    vol = model_vols(rows, expiry, aside["k"].to_numpy())
    half = 0.5 * (aside["ask_vol"] - aside["bid_vol"]).to_numpy()
    near = (np.abs(aside["k"]) < 2.5 * rows["atm_vol"].to_numpy()[expiry] * np.sqrt(aside["years"])).to_numpy()
    error = ((vol - aside["mid_vol"].to_numpy()) / half)[near & (half > 0)]
    return pd.DataFrame({"days": (aside["years"].to_numpy() * 365)[near & (half > 0)], "half_spreads": error})


def roughness(underlying: str, first: dt.date, sessions: int = 20) -> pd.DataFrame:
    """Standard deviation of one-session changes, vol points, while the true surface stays as it is at `first`."""
    truth, tenors = true_surface(underlying, first), []
    for number in range(sessions):
        quotes = chain_around(replace(truth, session=clock.offset(first, number))).quotes
        curated = curate_chain(quotes.assign(source="sample"))
        tenors.append(tenor_rows(surface_rows(curated), curated).set_index("tenor_days")[list(ROUGH)])
    changes = np.diff(np.array(tenors), axis=0)
    return pd.DataFrame(100 * changes.std(axis=0), index=tenors[0].index, columns=list(ROUGH))


def table(errors: pd.DataFrame) -> pd.DataFrame:
    """A row an underlying and quantity: count, median, 95 % and worst absolute error, limits, half-spreads."""
    sizes = errors.assign(size=errors["error"].abs(), in_spreads=errors["half_spreads"].abs())
    rows = sizes.groupby(["underlying", "what"], sort=False).agg(
        n=("size", "size"),
        median=("size", "median"),
        p95=("size", lambda values: values.quantile(0.95)),
        worst=("size", "max"),
        median_half_spreads=("in_spreads", "median"),
        p95_half_spreads=("in_spreads", lambda values: values.quantile(0.95)),
    )
    rows["limit_p95"], rows["limit_worst"] = zip(*(LIMITS[what] for _, what in rows.index))
    rows["within"] = (rows["p95"] <= rows["limit_p95"]) & (rows["worst"] <= rows["limit_worst"])
    return rows


def _model_free_vol(smiles: Smiles) -> np.ndarray:
    k = moments.grid(smiles.at_money)
    return np.sqrt(moments.from_prices(k, smiles.otm_price(k)).model_free_variance / smiles.years)


def _all(first: str, last: str) -> Iterator[pd.DataFrame]:
    sessions = clock.require_range(first, last)
    arguments = [(underlying, session) for underlying in ("SPY", "GLD") for session in sessions]
    for number, errors in enumerate(in_order(session_errors, iter(arguments), len(arguments)), start=1):
        if number % 100 == 0:
            print(f"{number} of {len(arguments)} chains", flush=True)
        yield errors


def main() -> None:
    parser = argparse.ArgumentParser(prog="make accuracy")
    parser.add_argument("--from", dest="first", default="2020-01-02")
    parser.add_argument("--to", dest="last", default="2020-12-31")
    options = parser.parse_args()
    errors = pd.concat(_all(options.first, options.last), ignore_index=True)
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        print(table(errors).round(3).to_string())
        beyond = errors[errors["error"].abs() > errors["what"].map(lambda what: LIMITS[what][1])]
        if len(beyond):
            print("\nbeyond the outer limits:")
            print(beyond.sort_values("error", key=abs, ascending=False).head(20).to_string(index=False))
        first = clock.as_date(options.first)
        for underlying in ("SPY", "GLD"):
            aside = pd.concat([hold_out(underlying, clock.offset(first, 21 * month)) for month in range(6)])
            size = aside["half_spreads"]
            print(f"\n{underlying}, half of the strikes left out, {len(aside)} quotes: rms error of the others' fit")
            print(f"{np.sqrt((size**2).mean()):.2f} half-spreads, {(size.abs() <= 1).mean():.1%} within bid and ask")
            print(f"\n{underlying}, one-session changes while the truth stands still, vol points:")
            print(roughness(underlying, first).round(3).to_string())


if __name__ == "__main__":
    main()
