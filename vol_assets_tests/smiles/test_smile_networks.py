"""Networks learn what can be learnt of known laws, and say nothing where there is nothing to say."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from made_panels import behind_noise, panel_from, random_walks, with_momentum

from vol_assets.errors import ForecastError
from vol_assets.smiles.baselines import fit_baseline
from vol_assets.smiles.dataset import Samples, fingerprint, fitting_samples, samples, split
from vol_assets.smiles.networks import NETWORKS, NetworkModel, Trained, train
from vol_assets.smiles.networks.bodies import Size, SmileNetwork
from vol_assets.smiles.networks.inputs import CONTEXT, DEPTH, SPOT_RETURN, STATES, WIDTH, Scaler
from vol_assets.smiles.panel import DAILY, HORIZONS, LENGTH, LIVE, SMILES, Panel, Windows
from vol_assets.smiles.state import NODES

SIZE = Size(DEPTH[LIVE], 2, 8, 0.1)


@pytest.fixture(scope="module")
def momentum() -> tuple[Panel, np.ndarray]:
    return with_momentum(30, 100)


@pytest.fixture(scope="module")
def trained(momentum) -> dict[str, Trained]:
    panel, _ = momentum
    return {kind: train(kind, panel, split(panel)) for kind in NETWORKS}


def skill(model, panel: Panel, truth: np.ndarray | None = None) -> np.ndarray:
    """Of each horizon on the test samples: 1 - squared errors / persistence's; against `truth` if it is given."""
    of = Samples.of(panel, samples(panel, split(panel), "test"))
    change = of.change if truth is None else truth[of.last]
    error = model.forecast(of.windows) - of.windows.log_vol[:, -1:] - change
    return 1.0 - (error**2).mean(axis=(0, 2, 3)) / (change**2).mean(axis=(0, 2, 3))


def untrained(kind: str, panel: Panel) -> NetworkModel:
    other = train("mlp", panel, split(panel)).model
    torch.manual_seed(0)
    card = replace(other.card, kind=kind)
    horizons = len(other.horizons)
    return NetworkModel(
        card, other.scaler, SmileNetwork(kind, replace(SIZE, depth=DEPTH[panel.family], horizons=horizons))
    )


# What is learnt


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_can_be_predicted_is_learnt(kind, trained, momentum):
    panel, expected = momentum
    learnt = skill(trained[kind].model, panel, expected)
    assert learnt[0] > 0.95
    assert learnt[1] > 0.8


@pytest.mark.parametrize("kind", NETWORKS)
def test_smoothing_is_learnt_where_noise_hides_a_random_walk(kind):
    panel = behind_noise(15, 120)
    level = fit_baseline("local_level", panel, split(panel))
    found, best = skill(train(kind, panel, split(panel)).model, panel), skill(level, panel)
    assert best[0] > 0.15
    assert found[0] > 0.95 * best[0]
    assert found[1] > 0.7 * best[1]  # targets overlap: there is less to learn from


@pytest.mark.parametrize("kind", NETWORKS)
def test_of_a_random_walk_there_is_nothing_to_learn(kind):
    panel = random_walks(40, 50)
    trained = train(kind, panel, split(panel))
    assert (np.abs(skill(trained.model, panel)) < 0.015).all()
    assert trained.curve["validation"].min() > 0.98


@pytest.mark.parametrize("kind", ["gru", "mlp"])
def test_the_daily_family_learns_from_fewer_states(kind):
    panel, expected = with_momentum(600, 1, family=DAILY)
    assert skill(train(kind, panel, split(panel)).model, panel, expected)[0] > 0.5


def test_a_daily_level_that_comes_back_to_its_mean_is_expected_to():
    random = np.random.default_rng(3)
    away = np.zeros(900)
    for day in range(1, 900):
        away[day] = 0.8 * away[day - 1] + 0.03 * random.standard_normal()
    log_vol = np.log(0.2) + away[:, None, None, None] + 0.001 * random.standard_normal((900, 1, SMILES, len(NODES)))
    panel = panel_from(log_vol, DAILY)
    expected = -0.2 * away[:, None, None, None] * np.ones((1, 1, SMILES, len(NODES)))
    assert skill(train("mlp", panel, split(panel)).model, panel, expected)[0] > 0.4


def test_vols_that_answer_late_to_spot_are_expected_to():
    random = np.random.default_rng(4)
    returns = 0.001 * random.standard_normal((15, 100))
    late = -2.0 * np.roll(returns, 1, axis=1)
    late[:, 0] = 0.0
    steps = late[..., None, None] + 0.0005 * random.standard_normal((15, 100, SMILES, len(NODES)))
    panel = panel_from(np.log(0.2) + np.cumsum(steps, axis=1), returns=returns)
    assert skill(train("gru", panel, split(panel)).model, panel)[0] > 0.6


# Where it begins, and what it cannot say


@pytest.mark.parametrize("family", [LIVE, DAILY])
@pytest.mark.parametrize("kind", NETWORKS)
def test_an_untrained_network_is_persistence_exactly(kind, family):
    panel = random_walks(10, 30) if family == LIVE else random_walks(200, 1, family=DAILY)
    windows = panel.windows(panel.last_of_windows())
    forecast = untrained(kind, panel).forecast(windows)
    assert forecast.shape == (len(windows.years), len(HORIZONS[family]), SMILES, len(NODES))
    assert np.array_equal(forecast, np.repeat(windows.log_vol[:, -1:], len(HORIZONS[family]), axis=1))


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_mirrored_window_has_the_mirrored_change_and_a_still_one_none(kind):
    torch.manual_seed(1)
    network = SmileNetwork(kind, SIZE).eval()
    for end in (network.head, network.straight):
        torch.nn.init.normal_(end.weight)
    distances, context = torch.randn(5, DEPTH[LIVE], WIDTH), torch.randn(5, CONTEXT)
    with torch.inference_mode():
        change, mirrored = network(distances, context), network(-distances, context)
        still = network(torch.zeros_like(distances), context)
    assert change.shape == (5, 2, STATES)
    assert torch.allclose(change, -mirrored, atol=1e-5)
    assert change.abs().min() > 0.0
    assert still.abs().max() < 1e-6


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_order_of_states_matters(kind):
    torch.manual_seed(1)
    body = SmileNetwork(kind, SIZE).eval().body
    distances, context = torch.randn(3, DEPTH[LIVE], WIDTH), torch.randn(3, CONTEXT)
    with torch.inference_mode():
        assert (body(distances, context) - body(distances.flip(1), context)).abs().max() > 1e-3


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_batch_of_one_is_one_of_many(kind, trained, momentum):
    panel, _ = momentum
    last = panel.last_of_windows()[:7]
    many = trained[kind].model.forecast(panel.windows(last))
    one = np.concatenate([trained[kind].model.forecast(panel.windows(last[[at]])) for at in range(7)])
    assert one == pytest.approx(many, abs=1e-7)


def test_what_no_sample_was_like_is_seen_as_the_farthest_that_was(trained, momentum):
    panel, _ = momentum
    windows = panel.windows(panel.last_of_windows()[:1])
    wild = Windows(windows.log_vol, windows.years * 1e3, windows.covariates + 1e6)
    change = trained["gru"].model.forecast(wild) - wild.log_vol[:, -1:]
    assert np.abs(change).max() < 0.1


def test_a_spot_return_that_is_not_known_counts_as_none(trained, momentum):
    panel, _ = momentum
    windows = panel.windows(panel.last_of_windows()[:3])
    unknown, still = windows.covariates.copy(), windows.covariates.copy()
    unknown[..., SPOT_RETURN], still[..., SPOT_RETURN] = np.nan, trained["gru"].model.scaler.mean[-1]
    one, other = (trained["gru"].model.forecast(windows._replace(covariates=each)) for each in (unknown, still))
    assert one == pytest.approx(other, abs=1e-9)


# Training


def test_the_curve_begins_at_persistence_and_the_weights_kept_are_its_best(trained, momentum):
    panel, _ = momentum
    for kind, (model, curve) in ((kind, (each.model, each.curve)) for kind, each in trained.items()):
        assert list(curve.columns) == ["epoch", "train", "validation"]
        assert tuple(curve.iloc[0]) == (0, 1.0, 1.0)
        assert list(curve["epoch"]) == list(range(len(curve)))
        _, choose = fitting_samples(kind, panel, split(panel))
        error = (model.forecast(choose.windows) - choose.windows.log_vol[:, -1:] - choose.change) / model.scaler.target
        share = (error**2).mean() / ((choose.change / model.scaler.target) ** 2).mean()
        assert share == pytest.approx(curve["validation"].min(), rel=1e-4)


def test_every_epoch_is_reported():
    panel, rows = random_walks(6, 40), []
    trained = train("mlp", panel, split(panel), report=lambda *row: rows.append(row))
    assert rows == [tuple(row) for row in trained.curve.itertuples(index=False)][1:]


@pytest.mark.parametrize("kind", NETWORKS)
def test_one_seed_gives_one_set_of_weights_whatever_was_drawn_before(kind):
    panel, _ = with_momentum(5, 40)
    torch.manual_seed(11)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    once = train(kind, panel, split(panel), seed=3).model.network.state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    torch.rand(5)
    again, other = (train(kind, panel, split(panel), seed=seed).model.network.state_dict() for seed in (3, 4))
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not all(torch.equal(once[name], other[name]) for name in once)


@pytest.mark.parametrize("family", [LIVE, DAILY])
def test_the_scaler_sees_the_training_samples_alone(family):
    panel = random_walks(10, 40) if family == LIVE else random_walks(300, 1, family=DAILY)
    which = split(panel)
    train_states = np.flatnonzero(which == "train")
    other = panel.rows(np.arange(len(panel)))
    later = np.arange(len(panel)) > train_states.max()
    for values in (other.log_vol, other.covariates, other.years):
        values[later] = values[later] * 3.0 + 1.0
    one, two = (train("mlp", each, which).model for each in (panel, other))
    for field in fields(Scaler):
        assert np.array_equal(getattr(one.scaler, field.name), getattr(two.scaler, field.name)), field.name
    assert one.card.fingerprint != two.card.fingerprint


def test_the_units_are_those_of_the_training_samples():
    panel, _ = with_momentum(10, 60)
    part, _ = fitting_samples("gru", panel, split(panel))
    scaler = Scaler.of(LIVE, part)
    distances, context = scaler.inputs(LIVE, part.windows)
    assert distances.shape == (len(part.last), LENGTH - 1, WIDTH)
    assert distances.dtype == np.float32
    assert distances[:, -1, :STATES].std(axis=0) == pytest.approx(np.ones(STATES), rel=1e-4)
    varied = scaler.scale > 0.0
    assert context[:, varied].std(axis=0) == pytest.approx(np.ones(varied.sum()), rel=1e-2)
    assert scaler.target == pytest.approx(np.sqrt((part.change**2).mean(axis=0)))
    log_vol = part.windows.log_vol.reshape(len(part.last), LENGTH, STATES)
    assert distances[3, 2, :STATES] * scaler.change == pytest.approx(log_vol[3, 2] - log_vol[3, -1], rel=1e-4)


def test_daily_spot_is_as_far_as_its_returns_add_up_to_and_the_mean_state_comes_first():
    random = np.random.default_rng(5)
    returns = 0.01 * random.standard_normal((200, 1))
    panel = panel_from(random_walks(200, 1, family=DAILY).log_vol[:, None], DAILY, returns)
    part, _ = fitting_samples("gru", panel, split(panel))
    scaler = Scaler.of(DAILY, part)
    distances, _ = scaler.inputs(DAILY, part.windows)
    assert distances.shape == (len(part.last), LENGTH, WIDTH)
    last = part.last[4]
    assert distances[4, -3, -1] * scaler.move[0] == pytest.approx(-returns[last - 2 : last + 1].sum(), rel=1e-4)
    from_mean = (scaler.level - panel.log_vol[last].ravel()) / scaler.level_sd
    assert distances[4, 0, :STATES] == pytest.approx(from_mean, rel=1e-4)


def test_the_card_says_what_the_network_was_trained_on(trained, momentum):
    panel, _ = momentum
    for kind, each in trained.items():
        card = each.model.card
        assert (each.model.kind, each.model.family, each.model.horizons) == (kind, LIVE, (1, 10))
        assert card.fingerprint == fingerprint(panel, split(panel))
        assert card.trained_through == str(panel.session[split(panel) == "train"][-1])
        assert card.libraries["torch"] == torch.__version__


@pytest.mark.parametrize("kind", ["cnn", "persistence"])
def test_an_unknown_network_is_refused(kind):
    panel = random_walks(5, 40)
    with pytest.raises(ForecastError, match=rf"no network '{kind}'; there are gru, lstm, mlp, transformer"):
        train(kind, panel, split(panel))


def test_too_little_to_train_on_is_refused():
    panel = random_walks(5, 15)
    with pytest.raises(ForecastError, match="more sessions"):
        train("gru", panel, split(panel))
