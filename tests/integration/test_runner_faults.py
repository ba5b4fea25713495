"""What is lost when the run of a job is cut off: nothing. Against both databases."""

import errno
import itertools
from pathlib import Path

import psycopg.errors
import pytest
from sqlalchemy import select
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import Session
from support.progress import claim, queue_job
from support.runs import (
    LONG,
    Died,
    crash_after,
    die_at,
    event_kinds,
    read,
    rows_of,
    run,
    when_it_has_steps,
)

from models import metrics, samples
from models.database import Database
from models.settings import Settings
from models.summaries import Values
from models.tables import Event, Job
from worker.patience import is_outage, patiently


def test_an_attempt_after_a_crash_resumes_from_the_checkpoint_with_the_same_numbers(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"sample_every": 25, "checkpoint_every": 20}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    with monkeypatch.context() as patched:
        die_at(patched, step=57)
        with pytest.raises(Died):
            run(quick)
    crash_after(read(database, job_id), database)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert rows_of(database, job) == rows_of(database, undisturbed)
    with database.read() as session:
        message = session.scalar(select(Event.message).where(Event.kind == "job.resumed"))
        assert message == "resumed from the checkpoint of step 40"
        assert [sample.step for sample in samples.list_samples(session, job)] == [0, 25, 50, 75, 100]


def test_a_damaged_checkpoint_is_passed_over(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(database, checkpoint_every=20)
    with monkeypatch.context() as patched:
        die_at(patched, step=57)
        with pytest.raises(Died):
            run(quick)
    crash_after(read(database, job_id), database)
    (newest,) = (quick.resolved_data_folder / "files/jobs" / job_id / "checkpoints").glob("0-40-*")
    (newest / "training.safetensors").write_bytes(b"garbage")
    run(quick)
    job = read(database, job_id)
    assert job.status == "succeeded"
    assert "checkpoint.damaged" in event_kinds(database, job)
    assert [step for step, _ in rows_of(database, job)] == list(range(1, 101))


def test_a_worker_that_shuts_down_gives_the_job_back_and_another_goes_on_exactly(
    quick: Settings, database: Database
) -> None:
    spec = {"steps": 400, "sample_every": 50, "checkpoint_every": 1000}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    questions = itertools.count()
    run(quick, lambda: next(questions) >= 5)  # asked at the claim and after each event
    released = read(database, job_id)
    assert (released.status, released.crashes) == ("queued", 0)
    assert 50 <= released.step <= 100
    assert run(quick) == job_id
    finished = read(database, job_id)
    assert (finished.status, finished.attempt) == ("succeeded", 2)
    assert rows_of(database, finished) == rows_of(database, undisturbed)
    with database.read() as session:
        message = session.scalar(select(Event.message).where(Event.kind == "job.resumed"))
    assert message == f"resumed from the checkpoint of step {released.step}"


def test_a_storage_that_cannot_be_read_costs_nothing_that_is_stored(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(database, steps=400, sample_every=50, checkpoint_every=1000)
    questions = itertools.count()
    run(quick, lambda: next(questions) >= 5)
    before = read(database, job_id)
    with monkeypatch.context() as patched:

        def unreadable(_: Path) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

        patched.setattr(Path, "read_bytes", unreadable)
        run(quick)
    after = read(database, job_id)
    assert (after.status, after.step, after.crashes) == ("queued", before.step, 0)
    assert after.available_at is not None
    assert len(rows_of(database, after)) == before.step
    with database.read() as session:
        assert [found.step for found in samples.list_checkpoints(session, after.number, 0)] == [before.step]


def test_a_session_that_postgres_ended_is_an_outage() -> None:
    frozen = psycopg.errors.IdleInTransactionSessionTimeout()
    assert is_outage(InternalError("UPDATE", {}, frozen))
    assert not is_outage(InternalError("UPDATE", {}, psycopg.errors.InternalError_()))


def test_a_worker_whose_job_was_taken_away_stops_and_writes_nothing_more(quick: Settings, database: Database) -> None:
    job_id = queue_job(database, **LONG)
    taken: list[Job] = []

    def take_away() -> None:
        crash_after(read(database, job_id), database)
        taken.append(claim(database, "worker-2")[0])

    thread = when_it_has_steps(database, job_id, take_away)
    run(quick)
    thread.join()
    job = read(database, job_id)
    assert (job.status, job.attempt, job.worker_id) == ("running", 2, "worker-2")
    assert len(rows_of(database, job)) == taken[0].step
    assert job.step == taken[0].step


def test_changed_data_are_refused(quick: Settings, database: Database) -> None:
    job_id = queue_job(database)
    with database.write() as session:
        session.get_one(Job, read(database, job_id).number).data_fingerprint = "0" * 64
    run(quick)
    job = read(database, job_id)
    assert job.error is not None
    assert job.error["kind"] == "data_changed"


def test_a_job_goes_back_when_the_database_was_away_for_too_long(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(database, **LONG)
    write_block = metrics.write_block

    def away(session: Session, key: tuple[int, int], first_step: int, values: Values) -> None:
        if first_step > 1:
            raise OperationalError("INSERT", {}, Exception("the server closed the connection"))
        write_block(session, key, first_step, values)

    monkeypatch.setattr("worker.recording.metrics.write_block", away)
    monkeypatch.setattr("worker.writer.patiently", lambda _: patiently(1))
    run(quick)
    job = read(database, job_id)
    assert (job.status, job.error) == ("queued", None)
    assert "away for too long" in (job.status_reason or "")
    assert [step for step, _ in rows_of(database, job)] == list(range(1, job.step + 1))
