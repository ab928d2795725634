"""A folder to measure in, and a command measured in it: wall and CPU seconds, memory, what it printed."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BINARIES = Path(sys.executable).parent
LOOK = 0.25  # seconds between looks at the memory


class Ran(NamedTuple):
    """A command that has ended; peak: GB of all of its processes together, shared pages once."""

    wall: float
    cpu: float
    peak: float
    printed: str


@contextlib.contextmanager
def data_folder(stock_event_log: bool = False) -> Iterator[Path]:
    """An empty data folder with its Dagster home, on the disk of the project, not in memory."""
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=ROOT))
    (folder / "dagster").mkdir()
    if not stock_event_log:
        shutil.copy(ROOT / "deploy" / "dagster.local.yaml", folder / "dagster" / "dagster.yaml")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def materialize(folder: Path, select: str, partition: str) -> Ran:
    """What `make materialize` runs."""
    return run(folder, "python", "-m", "vol_assets", "materialize", "--select", select, "--partition", partition)


def run(folder: Path, program: str, *arguments: str) -> Ran:
    """A command of this environment, on `folder`; fails loudly."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("VOL_ASSETS", "DAGSTER"))},
        "VOL_ASSETS_DATA": str(folder),
        "DAGSTER_HOME": str(folder / "dagster"),
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),
    }
    before, started = _cpu(), time.perf_counter()
    process = subprocess.Popen(
        [BINARIES / program, *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # whose number tells its processes from others
    )
    peak = 0.0
    try:
        while True:
            peak = max(peak, _memory(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, errors = process.communicate(timeout=LOOK)
                break
    except KeyboardInterrupt:  # which a session of its own does not hear
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        raise
    wall = time.perf_counter() - started
    if process.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)} failed:\n{out[-2000:]}{errors[-2000:]}")
    return Ran(wall, _cpu() - before, peak, out)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory(session: int) -> float:
    """GB that the processes of an operating system's session hold at this moment, by Linux's account of them."""
    kilobytes = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                lines = (process / "smaps_rollup").read_text().splitlines()
                kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 2**20
