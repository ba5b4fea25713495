"""Claiming and holding jobs: one holder at a time, and nobody writes without a good lease."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from support.progress import POINTS, block, claim, queue_job, running_job

from models import actions, jobs, leases, metrics, samples
from models.database import Database, database_now
from models.leases import Lease, LeaseLost
from models.spec import JobSpec
from models.status import JobStatus
from models.tables import Event, Job, Metrics
from models.transitions import TransitionLost, transition

ROW = (1.0,) * 9


def read(database: Database, job_id: str) -> Job:
    with database.read() as session:
        job = jobs.get(session, job_id)
    assert job is not None
    return job


def expire(database: Database, job: Job) -> None:
    with database.write() as session:
        session.get_one(Job, job.number).lease_expires_at = session.scalar(select(database_now(-1)))


def test_jobs_are_claimed_by_priority_and_then_by_age(database: Database) -> None:
    first, second, urgent = (queue_job(database) for _ in range(3))
    with database.write() as session:
        session.get_one(Job, read(database, urgent).number).priority = 5
    assert [claim(database)[0].id for _ in range(3)] == [urgent, first, second]
    with database.write() as session:
        assert leases.claim(session, "worker-1", 60) is None


def test_a_claim_raises_the_attempt_and_is_an_event(database: Database) -> None:
    job, lease = running_job(database)
    assert (job.status, job.attempt, job.worker_id, lease.attempt) == ("running", 1, "worker-1", 1)
    with database.read() as session:
        kinds = session.scalars(select(Event.kind).order_by(Event.number)).all()
    assert list(kinds) == ["job.queued", "job.running"]


def test_no_two_workers_get_one_job(database: Database) -> None:
    wanted = {queue_job(database) for _ in range(12)}
    got: list[str] = []

    def work(worker_id: str) -> None:
        while True:
            with database.write() as session:
                job = leases.claim(session, worker_id, 60)
            if job is None:
                return
            got.append(job.id)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # With SKIP LOCKED a worker may see nothing while others hold the last rows, so what is left is claimed now.
    work("worker-last")
    assert sorted(got) == sorted(wanted)


WRITES: dict[str, Callable[[Database, Job, Lease], None]] = {}


def a_write(function: Callable[[Database, Job, Lease], None]) -> Callable[[Database, Job, Lease], None]:
    WRITES[function.__name__] = function
    return function


@a_write
def rows(database: Database, job: Job, lease: Lease) -> None:
    with database.write() as session:
        metrics.write_block(session, (job.number, 0), 1, block([ROW]))
        leases.hold(session, lease, step=1)


@a_write
def sample(database: Database, job: Job, lease: Lease) -> None:
    with database.write() as session:
        samples.add_sample(session, (job.number, 0), 1, b"png", (1, 1))
        leases.hold(session, lease)


@a_write
def heartbeat(database: Database, job: Job, lease: Lease) -> None:
    with database.write() as session:
        leases.extend(session, lease, 60)


@a_write
def finish(database: Database, job: Job, lease: Lease) -> None:
    with database.write() as session:
        leases.end(session, lease, JobStatus.SUCCEEDED, "done")


@a_write
def rewind(database: Database, job: Job, lease: Lease) -> None:
    with database.write() as session:
        leases.rewind(session, lease, 0, 0)


@pytest.mark.parametrize("write", WRITES)
def test_an_expired_lease_writes_nothing(database: Database, write: str) -> None:
    job, lease = running_job(database)
    expire(database, job)
    with pytest.raises(LeaseLost):
        WRITES[write](database, job, lease)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Metrics)) == 0
        assert jobs.get(session, job.id).status == "running"  # type: ignore[union-attr]


@pytest.mark.parametrize("write", WRITES)
def test_a_worker_whose_job_went_to_another_writes_nothing(database: Database, write: str) -> None:
    job, stale = running_job(database)
    expire(database, job)
    with database.write() as session:
        leases.take_back(session, session.get_one(Job, job.number), max_attempts=5)
    _, current = claim(database, "worker-2")
    assert current.attempt == stale.attempt + 1
    with pytest.raises(LeaseLost):
        WRITES[write](database, job, stale)
    WRITES[write](database, job, current)


def test_an_extended_lease_lasts(database: Database) -> None:
    job, lease = running_job(database)
    with database.write() as session:
        leases.extend(session, lease, 1000)
    with database.read() as session:
        assert session.scalar(select(Job.lease_expires_at > database_now(900)).where(Job.number == job.number))
        assert leases.expired(session) == []


def test_a_job_whose_worker_died_is_queued_again_and_at_last_given_up(database: Database) -> None:
    job, _ = running_job(database)
    for crash in range(1, 4):
        expire(database, job)
        with database.write() as session:
            (candidate,) = leases.expired(session)
            job = leases.take_back(session, candidate, max_attempts=3)
        assert job.crashes == crash
        if crash < 3:
            assert job.status == JobStatus.QUEUED
            job, _ = claim(database)
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert job.error["kind"] == "worker_lost"
    assert "3 times" in job.error["message"]


def test_a_cancellation_is_finished_for_a_dead_worker(database: Database) -> None:
    job, _ = running_job(database)
    with database.write() as session:
        actions.cancel(session, session.get_one(Job, job.number))
    expire(database, job)
    with database.write() as session:
        (candidate,) = leases.expired(session)
        assert leases.take_back(session, candidate, 5).status == JobStatus.CANCELLED


def test_two_reconcilers_take_a_job_back_once(database: Database) -> None:
    job, _ = running_job(database)
    expire(database, job)
    with database.read() as session:
        (candidate,) = leases.expired(session)
    with database.write() as session:
        leases.take_back(session, candidate, 5)
    with pytest.raises(TransitionLost), database.write() as session:
        leases.take_back(session, candidate, 5)


def test_a_worker_that_finishes_a_cancelled_job_confirms_the_cancellation(database: Database) -> None:
    job, lease = running_job(database)
    with database.write() as session:
        actions.cancel(session, session.get_one(Job, job.number))
    with database.write() as session:
        ended = leases.end(session, lease, JobStatus.SUCCEEDED, "every step was trained")
    assert (ended.status, ended.lease_expires_at, ended.worker_id) == (JobStatus.CANCELLED, None, None)


def test_a_cancellation_that_comes_while_a_job_ends_is_too_late(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, lease = running_job(database)
    refused: list[TransitionLost] = []

    def cancel() -> None:
        try:
            with database.write() as session:
                actions.cancel(session, session.get_one(Job, job.number))
        except TransitionLost as lost:
            refused.append(lost)

    late = threading.Thread(target=cancel)

    def transition_after_a_while(*arguments: Any, **values: Any) -> Job:
        late.start()
        late.join(0.5)
        return transition(*arguments, **values)

    monkeypatch.setattr("models.leases.transition", transition_after_a_while)
    with database.write() as session:
        assert leases.end(session, lease, JobStatus.SUCCEEDED, "done").status == JobStatus.SUCCEEDED
    late.join()
    assert len(refused) == 1


def test_arrows_that_are_not_in_the_table_are_refused(database: Database) -> None:
    job, _ = running_job(database)
    with pytest.raises(ValueError, match="no transition"), database.write() as session:
        transition(session, job.number, JobStatus.RUNNING, JobStatus.CANCELLED, "no")


def test_a_spec_comes_back_from_the_database_as_it_went_in(database: Database) -> None:
    spec = JobSpec.model_validate(POINTS)
    assert JobSpec.model_validate(read(database, queue_job(database)).spec) == spec
