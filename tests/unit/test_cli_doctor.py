"""``ganjobs doctor``: what it looks at, and what it says to do."""

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from ganjobs import cli, doctor, doctor_local
from ganjobs.commands import doctor as command
from ganjobs.doctor import Finding, State, examine
from ganjobs.watch_client import WatchClient
from migrations.run import downgrade, upgrade
from models.settings import Settings

NOW = "2026-11-20T12:10:00Z"
WORKER: dict[str, Any] = {
    "id": "worker_0123456789abcdef",
    "hostname": "somewhere",
    "status": "ready",
    "slots": 2,
    "jobs": ["job_1"],
    "devices": [{"kind": "cuda", "name": "H100"}],
}
RUNNING = {"id": "job_1", "status": "running", "worker_id": WORKER["id"], "changed_at": NOW}
QUEUED = {"id": "job_2", "status": "queued", "worker_id": None, "changed_at": "2026-11-20T12:09:00Z"}
ALIVE = {"status": "alive"}
READY = {name: {"status": "ok", "detail": "fine"} for name in ("database", "queue", "worker")}


class Api:
    """A service in which all is well."""

    def __init__(self) -> None:
        self.seconds_ahead = 0.0
        self.version = doctor.own_version()
        self.checks = READY
        self.workers = [WORKER]
        self.jobs: list[dict[str, Any]] = [RUNNING]
        self.page = httpx.Response(200, html="<title>Ganjobs</title>")
        self.alive: Callable[[], httpx.Response] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/livez":
                date = formatdate(time.time() + self.seconds_ahead, usegmt=True)
                return self.alive() if self.alive else httpx.Response(200, json=ALIVE, headers={"Date": date})
            case "/openapi.json":
                return httpx.Response(200, json={"info": {"version": self.version}})
            case "/readyz":
                ready = all(check["status"] == "ok" for check in self.checks.values())
                return httpx.Response(200 if ready else 503, json={"checks": self.checks})
            case "/":
                return self.page
            case "/v1/workers":
                return httpx.Response(200, json={"data": self.workers})
        return httpx.Response(200, json={"data": self.jobs, "has_more": False, "now": NOW})

    def findings(self) -> dict[str, Finding]:
        client = WatchClient("http://api", transport=httpx.MockTransport(self))
        return {finding.name: finding for finding in examine(client, "from --url")}

    def bad(self) -> dict[str, State]:
        """What is not well; each of it with something to do."""
        bad = {name: each for name, each in self.findings().items() if each.state is not State.OK}
        assert all(each.advice for each in bad.values())
        return {name: each.state for name, each in bad.items()}


@pytest.fixture
def api() -> Api:
    return Api()


def test_where_all_is_well_nothing_is_to_be_done(api: Api) -> None:
    found = api.findings()
    assert {each.state for each in found.values()} == {State.OK}
    assert {each.advice for each in found.values()} == {None}
    assert list(found) == [
        *("address", "api", "clock", "version", "database", "queue", "worker", "page"),
        *("worker 01234567", "jobs at work", "jobs that wait"),
    ]
    assert found["address"].detail == "http://api (from --url)"
    assert "1 of 2 slots taken, cuda H100" in found["worker 01234567"].detail


def test_what_is_not_well_is_found(api: Api) -> None:
    api.seconds_ahead = -90
    api.version = "9.9"
    api.checks = READY | {"queue": {"status": "unavailable", "detail": "cannot be reached"}}
    api.page = httpx.Response(307, headers={"Location": "/docs"})
    api.jobs = [RUNNING | {"worker_id": "worker_gone"}, QUEUED]
    fail, warn = State.FAIL, State.WARN
    assert api.bad() == {
        "clock": warn,
        "version": warn,
        "queue": fail,
        "page": warn,
        "jobs at work": warn,
        "jobs that wait": warn,
    }
    found = api.findings()
    assert "1:" in found["clock"].detail
    assert "job_1" in found["jobs at work"].detail
    assert "job_2" in found["jobs that wait"].detail


def test_jobs_may_wait_for_a_worker_that_is_busy_or_for_a_moment(api: Api) -> None:
    api.jobs = [QUEUED | {"changed_at": NOW}]
    assert api.bad() == {}
    api.jobs, api.workers = [QUEUED], [WORKER | {"slots": 1}]
    assert api.bad() == {}
    api.workers = [WORKER | {"status": "draining"}]
    assert api.bad() == {}


def test_a_worker_that_does_not_see_this_machine_s_gpu_is_found(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "_hostname", lambda: "somewhere")
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", tmp_path)
    assert api.bad() == {}
    api.workers = [WORKER | {"devices": [{"kind": "cpu"}]}]
    assert api.bad() == {"worker 01234567": State.WARN}
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", tmp_path / "none")
    assert api.bad() == {}


def test_a_service_that_cannot_be_reached_is_not_asked_further(api: Api) -> None:
    def refuse() -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    api.alive = refuse
    assert api.bad() == {"api": State.FAIL}
    assert "Connection refused" in api.findings()["api"].detail


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="a web server"),
        httpx.Response(200, text="<html>another one, which answers whatever it is asked</html>"),
        httpx.Response(200, json={"status": "up"}),
        httpx.Response(200, json=["alive"]),
    ],
)
def test_something_that_is_not_ganjobs_is_told_from_it(api: Api, answer: httpx.Response) -> None:
    api.alive = lambda: answer
    assert api.bad() == {"api": State.FAIL}
    assert "something that is not Ganjobs answers" in api.findings()["api"].detail


def test_what_an_address_has_of_secrets_is_not_shown(api: Api) -> None:
    client = WatchClient("http://somebody:secret@api", transport=httpx.MockTransport(api))
    found = {finding.name: finding.detail for finding in examine(client, "from --url")}
    assert found["address"] == "http://api (from --url)"
    assert found["page"] == "http://api/"


@pytest.mark.parametrize(("free", "state"), [(9e9, State.OK), (2e9, State.WARN), (1e8, State.FAIL)])
def test_little_room_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: float, state: State) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    found = doctor.disk(tmp_path)
    assert (found.state, bool(found.advice)) == (state, state is not State.OK)


# --- this machine ----------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("GANJOBS_DATABASE_URL", "DATABASE_URL", "GANJOBS_REDIS_URL", "REDIS_URL", "GANJOBS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GANJOBS_DATA_FOLDER", str(tmp_path))
    return Settings()


def states() -> dict[str, State]:
    return {each.name: each.state for each in doctor_local.examine() if each.name != "disk"}


def test_a_database_that_is_not_there_is_not_made(settings: Settings, tmp_path: Path) -> None:
    fine = {"settings": State.OK, "data folder": State.OK}
    assert states() == fine | {"local database": State.WARN, "local redis": State.WARN}
    assert list(tmp_path.iterdir()) == []


def test_migrations_that_are_missing_are_told(settings: Settings) -> None:
    upgrade(settings.resolved_database_url)
    assert states()["local database"] is State.OK
    downgrade(settings.resolved_database_url, "-1")
    assert states()["local database"] is State.WARN


def test_a_redis_that_is_named_and_does_not_answer_fails(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("GANJOBS_REDIS_URL", "redis://127.0.0.1:9/0")
    assert states()["local redis"] is State.FAIL


def test_settings_that_are_not_valid_are_named(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("GANJOBS_WORKER_SLOTS", "0")
    (found,) = doctor_local.examine()
    assert found.state is State.FAIL
    assert found.detail.startswith("GANJOBS_WORKER_SLOTS: ")


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "code"), [(State.OK, 0), (State.WARN, 0), (State.FAIL, 1)])
def test_only_what_fails_makes_the_command_fail(monkeypatch: pytest.MonkeyPatch, state: State, code: int) -> None:
    def find(*_: object) -> Iterator[Finding]:
        yield doctor.ok("api", "[b]answers[/]")
        yield Finding("disk", state, "some", "buy more")

    monkeypatch.setattr(command, "findings", find)
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == code
    assert done.stdout.splitlines()[0].split() == ["ok", "api", "[b]answers[/]"]
    assert done.stdout.splitlines()[1].endswith("some → buy more")
    done = CliRunner().invoke(cli.app, ["doctor", "--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)[1] == {"name": "disk", "state": state, "detail": "some", "advice": "buy more"}


@pytest.mark.parametrize(
    ("variables", "arguments", "source"),
    [
        ({}, (), "the default"),
        ({"GANJOBS_URL": "http://127.0.0.1:9"}, (), "from GANJOBS_URL"),
        ({"GANJOBS_PORT": "9"}, (), "from GANJOBS_PORT"),
        ({"GANJOBS_URL": "http://127.0.0.1:8"}, ("--url", "http://127.0.0.1:9"), "from --url"),
        ({"url": "http://127.0.0.1:9"}, (), "/url, where a service wrote it"),
    ],
)
def test_it_says_where_the_address_was_taken_from(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
    variables: dict[str, str],
    arguments: tuple[str, ...],
    source: str,
) -> None:
    for name in ("GANJOBS_HOST", "GANJOBS_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        if name == "url":
            (tmp_path / name).write_text(value)
        else:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "examine", lambda client, source: iter([doctor.ok(client.url, source)]))
    found = json.loads(CliRunner().invoke(cli.app, ["doctor", "--json", *arguments]).stdout)
    assert source in found[0]["detail"]
    assert found[0]["name"].endswith(":8000" if source == "the default" else ":9")
    assert {each["name"] for each in found} >= {"settings", "local database"}
