"""``pause``, ``resume``, ``retry``, ``fork`` and the priority of ``submit``: what is sent, and what is said."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from ganjobs import cli
from ganjobs.rest import Rest

JOB = "job_" + "0" * 24
NEW = "job_" + "1" * 24
ORIGINS = {
    "retry": {"kind": "retry", "job_id": JOB, "step": None},
    "fork": {"kind": "fork", "job_id": JOB, "step": 20},
}


class RecordedApi:
    """Notes what is asked, and answers as the API does, or with ``refusal``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.refusal: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"id": JOB})
        action = request.url.path.rsplit("/", 1)[-1]
        self.asked.append((action, json.loads(request.content) if request.content else None))
        if self.refusal:
            return self.refusal
        if action in ("pause", "resume", "cancel"):
            states = {"pause": "pausing", "resume": "queued", "cancel": "cancelled"}
            return httpx.Response(202, json={"id": JOB, "status": states[action]})
        return httpx.Response(201, json={"id": NEW, "name": "ring", "origin": ORIGINS.get(action)})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> RecordedApi:
    recorded = RecordedApi()
    for module in ("actions", "submit"):
        monkeypatch.setattr(
            f"ganjobs.commands.{module}.open_client",
            lambda _: Rest("http://api", transport=httpx.MockTransport(recorded)),
        )
    return recorded


def ganjobs(*arguments: str) -> int:
    """The exit status of a command run in this process."""
    try:
        return cli.app(arguments, standalone_mode=False) or 0
    except typer.Exit as ended:
        return ended.exit_code


@pytest.mark.parametrize(("command", "state"), [("pause", "pausing"), ("resume", "queued"), ("cancel", "cancelled")])
def test_a_request_tells_the_new_state(
    api: RecordedApi, capsys: pytest.CaptureFixture[str], command: str, state: str
) -> None:
    assert ganjobs(command, JOB) == 0
    assert capsys.readouterr().out == f"{JOB} is {state}\n"
    assert ganjobs(command, JOB, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"id": JOB, "status": state}
    assert api.asked == [(command, None)] * 2


def test_a_retry_names_the_new_job(api: RecordedApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert ganjobs("retry", JOB) == 0
    assert capsys.readouterr().out == f"submitted {NEW} (ring): retry of {JOB}\n"
    assert api.asked == [("retry", None)]


def test_a_fork_sends_what_was_set(api: RecordedApi, capsys: pytest.CaptureFixture[str]) -> None:
    sets = ("steps=400", "generator.optimizer.learning_rate=1e-3", "generator.optimizer.betas=[0, 0.9]", "name=null")
    assert ganjobs("fork", JOB, "--step", "20", *(word for each in sets for word in ("--set", each))) == 0
    assert capsys.readouterr().out == f"submitted {NEW} (ring): fork of {JOB} after step 20\n"
    optimizer = {"learning_rate": 1e-3, "betas": [0, 0.9]}
    changes = {"steps": 400, "generator": {"optimizer": optimizer}, "name": None}
    assert api.asked == [("fork", {"step": 20, "changes": changes})]
    assert ganjobs("fork", JOB) == 0
    assert api.asked[1:] == [("fork", {"changes": {}})]


def test_a_fork_that_cannot_be_is_wrong_usage(api: RecordedApi, capsys: pytest.CaptureFixture[str]) -> None:
    error = {"field": "steps", "in": "body", "message": "must be more than 20, the checkpoint's step", "code": "x"}
    api.refusal = httpx.Response(422, json={"title": "The request is not valid", "errors": [error]})
    assert ganjobs("fork", JOB, "--set", "steps=3") == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "ganjobs: steps: must be more than 20, the checkpoint's step\n")


@pytest.mark.parametrize(("arguments", "priority"), [((), 2), (("--priority", "-7"), -7), (("--priority", "0"), 0)])
def test_a_priority_overrides_the_file_s(
    api: RecordedApi, tmp_path: Path, arguments: tuple[str, ...], priority: int
) -> None:
    spec = tmp_path / "spec.yaml"
    networks = "generator: {kind: mlp}, discriminator: {kind: mlp}"
    spec.write_text(f"{{dataset: {{kind: ring}}, {networks}, steps: 5, priority: 2}}")
    assert ganjobs("submit", str(spec), *arguments) == 0
    assert api.asked[0][1]["priority"] == priority


def test_a_priority_has_bounds(api: RecordedApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("{dataset: {kind: ring}, generator: {kind: mlp}, discriminator: {kind: mlp}, steps: 5}")
    assert ganjobs("submit", str(spec), "--priority", "1001") == 2
    assert "priority: must be at most 1000" in capsys.readouterr().err
    assert api.asked == []
