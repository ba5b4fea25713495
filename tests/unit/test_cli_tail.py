"""``logs --follow`` and ``events --follow``."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from ganjobs import cli
from ganjobs.commands import records
from ganjobs.patience import FOUND, LOST
from ganjobs.watch_client import WatchClient

JOB_ID = "job_" + "0" * 24


class GrowingList:
    """At each look at the job there are more entries; the job ends after the last look."""

    def __init__(self, *looks: int | Exception) -> None:
        self.looks = list(looks)
        self.there = 0
        self.asked: list[int | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(("/logs", "/events")):
            return httpx.Response(200, json={"id": JOB_ID, "status": "running" if self.looks else "succeeded"})
        after = request.url.params.get("after")
        self.asked.append(None if after is None else int(after))
        look = self.looks.pop(0) if self.looks else self.there
        if isinstance(look, Exception):
            raise look
        self.there = look
        entries = [self.entry(number) for number in range(int(after or 0) + 1, self.there + 1)]
        return httpx.Response(200, json={"data": entries, "has_more": False})

    @staticmethod
    def entry(number: int) -> dict[str, Any]:
        said = {"level": "info", "kind": "job.running", "message": f"entry {number}", "data": {}}
        return said | {"id": number, "created_at": "2026-11-20T12:00:00Z"}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganjobs.effects.FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr("ganjobs.patience.WAIT_SECONDS", 0)
    monkeypatch.setattr("ganjobs.tail.POLL_SECONDS", 0)


def run(monkeypatch: pytest.MonkeyPatch, api: GrowingList, *arguments: str) -> Any:
    made = WatchClient("http://api", transport=httpx.MockTransport(api))
    monkeypatch.setattr(records, "open_client", lambda _: made)
    return CliRunner().invoke(cli.app, [*arguments])


@pytest.mark.parametrize("command", ["logs", "events"])
def test_each_entry_is_told_once_until_the_job_ends(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    api = GrowingList(0, 2, 2, 3)
    done = run(monkeypatch, api, command, JOB_ID, "--follow")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [line[-7:] for line in done.stdout.splitlines()] == ["entry 1", "entry 2", "entry 3"]
    assert api.asked == [None, None, 2, 2, 3], "the last time after the job has ended"


def test_programs_are_told_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, GrowingList(2, 3), "events", JOB_ID, "--follow", "--json")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2, 3]


def test_a_lost_connection_is_told_beside_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = httpx.ConnectError("refused")
    done = run(monkeypatch, GrowingList(1, *[gone] * 5, 2), "logs", JOB_ID, "--follow", "--json")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]
    assert done.stderr.splitlines() == [f"ganjobs: {LOST}", f"ganjobs: {FOUND}"]


def test_ctrl_c_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    monkeypatch.setattr("ganjobs.tail.follow.__defaults__", (interrupt,))
    assert run(monkeypatch, GrowingList(1, 2), "logs", JOB_ID, "-f").exit_code == 130


def test_without_following_it_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, GrowingList(2, 3), "logs", JOB_ID, "--json")
    assert [entry["id"] for entry in json.loads(done.stdout)] == [1, 2]
