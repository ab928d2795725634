"""A session's curated chain to its surface table, and the table back to the surface.

The fit itself is `quant.surface_fit`; here quotes become its input, and what desks read off a smile becomes columns:
at-the-money vol, risk reversals and butterflies by forward delta, slope and convexity at the forward, moments of the
log return from the out-of-the-money integral, and how well the slice meets its quotes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from vol_assets.contracts.surfaces import COMPONENTS, SURFACES
from vol_assets.quant import essvi, moments, svi
from vol_assets.quant.surface import Smiles, Surface
from vol_assets.quant.surface_fit import Certificate, Quotes, certify, fit_surface, stacked

__all__ = ["QUOTE_COLUMNS", "surface_of", "surface_rows"]

# What is needed of a curated chain, besides its date.
QUOTE_COLUMNS = (
    *("symbol", "quote_time", "expiration", "role", "years", "rate", "rate_source", "forward", "forward_source"),
    *("carry", "k", "bid_vol", "mid_vol", "ask_vol", "quality_flags"),
)

DELTAS = (0.10, 0.25)
NEAR = 2.5  # stdevs: quotes nearer than this to the forward count in rmse_vol
LIFT_NOTICE = 1e-6  # of the forward: a lift beyond this is worth a flag
WING_NOTICE = 0.10  # of the model-free variance beyond the quotes
MOMENT_GRID = {"below": 50.0, "above": 30.0, "step": 0.2}  # stdevs; kurtosis to 1e-9, beyond any bounded mixture
OUTSIDE_SHARES = ("outside_share", "outside_share_2", "outside_share_3", "outside_share_4")
MIXTURE = ("weight", "mean", "stdev")
SVI_QUOTES = 8  # from which on five parameters are fitted


def surface_rows(curated: pd.DataFrame) -> pd.DataFrame:
    """One row an expiration with the columns of surface/<underlying>; none where no quote can be fitted.

    curated: the quotes of one session, as in curated/<underlying>_chain.
    """
    underlying = curated["symbol"].iloc[0] if len(curated) else next(iter(SURFACES))
    used = curated[curated["role"] != "dropped"].sort_values(["expiration", "k"], kind="stable")
    used = used[used["expiration"].isin(used.loc[used["role"] == "fit", "expiration"].unique())]
    if used.empty:
        return SURFACES[underlying].empty()
    first = np.flatnonzero(~used["expiration"].duplicated().to_numpy())
    heads = used.iloc[first].reset_index(drop=True)
    quotes = _quotes(used, heads, first)
    surface = fit_surface(quotes, spot_of(heads))
    frame = pd.concat(
        [
            _identity(heads, surface),
            _slices(surface, quotes),
            _smile(surface),
            _moments(surface, quotes),
            _quality(surface, quotes),
            _certificate(certify(surface)),
        ],
        axis=1,
    )
    frame["quality_flags"] = _flags(frame, heads)
    return frame[list(SURFACES[underlying].columns)]


def surface_of(rows: pd.DataFrame) -> Surface:
    """The surface that a session's rows of surface/<underlying> stand for."""
    rows = rows.sort_values("years")
    numbers = {
        f"{name}s": rows[[f"{name}_{i}" for i in range(1, COMPONENTS + 1)]].fillna(fill).to_numpy(float)
        for name, fill in zip(MIXTURE, (0.0, 1.0, 1.0))
    }
    is_mixture = (rows["model"] != "essvi").to_numpy()
    numbers["weights"][~is_mixture, 0] = 1.0  # an unused mixture is a mixture all the same
    return Surface(
        years=rows["years"].to_numpy(float),
        forward=rows["forward"].to_numpy(float),
        spot=float(rows["spot"].iloc[0]),
        **numbers,
        theta=rows["essvi_theta"].to_numpy(float),
        rho=rows["essvi_rho"].to_numpy(float),
        psi=rows["essvi_psi"].to_numpy(float),
        is_mixture=is_mixture,
    )


def spot_of(heads: pd.DataFrame) -> float:
    """The price of the underlying that the first expiration's forward, rate and carry imply, USD."""
    first = heads.iloc[0]
    carry = first["carry"] if np.isfinite(first["carry"]) else first["rate"]
    return float(first["forward"] * np.exp(-(first["rate"] - carry) * first["years"]))


def _quotes(used: pd.DataFrame, heads: pd.DataFrame, first: np.ndarray) -> list[Quotes]:
    """The quotes of each expiration; its rows follow each other from `first` on."""
    k = used["k"].to_numpy(float)
    bound = (used["role"] == "bound").to_numpy()
    root = np.sqrt(used["years"].to_numpy(float))
    bid, mid, ask = (used[f"{side}_vol"].to_numpy(float) * root for side in ("bid", "mid", "ask"))
    bid, mid = (np.where(bound, np.nan, side) for side in (bid, mid))
    ends = [*first[1:], len(used)]
    return [
        Quotes(float(head.years), float(head.forward), *(side[start:end] for side in (k, bid, mid, ask)))
        for head, start, end in zip(heads.itertuples(), first, ends)
    ]


def _identity(heads: pd.DataFrame, surface: Surface) -> pd.DataFrame:
    names = ["date", "symbol", "quote_time", "expiration", "years", "forward", "forward_source", "rate", "rate_source"]
    return heads[[*names, "carry"]].assign(spot=surface.spot)


def _slices(surface: Surface, quotes: list[Quotes]) -> pd.DataFrame:
    unused = surface.weights == 0
    unused |= ~surface.is_mixture[:, None]
    components = (~unused).sum(axis=1)
    columns: dict[str, np.ndarray] = {
        "model": np.where(components > 0, np.char.add("mixture_", components.astype(str)), "essvi").astype(object)
    }
    for name in MIXTURE:
        values = np.where(unused, np.nan, getattr(surface, f"{name}s"))
        columns |= {f"{name}_{i + 1}": values[:, i] for i in range(COMPONENTS)}
    columns |= {"essvi_theta": surface.theta, "essvi_rho": surface.rho, "essvi_psi": surface.psi}
    wings = svi.to_jump_wings(_raw_svi(surface, quotes), surface.years)
    columns |= {f"svi_{name}": value for name, value in wings._asdict().items()}
    return pd.DataFrame(columns)


def _raw_svi(surface: Surface, quotes: list[Quotes]) -> svi.RawSvi:
    """Raw SVI through the mids of each expiration, from its eSSVI slice on; that slice where quotes are few."""
    k, _, mid, _ = stacked(quotes)
    at_money = np.sqrt(surface.theta)[:, None]
    weight = np.where(np.isfinite(mid), np.exp(-0.5 * (k / (essvi.TAPER * at_money)) ** 2) / at_money, 0.0)
    weight[(weight > 0).sum(axis=1) < SVI_QUOTES] = 0.0
    start = svi.from_essvi(surface.theta, surface.rho, surface.psi)
    return svi.fit(np.nan_to_num(k), np.nan_to_num(mid), weight, start)


def _smile(surface: Surface) -> pd.DataFrame:
    smiles = surface.expirations
    root = np.sqrt(surface.years)
    atm = smiles.at_money / root
    deltas = np.array([*DELTAS, *(1.0 - delta for delta in DELTAS)])
    vols = smiles.at_delta(deltas)[1] / root[:, None]
    columns = {"atm_vol": atm}
    for i, delta in enumerate(DELTAS):
        call, put = vols[:, i], vols[:, i + len(DELTAS)]
        columns |= {f"rr{delta:.0%}"[:-1]: call - put, f"bf{delta:.0%}"[:-1]: 0.5 * (call + put) - atm}
    skew, convexity = at_the_forward(smiles)
    return pd.DataFrame({**columns, "skew": skew, "convexity": convexity})


def at_the_forward(smiles: Smiles) -> tuple[np.ndarray, np.ndarray]:
    """Slope and convexity of the vol in k at the forward, exact: from the distribution and the density there.

    With P = P(S_T < F), p = density of k and s the at-the-money total stdev, differentiating the put's price
    Black(k, s(k)) once gives s' = (P - N(s / 2)) / n(s / 2), and twice s'' from p.
    """
    s = smiles.at_money
    root = np.sqrt(smiles.years)
    normal = np.exp(-s * s / 8.0) / np.sqrt(2.0 * np.pi)
    below = smiles.distribution(np.zeros(1))[:, 0]
    density = smiles.density(np.zeros(1))[:, 0]
    slope = (below - ndtr(0.5 * s)) / normal
    # Durrleman's g at k = 0, where density = g n(s / 2) / s, solved for w''.
    w, w1 = s * s, 2.0 * s * slope
    g = density * s / normal
    w2 = 2.0 * (g - 1.0 + 0.25 * w1 * w1 * (1.0 / w + 0.25))
    curvature = (w2 - 2.0 * slope**2) / (2.0 * s)
    return slope / root, curvature / root


def _moments(surface: Surface, quotes: list[Quotes]) -> pd.DataFrame:
    smiles = surface.expirations
    k = moments.grid(smiles.at_money, **MOMENT_GRID)
    price = smiles.otm_price(k)
    found = moments.from_prices(k, price)
    up, down = moments.up_down_variance(k, price)
    return pd.DataFrame(
        {
            "mean": found.mean,
            "stdev": np.sqrt(found.variance),
            "skewness": found.skewness,
            "kurtosis": found.kurtosis,
            "model_free_vol": np.sqrt(found.model_free_variance / surface.years),
            "down_variance_share": down / (up + down),
            **dict(zip(OUTSIDE_SHARES, _outside_shares(surface, quotes, k, price).T)),
        }
    )


def _outside_shares(surface: Surface, quotes: list[Quotes], k: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Shares (n, 4) of the integrals M_1 ... M_4 outside the quoted strikes; a mixture's own in closed form."""
    low, high = np.array([(q.k[q.fitted][0], q.k[q.fitted][-1]) for q in quotes]).T
    share = np.empty((len(quotes), 4))
    which = surface.is_mixture
    parts = (surface.weights[which], surface.means[which], surface.stdevs[which])
    share[which] = moments.mixture_moments_outside(*parts, low[which], high[which])
    if not which.all():
        share[~which] = moments.moments_outside(k[~which], price[~which], low[~which], high[~which])
    return share


def _quality(surface: Surface, quotes: list[Quotes]) -> pd.DataFrame:
    k, bid, mid, ask = stacked(quotes)
    model = surface.expirations.stdev(np.nan_to_num(k))
    root = np.sqrt(surface.years)[:, None]
    fitted = np.isfinite(mid)
    near = fitted & (np.abs(k) < NEAR * surface.at_money[:, None])
    miss = np.where(fitted, (model - mid) / root, np.nan)
    half = np.where(fitted, 0.5 * (ask - bid) / root, np.nan)
    within = fitted & (model >= bid) & (model <= ask)
    low, high = (np.where(fitted, k, fill) for fill in (np.inf, -np.inf))
    return pd.DataFrame(
        {
            "quotes": fitted.sum(axis=1),
            "bounds": [int((~q.fitted).sum()) for q in quotes],
            "lowest_strike": surface.forward * np.exp(low.min(axis=1)),
            "highest_strike": surface.forward * np.exp(high.max(axis=1)),
            "rmse_vol": _rms(np.where(near, miss, np.nan)),
            "within_spread": within.sum(axis=1) / fitted.sum(axis=1),
            "half_spread_vol": _median(np.where(near, half, np.nan)),
            "error_half_spreads": _rms(np.where(near & (half > 0), miss / np.where(half > 0, half, 1.0), np.nan)),
        }
    )


def _certificate(certificate: Certificate) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "min_density": certificate.min_density,
            "calendar_gap": certificate.calendar_gap,
            "lift": certificate.lift,
        }
    )


def _flags(frame: pd.DataFrame, heads: pd.DataFrame) -> pd.Series:
    notices = {
        "few_quotes": frame["model"] == "essvi",
        "lifted": frame["lift"] > LIFT_NOTICE,
        "wide_wings": frame["outside_share"] > WING_NOTICE,
    }
    own = pd.Series("", index=frame.index)
    for name, holds in notices.items():
        own = own.where(~holds, own + "," + name)
    return (heads["quality_flags"] + own).str.strip(",")


def _rms(values: np.ndarray) -> np.ndarray:
    count = np.isfinite(values).sum(axis=1)
    total = np.nansum(values**2, axis=1)
    return np.where(count > 0, np.sqrt(total / np.maximum(count, 1)), np.nan)


def _median(values: np.ndarray) -> np.ndarray:
    return np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values])
