"""The states of jobs against a model, by random requests, claims, deaths and late writes, on a real PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, func, select, update
from support.progress import POINTS, block

from models import actions, jobs, leases, metrics
from models.catalogue import METRIC_NAMES
from models.database import Database, database_now
from models.leases import Lease, LeaseLost
from models.spec import JobSpec
from models.status import LEASED, TRANSITIONS, JobStatus
from models.tables import Event, Job, Metrics
from models.transitions import TransitionLost

MAX_ATTEMPTS = 3
ROW = (1.0,) * len(METRIC_NAMES)
Q, R, P, PD, C = (
    JobStatus.QUEUED,
    JobStatus.RUNNING,
    JobStatus.PAUSING,
    JobStatus.PAUSED,
    JobStatus.CANCELLING,
)


@dataclass
class Expected:
    """What the model knows of a job."""

    priority: int
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    crashes: int = 0
    expired: bool = False
    rows: int = 0
    changes: int = 0
    leases: list[Lease] = field(default_factory=list)

    def go(self, status: JobStatus) -> None:
        assert (self.status, status) in TRANSITIONS
        self.status = status
        self.changes += 1

    def holds(self, lease: Lease) -> bool:
        return lease.attempt == self.attempt and self.status in LEASED and not self.expired


class Jobs(RuleBasedStateMachine):
    """Each rule does one thing to the database and to the model, and compares what was refused."""

    database: ClassVar[Database]
    numbers = Bundle("numbers")
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[int, Expected] = {}
        with self.database.write() as session:
            session.execute(delete(Job))

    # Few at a time, so that much happens to each.
    @precondition(lambda self: sum(not known.status.is_final for known in self.model.values()) < 3)
    @rule(target=numbers, priority=st.integers(-1, 1))
    def submit(self, priority: int) -> int:
        with self.database.write() as session:
            job, _ = jobs.create(session, JobSpec.model_validate(POINTS | {"priority": priority}))
        self.model[job.number] = Expected(priority)
        return job.number

    @precondition(lambda self: any(known.status is Q for known in self.model.values()))
    @rule(target=held)
    def claim(self) -> Any:
        with self.database.write() as session:
            job = leases.claim(session, "worker", 600)
        queued = [(-known.priority, number) for number, known in self.model.items() if known.status is Q]
        if job is None:
            assert not queued
            return multiple()
        assert job.number == min(queued)[1]
        known = self.model[job.number]
        known.go(R)
        known.attempt += 1
        known.expired = False
        assert job.attempt == known.attempt
        return Lease(job.number, job.attempt)

    @rule(lease=held)
    def heartbeat(self, lease: Lease) -> None:
        assert self._allowed(lambda session: leases.extend(session, lease, 600)) == self._holds(lease)

    @rule(lease=held)
    def write(self, lease: Lease) -> None:
        known = self.model[lease.job_number]

        def record(session: Any) -> None:
            leases.hold(session, lease)
            metrics.write_block(session, (lease.job_number, 0), known.rows + 1, block([ROW]))

        may = self._holds(lease)
        assert self._allowed(record) == may
        known.rows += may

    @rule(lease=held, end=st.sampled_from([JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.PAUSED, JobStatus.QUEUED]))
    def finish(self, lease: Lease, end: JobStatus) -> None:
        known = self.model[lease.job_number]
        may = self._holds(lease)
        assert self._allowed(lambda session: leases.end(session, lease, end, "over")) == may
        if may:
            asked_to_pause = known.status is P and end is Q
            known.go(JobStatus.CANCELLED if known.status is C else PD if asked_to_pause else end)

    @precondition(lambda self: any(known.status in LEASED for known in self.model.values()))
    @rule()
    def fall_silent(self) -> None:
        """The leases of all jobs run out."""
        with self.database.write() as session:
            leased = Job.lease_expires_at.is_not(None)
            session.execute(update(Job).where(leased).values(lease_expires_at=database_now(-1)))
        for known in self.model.values():
            known.expired |= known.status in LEASED

    @precondition(lambda self: any(map(self._is_silent, self.model.values())))
    @rule()
    def reconcile(self) -> None:
        with self.database.read() as session:
            silent = leases.expired(session)
        assert {job.number for job in silent} == {n for n, known in self.model.items() if self._is_silent(known)}
        for job in silent:
            with self.database.write() as session:
                leases.take_back(session, job, MAX_ATTEMPTS)
            known = self.model[job.number]
            if known.status is R:
                known.crashes += 1
            given_up = JobStatus.FAILED if known.crashes >= MAX_ATTEMPTS else Q
            known.go({C: JobStatus.CANCELLED, P: PD}.get(known.status, given_up))

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        self._ask(number, actions.cancel, actions.CANCEL, {C, JobStatus.CANCELLED})

    @rule(number=numbers)
    def pause(self, number: int) -> None:
        self._ask(number, actions.pause, actions.PAUSE, {P, PD})

    @rule(number=numbers)
    def resume(self, number: int) -> None:
        self._ask(number, actions.resume, actions.RESUME, set())

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        with self.database.read() as session:
            stored = {job.number: job for job in session.scalars(select(Job))}
            rows = dict(session.execute(select(Metrics.job_number, func.count()).group_by(Metrics.job_number)).all())
            told = dict(session.execute(select(Event.job_number, func.count()).group_by(Event.job_number)).all())
        assert stored.keys() == self.model.keys()
        for number, known in self.model.items():
            job = stored[number]
            assert (job.status, job.attempt, job.crashes) == (known.status, known.attempt, known.crashes)
            assert (job.lease_expires_at is not None) == (known.status in LEASED)
            assert (job.worker_id is not None) == (known.status in LEASED)
            assert (job.finished_at is not None) == known.status.is_final
            assert rows.get(number, 0) == known.rows
            assert told[number] == 1 + known.changes, "every change of state is an event"

    def _holds(self, lease: Lease) -> bool:
        return self.model[lease.job_number].holds(lease)

    @staticmethod
    def _is_silent(known: Expected) -> bool:
        return known.status in LEASED and known.expired

    def _allowed(self, act: Callable[[Any], Any]) -> bool:
        try:
            with self.database.write() as session:
                act(session)
        except LeaseLost:
            return False
        return True

    def _ask(
        self,
        number: int,
        ask: Callable[[Any, Job], Job],
        steps: dict[JobStatus, JobStatus],
        done: set[JobStatus],
    ) -> None:
        known = self.model[number]
        try:
            with self.database.write() as session:
                ask(session, session.get_one(Job, number))
        except TransitionLost:
            assert known.status not in steps.keys() | done
            return
        assert known.status in steps.keys() | done
        if known.status in steps:
            known.go(steps[known.status])


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_jobs_follow_the_model(database: Database) -> None:
    Jobs.database = database
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Jobs,
        settings=settings(
            max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
