"""Whatever is sent, the answer is a problem that says what is wrong: never a 500."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from support.http import served
from support.problems import only_error, problem_of
from support.progress import POINTS
from support.specs import BASE, REFUSED

from api.main import create_app
from models.catalogue import LOSSES
from models.database import Database
from models.settings import Settings
from models.spec import EXAMPLE, JobSpec, MlpGenerator

JSON = {"Content-Type": "application/json"}
NOBODY = "job_000000000000000000000000"


def with_value(text: str) -> bytes:
    """A spec whose seed is written as ``text``."""
    return json.dumps(POINTS | {"seed": "HERE"}).replace('"HERE"', text).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null x",
        with_value('"\\ud800"'),
        with_value("1" * 5000),
        with_value('"\xff"'),
        json.dumps(POINTS).encode("utf-16"),
        b"\xff\xfe\x00",
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=range(9),
)
def test_what_is_not_json(client: httpx.Client, body: bytes) -> None:
    if b"\xc3\xbf" in body:
        body = body.replace(b"\xc3\xbf", b"\xff")
    for path in ("/v1/jobs", "/v1/jobs/validate"):
        problem_of(client.post(path, content=body, headers=JSON), 400, "malformed_body")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["ema_decay", "seed"])
def test_a_number_that_is_not_finite_is_named(client: httpx.Client, number: str, field: str) -> None:
    body = json.dumps(POINTS | {field: "HERE"}).replace('"HERE"', number)
    error = only_error(client.post("/v1/jobs", content=body, headers=JSON))
    assert (error["in"], error["field"]) == ("body", field)
    assert error["message"] == ("must be a finite number" if field == "ema_decay" else "must be a whole number")


@pytest.mark.parametrize(("inside", "key"), [('"a": 1, "b": {}, "a": 1', "a"), ('"": 0, "": {"x": []}', "")])
@pytest.mark.parametrize("around", ["{%s}", '{"generator": {%s}}', '{"a": [0, {%s}]}'])
def test_a_repeated_key_is_named(client: httpx.Client, around: str, inside: str, key: str) -> None:
    error = only_error(client.post("/v1/jobs", content=around % inside, headers=JSON))
    assert (error["in"], error["field"], error["code"]) == ("body", key, "repeated")


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"steps": 0}, "steps", 1),
        ({"steps": 10**18}, "steps", 10_000_000),
        ({"steps": 10**40}, "steps", 10_000_000),
        ({"steps": "100"}, "steps", None),
        ({"steps": 100.0}, "steps", None),
        ({"steps": True}, "steps", None),
        ({"seed": 2**63}, "seed", 2**63 - 1),
        ({"seed": -1}, "seed", 0),
        ({"name": "x" * 65}, "name", 64),
        ({"name": "a\x00b"}, "name", None),
        ({"metadata": {"a\x00": "1"}}, "metadata.a\x00", None),
        ({"metadata": {"a": 1}}, "metadata.a", None),
        ({"metadata": {str(key): "" for key in range(17)}}, "metadata", 16),
        ({"unknown": 1}, "unknown", list(JobSpec.model_fields)),
        ({"metadata": {"": "1"}}, 'metadata.""', 1),
        ({"name": " "}, "name", None),
        ({"name": "a\u202eb"}, "name", None),
        ({"loss": {"kind": "best"}}, "loss.kind", list(LOSSES)),
        ({"loss": {}}, "loss.kind", list(LOSSES)),
        ({"loss": "non_saturating"}, "loss", None),
        ({"fake_batch": "old"}, "fake_batch", ["fresh", "reused"]),
        ({"generator": {"kind": "mlp", "hidden_sizes": [8, 0]}}, "generator.hidden_sizes.1", 1),
        ({"generator": {"kind": "mlp", "hidden_sizes": [1] * 17}}, "generator.hidden_sizes", 16),
        ({"generator": {"kind": "mlp", "hidden_sizes": [0]}}, "generator.hidden_sizes.0", 1),
        ({"generator": {"kind": "mlp", "mlp": 1}}, "generator.mlp", list(MlpGenerator.model_fields)),
        ({"generator": {"kind": "mlp", "latent_dim": 4097}}, "generator.latent_dim", 4096),
        ({"generator": {"kind": "mlp", "optimizer": {"betas": [0.5, 1]}}}, "generator.optimizer.betas.1", 1),
        ({"generator": {"kind": "dcgan"}}, "generator.kind", "mlp"),
        ({"steps": 10_000_000, "checkpoint_every": 100_000}, "sample_every", 1000),
        ({"ema_decay": 1}, "ema_decay", 1),
    ],
)
def test_fields_are_named_with_their_limits(
    client: httpx.Client, change: dict[str, object], field: str, limit: object
) -> None:
    error = only_error(client.post("/v1/jobs", content=json.dumps(POINTS | change), headers=JSON))
    assert (error["in"], error["field"], error.get("limit")) == ("body", field, limit)


@pytest.mark.parametrize(("change", "field", "limit"), REFUSED)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_does_not_go_together_is_refused(
    client: httpx.Client, change: dict[str, object], field: str, limit: object
) -> None:
    for path in ("/v1/jobs", "/v1/jobs/validate"):
        error = only_error(client.post(path, content=json.dumps(BASE | change), headers=JSON))
        assert (error["in"], error["field"]) == ("body", field)
        assert limit is None or error["limit"] == limit
    assert client.get("/v1/jobs").json()["data"] == []


def test_every_wrong_field_is_told_at_once(client: httpx.Client) -> None:
    wrong = POINTS | {"steps": -1, "batch_size": 0, "loss": {"kind": "?"}}
    problem = problem_of(client.post("/v1/jobs", json=wrong), 422, "invalid_request")
    assert {error["field"] for error in problem["errors"]} == {"steps", "batch_size", "loss.kind"}


def test_a_flood_of_errors_is_cut(client: httpx.Client) -> None:
    wrong = POINTS | {f"field{number}": "x" * 50 for number in range(5000)}
    response = client.post("/v1/jobs", json=wrong)
    problem = problem_of(response, 422, "invalid_request")
    assert len(problem["errors"]) == 50
    assert "4999 more" in problem["detail"]
    assert len(response.content) < 30_000


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"spec"', b"1"])
def test_what_is_no_spec(client: httpx.Client, body: bytes) -> None:
    assert only_error(client.post("/v1/jobs", content=body, headers=JSON))["in"] == "body"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Content-Type", "text/plain")],
        [("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "application/json; charset=latin-1")],
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        [("Content-Type", ";;")],
    ],
)
def test_bodies_must_be_declared_as_json(client: httpx.Client, headers: list[tuple[str, str]]) -> None:
    response = client.post("/v1/jobs", content=json.dumps(EXAMPLE), headers=headers)
    problem_of(response, 415, "unsupported_media_type")


def test_a_charset_of_utf_8_is_json_too(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    assert client.post("/v1/jobs", content=json.dumps(EXAMPLE), headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/cancel"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/retry"),
        ("GET", "/metrics"),
        ("GET", "/samples"),
        ("GET", "/samples/latest"),
        ("GET", "/samples/1"),
        ("GET", "/events"),
        ("GET", "/logs"),
        ("GET", "/checkpoints"),
        ("GET", "/checkpoints/1/files/a"),
        ("GET", "/checkpoints/best/files/a"),
        ("GET", "/evaluations"),
    ],
)
def test_an_unknown_job_is_not_found(client: httpx.Client, method: str, rest: str) -> None:
    for job_id in (NOBODY, "x", "%00", "job_%00", "%F0%28", "a" * 10_000, "job_" + "é" * 24, "1" * 40):
        problem = problem_of(client.request(method, f"/v1/jobs/{job_id}{rest}"), 404, "job_not_found")
        assert [(error["in"], error["field"]) for error in problem["errors"]] == [("path", "job_id")]


@pytest.mark.parametrize("path", ["/v1", "/v2/jobs", "/v1/jobs/", "/v1/jobs/a/b/c", "/static-offline-docs/none"])
def test_an_unknown_path_is_a_problem(client: httpx.Client, path: str) -> None:
    problem_of(client.get(path), 404, "not_found")


class TestOverTheWire:
    """What only a real connection can show."""

    @pytest.fixture
    def url(self, settings: Settings) -> Iterator[httpx.URL]:
        with served(create_app(settings.model_copy(update={"max_body_bytes": 2000}))) as url:
            yield httpx.URL(url)

    def test_a_body_above_the_limit_is_refused_by_its_length(self, url: httpx.URL) -> None:
        for path in ("/v1/jobs", "/v1/jobs/validate", "/nowhere"):
            response = httpx.post(url.join(path), content=b" " * 2001, headers=JSON)
            (error,) = problem_of(response, 413, "body_too_large")["errors"]
            assert (error["in"], error["field"], error["limit"]) == ("body", "", 2000)

    def test_a_body_in_chunks_is_refused_when_it_passes_the_limit(self, url: httpx.URL) -> None:
        chunks = (b" " * 500 for _ in range(5))
        problem_of(httpx.post(url.join("/v1/jobs"), content=chunks, headers=JSON), 413, "body_too_large")

    def test_a_body_in_chunks_within_the_limit_is_taken(self, url: httpx.URL) -> None:
        chunks = (bytes([byte]) for byte in json.dumps(POINTS).encode())
        assert httpx.post(url.join("/v1/jobs"), content=chunks, headers=JSON).status_code == 201

    @pytest.mark.parametrize(
        "lines",
        [
            b"POST /v1/jobs HTTP/1.1\r\nHost: [\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            b"GET /v1/jobs/%ED%A0%80?%ff=%fe HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /v1/jobs?name=%ED%A0%80&limit=%ff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nIf-None-Match: \xff\xfe\r\nLimit: 1\r\nLimit: 2\r\n\r\n",
            b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            b"nonsense\r\n\r\n",
        ],
        ids=range(7),
    )
    def test_odd_requests_break_nothing(self, url: httpx.URL, database: Database, lines: bytes) -> None:
        with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
            connection.sendall(lines)
            status = int(connection.recv(4096).split()[1])
        assert 200 <= status < 500
        assert httpx.get(url.join("/livez")).status_code == 200
