"""Jobs to look at, written straight into a database: as long as wished, without training them."""

import io

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import update
from sqlalchemy.orm import Session
from support.health import report, row_of

from models import jobs, metrics, reports, samples
from models.catalogue import METRIC_NAMES
from models.database import Database, database_now
from models.spec import JobSpec
from models.status import JobStatus
from models.summaries import Values
from models.tables import Job

BLOCK = 50_000
SPIKE = 40.0
# Verdicts by the part of the run that they begin at.
COURSE = ((0.02, "balanced"), (0.4, "oscillating"), (0.55, "mode_collapse"), (0.7, "balanced"))


def spec(name: str, steps: int, project: str = "watched") -> JobSpec:
    return JobSpec.model_validate(
        {
            "name": name,
            "dataset": {"kind": "digits"},
            "generator": {"kind": "dcgan"},
            "discriminator": {"kind": "dcgan"},
            "steps": steps,
            "metadata": {"project": project},
        }
    )


def finished_job(
    database: Database,
    name: str,
    steps: int,
    spike_at: int | None = None,
    sampled: int = 5,
    status: JobStatus = JobStatus.SUCCEEDED,
) -> str:
    """The id of a job that has ended after ``steps``, with a row for each, one of them with a d_loss of ``SPIKE``,
    ``sampled`` samples and a history of verdicts."""
    with database.write() as session:
        job, _ = jobs.create(session, spec(name, steps))
        key = (job.number, 0)
        session.flush()
        _end(session, job, status)
    for first in range(1, steps + 1, BLOCK):
        last = min(first + BLOCK - 1, steps)
        values = rows(first, last, steps)
        if spike_at is not None and first <= spike_at <= last:
            values[spike_at - first, 0] = SPIKE
        with database.write() as session:
            metrics.write_block(session, key, first, values)
    with database.write() as session:
        for step in np.linspace(0, steps, sampled).astype(int).tolist():
            samples.add_sample(session, key, step, picture(step), (128, 128))
        _assess(session, job, steps)
    return job.id


def _end(session: Session, job: Job, status: JobStatus) -> None:
    """Make a queued job one that has ended, before any worker sees it."""
    last = rows(job.steps, job.steps, job.steps)[0].tolist()
    final = {**dict(zip(METRIC_NAMES, last, strict=True)), "d_loss": 1.38, "g_loss": 0.7, "step": job.steps}
    ended = {
        "status": status,
        "status_reason": None,
        "step": job.steps,
        "attempt": 1,
        "metric_names": list(METRIC_NAMES),
    }
    times = {"started_at": database_now(-60), "finished_at": database_now(), "training_seconds": 60.0}
    session.execute(update(Job).where(Job.number == job.number).values(**ended, **times, latest_metrics=final))


def _assess(session: Session, job: Job, steps: int) -> None:
    found = []
    bounds = [*(begin for begin, _ in COURSE), 1.0]
    for (begin, verdict), end in zip(COURSE, bounds[1:], strict=True):
        found += [report(max(1, int(steps * part)), verdict) for part in np.linspace(begin, end - 0.01, 4)]
    reports.add_many(session, (job.number, 0), [row_of(each) for each in found])
    session.execute(update(Job).where(Job.number == job.number).values(**reports.standing(found[-1])))


def rows(first: int, last: int, steps: int) -> Values:
    """Rows of a game that comes to its equilibrium, one per step."""
    step = np.arange(first, last + 1)
    part = step / steps
    noise = np.random.default_rng(first).normal(size=(len(step), len(METRIC_NAMES)))
    wave = np.exp(-3 * part)
    d_real = 0.5 + 0.3 * wave
    columns = (
        1.386 - 0.6 * wave + 0.05 * noise[:, 0],
        0.693 + 0.9 * wave + 0.05 * noise[:, 1],
        2.079 + 0.3 * wave + 0.05 * noise[:, 2],
        d_real + 0.02 * noise[:, 3],
        1 - d_real + 0.02 * noise[:, 4],
        wave + 0.1 * noise[:, 5],
        -wave + 0.1 * noise[:, 6],
        0.4 * np.exp(0.5 * noise[:, 7]),
        0.2 * np.exp(0.5 * noise[:, 8]),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def picture(step: int) -> bytes:
    """A PNG on which its step can be read."""
    image = Image.new("L", (128, 128), 40)
    ImageDraw.Draw(image).text((8, 56), f"step {step}", fill=230)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def many_jobs(database: Database, count: int, steps: int = 50) -> list[str]:
    """Ids of ``count`` short jobs that have ended in one way or another, each with a curve, a sample and a verdict."""
    ends = (JobStatus.SUCCEEDED, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)
    values, drawn, standing = rows(1, steps, steps), picture(steps), reports.standing(row_of(report(steps, "balanced")))
    made = []
    # All at once: a transaction for each would wait for the disk as often.
    with database.write() as session:
        for index in range(count):
            job, _ = jobs.create(session, spec(f"sweep {index}", steps))
            session.flush()
            _end(session, job, ends[index % len(ends)])
            metrics.write_block(session, (job.number, 0), 1, values)
            samples.add_sample(session, (job.number, 0), steps, drawn, (128, 128))
            session.execute(update(Job).where(Job.number == job.number).values(**standing))
            made.append(job.id)
    return made
