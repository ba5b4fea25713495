"""What watching many jobs is answered with: slim jobs, curves of several, and the steps that were drawn."""

from typing import Literal, Self, cast

from api.records import MetricBuckets
from api.schemas import Equilibrium, Number, Origin, Page, Time, View
from models.metrics import jsonable
from models.status import JobStatus
from models.tables import Job
from models.verdicts import Severity, Verdict


class JobSummaryView(View):
    """What a list shows of a job; the rest is at `/v1/jobs/{id}`."""

    id: str
    object: Literal["job_summary"] = "job_summary"
    name: str | None
    status: JobStatus
    status_reason: str | None
    verdict: Verdict | None
    severity: Severity | None
    step: int
    steps: int
    progress: float
    start_step: int
    """The step a fork goes on from; rows begin after it."""
    steps_per_second: float | None
    estimated_seconds_left: float | None
    dataset: str
    """The kind of its data set."""
    loss: str
    """The kind of its loss."""
    metadata: dict[str, str]
    d_loss: Number
    """Of the newest step; null before the first."""
    g_loss: Number
    equilibrium: Equilibrium
    newest_sample: int | None
    """The step of the newest sample image; null where there is none."""
    priority: int
    attempt: int
    worker_id: str | None
    rollbacks: int
    origin: Origin | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    changed_at: Time | None
    """When anything of it last changed, by the database's clock."""

    @classmethod
    def of(cls, job: Job, newest_sample: int | None) -> Self:
        latest, speed = job.latest_metrics or {}, job.steps_per_second
        d_loss, g_loss = (_number(latest.get(name)) for name in ("d_loss", "g_loss"))
        return cls(
            id=job.id,
            name=job.name,
            status=JobStatus(job.status),
            status_reason=job.status_reason,
            verdict=Verdict(job.verdict) if job.verdict else None,
            severity=cast(Severity | None, job.severity),
            step=job.step,
            steps=job.steps,
            progress=job.step / job.steps,
            start_step=job.start_step,
            steps_per_second=speed,
            estimated_seconds_left=(job.steps - job.step) / speed if speed else None,
            dataset=job.spec["dataset"]["kind"],
            loss=job.spec["loss"]["kind"],
            metadata=job.spec["metadata"],
            d_loss=d_loss,
            g_loss=g_loss,
            equilibrium=Equilibrium.of(job.spec["loss"]["kind"]),
            newest_sample=newest_sample,
            priority=job.priority,
            attempt=job.attempt,
            worker_id=job.worker_id,
            rollbacks=job.rollbacks,
            origin=Origin.model_validate(job.origin) if job.origin else None,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            changed_at=job.changed_at,
        )


def _number(value: float | str | None) -> Number:
    return cast(Number, jsonable(value) if isinstance(value, float) else value)


class SummaryPage(Page[JobSummaryView]):
    """Jobs, newest first, as they were at the time `now`."""

    now: Time
    """By the database's clock: what to send as `changed_since` the next time."""


class Curves(Page[MetricBuckets]):
    """A curve for each of the jobs that were asked for and are there, in the order asked."""


class SampleSteps(View):
    """The steps at which samples were drawn, and how large the newest image is (pixels)."""

    object: Literal["sample_steps"] = "sample_steps"
    job_id: str
    segment: int
    steps: list[int]
    width: int | None
    height: int | None
