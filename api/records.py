"""What the API answers with: what a job recorded, its history and files, the workers, and the state of the service."""

from typing import Any, Literal, Self

from pydantic import Field

from api.schemas import Number, Time, View
from models import evaluations
from models.metrics import jsonable
from models.tables import Checkpoint, Evaluation, Sample, Worker
from models.workers import Held


class SampleView(View):
    """A sample image, drawn from noise that is the same at every step."""

    object: Literal["sample"] = "sample"
    step: int
    width: int
    height: int
    size: int
    sha256: str
    created_at: Time
    url: str

    @classmethod
    def of(cls, job_id: str, sample: Sample) -> Self:
        of_segment = f"?segment={sample.segment}" if sample.segment else ""
        return cls(
            step=sample.step,
            width=sample.width,
            height=sample.height,
            size=sample.size,
            sha256=sample.sha256,
            created_at=sample.created_at,
            url=f"/v1/jobs/{job_id}/samples/{sample.step}{of_segment}",
        )


class MetricSummaries(View):
    """A metric in each bucket. `min`, `max` and `mean` are of its finite values, null where there are none."""

    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    last: list[Number]
    """The value at the bucket's last step."""
    non_finite: list[int]
    """How many values were NaN or infinite."""


class MetricBuckets(View):
    """A curve as buckets of consecutive steps, in columns."""

    object: Literal["metric_buckets"] = "metric_buckets"
    job_id: str
    segment: int
    bucket_steps: int
    """Width of the buckets, a power of two; the first and the last end where the range does."""
    first_step: list[int]
    last_step: list[int]
    count: list[int]
    """How many rows each bucket holds."""
    columns: dict[str, MetricSummaries | None]
    """By metric; null for one that the job does not record."""
    next_step: int
    """The first step after these."""


class MetricRows(View):
    """Rows of metrics as columns, `step` first; null where a value was not recorded."""

    object: Literal["metrics"] = "metrics"
    job_id: str
    segment: int
    columns: dict[str, list[Number]]
    has_more: bool
    """Whether the range that was asked for holds more rows."""
    next_step: int
    """The `from_step` to go on with, now or once more steps are trained."""


class EvaluationView(View):
    """What the generator was worth after a step."""

    object: Literal["evaluation"] = "evaluation"
    step: int
    values: dict[str, Number]
    """By the names that the catalogue has of evaluations."""
    created_at: Time

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        values = evaluations.served(evaluation.values)
        return cls(step=evaluation.step, values=values, created_at=evaluation.created_at)


class EventView(View):
    """Something that happened to a job."""

    id: int = Field(validation_alias="number")
    object: Literal["event"] = "event"
    kind: str
    level: str
    message: str
    data: dict[str, Any]
    created_at: Time


class LogLineView(View):
    """A line that a worker logged while it trained a job; its time is by the worker's clock."""

    id: int = Field(validation_alias="number")
    object: Literal["log_line"] = "log_line"
    attempt: int
    level: str
    message: str
    data: dict[str, Any]
    created_at: Time


class FileView(View):
    name: str
    size: int
    sha256: str
    url: str


class BestView(View):
    """By which number of the evaluations a checkpoint is the best."""

    metric: str
    value: Number


class CheckpointView(View):
    """A checkpoint and its files."""

    object: Literal["checkpoint"] = "checkpoint"
    step: int
    attempt: int
    created_at: Time
    best: BestView | None
    """Null unless it is the best so far by the spec's `best_metric`."""
    files: list[FileView]

    @classmethod
    def of(cls, job_id: str, checkpoint: Checkpoint, is_best: bool) -> Self:
        base = f"/v1/jobs/{job_id}/checkpoints/{checkpoint.step}/files"
        of = f"?segment={checkpoint.segment}" if checkpoint.segment else ""
        files = [
            FileView(name=name, url=f"{base}/{name}{of}", **file) for name, file in sorted(checkpoint.files.items())
        ]
        best = {"metric": checkpoint.best_metric, "value": jsonable(checkpoint.best_value)} if is_best else None
        return cls(
            step=checkpoint.step,
            attempt=checkpoint.attempt,
            created_at=checkpoint.created_at,
            best=BestView.model_validate(best) if best else None,
            files=files,
        )


class DeviceView(View):
    """What a worker trains on, as its last sign of life found it. Whatever the driver does not tell is null."""

    kind: str
    """`cuda`, or `cpu`; memory and utilisation of a CPU are its host's."""
    index: int | None = None
    """The driver's number of a GPU."""
    name: str | None = None
    cores: int | None = None
    """Of a CPU."""
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    """By whatever program, this service's or not."""
    utilization_percent: float | None = None
    """How busy it is, by whatever program: a GPU as its driver says, a CPU since the sign of life before."""
    load: float | None = None
    """Of a CPU's host, how many processes run or wait to, averaged over a minute."""


class WorkerView(View):
    """A worker that is up."""

    id: str
    object: Literal["worker"] = "worker"
    hostname: str
    pid: int
    slots: int
    """Jobs it trains at once."""
    status: str
    devices: list[DeviceView]
    versions: dict[str, Any]
    started_at: Time
    seen_at: Time
    """Its last sign of life."""
    jobs: list[str]
    """Ids of the jobs it trains."""
    steps_per_second: float | None
    """Training steps of all its jobs together, smoothed; null where none is known."""

    @classmethod
    def of(cls, worker: Worker, held: Held) -> Self:
        return cls(
            id=worker.id,
            hostname=worker.hostname,
            pid=worker.pid,
            slots=worker.slots,
            status=worker.status,
            devices=[DeviceView.model_validate(device) for device in worker.devices],
            versions=worker.versions,
            started_at=worker.started_at,
            seen_at=worker.seen_at,
            jobs=held.jobs,
            steps_per_second=held.steps_per_second,
        )


class Check(View):
    status: Literal["ok", "unavailable"]
    detail: str


class Readiness(View):
    """Whether jobs can be taken and trained, and what stands in the way."""

    status: Literal["ready", "not_ready"]
    checks: dict[Literal["database", "queue", "worker"], Check]


class Liveness(View):
    status: Literal["alive"] = "alive"
