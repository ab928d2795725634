"""Pictures of surfaces fitted to simulated quotes: what is drawn is what the surface and the quotes say."""

import struct
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from vol_assets.charts import style
from vol_assets.contracts.tenors import DELTAS
from vol_assets.quant.surface import Surface
from vol_assets.quant.surface_fit import Quotes, fit_surface
from vol_assets.surfaces import charts
from vol_assets.surfaces.charts.words import days

pytestmark = pytest.mark.filterwarnings("error")

DAY = pd.Timestamp("2018-11-15")
SPOT = 280.0
LISTED = (1, 6, 13, 22, 29, 43, 64, 92, 127, 183, 218, 309, 365, 582)


class Session(NamedTuple):
    surface: Surface
    rows: pd.DataFrame
    curated: pd.DataFrame

    @property
    def tenors(self) -> pd.DataFrame:
        tenor_days = np.array([7, 30, 91, 365])
        smiles = self.surface.smiles(tenor_days / 365)
        vols = smiles.at_delta(np.array(DELTAS) / 100)[1] / np.sqrt(smiles.years)[:, None]
        return pd.DataFrame({f"vol_d{delta}": vols[:, j] for j, delta in enumerate(DELTAS)}).assign(
            date=DAY, symbol="SPY", tenor_days=tenor_days, extrapolated=smiles.extrapolated
        )


def calm(years: float) -> float:
    return 0.11 + 0.06 * (1 - np.exp(-1.5 * years))


def stressed(years: float) -> float:
    return 0.22 + 0.30 * np.exp(-4 * years)


def session(at_money, listed=LISTED, counts=None, skewed=True) -> Session:
    """SSVI smiles (or flat ones) quoted 3% wide, with call bids failing from two stdevs on."""
    quotes, tables = [], []
    for i, day in enumerate(listed):
        years = day / 365
        forward, theta = SPOT * np.exp(0.01 * years), at_money(years) ** 2 * years
        k = np.linspace(-5, 3.2, 42) * np.sqrt(theta)
        if counts:
            k = np.sort(k[np.argsort(np.abs(k))[: counts[i]]])
        phi, rho = (1.0 / np.sqrt(theta), -0.7) if skewed else (1e-9, 0.0)
        stdev = np.sqrt(0.5 * theta * (1 + rho * phi * k + np.sqrt((phi * k + rho) ** 2 + 1 - rho**2)))
        no_bid = k > 2 * np.sqrt(theta)
        bid, mid = (np.where(no_bid, np.nan, factor * stdev) for factor in (0.985, 1.0))
        ask = np.where(no_bid, 1.4, 1.015) * stdev
        quotes.append(Quotes(years, forward, k, bid, mid, ask))
        table = pd.DataFrame({"k": k, "bid_vol": bid, "mid_vol": mid, "ask_vol": ask})
        table[["bid_vol", "mid_vol", "ask_vol"]] /= np.sqrt(years)
        tables.append(
            table.assign(expiration=DAY + pd.Timedelta(days=day), role=np.where(no_bid, "bound", "fit"), symbol="SPY")
        )
    surface = fit_surface(quotes, SPOT)
    return Session(surface, rows_of(surface, quotes), pd.concat(tables, ignore_index=True))


def rows_of(surface: Surface, quotes: list[Quotes]) -> pd.DataFrame:
    """The columns of surface/spy that the pictures read."""
    smiles, root = surface.smiles(surface.years), np.sqrt(surface.years)
    call, put = (smiles.at_delta(np.array([0.25, 0.75]))[1] / root[:, None]).T
    return pd.DataFrame(
        {
            "date": DAY,
            "symbol": "SPY",
            "quote_time": pd.Timestamp("2018-11-15 20:45", tz="UTC"),
            "expiration": DAY + pd.to_timedelta(np.round(surface.years * 365), unit="D"),
            "years": surface.years,
            "model": np.where(surface.is_mixture, "mixture_4", "essvi"),
            "atm_vol": smiles.at_money / root,
            "rr25": call - put,
            "bf25": 0.5 * (call + put) - smiles.at_money / root,
            "model_free_vol": 1.1 * smiles.at_money / root,
            "rmse_vol": 0.001,
            "quotes": [int(one.fitted.sum()) for one in quotes],
        }
    )


@pytest.fixture(scope="module", params=[calm, stressed], ids=lambda level: level.__name__)
def market(request) -> Session:
    return session(request.param)


def pictures_of(market: Session) -> dict:
    return {
        "smiles": charts.smiles(*market),
        "term structure": charts.term_structure(market.surface, market.rows),
        "densities": charts.densities(market.surface, market.rows),
    }


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])


@pytest.fixture(scope="module")
def pictures(market) -> dict:
    return pictures_of(market) | {"heat map": charts.heat_map(market.tenors)}


def test_every_picture_is_a_small_png_900_pixels_wide(pictures):
    for name, figure in pictures.items():
        picture = style.png(figure, dpi=80)
        width, height = size(picture)
        assert width == 900, name
        assert 250 < height < 1000, name
        assert len(picture) < 300_000, name


def test_no_text_leaves_the_figure_and_no_panel_title_touches_its_note(pictures):
    for name, figure in pictures.items():
        figure.draw_without_rendering()
        for text in figure.texts:
            assert text.get_window_extent().x1 < figure.bbox.x1, (name, text.get_text())
        for ax in figure.axes:
            left, right = (title.get_window_extent() for title in (ax._left_title, ax._right_title))
            assert not ax.get_title(loc="right") or left.x1 < right.x0, (name, ax.get_title(loc="left"))


def test_smiles_draws_the_first_the_last_and_ten_others(market):
    figure = charts.smiles(*market)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert len(titles) == 12
    assert titles[0] == "16 Nov 2018, 1 day"
    assert titles[-1] == "19 Jun 2020, 582 days"
    note = figure.axes[0].get_title(loc="right")
    assert note == f"ATM {market.rows['atm_vol'].iloc[0]:.1%}, rms 0.10"
    assert figure.texts[1].get_text().startswith("15 Nov 2018, quotes of 15:45 New York; 12 of 14 expirations")


def test_a_smile_is_the_surface_and_its_bars_are_the_quotes(market):
    figure = charts.smiles(*market, most=3)
    for ax, i in zip(figure.axes, (0, 6, 13)):
        row = market.rows.loc[i]
        quotes = market.curated[market.curated["expiration"] == row["expiration"]]
        at_money = row["atm_vol"] * np.sqrt(row["years"])
        whole, mids, bounds, among = ax.lines[:4]
        x = whole.get_xdata()
        np.testing.assert_array_equal(whole.get_ydata(), market.surface.smiles(row["years"]).vol(x * at_money)[0])
        fit, bound = (quotes[quotes["role"] == role] for role in ("fit", "bound"))
        inside = (x * at_money >= fit["k"].min()) & (x * at_money <= fit["k"].max())
        np.testing.assert_array_equal(np.isfinite(among.get_ydata()), inside)
        np.testing.assert_allclose(mids.get_xdata() * at_money, fit["k"])
        np.testing.assert_array_equal(mids.get_ydata(), fit["mid_vol"])
        np.testing.assert_array_equal(bounds.get_ydata(), bound["ask_vol"])
        bars = np.array(ax.collections[0].get_segments())
        np.testing.assert_array_equal(bars[:, :, 1], fit[["bid_vol", "ask_vol"]])
        np.testing.assert_array_equal(bars[:, 0, 0], mids.get_xdata())
        low, high = ax.get_ylim()
        assert low < fit["bid_vol"].min() < fit["ask_vol"].max() < high


def test_the_term_structure_goes_through_its_expirations(market):
    figure = charts.term_structure(market.surface, market.rows)
    level, reversal, butterfly = figure.axes
    drawn = dict(
        zip(("model_free_vol", "atm_vol", "rr25", "bf25"), _pairs(level) + _pairs(reversal) + _pairs(butterfly))
    )
    for column, (line, points) in drawn.items():
        np.testing.assert_allclose(points.get_xdata(), market.rows["years"] * 365)
        np.testing.assert_array_equal(points.get_ydata(), market.rows[column])
        assert np.all(np.diff(line.get_xdata()) > 0)
        if column != "model_free_vol":  # the rows' own is made up
            at_points = np.isin(line.get_xdata(), points.get_xdata())
            np.testing.assert_allclose(line.get_ydata()[at_points], market.rows[column], atol=1e-10)
    times = drawn["atm_vol"][0].get_xdata() / 365
    expected = market.surface.smiles(times).vol(np.zeros(1))[:, 0]
    np.testing.assert_allclose(drawn["atm_vol"][0].get_ydata(), expected, rtol=1e-12)


def _pairs(ax) -> list:
    """Each line of an axes with its points."""
    lines = [line for line in ax.lines if len(line.get_xdata()) > 2]  # not the one at zero
    return list(zip(lines[::2], lines[1::2]))


def test_with_flat_smiles_model_free_is_at_the_forward_and_the_density_is_lognormal():
    market = session(lambda years: 0.2, listed=(20, 90, 300), skewed=False)
    level = charts.term_structure(market.surface, market.rows).axes[0]
    for line, points in _pairs(level):
        quoted = np.isin(line.get_xdata(), points.get_xdata())
        np.testing.assert_allclose(line.get_ydata()[quoted], 0.2, rtol=0.005)
    for ax in charts.densities(market.surface, market.rows, tenor_days=(20, 90, 300)).axes:
        lognormal, drawn = (line.get_ydata() for line in ax.lines[:2])
        np.testing.assert_allclose(drawn, lognormal, atol=0.05 * lognormal.max())


def test_the_heat_map_says_the_vols_from_low_strikes_to_high_ones(market):
    (ax,) = charts.heat_map(market.tenors.iloc[::-1]).axes
    texts = np.array([text.get_text() for text in ax.texts]).reshape(4, len(DELTAS))
    expected = market.tenors[[f"vol_d{delta}" for delta in reversed(DELTAS)]].to_numpy()
    np.testing.assert_array_equal(texts, [[f"{100 * vol:.1f}" for vol in row] for row in expected])
    colours = ax.collections[0].get_array().reshape(expected.shape)
    np.testing.assert_array_equal(np.argsort(colours, axis=None), np.argsort(expected, axis=None))
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert (labels[0], labels[8], labels[-1]) == ("10 put", "50", "10 call")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["7", "30", "91", "365"]


def test_a_vol_that_is_not_there_leaves_its_cell_empty(market):
    tenors = market.tenors
    tenors.loc[1, "vol_d15"] = np.nan
    (ax,) = charts.heat_map(tenors).axes
    assert len(ax.texts) == 4 * len(DELTAS) - 1
    assert size(style.png(charts.heat_map(tenors.assign(**{f"vol_d{delta}": np.nan for delta in DELTAS}))))


def test_density_holds_all_probability_and_its_marks_cut_off_theirs(market):
    figure = charts.densities(market.surface, market.rows)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["7 days", "30 days", "91 days", "365 days"]
    for ax in figure.axes:
        growth, value = ax.lines[1].get_xdata(), ax.lines[1].get_ydata()
        mass = 100 * np.concatenate([[0], np.cumsum(0.5 * (value[1:] + value[:-1]) * np.diff(growth))])
        np.testing.assert_allclose(mass[-1], 0.994, atol=2e-3)
        (marks,) = (part.get_segments() for part in ax.collections if hasattr(part, "get_segments"))
        places = [mark[0][0] for mark in marks]
        np.testing.assert_allclose(np.interp(places, growth, mass) + 0.005, [0.05, 0.5, 0.95], atol=2e-3)
        for text, place in zip(ax.texts, places):
            price, change = text.get_text().split("\n")
            assert price.endswith(f" {SPOT * (1 + place):,.1f}")
            assert change == f"{place:+.1%}"


def test_what_is_extrapolated_is_said():
    market = session(calm, listed=(20, 90))
    figure = charts.heat_map(market.tenors)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["7 *", "30", "91 *", "365 *"]
    assert "* beyond the expirations" in figure.texts[1].get_text()
    notes = [ax.get_title(loc="right") for ax in charts.densities(market.surface, market.rows, (7, 30, 365)).axes]
    assert [note.endswith(", extrapolated") for note in notes] == [True, False, True]


@pytest.mark.parametrize(
    ("listed", "counts"),
    [((30,), None), ((30,), [1]), ((0.2, 30, 91), [1, 5, 30]), ((7, 8), [3, 12])],
    ids=["one expiration", "one quote", "eSSVI beside mixtures", "two expirations"],
)
def test_odd_surfaces_can_be_drawn(listed, counts):
    market = session(calm, listed, counts)
    for name, figure in pictures_of(market).items():
        assert size(style.png(figure, dpi=40))[0] == 450, name


def test_an_expiration_without_a_mixture_says_so():
    market = session(calm, listed=(7, 30), counts=[1, 40])
    few, many = charts.smiles(*market).axes
    assert [text.get_text() for text in few.texts] == ["eSSVI of 1 quote"]
    assert not many.texts


def test_what_is_missing_is_not_drawn():
    market = session(calm, listed=(7, 30))
    market.rows.loc[0, ["rr25", "bf25", "model_free_vol", "rmse_vol"]] = np.nan
    market.curated.loc[:, ["bid_vol", "mid_vol"]] = np.nan
    for figure in pictures_of(market).values():
        assert size(style.png(figure, dpi=40))
    figure = charts.smiles(market.surface, market.rows, market.curated.iloc[:0])
    assert size(style.png(figure, dpi=40))
    assert "rms" not in figure.axes[0].get_title(loc="right")


@pytest.mark.parametrize(
    ("years", "text"),
    [(1 / 365, "1 day"), (0.2 / 365, "0.2 days"), (1.02 / 365, "1 day"), (1.6 / 365, "2 days"), (2.0, "730 days")],
)
def test_days_are_words(years, text):
    assert days(years) == text


def test_importing_the_pictures_does_not_load_matplotlib():
    code = "import sys, vol_assets.surfaces.charts; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
