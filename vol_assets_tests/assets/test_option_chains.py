"""From option chains to surfaces, tenors and richness: a range equals its days, and what cannot be used is named."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from code_location import CodeLocation, Ran, files, undrawn

from vol_assets import clock
from vol_assets.assets import chains, surfaces, workers
from vol_assets.contracts import Contract
from vol_assets.contracts.chains import CURATED_CHAINS, RAW_CHAINS
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.richness import RICHNESS
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.contracts.tenors import COMPARED, TENORS
from vol_assets.curation.bars import curate
from vol_assets.curation.chains import curate_chain
from vol_assets.curation.raw import raw_bars
from vol_assets.sources import SYMBOLS
from vol_assets.sources.sample import SampleMarket
from vol_assets.surfaces.fit import surface_of, surface_rows

SESSIONS = clock.sessions("2018-11-21", "2018-11-26")  # over Thanksgiving and the half day after it
FIRST, LAST = SESSIONS[0], SESSIONS[-1]
RAW, CURATED, SURFACE, TENOR, RICH = (each["SPY"] for each in (RAW_CHAINS, CURATED_CHAINS, SURFACES, TENORS, RICHNESS))
DERIVED = (CURATED, SURFACE, TENOR, RICH)
SPY = ",".join(contract.name for contract in (RAW, *DERIVED))
FITTED = ",".join(contract.name for contract in (SURFACE, TENOR, RICH))


@pytest.fixture(scope="module")
def bars() -> pd.DataFrame:
    """curated/market of the sessions."""
    return curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, FIRST, LAST), "sample"))


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Tenors of the 260 sessions before FIRST: those of one session, moved about."""
    (chain,) = SampleMarket().option_chains("SPY", FIRST, FIRST)
    curated = curate_chain(chain.quotes.assign(source="sample"))
    one = surfaces.tenor_rows(surface_rows(curated), curated)
    one = one.reindex(columns=list(TENOR.columns))
    days = pd.DatetimeIndex(clock.sessions(clock.offset(FIRST, -260), clock.offset(FIRST, -1))).as_unit("ns")
    moves = 1 + 0.1 * np.sin(np.arange(len(days)))
    frames = [
        one.assign(date=day, forward=one["forward"] / move, **{name: one[name] * move for name in COMPARED})
        for day, move in zip(days, moves, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def ranged(
    history: pd.DataFrame, bars: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CodeLocation, Ran]]:
    """A lake with a past, and then all the sessions in one run, by worker processes as in a long range."""
    with CodeLocation.over(tmp_path_factory.mktemp("ranged")) as location:
        location.lake.write(TENOR, history)
        location.lake.write(CURATED_MARKET, bars)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workers, "_workers", lambda: 2)
            for module in (workers, chains):
                patch.setattr(module, "FROM_SESSIONS", 2)
            ran = location.run(SPY, FIRST, LAST)
        assert ran.success, ran.lines
        yield location, ran


@pytest.fixture(scope="module")
def daily(
    history: pd.DataFrame, bars: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CodeLocation]:
    """The same lake, and a run a session, in this process; the last is the job, for both underlyings."""
    with CodeLocation.over(tmp_path_factory.mktemp("daily")) as location, undrawn():
        location.lake.write(TENOR, history)
        location.lake.write(CURATED_MARKET, bars)
        for session in SESSIONS[:-1]:
            assert location.run(SPY, session).success
        assert location.run("", LAST, job="surface_job").success
        yield location


def contents(location: CodeLocation) -> dict[str, dict[str, bytes]]:
    """The bytes of every derived file of the sessions, by table and session."""
    return {
        contract.name: {str(day): files(location.lake, contract)[str(day)][1] for day in SESSIONS}
        for contract in DERIVED
    }


def test_a_range_by_workers_leaves_the_files_that_daily_runs_leave(ranged, daily: CodeLocation):
    location, _ = ranged
    assert contents(location) == contents(daily)
    one, many = (each.read(RAW, FIRST, LAST).drop(columns="fetched_at") for each in (daily, location))
    pd.testing.assert_frame_equal(one, many, check_exact=True)
    assert list(many["date"].dt.date.unique()) == SESSIONS
    for table in SPY.split(","):
        assert location.recorded(table) == daily.recorded(table) == {str(session) for session in SESSIONS}


def test_tenors_are_compared_with_the_sessions_before_them(ranged):
    held = ranged[0].read(TENOR, clock.offset(FIRST, -5), LAST)
    tenors = held[held["date"] >= pd.Timestamp(FIRST)]
    by_session = held.pivot(index="date", columns="tenor_days", values="atm_vol")
    last = tenors[tenors["date"] == pd.Timestamp(LAST)].set_index("tenor_days")
    for count in (1, 5):
        change = by_session.iloc[-1] - by_session.iloc[-1 - count]
        np.testing.assert_array_equal(last[f"change_{count}_atm_vol"], change)
    assert tenors[[name for name in TENOR.columns if name.startswith("percentile")]].notna().all(axis=None)
    assert tenors["skew_stickiness"].notna().all()


def test_the_same_run_again_in_this_process_leaves_raw_untouched_and_the_rest_equal_to_the_byte(ranged):
    location, _ = ranged
    raw, derived = files(location.lake, RAW), contents(location)

    with undrawn():
        again = location.run(SPY, FIRST, LAST)

    assert again.success
    assert files(location.lake, RAW) == raw  # when they were written, too
    assert contents(location) == derived
    assert f"raw/spy_chain {FIRST} ... {LAST}: {len(SESSIONS)} unchanged" in again.lines
    assert again.metadata("raw/spy_chain")["sessions written"] == 0


def test_the_surface_of_the_lake_prices_as_the_one_that_was_fitted(ranged):
    location, _ = ranged
    for session in SESSIONS[:2]:
        curated, rows = (location.read(contract, session, session) for contract in (CURATED, SURFACE))
        fitted, stored = surface_of(surface_rows(curated)), surface_of(rows)
        years = np.array([7, 30, 200, 900]) / 365
        k = np.linspace(-0.5, 0.3, 33)
        one, other = fitted.smiles(years), stored.smiles(years)
        np.testing.assert_array_equal(one.forward, other.forward)
        np.testing.assert_array_equal(one.otm_price(k), other.otm_price(k))
        at_money = stored.smiles(stored.years).at_money / np.sqrt(stored.years)
        np.testing.assert_allclose(at_money, rows["atm_vol"], rtol=1e-12)


def test_the_quoted_index_stands_beside_our_own_two(ranged):
    tenors = ranged[0].read(TENOR, FIRST, LAST).groupby("date").first()
    bars = SampleMarket().daily_bars(["VIX"], FIRST, LAST).bars
    np.testing.assert_array_equal(tenors["index_quoted"], bars["close"] / 100)
    for name in ("index_model_free", "index_vix_style"):
        np.testing.assert_allclose(tenors[name], tenors["index_quoted"], atol=0.02)


def test_the_record_of_the_last_session_has_pictures_and_tables_and_a_clean_run_passes_its_checks(ranged):
    _, ran = ranged
    pictures = {"surface/spy": ["smiles", "term structure", "densities"], "tenors/spy": ["by delta"]}
    for table, names in pictures.items():
        for name in names:
            assert ran.metadata(table)[name].startswith("![picture](data:image/png;base64,"), name
    tables = {
        "raw/spy_chain": "newest chain",
        "curated/spy_chain": "newest chain",
        "surface/spy": "newest surface",
        "tenors/spy": "newest tenors",
        "richness/spy": "cheapest and dearest",
    }
    for table, name in tables.items():
        assert "| expiration" in ran.metadata(table)[name] or "| tenor_days" in ran.metadata(table)[name]
        assert ran.metadata(table)["sessions of this run"] == len(SESSIONS)
        assert ran.check(table, "contract").passed
    for table, name in (
        ("curated/spy_chain", "dropped_quotes"),
        ("curated/spy_chain", "spot_jump"),
        ("surface/spy", "fit"),
        ("tenors/spy", "extrapolation"),
    ):
        assert ran.check(table, name).passed
    assert (
        f"simulated: none of these prices was ever quoted ({len(SESSIONS)} sessions)"
        in ran.metadata("raw/spy_chain")["notes"]
    )
    assert ran.lines.count("simulated: none of these prices was ever quoted") == 1


def test_the_cheapest_and_dearest_are_quotes_of_the_fit(ranged):
    shown = ranged[1].metadata("richness/spy")["cheapest and dearest"]
    assert shown.count("| fit") == 16
    assert "dropped" not in shown


def test_the_page_of_gold_counts_what_a_report_shows(ranged, daily: CodeLocation):
    shown = daily.run("curated/gld_chain", LAST).metadata("curated/gld_chain")["newest chain"]
    header, _, *rows = ([cell.strip() for cell in line.strip("| ").split("|")] for line in shown.splitlines())
    counts = pd.DataFrame(rows, columns=header)[["fit", "report"]].astype(int)
    assert (counts["report"] <= counts["fit"]).all()
    assert 0 < counts["report"].sum() < counts["fit"].sum()
    assert "report" not in ranged[1].metadata("curated/spy_chain")["newest chain"]


def test_the_surface_job_makes_every_table_of_both_underlyings(daily: CodeLocation):
    for tables in (RAW_CHAINS, CURATED_CHAINS, SURFACES, TENORS, RICHNESS):
        for contract in tables.values():
            assert daily.recorded(contract.name) >= {str(LAST)}
            assert len(daily.read(contract, LAST, LAST))
    bars = SampleMarket().daily_bars(["GVZ"], LAST, LAST).bars
    assert (daily.read(TENORS["GLD"], LAST, LAST)["index_quoted"] == bars["close"].iloc[0] / 100).all()


# ---------------------------------------------------------------------- a drop folder with faults

GOOD, ABSENT, OTHERS, WITHOUT_BIDS, SPARSE, RATELESS = clock.sessions("2019-07-02", "2019-07-10")
UP_TO_RATELESS = "2019-07-01"  # six sessions before it, one more than a rate is used for


class ChainDrop:
    """A folder of chains that a person saved, those of the sample market, and no bars."""

    def __init__(self, folder: Path):
        self.folder = folder
        for session in (GOOD, WITHOUT_BIDS, SPARSE, RATELESS):
            quotes = self.quotes("SPY", session)
            if session == WITHOUT_BIDS:
                quotes["bid"] = 0.0
            if session == SPARSE:
                quotes = quotes[quotes["expiration"] > pd.Timestamp(session) + pd.Timedelta(days=60)]
            self.save(quotes, session)
        self.save(self.quotes("GLD", OTHERS), OTHERS)
        (folder / "rates.csv").write_text(f"date,tenor_days,bank_discount_percent\n{UP_TO_RATELESS},91,2.1\n")

    def path(self, session: dt.date) -> Path:
        return self.folder / "chains" / "SPY" / f"{session}.csv"

    def quotes(self, underlying: str, session: dt.date) -> pd.DataFrame:
        (chain,) = SampleMarket().option_chains(underlying, session, session)
        columns = ["symbol", "quote_time", "expiration", "strike", "right", "bid", "ask"]
        return chain.quotes[columns].rename(columns={"symbol": "underlying", "right": "type"})

    def save(self, quotes: pd.DataFrame, session: dt.date) -> None:
        self.path(session).parent.mkdir(parents=True, exist_ok=True)
        quotes.to_csv(self.path(session), index=False)
        saved = clock.close_instant(session).timestamp() + 600
        os.utime(self.path(session), (saved, saved))


class Faulty:
    """The tables of a drop folder with faults, each made as far as it can be."""

    def __init__(self, location: CodeLocation, drop: ChainDrop):
        self.location, self.drop = location, drop
        self.raw = location.run("raw/spy_chain", GOOD, RATELESS)
        self.curated = location.run("curated/spy_chain", GOOD, RATELESS)
        with undrawn():
            self.fitted = location.run(FITTED, SPARSE, RATELESS)

    def rejects(self, contract: Contract) -> dict[dt.date, str]:
        """What each refused session is refused for; once each."""
        rejects = self.location.lake.read_rejects(contract)
        assert rejects["date"].is_unique
        return {row.date.date(): f"{row.rule}: {row.value}" for row in rejects.itertuples()}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    folder = tmp_path_factory.mktemp("faulty")
    drop = ChainDrop(folder / "drop")
    with CodeLocation.over(folder, source="files", drop=drop.folder) as location:
        yield Faulty(location, drop)


def failure(ran: Ran) -> str:
    (line,) = [line for line in ran.lines.splitlines() if "FAILED" in line]
    return line


def test_sessions_without_a_chain_or_with_anothers_are_refused_naming_the_file_and_the_others_are_written(
    faulty: Faulty,
):
    assert faulty.raw.failed == ["raw__spy_chain"]
    refused = faulty.rejects(RAW)
    assert set(refused) == {ABSENT, OTHERS}
    assert refused[ABSENT].startswith(f"quotes for the session: {faulty.drop.path(ABSENT)} (or .parquet) is not there")
    assert str(faulty.drop.path(OTHERS)) in refused[OTHERS]
    assert "GLD" in refused[OTHERS]
    line = failure(faulty.raw)
    assert "raw/spy_chain: 2 of 6 sessions refused, the others are written" in line
    assert all(f"{session} SPY {words}" in line for session, words in refused.items())
    good = [GOOD, WITHOUT_BIDS, SPARSE, RATELESS]
    assert faulty.location.lake.sessions(RAW) == good
    assert faulty.location.recorded("raw/spy_chain") == {str(session) for session in good}
    assert not faulty.raw.check("raw/spy_chain", "contract").passed


def test_a_session_without_one_usable_quote_is_refused_with_the_count_of_every_reason(faulty: Faulty):
    assert faulty.curated.failed == ["curated__spy_chain"]
    refused = faulty.rejects(CURATED)
    not_there = "raw/spy_chain of the session: not in the lake; materialize it first"
    assert refused[ABSENT] == refused[OTHERS] == not_there
    quotes = len(faulty.location.read(RAW, WITHOUT_BIDS, WITHOUT_BIDS))
    assert refused[WITHOUT_BIDS].startswith(f"a usable chain: none of {quotes} quotes can be fitted: ")
    assert "zero_bid" in refused[WITHOUT_BIDS] or "no_forward" in refused[WITHOUT_BIDS]
    assert f"{WITHOUT_BIDS} SPY a usable chain: none of {quotes} quotes" in failure(faulty.curated)
    assert faulty.location.lake.sessions(CURATED) == [GOOD, SPARSE, RATELESS]
    check = faulty.curated.check("curated/spy_chain", "dropped_quotes")
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert check.metadata["sessions with fewer than half of the expirations"].value == str(WITHOUT_BIDS)
    assert "| fit" in check.metadata["quotes by reason"].value


def test_a_session_without_a_rate_says_so_and_takes_the_rate_of_put_call_parity(faulty: Faulty):
    assert f"raw/spy_chain {RATELESS}: there is no rate: rates.csv and bars/IRX.csv have none" in faulty.raw.lines
    raw, curated = (faulty.location.read(contract, RATELESS, RATELESS) for contract in (RAW, CURATED))
    assert raw["rate"].isna().all()
    assert (curated.loc[curated["role"] == "fit", "rate_source"] == "parity").all()
    assert faulty.location.read(RAW, GOOD, GOOD)["rate_source"].unique() == ["rates.csv"]
    bill = SampleMarket().daily_bars(["IRX"], RATELESS, RATELESS).bars["close"].iloc[0] / 100
    surface = faulty.location.read(SURFACE, RATELESS, RATELESS)
    np.testing.assert_allclose(surface["rate"], bill, atol=0.01)


def test_chains_without_bars_have_surfaces_tenors_and_richness_but_no_quoted_index(faulty: Faulty):
    assert faulty.fitted.success, faulty.fitted.lines
    assert not (faulty.drop.folder / "bars").exists()
    for contract in (SURFACE, TENOR, RICH):
        assert faulty.location.lake.sessions(contract) == [SPARSE, RATELESS]
    assert faulty.location.read(TENOR, SPARSE, RATELESS)["index_quoted"].isna().all()


def test_a_session_whose_first_expiration_is_too_far_for_30_days_fails_the_check_of_extrapolation(faulty: Faulty):
    check = faulty.fitted.check("tenors/spy", "extrapolation")
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert check.metadata["sessions without a 30 day smile"].value == str(SPARSE)
    tenors = faulty.location.read(TENOR, SPARSE, SPARSE).set_index("tenor_days")
    assert tenors.loc[[7, 14, 30], "extrapolated"].all()
    assert not tenors.loc[[91, 365], "extrapolated"].any()
    assert tenors["index_vix_style"].isna().all()


def test_a_session_that_misses_its_quotes_fails_the_check_of_fit(faulty: Faulty, monkeypatch: pytest.MonkeyPatch):
    assert faulty.fitted.check("surface/spy", "fit").passed
    monkeypatch.setattr(surfaces, "POOR_FIT_HALF_SPREADS", 0.0)
    with undrawn():
        ran = faulty.location.run("surface/spy", SPARSE)
    check = ran.check("surface/spy", "fit")
    assert ran.success
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert check.metadata["sessions that miss their quotes"].value == str(SPARSE)


def test_a_session_without_a_surface_is_refused_by_the_tables_behind_it_and_shifts_no_other(faulty: Faulty):
    location = faulty.location
    before = contents_of(location, RATELESS)
    ran = location.run("tenors/spy,richness/spy", GOOD, RATELESS)  # GOOD has a curated chain and no surface
    assert sorted(ran.failed) == ["richness__spy", "tenors__spy"]
    assert f"{GOOD} surface/spy of the session: not in the lake; materialize it first" in ran.lines
    assert contents_of(location, RATELESS) == before
    for contract in (TENOR, RICH):
        assert location.lake.sessions(contract) == [SPARSE, RATELESS]


def contents_of(location: CodeLocation, session: dt.date) -> list[bytes]:
    return [location.lake.path(contract, session).read_bytes() for contract in (TENOR, RICH)]


def test_a_folder_without_chains_of_the_underlying_says_where_to_put_them(faulty: Faulty):
    ran = faulty.location.run("raw/gld_chain", GOOD)
    assert f"FAILED raw/gld_chain: {faulty.drop.folder / 'chains' / 'GLD'} is not there" in failure(ran)


def test_after_the_files_are_mended_the_same_run_clears_the_rejects(faulty: Faulty):
    for session in (ABSENT, OTHERS, WITHOUT_BIDS):
        faulty.drop.save(faulty.drop.quotes("SPY", session), session)

    ran = faulty.location.run("raw/spy_chain,curated/spy_chain", GOOD, RATELESS)

    assert ran.success, ran.lines
    for contract in (RAW, CURATED):
        assert faulty.location.lake.missing(contract, GOOD, RATELESS) == []
        assert faulty.location.lake.read_rejects(contract).empty


def test_a_chain_of_another_underlying_that_does_not_name_itself_fails_the_check_of_the_spot(faulty: Faulty):
    faulty.drop.save(faulty.drop.quotes("GLD", RATELESS).drop(columns="underlying"), RATELESS)
    both = "raw/spy_chain,curated/spy_chain"
    of_day, of_range = faulty.location.run(both, RATELESS), faulty.location.run(both, SPARSE, RATELESS)
    for ran in (of_day, of_range):
        assert ran.success, ran.lines
        check = ran.check("curated/spy_chain", "spot_jump")
        assert not check.passed
        assert check.severity == dg.AssetCheckSeverity.WARN
        said = check.metadata["implied spots"].value
        assert said.startswith(f"{RATELESS} ")
        assert f" after {SPARSE} " in said
    assert faulty.location.run("curated/spy_chain", SPARSE).check("curated/spy_chain", "spot_jump").passed
