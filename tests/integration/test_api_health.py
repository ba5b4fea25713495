"""A job's health over HTTP, stored as a worker does, on both databases."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event
from support.health import PATCH, REMEDY, REMEDY_TEXT, assess, reading, recorded_to, report, roll_back
from support.problems import only_error, problem_of
from support.progress import finish, queue_job, record, running_job

from models.database import Database
from models.leases import Lease
from models.settings import Settings
from models.spec import JobSpec, remedied
from models.status import JobStatus
from models.storage import open_storage
from models.tables import Job
from models.verdicts import VERDICTS

RESOURCES = ("health", "health?at_step=20", "health/history", "health/readings", "segments")
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ALARM = report(50, "mode_collapse", 0.9, 30)


@pytest.fixture
def job(database: Database, settings: Settings) -> tuple[Job, Lease]:
    """A running job that is recorded to step 50, with alarms from step 30 on."""
    job, lease = running_job(database)
    recorded_to(database, open_storage(settings.storage_url), job, lease)
    return job, lease


@pytest.fixture
def path(job: tuple[Job, Lease]) -> str:
    return f"/v1/jobs/{job[0].id}"


@pytest.fixture
def statements(job: tuple[Job, Lease]) -> Iterator[list[str]]:
    """What is asked of databases, from when the job is recorded."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def shown(found: dict[str, object], job: Job, segment: int = 0) -> dict[str, object]:
    """A report as the API answers with it."""
    return {"object": "job.health", "job_id": job.id, "segment": segment, **found}


class TestReport:
    def test_the_newest_and_that_of_a_step(self, client: httpx.Client, job: tuple[Job, Lease], path: str) -> None:
        assert client.get(f"{path}/health").json() == shown(report(50, "mode_collapse"), job[0])
        for at_step, step, verdict in ((50, 50, "mode_collapse"), (30, 30, "mode_collapse"), (29, 20, "balanced")):
            assert client.get(f"{path}/health?at_step={at_step}").json() == shown(report(step, verdict), job[0])

    @ON_SQLITE
    @pytest.mark.parametrize(
        ("query", "limit"), [("at_step=51", 50), ("at_step=-1", 0), ("at_step=x", None), ("segment=-1", 0)]
    )
    def test_refuses(self, client: httpx.Client, path: str, query: str, limit: int | None) -> None:
        error = only_error(client.get(f"{path}/health?{query}"))
        assert (error["in"], error["field"], error.get("limit")) == ("query", query.partition("=")[0], limit)

    @ON_SQLITE
    def test_before_the_first_assessment(self, client: httpx.Client, database: Database, path: str) -> None:
        early = client.get(f"{path}/health?at_step=9").json()
        assert (early["verdict"], early["step"], early["since_step"], early["confidence"]) == ("warming_up", 9, 0, 0)
        assert (early["severity"], early["evidence"], early["advice"]) == ("ok", [], [])
        assert "assessed by step 9" in early["sentence"]
        queued = client.get(f"/v1/jobs/{queue_job(database)}/health").json()
        assert (queued["verdict"], queued["step"]) == ("warming_up", 0)
        assert "Nothing has been assessed yet" in queued["sentence"]

    @ON_SQLITE
    def test_where_nothing_is_assessed(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database, health={"enabled": False})
        record(database, job, lease, 1, [(1.0,) * 9] * 3)
        found = client.get(f"/v1/jobs/{job.id}/health").json()
        assert (found["verdict"], found["step"]) == ("warming_up", 3)
        assert "health.enabled is false" in found["sentence"]

    @ON_SQLITE
    def test_of_a_job_that_ended_too_soon(self, client: httpx.Client, database: Database) -> None:
        job, lease = running_job(database)
        finish(database, lease)
        assert "before the job ended" in client.get(f"/v1/jobs/{job.id}/health").json()["sentence"]


class TestHistory:
    def test_intervals_page_by_page(self, client: httpx.Client, path: str) -> None:
        found = client.get(f"{path}/health/history").json()
        assert found["has_more"] is False
        ranges = [(one["from_step"], one["to_step"], one["verdict"], one["severity"]) for one in found["data"]]
        assert ranges == [(10, 20, "balanced", "ok"), (30, 50, "mode_collapse", "alarm")]
        assert found["data"][1]["sentence"] == report(50, "mode_collapse")["sentence"]
        first = client.get(f"{path}/health/history?limit=1").json()
        assert (first["has_more"], first["data"]) == (True, found["data"][:1])
        second = client.get(f"{path}/health/history?limit=1&after=10").json()
        assert (second["has_more"], second["data"]) == (False, found["data"][1:])

    @ON_SQLITE
    def test_what_it_was_read_from(self, client: httpx.Client, path: str) -> None:
        found = client.get(f"{path}/health/readings?from_step=15&to_step=45&limit=2&after=20").json()
        assert found["has_more"] is False
        assert found["data"] == [
            {
                "object": "health.reading",
                "step": step,
                "segment": 0,
                "verdict": "mode_collapse",
                "reading": reading(step),
            }
            for step in (30, 40)
        ]
        error = only_error(client.get(f"{path}/health/readings?from_step=5&to_step=4"))
        assert error["field"] == "to_step"

    def test_no_metrics_are_read(self, client: httpx.Client, path: str, statements: list[str]) -> None:
        for rest in RESOURCES:
            assert client.get(f"{path}/{rest}").status_code == 200
        assert [each for each in statements if "health_reports" in each]
        assert not [each for each in statements if "FROM metrics" in each or "FROM rollups" in each]
        statements.clear()
        assert client.get("/v1/jobs?verdict=mode_collapse").json()["data"]
        assert statements
        assert not [each for each in statements if "health_reports" in each]


@ON_SQLITE
@pytest.mark.parametrize("rest", RESOURCES)
def test_what_has_not_changed_is_not_sent_again(
    client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str, rest: str
) -> None:
    etag = client.get(f"{path}/{rest}").headers["etag"]
    again = client.get(f"{path}/{rest}", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    record(database, *job, 51, [(1.0,) * 9])
    assert client.get(f"{path}/{rest}", headers={"If-None-Match": etag}).status_code == 200


@ON_SQLITE
@pytest.mark.parametrize("rest", [*RESOURCES[:-1], "metrics", "metrics?max_points=5", "evaluations", "samples"])
def test_a_segment_that_is_not_there(client: httpx.Client, path: str, rest: str) -> None:
    response = client.get(f"{path}/{rest}{'&' if '?' in rest else '?'}segment=1")
    error = problem_of(response, 404, "segment_not_found")["errors"][0]
    assert (error["field"], error["limit"]) == ("segment", 0)


class TestSegments:
    @pytest.fixture(autouse=True)
    def rolled_back(self, database: Database, job: tuple[Job, Lease]) -> None:
        """Back from step 50 to step 20."""
        roll_back(database, job[1], 20, ALARM)

    def test_why_and_how(self, client: httpx.Client, job: tuple[Job, Lease], path: str) -> None:
        (found,) = client.get(f"{path}/segments").json()["data"]
        assert found.pop("created_at").endswith("Z")
        assert found == {
            "object": "segment",
            "number": 1,
            "after_step": 20,
            "last_step": 50,
            "verdict": "mode_collapse",
            "report": shown(ALARM, job[0], 1),
            "remedy": REMEDY,
            "remedy_text": REMEDY_TEXT,
            "spec_patch": PATCH,
            "stream": 0,
        }
        assert client.get(f"{path}/segments?after=1").json()["data"] == []

    def test_the_job_says_how_it_stands(self, client: httpx.Client, job: tuple[Job, Lease], path: str) -> None:
        now = client.get(path).json()
        assert (now["step"], now["verdict"], now["severity"], now["rollbacks"]) == (20, "balanced", "ok", 1)
        assert client.get(f"{path}/health").json() == shown(report(20, "balanced"), job[0])

    def test_everything_recorded_is_read_by_segment(self, client: httpx.Client, path: str) -> None:
        self.check(client, path, "", [10, 20])
        self.check(client, path, "segment=0", [10, 20])
        self.check(client, path, "segment=1", [30, 40, 50])

    def check(self, client: httpx.Client, path: str, segment: str, steps: list[int]) -> None:
        def get(rest: str) -> httpx.Response:
            return client.get(f"{path}/{rest}{'&' if '?' in rest else '?'}{segment}").raise_for_status()

        number = int(segment == "segment=1")
        first, last = (21, 50) if number else (1, 20)
        rows = get("metrics?keys=d_loss").json()
        assert (rows["segment"], rows["columns"]["step"]) == (number, list(range(first, last + 1)))
        assert get("metrics?keys=d_loss&last=2").json()["columns"]["step"] == [last - 1, last]
        buckets = get("metrics?keys=d_loss&max_points=3").json()
        assert (buckets["segment"], buckets["first_step"][0], buckets["last_step"][-1]) == (number, first, last)
        for rest in ("evaluations", "health/readings"):
            assert [each["step"] for each in get(rest).json()["data"]] == steps
        drawn = get("samples").json()["data"]
        assert [each["step"] for each in drawn] == ([0] if not number else []) + steps
        for each in drawn:
            assert client.get(each["url"]).headers["sample-step"] == str(each["step"])
        assert get("samples/latest").headers["sample-step"] == str(last)
        assert get("health").json()["step"] == last
        (interval,) = get("health/history").json()["data"]
        assert (interval["from_step"], interval["to_step"], interval["segment"]) == (steps[0], last, number)

    @ON_SQLITE
    def test_a_sample_is_of_its_segment(self, client: httpx.Client, path: str) -> None:
        assert problem_of(client.get(f"{path}/samples/30"), 404, "sample_not_found")["errors"][0]["limit"] == 20
        assert client.get(f"{path}/samples/30?segment=1").status_code == 200

    @ON_SQLITE
    @pytest.mark.parametrize(("at_step", "status"), [(19, 422), (20, 200), (29, 200), (30, 200), (50, 200), (51, 422)])
    def test_steps_of_a_segment(
        self, client: httpx.Client, job: tuple[Job, Lease], path: str, at_step: int, status: int
    ) -> None:
        response = client.get(f"{path}/health?segment=1&at_step={at_step}")
        assert response.status_code == status
        if status == 422:
            assert only_error(response)["field"] == "at_step"
        elif at_step >= 30:
            wanted = at_step // 10 * 10
            assert response.json() == shown(report(wanted, "mode_collapse"), job[0], 1)
        else:
            assert (response.json()["verdict"], response.json()["step"]) == ("warming_up", at_step)

    @ON_SQLITE
    def test_a_fork_begins_with_the_remedies(self, client: httpx.Client, path: str) -> None:
        with_remedies = remedied(JobSpec.model_validate(client.get(path).json()["spec"]), 1).spec.model_dump(
            mode="json"
        )
        forked = client.post(f"{path}/fork", json={"step": 10, "changes": {"steps": 300}}).raise_for_status().json()
        assert forked["spec"] == with_remedies | {"steps": 300}
        assert with_remedies["regularizers"] != []
        assert (forked["rollbacks"], forked["verdict"]) == (0, None)
        chosen = {"generator": {"optimizer": {"learning_rate": 0.5}}}
        forked = client.post(f"{path}/fork", json={"changes": chosen}).raise_for_status().json()
        assert forked["spec"]["generator"]["optimizer"]["learning_rate"] == 0.5

    def test_a_fork_that_is_asked_for_again_is_the_same(
        self, client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str
    ) -> None:
        """Though its origin has gone back once more, and would make another one now."""
        keyed: dict[str, Any] = {"json": {"step": 10}, "headers": {"Idempotency-Key": "once"}}
        first = client.post(f"{path}/fork", **keyed).raise_for_status().json()
        roll_back(database, job[1], 10, report(20, "diverging"))
        again = client.post(f"{path}/fork", **keyed).raise_for_status().json()
        assert (again["id"], again["spec"]) == (first["id"], first["spec"])
        other = client.post(f"{path}/fork", json={"step": 10}).raise_for_status().json()
        assert other["spec"] != first["spec"]

    @ON_SQLITE
    def test_a_retry_begins_without_them(
        self, client: httpx.Client, database: Database, job: tuple[Job, Lease], path: str
    ) -> None:
        finish(database, job[1], JobStatus.FAILED)
        again = client.post(f"{path}/retry").raise_for_status().json()
        assert again["spec"] == client.get(path).json()["spec"]


class TestLists:
    @pytest.fixture
    def three(self, database: Database, job: tuple[Job, Lease]) -> list[str]:
        """Ids of a job with an alarm, one with a caution and one that has not been assessed."""
        cautious, lease = running_job(database, name="cautious")
        assess(database, cautious, lease, (10, "partial_mode_collapse"))
        return [job[0].id, cautious.id, queue_job(database)]

    def test_narrowed(self, client: httpx.Client, three: list[str]) -> None:
        for query, which in {
            "": [2, 1, 0],
            "verdict=mode_collapse": [0],
            "verdict=mode_collapse&verdict=partial_mode_collapse": [1, 0],
            "verdict=balanced": [],
            "severity=alarm": [0],
            "severity=alarm&severity=caution": [1, 0],
            "severity=ok": [],
            "verdict=mode_collapse&severity=caution": [],
            "severity=caution&status=running&name=cautious": [1],
            "severity=caution&severity=alarm&status=queued": [],
            "status=queued&status=running&severity=caution&severity=alarm&limit=1": [1],
        }.items():
            found = client.get(f"/v1/jobs?{query}").raise_for_status().json()["data"]
            assert [each["id"] for each in found] == [three[index] for index in which], query

    @ON_SQLITE
    @pytest.mark.parametrize(
        ("query", "field"), [("verdict=fine", "verdict"), ("severity=bad", "severity"), ("verdict=", "verdict")]
    )
    def test_refuses(self, client: httpx.Client, query: str, field: str) -> None:
        assert only_error(client.get(f"/v1/jobs?{query}"))["field"] == field


@ON_SQLITE
def test_the_catalogue_says_what_verdicts_mean(client: httpx.Client) -> None:
    verdicts = client.get("/v1/catalogue").json()["verdicts"]
    assert {name: facts["severity"] for name, facts in verdicts.items()} == {
        verdict.value: facts.severity for verdict, facts in VERDICTS.items()
    }
    assert all(facts["description"] for facts in verdicts.values())
