"""What a table is: one Pandera schema, from which the Arrow schema, the docs table and Dagster's columns follow.

In memory a session-partitioned table always has its `date` column; its files never do, the folder is the date.
`Contract.judge` splits a frame by session: a session with one bad row is refused whole, the others are good.
A frame whose columns or types are wrong is nobody's session and raises a ContractError.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pandera.errors
import pandera.pandas as pa
import pyarrow

from vol_assets.errors import ContractError

REJECT_COLUMNS = ["date", "symbol", "rule", "value"]

_ARROW_TYPES = {
    "float64": pyarrow.float64(),
    "int64": pyarrow.int64(),
    "str": pyarrow.string(),
    "bool": pyarrow.bool_(),
    "datetime64[ns]": pyarrow.timestamp("ns"),
    "datetime64[us, UTC]": pyarrow.timestamp("us", tz="UTC"),
}


def column(dtype: str, description: str, *checks: pa.Check, unit: str = "", nullable: bool = False) -> pa.Column:
    """A Pandera column with its unit; `dtype` is one of the few the lake stores."""
    kind = {"datetime64[us, UTC]": pd.DatetimeTZDtype("us", "UTC"), "str": None}.get(dtype, dtype)
    return pa.Column(
        kind,
        [_TEXT, *checks] if dtype == "str" else list(checks),
        nullable=nullable,
        description=description,
        metadata={"unit": unit, "dtype": dtype},
    )


# Pandera's own check of text looks at every value in Python, half of what a chain's contract costs.
_TEXT = pa.Check(lambda values: pd.api.types.infer_dtype(values, skipna=True) in ("string", "empty"), name="str")


def date_column() -> pa.Column:
    """The session of a row, as naive midnight."""
    return column("datetime64[ns]", "exchange session (New York date)")


@dataclass(frozen=True)
class Verdict:
    """A frame judged by its contract: the rows of good sessions, and one reject a (session, symbol, rule)."""

    good: pd.DataFrame
    rejects: pd.DataFrame

    @property
    def refused(self) -> list[pd.Timestamp]:
        return sorted(self.rejects["date"].unique())


@dataclass(frozen=True)
class Contract:
    """One table: its key (asset key and lake path), its schema, and whether sessions partition it.

    `unique` are the columns that name a row; none where the table keeps what a source repeats.
    """

    key: tuple[str, ...]
    description: str
    columns: dict[str, pa.Column]
    unique: tuple[str, ...] = ("date",)
    checks: tuple[pa.Check, ...] = ()
    by_session: bool = True

    @property
    def name(self) -> str:
        return "/".join(self.key)

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        return pa.DataFrameSchema(
            self.columns,
            checks=list(self.checks),
            unique=list(self.unique) or None,
            strict=True,
            ordered=True,
            name=self.name,
            description=self.description,
        )

    @cached_property
    def arrow_schema(self) -> pyarrow.Schema:
        """The schema of the files: without `date` where the folder says it, with units as field metadata."""
        return pyarrow.schema(
            pyarrow.field(
                name,
                _ARROW_TYPES[spec.metadata["dtype"]],
                spec.nullable,
                metadata={"unit": spec.metadata["unit"], "description": spec.description},
            )
            for name, spec in self.columns.items()
            if not (self.by_session and name == "date")
        )

    def empty(self) -> pd.DataFrame:
        """A frame without rows, with the columns and types of the table."""
        files = self.arrow_schema.empty_table().to_pandas()
        return files.assign(date=pd.Series(dtype="datetime64[ns]"))[list(self.columns)] if self.by_session else files

    def describe(self) -> list[dict[str, str]]:
        """One entry a column: name, type, unit, nullable, description and its checks in words."""
        return [
            {
                "name": name,
                "type": spec.metadata["dtype"],
                "unit": spec.metadata["unit"],
                "nullable": "yes" if spec.nullable else "no",
                "description": spec.description,
                "checks": "; ".join(_in_words(check) for check in spec.checks if check is not _TEXT),
            }
            for name, spec in self.columns.items()
        ]

    def judge(self, frame: pd.DataFrame) -> Verdict:
        """Split `frame` into the rows of good sessions and the rejects of refused ones."""
        frame = frame.reset_index(drop=True)
        if frame.empty:  # no rows, nobody to refuse: nor for types, which pandas does not know of nothing
            return Verdict(frame, pd.DataFrame(columns=REJECT_COLUMNS))
        try:
            self.schema.validate(frame, lazy=True)
        except pandera.errors.SchemaErrors as error:
            rejects = self._rejects(frame, error.failure_cases)
            good = frame[~frame["date"].isin(rejects["date"])].reset_index(drop=True)
            return Verdict(good, rejects)
        return Verdict(frame, pd.DataFrame(columns=REJECT_COLUMNS))

    def require(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`frame` itself when every row keeps the contract; otherwise a ContractError naming the first breaches."""
        verdict = self.judge(frame)
        if len(verdict.rejects):
            lines = "; ".join(
                f"{r.date:%Y-%m-%d} {r.symbol} {r.rule}: {r.value}" for r in verdict.rejects[:5].itertuples()
            )
            raise ContractError(f"{self.name}: {len(verdict.rejects)} breaches of its contract: {lines}")
        return frame

    def _rejects(self, frame: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
        structural = cases[cases["index"].isna()]
        if len(structural):
            wrong = "; ".join(f"{c.column or ''} {c.check} ({c.failure_case})".strip() for c in structural.itertuples())
            raise ContractError(f"{self.name}: columns or types differ from the contract: {wrong}")
        cases = cases.sort_index().reset_index(drop=True)  # a broken row is one case a column, in the table's order
        rows = frame.loc[cases["index"].astype(int)].reset_index(drop=True)
        if rows["date"].isna().any():
            raise ContractError(f"{self.name}: {frame['date'].isna().sum()} of {len(frame)} rows have no date")
        column, rule, value = (cases[name].astype(str) for name in ("column", "check", "failure_case"))
        rule = rule.replace("multiple_fields_uniqueness", "one row a " + " and ".join(self.unique))
        of_column = cases["schema_context"] == "Column"
        of_row = (column + " " + value).where(~column.isin(REJECT_COLUMNS), "")  # the reject itself has date and symbol
        rejects = pd.DataFrame(
            {
                "date": rows["date"],
                "symbol": rows["symbol"].fillna("") if "symbol" in rows else "",
                "rule": rule.where(~of_column, column + ": " + rule),
                "value": value.where(of_column, of_row),
            }
        )
        return (
            rejects.groupby(["date", "symbol", "rule"], as_index=False, sort=True)
            .agg(value=("value", lambda values: ", ".join(filter(None, dict.fromkeys(values)))[:200]))
            .loc[:, REJECT_COLUMNS]
        )


def _in_words(check: pa.Check) -> str:
    return str(check.error or check.name)
