import dataclasses
import datetime as dt
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
from functools import cache
from typing import NamedTuple

import documents
import numpy as np
import pypdfium2
import pypdfium2.raw as raw
import pytest
from pypdf import PdfReader

from vol_assets.gold import report as r
from vol_assets.gold.notices import NOTICES, notice
from vol_assets.gold.pdf import furniture, pages
from vol_assets.gold.pdf.render import TEMPLATE, page_png, render_pdf
from vol_assets.gold.pdf.tables.notices import notices
from vol_assets.gold.pdf.tables.quality import quality
from vol_assets.gold.pdf.tables.summary import summary
from vol_assets.gold.pdf.text import FONTS
from vol_assets.gold.words import LANGUAGES, Words
from vol_assets.gold.words.charts import CHARTS
from vol_assets.gold.words.notes import NOTES
from vol_assets.gold.words.pages import PAGES
from vol_assets.gold.words.tables import TABLES

A4 = (841.89, 595.28)
ENGLISH = Words("en")
LONGEST = {"count": 12, "total": 12, "minutes": 75, "basis_points": 212, "sessions": 1204, "needed": 1512, "window": 63}
LONGEST |= {"last": "2024-03-08", "stored": 120}


def every_notice():
    return tuple(notice(code, **LONGEST) for code in NOTICES)


def bare_instrument():
    """GLD without history: options alone."""
    gld = documents.instrument("GLD", with_posterior=False)
    unknown = dict.fromkeys(
        ("trailing_window", "trailing_vol", "ratio", "signal", "forecast_vol", "forecast_ratio", "forecast_signal")
    )
    unknown |= {"variance_premium": None, "cone_percentile": None}
    ratios = tuple(dataclasses.replace(row, **unknown) for row in gld.ratios)
    return dataclasses.replace(gld, realised=None, ratio_history=None, ratios=ratios)


def degraded():
    return documents.document(
        gld=bare_instrument(),
        xau=None,
        basis=None,
        blend=None,
        gvz=None,
        degraded=True,
        source="sample",
        rate_source="",
        notices=every_notice(),
        quality=dataclasses.replace(documents.quality(), score=55, label="poor"),
    )


def one_expiration():
    return documents.document(
        surface=documents.surface((30,), (30,)),
        gld=documents.instrument("GLD", (30,), ()),
        xau=documents.instrument("XAU/USD", (30,), ()),
    )


def marked():
    """With the marks of moments out of reach and of levelled horizons, an equal blend, and a signal of every kind."""
    gld = documents.instrument("GLD")
    horizons = tuple(
        dataclasses.replace(
            one, calendar_adjusted=True, cornish_fisher=dataclasses.replace(one.cornish_fisher, projected=True)
        )
        for one in gld.horizons
    )
    signals = itertools.cycle(("SELL VOL", "BUY VOL", "NEUTRAL"))
    ratios = tuple(dataclasses.replace(row, signal=next(signals)) for row in gld.ratios)
    past = dataclasses.replace(gld.realised, jumps=())
    blend = r.Blend(0.5, 1.0, "equal", "trailing", 0, 0.0, None, None, None)
    spot = dataclasses.replace(gld.spot, source="parity")
    return documents.document(
        gld=dataclasses.replace(gld, horizons=horizons, ratios=ratios, realised=past, densities=(), spot=spot),
        blend=blend,
        source="files",
        rate_source="rates.csv",
        sources=(),
        quality=dataclasses.replace(documents.quality(), score=70, label="fair"),
        notices=(notice("calendar_levelled", count=3),),
    )


def without_forecast():
    """Ratios to trailing vol alone."""
    found = documents.document()
    for row in found["analysis"]["gld"]["ratios"]:
        row |= dict.fromkeys(("forecast_vol", "forecast_ratio", "forecast_signal", "variance_premium"))
    return found


@pytest.fixture(scope="module")
def shapes(young_analysis, empty_analysis):
    """Documents of many shapes by name."""
    whole = documents.document()
    return {
        "whole": whole,
        "degraded": degraded(),
        "one expiration": one_expiration(),
        "marked": marked(),
        "young": {**whole, "analysis": young_analysis},
        "nothing": {**whole, "analysis": empty_analysis},
        "no forecast": without_forecast(),
    }


@pytest.fixture(scope="module")
def rendered(shapes):
    """PDFs by name and language."""
    made = [("whole", "en"), ("whole", "fr"), ("degraded", "en")]
    return {(name, language): render_pdf(shapes[name], language) for name, language in made}


class LaidOut(NamedTuple):
    """What the template is given by name of the document and language, and the texts that were asked for."""

    pages: dict
    used: set


@pytest.fixture(scope="module")
def laid_out(shapes):
    """The fullest documents in both languages, the others in the one with the longer words."""
    used, speak = set(), Words.__call__

    def listen(words, key, **values):
        used.add(key)
        return speak(words, key, **values)

    asked = [(name, "fr") for name in shapes] + [("whole", "en"), ("degraded", "en")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Words, "__call__", listen)
        made = {(name, language): pages.report_pages(shapes[name], language) for name, language in asked}
        for source in ("IRX", "setting", "parity"):
            furniture.facts({**shapes["whole"]["analysis"], "rate_source": source}, ENGLISH, 0.0, 800.0)
    return LaidOut(made, used)


@cache
def read(pdf, number):
    """The text of a page, counted from 1, with any space as a plain one; and the sizes of its letters in points."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[number - 1].get_textpage()
        matrix, sizes = raw.FS_MATRIX(), set()
        for i in range(page.count_chars()):
            if not chr(raw.FPDFText_GetUnicode(page, i)).isspace():
                raw.FPDFText_GetMatrix(page, i, matrix)
                scale = np.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c))
                sizes.add(round(float(raw.FPDFText_GetFontSize(page, i) * scale), 2))
        return plainly(page.get_text_range()), sizes


def plainly(text):
    return re.sub(r"\s+", " ", text)


# ---------------------------------------------------------------------- the file


def test_there_are_five_lying_a4_pages_of_modest_size(rendered):
    for pdf in rendered.values():
        found = PdfReader(io.BytesIO(pdf)).pages
        assert len(found) == 5
        for page in found:
            np.testing.assert_allclose((page.mediabox.width, page.mediabox.height), A4, atol=0.01)
        assert len(pdf) < 1_500_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_is_dated_with_the_session_and_titled_in_its_language(rendered, language):
    reader = PdfReader(io.BytesIO(rendered["whole", language]))
    assert reader.metadata.title == Words(language)("report.title")
    assert reader.metadata.author == "vol_assets"
    assert reader.metadata.creation_date.date() == documents.SESSION
    assert reader.trailer["/Root"]["/Lang"] == language
    assert [entry.title for entry in reader.outline] == [
        Words(language)(f"{name}.title", name=of)
        for name, of in (
            ("volatility", ""),
            ("surface", ""),
            ("markets", ""),
            ("windows", "GLD"),
            ("windows", "XAU/USD"),
        )
    ]


def test_nothing_but_the_two_shipped_fonts_is_used(rendered):
    used = set()
    for pdf in rendered.values():
        for page in PdfReader(io.BytesIO(pdf)).pages:
            used |= {font["/BaseFont"].partition("+")[2] for font in page["/Resources"]["/Font"].values()}
    assert {re.split("-Identity", name)[0] for name in used} == {"IBMPlexSansCond", "IBMPlexSansCond-SmBld"}


def test_a_document_read_back_from_its_file_gives_the_same_bytes_and_another_language_others(shapes, rendered):
    again = json.loads(json.dumps(shapes["whole"]))
    assert render_pdf(again, "en") == rendered["whole", "en"] != rendered["whole", "fr"]


def test_the_same_document_gives_the_same_bytes_in_another_process_elsewhere(shapes, rendered, tmp_path):
    path = tmp_path / "document.json"
    path.write_text(json.dumps(shapes["whole"]))
    program = (
        "import hashlib, json, sys; from vol_assets.gold.pdf.render import render_pdf; "
        "print(hashlib.sha256(render_pdf(json.load(open(sys.argv[1])), 'fr')).hexdigest())"
    )
    elsewhere = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7", "HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env=elsewhere,
        cwd=TEMPLATE.parents[3],
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == hashlib.sha256(rendered["whole", "fr"]).hexdigest(), found.stderr


def test_one_page_as_png_has_the_pixels_asked_for(rendered):
    png = page_png(rendered["whole", "en"], page=4, ppi=72)
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (842, 596)
    assert png != page_png(rendered["whole", "en"], page=5, ppi=72)


# ---------------------------------------------------------------------- what pages say


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_session_spots_source_number_and_how_to_read_it(rendered, language):
    words = Words(language)
    readings = ("volatility", ""), ("surface", ""), ("markets", ""), ("windows", "GLD"), ("windows", "XAU/USD")
    for number, (key, name) in enumerate(readings, start=1):
        page, _ = read(rendered["whole", language], number)
        for wanted in (
            words.long_date(documents.SESSION),
            words.dollars(documents.SPOT),
            words.dollars(documents.SPOT * documents.RATIO),
            words("source.yahoo"),
            words("report.reading"),
            words(f"{key}.reading", name=name),
            f"{number} / 5",
        ):
            assert plainly(wanted) in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_windows_of_a_tenor_stand_in_its_row(shapes, rendered, language):
    words = Words(language)
    for page, which in ((4, "gld"), (5, "xau")):
        horizon = next(
            one for one in shapes["whole"]["analysis"][which]["horizons"] if (one["kind"], one["days"]) == ("tenor", 91)
        )
        intervals = [*horizon["posterior"]["intervals"]]
        intervals += [horizon[law]["intervals"][2] for law in ("risk_neutral", "cornish_fisher")]
        cells = [f"{words.price(one['low'])}\u2013{words.price(one['high'])}" for one in intervals]
        cells += [words.price(horizon[law]["tails"][0]["value_at_risk"]) for law in ("posterior", "risk_neutral")]
        cells += [words.price(horizon[law]["tails"][1]["expected_shortfall"]) for law in ("posterior", "risk_neutral")]
        row = plainly(" ".join([words("table.days", days=91), words.price(horizon["forward"]), *cells]))
        assert row in read(rendered["whole", language], page)[0]


def test_a_simulated_market_and_a_degraded_report_are_said_on_every_page(laid_out, rendered):
    for page in laid_out.pages["degraded", "en"]["pages"]:
        simulated, lessened = page["banners"]
        assert "SIMULATED MARKET" in simulated["mark"]
        assert "none was ever quoted" in simulated["text"]
        assert lessened["mark"] == "DEGRADED"
        assert re.search(r"and \d+ more on page 3", lessened["text"])
        if page["number"] == "5 / 5":
            said, _ = read(rendered["degraded", "en"], 5)
            assert all(plainly(banner["mark"] + " " + banner["text"]) in said for banner in page["banners"])
    for page in laid_out.pages["whole", "en"]["pages"]:
        assert page["banners"] == []


def test_a_report_that_is_degraded_for_one_reason_says_it(shapes):
    only = documents.document(degraded=True, gvz=None, notices=(notice("no_gvz"),))
    (reason,) = {page["banners"][0]["text"] for page in pages.report_pages(only, "fr")["pages"]}
    assert reason == "GVZ n\u2019est pas coté pour la séance\u202f; sa courbe, son rang et son ratio sont omis."


def test_what_is_missing_leaves_its_panel_with_a_reason(rendered):
    said = {number: read(rendered["degraded", "en"], number)[0] for number in (3, 4, 5)}
    assert said[5].count("there is no gold future from which to take the basis") == 4
    assert "There is no P and no Cornish-Fisher beside it" in said[4]
    assert "There is no P here" in said[4]
    assert "GLD has no realised history here" in said[3]


def test_notices_that_find_no_room_are_counted(shapes):
    content = notices(shapes["degraded"]["analysis"], ENGLISH, 190.0, 100.0)
    shown = len(content["items"])
    assert 0 < shown < len(NOTICES)
    assert content["more"] == ENGLISH("notices.more", count=len(NOTICES) - shown)
    degrading = sum(degrades for _, degrades in NOTICES.values())
    assert {item["tone"] for item in content["items"][:degrading]} == {"rich"}
    roomy = notices(shapes["degraded"]["analysis"], ENGLISH, 190.0, 1000.0)
    assert len(roomy["items"]) == len(NOTICES)
    assert roomy["more"] == ""


def test_the_quality_panel_writes_every_rule_in_the_language_of_the_page():
    analysis = documents.document()["analysis"]
    rows = quality(analysis, Words("fr"), 290.0, 110.0)["rows"]
    assert len(rows) == len(analysis["quality"]["penalties"])
    assert rows[6] == {
        "text": "demi-fourchette médiane de 0,62 points de vol",
        "share": 5 / 15,
        "points": "5 sur 15",
    }


def test_the_summary_has_each_expiration_once_and_the_rank_of_its_tenor():
    analysis = documents.document()["analysis"]
    rows = summary(analysis, ENGLISH, 500.0, 140.0)["rows"]
    days = [int(row[1]) for row in rows]
    assert days == sorted(set(days))
    ranks = {rank["days"]: rank["rank"] for rank in analysis["surface"]["ranks"]}
    by_day = dict(zip(days, rows))
    assert by_day[28][10] == ENGLISH.percent(ranks[30])
    assert by_day[371][10] == ENGLISH.percent(ranks[365])


# ---------------------------------------------------------------------- how pages look


def test_no_text_leaves_its_room(laid_out):
    import typst

    whole = laid_out.pages["whole", "fr"]
    left = typst.query(
        TEMPLATE,
        "<overflow>",
        field="value",
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps({**whole, "pages": [p for f in laid_out.pages.values() for p in f["pages"]]})},
    )
    assert json.loads(left) == []


def test_no_text_is_smaller_than_seven_points(rendered):
    sizes = set().union(*(read(rendered["whole", "en"], number)[1] for number in range(1, 6)))
    assert min(sizes) >= 7.0
    assert max(sizes) == 17.0 + 3.0  # the quality score; the titles have 17


def test_panels_lie_apart_between_the_reading_line_and_the_notes(laid_out):
    for found in laid_out.pages.values():
        for page in found["pages"]:
            for panel in page["panels"]:
                assert panel["x"] >= page["left"] - 0.01
                assert panel["x"] + panel["width"] <= page["left"] + page["width"] + 0.1
                assert panel["y"] >= page["reading_y"] + 10
                assert panel["y"] + panel["height"] <= page["notes_y"]
                if panel["kind"] == "table":
                    rows = len(panel["rows"])
                    heads = panel["head_height"] * (1 + bool(panel["groups"]))
                    assert heads + rows * panel["row_height"] <= panel["inner_height"] + 0.1
                    assert panel["row_height"] >= panel["size"]
                    assert sum(panel["widths"]) <= panel["inner_width"] + 0.1
            for one, other in itertools.combinations(page["panels"], 2):
                across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
                down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
                assert across <= 0 or down <= 0
            assert page["note_step"] >= 8.0  # notes are of 7 pt
            tops = [page["facts_y"] + 20, *(banner["y"] for banner in page["banners"]), page["reading_y"]]
            assert all(b - a >= 13.0 for a, b in itertools.pairwise(tops[1:]))
            assert tops[1] >= tops[0]
            assert page["notes_y"] + page["note_step"] * len(page["notes"]) <= page["footer_y"]
            assert page["footer_y"] + 8 <= A4[1]


# ---------------------------------------------------------------------- words


def test_every_text_of_the_pages_is_used(laid_out):
    assert {*PAGES, *CHARTS, *TABLES, *NOTES} - laid_out.used == set()


def test_a_quote_time_is_written_in_utc():
    tokyo = dt.timezone(dt.timedelta(hours=9))
    late = documents.document(quote_time=dt.datetime(2024, 3, 16, 5, tzinfo=tokyo))
    facts = pages.report_pages(late, "en")["pages"][0]["facts"]
    assert facts[0]["more"] == "quotes at 20:00 UTC"
