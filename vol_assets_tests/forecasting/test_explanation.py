import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.forecast import RV_EXPLANATION
from vol_assets.errors import ContractError, ForecastError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.explanation import Explanation, explain
from vol_assets.forecasting.fitting import fit_levels
from vol_assets.forecasting.frame import complete, trainable
from vol_assets.forecasting.models import ENSEMBLE, GAMMA_GLM, HAR_IV_PLUS, LOG_HAR_IV, VIX, XGB_21
from vol_assets.forecasting.models.additive import Trees
from vol_assets.forecasting.models.boosted import BoostedTrees
from vol_assets.forecasting.rv_model import RvForecaster, train


@pytest.fixture(scope="module")
def frame(make_bars, make_frame):
    """With the optional inputs from the 200th session on."""
    frame = make_frame(make_bars(900))
    seen = np.arange(len(frame)) >= 200
    draw = np.random.default_rng(3)
    return frame.assign(
        **{name: np.where(seen, draw.normal(0.1, 0.1, len(frame)), np.nan) for name in IMPLIED_FEATURES}
    )


@pytest.fixture(scope="module")
def known(frame):
    return frame[complete(frame)]


@pytest.fixture(scope="module")
def forecasters(frame):
    return {model.name: train(frame, model) for model in (ENSEMBLE, XGB_21, LOG_HAR_IV, VIX)}


@pytest.fixture(scope="module")
def explained(forecasters, known):
    return explain(forecasters["ensemble"], known)


@pytest.mark.parametrize("name", ["ensemble", "xgb_21", "log_har_iv", "vix"])
def test_base_and_terms_add_up_to_the_log_forecast(name, forecasters, known):
    explanation = explain(forecasters[name], known)
    total = explanation.base + explanation.terms.sum(axis=1)
    np.testing.assert_allclose(total, np.log(forecasters[name].forecast(known).vol), rtol=0, atol=1e-6)
    assert explanation.terms.index.equals(known.index)
    assert (explanation.forecast_vol == forecasters[name].forecast(known).vol).all()


def test_every_input_is_a_term_of_its_kind(explained, forecasters, known):
    assert set(explained.terms) == {*L1_FEATURES, *HAR_FEATURES, *IMPLIED_FEATURES}
    assert {explained.kinds[name] for name in HAR_FEATURES + IMPLIED_FEATURES} == {"linear"}
    assert {explained.kinds[name] for name in L1_FEATURES} == {"trees"}
    assert explain(forecasters["vix"], known).kinds == {"log_vix": "linear"}


def shapley(trees, row):
    """Shapley values of each tree's path-dependent expectations by their definition, over all subsets of inputs."""
    values = dict.fromkeys(row.index, 0.0)
    for _, nodes in trees.groupby("Tree"):
        by_id = nodes.set_index("ID").to_dict("index")
        root = nodes["ID"].iloc[0]
        inputs = [name for name in nodes["Feature"].unique() if name != "Leaf"]
        worth = {
            frozenset(seen): expectation(by_id, root, row, seen)
            for size in range(len(inputs) + 1)
            for seen in combinations(inputs, size)
        }
        count = len(inputs)
        for name in inputs:
            for seen, without in worth.items():
                if name not in seen:
                    weight = math.factorial(len(seen)) * math.factorial(count - len(seen) - 1) / math.factorial(count)
                    values[name] += weight * (worth[seen | {name}] - without)
    return pd.Series(values)


def expectation(nodes, at, row, seen):
    """A tree's output knowing the inputs `seen`: at other splits, the branches' mean by training cover."""
    node = nodes[at]
    if node["Feature"] == "Leaf":
        return node["Gain"]
    yes, no = node["Yes"], node["No"]
    if node["Feature"] in seen:
        below = np.float32(row[node["Feature"]]) < np.float32(node["Split"])
        return expectation(nodes, yes if below else no, row, seen)
    covers = nodes[yes]["Cover"], nodes[no]["Cover"]
    return sum(c * expectation(nodes, to, row, seen) for c, to in zip(covers, (yes, no))) / sum(covers)


@pytest.mark.parametrize("name", ["xgb_21", "ensemble"])
def test_the_trees_terms_are_shapley_values_by_definition(name, forecasters, known):
    rows = known.iloc[[10, -1]]
    (part,) = forecasters[name].fitted.level.trees
    terms = explain(forecasters[name], rows).terms[list(L1_FEATURES)]
    trees = part.booster.trees_to_dataframe()
    for day, row in rows[list(L1_FEATURES)].iterrows():
        np.testing.assert_allclose(terms.loc[day], part.weight * shapley(trees, row)[terms.columns], rtol=0, atol=2e-6)
    assert terms.abs().to_numpy().max() > 1e-3


def test_the_ensembles_linear_terms_are_its_members_mean_slopes_times_the_distance_from_the_mean(
    frame, known, explained
):
    rows = frame[trainable(frame)]
    members = fit_levels([HAR_IV_PLUS, GAMMA_GLM], rows)
    slopes = [dict(zip(level.columns, level.line.slopes, strict=True)) for level in members.values()]
    for name in HAR_FEATURES:
        slope = (2 * slopes[0][name] + slopes[1][name]) / 3  # xgb_residual stands on har_iv_plus
        np.testing.assert_allclose(explained.terms[name], slope * (known[name] - rows[name].mean()), rtol=0, atol=1e-12)


def test_the_terms_of_optional_inputs_vanish_where_they_are_missing_and_are_linear_elsewhere(explained, known):
    missing = known["log_vvix"].isna()
    assert 0 < missing.sum() < len(known)
    for name in IMPLIED_FEATURES:
        assert (explained.terms.loc[missing, name] == 0).all()
        value, part = known.loc[~missing, name], explained.terms.loc[~missing, name]
        slope, _ = np.polyfit(value, part, 1)
        np.testing.assert_allclose(part, slope * (value - value[: explained.trained_through].mean()))


def test_a_frame_without_the_optional_columns_is_explained_too(forecasters, known):
    explanation = explain(forecasters["ensemble"], known.drop(columns=list(IMPLIED_FEATURES)).tail(5))
    assert explanation.values[list(IMPLIED_FEATURES)].isna().all(axis=None)
    assert not explanation.terms[list(IMPLIED_FEATURES)].any(axis=None)
    RV_EXPLANATION.require(explanation.rows())


def test_the_base_is_the_forecast_of_an_average_session(frame, forecasters, known):
    line = forecasters["log_har_iv"]
    average = pd.DataFrame([line.feature_means], index=known.index[-1:])
    assert explain(line, known).base == pytest.approx(np.log(line.forecast(average).vol[0]), abs=1e-12)
    # Trees have no average input. Grown on all sessions, they are on average what their covers say.
    trees = BoostedTrees("trees", rounds=30, learning_rate=0.1, max_depth=3, min_child_weight=10.0, subsample=1.0)
    forecaster = train(frame, trees)
    rows = frame[trainable(frame)]
    assert explain(forecaster, rows).base == pytest.approx(np.log(forecaster.forecast(rows).vol).mean(), abs=1e-5)


def test_an_input_of_both_the_line_and_the_trees_is_one_term(frame, known):
    columns = ("log_vix", "rsi_spy_14")
    model = BoostedTrees(
        "both", rounds=20, learning_rate=0.1, max_depth=2, min_child_weight=20.0, bases=(LOG_HAR_IV,), columns=columns
    )
    forecaster = train(frame, model)
    explanation = explain(forecaster, known)
    assert explanation.kinds["log_vix"] == "linear + trees"
    assert explanation.kinds["log_var_5d"] == "linear"
    total = explanation.base + explanation.terms.sum(axis=1)
    np.testing.assert_allclose(total, np.log(forecaster.forecast(known).vol), rtol=0, atol=1e-6)
    RV_EXPLANATION.require(explanation.rows())


def test_a_loaded_forecaster_is_explained_like_the_saved_one(forecasters, explained, known, tmp_path):
    forecasters["ensemble"].save(tmp_path)
    loaded = explain(RvForecaster.load(tmp_path), known)
    pd.testing.assert_frame_equal(loaded.terms, explained.terms, check_exact=True)
    assert (loaded.base, loaded.trained_through) == (explained.base, explained.trained_through)


def test_shap_values_that_do_not_add_up_to_the_trees_output_are_refused(forecasters, known, monkeypatch):
    margin = Trees.margin
    monkeypatch.setattr(Trees, "margin", lambda part, frame: margin(part, frame) + 1e-3)
    with pytest.raises(ForecastError, match=r"miss the trees' output by 1\.0e-03"):
        explain(forecasters["xgb_21"], known.tail(5))


def test_null_inputs_are_refused_naming_session_and_column(forecasters, known):
    row = known.tail(1).assign(log_vix=np.nan)
    with pytest.raises(ForecastError, match=f"{row.index[0]:%Y-%m-%d} in log_vix"):
        explain(forecasters["log_har_iv"], row)


@pytest.fixture
def small():
    """Two sessions of 2019 and two of 2020; a lacks nothing, c is optional and absent in 2019."""
    days = pd.DatetimeIndex(["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03"], name="date")
    terms = pd.DataFrame({"a": [0.1, -0.1, 0.2, 0.4], "b": [-0.3, 0.3, 0.3, 0.5], "c": [0, 0, 0.02, -0.04]}, days)
    values = pd.DataFrame({"a": [1.0, -1, 2, 4], "b": [-3.0, 3, 3, 5], "c": [np.nan, np.nan, 1, -2]}, days)
    vol = np.exp(-2 + terms.sum(axis=1)).rename("forecast_vol")
    kinds = {"a": "linear", "b": "trees", "c": "linear"}
    return Explanation(terms, -2.0, vol, values, kinds, pd.Timestamp("2019-12-31"))


def test_importance_is_the_mean_size_of_a_term_and_ranks_terms(small):
    assert small.importance().index.tolist() == ["b", "a", "c"]
    assert small.importance().to_numpy() == pytest.approx([0.35, 0.2, 0.015])


def test_terms_of_a_kind_may_cancel_before_their_size_is_taken(small):
    together = small.importance_by_kind()
    assert together["trees"] == pytest.approx(0.35)
    assert together["linear"] == pytest.approx((0.1 + 0.1 + 0.22 + 0.36) / 4)


def test_importance_by_year_is_that_of_the_years_sessions_and_null_without_an_input(small):
    yearly = small.importance_by_year()
    assert yearly.columns.tolist() == [2019, 2020]
    assert yearly.loc["b"].tolist() == pytest.approx([0.3, 0.4])
    assert yearly.loc["a"].tolist() == pytest.approx([0.1, 0.3])
    assert np.isnan(yearly.loc["c", 2019])
    assert yearly.loc["c", 2020] == pytest.approx(0.03)


def test_the_last_sessions_alone_keep_their_terms(small):
    assert small.last(1).importance().to_dict() == pytest.approx({"b": 0.5, "a": 0.4, "c": 0.04})
    assert small.last(99).terms.equals(small.terms)


def test_why_goes_from_the_average_session_to_the_forecast_largest_term_first(small, explained):
    session = small.terms.index[-1]
    assert small.why(session)["part"].to_dict() == pytest.approx({"b": 0.5, "a": 0.4, "c": -0.04})
    short = small.why(session, top=1)
    assert short["part"].to_dict() == pytest.approx({"b": 0.5, "others": 0.36})
    assert short.loc["b", "value"] == 5
    assert np.isnan(short.loc["others", "value"])
    day = explained.terms.index[-1]
    ends = explained.base + explained.why(day, top=4)["part"].sum()
    assert ends == pytest.approx(np.log(explained.forecast_vol[day]), abs=1e-6)


def test_the_table_keeps_its_contract_and_holds_every_term_of_every_session(explained, known):
    rows = RV_EXPLANATION.require(explained.rows())
    assert len(rows) == len(known) * len(explained.terms.columns)
    wide = rows.pivot(index="date", columns="term", values="contribution")
    np.testing.assert_array_equal(wide[explained.terms.columns], explained.terms)
    last = rows[rows["date"] == known.index[-1]].set_index("term")
    assert last.loc["vix", "value"] == known["vix"].iloc[-1]
    assert last.loc["vix", "kind"] == "trees"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.assign(contribution=rows["contribution"] + 1e-6),
        lambda rows: rows[rows["term"] != "b"],
        lambda rows: rows.assign(forecast_vol=1.001 * rows["forecast_vol"]),
    ],
    ids=["a part", "a missing term", "the forecast"],
)
def test_a_table_whose_terms_do_not_add_up_is_refused(spoil, small):
    RV_EXPLANATION.require(small.rows())
    with pytest.raises(ContractError, match="base \\+ contributions of a date = ln forecast_vol"):
        RV_EXPLANATION.require(spoil(small.rows()))


def test_a_forecast_that_is_not_the_terms_sum_cannot_be_stored(small):
    with pytest.raises(ContractError, match="base"):
        RV_EXPLANATION.require(replace(small, base=-2.1).rows())
