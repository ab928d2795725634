"""From stored sessions to who serves: the data set, networks in the registry, a crown that moves by the gate alone.

The lake holds a world of known smiles; assets, training and registry are real. After a network that cannot have learnt
anything come two that know the world's rule: networks of the registry like others, with weights set by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import smile_world
from code_location import CodeLocation, Ran

from vol_assets import clock
from vol_assets.assets.smile_leaderboard import NO_CHAMPION
from vol_assets.automation import cli
from vol_assets.automation.resources import open_tracking
from vol_assets.contracts import CURATED_MARKET
from vol_assets.contracts.leaderboard import SMILE_LEADERBOARD
from vol_assets.contracts.live import LIVE_STATES
from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.lake import Lake
from vol_assets.smiles.dataset import dataset_frame, fingerprint, fitting_samples, panels_of, split
from vol_assets.smiles.networks import NetworkModel, train
from vol_assets.smiles.panel import DAILY, LIVE, Panel, panel_of
from vol_assets.tracking import GATE, HAND, Tracking
from vol_assets.tracking.smile_model import champion_of_family, line, load, register, serve, serving_line

SESSIONS = clock.sessions("2023-12-04", "2024-01-02")  # too few to train on
POLLED = clock.sessions("2024-01-08", "2024-01-16")
LATER = clock.sessions("2021-06-01", "2022-05-31")
MISSED = 15  # a poll


@dataclass(frozen=True)
class World:
    """A lake, and the runs over it in their order."""

    location: CodeLocation
    trained: Ran
    judged: Ran

    @property
    def tracking(self) -> Tracking:
        return open_tracking(self.location.settings)

    @property
    def lake(self) -> Lake:
        return self.location.lake

    @property
    def board(self) -> dict:
        return self.judged.metadata("smile/leaderboard")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Iterator[World]:
    """A lake whose smiles nobody can foresee, after the training of one network and the leaderboard."""
    with CodeLocation.over(tmp_path_factory.mktemp("smiles"), store=empty_mlflow) as location:
        location.lake.claim()
        smile_world.fill_daily(location.lake, SESSIONS, unforeseen=True)
        states = smile_world.live_states(POLLED, 30, unforeseen=True)
        del states[MISSED]
        smile_world.fill_live(location.lake, states)
        trained = location.run("smile/dataset,smile/mlp")
        assert trained.success, trained.lines
        judged = location.run("smile/leaderboard")
        assert judged.success, judged.lines
        yield World(location, trained, judged)


def panels_in(lake: Lake) -> dict[str, tuple[Panel, np.ndarray]]:
    return panels_of(lake.read_table(SMILE_DATASET))


def cells(table: str) -> list[list[str]]:
    """The rows of a table on a page."""
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]


# The data set


def test_the_data_set_has_the_states_of_every_stored_session_of_both_families(world: World):
    frame = SMILE_DATASET.require(world.lake.read_table(SMILE_DATASET))
    assert frame["family"].value_counts().to_dict() == {"live": 30 * len(POLLED) - 1, "daily": len(SESSIONS)}
    live, _ = panels_in(world.lake)[LIVE]
    expected = smile_world.live_states(POLLED, 30, unforeseen=True)
    assert np.array_equal(live.log_vol, [state.log_vol for number, state in enumerate(expected) if number != MISSED])
    daily, which = panels_in(world.lake)[DAILY]
    assert daily.session.tolist() == SESSIONS
    assert [which.tolist().count(part) for part in ("train", "validation", "test", "purged")] == [12, 0, 0, 8]


def test_a_daily_state_has_the_shares_return_since_the_close_before(world: World):
    daily, _ = panels_in(world.lake)[DAILY]
    bars = world.lake.read(CURATED_MARKET, SESSIONS[0], SESSIONS[-1])
    assert daily.covariates[:, -1] == pytest.approx(bars["log_return"].to_numpy(), abs=1e-12)


def test_its_page_counts_splits_gaps_and_sessions(world: World):
    page = world.trained.metadata("smile/dataset")
    splits, gaps = cells(page["splits"]), cells(page["gaps"])
    assert ["daily", "train", "12", "2023-12-04", "2023-12-19", "12", "2"] in splits
    assert ["live", "train", "3", "2024-01-08", "2024-01-10", "89", "22"] in splits
    assert ["live", "purged", "0", "", "", "0", "0"] in splits
    assert gaps[0] == ["live", "6", "7", "30", "0", "0"]
    assert gaps[1] == ["daily", "20", "1", "20", "0", "0"]
    for family, (panel, which) in panels_in(world.lake).items():
        assert page[f"{family} states"].startswith("![picture](data:image/png;base64,")
        assert page[f"{family} data fingerprint"] == fingerprint(panel, which)
    told = "smile/dataset: daily: 20 states of 20 sessions (12 train, 0 validation, 0 test, 8 purged) in 1 unbroken run"
    assert told in world.trained.lines


# Networks


def test_a_network_is_registered_with_where_it_came_from(world: World):
    page, (panel, which) = world.trained.metadata("smile/mlp"), panels_in(world.lake)[LIVE]
    version = world.tracking.version(line(LIVE, "mlp"), page["live version"])
    assert {
        "source": "sample",
        "data_fingerprint": fingerprint(panel, which),
        "kind": "mlp",
        "trained_through": "2024-01-10",
    }.items() <= version.tags.items()
    assert version.run_id == page["MLflow run id"]
    model = load(world.tracking, line(LIVE, "mlp"), version.version)
    assert np.isfinite(model.forecast(panel.windows(panel.last_of_windows()[:3]))).all()


def test_its_run_keeps_the_curve_the_parameters_and_a_picture(world: World):
    page, client = world.trained.metadata("smile/mlp"), world.tracking.client
    run = client.get_run(page["MLflow run id"])
    assert run.info.status == "FINISHED"
    assert {"network": "mlp", "seed": "0", "live.windows.train": "22"}.items() <= run.data.params.items()
    steps = [point.step for point in client.get_metric_history(run.info.run_id, "live.validation")]
    assert steps == list(range(1, len(steps) + 1))
    assert f"of {len(steps)}: " in page["live best epoch"]
    assert page["live training"].startswith("![picture](data:image/png;base64,")
    assert "live_training.png" in {artifact.path for artifact in client.list_artifacts(run.info.run_id)}


def test_a_family_of_too_few_sessions_is_passed_over_with_what_is_wanted(world: World):
    wanted = "needs windows of 10 unbroken states"
    assert wanted in world.trained.metadata("smile/mlp")["daily skipped"]
    assert wanted in world.board["daily skipped"]
    assert f"warning: smile/mlp: no daily smiles: mlp {wanted}" in world.trained.lines


# The leaderboard


def test_where_nobody_served_persistence_is_registered_and_crowned(world: World):
    (crowning,) = world.tracking.crownings(serving_line(LIVE))
    assert (crowning.by, crowning.reason, crowning.replaced) == (GATE, NO_CHAMPION, None)
    champion = champion_of_family(world.tracking, LIVE, "sample")
    assert (champion.kind, champion.version) == ("persistence", "1")
    tags = world.tracking.champion(serving_line(LIVE)).tags
    assert tags["data_fingerprint"] == world.board["live data fingerprint"]
    assert tags["copy_of"] == "spy_smile_live_persistence/1"


def test_the_page_has_every_model_and_pictures(world: World):
    models = {row[0] for row in cells(world.board["live table"])}
    assert models == {"raw", "fixed_strike", "persistence", "fixed_k", "local_level", "ar1", "pca_var", "mlp"}
    assert [row[1] for row in cells(world.board["live gate"])][:3] == ["sessions", "skill", "luck"]
    assert world.board["dagster/row_count"] == 3 * len(models)
    for title in ("live leaderboard", "live newest prediction"):
        assert world.board[title].startswith("![picture](data:image/png;base64,")
    figures = world.tracking.client.get_run(world.board["MLflow run id"]).data.metrics
    assert {"live.mlp.10.rmse", "live.persistence.1.rmse", "live.mlp.0.skill_best"} <= set(figures)


def test_networks_that_are_not_there_are_left_out_with_a_reason_and_the_gate_warns(world: World):
    check = world.judged.check("smile/leaderboard", "gate")
    assert "gru: none is registered; materialize smile/gru" in world.board["live left out"]
    assert not check.passed
    assert check.severity.value == "WARN"
    said = "no network passed the gate, version 1 (persistence) of spy_smile_live goes on serving"
    assert check.metadata["live"].value == world.board["live verdict"] == said
    assert "| live mlp |" in check.metadata["reasons"].value
    assert world.tracking.version(line(LIVE, "mlp"), "1").tags["gate"].startswith("not passed: 2 test sessions")


# The crown


@pytest.fixture(scope="module")
def foreseeable(world: World) -> tuple[Panel, np.ndarray]:
    """Another data set in its place, of a world whose smiles can be foreseen from one session to the next."""
    states = smile_world.daily_states(LATER)
    panel = panel_of(DAILY, states)
    which = split(panel)
    world.lake.write_table(SMILE_DATASET, dataset_frame(panel, which))
    smile_world.fill_closes(world.lake, [state for state, part in zip(states, which) if part == "test"])
    return panel, which


def knowing(kind: str, panel: Panel, which: np.ndarray, share: float) -> NetworkModel:
    """A network whose straight path says what the share's last return does to the smile, or a share of it."""
    import torch

    model = train(kind, panel, which).model
    learn, _ = fitting_samples(kind, panel, which)
    seen = model.scaler.inputs(DAILY, learn.windows)[0][:, -1, -1].astype(float)  # how far spot was a state before
    wanted = (learn.change / model.scaler.target).reshape(len(seen), -1)
    with torch.no_grad():
        for weights in model.network.parameters():
            weights.zero_()
        model.network.straight.weight[:, -1] = torch.from_numpy(share * (seen @ wanted) / (seen @ seen))
    return model


def enter(world: World, model: NetworkModel, data: tuple[Panel, np.ndarray], **others: str) -> str:
    """Register a network as trained on this data."""
    panel, which = data
    tags = {"source": "sample", "data_fingerprint": fingerprint(panel, which), "trained_through": "2021-12-31"}
    with world.tracking.run("by hand", {"test": "entered"}):
        return register(world.tracking, model, panel.windows(panel.last_of_windows()[:1]), tags | others)


@pytest.fixture(scope="module")
def promoted(world: World, foreseeable) -> Ran:
    """The leaderboard after a network that knows the rule, one that knows half of it, and two of other data."""
    mlp, half = knowing("mlp", *foreseeable, 1.0), knowing("gru", *foreseeable, 0.5)
    enter(world, mlp, foreseeable)
    enter(world, mlp, foreseeable, data_fingerprint="another")
    enter(world, half, foreseeable)
    enter(world, knowing("lstm", *foreseeable, 0.5), foreseeable, data_fingerprint="another")
    ran = world.location.run("smile/leaderboard")
    assert ran.success, ran.lines
    return ran


def test_a_network_of_other_data_is_not_judged(promoted: Ran):
    page = promoted.metadata("smile/leaderboard")
    assert (
        "lstm: its newest version (1, through 2021-12-31) was trained on other data than smile/dataset holds; "
        "materialize smile/lstm again"
    ) in page["daily left out"]
    assert "mlp" not in page["daily left out"]  # of which an older version is of this data
    assert page["live skipped"].startswith("smile/dataset has none; materialize live/history and live/states")


def test_of_those_that_pass_the_best_is_copied_into_the_serving_line_and_crowned(world: World, promoted: Ran):
    table = SMILE_LEADERBOARD.require(world.lake.read_table(SMILE_LEADERBOARD))
    assert table.groupby("horizon_steps")["model"].nunique().to_dict() == {0: 9, 1: 9}
    assert set(table.loc[table["promoted"], "model"]) == {"mlp", "gru"}
    assert promoted.check("smile/leaderboard", "gate").passed
    assert world.tracking.version(line(DAILY, "gru"), "1").tags["gate"].startswith("passed: ")
    assert len(world.tracking.versions(line(DAILY, "persistence"))) == 1
    champion = world.tracking.champion(serving_line(DAILY))
    assert champion.tags["copy_of"] == "spy_smile_daily_mlp/1"
    first, last = world.tracking.crownings(serving_line(DAILY))[:2]
    assert (first.reason, last.by, last.replaced) == (NO_CHAMPION, GATE, first.version)
    said = f"mlp passed the gate and serves now as version {champion.version} of spy_smile_daily (mlp version 1): "
    assert promoted.metadata("smile/leaderboard")["daily verdict"] == said + last.reason


def test_judging_again_what_serves_already_changes_nothing(world: World, promoted: Ran):
    before = world.tracking.crownings(serving_line(DAILY))
    again = world.location.run("smile/leaderboard")
    assert "mlp passed the gate and goes on serving" in again.metadata("smile/leaderboard")["daily verdict"]
    assert world.tracking.crownings(serving_line(DAILY)) == before


def test_by_hand_a_kind_is_promoted_and_whoever_served_before_is_brought_back(
    world: World, promoted: Ran, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("VOL_ASSETS_DATA", str(world.location.settings.data))
    of_the_gate = str(world.tracking.champion(serving_line(DAILY)).version)
    cli.main(["promote", "--model", line(DAILY, "gru"), "--version", "1", "--reason", "I prefer it"])
    said = capsys.readouterr().out
    assert said.startswith(f"spy_smile_daily: the champion was version {of_the_gate} (mlp, trained through 2021-12-31)")
    assert "(gru, trained through 2021-12-31) now" in said
    assert world.tracking.crownings(serving_line(DAILY))[-1].by == HAND
    cli.main(["rollback", "--model", serving_line(DAILY), "--reason", "I do not"])
    assert f"it is version {of_the_gate} (mlp" in capsys.readouterr().out


def test_a_model_that_there_is_not_is_refused_in_a_line(
    world: World, promoted: Ran, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("VOL_ASSETS_DATA", str(world.location.settings.data))
    for arguments, reason in (
        (["promote", "--model", "spy_smile_weekly", "--version", "1"], "MODEL is 'spy_smile_weekly'; it must be"),
        (["rollback", "--model", "gru"], "it must be spy_rv_5d, spy_smile_live, spy_smile_daily, or one of their"),
        (["promote", "--model", line(DAILY, "gru"), "--version", "7"], "spy_smile_daily_gru has no version 7"),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--reason", "why not"])
        assert ended.value.code == 2
        assert reason in capsys.readouterr().err


def test_a_champion_that_cannot_be_read_makes_way_for_persistence(world: World, promoted: Ran, foreseeable):
    tracking = world.tracking
    version = enter(world, knowing("mlp", *foreseeable, 1.0), foreseeable)
    serve(tracking, DAILY, "mlp", version, "for the test", HAND)
    uri = tracking.client.get_model_version_download_uri(line(DAILY, "mlp"), version).removeprefix("file://")
    (Path(uri) / "artifacts" / "smile_model" / "weights.pt").unlink()
    ran = world.location.run("smile/leaderboard")
    assert ran.success, ran.lines
    left_out = ran.metadata("smile/leaderboard")["daily left out"]
    assert f"mlp: spy_smile_daily_mlp version {version} cannot be loaded" in left_out
    stood_in = tracking.crownings(serving_line(DAILY))[-2]
    assert "cannot be loaded" in stood_in.reason
    assert stood_in.reason.endswith("persistence serves until a network beats the best baseline")
    assert champion_of_family(tracking, DAILY).kind == "gru"  # which passes, as before


# What is not there


@pytest.fixture
def bare(tmp_path: Path, empty_mlflow: Path) -> Iterator[CodeLocation]:
    with CodeLocation.over(tmp_path, store=empty_mlflow) as location:
        location.lake.claim()
        yield location


def test_an_empty_lake_is_told_what_to_materialize(bare: CodeLocation):
    ran = bare.run("smile/dataset")
    assert ran.failed == ["smile__dataset"]
    assert "smile/dataset has nothing to work on" in ran.lines
    assert "no live smiles: live/states holds no session yet; materialize live/history and live/states" in ran.lines
    assert "no daily smiles: surface/spy holds no session yet; materialize raw/spy_chain" in ran.lines
    assert "smile/dataset is not in the lake yet" in bare.run("smile/gru").lines


def test_too_few_sessions_train_nothing_and_say_what_is_wanted(bare: CodeLocation):
    smile_world.fill_live(bare.lake, smile_world.live_states(POLLED[:1], 25))
    ran = bare.run("smile/dataset")
    assert ran.success
    assert "surface/spy holds no session yet" in ran.metadata("smile/dataset")["daily skipped"]
    ran = bare.run("smile/mlp")
    assert ran.failed == ["smile__mlp"]
    assert "no live smiles: mlp needs windows of 10 unbroken states" in ran.lines
    assert open_tracking(bare.settings).versions(line(LIVE, "mlp")) == []


def test_states_polled_at_another_step_are_in_no_window_and_thin_ones_are_counted(bare: CodeLocation):
    states = smile_world.live_states(POLLED[:3], 25)
    smile_world.fill_live(bare.lake, [*states[:25:2], *states[25:]])
    rows = bare.lake.read(LIVE_STATES, POLLED[2], POLLED[2])
    third = (rows["ts"] == rows["ts"].unique()[3]) & (rows["rank"] == 2)
    bare.lake.write(LIVE_STATES, rows[~third])
    ran = bare.run("smile/dataset")
    assert ran.success, ran.lines
    assert "live: 62 states of 3 sessions" in ran.lines
    assert "; 1 of too few smiles" in ran.lines
    live, _ = panels_in(bare.lake)[LIVE]
    assert POLLED[0] not in live.session[live.last_of_windows()].tolist()
    assert np.bincount(live.run)[:13].tolist() == [1] * 13


def test_without_bars_the_share_before_is_read_off_the_surface_before(bare: CodeLocation):
    days = [*SESSIONS[:3], *SESSIONS[4:6]]
    smile_world.fill_daily(bare.lake, days)
    for day in days:
        bare.lake.path(CURATED_MARKET, day).unlink()
    surface = bare.lake.read(SURFACES["SPY"], days[0], days[0])
    bare.lake.write(SURFACES["SPY"], surface.assign(spot=99.0))
    assert bare.run("smile/dataset").success
    daily, _ = panels_in(bare.lake)[DAILY]
    moved = daily.covariates[:, -1]
    assert np.isnan(moved[[0, 3]]).all()  # the first, and the one after a session that is not there
    assert moved[1] == pytest.approx(np.log(100.0 / 99.0))
    assert daily.run.tolist() == [0, 0, 0, 1, 1]


def test_while_mlflow_is_down_nothing_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with CodeLocation.over(tmp_path, mlflow="http://127.0.0.1:9") as location:
        ran = location.run("smile/gru")
    assert ran.failed == ["smile__gru"]
    assert "MLflow at http://127.0.0.1:9 does not answer" in ran.lines
