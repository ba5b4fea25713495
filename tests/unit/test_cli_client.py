"""The client: what it sends, what it makes of the answers, and what its errors say."""

import json
import math
from collections.abc import Callable

import httpx
import pytest

from ganjobs.errors import ApiError, ApiUnreachable
from ganjobs.rest import Rest

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganjobs.effects.FIRST_WAIT_SECONDS", 0)


def client_of(handler: Handler) -> Rest:
    return Rest("http://api", transport=httpx.MockTransport(handler))


def test_problem_becomes_one_line_with_field_and_limit() -> None:
    problem = {
        "title": "The request is not valid",
        "detail": "steps: too many",
        "errors": [
            {"field": "steps", "in": "body", "message": "Input should be at most\n10", "code": "x", "limit": 10},
            {"field": "generator.latent_dim", "in": "body", "message": "too small", "code": "y", "limit": 1},
            {"field": "", "in": "body", "message": "too deep", "code": "z"},
        ],
    }
    with pytest.raises(ApiError) as caught:
        client_of(lambda _: httpx.Response(422, json=problem)).create({})
    said = "steps: Input should be at most 10; generator.latent_dim: too small (limit 1); body: too deep"
    assert (str(caught.value), caught.value.status) == (said, 422)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(404, json={"title": "No such job", "detail": "There is no job 'x'."}), "There is no job 'x'."),
        (httpx.Response(502, text="<html>bad gateway</html>"), "HTTP 502 Bad Gateway"),
        (httpx.Response(500, json=["odd"]), "HTTP 500 Internal Server Error"),
    ],
)
def test_other_errors_become_one_line(response: httpx.Response, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        client_of(lambda _: response).get("job_x")
    assert str(caught.value) == said


def test_creation_is_repeated_under_one_key() -> None:
    keys: list[str] = []

    def fail_twice(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(201, json={"id": "job_1", "spec": json.loads(request.content)})

    assert client_of(fail_twice).create({"steps": 1}) == {"id": "job_1", "spec": {"steps": 1}}
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert client_of(fail_twice).create({})["id"] == "job_1"
    assert len(set(keys)) == 2, "another creation has another key"


@pytest.mark.parametrize(("ask", "times"), [(Rest.delete, 1), (Rest.resume, 1), (Rest.pause, 4)])
def test_only_what_may_be_done_twice_is_repeated(ask: Callable[[Rest, str], object], times: int) -> None:
    tries: list[str] = []

    def lose_the_answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":  # a look at what has come of it
            return httpx.Response(200, json={"id": "job_1", "status": "paused"})
        tries.append(request.method)
        raise httpx.ReadError("connection reset", request=request)

    with pytest.raises(ApiUnreachable, match="no answer" if times > 1 else "may have been done"):
        ask(client_of(lose_the_answer), "job_1")
    assert len(tries) == times


def test_what_makes_a_job_of_another_is_sent_under_a_key() -> None:
    sent: list[tuple[str, object]] = []
    keys: set[str] = set()

    def note(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.path, json.loads(request.content) if request.content else None))
        keys.add(request.headers["Idempotency-Key"])
        return httpx.Response(201, json={"id": "job_2"})

    client = client_of(note)
    client.retry("job_1")
    client.fork("job_1")
    client.fork("job_1", {"steps": 9}, step=5, idempotency_key="mine")
    fork = "/v1/jobs/job_1/fork"
    assert sent == [
        ("/v1/jobs/job_1/retry", None),
        (fork, {"changes": {}}),
        (fork, {"step": 5, "changes": {"steps": 9}}),
    ]
    assert len(keys) == 3
    assert "mine" in keys


def test_unreachable_says_how_to_start_the_service() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with pytest.raises(ApiUnreachable) as caught:
        client_of(refuse).get("job_1")
    assert "http://api" in str(caught.value)
    assert "`ganjobs serve`" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_metrics_are_read_to_the_end_and_keep_what_is_not_finite() -> None:
    asked: list[dict[str, str]] = []

    def two_pages(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        if len(asked) == 1:
            return page([5, 6], [1.0, "NaN"], more=True, following=7)
        return page([7, 8], ["-Infinity", None], more=False, following=9)

    def page(steps: list[int], values: list[object], more: bool, following: int) -> httpx.Response:
        columns = {"step": steps, "d_loss": values}
        return httpx.Response(200, json={"columns": columns, "has_more": more, "next_step": following})

    rows = client_of(two_pages).metrics("job_1", ["d_loss"], from_step=5)
    assert rows.steps == [5, 6, 7, 8]
    values = rows.columns["d_loss"]
    assert (values[0], values[2], values[3]) == (1.0, -math.inf, None)
    assert values[1] is not None
    assert math.isnan(values[1])
    assert rows.finite("d_loss") == [1.0]
    assert rows.next_step == 9
    assert [(one["from_step"], one["keys"]) for one in asked] == [("5", "d_loss"), ("7", "d_loss")]


def test_the_last_rows_are_asked_for_without_a_limit() -> None:
    def check(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"last": "3"}
        return httpx.Response(200, json={"columns": {"step": []}, "has_more": False, "next_step": 0})

    assert client_of(check).metrics("job_1", last=3).steps == []


def test_lists_are_read_page_by_page() -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        first = "after" not in request.url.params
        assert first or request.url.params["after"] == "job_b"
        data = [{"id": "job_a"}, {"id": "job_b"}] if first else [{"id": "job_c"}]
        return httpx.Response(200, json={"data": data, "has_more": first})

    assert [job["id"] for job in client_of(pages).jobs()] == ["job_a", "job_b", "job_c"]


def test_lists_are_narrowed_to_what_is_given() -> None:
    asked: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.params))
        return httpx.Response(200, json={"data": [], "has_more": False})

    client_of(note).list_jobs(["queued", "failed"], 5, after="job_a", name="mine")
    client_of(note).list_jobs()
    assert asked == ["limit=5&status=queued&status=failed&after=job_a&name=mine", "limit=20"]


def test_an_unchanged_job_is_none() -> None:
    def by_etag(request: httpx.Request) -> httpx.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return httpx.Response(304)
        return httpx.Response(200, json={"id": "job_1"}, headers={"ETag": '"1"'})

    client = client_of(by_etag)
    assert client.get_if_changed("job_1", None) == ({"id": "job_1"}, '"1"')
    assert client.get_if_changed("job_1", '"1"') is None


def test_ready_is_an_answer_not_an_error() -> None:
    assert client_of(lambda _: httpx.Response(200, json={})).ready() is True
    assert client_of(lambda _: httpx.Response(503, json={})).ready() is False
