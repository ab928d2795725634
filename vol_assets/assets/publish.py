"""Publishing a session table: judge by the contract, write and record what is good, refuse and name what is not.

Nothing reaches the lake before it is judged. With nothing refused, the rows go to the IO manager as the asset's
value. With refused sessions the good ones are written and recorded all the same, the refused ones go to the
lake's rejects with their reasons, and then the step fails naming them; one session or a range, it is the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd

from vol_assets.assets.pages import column_schema, table
from vol_assets.assets.partitions import SESSIONS
from vol_assets.contracts import REJECT_COLUMNS, Contract
from vol_assets.errors import SessionError
from vol_assets.instance.partial import record_sessions
from vol_assets.lake import Lake

CONTRACT_CHECK = "contract"
OWNERS = ["team:volatility"]
CHUNK_ROWS = 200_000  # judged and written together: 0.1 GB of a wide table
CHUNK_SESSIONS = 128


def session_asset(contract: Contract, *, group: str, checks: Sequence[str] = (), **kwargs: Any):
    """`dg.asset` for a session table: its key, columns, partitions, single-run backfills and its checks.

    `checks` are the names of further checks, which warn; the contract check blocks.
    """
    key = dg.AssetKey(contract.key)
    return dg.asset(
        key=key,
        group_name=group,
        owners=OWNERS,
        kinds={"parquet", "pandas"},
        partitions_def=SESSIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        output_required=False,  # a step that refuses sessions ends without its output
        metadata={"dagster/column_schema": column_schema(contract), "lake folder": contract.name},
        check_specs=[
            dg.AssetCheckSpec(
                CONTRACT_CHECK,
                asset=key,
                description="Every row keeps the table's contract; refused sessions are not written.",
            ),
            *(dg.AssetCheckSpec(name, asset=key) for name in checks),
        ],
        **kwargs,
    )


def asked_sessions(context: dg.AssetExecutionContext) -> list[dt.date]:
    """The sessions of this run; a SessionError for an empty range, which Dagster itself lets pass."""
    asked = [dt.date.fromisoformat(key) for key in context.partition_keys]
    if not asked:
        raise SessionError(
            f"{context.asset_key.to_user_string()}: the run asks for an empty range of sessions; "
            "are the ends of --partition-range swapped?"
        )
    return asked


def warning(check_name: str, passed: bool, **metadata: Any) -> dg.AssetCheckResult:
    """The result of a check that warns and never blocks."""
    said = {name.replace("_", " "): value for name, value in metadata.items()}
    return dg.AssetCheckResult(check_name=check_name, passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=said)


def publish(
    context: dg.AssetExecutionContext,
    lake: Lake,
    contract: Contract,
    frame: pd.DataFrame,
    *,
    rejects: pd.DataFrame | None = None,
    unchanged: Sequence[dt.date] = (),
    rowless: Sequence[dt.date] = (),
    metadata: Mapping[str, Any] | None = None,
    checks: Sequence[dg.AssetCheckResult] = (),
) -> Iterator[Any]:
    """Yield what the asset of a session table yields: its checks, and its result or a Failure.

    frame: rows of the sessions asked for, with a `date` column. rejects: rows refused before the contract saw
    them (date, symbol, rule, value). unchanged: sessions that the lake holds already and that need no writing.
    rowless: sessions that rightly have no row; they are recorded, with an empty file.
    metadata (pictures, tables, totals) goes on the record of the last session.
    """
    asked = asked_sessions(context)
    verdict = contract.judge(frame)
    parts = (rejects, verdict.rejects, _absent(asked, frame, rejects, rowless))
    refusals = [part for part in parts if part is not None and len(part)]
    refused = pd.concat(refusals, ignore_index=True) if refusals else pd.DataFrame(columns=REJECT_COLUMNS)
    bad = set(pd.to_datetime(refused["date"]).dt.date)
    good_sessions = [session for session in asked if session not in bad]
    good = verdict.good[~verdict.good["date"].isin(pd.to_datetime(sorted(bad)))]
    to_write = good[~good["date"].isin(pd.to_datetime(list(unchanged)))]
    written = to_write["date"].nunique()

    lake.clear_rejects(contract, good_sessions)
    lake.write_empty(contract, [session for session in rowless if session not in set(unchanged)])
    # Every session of a range gets the same record, so it says little: what is said of the run stands on the last.
    each = {"dagster/partition_row_count": round(len(good) / max(len(good_sessions), 1))}
    context.log.info(_in_words(contract, asked, written, len(rowless), bad))
    yield dg.AssetCheckResult(
        check_name=CONTRACT_CHECK,
        passed=not bad,
        metadata={"refused": table(refused)} if bad else {"rows": len(good)},
    )
    yield from checks
    if not bad:
        counts = {"sessions of this run": len(asked), "sessions written": written}
        context.add_asset_metadata({**(metadata or {}), **counts}, partition_key=context.partition_keys[-1])
        yield dg.MaterializeResult(value=to_write, metadata=each)
        return

    lake.write(contract, to_write)
    raise _refusal(context, lake, contract, refused, good_sessions, each)


@dataclass(frozen=True)
class SessionRows:
    """What an asset has for one session: its rows, with a `date` column, or why there are none that can be used.

    rejects: rows refused before the contract saw them (date, symbol, rule, value). unchanged: the lake holds these
    rows already.
    """

    session: dt.date
    rows: pd.DataFrame
    rejects: pd.DataFrame | None = None
    unchanged: bool = False


def named(sessions: Sequence[dt.date], most: int = 10) -> str:
    """Sessions in words: the first of them, and whether there are more."""
    return ", ".join(map(str, sessions[:most])) + (" ..." if len(sessions) > most else "") if sessions else "none"


def not_stored(session: dt.date, upstream: Contract) -> pd.DataFrame:
    """The reject of a session that the table before does not hold."""
    reject = (pd.Timestamp(session), "", f"{upstream.name} of the session", "not in the lake; materialize it first")
    return pd.DataFrame([reject], columns=REJECT_COLUMNS)


def publish_each(
    context: dg.AssetExecutionContext,
    lake: Lake,
    contract: Contract,
    sessions: Iterable[SessionRows],
    *,
    metadata: Callable[[], Mapping[str, Any]] = dict,
    checks: Callable[[], Sequence[dg.AssetCheckResult]] = tuple,
) -> Iterator[Any]:
    """As `publish`, for tables too big to be held for a whole range: judged and written some sessions at a time.

    metadata, checks: asked for after the last session has passed. A session with neither rows nor rejects is refused.
    """
    asked = asked_sessions(context)
    refusals: list[pd.DataFrame] = []
    rows_kept = written = 0
    seen: set[dt.date] = set()
    empty = contract.empty()
    for chunk in _chunks(sessions):
        seen |= {one.session for one in chunk}
        held = [one for one in chunk if one.rejects is None and len(one.rows)]
        refusals += [one.rejects for one in chunk if one.rejects is not None]
        absent = [one.session for one in chunk if one.rejects is None and not len(one.rows)]
        refusals.append(_no_rows(absent))
        verdict = contract.judge(pd.concat([one.rows for one in held], ignore_index=True) if held else empty)
        refusals.append(verdict.rejects)
        rows_kept += len(verdict.good)
        unchanged = pd.to_datetime([one.session for one in held if one.unchanged])
        written += len(lake.write(contract, verdict.good[~verdict.good["date"].isin(unchanged)]))
        if len(asked) > len(chunk):
            context.log.info(f"{contract.name}: {len(seen)} of {len(asked)} sessions, {chunk[-1].session}")
    refusals.append(_no_rows([session for session in asked if session not in seen]))
    refused = pd.concat([part for part in refusals if len(part)] or [pd.DataFrame(columns=REJECT_COLUMNS)])
    bad = set(pd.to_datetime(refused["date"]).dt.date)
    good_sessions = [session for session in asked if session not in bad]
    lake.clear_rejects(contract, good_sessions)
    each = {"dagster/partition_row_count": round(rows_kept / max(len(good_sessions), 1))}
    context.log.info(_in_words(contract, asked, written, 0, bad))
    yield dg.AssetCheckResult(
        check_name=CONTRACT_CHECK,
        passed=not bad,
        metadata={"refused": table(refused)} if bad else {"rows": rows_kept},
    )
    yield from checks()
    if bad:
        raise _refusal(context, lake, contract, refused, good_sessions, each)
    counts = {"sessions of this run": len(asked), "sessions written": written}
    context.add_asset_metadata({**metadata(), **counts}, partition_key=context.partition_keys[-1])
    yield dg.MaterializeResult(value=empty, metadata=each)


def _chunks(sessions: Iterable[SessionRows]) -> Iterator[list[SessionRows]]:
    """Sessions in their order, as many together as CHUNK_ROWS allows."""
    chunk: list[SessionRows] = []
    rows = 0
    for one in sessions:
        chunk.append(one)
        rows += len(one.rows)
        if rows >= CHUNK_ROWS or len(chunk) >= CHUNK_SESSIONS:
            yield chunk
            chunk, rows = [], 0
    if chunk:
        yield chunk


def _refusal(
    context: dg.AssetExecutionContext,
    lake: Lake,
    contract: Contract,
    refused: pd.DataFrame,
    good_sessions: list[dt.date],
    each: Mapping[str, Any],
) -> dg.Failure:
    """Keep the rejects, record the good sessions, and say what to fail with."""
    lake.write_rejects(contract, refused)
    record_sessions(context, good_sessions, each)
    count = refused["date"].nunique()
    return dg.Failure(
        description=f"{contract.name}: {count} of {count + len(good_sessions)} sessions refused, "
        "the others are written. "
        + "; ".join(_reject(reject) for reject in refused.head(10).itertuples())
        + (f"; and {len(refused) - 10} more" if len(refused) > 10 else "")
        + f". All are in {lake.root / 'rejects' / contract.name}",
        metadata={"refused": table(refused)},
        allow_retries=False,
    )


def _absent(
    asked: list[dt.date], frame: pd.DataFrame, rejects: pd.DataFrame | None, rowless: Sequence[dt.date]
) -> pd.DataFrame:
    """A reject for every session asked for that has neither rows nor a reason yet."""
    known = set(pd.to_datetime(frame["date"].unique()).date) | set(rowless)
    if rejects is not None:
        known |= set(pd.to_datetime(rejects["date"]).dt.date)
    return _no_rows([session for session in asked if session not in known])


def _no_rows(absent: Sequence[dt.date]) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": pd.to_datetime(absent), "symbol": "", "rule": "rows for the session", "value": "none came"}
    )


def _reject(reject: Any) -> str:
    return " ".join(filter(None, (f"{reject.date:%Y-%m-%d}", reject.symbol, f"{reject.rule}: {reject.value}")))


def _in_words(contract: Contract, asked: list[dt.date], written: int, rowless: int, bad: set[dt.date]) -> str:
    span = f"{asked[0]}" if len(asked) == 1 else f"{asked[0]} ... {asked[-1]}"
    counts = {
        "written": written,
        "unchanged": len(asked) - written - rowless - len(bad),
        "rightly without a row": rowless,
        "REFUSED": len(bad),
    }
    return f"{contract.name} {span}: " + ", ".join(f"{count} {what}" for what, count in counts.items() if count)
