"""What a job's health leads to: a pause, a stop or a way back on an alarm, an early success where nothing improves."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import metrics
from models.events import REWOUND
from models.spec import JobSpec
from models.status import JobStatus
from models.tables import Event, Job
from models.verdicts import Report, Verdict
from worker.gan.events import Alarmed, Plateaued
from worker.outcome import Outcome, failure
from worker.recording import Note
from worker.writer import LeasedWriter

ACTED, PLATEAUED = "health.acted", "job.plateaued"
ALARM = "health_alarm"
# The signal that says, of numbers that are none any more, that they are losses.
LOSSES = "finite_losses"


@dataclass(frozen=True)
class GoBack:
    """The job is to go on from a checkpoint before the alarm of ``report``, with a remedy."""

    report: Report


@dataclass(frozen=True)
class End:
    """The job is to end as ``outcome``, which ``note`` says in its history; ``at_once``, without a last sample and
    checkpoint, where the networks are worth none."""

    outcome: Outcome
    note: Note
    at_once: bool = False


def decide(event: Alarmed | Plateaued, spec: JobSpec, rollbacks: int) -> GoBack | End | None:
    """What an event asks for, by the job's own spec (not as remedies have changed it) and the number of its rollbacks;
    ``None`` where nothing is to be done."""
    if isinstance(event, Plateaued):
        return _plateau(event)
    report, asked = event.report, spec.health.on_alarm
    worthless = report.verdict is Verdict.NON_FINITE
    if asked == "rollback" and rollbacks < spec.health.max_rollbacks:
        return GoBack(report)
    if asked == "rollback":
        return _act("stop", report, rollbacks, at_once=worthless)
    # Losses that are no numbers any more end the run by themselves; samples that are none do not, and nothing could go
    # on from such networks after a pause. After the last step there is nothing left to pause.
    if worthless:
        return None if _ends_by_itself(report) else _act("stop", report, rollbacks, at_once=True)
    if asked == "pause" and report.step >= spec.steps:
        return None
    return _act(asked, report, rollbacks)


def _ends_by_itself(report: Report) -> bool:
    """Whether the loop raises ``NonFiniteLoss`` after what a report of numbers that are none is about."""
    return any(each.signal == LOSSES for each in report.evidence)


def _act(action: str, report: Report, rollbacks: int, at_once: bool = False) -> End:
    done = {"pause": "paused", "stop": "stopped"}[action]
    tried = f", {rollbacks} {'rollback' if rollbacks == 1 else 'rollbacks'} tried" if rollbacks else ""
    message = f"{done} after step {report.step}: {report.verdict} since step {report.since_step}{tried}"
    data = {
        "action": action,
        "step": report.step,
        "verdict": report.verdict.value,
        "since_step": report.since_step,
        "rollbacks": rollbacks,
    }
    note = Note(ACTED, f"{message}. {report.sentence}", "warning" if action == "pause" else "error", data)
    return End(_outcome(note.kind, note.message, data), note, at_once)


def _plateau(event: Plateaued) -> End:
    times = f"{event.evaluations} {'evaluation' if event.evaluations == 1 else 'evaluations'}"
    message = f"stopped after step {event.step}: {event.metric} has not got better than {event.best:.6g} for {times}"
    data = vars(event) | {"best": metrics.jsonable(event.best)}
    return End(_outcome(PLATEAUED, message, data), Note(PLATEAUED, message, "info", data))


def _outcome(kind: str, message: str, data: dict[str, Any]) -> Outcome:
    """How a job ends that has such a note in its history."""
    if kind == PLATEAUED:
        return Outcome(JobStatus.SUCCEEDED, message)
    if data["action"] == "pause":
        return Outcome(JobStatus.PAUSED, message)
    return failure(ALARM, message, data["step"], verdict=data["verdict"], rollbacks=data["rollbacks"])


def left_undone(job: Job, writer: LeasedWriter, step: int) -> Outcome | None:
    """How the job should have ended after the checkpoint of ``step``, from which it is about to go on, had the worker
    that decided so not died before it was done; ``None`` where nothing was decided there. The alarm would not be raised
    again: to the checkpoint it is one that has been answered."""

    def undone(session: Session) -> Event | None:
        # A rewind means that the steps since were trained again, and came to another end.
        told = select(Event).where(Event.job_number == job.number, Event.kind.in_((ACTED, PLATEAUED, REWOUND)))
        event = session.scalar(told.order_by(Event.number.desc()).limit(1))
        if event is None or event.kind == REWOUND or event.data["step"] != step:
            return None
        paused = select(Event.number).where(Event.job_number == job.number, Event.number > event.number)
        is_done = session.scalar(paused.where(Event.kind == f"job.{JobStatus.PAUSED}").limit(1)) is not None
        return None if is_done and event.data.get("action") == "pause" else event

    event = writer.read(undone)
    return _outcome(event.kind, event.message, event.data) if event is not None else None
