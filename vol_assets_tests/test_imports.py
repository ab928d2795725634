"""Imports go down only, Dagster stays in its rooms, and loading the definitions loads no heavy library."""

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import vol_assets

PACKAGE = Path(vol_assets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# From top to bottom; a room imports from its own floor and those below, and rooms of a floor never from each other
# in a circle. A new room gets its place here.
FLOORS = (
    ("__main__",),
    ("definitions",),
    ("automation",),
    ("assets",),
    (
        "features",
        "forecasting",
        "curation",
        "surfaces",
        "gold",
        "smiles",
        "ibkr",
        "sources",
        "lake",
        "tracking",
        "instance",
    ),
    ("quant", "charts"),
    ("contracts", "clock", "settings", "errors"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MAY_IMPORT_DAGSTER = {"definitions", "automation", "assets", "instance", "lake/io_manager"}
HEAVY = ("torch", "xgboost", "shap", "mlflow", "matplotlib", "yfinance")


def imported(source: str, package: str = "vol_assets") -> set[str]:
    """Every module named by an import statement, wherever it stands; relative ones written out."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], base]).rstrip(".")
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path: Path) -> set[str]:
    package = ".".join(["vol_assets", *path.relative_to(PACKAGE).parts[:-1]])
    return imported(path.read_text(), package)


def rooms_imported(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports_of(path)]
    there = {p.stem for p in PACKAGE.iterdir()}
    return {name[1] for name in parts if name[0] == "vol_assets" and len(name) > 1 and name[1] in there}


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE).with_suffix(""))


def test_the_reader_of_imports_sees_every_kind_of_import():
    source = """
import os, dagster as dg
from vol_assets.lake import Lake
from vol_assets import clock
def later():
    from . import errors
    from ..sources import open_source
"""
    found = imported(source, "vol_assets.assets")
    assert {"os", "dagster", "vol_assets.lake", "vol_assets.clock", "vol_assets.assets.errors"} <= found
    assert "vol_assets.sources.open_source" in found


def test_every_room_has_its_floor():
    rooms = {room(path) for path in MODULES} - {"__init__"}
    assert rooms <= set(FLOOR), f"give {sorted(rooms - set(FLOOR))} a floor in this test"
    assert len(MODULES) > 40


@pytest.mark.parametrize("path", [p for p in MODULES if named(p) != "__init__"], ids=named)
def test_imports_go_down_only(path):
    here = FLOOR[room(path)]
    upwards = {other for other in rooms_imported(path) if FLOOR[other] < here}
    assert not upwards, f"{named(path)} imports from above: {sorted(upwards)}"


def test_rooms_of_one_floor_do_not_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        graph.setdefault(room(path), set()).update(rooms_imported(path) - {room(path)})
    assert graph["tracking"] >= {"forecasting"}  # the graph does hold what is known to be
    list(TopologicalSorter(graph).static_order())  # raises a CycleError that names the circle


def test_dagster_is_imported_in_its_own_rooms_only():
    importers = {
        named(path)
        for path in MODULES
        if any(name.split(".")[0].split("_")[0] == "dagster" for name in imports_of(path))
    }
    assert not {name for name in importers if not {name, name.split("/")[0]} & MAY_IMPORT_DAGSTER}
    assert {"definitions", "lake/io_manager"} <= importers


def test_loading_the_definitions_loads_no_heavy_library(tmp_path):
    code = f"import sys, json, vol_assets.definitions; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert json.loads(answer.stdout) == []
    assert list(tmp_path.iterdir()) == []  # nor does it make a folder


def test_the_rooms_without_dagster_can_be_used_without_it():
    code = """
import sys
sys.modules["dagster"] = None
import vol_assets.curation.bars, vol_assets.features.l1, vol_assets.features.har, vol_assets.lake
import vol_assets.forecasting.ledger, vol_assets.forecasting.walk_forward, vol_assets.sources, vol_assets.tracking
import vol_assets.curation.chains, vol_assets.surfaces.fit, vol_assets.surfaces.tenors, vol_assets.surfaces.richness
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_worker_process_loads_neither_dagster_nor_a_heavy_library():
    code = f"""
import importlib, sys
from vol_assets.assets import workers
for name in workers.LOADED_ONCE:
    importlib.import_module(name)
assert not [name for name in ("dagster", *{HEAVY!r}) if name in sys.modules]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
