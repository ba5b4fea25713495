"""Scripts of jobs that go back from alarms, and what is recorded of such jobs."""

from typing import Any

import pytest
from sqlalchemy import select
from support.scripted import Script, scripted

from models import metrics, reports, samples
from models.database import Database
from models.health_tables import Segment
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from models.tables import Event, Job
from models.verdicts import Verdict

BALANCED, COLLAPSE = Verdict.BALANCED, Verdict.MODE_COLLAPSE
HEALTH: dict[str, Any] = {"on_alarm": "rollback", "remedies": [{"kind": "lower_learning_rate", "factor": 0.3}]}
# Both players' by default, and 1e4 times that, which is what the scripted rows hold.
RATE, SHOWN = 2e-4, 2.0
# What no database does otherwise than another.
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SLOWER: list[dict[str, Any]] = [{"kind": "lower_learning_rate", "factor": 0.5}]


def learning_rate(spec: JobSpec) -> float:
    return spec.generator.optimizer.learning_rate


def collapses(spec: JobSpec, _stream: int, step: int) -> Verdict:
    """After step 30, until the learning rate is lower."""
    return COLLAPSE if step > 30 and learning_rate(spec) == RATE else BALANCED


def always_collapses(_spec: JobSpec, _stream: int, step: int) -> Verdict:
    return COLLAPSE if step > 30 else BALANCED


def follow(monkeypatch: pytest.MonkeyPatch, script: Script, windows: int = 1) -> None:
    monkeypatch.setattr("worker.runner.train", scripted(script, windows=windows))


def rows(database: Database, job: Job, segment: int, name: str = "d_loss") -> dict[int, float]:
    """A metric by step."""
    with database.read() as session:
        job = session.get_one(Job, job.number)
        session.expunge(job)
        job.segment = segment
        found = metrics.read_rows(session, job, [name], limit=1000)
    return {
        step: round(value, 4) for step, value in zip(found.steps.tolist(), found.values[:, 0].tolist(), strict=True)
    }


def told(database: Database, job: Job, kind: str) -> list[dict[str, Any]]:
    with database.read() as session:
        query = select(Event.data).where(Event.job_number == job.number, Event.kind == kind)
        return list(session.scalars(query.order_by(Event.number)))


def segments(database: Database, job: Job) -> list[Segment]:
    with database.read() as session:
        return list(reports.list_segments(session, job))


def checkpoints(database: Database, job: Job) -> list[tuple[int, str | None]]:
    with database.read() as session:
        return [(each.step, each.severity) for each in samples.list_checkpoints(session, job.number, 0)]


def damage(settings: Settings, checkpoint: str) -> None:
    (folder,) = (settings.resolved_data_folder / "files/jobs").glob(f"*/checkpoints/{checkpoint}")
    open_storage(settings.storage_url).path(str(folder), "state.json").write_bytes(b"{}")
