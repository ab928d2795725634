"""The quality score: what each rule measures, at its borders."""

import dataclasses
import datetime as dt

import pandas as pd
import pytest

from vol_assets.gold.quality import quality, raw_arbitrage
from vol_assets.gold.report import Expiration


def expiration(days: float = 30.0, **other) -> Expiration:
    values = {field.name: 0.0 for field in dataclasses.fields(Expiration)}
    values |= {
        "expiration": dt.date(2024, 4, 19),
        "days": days,
        "years": days / 365,
        "forward": 200.0,
        "model": "mixture_4",
        "atm_vol": 0.15,
        "half_spread_vol": 0.002,
        "quotes": 20,
        "lowest_strike": 150.0,
        "highest_strike": 260.0,
        "moments_source": "surface",
        "flags": (),
    }
    return Expiration(**values | other)


def chain(bids: list[float], asks: list[float], right: str = "C", reason: str = "") -> pd.DataFrame:
    strikes = [190.0 + 5.0 * i for i in range(len(bids))]
    return pd.DataFrame(
        {"expiration": pd.Timestamp("2024-04-19"), "right": right, "reason": reason}
        | {"strike": strikes, "bid": bids, "ask": asks}
    )


SIX = tuple(expiration(30.0 * n) for n in range(1, 7))
NO_QUOTES = chain([], [])
SOUND = chain([12.0, 8.0, 5.0, 3.0], [12.2, 8.2, 5.2, 3.2])


def points(code: str, found) -> int:
    (penalty,) = [penalty for penalty in found.penalties if penalty.code == code]
    return penalty.points


def test_a_session_with_nothing_wrong_but_no_history_loses_only_the_cone():
    found = quality(SIX, SOUND, 0.0002, 0.0, None, 0, False)
    assert (found.score, found.label) == (90, "good")
    assert [penalty.code for penalty in found.penalties if penalty.points] == ["cone"]


@pytest.mark.parametrize(("count", "lost"), [(6, 0), (5, 10), (4, 10), (3, 30), (1, 30)])
def test_few_expirations_cost_points(count: int, lost: int):
    assert points("expirations", quality(SIX[:count], NO_QUOTES, 0.0, 0.0, None, 0, False)) == lost


def test_expirations_beyond_400_days_do_not_count():
    far = tuple(dataclasses.replace(each, days=each.days + 400) for each in SIX)
    assert points("expirations", quality(far, NO_QUOTES, 0.0, 0.0, None, 0, False)) == 30


def test_a_smile_without_one_wing_is_not_a_smile():
    one_sided = tuple(dataclasses.replace(each, lowest_strike=195.0) for each in SIX)
    assert points("smiles", quality(one_sided, NO_QUOTES, 0.0, 0.0, None, 0, False)) == 15
    assert points("smiles", quality(SIX[:4] + one_sided[4:], NO_QUOTES, 0.0, 0.0, None, 0, False)) == 5


@pytest.mark.parametrize(("gap", "lost"), [(0.0009, 0), (-0.0011, 3), (0.003, 8), (-0.02, 15)])
def test_parity_that_misses_the_close_costs_points_either_way(gap: float, lost: int):
    assert points("parity", quality(SIX, NO_QUOTES, gap, 0.0, None, 0, False)) == lost


def test_without_a_close_there_is_nothing_to_hold_parity_against():
    assert points("no_close", quality(SIX, NO_QUOTES, None, 0.0, None, 0, False)) == 5


@pytest.mark.parametrize(("minutes", "lost"), [(15, 0), (16, 3), (61, 10)])
def test_quotes_far_from_the_close_are_stale(minutes: float, lost: int):
    assert points("staleness", quality(SIX, NO_QUOTES, 0.0, minutes, None, 0, False)) == lost


def test_an_expiration_that_had_to_be_lifted_costs_eight_points():
    assert points("crossed", quality(SIX, NO_QUOTES, 0.0, 0.0, None, 2, False)) == 16


def test_a_smile_of_few_quotes_is_none():
    thin = tuple(dataclasses.replace(each, quotes=7) for each in SIX)
    assert points("smiles", quality(thin, NO_QUOTES, 0.0, 0.0, None, 0, False)) == 15


@pytest.mark.parametrize(("share", "lost"), [(0.05, 0), (0.06, 3), (0.11, 6), (0.21, 10)])
def test_variance_beyond_the_quoted_strikes_costs_points(share: float, lost: int):
    wide = tuple(dataclasses.replace(each, outside_share=share) for each in SIX)
    assert points("wings", quality(wide, NO_QUOTES, 0.0, 0.0, None, 0, False)) == lost


def test_a_report_that_lacks_a_part_is_not_called_good():
    assert quality(SIX, SOUND, 0.0, 0.0, None, 0, True).label == "fair"
    assert quality(SIX, SOUND, 0.0, 0.0, None, 0, False).label == "good"


def test_prices_that_can_be_had_are_no_arbitrage():
    assert raw_arbitrage(SOUND) == (0, 5)  # three spreads, two butterflies
    assert raw_arbitrage(chain([3.0, 5.0, 8.0, 12.0], [3.2, 5.2, 8.2, 12.2], "P")) == (0, 5)


def test_a_call_dearer_than_one_of_a_lower_strike_is_an_arbitrage_and_a_put_the_other_way_round():
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5])) == (1, 1)
    assert raw_arbitrage(chain([8.3, 8.0], [8.5, 8.2], "P")) == (1, 1)
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5], "P")) == (0, 1)


def test_a_body_dearer_than_its_wings_is_an_arbitrage():
    assert raw_arbitrage(chain([12.0, 9.0, 5.0], [12.2, 9.1, 5.2])) == (1, 3)  # wings cost 8.7
    assert raw_arbitrage(chain([12.0, 8.6, 5.0], [12.2, 8.8, 5.2])) == (0, 3)


def test_quotes_that_cleaning_drops_are_counted_and_other_contracts_are_not():
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5], reason="outlier")) == (1, 1)
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5], reason="nonstandard")) == (0, 0)


def test_the_score_never_falls_below_zero():
    poor = {"half_spread_vol": 0.05, "outside_share": 0.5, "quotes": 3}
    broken = tuple(dataclasses.replace(each, **poor) for each in SIX[:3])
    wild = chain([1.0 + n for n in range(30)], [1.0 + n for n in range(30)])
    found = quality(broken, wild, None, 500.0, None, 3, False)
    assert found.score == 0
    assert found.label == "poor"
