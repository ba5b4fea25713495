"""The rows of a job's steps, read over HTTP on both databases."""

import math

import httpx
import pytest
from sqlalchemy import delete, select
from support.problems import only_error
from support.progress import queue_job, record, running_job

from models import leases
from models.catalogue import ALL_METRIC_NAMES, METRIC_NAMES
from models.database import Database
from models.spec import JobSpec
from models.tables import Job, Metrics


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


@pytest.mark.parametrize("recorded", [2, 9])
def test_ranges_without_a_row_are_empty(client: httpx.Client, database: Database, recorded: int) -> None:
    job, lease = running_job(database)
    path = f"/v1/jobs/{job.id}/metrics"
    names = list(METRIC_NAMES[:recorded])

    def assert_empty(query: str) -> None:
        body = client.get(f"{path}?{query}").raise_for_status().json()
        assert body.get("first_step", body["columns"].get("step")) == []

    for told in (None, names):  # before the first write of an attempt, and after it
        with database.write() as session:
            leases.hold(session, lease, metric_names=told)
        for query in ("", "last=5", "keys=d_real", "max_points=10"):
            assert_empty(query)
    record(database, job, lease, 1, [[0.5] * recorded + [None] * (9 - recorded)] * 3)
    for query in ("from_step=4", "from_step=9223372036854775807", "to_step=0", "from_step=4&max_points=10"):
        assert_empty(query)
    with database.write() as session:
        leases.rewind(session, lease, 0, 0)
    assert_empty("")
    assert_empty("max_points=10")


def test_a_number_has_the_same_digits_whatever_stands_beside_it(client: httpx.Client, database: Database) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, [[0.1, 0.2, *[None] * 7], [math.nan, 0.3, *[None] * 7]])
    path = f"/v1/jobs/{job.id}/metrics"
    for query, seen in (("", [0.1, "NaN"]), ("?to_step=1", [0.1]), ("?last=2", [0.1, "NaN"])):
        assert client.get(f"{path}{query}").json()["columns"]["d_loss"] == seen
    assert client.get(f"{path}?max_points=10").json()["columns"]["d_loss"]["mean"] == [0.1, None]


def test_a_restored_database_is_not_taken_for_the_one_that_was_lost(client: httpx.Client, database: Database) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, [[0.5, 0.5, *[None] * 7]])
    path = f"/v1/jobs/{job.id}/metrics"
    etag = client.get(path).headers["ETag"]
    with database.write() as session:  # the same revision, reached another way
        session.get_one(Job, job.number).training_seconds += 1
        session.execute(delete(Metrics))
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


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
        ("max_points=1", "max_points"),
        ("max_points=4001", "max_points"),
        ("max_points=10&limit=3", "limit"),
        ("last=1&max_points=10", "max_points"),
    ],
)
def test_refuses(client: httpx.Client, path: str, query: str, field: str) -> None:
    error = only_error(client.get(f"{path}?{query}"))
    assert (error["in"], error["field"]) == ("query", field)


def test_an_unknown_metric_is_answered_with_those_there_are(client: httpx.Client, path: str) -> None:
    assert only_error(client.get(f"{path}?keys=loss"))["limit"] == list(ALL_METRIC_NAMES)


# --- what only some jobs record --------------------------------------------------------------------------------------

CONDITIONAL = {
    "dataset": {"kind": "digits"},
    "conditional": {"kind": "acgan"},
    "regularizers": [{"kind": "r2"}, {"kind": "r1"}],
}
EXTRAS = ["r1_penalty", "r2_penalty", "d_class_loss", "g_class_loss", "class_accuracy_real", "class_accuracy_fake"]


@pytest.fixture
def extras_path(database: Database) -> str:
    """A running job with more metrics than others have, of which it has recorded three rows."""
    job, lease = running_job(database, **CONDITIONAL)
    names = JobSpec.model_validate(job.spec).metric_names
    values = [[step + index / 100 for index, _ in enumerate(names)] for step in (1.0, 2.0, 3.0)]
    record(database, job, lease, 1, values, names)
    return f"/v1/jobs/{job.id}/metrics"


@pytest.mark.parametrize("started", [False, True])
def test_a_job_s_own_metrics_come_with_those_of_all(
    client: httpx.Client, database: Database, extras_path: str, started: bool
) -> None:
    path = extras_path if started else f"/v1/jobs/{queue_job(database, **CONDITIONAL)}/metrics"
    columns = client.get(path).json()["columns"]
    assert list(columns) == ["step", *METRIC_NAMES, *EXTRAS]
    assert columns["class_accuracy_fake"] == ([1.14, 2.14, 3.14] if started else [])
    curve = client.get(f"{path}?max_points=2").json()["columns"]
    assert list(curve) == [*METRIC_NAMES, *EXTRAS]
    if started:
        assert (curve["r1_penalty"]["max"], curve["r1_penalty"]["last"]) == ([2.09, 3.09], [2.09, 3.09])


def test_any_metric_can_be_asked_for_of_any_job(client: httpx.Client, path: str, extras_path: str) -> None:
    wanted = {"keys": "r_t,r1_penalty,d_loss", "last": 1}
    assert client.get(path, params=wanted).json()["columns"] == {
        "step": [40],
        "r_t": [None],
        "r1_penalty": [None],
        "d_loss": [40.0],
    }
    assert client.get(extras_path, params=wanted).json()["columns"]["r1_penalty"] == [3.09]


def test_a_job_whose_spec_is_no_longer_valid_is_readable(client: httpx.Client, database: Database) -> None:
    job_id = queue_job(database)
    with database.write() as session:
        job = session.scalars(select(Job)).one()
        job.spec = job.spec | {"batch_size": 10**9}
    assert list(client.get(f"/v1/jobs/{job_id}/metrics").json()["columns"]) == ["step", *METRIC_NAMES]


# --- curves ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def long_path(database: Database) -> str:
    """A job of 1,000 steps, of which the 700th has a spike and the 800th a NaN in d_loss; no other losses recorded."""
    job, lease = running_job(database)
    rows = [[float(step), -float(step), *[None] * 7] for step in range(1, 1001)]
    rows[699][0], rows[799][0] = 1e9, math.nan
    for first in range(0, 1000, 250):
        record(database, job, lease, first + 1, rows[first : first + 250])
    return f"/v1/jobs/{job.id}/metrics"


def test_a_curve_has_at_most_so_many_points_and_both_ends(client: httpx.Client, long_path: str) -> None:
    body = client.get(f"{long_path}?max_points=20").json()
    assert (body["object"], body["bucket_steps"], body["next_step"]) == ("metric_buckets", 64, 1001)
    assert body["first_step"] == list(range(1, 1001, 64))
    assert (body["last_step"][0], body["last_step"][-1], sum(body["count"])) == (64, 1000, 1000)
    assert body["columns"]["d_real"] is None
    assert list(body["columns"]) == list(METRIC_NAMES)
    g_loss = body["columns"]["g_loss"]
    assert (g_loss["max"][0], g_loss["min"][0], g_loss["mean"][0], g_loss["last"][0]) == (-1, -64, -32.5, -64)
    assert (g_loss["last"][-1], set(g_loss["non_finite"])) == (-1000, {0})


def test_a_spike_and_a_nan_stay_visible_at_any_width(client: httpx.Client, long_path: str) -> None:
    for points in (2, 10, 100, 4000):
        d_loss = client.get(f"{long_path}?max_points={points}&keys=d_loss").json()["columns"]["d_loss"]
        assert (max(value for value in d_loss["max"] if value is not None), sum(d_loss["non_finite"])) == (1e9, 1)


def test_a_curve_of_few_steps_shows_each(client: httpx.Client, long_path: str) -> None:
    body = client.get(f"{long_path}?max_points=100&from_step=750&to_step=849&keys=d_loss").json()
    assert (body["bucket_steps"], body["first_step"]) == (1, list(range(750, 850)))
    assert body["first_step"] == body["last_step"]
    d_loss = body["columns"]["d_loss"]
    assert (d_loss["last"][50], d_loss["mean"][50], d_loss["min"][50], d_loss["non_finite"][50]) == (
        "NaN",
        None,
        None,
        1,
    )
    assert d_loss["last"][:50] == d_loss["mean"][:50] == [float(step) for step in range(750, 800)]


def test_a_zoomed_curve_holds_its_range_and_nothing_else(client: httpx.Client, long_path: str) -> None:
    body = client.get(f"{long_path}?max_points=7&from_step=101&to_step=699&keys=g_loss").json()
    assert (body["first_step"][0], body["last_step"][-1], sum(body["count"])) == (101, 699, 599)
    assert min(body["columns"]["g_loss"]["min"]) == -699


def test_a_curve_of_nothing(client: httpx.Client, long_path: str) -> None:
    body = client.get(f"{long_path}?max_points=7&from_step=5000&keys=g_loss").json()
    assert (body["first_step"], body["next_step"]) == ([], 5000)
    assert body["columns"]["g_loss"]["min"] == []


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client, database: Database) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, [[1.0, 1.0, *[None] * 7]])
    for query in ("", "?max_points=10", "?last=1"):
        path = f"/v1/jobs/{job.id}/metrics{query}"
        etag = client.get(path).headers["ETag"]
        again = client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    record(database, job, lease, 2, [[1.0, 1.0, *[None] * 7]])
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200
