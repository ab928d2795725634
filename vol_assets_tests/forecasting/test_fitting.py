import numpy as np
import pytest

from vol_assets.forecasting import fitting
from vol_assets.forecasting.fitting import fit, fit_levels, folds
from vol_assets.forecasting.frame import LABEL, trainable
from vol_assets.forecasting.models import ENSEMBLE, GAMMA_GLM, HAR_IV_PLUS, LOG_HAR_IV, PERSISTENCE, XGB_RESIDUAL
from vol_assets.forecasting.protocol import Residuals


@pytest.fixture(scope="module")
def known(frame):
    return frame[trainable(frame)]


class Counting:
    """A model that counts its fits and whose level is the mean label of the rows it was fitted on."""

    residuals = Residuals.OUT_OF_FOLD

    def __init__(self, name, bases=()):
        self.name, self.bases, self.fits = name, bases, []

    def fit(self, frame, *bases):
        self.fits.append(frame.index)
        level = frame[LABEL].mean()
        return lambda rows: np.full(len(rows), level)


def test_the_folds_are_those_of_the_docstring(monkeypatch):
    monkeypatch.setattr(fitting, "BLOCK", 3)
    monkeypatch.setattr(fitting, "GAP", 1)
    shown = [["".join(map(str, mask.astype(int))) for mask in fold] for fold in folds(12)]
    assert shown == [["000010000011", "111000111000"], ["110000010000", "000111000111"]]


@pytest.mark.parametrize("rows", [100, 456, 3_140])
def test_every_row_is_held_out_once_and_nothing_is_trained_on_within_ten_sessions_of_it(rows):
    held = np.zeros(rows, int)
    for train, held_out in folds(rows):
        held += held_out
        assert train.any()
        distance = np.abs(np.subtract.outer(np.flatnonzero(train), np.flatnonzero(held_out)))
        assert distance.min() == fitting.GAP + 1
    assert (held == 1).all()


def test_a_base_that_two_models_share_is_fitted_once_whole_and_once_a_fold(known):
    base = Counting("base")
    fitted = fit([Counting("one", (base,)), Counting("two", (base,)), base], known)
    assert list(fitted) == ["base", "one", "two"]
    assert [len(index) for index in base.fits] == [len(known), *(train.sum() for train, _ in folds(len(known)))]


def test_factors_are_measured_on_levels_that_have_not_seen_the_session(known):
    """By hand for a model that forecasts the mean of what it was fitted on: the other fold's mean."""
    fitted = fit([Counting("mean")], known)["mean"]
    realised = known[LABEL].to_numpy()
    outside = np.empty(len(known))
    for train, held_out in folds(len(known)):
        outside[held_out] = realised[train].mean()
    assert fitted.calibration.vol == pytest.approx(np.mean(realised / outside))
    assert fitted.calibration.var == pytest.approx(np.mean((realised / outside) ** 2))
    assert fitted.calibration.p90 == pytest.approx(np.quantile(realised / outside, 0.9))


def test_trees_predict_rows_they_have_seen_too_well_and_folds_know_it(known):
    fitted = fit([XGB_RESIDUAL], known)["xgb_residual"]
    realised = known[LABEL].to_numpy()
    seen = realised / fitted.level(known)
    inside = np.quantile(seen, 0.9) / np.quantile(seen, 0.1)
    assert fitted.calibration.p90 / fitted.calibration.p10 > inside


def test_a_level_taken_at_its_word_has_no_factors_but_an_interval(known):
    calibration = fit([PERSISTENCE], known)["persistence"].calibration
    assert (calibration.vol, calibration.var) == (1, 1)
    assert calibration.p10 < calibration.p50 < calibration.p90


def test_fitting_twice_gives_the_same_numbers_to_the_bit(known):
    one, two = (fit([ENSEMBLE, LOG_HAR_IV], known) for _ in range(2))
    for name in one:
        assert one[name].calibration == two[name].calibration
        np.testing.assert_array_equal(one[name].level(known), two[name].level(known))


def test_optional_inputs_wait_until_every_fold_has_a_year_of_them(make_bars, make_frame):
    frame = make_frame(make_bars(900))
    draw = np.random.default_rng(4)
    optional = {name: draw.normal(size=len(frame)) for name in ENSEMBLE.optional}
    for there, learnt in ((400, False), (900, True)):
        late = np.arange(len(frame)) < len(frame) - there
        rows = frame.assign(**{name: np.where(late, np.nan, values) for name, values in optional.items()})
        fitted = fit([ENSEMBLE], rows[trainable(rows)])["ensemble"]
        assert (fitted.level.optional is not None) == learnt
        # alone, without folds, 250 rows are enough
        assert fit_levels([ENSEMBLE], rows[trainable(rows)])["ensemble"].optional is not None


def test_levels_need_no_calibration(known):
    levels = fit_levels([ENSEMBLE], known)
    assert list(levels) == ["har_iv_plus", "gamma_glm", "xgb_residual", "ensemble"]
    assert levels["gamma_glm"](known) == pytest.approx(GAMMA_GLM.fit(known)(known), rel=1e-15)
    assert levels["har_iv_plus"] == HAR_IV_PLUS.fit(known)
