"""What a job's generator was worth, stored as a worker does and read over HTTP, on both databases."""

import math

import httpx
import pytest
from sqlalchemy import func, select
from support.histories import delete
from support.problems import only_error
from support.progress import evaluate, queue_job, record, running_job
from support.runs import event_kinds, read

from models import evaluations, leases
from models.database import Database
from models.leases import Lease
from models.tables import Evaluation, Job

ROW = (1.0,) * 9


@pytest.fixture
def job(database: Database) -> tuple[Job, Lease]:
    """A running job with an evaluation every ten steps."""
    job, lease = running_job(database, evaluate_every=10)
    record(database, job, lease, 1, [ROW] * 50)
    for step in range(10, 60, 10):
        evaluate(database, job, lease, step, modes_covered=float(step), reverse_kl=1 / step)
    return job, lease


@pytest.fixture
def path(job: tuple[Job, Lease]) -> str:
    return f"/v1/jobs/{job[0].id}/evaluations"


def steps_of(response: httpx.Response) -> list[int]:
    return [each["step"] for each in response.raise_for_status().json()["data"]]


def test_listed_page_by_page(client: httpx.Client, path: str) -> None:
    first, second = client.get(f"{path}?limit=3").json(), client.get(f"{path}?limit=3&after=30").json()
    assert [each["step"] for each in first["data"]] == [10, 20, 30]
    assert [each["step"] for each in second["data"]] == [40, 50]
    assert (first["has_more"], second["has_more"]) == (True, False)
    evaluation = second["data"][-1]
    assert set(evaluation) == {"object", "step", "values", "created_at"}
    assert (evaluation["object"], evaluation["created_at"][-1]) == ("evaluation", "Z")
    assert evaluation["values"] == {"modes_covered": 50, "reverse_kl": 0.02}


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("from_step=20&to_step=40", [20, 30, 40]),
        ("from_step=21&to_step=29", []),
        ("from_step=31", [40, 50]),
        ("to_step=10", [10]),
        ("from_step=20&after=20", [30, 40, 50]),
        ("from_step=9223372036854775807", []),
        ("after=50", []),
    ],
)
def test_a_range_of_steps(client: httpx.Client, path: str, query: str, steps: list[int]) -> None:
    assert steps_of(client.get(f"{path}?{query}")) == steps


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("after=-1", "after"),
        ("after=9223372036854775808", "after"),
        ("from_step=x", "from_step"),
        ("from_step=5&to_step=4", "to_step"),
        ("last=1", "last"),
        ("keys=fid", "keys"),
    ],
)
def test_refuses(client: httpx.Client, path: str, query: str, field: str) -> None:
    error = only_error(client.get(f"{path}?{query}"))
    assert (error["in"], error["field"]) == ("query", field)


def test_numbers_that_json_lacks(client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str) -> None:
    evaluate(database, *job, 60, fid_inception=math.nan, reverse_kl=math.inf, modes_covered=-math.inf)
    values = {"fid_inception": "NaN", "reverse_kl": "Infinity", "modes_covered": "-Infinity"}
    assert client.get(f"{path}?after=50").json()["data"][0]["values"] == values
    assert client.get(f"/v1/jobs/{job[0].id}").json()["latest_evaluation"] == {"step": 60, "values": values}
    with database.read() as session:
        stored = session.get_one(Evaluation, (job[0].number, 0, 60)).values
    assert stored == {"fid_inception": None, "reverse_kl": "Infinity", "modes_covered": "-Infinity"}


def test_a_job_shows_the_latest(client: httpx.Client, database: Database, job: tuple[Job, Lease]) -> None:
    latest = {"step": 50, "values": {"modes_covered": 50, "reverse_kl": 0.02}}
    queued = queue_job(database)
    assert client.get(f"/v1/jobs/{job[0].id}").json()["latest_evaluation"] == latest
    shown = {each["id"]: each["latest_evaluation"] for each in client.get("/v1/jobs").json()["data"]}
    assert shown == {job[0].id: latest, queued: None}
    empty = client.get(f"/v1/jobs/{queued}/evaluations").json()
    assert empty == {"object": "list", "data": [], "has_more": False}


def test_what_has_not_changed_is_not_sent_again(
    client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str
) -> None:
    for asked in (path, f"/v1/jobs/{job[0].id}"):
        etag = client.get(asked).headers["etag"]
        again = client.get(asked, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    evaluate(database, *job, 60, modes_covered=1.0)
    assert steps_of(client.get(f"{path}?after=50", headers={"If-None-Match": etag})) == [60]


@pytest.mark.parametrize(("step", "left"), [(35, [10, 20, 30]), (30, [10, 20, 30]), (9, []), (0, [])])
def test_a_rewind_takes_later_ones_back(
    client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str, step: int, left: list[int]
) -> None:
    with database.write() as session:
        leases.rewind(session, job[1], 0, step)
    assert steps_of(client.get(path)) == left
    latest = client.get(f"/v1/jobs/{job[0].id}").json()["latest_evaluation"]
    assert (latest and latest["step"]) == (left[-1] if left else None)
    record(database, *job, step + 1, [ROW])
    evaluate(database, *job, 40, modes_covered=0.0)
    assert client.get(f"{path}?after=30").json()["data"][0]["values"] == {"modes_covered": 0}


def test_a_rewind_of_nothing_but_an_evaluation_is_told(database: Database) -> None:
    job, lease = running_job(database)
    evaluate(database, job, lease, 10, modes_covered=1.0)
    with database.write() as session:
        leases.rewind(session, lease, 0, 5)
    assert "job.rewound" in event_kinds(database, read(database, job.id))


def test_a_write_that_is_repeated_changes_nothing(database: Database, job: tuple[Job, Lease]) -> None:
    with database.write() as session:
        evaluations.add(session, (job[0].number, 0), 50, {"modes_covered": 50.0})
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Evaluation)) == 5


def test_they_go_with_their_job(client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str) -> None:
    delete(database, *job)
    assert client.get(path).status_code == 404
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Evaluation)) == 0
