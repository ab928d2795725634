"""The whole analysis on the sample market, and on inputs that lack something: the rest is said, what lacks is named."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_inputs import CALM, STRESSED, crossed_inputs, sample_inputs

from vol_assets.errors import ReportError
from vol_assets.gold.analysis import analyse
from vol_assets.gold.document import document_of, validated
from vol_assets.gold.inputs import GoldInputs, InputReader
from vol_assets.gold.pdf.pages import report_pages
from vol_assets.gold.report import GoldReport
from vol_assets.lake import Lake
from vol_assets.sources.sample.bars import EXPENSES

Change = Callable[[GoldInputs], GoldInputs]


def without(*symbols: str) -> Change:
    return lambda i: dataclasses.replace(i, bars=i.bars[~i.bars["symbol"].isin(symbols)])


def expirations(*which: int) -> Change:
    """Some of the expirations alone, and no tenors that lie between others."""
    return lambda i: dataclasses.replace(i, surface=i.surface.iloc[list(which)], tenors=i.tenors.iloc[:0])


def last_bars(count: int) -> Change:
    return lambda i: dataclasses.replace(i, bars=i.bars[i.bars["date"].isin(i.bars["date"].unique()[-count:])])


def until(days_before: int) -> Change:
    return lambda i: dataclasses.replace(
        i, bars=i.bars[i.bars["date"] <= pd.Timestamp(i.session) - pd.Timedelta(days=days_before)]
    )


def close(factor: float) -> Change:
    def change(inputs: GoldInputs) -> GoldInputs:
        bars = inputs.bars.copy()
        today = (bars["symbol"] == "GLD") & (bars["date"] == pd.Timestamp(inputs.session))
        bars.loc[today, "close"] *= factor
        return dataclasses.replace(inputs, bars=bars)

    return change


def future(factor: float) -> Change:
    def change(inputs: GoldInputs) -> GoldInputs:
        bars = inputs.bars.copy()
        bars.loc[bars["symbol"] == "GC=F", "close"] *= factor
        return dataclasses.replace(inputs, bars=bars)

    return change


def thin(inputs: GoldInputs) -> GoldInputs:
    """Every slice is the eSSVI one, as if it had been fitted to a handful of quotes."""
    mixture = [name for name in inputs.surface if name.startswith(("weight_", "mean_", "stdev_"))]
    surface = inputs.surface.assign(model="essvi", quotes=5, **dict.fromkeys(mixture, np.nan))
    fitted = inputs.quotes[inputs.quotes["role"] == "fit"]
    return dataclasses.replace(inputs, surface=surface, quotes=fitted.groupby("expiration").head(5))


def hole(symbol: str, sessions_ago: int, count: int = 1) -> Change:
    """No bars of a symbol on some sessions."""

    def change(inputs: GoldInputs) -> GoldInputs:
        gone = inputs.bars["date"].unique()[-sessions_ago - count : -sessions_ago]
        lost = inputs.bars["date"].isin(gone) & (inputs.bars["symbol"] == symbol)
        return dataclasses.replace(inputs, bars=inputs.bars[~lost])

    return change


def late(hours: float) -> Change:
    return lambda i: dataclasses.replace(
        i, surface=i.surface.assign(quote_time=i.surface["quote_time"] - pd.Timedelta(hours=hours))
    )


# What is done to the inputs -> the notices that degrade the report, and the parts that are gone.
TROUBLE = {
    "two expirations only": (expirations(4, 7), {"few_expirations", "no_tenors"}, set()),
    "a single expiration": (expirations(6), {"few_expirations", "no_tenors"}, set()),
    "no GVZ": (without("GVZ"), {"no_gvz"}, {"gvz"}),
    "no gold future": (without("GC=F"), {"no_future"}, {"xau", "basis"}),
    "no bars at all": (
        without("GLD", "GC=F", "GVZ"),
        {"spot_from_parity", "no_bars", "no_gvz", "no_future"},
        {"gvz", "xau", "basis", "blend"},
    ),
    "bars that ended a month before": (
        until(30),
        {"spot_from_parity", "old_bars", "no_gvz", "old_future"},
        {"gvz", "xau", "basis", "blend"},
    ),
    "thirty sessions of history": (last_bars(30), {"short_history", "trailing_forecast"}, set()),
    "ten sessions of history": (
        last_bars(10),
        {"short_history", "no_forecast", "few_basis_sessions"},
        {"blend"},
    ),
    "bars that ended four days before": (
        until(4),
        {"spot_from_parity", "late_bars", "no_gvz"},
        {"gvz"},
    ),
    "a close of zero": (close(0.0), {"spot_from_parity", "late_bars"}, set()),
    "a close of another share": (close(1.1), {"spot_off"}, set()),
    "a future of which an ounce is a tenth": (future(0.1), {"basis_broken"}, {"xau", "basis"}),
    "a future one percent off": (future(1.01), {"basis_off"}, set()),
    "a crossed surface": (lambda inputs: crossed_inputs(inputs.session), {"crossed_surface"}, set()),
    "hardly any quotes": (thin, {"thin_surface"}, set()),
    "quotes of the morning": (late(5), {"stale_quotes"}, set()),
}


@pytest.fixture(scope="module", params=[CALM, STRESSED], ids=["calm", "stressed"])
def report(request) -> GoldReport:
    return analyse(sample_inputs(request.param))


def test_a_sound_session_has_every_part_and_is_not_degraded(report: GoldReport):
    assert not report.degraded
    assert report.quality.label == "good"
    assert None not in (
        report.gvz,
        report.xau,
        report.blend,
        report.basis,
        report.gld.realised,
        report.gld.ratio_history,
    )
    assert report.blend.source == "precision"
    assert {horizon.kind for horizon in report.gld.horizons} == {"expiration", "tenor"}
    assert len(report.gld.densities) == 3


def test_the_posterior_lies_between_what_it_is_made_of_and_its_variance_grows_with_time(report: GoldReport):
    scale = report.blend.implied_scale
    for horizon in report.gld.horizons:
        if not horizon.calendar_adjusted:
            scales = (scale,) if horizon.days <= 91 else (scale, 1.0)  # beyond, part of the variance is not scaled
            parts = [horizon.realised_vol, *(np.sqrt(each) * horizon.implied_vol for each in scales)]
            assert min(parts) - 1e-12 <= horizon.posterior_vol <= max(parts) + 1e-12
            halves = 0.5 * horizon.implied_vol**2 + 0.5 * horizon.realised_vol**2
            assert horizon.equal_weight_vol == pytest.approx(np.sqrt(halves))
    for vol in ("posterior_vol", "equal_weight_vol"):
        totals = np.array([getattr(horizon, vol) ** 2 * horizon.years for horizon in report.gld.horizons])
        assert (np.diff(totals) >= -1e-12).all()


def test_both_laws_expect_the_forward(report: GoldReport):
    for instrument in (report.gld, report.xau):
        for horizon in instrument.horizons:
            assert horizon.posterior.mean == pytest.approx(horizon.forward, rel=1e-9)
            assert horizon.risk_neutral.mean == pytest.approx(horizon.forward, rel=1e-6)


def test_gold_and_gld_agree_where_they_are_one_market(report: GoldReport):
    for gld, xau in zip(report.gld.horizons, report.xau.horizons, strict=True):
        assert (xau.skewness, xau.excess_kurtosis, xau.implied_vol) == (
            gld.skewness,
            gld.excess_kurtosis,
            gld.implied_vol,
        )
        scale = report.basis.ratio * np.exp(EXPENSES * gld.years)
        assert xau.forward == pytest.approx(gld.forward * scale)
        for ours, theirs in zip(gld.posterior.intervals, xau.posterior.intervals, strict=True):
            assert (theirs.low, theirs.high) == pytest.approx((ours.low * scale, ours.high * scale))


def test_gold_is_not_the_fund_under_another_name(report: GoldReport):
    assert report.xau.spot.price == pytest.approx(report.gld.spot.price * report.basis.ratio)
    assert report.xau.realised != report.gld.realised
    assert (
        report.xau.horizons[-1].forward / report.xau.spot.price
        > report.gld.horizons[-1].forward / report.gld.spot.price
    )


def test_equal_inputs_make_equal_documents(report: GoldReport):
    again = analyse(sample_inputs(report.session))
    assert document_of(again) == document_of(report)


@pytest.mark.parametrize("name", TROUBLE)
def test_the_report_comes_all_the_same_and_names_what_it_lacks(name: str):
    change, wanted, gone = TROUBLE[name]
    found = analyse(change(sample_inputs(CALM)))
    assert found.degraded
    assert {notice.code for notice in found.notices if notice.degrades} == wanted
    assert {part for part in ("gvz", "xau", "basis", "blend") if getattr(found, part) is None} == gone
    document = document_of(found)
    validated(document)
    assert document["meta"]["degraded"] is True
    assert len(document["meta"]["degraded_reasons"]) == len(wanted)
    json.dumps(report_pages(document, "fr"), allow_nan=False)


def test_without_bars_there_are_windows_of_options_alone():
    found = analyse(TROUBLE["no bars at all"][0](sample_inputs(CALM)))
    assert found.gld.spot.source == "parity"
    assert found.gld.realised is None
    for horizon in found.gld.horizons:
        assert (horizon.posterior, horizon.cornish_fisher, horizon.realised_vol) == (None, None, None)
        assert horizon.risk_neutral.intervals[-1].low < horizon.forward < horizon.risk_neutral.intervals[-1].high


def test_a_surface_whose_quotes_cross_still_gives_windows_that_widen_and_says_where_it_is_approximate():
    found = analyse(crossed_inputs(CALM))
    assert (np.diff([horizon.posterior.log_stdev for horizon in found.gld.horizons]) >= -1e-12).all()
    rough = {horizon.expiration for horizon in found.gld.horizons if horizon.shape == "approximate"}
    assert {found.surface.expirations[number].expiration for number in (3, 4)} <= rough
    assert None in {each.forward_vol for each in found.surface.forward_vols}
    assert found.quality.label != "good"


def test_a_lift_of_less_than_a_cent_is_what_ticks_leave_and_no_crossing():
    inputs = sample_inputs(CALM)
    found = analyse(dataclasses.replace(inputs, surface=inputs.surface.assign(lift=5e-5)))
    assert not found.degraded
    assert {horizon.shape for horizon in found.gld.horizons} == {"mixture"}


@pytest.mark.parametrize("symbol", ["GLD", "GC=F"])
def test_a_session_without_a_bar_changes_no_signal(symbol: str):
    whole, holed = analyse(sample_inputs(CALM)), analyse(hole(symbol, 30)(sample_inputs(CALM)))
    assert not holed.degraded
    for before, after in ((whole.gld, holed.gld), (whole.xau, holed.xau)):
        assert [row.signal for row in after.ratios] == [row.signal for row in before.ratios]
        assert [row.trailing_window for row in after.ratios] == [row.trailing_window for row in before.ratios]
    assert holed.blend.realised_source == "har"


def test_a_long_hole_leaves_the_windows_over_it_unknown_and_no_other_in_their_place():
    found = analyse(hole("GLD", 30, 10)(sample_inputs(CALM)))
    windows = {row.sessions: row.trailing_window for row in found.gld.ratios}
    assert all(window is None for sessions, window in windows.items() if sessions > 45)
    assert all(window == min((7, 14, 21), key=lambda w: (abs(w - s), w)) for s, window in windows.items() if s < 25)


def test_a_close_of_another_instant_than_the_options_is_not_their_spot():
    """Gold up 1.2 % after the quotes: the carry to the first expirations stays what it was."""
    whole, moved = analyse(sample_inputs(CALM)), analyse(close(1.012)(sample_inputs(CALM)))
    assert (moved.gld.spot.source, moved.gld.spot.close) == ("parity", pytest.approx(whole.gld.spot.close * 1.012))
    assert moved.gld.spot.price == pytest.approx(whole.gld.spot.price, rel=1e-3)
    assert [notice.code for notice in moved.notices if notice.part == "spot"] == ["spot_gap"]


def test_a_session_without_a_surface_is_refused_in_plain_words(tmp_path: Path):
    lake = Lake(tmp_path, "sample")
    with pytest.raises(ReportError, match=r"no option surface of GLD for 2024-07-22.*materialize\s+raw/gld_chain"):
        InputReader(lake, [CALM]).read(CALM)
