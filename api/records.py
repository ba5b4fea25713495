"""What the API answers with: a job's images, history and files, the workers, and the state of the service."""

from typing import Any, Literal, Self

from pydantic import Field

from api.schemas import Time, View
from models.tables import Checkpoint, Sample, Worker


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
        return cls(
            step=sample.step,
            width=sample.width,
            height=sample.height,
            size=sample.size,
            sha256=sample.sha256,
            created_at=sample.created_at,
            url=f"/v1/jobs/{job_id}/samples/{sample.step}",
        )


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


class CheckpointView(View):
    """A checkpoint and its files."""

    object: Literal["checkpoint"] = "checkpoint"
    step: int
    attempt: int
    created_at: Time
    files: list[FileView]

    @classmethod
    def of(cls, job_id: str, checkpoint: Checkpoint) -> Self:
        base = f"/v1/jobs/{job_id}/checkpoints/{checkpoint.step}/files"
        files = [FileView(name=name, url=f"{base}/{name}", **file) for name, file in sorted(checkpoint.files.items())]
        return cls(step=checkpoint.step, attempt=checkpoint.attempt, created_at=checkpoint.created_at, files=files)


class WorkerView(View):
    """A worker that is up."""

    id: str
    object: Literal["worker"] = "worker"
    hostname: str
    pid: int
    slots: int
    """Jobs it trains at once."""
    status: str
    devices: list[dict[str, Any]]
    versions: dict[str, Any]
    started_at: Time
    seen_at: Time
    """Its last sign of life."""
    jobs: list[str]
    """Ids of the jobs it trains."""

    @classmethod
    def of(cls, worker: Worker, jobs: list[str]) -> Self:
        return cls(
            id=worker.id,
            hostname=worker.hostname,
            pid=worker.pid,
            slots=worker.slots,
            status=worker.status,
            devices=worker.devices,
            versions=worker.versions,
            started_at=worker.started_at,
            seen_at=worker.seen_at,
            jobs=jobs,
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
