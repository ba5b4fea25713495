"""Going back to a checkpoint: what came after it is dropped, and said to be."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from support.progress import record, running_job

from models import events, leases, metrics, samples
from models.database import Database
from models.tables import Job, Metrics

ROW = (1.0,) * 9


def test_a_rewind_drops_what_came_after(database: Database) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, [ROW] * 20)
    with database.write() as session:
        for step in (0, 10, 20):
            samples.add_sample(session, (job.number, 0), step, b"png", (1, 1))
            samples.add_checkpoint(session, (job.number, 0), step, 1, f"folder-{step}", {})
    with database.write() as session:
        assert leases.rewind(session, lease, 0, 10) == ["folder-20"]
    with database.read() as session:
        job = session.get_one(Job, job.number)
        assert metrics.read_rows(session, job, ["d_loss"]).steps.tolist() == list(range(1, 11))
        assert [found.step for found in samples.list_samples(session, job)] == [0, 10]
        told = [event for event in events.list_events(session, job.number) if event.kind == "job.rewound"]
        assert [event.data for event in told] == [{"step": 10}]


def test_a_rewind_that_drops_nothing_is_no_news(database: Database) -> None:
    job, lease = running_job(database)
    with database.write() as session:
        assert leases.rewind(session, lease, 0, 0) == []
    with database.read() as session:
        assert [event.kind for event in events.list_events(session, job.number)] == ["job.queued", "job.running"]


def test_a_step_cannot_have_two_rows(database: Database) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, [ROW] * 3)
    with pytest.raises(IntegrityError):
        record(database, job, lease, 3, [ROW])
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Metrics)) == 3
