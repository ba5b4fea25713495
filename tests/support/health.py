"""Reports of a job's health as a worker stores them."""

from typing import Any

from support.progress import checkpoint, draw, evaluate, record

from models import leases, reports, rollbacks
from models.database import Database
from models.leases import Lease
from models.rollbacks import Rollback
from models.storage import Storage
from models.tables import Job
from models.verdicts import VERDICTS, Advice, Evidence, Report, Verdict

REMEDY = {"kind": "lower_learning_rate", "factor": 0.3, "player": "both"}
REMEDY_TEXT = "both learning rates times 0.3"
PATCH = {"generator.optimizer.learning_rate": 6e-5, "discriminator.optimizer.learning_rate": 6e-5}


def report(step: int, verdict: str, confidence: float = 0.5, since_step: int | None = None) -> dict[str, Any]:
    """A report as JSON, whose sentence names its step."""
    found = Report(
        step=step,
        verdict=Verdict(verdict),
        severity=VERDICTS[Verdict(verdict)].severity,
        confidence=confidence,
        since_step=step if since_step is None else since_step,
        sentence=f"{verdict} at step {step}, sure to {confidence:.3f}",
        evidence=(Evidence(signal="gap", value=None, threshold=0.9, first_step=max(step - 9, 0), last_step=step),),
        advice=(Advice(field="steps", text="train for longer", source="docs/health.md"),),
    )
    return found.model_dump(mode="json")


def reading(step: int) -> dict[str, Any]:
    """A reading as JSON."""
    return {"window": [max(step - 9, 0), step], "metrics": {}, "statistics": {"gap": None}, "shares": []}


def row_of(made: dict[str, Any]) -> reports.ReportRow:
    """A report as a row."""
    return {
        "step": made["step"],
        "verdict": made["verdict"],
        "severity": made["severity"],
        "report": made,
        "reading": reading(made["step"]),
    }


def assess(database: Database, job: Job, lease: Lease, *found: tuple[int, str], confidence: float = 0.5) -> None:
    """Store assessments (step, verdict) as a worker does."""
    made = [report(step, verdict, confidence) for step, verdict in found]
    rows = [row_of(each) for each in made]
    with database.write() as session:
        leases.hold(session, lease, **reports.standing(made[-1]))
        reports.add_many(session, (job.number, 0), rows)


def roll_back(database: Database, lease: Lease, step: int, alarm: dict[str, Any]) -> list[str]:
    """Go back to ``step`` as a worker does; the folders that may be deleted."""
    with database.write() as session:
        return rollbacks.roll_back(session, lease, Rollback(step, alarm, REMEDY, REMEDY_TEXT, PATCH, stream=0))


def recorded_to(database: Database, storage: Storage, job: Job, lease: Lease, last: int = 50) -> None:
    """Rows to step ``last``, and every 10 steps a sample, an evaluation, an assessment and a checkpoint; from step 30
    on they are alarms."""
    record(database, job, lease, 1, [(step / 100,) * 9 for step in range(1, last + 1)])
    draw(database, job, range(0, last + 1, 10))
    for step in range(10, last + 1, 10):
        evaluate(database, job, lease, step, sliced_wasserstein=step / 10)
        assess(database, job, lease, (step, "balanced" if step < 30 else "mode_collapse"))
        checkpoint(database, storage, job, lease, step)
