"""Runs of one job by one worker, in this process."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from models import actions, events, jobs, leases, metrics
from models.database import Database, database_now
from models.settings import Settings
from models.tables import Job
from worker.gan import data as engine_data
from worker.runner import Runner

QUICK = {"control_poll_seconds": 0.05, "heartbeat_seconds": 0.5, "lease_seconds": 30, "device": "cpu"}
LONG = {"steps": 1_000_000, "sample_every": 100_000, "checkpoint_every": 100_000}


def run(settings: Settings, shutting_down: Callable[[], bool] = lambda: False) -> str | None:
    return Runner(settings, "worker-1", shutting_down).run_next()


def read(database: Database, job_id: str | None) -> Job:
    with database.read() as session:
        job = jobs.get(session, job_id or "")
    assert job is not None
    return job


def rows_of(database: Database, job: Job) -> list[tuple[int, list[float | None]]]:
    names = ["d_loss", "g_loss", "total_loss", "d_real", "d_grad_norm"]
    with database.read() as session:
        job = session.get_one(Job, job.number)  # what it records is known since its first write
        rows = metrics.read_rows(session, job, names, limit=1_000_000)
    held = metrics.recorded(job, names)
    values = [
        [value if is_held else None for value, is_held in zip(row, held, strict=True)] for row in rows.values.tolist()
    ]
    return list(zip(rows.steps.tolist(), values, strict=True))


def event_kinds(database: Database, job: Job) -> list[str]:
    with database.read() as session:
        return [event.kind for event in events.list_events(session, job.number)]


def when_it_has_steps(database: Database, job_id: str, act: Callable[[], Any]) -> threading.Thread:
    """Do something from beside once the job has recorded steps."""

    def wait() -> None:
        while read(database, job_id).step == 0:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def cancel(database: Database, job_id: str) -> None:
    with database.write() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        actions.cancel(session, job)


def crash_after(job: Job, database: Database) -> None:
    """What the reconciler does for a worker that died."""
    with database.write() as session:
        stored = session.get_one(Job, job.number)
        stored.lease_expires_at = database_now(-1)  # type: ignore[assignment]
        session.flush()
        session.refresh(stored)
        leases.take_back(session, stored, 5)


class Died(BaseException):
    """Stands in for the end of a process: nothing catches it, nothing is finished."""


def die_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the engine's data end the run in the middle of a step."""
    load = engine_data.load

    def deadly(*arguments: Any) -> Any:
        data = load(*arguments)
        batch = data.batch

        def last(at: int, sub_step: int) -> Any:
            if at == step:
                raise Died
            return batch(at, sub_step)

        data.batch = last  # type: ignore[method-assign]
        return data

    monkeypatch.setattr("worker.runner.load", deadly)
