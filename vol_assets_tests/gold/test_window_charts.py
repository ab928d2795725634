"""The charts of price windows, and of GLD beside XAU/USD, are true to the numbers they are made of."""

import pytest
from drawn import draw

from vol_assets.gold.pdf.charts.comparison import cones, forwards
from vol_assets.gold.pdf.charts.fan import fan
from vol_assets.gold.pdf.charts.jumps import jumps
from vol_assets.gold.pdf.charts.posterior import posterior
from vol_assets.gold.pdf.charts.price_density import price_density
from vol_assets.gold.words import Words

ENGLISH = Words("en")


def last_of_a_year(instrument):
    return [horizon for horizon in instrument["horizons"] if horizon["days"] <= 365][-1]


@pytest.mark.parametrize("which", ["gld", "xau"])
def test_the_fan_ends_in_the_windows_of_the_last_horizon_from_high_to_low(analysis, which):
    drawn = draw(fan, analysis[which], ENGLISH, 485.0, 205.0)
    last = last_of_a_year(analysis[which])
    windows = list(zip(("68", "90", "95", "99"), last["posterior"]["intervals"]))
    highs = [f"{share}\u202f%\u00a0\u00a0{ENGLISH.price(one['high'])}" for share, one in reversed(windows)]
    lows = [f"{share}\u202f%\u00a0\u00a0{ENGLISH.price(one['low'])}" for share, one in windows]
    ends = [box for box in drawn.panel.texts if "\u00a0\u00a0" in box.text]
    ends.sort(key=lambda box: box.y)
    assert [box.text for box in ends] == [*highs, f"F\u00a0\u00a0{ENGLISH.price(last['forward'])}", *lows]
    assert not drawn.panel.left_out


def test_without_a_posterior_the_fan_is_that_of_options(options_alone_analysis):
    gld = options_alone_analysis["gld"]
    texts = draw(fan, gld, ENGLISH, 485.0, 205.0).texts
    highest = last_of_a_year(gld)["risk_neutral"]["intervals"][-1]["high"]
    assert f"99\u202f%\u00a0\u00a0{ENGLISH.price(highest)}" in texts
    assert "Q: 68, 90, 95, 99\u202f%" in texts
    assert not any(one.startswith("P") for one in texts)


def test_densities_name_value_at_risk_and_expected_shortfall_of_their_horizons(analysis):
    texts = draw(price_density, analysis["gld"], ENGLISH, 285.0, 205.0).texts
    for days in (30, 91):
        horizon = next(one for one in analysis["gld"]["horizons"] if one["days"] == days)
        var, es = horizon["posterior"]["tails"][0], horizon["posterior"]["tails"][1]
        assert f"{days} days" in texts
        for price, loss in (
            (var["value_at_risk"], var["value_at_risk_loss"]),
            (es["expected_shortfall"], es["expected_shortfall_loss"]),
        ):
            assert f"{ENGLISH.price(price)} (\u2212{ENGLISH.percent(loss, 1)})" in texts
    assert {"VaR 5\u202f%", "ES 2.5\u202f%"} <= set(texts)


def test_vols_end_in_the_numbers_of_the_last_horizon(analysis):
    last = last_of_a_year(analysis["gld"])
    texts = draw(posterior, analysis["gld"], ENGLISH, 285.0, 160.0).texts
    for name in ("implied_vol", "realised_vol", "posterior_vol", "equal_weight_vol"):
        assert ENGLISH.percent(last[name], 1) in texts


def test_the_most_significant_jumps_are_named_with_date_and_z(analysis):
    texts = draw(jumps, analysis, ENGLISH, 253.0, 110.0).texts
    listed = sorted(analysis["gld"]["realised"]["jumps"], key=lambda jump: -abs(jump["z"]))
    for jump in listed[:2]:
        assert ENGLISH.date(jump["session"]) in texts
        assert f"z {ENGLISH.signed(jump['z'], 1)}" in texts


def test_the_metal_carries_more_than_the_fund(analysis):
    ends = {box.text: box.y for box in draw(forwards, analysis, ENGLISH, 197.0, 110.0).panel.texts if box.bold}
    over = {
        which: ENGLISH.signed_percent(
            last_of_a_year(analysis[which])["forward"] / analysis[which]["spot"]["price"] - 1, 2
        )
        for which in ("gld", "xau")
    }
    assert set(ends) == set(over.values())
    assert ends[over["xau"]] < ends[over["gld"]]


def test_cones_share_their_scale(analysis):
    drawn = draw(cones, analysis, ENGLISH, 299.0, 110.0)
    ticks = [box for box in drawn.panel.texts if box.anchor == "end" and box.text.isdigit()]
    middle = drawn.panel.width / 2
    left, right = ([(box.text, box.y) for box in ticks if (box.x < middle) is side] for side in (True, False))
    assert left == right
    assert len(left) >= 3
