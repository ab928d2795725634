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
        "lowest_strike": 150.0,
        "highest_strike": 260.0,
        "moments_source": "surface",
        "flags": (),
    }
    return Expiration(**values | other)


def chain(bids: list[float], asks: list[float], right: str = "C", role: str = "fit") -> pd.DataFrame:
    strikes = [190.0 + 5.0 * i for i in range(len(bids))]
    return pd.DataFrame(
        {"expiration": pd.Timestamp("2024-04-19"), "right": right, "role": role}
        | {"strike": strikes, "bid": bids, "ask": asks}
    )


SIX = tuple(expiration(30.0 * n) for n in range(1, 7))
NO_QUOTES = chain([], [])
SOUND = chain([12.0, 8.0, 5.0, 3.0], [12.2, 8.2, 5.2, 3.2])


def points(code: str, found) -> int:
    (penalty,) = [penalty for penalty in found.penalties if penalty.code == code]
    return penalty.points


def test_a_session_with_nothing_wrong_but_no_history_loses_only_the_cone():
    found = quality(SIX, SOUND, 0.0002, 0.0, None)
    assert (found.score, found.label) == (90, "good")
    assert [penalty.code for penalty in found.penalties if penalty.points] == ["cone"]


@pytest.mark.parametrize(("count", "lost"), [(6, 0), (5, 10), (4, 10), (3, 30), (1, 30)])
def test_few_expirations_cost_points(count: int, lost: int):
    assert points("expirations", quality(SIX[:count], NO_QUOTES, 0.0, 0.0, None)) == lost


def test_expirations_beyond_400_days_do_not_count():
    far = tuple(dataclasses.replace(each, days=each.days + 400) for each in SIX)
    assert points("expirations", quality(far, NO_QUOTES, 0.0, 0.0, None)) == 30


def test_a_smile_without_one_wing_is_not_a_smile():
    one_sided = tuple(dataclasses.replace(each, lowest_strike=195.0) for each in SIX)
    assert points("smiles", quality(one_sided, NO_QUOTES, 0.0, 0.0, None)) == 15
    assert points("smiles", quality(SIX[:4] + one_sided[4:], NO_QUOTES, 0.0, 0.0, None)) == 5


@pytest.mark.parametrize(("gap", "lost"), [(0.0009, 0), (-0.0011, 3), (0.003, 8), (-0.02, 15)])
def test_parity_that_misses_the_close_costs_points_either_way(gap: float, lost: int):
    assert points("parity", quality(SIX, NO_QUOTES, gap, 0.0, None)) == lost


def test_without_a_close_there_is_nothing_to_hold_parity_against():
    assert points("no_close", quality(SIX, NO_QUOTES, None, 0.0, None)) == 5


@pytest.mark.parametrize(("minutes", "lost"), [(15, 0), (16, 3), (61, 10)])
def test_quotes_far_from_the_close_are_stale(minutes: float, lost: int):
    assert points("staleness", quality(SIX, NO_QUOTES, 0.0, minutes, None)) == lost


def test_a_broken_certificate_costs_eight_points_an_expiration():
    broken = (dataclasses.replace(SIX[0], calendar_gap=1e-6), dataclasses.replace(SIX[1], min_density=-0.1), *SIX[2:])
    assert points("surface_arbitrage", quality(broken, NO_QUOTES, 0.0, 0.0, None)) == 16


def test_prices_that_can_be_had_are_no_arbitrage():
    assert raw_arbitrage(SOUND) == 0
    assert raw_arbitrage(chain([3.0, 5.0, 8.0, 12.0], [3.2, 5.2, 8.2, 12.2], "P")) == 0


def test_a_call_dearer_than_one_of_a_lower_strike_is_an_arbitrage_and_a_put_the_other_way_round():
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5])) == 1
    assert raw_arbitrage(chain([8.3, 8.0], [8.5, 8.2], "P")) == 1
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5], "P")) == 0


def test_a_body_dearer_than_its_wings_is_an_arbitrage():
    assert raw_arbitrage(chain([12.0, 9.0, 5.0], [12.2, 9.1, 5.2])) == 1  # wings cost 8.7
    assert raw_arbitrage(chain([12.0, 8.6, 5.0], [12.2, 8.8, 5.2])) == 0


def test_quotes_that_are_not_used_are_not_looked_at():
    assert raw_arbitrage(chain([8.0, 8.3], [8.2, 8.5], role="dropped")) == 0


def test_the_score_never_falls_below_zero():
    broken = tuple(dataclasses.replace(each, calendar_gap=1e-3, half_spread_vol=0.05) for each in SIX[:3])
    wild = chain([1.0 + n for n in range(30)], [1.0 + n for n in range(30)])
    found = quality(broken, wild, None, 500.0, None)
    assert found.score == 0
    assert found.label == "poor"
