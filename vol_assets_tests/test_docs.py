"""What the pages say is what the code does."""

import re
from pathlib import Path

import pandas as pd
import pytest

from vol_assets.contracts.__main__ import as_markdown

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_tables_page_is_what_the_contracts_say():
    assert (ROOT / "docs" / "tables.md").read_text() == as_markdown(), (
        "run: python -m vol_assets.contracts > docs/tables.md"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_command_on_a_page_is_a_target(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:^|`|\s)make ([a-z-]+)\b(?=[ `\n])", "\n".join(_code(page))))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_page_of_ours_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_lists_every_setting_the_code_reads():
    code = "".join(path.read_text() for path in (ROOT / "vol_assets").rglob("*.py"))
    read = set(re.findall(r'environ(?:\.get)?[\[(]"((?:VOL_ASSETS|MLFLOW_TRACKING)_\w+)"', code))
    assert {"VOL_ASSETS_DATA", "VOL_ASSETS_SOURCE", "MLFLOW_TRACKING_URI"} <= read
    listed = set(re.findall(r"^\| ((?:VOL_ASSETS|MLFLOW)_\w+)", (ROOT / "README.md").read_text(), re.M))
    assert read == listed


def test_every_asset_the_readme_draws_exists():
    from vol_assets.definitions import ASSETS

    keys = {asset.key.to_user_string() for asset in ASSETS}
    drawn = set(
        re.findall(
            r"(?<![\w/])(?:raw|curated|features|forecast|monitoring|surface|tenors|richness|gold|live|smile)/[a-z0-9_]+",
            (ROOT / "README.md").read_text(),
        )
    )
    assert drawn == keys


def test_the_lock_file_pins_every_package_the_project_names():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(need for extra in project["optional-dependencies"].values() for need in extra),
    ]
    lock = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.\[\]-]+==[^=\s]+", line) for line in lock)
    pinned = {_name(line) for line in lock}
    assert {_name(need) for need in wanted} <= pinned


def test_the_readmes_way_of_reading_the_lake_works(tmp_path, monkeypatch):
    """Its snippet runs as it stands, on a lake of its own."""
    from vol_assets import clock
    from vol_assets.contracts.features import FEATURES_L1
    from vol_assets.contracts.forecast import RV_5D
    from vol_assets.contracts.market import CURATED_MARKET
    from vol_assets.curation.bars import curate
    from vol_assets.curation.raw import raw_bars
    from vol_assets.features.l1 import l1_features
    from vol_assets.lake import Lake
    from vol_assets.sources import SYMBOLS
    from vol_assets.sources.sample import SampleMarket

    monkeypatch.chdir(tmp_path)
    first, last = clock.require_session("2024-02-28"), clock.require_session("2024-03-04")
    lake = Lake(tmp_path / "data" / "lake", "sample")
    bars = curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, first, last), "sample"))
    lake.write(CURATED_MARKET, bars)
    lake.write(FEATURES_L1, l1_features(bars).reset_index())
    lake.write_sessions(RV_5D, [(first, pd.DataFrame(columns=list(RV_5D.columns)))])

    found = _run_snippet("read_parquet")
    assert len(found["features"]) == 4
    assert found["features"]["date"].max() == pd.Timestamp("2024-03-04")
    assert sorted(found["march"]["date"].unique()) == ["2024-03-01", "2024-03-04"]


def test_the_readmes_implied_vols_are_those_that_went_in():
    found = _run_snippet("implied_vol")
    assert found["vols"].tolist() == pytest.approx([0.22, 0.20, 0.19], abs=1e-14)
    assert found["why"].tolist() == [0, 0, 0]


def _run_snippet(that_names: str) -> dict:
    """The one Python snippet of the README in which a name occurs, run as it stands."""
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    (snippet,) = (snippet for snippet in snippets if that_names in snippet)
    found: dict = {}
    exec(snippet, found)
    return found


def _code(page: Path) -> list[str]:
    fence = r"```\w*\n(.*?)```"
    text = page.read_text()
    return re.findall(fence, text, re.S) + re.findall(r"`([^`\n]+)`", re.sub(fence, "", text, flags=re.S))


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")
