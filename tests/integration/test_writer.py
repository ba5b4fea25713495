"""Writes whose answers are lost, outages, and what a worker says of a changed machine."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from sqlalchemy import Table, select, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from support.progress import queue_job, running_job
from support.runs import LONG, crash_after, event_kinds, read, rows_of, run

from models import bulk, events
from models.database import Database
from models.leases import LeaseLost
from models.settings import Settings
from models.tables import Event, Job, Metrics
from worker.gan import checkpoint, memory
from worker.joblog import JobLog
from worker.writer import LeasedWriter


def lose_answers(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Each ``every``-th commit goes through, and the worker hears of an error."""
    write = Database.write
    commits = itertools.count(1)

    @contextmanager
    def write_unheard(self: Database) -> Iterator[Session]:
        with write(self) as session:
            yield session
        if next(commits) % every == 0:
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(Database, "write", write_unheard)


def test_commits_whose_answers_are_lost_are_not_repeated(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"sample_every": 10, "checkpoint_every": 10}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    with monkeypatch.context() as patched:
        # The claim's own answer is heard; of the others every second one is not.
        patched.setattr("worker.runner.Attempt.run", _with_lost_answers(patched))
        run(quick)
    job, other = read(database, job_id), read(database, undisturbed.id)
    assert job.status == "succeeded"
    assert rows_of(database, job) == rows_of(database, other)
    assert event_kinds(database, job) == event_kinds(database, other)
    with database.read() as session:
        lines = [[line.message for line in events.list_log_lines(session, each.number)] for each in (job, other)]
    assert lines[0] == lines[1]


def _with_lost_answers(patched: pytest.MonkeyPatch) -> Any:
    from worker.runner import Attempt

    run_attempt = Attempt.run

    def run_unheard(self: Attempt) -> None:
        lose_answers(patched, every=2)
        run_attempt(self)

    return run_unheard


def test_a_write_of_a_lost_lease_is_refused_even_when_it_is_repeated(database: Database) -> None:
    job, lease = running_job(database)
    writer = LeasedWriter(database, lease, JobLog(job.id, job.attempt), 5)
    writer.add_event("first", "stored")
    crash_after(job, database)
    with pytest.raises(LeaseLost):
        writer.add_event("second", "never")
    assert "second" not in event_kinds(database, job)


def test_a_resume_elsewhere_says_so(quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = queue_job(database, steps=200, sample_every=50)
    questions = itertools.count()
    run(quick, lambda: next(questions) >= 4)
    assert read(database, job_id).status == "queued"
    monkeypatch.setattr("worker.gan.checkpoint.torch.__version__", "9.9")
    run(quick)
    job = read(database, job_id)
    assert job.status == "succeeded"
    with database.read() as session:
        told = session.scalars(select(Event).where(Event.kind == "job.environment_changed")).one()
    assert told.level == "warning"
    assert told.data["changed"]["torch"]["now"] == "9.9"
    assert "2.13.0" in told.message


def test_a_resume_from_what_an_older_version_made_says_so(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_job(database, steps=200, sample_every=50)
    questions = itertools.count()
    with monkeypatch.context() as older:
        recorded = checkpoint.environment
        older.setattr(checkpoint, "environment", lambda *run: _without(recorded(*run), "ganjobs", "execution"))
        run(quick, lambda: next(questions) >= 4)
    run(quick)
    with database.read() as session:
        told = session.scalars(select(Event).where(Event.kind == "job.environment_changed")).one()
    assert told.data["changed"].keys() == {"ganjobs", "execution"}
    assert told.data["changed"]["execution"] == {"before": None, "now": "eager"}
    assert "execution not recorded → eager" in told.message


def _without(facts: dict[str, str], *names: str) -> dict[str, str]:
    return {name: fact for name, fact in facts.items() if name not in names}


def test_a_run_that_cannot_fit_fails_at_once_in_bytes(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("worker.gan.execution.play_step", refused)
    job_id = queue_job(database, **LONG)
    run(quick)
    job = read(database, job_id)
    assert (job.status, job.attempt) == ("failed", 1)
    assert job.error is not None
    assert job.error["kind"] == "out_of_memory"
    assert job.error["estimated_bytes"] > 0
    assert job.error["available_bytes"] > 2**20
    assert "are available" in job.error["message"]


def test_a_run_that_can_never_fit_is_not_even_begun(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "estimate_bytes", lambda *_: 2**50)
    job_id = queue_job(database)
    run(quick)
    job = read(database, job_id)
    assert job.error is not None
    assert job.error["estimated_bytes"] == 2**50
    assert rows_of(database, job) == []


def test_a_copy_that_stands_still_is_ended_and_its_locks_are_free(database: Database) -> None:
    job_id = queue_job(database, steps=10)
    seen: list[tuple[int, str | None]] = []

    def rows() -> Iterator[tuple[int, int, int, float, float, bytes]]:
        yield 1, 0, 1, 0.0, 0.0, b""
        time.sleep(0.4)
        ended = database.end_stuck_copies(older_than_seconds=0.2)
        if ended:  # else the row is not to be had
            with database.write() as other:
                other.execute(update(Job).values(name="free"))
        seen.append((ended, read(database, job_id).name))

    def stand_still() -> None:
        with database.write() as session:
            session.execute(select(Job.number).with_for_update())
            bulk.insert(session, cast(Table, Metrics.__table__), list(Metrics.__table__.columns), rows())

    if database.engine.dialect.name == "sqlite":  # one process writes at a time, and a stopped one is the system's care
        assert database.end_stuck_copies(older_than_seconds=0) == 0
        return
    with pytest.raises(DBAPIError):
        stand_still()
    assert seen == [(1, "free")]
