"""gold/surface_data and gold/report as a person materialises them: files, pages, checks, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from code_location import CodeLocation, DropFolder, command, undrawn

from vol_assets import clock
from vol_assets.assets.gold import RULE_CHECKS
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.gold.folder import DOCUMENT, PDF
from vol_assets.sources import SYMBOLS
from vol_assets.sources.sample import SampleMarket

SESSION = clock.as_date("2024-03-15")
BEFORE = clock.offset(SESSION, -1)
CHAIN = "raw/gld_chain,curated/gld_chain,surface/gld,tenors/gld"
GOLD = "gold/surface_data,gold/report"
BAR_SESSIONS = 780  # more than the three years that make a history


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    """A lake with bars up to the session before and GLD's surfaces of the last two; the session's report is made by the
    job, as in the evening."""
    with CodeLocation.over(tmp_path_factory.mktemp("gold")) as location, undrawn():
        bars = SampleMarket().daily_bars(SYMBOLS, clock.offset(SESSION, -BAR_SESSIONS), BEFORE)
        location.lake.claim()
        location.lake.write(CURATED_MARKET, curate(raw_bars(bars, "sample")))
        assert location.run(CHAIN, BEFORE).success
        yield location


@pytest.fixture(scope="module")
def evening(location: CodeLocation):
    """What the job of chains did at the close of the session."""
    ran = location.run(f"raw/market,curated/market,{CHAIN},{GOLD}", SESSION, job="surface_job")
    assert ran.success, ran.lines
    return ran


def folder(location: CodeLocation, session=SESSION) -> Path:
    return location.settings.reports / "gold" / str(session)


def test_the_job_leaves_a_document_and_five_pages_in_the_session_s_folder(location: CodeLocation, evening):
    from pypdf import PdfReader

    assert sorted(path.name for path in folder(location).iterdir()) == [PDF, DOCUMENT]
    pages = PdfReader(folder(location) / PDF).pages
    assert len(pages) == 5
    document = json.loads((folder(location) / DOCUMENT).read_text())
    assert document["meta"]["session"] == "2024-03-15"
    assert f"{document['gld']['spot']:.2f}" in pages[0].extract_text()


def test_the_bars_that_the_same_run_brings_are_in_the_report(location: CodeLocation, evening):
    order = evening.started
    assert order.index("curated__market") < order.index("gold__surface_data")
    analysis = json.loads((folder(location) / DOCUMENT).read_text())["analysis"]
    assert analysis["gld"]["spot"]["source"] == "close"
    assert analysis["gld"]["realised"]["last"] == "2024-03-15"


def test_the_pages_of_both_assets_lead_to_the_files_and_show_the_first_page(location: CodeLocation, evening):
    data, report = evening.metadata("gold/surface_data"), evening.metadata("gold/report")
    assert data["file"] == str(folder(location) / DOCUMENT)
    assert report["file"] == str(folder(location) / PDF)
    assert report["page 1"].startswith("![picture](data:image/png;base64,")
    assert "raw_arbitrage" in data["quality"]
    assert data["score"] >= 85


def test_a_sound_session_passes_every_check(evening):
    for name in ("score", "complete", *RULE_CHECKS):
        assert evening.check("gold/surface_data", name).passed, name


def test_bars_that_failed_do_not_keep_the_report_from_coming(location: CodeLocation, monkeypatch: pytest.MonkeyPatch):
    def no_bars(*_):
        raise ConnectionError("the vendor of bars does not answer")

    lacking = clock.offset(SESSION, 1)
    monkeypatch.setattr(SampleMarket, "daily_bars", no_bars)
    ran = location.run(f"raw/market,curated/market,{CHAIN},{GOLD}", lacking, job="surface_job")
    assert ran.failed == ["raw__market"]
    document = json.loads((folder(location, lacking) / DOCUMENT).read_text())
    assert document["meta"]["degraded"] is True
    assert document["analysis"]["gld"]["spot"]["source"] == "parity"
    assert (folder(location, lacking) / PDF).exists()
    assert not ran.check("gold/surface_data", "complete").passed
    assert not ran.check("gold/surface_data", "parity").passed  # there is no close to hold it against


def test_a_session_without_a_surface_is_refused_and_the_others_of_the_range_are_made(location: CodeLocation, evening):
    before = {path: path.stat().st_mtime_ns for path in folder(location).iterdir()}
    missing = clock.offset(BEFORE, -1)
    ran = location.run("gold/surface_data", missing, BEFORE)
    assert not ran.success
    assert f"there is no option surface of GLD for {missing}" in ran.lines
    assert "1 of 2 sessions refused" in ran.lines
    assert (folder(location, BEFORE) / DOCUMENT).exists()
    assert not folder(location, missing).exists()
    assert location.recorded("gold/surface_data") >= {str(BEFORE)}
    assert str(missing) not in location.recorded("gold/surface_data")
    assert {path: path.stat().st_mtime_ns for path in folder(location).iterdir()} == before


def test_a_report_without_its_document_says_what_to_make_first(location: CodeLocation):
    ran = location.run("gold/report", "2024-02-01")
    assert not ran.success
    assert "materialize gold/surface_data of 2024-02-01 first" in ran.lines


def test_a_failed_run_leaves_the_files_of_the_last_good_one(location: CodeLocation, evening):
    kept = (folder(location) / DOCUMENT).read_bytes()
    surface = location.lake.path(SURFACES["GLD"], SESSION)
    aside = surface.rename(surface.with_suffix(".aside"))
    try:
        assert not location.run("gold/surface_data", SESSION).success
    finally:
        aside.rename(surface)
    assert (folder(location) / DOCUMENT).read_bytes() == kept


def test_the_same_session_again_leaves_the_same_bytes(location: CodeLocation, evening):
    before = {path.name: path.read_bytes() for path in folder(location).iterdir()}
    assert location.run(GOLD, SESSION).success
    assert {path.name: path.read_bytes() for path in folder(location).iterdir()} == before


def test_make_report_brings_what_the_session_lacks_and_says_where_the_files_are_in_the_language_set(tmp_path: Path):
    from pypdf import PdfReader

    arguments = ("-m", "vol_assets", "report", "--date", "2024-03-15")
    program = command(tmp_path, "python", *arguments, VOL_ASSETS_START="2024-02-01", VOL_ASSETS_REPORT_LANG="fr")
    output, _ = program.communicate(timeout=180)
    assert program.returncode == 0, output
    assert str(tmp_path / "reports" / "gold" / "2024-03-15" / PDF) in output
    assert "history first: 31 of the 1512 sessions before 2024-03-18" in output
    stored = sorted(path.parent.name for path in (tmp_path / "lake").glob("*/gld_chain/date=*/data.parquet"))
    assert stored == ["date=2024-03-15"] * 2  # raw and curated, and no earlier chain
    text = PdfReader(tmp_path / "reports" / "gold" / "2024-03-15" / PDF).pages[0].extract_text()
    assert "15 mars 2024" in text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_a_drop_folder_with_spy_s_chain_alone_has_no_gold_report(tmp_path: Path):
    drop = DropFolder(tmp_path / "drop", clock.offset(SESSION, -3), SESSION)
    drop.save()
    chains = tmp_path / "drop" / "chains" / "SPY"
    chains.mkdir(parents=True)
    (quotes,) = SampleMarket().option_chains("SPY", SESSION, SESSION)
    columns = ["expiration", "strike", "right", "bid", "ask"]
    quotes.quotes[columns].rename(columns={"right": "type"}).to_csv(chains / f"{SESSION}.csv", index=False)
    (tmp_path / "data").mkdir()
    with CodeLocation.over(tmp_path / "data", source="files", drop=tmp_path / "drop") as location:
        ran = location.run(f"{CHAIN},{GOLD}", SESSION)
        assert ran.failed == ["raw__gld_chain"]
        alone = location.run("gold/surface_data", SESSION)
        assert "there is no option surface of GLD for 2024-03-15" in alone.lines
        assert not location.settings.reports.exists()
