"""What the API answers with about a job's health."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field

from api.schemas import Time, View
from models.health_tables import HealthReport, Segment
from models.tables import Job
from models.verdicts import Advice, Evidence, Severity, Verdict

NOTHING_YET = "Nothing has been assessed yet."
NOTHING_BY_THEN = "Nothing had been assessed by step {step}."
DISABLED = "Nothing is assessed, because the job's spec says so (health.enabled is false)."
NEVER = "Nothing was assessed before the job ended."


class HealthView(View):
    """How the game between the two networks stood after a step."""

    object: Literal["job.health"] = "job.health"
    job_id: str
    segment: int
    """0 for what the job goes on from; 1, 2, … for stretches that it has gone back from."""
    step: int
    """The step after which it was assessed."""
    verdict: Verdict
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    """How far the evidence is beyond its thresholds, and for how long: 0 barely, 1 without doubt."""
    since_step: int
    """The step from which on this verdict's evidence has held."""
    sentence: str
    """What is going on, in plain words."""
    evidence: list[Evidence]
    advice: list[Advice]
    """What to change, the most promising first."""

    @classmethod
    def of(cls, job_id: str, report: Mapping[str, Any], segment: int = 0) -> Self:
        return cls.model_validate({**report, "object": "job.health", "job_id": job_id, "segment": segment})

    @classmethod
    def unknown(cls, job: Job, step: int, segment: int = 0, sentence: str | None = None) -> Self:
        """What is said after ``step`` of a job that had not been assessed by then."""
        is_enabled = job.spec.get("health", {}).get("enabled", True)  # a spec of before there was such a thing lacks it
        return cls(
            job_id=job.id,
            segment=segment,
            step=step,
            verdict=Verdict.WARMING_UP,
            severity="ok",
            confidence=0,
            since_step=0,
            sentence=(sentence or NOTHING_YET) if is_enabled else DISABLED,
            evidence=[],
            advice=[],
        )


class IntervalView(View):
    """Consecutive assessments of one verdict."""

    object: Literal["health.interval"] = "health.interval"
    from_step: int
    """The step of the first."""
    to_step: int
    """The step of the last."""
    verdict: Verdict
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    """The highest of them."""
    sentence: str
    """What the last one says."""
    segment: int


class ReadingView(View):
    """What an assessment was made of."""

    object: Literal["health.reading"] = "health.reading"
    step: int
    segment: int
    verdict: Verdict
    """What was made of it, and of those before."""
    reading: dict[str, Any]
    """Summaries of the metrics since the assessment before (mean, deviation, minimum, maximum, median, slope per
    window, periodicity), statistics of generated data, and how much of generated and of real data lies in each region
    of the real ones; null where one was no finite number."""

    @classmethod
    def of(cls, report: HealthReport) -> Self:
        return cls(
            step=report.step, segment=report.segment, verdict=Verdict(report.verdict), reading=dict(report.reading)
        )


class SegmentView(View):
    """A stretch of steps that a job has gone back from. What was recorded in it is read with `segment`, its number."""

    object: Literal["segment"] = "segment"
    number: int
    after_step: int
    """Where the job went back to: the segment's rows begin after it."""
    last_step: int
    verdict: Verdict
    """Why the job went back."""
    report: HealthView
    remedy: dict[str, Any]
    """What of the spec's `health.remedies` was applied."""
    remedy_text: str
    spec_patch: dict[str, Any]
    """What the remedy changed in the spec: new values by the dotted paths of fields."""
    stream: int
    """The stream of noise from there on; 0 is that of a job without rollbacks."""
    created_at: Time

    @classmethod
    def of(cls, job_id: str, segment: Segment) -> Self:
        return cls(
            number=segment.number,
            after_step=segment.after_step,
            last_step=segment.last_step,
            verdict=Verdict(segment.verdict),
            report=HealthView.of(job_id, segment.report, segment.number),
            remedy=segment.remedy,
            remedy_text=segment.remedy_text,
            spec_patch=segment.spec_patch,
            stream=segment.stream,
            created_at=segment.created_at,
        )
