"""What the API answers with besides jobs, typed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from ganjobs.answers import Answer, Number
from ganjobs.jobinfo import Equilibrium, EvaluationValues
from ganjobs.types import Severity, Verdict


class Evidence(Answer):
    """One signal that a verdict rests on."""

    signal: str
    value: float | None
    threshold: float | None
    """What it is held against: beyond it, the signal speaks for the verdict."""
    reference: float | None
    """What it would be in a healthy game, or was early in this one."""
    first_step: int
    last_step: int


class Advice(Answer):
    """One thing to change."""

    field: str
    """Dotted path of the spec's field."""
    text: str
    source: str


class HealthReport(Answer):
    """How the game between the two networks stood after a step."""

    job_id: str
    segment: int
    step: int
    verdict: Verdict
    severity: Severity
    confidence: float
    """How far the evidence is beyond its thresholds, and for how long: 0 barely, 1 without doubt."""
    since_step: int
    sentence: str
    """What is going on, in plain words."""
    evidence: tuple[Evidence, ...]
    advice: tuple[Advice, ...]
    """What to change, the most promising first."""

    def __repr__(self) -> str:
        return f"<HealthReport {self.verdict} ({self.severity}) at step {self.step:,}: {self.sentence}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from ganjobs.html import health

        return health(self)


class HealthInterval(Answer):
    """Consecutive assessments of one verdict."""

    from_step: int
    to_step: int
    verdict: Verdict
    severity: Severity
    confidence: float
    sentence: str
    segment: int


class Evaluation(EvaluationValues):
    """What the generator was worth after a step."""

    created_at: datetime = Field(repr=False)


class Event(Answer):
    """Something that happened to a job."""

    id: int
    kind: str
    level: str
    message: str
    data: dict[str, Any] = Field(repr=False)
    created_at: datetime = Field(repr=False)


class LogLine(Answer):
    """A line that a worker logged while it trained a job."""

    id: int
    attempt: int
    level: str
    message: str
    data: dict[str, Any] = Field(repr=False)
    created_at: datetime = Field(repr=False)


class File(Answer):
    name: str
    size: int
    """Bytes."""
    sha256: str = Field(repr=False)
    url: str = Field(repr=False)


class Best(Answer):
    """By which number of the evaluations a checkpoint is the best."""

    metric: str
    value: Number


class Checkpoint(Answer):
    """A checkpoint and its files."""

    step: int
    attempt: int
    best: Best | None
    """``None`` unless it is the best so far by the spec's ``best_metric``."""
    files: tuple[File, ...]
    created_at: datetime = Field(repr=False)

    def file(self, name: str) -> File | None:
        return next((file for file in self.files if file.name == name), None)


class Worker(Answer):
    """A worker that is up."""

    id: str
    hostname: str
    pid: int
    slots: int
    status: str
    devices: tuple[dict[str, Any], ...] = Field(repr=False)
    versions: dict[str, Any] = Field(repr=False)
    started_at: datetime = Field(repr=False)
    seen_at: datetime = Field(repr=False)
    jobs: tuple[str, ...]
    """Ids of the jobs it trains."""
    steps_per_second: float | None = None
    """Of all its jobs together."""


class MetricFacts(Answer):
    """A quantity recorded at every step."""

    name: str
    unit: str
    description: str
    lowest: float | None
    highest: float | None


class Validation(Answer):
    """What a spec would make."""

    spec: dict[str, Any] = Field(repr=False)
    """With its defaults."""
    equilibrium: Equilibrium
    logit_is_probability: bool
    """Whether D(x) and D(G(z)) are probabilities."""
    metrics: tuple[MetricFacts, ...] = Field(repr=False)


class SampleInfo(Answer):
    """A sample image, drawn from noise that is the same at every step."""

    job_id: str
    step: int
    width: int
    height: int
    size: int = Field(repr=False)
    sha256: str = Field(repr=False)
    created_at: datetime = Field(repr=False)
    url: str = Field(repr=False)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of step {self.step:,} of {self.job_id}: {self.width} x {self.height}>"

    __str__ = __repr__


class Check(Answer):
    """Whether a part of the service answers."""

    status: Literal["ok", "unavailable"]
    detail: str


class Readiness(Answer):
    """Whether jobs can be taken and trained, and what stands in the way. True or false as that is."""

    status: Literal["ready", "not_ready"]
    checks: Mapping[str, Check]

    def __bool__(self) -> bool:
        return self.status == "ready"

    def __repr__(self) -> str:
        wrong = [f"{name} {check.detail}" for name, check in self.checks.items() if check.status != "ok"]
        return f"<Readiness: {self.status.replace('_', ' ')}{': ' if wrong else ''}{'; '.join(wrong)}>"

    __str__ = __repr__
