"""Following a job live, over HTTP and on both databases: what is sent, and where it goes on."""

import httpx
import pytest
from fastapi import FastAPI
from support.health import assess, report
from support.problems import only_error, problem_of
from support.progress import claim, draw, evaluate, finish, queue_job, record
from support.streams import NOTHING, Reader, go_back, is_told, listening, rows, tell

from models import events, news
from models.catalogue import METRIC_NAMES
from models.database import Database
from models.leases import Lease
from models.tables import Job


def test_from_now_on(url: str, path: str, database: Database, job: tuple[Job, Lease]) -> None:
    with listening(url, path) as live:
        assert live.response.headers["content-type"].startswith("text/event-stream")
        assert live.response.headers["cache-control"] == "no-cache"
        assert live.response.headers["x-accel-buffering"] == "no"
        (state,) = live.until_event("job")
        assert (state.data["status"], state.data["step"], state.data["steps"]) == ("running", 10, 1_000_000)
        assert state.data["latest_metrics"] == {"step": 10, "d_loss": 10.0, "g_loss": -10.0}
        assert "spec" not in state.data

        record(database, *job, 11, rows(11, 13))
        block, state = live.until_event("job")
        assert block.event == "metrics"
        assert list(block.data["columns"]) == ["step", *METRIC_NAMES]
        assert block.data["columns"] | {"step": [11, 12, 13], "d_loss": [11.0, 12.0, 13.0]} == block.data["columns"]
        assert block.data["columns"]["d_real"] == [None] * 3
        assert state.data["step"] == 13

        evaluate(database, *job, 13, reverse_kl=0.5, modes_covered=float("nan"))
        evaluation, state = live.until_event("job")
        assert (evaluation.event, evaluation.data["object"], evaluation.data["step"]) == (
            "evaluation",
            "evaluation",
            13,
        )
        assert evaluation.data["values"] == {"reverse_kl": 0.5, "modes_covered": "NaN"}
        assert state.data["latest_evaluation"] == {"step": 13, "values": evaluation.data["values"]}

        assess(database, *job, (13, "mode_collapse"))
        assessed, state = live.until_event("job")
        assert assessed.event == "report"
        whose = {"object": "job.health", "job_id": job[0].id, "segment": 0}
        assert assessed.data == whose | report(13, "mode_collapse")
        assert (state.data["verdict"], state.data["severity"]) == ("mode_collapse", "alarm")

        draw(database, job[0], [13])
        tell(database, job, "health.collapse")
        tell(database, job, "job.noted")
        sample, health, noted = (message for message in live.until(is_told("job.noted")) if message.event != "job")
        assert (sample.event, sample.data["step"]) == ("sample", 13)
        assert httpx.get(url + sample.data["url"]).headers["content-type"] == "image/png"
        assert (health.event, health.data["kind"]) == ("health", "health.collapse")
        assert (noted.event, noted.data["message"]) == ("event", "something")

        finish(database, job[1])
        told, state, end = [message for message in live.until_event("end") if message.id != noted.id][-3:]
        assert (told.data["kind"], state.data["status"]) == ("job.succeeded", "succeeded")
        assert end.data == {"reason": "finished", "status": "succeeded"}
        assert list(live) == []  # the server has closed it
    assert httpx.get(url + path, headers={"Last-Event-ID": end.id}).status_code == 204
    assert httpx.get(url + path, params={"last_event_id": end.id}).status_code == 204


def test_the_whole_history(
    url: str, path: str, database: Database, job: tuple[Job, Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "ROWS", 7)
    record(database, *job, 11, rows(11, 50))
    draw(database, job[0], [0, 20, 40])
    finish(database, job[1])
    reader = Reader()
    with listening(url, path, from_step=0, keys="g_loss") as live:
        read = list(live)
    for message in read:
        reader.take(message)
    assert reader.rows == {step: [-float(step)] for step in range(1, 51)}
    assert sum(message.event == "metrics" for message in read) == 8
    assert reader.samples == [0, 20, 40]
    assert reader.ended
    with database.read() as session:
        assert reader.events == [event.number for event in events.list_events(session, job[0].number)]


def test_from_a_step_on(url: str, path: str, database: Database, job: tuple[Job, Lease]) -> None:
    draw(database, job[0], [0, 5, 10])
    for step in (5, 6, 10):
        evaluate(database, *job, step, reverse_kl=0.5)
    with listening(url, path, from_step=6) as live:
        block, sample, *evaluated, _ = live.until_event("job")
    assert (block.data["columns"]["step"], sample.data["step"]) == ([6, 7, 8, 9, 10], 10)
    assert [each.data["step"] for each in evaluated] == [6, 10]
    with listening(url, path, from_step=1_000) as live:
        live.until_event("job")
        record(database, *job, 11, rows(11, 12))  # never after what comes next
        assert live.until_event("metrics")[-1].data["columns"]["step"] == [11, 12]


def test_each_message_can_be_the_last_that_arrived(
    url: str, path: str, database: Database, job: tuple[Job, Lease]
) -> None:
    draw(database, job[0], [0, 5, 10])
    for step in (5, 10):
        evaluate(database, *job, step, reverse_kl=0.5)
    finish(database, job[1])
    with listening(url, path, from_step=0) as live:
        everything = list(live)
    assert [message.event for message in everything] == [
        *["metrics", "sample", "sample", "sample", "evaluation", "evaluation"],
        *["event", "event", "event", "job", "end"],
    ]
    for place, message in enumerate(everything[:-1], 1):
        # What says where to begin else is older.
        with listening(url, path, last_id=message.id, from_step=0, last_event_id=everything[0].id) as live:
            assert list(live) == everything[place:]
        with listening(url, path, last_event_id=message.id) as live:
            assert list(live) == everything[place:]


def test_a_rewind_comes_before_the_rows_that_come_again(
    url: str, path: str, database: Database, job: tuple[Job, Lease]
) -> None:
    draw(database, job[0], [10])
    for step in (4, 8):
        evaluate(database, *job, step, reverse_kl=float(step))
    reader = Reader()
    with listening(url, path, from_step=0) as live:
        for message in live.until_event("job"):
            reader.take(message)
        again = go_back(database, job[0], 4)
        for message in live.until(lambda message: message.event == "event" and message.data["kind"] == "job.rewound"):
            reader.take(message)
        assert (reader.rewinds, list(reader.rows), reader.samples) == ([4], [1, 2, 3, 4], [])
        assert list(reader.evaluations) == [4]
        record(database, *again, 5, rows(5, 12))
        for message in live.until_event("metrics"):
            reader.take(message)
    assert reader.rows == {step: list(row) for step, row in enumerate(rows(1, 12), 1)}


def test_numbers_that_json_lacks(url: str, path: str, database: Database, job: tuple[Job, Lease]) -> None:
    with listening(url, path, keys="d_loss,g_loss") as live:
        live.until_event("job")
        record(database, *job, 11, [[float("nan"), float("inf"), *NOTHING], [0.1, -float("inf"), *NOTHING]])
        columns = live.until_event("metrics")[-1].data["columns"]
    assert columns["d_loss"] == ["NaN", pytest.approx(0.1)]
    assert columns["g_loss"] == ["Infinity", "-Infinity"]


def test_a_job_deleted_under_its_listeners(url: str, path: str, database: Database, job: tuple[Job, Lease]) -> None:
    with listening(url, path) as live:
        live.until_event("job")
        with database.write() as session:
            session.delete(session.get_one(Job, job[0].number))
        (end,) = live.until_event("end")
    assert end.data == {"reason": "deleted", "status": None}
    problem_of(httpx.get(url + path), 404, "job_not_found")
    assert httpx.get(url + path, headers={"Last-Event-ID": end.id}).status_code == 404


def test_ids_that_no_message_has(client: httpx.Client, path: str) -> None:
    none = ["x", "1.2.3", "0.1.2.3.4", "7.0.1.2.3.4.stop", "7.0.1.2.3.-4", f"7.0.1.2.3.{2**63 - 1}"]
    none += ["7.0.1.2.3.4.5.6.7", f"{2**63 - 1}.1.1.1.1.1", f"{10**20}.1.1.1.1.1", f"7.0.1.2.3.4.{2**63 - 1}"]
    for message_id in [*none, "٣.1.1.1.1.1"]:
        error = only_error(client.get(path, params={"last_event_id": message_id}))
        assert (error["field"], error["in"], error["code"]) == ("last_event_id", "query", "malformed_id")
    for message_id in none:
        error = only_error(client.get(path, headers={"Last-Event-ID": message_id}))
        assert (error["field"], error["in"], error["code"]) == ("Last-Event-ID", "header", "malformed_id")


def test_what_is_refused_is_refused_before_the_stream(client: httpx.Client, path: str) -> None:
    assert only_error(client.get(path, params={"keys": "d_loss,nonsense"}))["field"] == "keys"
    assert only_error(client.get(path, params={"from_step": -1}))["field"] == "from_step"
    assert only_error(client.get(path, params={"from": 1}))["code"] == "unknown"
    twice = [("Last-Event-ID", "7.0.1.1.1.1"), ("Last-Event-ID", "7.0.1.1.1.2")]
    problem_of(client.get(path, headers=twice), 400, "ambiguous_header")
    problem_of(client.get("/v1/jobs/job_0123/stream"), 404, "job_not_found")


def test_what_is_not_news_is_not_read(app: FastAPI, url: str, database: Database) -> None:
    """A queued job has no rows and no samples: its stream says so, and waits."""
    with listening(url, f"/v1/jobs/{queue_job(database)}/stream", from_step=0) as live:
        assert [message.event for message in live.until_event("job")] == ["event", "job"]


def test_who_was_cut_off_by_an_upgrade_goes_on(url: str, path: str, database: Database, job: tuple[Job, Lease]) -> None:
    """Ids were a number shorter before there were evaluations."""
    with listening(url, path, from_step=0) as live:
        before = live.until_event("job")[-1].id
    shorter, dot, none = before.rpartition(".")
    assert (dot, none) == (".", "0")
    record(database, *job, 11, rows(11, 12))
    evaluate(database, *job, 12, reverse_kl=0.5)
    with listening(url, path, last_id=shorter) as live:
        block, evaluation, _ = live.until_event("job")
    assert (block.data["columns"]["step"], evaluation.data["step"]) == ([11, 12], 12)


def test_a_job_s_own_metrics_come_with_those_of_all(url: str, database: Database) -> None:
    queued = queue_job(database, loss={"kind": "hinge"}, regularizers=[{"kind": "r1"}], steps=1_000_000)
    with listening(url, f"/v1/jobs/{queued}/stream", from_step=0) as live:  # before it has recorded anything
        live.until_event("job")
        running = claim(database)
        record(database, *running, 1, [[1.0, 2.0, 3.0]], ("d_loss", "g_loss", "r1_penalty"))
        columns = live.until_event("metrics")[-1].data["columns"]
    assert list(columns) == ["step", *METRIC_NAMES, "r1_penalty"]
    assert (columns["r1_penalty"], columns["d_real"]) == ([3.0], [None])
