"""What the API answers with: problems, pages, jobs and their specs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models import catalogue, evaluations
from models.metrics import jsonable
from models.status import JobStatus
from models.tables import Job
from models.verdicts import Severity, Verdict

Item = TypeVar("Item")
# The database's times are UTC and do not say so.
Time = Annotated[datetime, AfterValidator(lambda time: time.replace(tzinfo=UTC))]
# Served as it was stored: bounds may have been tightened since.
StoredSpec = dict[str, Any]
Number = int | float | Literal["NaN", "Infinity", "-Infinity"] | None


class View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)


class ProblemField(View):
    """One thing that is wrong with a request."""

    field: str
    """Dotted path, such as `generator.hidden_sizes.0`; empty where the whole of `in` is meant."""
    where: Literal["body", "query", "path", "header", "cookie"] = Field(alias="in")
    message: str
    code: str
    """Stable name of the rule that was broken."""
    limit: Any = None
    """The limit that was passed, or the values that are allowed; absent where there is none."""


class Problem(View):
    """An error (RFC 9457)."""

    type: str
    """Stable name of this kind of problem."""
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ProblemField] = []
    """The fields at fault, at most 50; absent where no field is."""


class Page(View, Generic[Item]):
    """A part of a list; go on with `after` set to the last item's cursor while `has_more` is true."""

    object: Literal["list"] = "list"
    data: list[Item]
    has_more: bool

    @classmethod
    def of(cls, found: Sequence[Any], limit: int) -> Self:
        """A page of ``limit`` items (or of objects with their attributes), out of one more if there are more."""
        return cls.model_validate({"data": found[:limit], "has_more": len(found) > limit})


class Equilibrium(View):
    """Values of the losses (nats) where real and made data cannot be told apart; null where there is no such level."""

    d_loss: float | None
    g_loss: float | None
    total_loss: float | None

    @classmethod
    def of(cls, loss_kind: str) -> Self:
        facts = catalogue.LOSSES[loss_kind]
        return cls(
            d_loss=facts.discriminator_equilibrium,
            g_loss=facts.generator_equilibrium,
            total_loss=facts.total_loss_equilibrium,
        )


class JobError(View):
    """Why a job failed, and at which step."""

    model_config = ConfigDict(extra="allow")

    kind: str
    message: str
    step: int | None = None


class Origin(View):
    """Where a job comes from."""

    kind: Literal["fork", "retry"]
    job_id: str
    step: int | None
    """The step of the checkpoint that a fork goes on from."""


class LatestEvaluation(View):
    """What a job's generator was worth after a step."""

    step: int
    values: dict[str, Number]
    """By the names that the catalogue has of evaluations."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        return cls(step=stored["step"], values=evaluations.served(stored["values"]))


class JobView(View):
    """A training job."""

    id: str
    object: Literal["job"] = "job"
    name: str | None
    status: JobStatus
    status_reason: str | None
    spec: StoredSpec
    """The normalised spec, defaults filled in."""
    metadata: dict[str, str]
    step: int
    """Steps trained and recorded so far."""
    steps: int
    progress: float = Field(ge=0, le=1)
    steps_per_second: float | None
    estimated_seconds_left: float | None
    """At the present speed; null unless the job is running."""
    training_seconds: float
    priority: int
    """Higher is taken up first."""
    start_step: int
    """The step a fork goes on from; rows begin after it."""
    origin: Origin | None
    """The job that this one was forked from, or that it tries again."""
    attempt: int
    """How often a worker has taken the job up."""
    worker_id: str | None
    error: JobError | None
    queue_position: int | None
    """1 for the job that is taken up next; null in lists and for jobs that are not queued."""
    latest_metrics: dict[str, Number] | None
    latest_evaluation: LatestEvaluation | None
    """Null where none has been made, as where the spec asks for none."""
    verdict: Verdict | None
    """How the game between the two networks stands; null before it has been assessed. See `…/health`."""
    severity: Severity | None
    """How bad that is."""
    rollbacks: int
    """How often the job has gone back to a checkpoint with a remedy. See `…/segments`."""
    equilibrium: Equilibrium
    created_at: Time
    started_at: Time | None
    finished_at: Time | None

    @classmethod
    def of(cls, job: Job, queue_position: int | None = None) -> Self:
        speed = job.steps_per_second
        latest = job.latest_metrics
        return cls(
            id=job.id,
            name=job.name,
            status=JobStatus(job.status),
            status_reason=job.status_reason,
            spec=job.spec,
            metadata=job.spec["metadata"],
            step=job.step,
            steps=job.steps,
            progress=job.step / job.steps,
            steps_per_second=speed,
            estimated_seconds_left=(job.steps - job.step) / speed if speed else None,
            training_seconds=job.training_seconds,
            priority=job.priority,
            start_step=job.start_step,
            origin=Origin.model_validate(job.origin) if job.origin else None,
            attempt=job.attempt,
            worker_id=job.worker_id,
            error=JobError.model_validate(job.error) if job.error else None,
            queue_position=queue_position,
            latest_metrics=None if latest is None else {"step": job.step} | {k: _number(v) for k, v in latest.items()},
            latest_evaluation=LatestEvaluation.of(job.latest_evaluation) if job.latest_evaluation else None,
            verdict=Verdict(job.verdict) if job.verdict else None,
            severity=cast(Severity | None, job.severity),
            rollbacks=job.rollbacks,
            equilibrium=Equilibrium.of(job.spec["loss"]["kind"]),
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


def _number(value: Any) -> Any:
    return jsonable(value) if isinstance(value, float) else value


class JobPage(Page[JobView]):
    """Jobs, newest first."""

    first_id: str | None
    last_id: str | None


class Deleted(View):
    id: str
    object: Literal["job"] = "job"
    deleted: Literal[True] = True


class MetricView(View):
    """A quantity recorded at every step."""

    name: str
    unit: str
    description: str
    lowest: float | None
    highest: float | None


class EvaluationFactsView(View):
    """A number of evaluations."""

    name: str
    unit: str
    description: str
    better: Literal["higher", "lower"] | None
    """Which way; null where neither is. Only others can be a spec's `best_metric`."""


class Validation(View):
    """What a spec would make."""

    object: Literal["validation"] = "validation"
    valid: Literal[True] = True
    spec: StoredSpec
    equilibrium: Equilibrium
    logit_is_probability: bool
    """Whether the sigmoid of the discriminator's logit estimates the probability that its input is real."""
    metrics: list[MetricView]
    """What is shown of each step; null where this spec does not record it."""
    evaluations: list[EvaluationFactsView]
    """The numbers that an evaluation can hold; those that cannot be computed are left out of it."""
