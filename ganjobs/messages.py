"""What a job's stream says, typed (docs/streaming.md)."""

from collections.abc import Callable
from typing import Any

from ganjobs.answers import Answer, Number, Numbers
from ganjobs.effects import Json
from ganjobs.results import Evaluation, Event, HealthReport, SampleInfo
from ganjobs.stream import Message
from ganjobs.types import JobStatus, Severity, Verdict


class StreamMessage(Answer):
    """Base of what a stream says."""

    id: str
    """Where it stands in the stream: the ``last_id`` to go on behind it."""


class MetricsMessage(StreamMessage):
    """Rows of metrics."""

    segment: int
    columns: dict[str, list[Number]]
    """By metric, ``step`` first; ``None`` where one is not recorded."""

    @property
    def steps(self) -> list[int]:
        return [int(step) for step in self.columns["step"] if step is not None]


class SampleMessage(StreamMessage):
    """A new sample image."""

    sample: SampleInfo


class EventMessage(StreamMessage):
    """An entry of the job's events."""

    event: Event


class EvaluationMessage(StreamMessage):
    """What the generator was worth after a step."""

    evaluation: Evaluation


class ReportMessage(StreamMessage):
    """How the game between the two networks stood after a step."""

    report: HealthReport


class JobMessage(StreamMessage):
    """The job's state, whenever anything of it has changed."""

    status: JobStatus
    status_reason: str | None
    step: int
    steps: int
    steps_per_second: float | None
    estimated_seconds_left: float | None
    latest_metrics: Numbers | None
    verdict: Verdict | None
    severity: Severity | None


class RewindMessage(StreamMessage):
    """The job goes on from the checkpoint of ``step``: what was recorded of later steps is gone, and comes again."""

    step: int


class EndMessage(StreamMessage):
    """Nothing can come any more."""

    reason: str
    """``finished`` or ``deleted``."""
    status: JobStatus | None


def _of(kind: type[StreamMessage], name: str | None = None) -> Callable[[Message, str], StreamMessage]:
    """How a message of this kind is made: its data are its fields, or what the field ``name`` holds."""

    def make(message: Message, job_id: str) -> StreamMessage:
        data: Json = {"job_id": job_id, **message.data}
        fields: Any = data if name is None else {name: data}
        return kind.model_validate({**fields, "id": message.id})

    return make


MAKERS = {
    "metrics": _of(MetricsMessage),
    "sample": _of(SampleMessage, "sample"),
    "event": _of(EventMessage, "event"),
    "health": _of(EventMessage, "event"),
    "evaluation": _of(EvaluationMessage, "evaluation"),
    "report": _of(ReportMessage, "report"),
    "job": _of(JobMessage),
    "rewind": _of(RewindMessage),
    "end": _of(EndMessage),
}


def typed(message: Message, job_id: str) -> StreamMessage | None:
    """A message as what it is; ``None`` where it is of a kind that is not known here."""
    make = MAKERS.get(message.event)
    return make(message, job_id) if make else None
