"""The tables. Times are UTC by the database's clock; bytes are bytes; steps count from 1."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    REAL,
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    literal,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from models.database import database_now

# SQLite counts rows up by itself only in a column declared INTEGER.
Counter = BigInteger().with_variant(Integer(), "sqlite")
# Numbers of deleted rows are never given out again: list cursors stay valid.
NEVER_REUSED = {"sqlite_autoincrement": True}


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(),
        float: Double(),
        dict[str, Any]: JSON(),
        int: BigInteger(),
    }


def job_key(primary: bool = True) -> Mapped[int]:
    """The column by which a row belongs to a job, and goes with it."""
    return mapped_column(Counter, ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=primary)


class Job(Base):
    """A training job: what was asked for, where it stands, and who holds its lease."""

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str | None] = mapped_column(String(64))
    spec: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16))
    status_reason: Mapped[str | None] = mapped_column(Text)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    priority: Mapped[int] = mapped_column(Integer, default=0)

    steps: Mapped[int]
    step: Mapped[int] = mapped_column(default=0)
    segment: Mapped[int] = mapped_column(Integer, default=0)
    # What each of its rows holds, in order; its first write says so.
    metric_names: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    latest_metrics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # {"step", "values"} as ``Evaluation`` holds them: whoever polls a job reads no other table.
    latest_evaluation: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The newest report of its health, with what lists are narrowed by once more.
    verdict: Mapped[str | None] = mapped_column(String(40))
    severity: Mapped[str | None] = mapped_column(String(8))
    health: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # How often it has gone back to a checkpoint with a remedy: with its spec, all that says what it now trains by.
    rollbacks: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    steps_per_second: Mapped[float | None]
    # From the end of a block's last step to the commit of the block, as measured of the block before the newest one: no
    # write can say how long it will take itself. Of blocks that were written together it is the longest, that of the
    # first. Null at an attempt's first block; of an earlier attempt where ``steps_per_second`` is null.
    recorder_lag_seconds: Mapped[float | None]
    training_seconds: Mapped[float] = mapped_column(default=0.0)
    data_fingerprint: Mapped[str | None] = mapped_column(String(64))
    environment: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # What a fork or a retry came from, and the step that a fork begins after.
    origin: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    start_step: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    attempt: Mapped[int] = mapped_column(Integer, default=0)
    crashes: Mapped[int] = mapped_column(Integer, default=0)
    worker_id: Mapped[str | None] = mapped_column(String(64))
    process_id: Mapped[int | None] = mapped_column(Integer)
    lease_expires_at: Mapped[datetime | None]
    # How many writes this attempt has committed: one whose answer was lost is recognised, not repeated.
    writes: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    # A job given back because something it needs was away is not taken up before.
    available_at: Mapped[datetime | None]

    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    request_hash: Mapped[str | None] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(default=1)

    created_at: Mapped[datetime] = mapped_column(default=database_now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # Every update sets it: lists are brought up to date by what has changed since they were read.
    changed_at: Mapped[datetime | None] = mapped_column(default=database_now(), onupdate=database_now())

    __table_args__ = (
        # The order in which queued jobs are claimed, and nothing but queued jobs in it.
        Index(
            "jobs_queue",
            text("priority DESC"),
            "number",
            postgresql_where=text("status = 'queued'"),
            sqlite_where=text("status = 'queued'"),
        ),
        Index(
            "jobs_leases",
            "lease_expires_at",
            postgresql_where=text("lease_expires_at IS NOT NULL"),
            sqlite_where=text("lease_expires_at IS NOT NULL"),
        ),
        Index("jobs_status", "status", "number"),
        Index("jobs_name", "name", "number"),
        Index("jobs_verdict", "verdict", "number"),
        Index("jobs_severity", "severity", "number"),
        Index("jobs_changed", "changed_at"),
        NEVER_REUSED,
    )


# Written out, not bound: only then can a database see that the index over queued jobs holds all that is asked for.
IS_QUEUED = Job.status == literal("queued", literal_execute=True)


class JobMetadata(Base):
    """A job's metadata once more, as rows that lists can be filtered by."""

    __tablename__ = "job_metadata"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(512), primary_key=True)
    job_number: Mapped[int] = job_key()

    # A deleted job's labels are found without reading all.
    __table_args__ = (Index("job_metadata_of_job", "job_number"),)


class Metrics(Base):
    """One row per step. The losses are columns of their own, for whoever asks the database itself; the job's other
    metrics are packed as little-endian float32, in the order of ``Job.metric_names`` after its first two. Values come
    from float32 arithmetic, so nothing is lost. (SQLite has no NaN: there a loss of NaN is null, and no other is.)"""

    __tablename__ = "metrics"

    job_number: Mapped[int] = job_key()
    segment: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    d_loss: Mapped[float | None] = mapped_column(REAL)
    g_loss: Mapped[float | None] = mapped_column(REAL)
    others: Mapped[bytes] = mapped_column(LargeBinary)

    # The key is the row: no second tree beside it.
    __table_args__ = ({"sqlite_with_rowid": False},)


class Rollup(Base):
    """A summary of a bucket of steps, kept as rows are written: see ``models.rollups``. Each packed column holds a
    number per name of ``Job.metric_names``; ``non_finite`` is null where all were finite."""

    __tablename__ = "rollups"

    job_number: Mapped[int] = job_key()
    segment: Mapped[int] = mapped_column(Integer, primary_key=True)
    level: Mapped[int] = mapped_column(Integer, primary_key=True)
    bucket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_step: Mapped[int]
    last_step: Mapped[int]
    count: Mapped[int]
    minimum: Mapped[bytes] = mapped_column(LargeBinary)
    maximum: Mapped[bytes] = mapped_column(LargeBinary)
    total: Mapped[bytes] = mapped_column(LargeBinary)
    last: Mapped[bytes] = mapped_column(LargeBinary)
    non_finite: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Sample(Base):
    """A PNG drawn from fixed noise at a step."""

    __tablename__ = "samples"

    job_number: Mapped[int] = job_key()
    segment: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    png: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(default=database_now())


class Evaluation(Base):
    """What the generator was worth after a step: numbers by the names of ``catalogue.EVALUATIONS``; null where one was
    no number, "Infinity" or "-Infinity" where it was that."""

    __tablename__ = "evaluations"

    job_number: Mapped[int] = job_key()
    segment: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    values: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=database_now())


class Checkpoint(Base):
    """``files`` maps the name of each of a checkpoint's files in ``folder`` to {"size": bytes, "sha256": hex}. One that
    was the best so far when it was made says by which number of the evaluations, and how good it was; ``severity`` is
    that of the verdict on the job's health then, null where it had none."""

    __tablename__ = "checkpoints"

    job_number: Mapped[int] = job_key()
    segment: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(Integer)
    folder: Mapped[str] = mapped_column(String(255))
    files: Mapped[dict[str, Any]]
    best_metric: Mapped[str | None] = mapped_column(String(64))
    best_value: Mapped[float | None]
    severity: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(default=database_now())


class Event(Base):
    """What happened to a job, in words and in data."""

    __tablename__ = "events"

    number: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    job_number: Mapped[int] = job_key(primary=False)
    kind: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=database_now())

    __table_args__ = (Index("events_of_job", "job_number", "number"), NEVER_REUSED)


class LogLine(Base):
    """What a worker wrote while it trained a job."""

    __tablename__ = "log_lines"

    number: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    job_number: Mapped[int] = job_key(primary=False)
    attempt: Mapped[int] = mapped_column(Integer)
    level: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]

    __table_args__ = (Index("log_lines_of_job", "job_number", "number"), NEVER_REUSED)


class Worker(Base):
    """A Celery worker process and what it runs on; ``seen_at`` is its last sign of life."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    hostname: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int] = mapped_column(Integer)
    slots: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16))
    devices: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    versions: Mapped[dict[str, Any]]
    started_at: Mapped[datetime] = mapped_column(default=database_now())
    seen_at: Mapped[datetime] = mapped_column(default=database_now())
