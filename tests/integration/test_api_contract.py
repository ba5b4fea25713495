"""The OpenAPI document, held against itself and against what the API really answers."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.health import assess, report, roll_back
from support.http import served
from support.progress import ask, checkpoint, claim, draw, evaluate, finish, log_lines, queue_job, record

from api.main import create_app
from models import actions, webhooks
from models.database import Database
from models.settings import Settings
from models.status import JobStatus
from models.storage import open_storage

EXAMPLES_PER_OPERATION = 15
WEBHOOK = {"url": "https://hooks.example.com/"}
WEBHOOKS_MADE = ("POST /v1/webhooks", "PATCH /v1/webhooks/{webhook_id}")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_documented(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) > 15
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert "HTTPValidationError" not in str(operation), name
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if "json" in media_type:
                    assert "example" in content or "examples" in content, (name, status)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], name


def test_every_operation_names_its_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        problems = {status for status, response in operation["responses"].items() if "problem" in str(response)}
        assert {"422", "500"} <= problems, name
        if "{job_id}" in name:
            assert {"404", "503"} <= problems, name
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= problems, name


def test_examples_meet_their_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for name, operation in operations(document):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                schema = content.get("schema", {}) | {"components": document["components"]}
                shown = [each["value"] for each in content.get("examples", {}).values()]
                for example in [*shown, *([content["example"]] if "example" in content else [])]:
                    errors = [error.message for error in jsonschema_rs.iter_errors(schema, example)]
                    assert errors == [], name
                    checked += 1
    assert checked > 50


def test_the_documentation_needs_no_network(client: httpx.Client) -> None:
    for path in ("/docs", "/redoc"):
        page = client.get(path)
        assert page.status_code == 200
        assert "https://" not in page.text
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200


@pytest.fixture
def url(settings: Settings, database: Database) -> Iterator[str]:
    """An API with jobs that succeeded, failed and run, a queued one and a paused one, and a webhook that is told."""
    storage = open_storage(settings.storage_url)
    with database.write() as session:
        webhooks.create(session, url=WEBHOOK["url"], events=["job.*"], enabled=True)
    for end in (JobStatus.SUCCEEDED, JobStatus.FAILED, None):
        queue_job(database, metadata={"project": "thesis"})
        job, lease = claim(database)
        record(database, job, lease, 1, [[1.0, float("nan"), *[0.5] * 7]] * 5)
        draw(database, job, [0, 5])
        log_lines(database, job, ["hello"])
        evaluate(database, job, lease, 5, reverse_kl=float("nan"), modes_covered=7.0)
        checkpoint(database, storage, job, lease, 3)
        assess(database, job, lease, (3, "balanced"), (5, "mode_collapse"))
        roll_back(database, lease, 3, report(5, "mode_collapse"))
        record(database, job, lease, 4, [[1.0, float("nan"), *[0.5] * 7]] * 2)
        assess(database, job, lease, (5, "oscillating"))
        draw(database, job, [5])
        checkpoint(database, storage, job, lease, 5, ("reverse_kl", 0.5))
        if end is not None:
            finish(database, lease, end)
    queue_job(database)
    ask(database, queue_job(database), actions.pause)
    with served(create_app(settings)) as url:
        yield url


@pytest.mark.timeout(170)
def test_the_api_keeps_to_its_document(url: str) -> None:
    """Generated requests, valid and not: no answer may be a 5xx, nor one that the document does not describe."""
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")
    jobs = httpx.get(f"{url}/v1/jobs").json()["data"]
    known = [job["id"] for job in jobs]
    ended = [job["id"] for job in jobs if job["finished_at"]]
    webhook = httpx.get(f"{url}/v1/webhooks").json()["data"][0]["id"]
    delivery = httpx.get(f"{url}/v1/webhooks/{webhook}/deliveries").json()["data"][0]["id"]
    told = {"webhook_id": webhook, "delivery_id": delivery}
    statuses: dict[str, set[int]] = {}
    found = [each.ok() for each in document.get_all_operations() if isinstance(each, Ok)]
    for operation in sorted(found, key=place):
        if operation.path != "/readyz":  # takes no parameters, and is 503 without a worker
            # The stream of a job that goes on does not end.
            statuses[operation.label] = answers(operation, ended if operation.path.endswith("/stream") else known, told)
        if operation.path.endswith("/fork"):  # chance seldom makes one that fits a job with a checkpoint
            plain = operation.Case(path_parameters={"job_id": ended[0]}, body={}, media_type="application/json")
            statuses[operation.label].add(plain.call_and_validate(checks=CHECKS).status_code)
        if operation.path.endswith("/animation"):  # nor a range of steps that has samples in it
            plain = operation.Case(path_parameters={"job_id": ended[0]}, query={"format": "webp"})
            statuses[operation.label].add(plain.call_and_validate(checks=CHECKS).status_code)
        if operation.label in WEBHOOKS_MADE:  # nor a URL that something could be sent to
            plain = operation.Case(path_parameters=told, body=WEBHOOK, media_type="application/json")
            statuses[operation.label].add(plain.call_and_validate(checks=CHECKS).status_code)
    assert len(statuses) > 15
    # Not everything was refused: at least once, each operation did what it is for.
    assert [label for label, seen in statuses.items() if not seen & {200, 201, 202}] == []


def place(operation: Any) -> int:
    """What needs a state comes after what makes it, and deleting comes last."""
    method = ("GET", "POST", "PATCH", "DELETE").index(operation.method.upper())
    order = ("/pause", "/resume", "/fork", "/cancel", "/retry")
    return 10 * method + next((number for number, end in enumerate(order, 1) if operation.path.endswith(end)), 0)


def answers(operation: Any, job_ids: list[str], told: dict[str, str]) -> set[int]:
    """The statuses of an operation's answers to generated requests, most of them about jobs that exist, and the webhook
    that is told of them."""
    seen: set[int] = set()
    ids = [{"job_id": job_id} | told for job_id in job_ids]
    existing: list[dict[str, Any]] = [{}, *ids, *(each | {"step": 5, "name": "generator.safetensors"} for each in ids)]
    kinds = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    cases = strategies.one_of(*(operation.as_strategy(generation_mode=kind) for kind in kinds))

    @settings(
        max_examples=EXAMPLES_PER_OPERATION,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, existing=strategies.sampled_from(existing))
    def check(case: schemathesis.Case[Any], existing: dict[str, Any]) -> None:
        for name in case.path_parameters.keys() & existing.keys():
            case.path_parameters[name] = existing[name]
        seen.add(case.call_and_validate(checks=CHECKS).status_code)

    check()
    return seen
