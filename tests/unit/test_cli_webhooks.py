"""``webhooks``: what is sent, and what is said."""

import json
from typing import Any

import httpx
import pytest
import typer

from ganjobs import cli
from ganjobs.commands.webhooks import attempt_line
from ganjobs.errors import ApiUnreachable
from ganjobs.webhook_client import WebhookClient

JOB = "job_" + "0" * 24
WEBHOOK: dict[str, Any] = {
    "id": "wh_" + "1" * 24,
    "object": "webhook",
    "url": "https://hooks.example.com/[a]",
    "events": ["job.*"],
    "enabled": True,
    "failures": 2,
    "created_at": "2026-11-20T12:00:00Z",
    "secret": "whsec_x",
}
ATTEMPT = {
    "number": 1,
    "http_status": 500,
    "error": None,
    "response": "not\nnow",
    "seconds": 0.123,
    "created_at": "2026-11-20T12:00:00Z",
}
DELIVERY: dict[str, Any] = {
    "id": "msg_" + "2" * 24,
    "webhook_id": WEBHOOK["id"],
    "type": "webhook.test",
    "job_id": None,
    "status": "pending",
    "attempt_count": 0,
    "created_at": "2026-11-20T12:00:00Z",
    "body": {"type": "webhook.test"},
    "attempts": [ATTEMPT],
}


class RecordedApi:
    """Notes what is asked, and answers as the API does, or with ``refusal``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.refusal: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/v1/")
        self.asked.append((request.method, path, json.loads(request.content) if request.content else None))
        if self.refusal:
            return self.refusal
        if path.startswith("jobs/"):
            return httpx.Response(200, json={"id": JOB})
        answer = DELIVERY if "msg_" in path or path.endswith("/test") else WEBHOOK
        if request.method == "PATCH":
            answer = answer | self.asked[-1][2]
        if request.method == "GET" and path.partition("?")[0].endswith(("webhooks", "deliveries")):
            answer = {"data": [answer if "deliveries" not in path else DELIVERY], "has_more": False}
        return httpx.Response(200, json=answer)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> RecordedApi:
    recorded = RecordedApi()
    monkeypatch.setattr(
        "ganjobs.commands.webhooks.open_as",
        lambda kind, _url: kind("http://api", transport=httpx.MockTransport(recorded)),
    )
    return recorded


def ganjobs(*arguments: str) -> int:
    """The exit status of a command run in this process."""
    try:
        return cli.app(("webhooks", *arguments), standalone_mode=False) or 0
    except typer.Exit as ended:
        return ended.exit_code


@pytest.mark.parametrize(
    ("arguments", "asked", "said"),
    [
        (["list"], ("GET", "webhooks?limit=100", None), "https://hooks.example.com/[a]"),
        (["show", WEBHOOK["id"]], ("GET", f"webhooks/{WEBHOOK['id']}", None), 'events           ["job.*"]'),
        (
            ["show", WEBHOOK["id"], DELIVERY["id"]],
            ("GET", f"webhooks/{WEBHOOK['id']}/deliveries/{DELIVERY['id']}", None),
            "attempt 1: HTTP 500 not now (0.12 s)",
        ),
        (["enable", WEBHOOK["id"]], ("PATCH", f"webhooks/{WEBHOOK['id']}", {"enabled": True}), "is enabled"),
        (["disable", WEBHOOK["id"]], ("PATCH", f"webhooks/{WEBHOOK['id']}", {"enabled": False}), "is disabled"),
        (["rotate-secret", WEBHOOK["id"]], ("POST", f"webhooks/{WEBHOOK['id']}/rotate-secret", None), "whsec_x"),
        (["delete", WEBHOOK["id"]], ("DELETE", f"webhooks/{WEBHOOK['id']}", None), f"deleted {WEBHOOK['id']}"),
        (["test", WEBHOOK["id"]], ("POST", f"webhooks/{WEBHOOK['id']}/test", None), "waits to be sent"),
        (
            ["deliveries", WEBHOOK["id"], "--status", "failed", "--limit", "5"],
            ("GET", f"webhooks/{WEBHOOK['id']}/deliveries?limit=5&status=failed", None),
            "webhook.test",
        ),
        (
            ["replay", WEBHOOK["id"], DELIVERY["id"]],
            ("POST", f"webhooks/{WEBHOOK['id']}/deliveries/{DELIVERY['id']}/replay", None),
            "waits to be sent",
        ),
        (["show", "../jobs?x"], ("GET", "webhooks/..%2Fjobs%3Fx", None), ""),
    ],
)
def test_each_command_asks_for_one_thing_and_says_what_came_of_it(
    api: RecordedApi,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    asked: tuple[str, str, Any],
    said: str,
) -> None:
    assert ganjobs(*arguments) == 0
    assert api.asked == [asked]
    assert said in capsys.readouterr().out


def test_creation_sends_what_was_given_and_shows_the_secret(
    api: RecordedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--event", "job.*", "--event", "health.changed", "--job", JOB, "--description", "the lab")
    assert ganjobs("create", WEBHOOK["url"], *given) == 0
    assert api.asked[-1] == (
        "POST",
        "webhooks",
        {"url": WEBHOOK["url"], "events": ["job.*", "health.changed"], "job_id": JOB, "description": "the lab"},
    )
    assert "whsec_x (not shown again)" in capsys.readouterr().out
    assert ganjobs("create", WEBHOOK["url"], "--json") == 0
    assert api.asked[-1] == ("POST", "webhooks", {"url": WEBHOOK["url"]})
    assert json.loads(capsys.readouterr().out) == WEBHOOK


def test_a_refused_url_is_wrong_usage(api: RecordedApi, capsys: pytest.CaptureFixture[str]) -> None:
    error = {"field": "url", "in": "body", "message": "must lead to a public address", "code": "private_target"}
    api.refusal = httpx.Response(422, json={"title": "The request is not valid", "errors": [error]})
    assert ganjobs("create", "http://localhost/") == 2
    assert capsys.readouterr().err == "ganjobs: url: must lead to a public address\n"


def test_a_webhook_is_not_made_twice_where_the_answer_was_lost() -> None:
    tries = 0

    def lose(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ReadError("lost")

    client = WebhookClient("http://api", transport=httpx.MockTransport(lose))
    with pytest.raises(ApiUnreachable):
        client.create_webhook("https://hooks.example.com/")
    assert tries == 1


def test_an_attempt_that_nobody_answered() -> None:
    line = attempt_line(ATTEMPT | {"http_status": None, "error": "ConnectError: nobody"})
    assert line.endswith("attempt 1: ConnectError: nobody (0.12 s)")
