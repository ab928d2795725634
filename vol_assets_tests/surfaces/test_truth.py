"""Surfaces fitted to simulated quotes, against the surfaces that the quotes were made from: as `make accuracy` does."""

import datetime as dt

import pandas as pd
import pytest
from accuracy import LIMITS, session_errors

from vol_assets.contracts.chains import UNDERLYINGS
from vol_assets.sources.sample import SampleMarket

HIGHEST_VIX, LOWEST_VIX = dt.date(2020, 1, 3), dt.date(2024, 7, 22)  # of 2020 ... 2026
SESSIONS = (
    HIGHEST_VIX,
    LOWEST_VIX,
    dt.date(2007, 9, 4),
    dt.date(2013, 6, 12),
    dt.date(2018, 2, 6),
    dt.date(2024, 11, 29),  # closes at 13:00
)


@pytest.fixture(scope="module")
def errors() -> pd.DataFrame:
    return pd.concat([session_errors(underlying, day) for underlying in UNDERLYINGS for day in SESSIONS])


def test_the_sessions_are_the_calmest_and_the_most_troubled_of_seven_years_and_some_between():
    vix = SampleMarket().daily_bars(["VIX"], dt.date(2020, 1, 2), dt.date(2026, 11, 19)).bars.set_index("date")["close"]
    assert (vix.idxmax().date(), vix.idxmin().date()) == (HIGHEST_VIX, LOWEST_VIX)


@pytest.mark.parametrize("what", LIMITS)
def test_every_error_is_within_its_outer_limit_and_19_of_20_within_the_inner(errors: pd.DataFrame, what: str):
    found = errors[errors["what"] == what]
    assert set(zip(found["underlying"], found["date"].dt.date)) == {(u, day) for u in UNDERLYINGS for day in SESSIONS}
    inner, outer = LIMITS[what]
    size = found["error"].abs()
    assert size.max() <= outer, found.loc[size.idxmax()]
    assert (size <= inner).mean() >= 0.95
