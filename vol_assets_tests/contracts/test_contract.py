"""The machinery of a contract, and what holds for every table there is."""

import datetime as dt

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pytest

from vol_assets.contracts import CONTRACTS, REJECT_COLUMNS, Contract
from vol_assets.contracts.contract import column, date_column
from vol_assets.errors import ContractError

every_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)

TOY = Contract(
    key=("toy", "table"),
    description="A table of two columns and one rule.",
    columns={
        "date": date_column(),
        "vol": column(
            "float64", "a volatility", pa.Check.in_range(0, 5, error="within 0 ... 5"), unit="decimal a year"
        ),
        "note": column("str", "words"),
    },
    checks=(pa.Check(lambda frame: frame["vol"] != 1.5, name="not 1.5", error="not 1.5"),),
)


def toy(vols, first="2024-01-02") -> pd.DataFrame:
    dates = pd.date_range(first, periods=len(vols), freq="D").as_unit("ns")
    return pd.DataFrame({"date": dates, "vol": np.asarray(vols, dtype=float), "note": "fine"})


@every_contract
def test_the_arrow_schema_has_the_columns_of_the_pandera_schema_in_their_order(contract):
    names = [name for name in contract.schema.columns if not (contract.by_session and name == "date")]
    assert contract.arrow_schema.names == names
    for name in names:
        assert contract.arrow_schema.field(name).nullable == contract.schema.columns[name].nullable


@every_contract
def test_what_arrow_reads_back_has_the_types_pandera_asks_for(contract):
    fields = contract.arrow_schema
    row = {field.name: pyarrow.array([None if field.nullable else 0]).cast(field.type) for field in fields}
    for table in (pyarrow.table(row, schema=fields), fields.empty_table()):
        frame = table.to_pandas()
        if contract.by_session:
            frame.insert(0, "date", pd.Series(dtype="datetime64[ns]"))
        for name, spec in contract.schema.columns.items():
            if spec.metadata["dtype"] != "str":  # text is object in pandas, whatever the values
                assert spec.dtype.check(pa.Column(frame[name].dtype).dtype), name


@every_contract
def test_a_session_table_has_no_date_in_its_files_and_the_others_have_theirs_if_any(contract):
    assert ("date" in contract.arrow_schema.names) == (not contract.by_session and "date" in contract.columns)
    dated = contract.key not in {("forecast", "rv_evaluation"), ("smile", "leaderboard")}  # a row a model
    assert (next(iter(contract.columns)) == "date") == dated


@every_contract
def test_every_number_names_its_unit_and_every_column_says_what_it_is(contract):
    described = contract.describe()
    assert [entry["name"] for entry in described] == list(contract.columns)
    for entry in described:
        assert entry["description"], entry["name"]
        assert entry["unit"] or entry["type"] != "float64", entry["name"]
        field = contract.arrow_schema.field(entry["name"]) if entry["name"] in contract.arrow_schema.names else None
        if field is not None:
            assert field.metadata[b"unit"].decode() == entry["unit"]
            assert field.metadata[b"description"].decode() == entry["description"]


@every_contract
def test_a_contract_is_found_under_its_key_and_named_like_its_path(contract):
    assert CONTRACTS[contract.key] is contract
    assert contract.name == "/".join(contract.key)


@every_contract
def test_a_frame_without_rows_breaks_no_contract(contract):
    """What an asset has when nothing came: pandas then knows no types, and nobody is to blame for them."""
    verdict = contract.judge(pd.DataFrame(columns=list(contract.columns)))
    assert len(verdict.good) == len(verdict.rejects) == 0
    assert list(verdict.rejects.columns) == REJECT_COLUMNS


def test_a_column_is_described_with_its_unit_nullability_and_checks_in_words():
    assert TOY.describe()[1] == {
        "name": "vol",
        "type": "float64",
        "unit": "decimal a year",
        "nullable": "no",
        "description": "a volatility",
        "checks": "within 0 ... 5",
    }


def test_a_good_frame_comes_back_whole_and_numbered_anew():
    frame = toy([0.1, 0.2])
    verdict = TOY.judge(frame.set_index(pd.Index([7, 3])))
    pd.testing.assert_frame_equal(verdict.good, frame)
    assert list(verdict.rejects.columns) == REJECT_COLUMNS
    assert verdict.refused == []


def test_a_breach_of_a_column_names_column_rule_and_value():
    verdict = TOY.judge(toy([0.1, 18.5, 0.2]))
    assert verdict.rejects.to_dict("records") == [
        {"date": pd.Timestamp("2024-01-03"), "symbol": "", "rule": "vol: within 0 ... 5", "value": "18.5"}
    ]
    assert list(verdict.good["vol"]) == [0.1, 0.2]
    assert list(verdict.good.index) == [0, 1]


def test_a_breach_of_a_row_names_each_value_by_its_column_in_the_tables_order():
    (reject,) = TOY.judge(toy([0.1, 1.5])).rejects.to_dict("records")
    assert reject["rule"] == "not 1.5"
    assert reject["value"] == "vol 1.5, note fine"


def test_a_null_where_none_may_be_is_refused():
    verdict = TOY.judge(toy([0.1, np.nan]))
    assert list(verdict.rejects["rule"]) == ["vol: not_nullable"]


def test_a_session_twice_is_refused():
    frame = pd.concat([toy([0.1, 0.2]), toy([0.3])])
    verdict = TOY.judge(frame)
    assert verdict.refused == [pd.Timestamp("2024-01-02")]
    assert list(verdict.good["vol"]) == [0.2]
    assert list(verdict.rejects["rule"]) == ["one row a date"]


def test_refused_sessions_are_listed_once_each_and_in_order():
    verdict = TOY.judge(toy([9, 0.1, 1.5, -1]))
    assert verdict.refused == [pd.Timestamp(day) for day in ("2024-01-02", "2024-01-04", "2024-01-05")]
    assert list(verdict.good["vol"]) == [0.1]


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        (toy([0.1]).drop(columns="note"), "note"),
        (toy([0.1]).assign(surplus=1.0), "surplus"),
        (toy([0.1])[["date", "note", "vol"]], "column_ordered"),
        (toy([0.1]).assign(vol=1), "int64"),
        (toy([0.1]).assign(vol="high"), "vol"),
        (toy([0.1]).assign(date="2024-01-02"), "date"),
        (toy([0.1]).assign(date=dt.date(2024, 1, 2)), "date"),
        (toy([0.1]).assign(date=pd.Timestamp("2024-01-02", tz="UTC")), "date"),
        (pd.concat([toy([0.1]), toy([0.2]).assign(date=pd.NaT)]), "1 of 2 rows have no date"),
    ],
)
def test_wrong_columns_or_types_are_nobodys_session_and_raise(frame, named):
    with pytest.raises(ContractError, match="toy/table") as raised:
        TOY.judge(frame)
    assert named in str(raised.value)


def test_requiring_a_contract_returns_the_frame_or_raises_with_the_first_breaches():
    frame = toy([0.1, 0.2])
    assert TOY.require(frame) is frame
    with pytest.raises(ContractError) as raised:
        TOY.require(toy([0.1, 7, 8, 9, 10, 11, 12]))
    assert str(raised.value).startswith("toy/table: 6 breaches of its contract: 2024-01-03  vol: within 0 ... 5: 7.0; ")
    assert "2024-01-07" in str(raised.value)
    assert "2024-01-08" not in str(raised.value)  # five are enough to see what is wrong
