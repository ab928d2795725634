"""gold/surface_data and gold/report: the gold report of each session as one JSON document, and the PDF made from it.

The files lie in the reports folder, a folder a session. A session that cannot be reported on is named, the others of a
range are written and recorded, and then the step fails; nothing of an earlier run is touched.

Bars are an optional input and no dependency: a session whose bars failed has its report all the same, without what
bars tell. `dagster/priority` has a run that makes both do the bars first.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from vol_assets.assets.pages import png_in_markdown, table
from vol_assets.assets.partitions import SESSIONS
from vol_assets.assets.publish import OWNERS, asked_sessions, named, warning
from vol_assets.contracts.chains import CURATED_CHAINS
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.contracts.tenors import TENORS
from vol_assets.errors import ReportError
from vol_assets.gold.folder import DOCUMENT, PDF, Reports
from vol_assets.instance.partial import record_sessions
from vol_assets.lake import Lake

SCORE_CHECK = "score"
RULE_CHECKS = {
    "expirations": "Six expirations or more within 400 days.",
    "smiles": "Four smiles of five are quoted beyond 25 delta on both sides.",
    "wings": "Nearly all of the model-free variance lies within the quoted strikes.",
    "raw_arbitrage": "Hardly a spread or butterfly of the raw quotes (half a percent) pays at bid and ask.",
    "crossed": "No expiration's quotes are cheaper than those of one before.",
    "parity": "GLD's close and the price that options imply agree within 10 basis points.",
    "spreads": "The median half-spread is within half a vol point.",
    "staleness": "The quotes are within a quarter of an hour of the close.",
    "cone": "There are three years of bars, and a realised cone.",
}
COMPLETE_CHECK = "complete"
FAIR_SCORE = 60
PREVIEW_PPI = 92
AFTER_THE_BARS = {"dagster/priority": "-1"}
SURFACE_DATA = dg.AssetKey(["gold", "surface_data"])


def _gold_asset(name: str, *, deps: list[dg.AssetKey], kinds: set[str], checks: Mapping[str, str], description: str):
    key = dg.AssetKey(["gold", name])
    return dg.asset(
        key=key,
        group_name="gold",
        owners=OWNERS,
        kinds=kinds,
        deps=deps,
        partitions_def=SESSIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        output_required=False,  # a step that refuses sessions ends without its output
        op_tags=AFTER_THE_BARS,
        check_specs=[dg.AssetCheckSpec(check, asset=key, description=what) for check, what in checks.items()],
        description=description,
    )


@_gold_asset(
    "surface_data",
    deps=[dg.AssetKey(tables["GLD"].key) for tables in (CURATED_CHAINS, SURFACES, TENORS)],
    kinds={"json"},
    checks={
        SCORE_CHECK: f"The quality of the data is {FAIR_SCORE} of 100 or better.",
        COMPLETE_CHECK: "No part of the report is missing or made in a lesser way.",
        **RULE_CHECKS,
    },
    description="The gold report of a session as JSON: surface, realised cone, signals, price windows and moments of "
    "GLD and XAU/USD, quality and lineage. Its schema is docs/gold_surface_data.schema.json. Six years of bars of GLD, "
    "GC=F and GVZ from curated/market go into it where there are any; they are no dependency: it comes without.",
)
def surface_data(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], reports: dg.ResourceParam[Reports]
) -> Iterator:
    from vol_assets.gold.analysis import analyse
    from vol_assets.gold.document import document_of, to_json, validated
    from vol_assets.gold.inputs import InputReader

    asked = asked_sessions(context)
    reader = InputReader(lake, asked)
    newest: list[dict[str, Any]] = []
    verdicts: dict[dt.date, dict[str, Any]] = {}

    def make(session: dt.date) -> Path:
        document = document_of(analyse(reader.read(session)))
        validated(document)
        path = reports.write(session, DOCUMENT, to_json(document))
        newest[:] = [document]
        context.log.info(f"gold/surface_data {session}: {_in_words(document)}")
        verdicts[session] = {key: document["analysis"][key] for key in ("quality", "degraded", "notices")}
        return path

    def metadata() -> dict[str, Any]:
        analysis = newest[0]["analysis"]
        quality = analysis["quality"]
        return {
            "score": quality["score"],
            "quality": table(pd.DataFrame(quality["penalties"])[["code", "points", "most", "message"]]),
            **({"notices": table(_notices(analysis))} if analysis["notices"] else {}),
            "term structure": table(_term_structure(analysis), decimals=2),
        }

    yield from _each(context, asked, make, metadata, lambda: _checks(verdicts))


@_gold_asset(
    "report",
    deps=[SURFACE_DATA],
    kinds={"pdf"},
    checks={},
    description="The five pages made from gold/surface_data: volatility, surface, GLD against XAU/USD, and the price "
    "windows of both.",
)
def report(context: dg.AssetExecutionContext, reports: dg.ResourceParam[Reports]) -> Iterator:
    from vol_assets.gold.pdf.render import page_png, render_pdf

    asked = asked_sessions(context)

    def make(session: dt.date) -> Path:
        path = reports.write(session, PDF, render_pdf(reports.read_document(session), reports.language))
        context.log.info(f"gold/report {session}: {path}")
        return path

    def metadata() -> dict[str, Any]:
        first_page = page_png(reports.path(asked[-1], PDF).read_bytes(), page=1, ppi=PREVIEW_PPI)
        return {"language": reports.language, "page 1": png_in_markdown(first_page)}

    yield from _each(context, asked, make, metadata, list)


GOLD_ASSETS = [surface_data, report]


def _each(
    context: dg.AssetExecutionContext,
    asked: list[dt.date],
    make: Callable[[dt.date], Path],
    metadata: Callable[[], dict[str, Any]],
    checks: Callable[[], list[dg.AssetCheckResult]],
) -> Iterator[Any]:
    """Make every session's file, and yield what its asset yields: checks, and a result or a Failure that names the
    refused.

    The record of each session leads to its file; metadata is asked for when all went well, for the last one's.
    """
    name = context.asset_key.to_user_string()
    made: dict[dt.date, Path] = {}
    refused: dict[dt.date, str] = {}
    for number, session in enumerate(asked, start=1):
        try:
            made[session] = make(session)
        except ReportError as error:
            refused[session] = str(error)
        if len(asked) > 1 and (number % 50 == 0 or number == len(asked)):
            context.log.info(f"{name}: {number} of {len(asked)} sessions, {session}")
    yield from checks()
    if refused:
        record_sessions(context, list(made), {})
        reasons = "; ".join(list(refused.values())[:5]) + ("; and more" if len(refused) > 5 else "")
        raise dg.Failure(
            description=f"{name}: {len(refused)} of {len(asked)} sessions refused ({named(list(refused))})"
            + (", the others are written" if made else "")
            + f". {reasons}",
            allow_retries=False,
        )
    for session, path in made.items():
        context.add_asset_metadata({"file": dg.MetadataValue.path(path)}, partition_key=str(session))
    context.add_asset_metadata(metadata(), partition_key=context.partition_keys[-1])
    yield dg.MaterializeResult()


def _checks(verdicts: dict[dt.date, dict[str, Any]]) -> list[dg.AssetCheckResult]:
    """What warns of a session's report: its score, what it lacks, and each rule that took points off."""
    poor = [session for session, verdict in verdicts.items() if verdict["quality"]["score"] < FAIR_SCORE]
    degraded = [session for session, verdict in verdicts.items() if verdict["degraded"]]
    lacking = {n["message"] for verdict in verdicts.values() for n in verdict["notices"] if n["degrades"]}
    results = [
        warning(SCORE_CHECK, not poor, sessions_below_60=named(poor)),
        warning(
            COMPLETE_CHECK, not degraded, degraded_sessions=named(degraded), what="; ".join(sorted(lacking)[:5]) or "-"
        ),
    ]
    for rule in RULE_CHECKS:
        found = {
            session: penalty
            for session, verdict in verdicts.items()
            for penalty in verdict["quality"]["penalties"]
            if penalty["points"] and (penalty["code"] == rule or (rule == "parity" and penalty["code"] == "no_close"))
        }
        worst = max(found.values(), key=lambda penalty: penalty["points"], default=None)
        said = worst["message"] if worst else "-"
        results.append(warning(rule, not found, sessions=named(list(found)), worst=said))
    return results


def _in_words(document: dict[str, Any]) -> str:
    """A report in a line."""
    score, degraded = document["analysis"]["quality"]["score"], document["meta"]["degraded_reasons"]
    return f"quality {score} of 100" + (f"; degraded: {'; '.join(degraded)}" if degraded else "")


def _notices(analysis: dict[str, Any]) -> pd.DataFrame:
    rows = pd.DataFrame(analysis["notices"])
    return pd.DataFrame(
        {"part": rows["part"], "less for it": rows["degrades"].map({True: "yes", False: "no"}), "what": rows["message"]}
    )


def _term_structure(analysis: dict[str, Any]) -> pd.DataFrame:
    """What a trader looks at first, in percent and dollars."""
    rows = pd.DataFrame(analysis["surface"]["expirations"]).head(12)
    ratios = pd.DataFrame(analysis["gld"]["ratios"]).head(12)
    shown = {"expiration": rows["expiration"], "days": rows["days"].round(1)}
    shown |= {label: 100 * rows[name] for label, name in (("ATM %", "atm_vol"), ("RR25 %", "rr25"), ("BF25 %", "bf25"))}
    if len(ratios):
        shown |= {"IV / RV": ratios["ratio"].astype(float), "signal": ratios["signal"].fillna("")}
    return pd.DataFrame(shown)
