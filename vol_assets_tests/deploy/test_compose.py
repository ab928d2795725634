"""docker-compose.yml, without Docker: what it says, and its commands run as processes against a real PostgreSQL.

The commands, environments and health checks are the file's own. Only what a container would give is substituted:
names of hosts become this machine, ports become free ones, and folders lie under a temporary one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "vol_assets"]
SERVERS = ["mlflow", "code", "webserver", "daemon"]
PROGRAMS = Path(sys.executable).parent
PORTS = {"code": "4000", "webserver": "3000", "mlflow": "5000"}
FOLDERS = ("/opt/dagster", "/data", "/files", "/mlflow")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|_KEY$")


def programs(command: list[str]) -> list[str]:
    """The executables of a service's command, those of a shell's && list included."""
    if command[:2] == ["sh", "-c"]:
        return [shlex.split(part)[0] for part in command[2].split("&&")]
    return command[:1]


# What it says


def test_the_services_are_a_database_a_migration_and_four_servers():
    assert list(SERVICES) == ["postgres", "migrate", "code", "webserver", "daemon", "mlflow"]


def test_every_secret_is_required_and_has_no_default():
    secrets = {
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if SECRET.search(name)
    }
    assert secrets == {"${POSTGRES_PASSWORD:?set it in .env}"}
    assert not [name for name, default in re.findall(r"\$\{(\w+):?-([^}]*)", TEXT) if SECRET.search(name)]


def test_no_password_is_in_a_command_or_an_url():
    assert not [name for name, service in SERVICES.items() if "PASSWORD" in str(service.get("command"))]
    assert not re.findall(r"://[^/\s]*@", TEXT + (ROOT / "deploy" / "dagster.yaml").read_text())


def test_ports_are_published_to_this_machine_alone():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:3000:3000", "127.0.0.1:5000:5000"]


def test_every_server_comes_back_by_itself_and_says_when_it_is_healthy():
    for name in ["postgres", *SERVERS]:
        assert SERVICES[name]["restart"] == "unless-stopped", name
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD", name


def test_nothing_starts_before_what_it_needs():
    needs = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert needs == {
        "postgres": {},
        "migrate": {"postgres": healthy},
        "code": {"migrate": done},
        "mlflow": {"migrate": done},
        "webserver": {"code": healthy},
        "daemon": {"code": healthy},
    }


def test_every_mounted_volume_is_declared_and_every_mounted_file_exists():
    sources = {mount.rsplit(":/")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    files = {source for source in sources if source.startswith("./")}
    assert files == {"./deploy/databases.sql"}
    assert all((ROOT / file).is_file() for file in files)
    assert sources - files == {"postgres", "data", "logs", "mlflow", "${VOL_ASSETS_FILES:-files}"}
    assert set(yaml.safe_load(TEXT)["volumes"]) == {"postgres", "data", "logs", "mlflow", "files"}


def test_the_folders_volumes_are_mounted_on_belong_to_the_images_user():
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    mounted = {
        mount.removesuffix(":ro").rsplit(":", 1)[1] for name in OURS for mount in SERVICES[name].get("volumes", [])
    }
    (owned,) = re.findall(r"install -d -o vol_assets (.*)", dockerfile)
    assert mounted <= set(owned.split())
    assert "\nUSER vol_assets\n" in dockerfile


def test_the_image_gets_every_file_its_dockerfile_copies():
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(" ".join(copied).split()) == sorted(allowed)


@pytest.mark.parametrize("name", OURS)
def test_the_programs_of_a_service_are_installed(name: str):
    commands = [SERVICES[name]["command"]]
    if "healthcheck" in SERVICES[name]:
        commands.append(SERVICES[name]["healthcheck"]["test"][1:])
    for program in [program for command in commands for program in programs(command)]:
        assert (PROGRAMS / program).is_file(), program


# What it does


@dataclass
class Stack:
    """The services as processes of this machine."""

    folder: Path
    postgres: dict[str, str]
    ports: dict[str, str]

    def here(self, text: str) -> str:
        """A command's argument or a variable's value, with what a container would give substituted."""
        text = text.replace("${POSTGRES_PASSWORD:?set it in .env}", self.postgres["PGPASSWORD"])
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
        for name, port in PORTS.items():
            text = re.sub(rf"\b{port}\b", self.ports[name], text)
        text = text.replace("//mlflow:", "//127.0.0.1:")
        return re.sub(rf"^(--[\w-]+=)?({'|'.join(FOLDERS)})(?=/|$)", rf"\1{self.folder}\2", text)

    def environment(self, name: str) -> dict[str, str]:
        """What the container of a service would have, and of this process only what finds programs."""
        given = {key: self.here(str(value)) for key, value in SERVICES[name]["environment"].items()}
        return {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            **given,
            **{name: self.postgres[name] for name in ("PGHOST", "PGPORT")},
        }

    def start(self, name: str) -> subprocess.Popen:
        with (self.folder / f"{name}.log").open("w") as log:
            return subprocess.Popen(
                [self.here(argument) for argument in SERVICES[name]["command"]],
                cwd=self.folder,
                env=self.environment(name),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def health(self, name: str) -> int:
        """The exit status of a service's health check."""
        check = [self.here(argument) for argument in SERVICES[name]["healthcheck"]["test"][1:]]
        return subprocess.run(check, cwd=self.folder, env=self.environment(name), capture_output=True).returncode

    def get(self, name: str, path: str, host: str | None = None) -> tuple[int, str]:
        """Status and body of a GET; `host` is what the caller believes the server's name to be."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[name]}{path}")
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:  # nothing listens yet
            return 0, ""

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The webserver's answer to a GraphQL query; empty while nothing listens."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['webserver']}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return {}

    def wait(self, what: str, ready: Callable[[], Any], seconds: float = 60) -> Any:
        """The first true answer of `ready`; the end of every log when there is none in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := ready():
                return answer
            time.sleep(0.5)
        logs = "\n".join(f"== {log.name}\n{log.read_text()[-2000:]}" for log in sorted(self.folder.glob("*.log")))
        raise AssertionError(f"{what}: not within {seconds:.0f} s\n{logs}")


@pytest.fixture(scope="module")
def stack(postgres, free_port, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every service but PostgreSQL, started when what it needs is ready."""
    stack = Stack(tmp_path_factory.mktemp("stack"), postgres.environment, {name: str(free_port()) for name in PORTS})
    for folder in FOLDERS:
        (stack.folder / folder[1:]).mkdir(parents=True)
    home = stack.folder / "opt" / "dagster"
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home)
    workspace = yaml.safe_load((ROOT / "deploy" / "workspace.yaml").read_text())
    (code,) = (entry["grpc_server"] for entry in workspace["load_from"])
    assert (code["host"], str(code["port"])) == ("code", PORTS["code"])
    code.update(host="127.0.0.1", port=int(stack.ports["code"]))
    (home / "workspace.yaml").write_text(yaml.safe_dump(workspace))

    started: list[subprocess.Popen] = []
    try:
        postgres.execute("postgres", (ROOT / "deploy" / "databases.sql").read_text())
        started.append(stack.start("migrate"))
        status = started[0].wait(60)
        assert status == 0, (stack.folder / "migrate.log").read_text()
        for name in SERVERS:
            if "code" in SERVICES[name]["depends_on"]:
                stack.wait("the code server", lambda: stack.health("code") == 0)
            started.append(stack.start(name))
        yield stack
    finally:
        stop(started)
        postgres.execute("postgres", "DROP DATABASE IF EXISTS mlflow WITH (FORCE)")


def stop(processes: list[subprocess.Popen]) -> None:
    """End processes and their children: politely, and after five seconds not."""
    end = time.monotonic() + 5
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))


def test_the_webserver_has_loaded_the_code_location_over_grpc(stack: Stack):
    query = """{ workspaceOrError { ... on Workspace { locationEntries {
        name loadStatus locationOrLoadError { __typename } } } } }"""

    def entries() -> list[dict]:
        found = stack.ask(query).get("workspaceOrError", {}).get("locationEntries", [])
        return found if found and all(entry["loadStatus"] == "LOADED" for entry in found) else []

    (entry,) = stack.wait("the code location", entries)
    assert entry["name"] == "vol_assets"
    assert entry["locationOrLoadError"]["__typename"] == "RepositoryLocation"


def test_the_schedules_are_running_by_default(stack: Stack):
    query = """{ schedulesOrError(
        repositorySelector: { repositoryLocationName: "vol_assets", repositoryName: "__repository__" }
    ) { ... on Schedules { results { name scheduleState { status } } } } }"""

    def schedules() -> dict[str, str]:
        found = stack.ask(query).get("schedulesOrError", {}).get("results", [])
        return {schedule["name"]: schedule["scheduleState"]["status"] for schedule in found}

    names = ("daily_schedule", "surface_schedule", "live_history_schedule", "retraining_schedule")
    assert stack.wait("the schedules", schedules) == dict.fromkeys(names, "RUNNING")


def test_mlflow_answers_its_own_names_and_no_other(stack: Stack):
    stack.wait("mlflow", lambda: stack.get("mlflow", "/health") == (200, "OK"))
    experiments = "/api/2.0/mlflow/experiments/search?max_results=1"
    assert stack.get("mlflow", experiments, host=f"mlflow:{stack.ports['mlflow']}")[0] == 200
    assert stack.get("mlflow", experiments, host="elsewhere.example")[0] == 403


def test_mlflow_keeps_runs_in_postgres_and_their_artifacts_on_its_volume(stack: Stack, postgres):
    stack.wait("mlflow", lambda: stack.get("mlflow", "/health") == (200, "OK"))
    script = """
import mlflow
mlflow.set_experiment("stack")
with mlflow.start_run() as run:
    mlflow.log_text("hello", "hello.txt")
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/hello.txt") == "hello"
"""
    subprocess.run([sys.executable, "-c", script], cwd=stack.folder, env=stack.environment("code"), check=True)
    assert postgres.execute("mlflow", "SELECT count(*) FROM runs WHERE status = 'FINISHED'") == [(1,)]
    assert [file.read_text() for file in (stack.folder / "mlflow").rglob("hello.txt")] == ["hello"]


def test_every_daemon_beats(stack: Stack):
    query = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"

    def beating() -> set[str]:
        daemons = stack.ask(query)["instance"]["daemonHealth"]["allDaemonStatuses"]
        required = [daemon for daemon in daemons if daemon["required"]]
        return {daemon["daemonType"] for daemon in required} if all(daemon["healthy"] for daemon in required) else set()

    stack.wait("the webserver", lambda: stack.get("webserver", "/server_info")[0] == 200)
    assert {"SCHEDULER", "QUEUED_RUN_COORDINATOR", "BACKFILL", "MONITORING"} <= stack.wait("the daemons", beating)


def test_a_run_launched_in_the_ui_is_queued_launched_in_the_code_server_and_written_to_the_lake(stack: Stack):
    launch = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
        __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
    where = {"repositoryLocationName": "vol_assets", "repositoryName": "__repository__", "jobName": "__ASSET_JOB"}
    params = {
        "selector": {**where, "assetSelection": [{"path": ["raw", "market"]}]},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2024-03-15"}]},
    }
    launched = stack.ask(launch, params=params)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    query = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"

    def ended() -> str:
        status = stack.ask(query, id=run_id)["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else ""

    assert stack.wait("the run", ended) == "SUCCESS"
    assert (stack.folder / "data/lake/raw/market/date=2024-03-15/data.parquet").is_file()
    assert (stack.folder / "opt/dagster/storage" / run_id / "compute_logs").is_dir()


@pytest.mark.parametrize("name", SERVERS)
def test_the_health_check_of_a_running_service_passes(stack: Stack, name: str):
    stack.wait(f"the health check of {name}", lambda: stack.health(name) == 0)
