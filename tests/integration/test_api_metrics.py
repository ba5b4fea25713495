"""The rows of a job's steps, read over HTTP on both databases."""

import math

import httpx
import pytest
from support.problems import only_error
from support.progress import record, running_job

from models.catalogue import METRIC_NAMES
from models.database import Database


@pytest.fixture
def path(database: Database) -> str:
    """A job of 40 steps whose d_loss is the step and whose g_loss is minus that."""
    job, lease = running_job(database)
    record(database, job, lease, 1, [[float(step), -float(step), *[None] * 7] for step in range(1, 41)])
    return f"/v1/jobs/{job.id}/metrics"


def test_all_columns_come_by_step(client: httpx.Client, path: str) -> None:
    body = client.get(path).json()
    assert (body["object"], body["segment"], body["has_more"], body["next_step"]) == ("metrics", 0, False, 41)
    assert list(body["columns"]) == ["step", *METRIC_NAMES]
    assert body["columns"]["step"] == list(range(1, 41))
    assert body["columns"]["d_loss"] == [float(step) for step in range(1, 41)]
    assert body["columns"]["d_real"] == [None] * 40


def test_only_the_columns_asked_for(client: httpx.Client, path: str) -> None:
    columns = client.get(path, params={"keys": "g_loss,d_loss,g_loss", "limit": 1}).json()["columns"]
    assert columns == {"step": [1], "g_loss": [-1.0], "d_loss": [1.0]}


def test_following_next_step_gives_every_row_once(client: httpx.Client, path: str) -> None:
    seen: list[int] = []
    query: dict[str, int | str] = {"from_step": 3, "to_step": 38, "limit": 7, "keys": "d_loss"}
    while True:
        body = client.get(path, params=query).json()
        seen += body["columns"]["step"]
        if not body["has_more"]:
            break
        query["from_step"] = body["next_step"]
    assert seen == list(range(3, 39))


def test_the_newest_rows(client: httpx.Client, path: str) -> None:
    body = client.get(f"{path}?last=3&keys=d_loss").json()
    assert body["columns"] == {"step": [38, 39, 40], "d_loss": [38.0, 39.0, 40.0]}
    assert (body["has_more"], body["next_step"]) == (False, 41)


def test_nothing_yet(client: httpx.Client, path: str) -> None:
    body = client.get(f"{path}?from_step=41&keys=d_loss").json()
    assert (body["columns"], body["next_step"]) == ({"step": [], "d_loss": []}, 41)


def test_values_that_are_not_finite_arrive(client: httpx.Client, database: Database) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, [[math.nan, math.inf, -math.inf, *[0.5] * 6]])
    columns = client.get(f"/v1/jobs/{job.id}/metrics").json()["columns"]
    found = [columns[name] for name in METRIC_NAMES[:4]]
    assert found == [["NaN"], ["Infinity"], ["-Infinity"], [0.5]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("keys=d_loss,nonsense", "keys"),
        ("keys=", "keys"),
        ("keys=step", "keys"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("last=0", "last"),
        ("from_step=-1", "from_step"),
        ("from_step=9223372036854775808", "from_step"),
        ("from_step=5&to_step=4", "to_step"),
        ("last=1&limit=1", "limit"),
        ("last=1&from_step=1", "from_step"),
        ("last=1&to_step=1", "to_step"),
        ("every=2", "every"),
    ],
)
def test_refuses(client: httpx.Client, path: str, query: str, field: str) -> None:
    error = only_error(client.get(f"{path}?{query}"))
    assert (error["in"], error["field"]) == ("query", field)


def test_an_unknown_metric_is_answered_with_those_there_are(client: httpx.Client, path: str) -> None:
    assert only_error(client.get(f"{path}?keys=loss"))["limit"] == list(METRIC_NAMES)
