"""What is new of a job, read from the database in one moment and made ready for MLflow."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import metrics, mirrors, news, reports, samples
from models.events import REWOUND
from models.health_tables import HealthReport
from models.metrics import Rows
from models.mirrors import Held
from models.news import Cursor
from models.status import JobStatus
from models.summaries import bucket_of
from models.tables import Evaluation, Event, Job, Sample
from worker.mirror_images import image_files
from worker.mirror_mapping import (
    SEVERITIES,
    STATUSES,
    TAG_LENGTH,
    Clock,
    cut,
    metadata_tags,
    milliseconds,
    number,
    width_for,
)

SEVERITY = "health/severity"


@dataclass(frozen=True)
class Point:
    """A metric's value at a step; ``timestamp`` in milliseconds since 1970."""

    key: str
    value: float
    timestamp: int
    step: int


@dataclass
class Page:
    """What is to be sent. ``tags`` are all that the run is to have; ``files`` are artifacts by their paths; ``status``
    and ``ended_at`` (milliseconds) are the run's, ``None`` while there is more to be read before it."""

    cursor: Cursor
    is_last: bool
    tags: dict[str, str]
    status: str | None = None
    ended_at: int | None = None
    points: list[Point] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ends_it(self) -> bool:
        """Whether nothing can follow."""
        return self.is_last and self.ended_at is not None


def clock_of(job: Job, held: Held) -> Clock:
    """The clock of what may have been sent before and is sent again, else one that is right now."""
    if held.clock is not None:
        return Clock(**held.clock)
    begin = milliseconds(job.started_at or job.created_at)
    at = milliseconds(job.changed_at) if job.changed_at else begin
    return Clock(at, job.step, job.steps_per_second, begin)


def read(session: Session, job: Job, held: Held, clock: Clock, points: int, url: str) -> Page:
    """The next page behind ``held.cursor``. ``points`` is how many each curve may have; ``url`` is that of the API.
    Needs a session that sees one moment."""
    since = held.cursor or news.begin(session, job, 0)
    found = news.read(session, job, since)
    reader = _Reader(session, job, clock, width_for(job.steps, points))
    place = since
    recorded: tuple[int, int] | None = None
    for item, behind in found.items:
        if isinstance(item, Rows):
            recorded = (place.step, behind.step)
        else:
            reader.add(item)
        place = behind
    is_final = JobStatus(job.status).is_final and not found.more
    reader.add_curves(*(recorded or (place.step, place.step)), to_the_end=is_final)
    tags = tags_of(session, job, held, reader.width, url)
    page = Page(place, not found.more, tags, points=reader.points, files=reader.files)
    if not found.more:
        page.status = STATUSES[JobStatus(job.status)]
        page.ended_at = milliseconds(job.finished_at) if is_final and job.finished_at else None
    return page


class _Reader:
    """Collects points and artifacts of a job."""

    def __init__(self, session: Session, job: Job, clock: Clock, width: int) -> None:
        self.width = width
        self.points: list[Point] = []
        self.files: dict[str, bytes] = {}
        self._session = session
        self._job = job
        self._clock = clock

    def add(self, item: object) -> None:
        if isinstance(item, Sample):
            self._draw(item)
        elif isinstance(item, Evaluation):
            at = milliseconds(item.created_at)
            for name, value in item.values.items():
                self.points.append(Point(f"evaluation/{name}", number(value), at, item.step))
        elif isinstance(item, HealthReport):
            self._report(item)

    def add_curves(self, after: int, last: int, to_the_end: bool) -> None:
        """A point for each bucket that has come to its end since step ``after``, and for one that never will where the
        job has ended: the mean of its steps, at its last. Where one of them was not a number there is no mean."""
        names = list(self._job.metric_names or ())
        first = after // self.width * self.width + 1
        end = last if to_the_end else last // self.width * self.width
        if not names or end < first:
            return
        room = -(-end // self.width) - after // self.width
        found = metrics.read_buckets(self._session, self._job, names, room, first, end).summaries
        summaries = found.merged(bucket_of(found.first_step, self.width))
        means = summaries.mean()
        means[summaries.non_finite > 0] = np.nan
        if self.width == 1:
            means = summaries.last.astype(float)  # as it was, infinite or not
        # The same steps may be added up in another order the next time, which a float32 does not show.
        means = means.astype(np.float32)
        for step, values in zip(summaries.last_step.tolist(), means.tolist(), strict=True):
            at = self._clock.when(step)
            self.points += [Point(name, value, at, step) for name, value in zip(names, values, strict=True)]

    def _report(self, item: HealthReport) -> None:
        at = self._clock.when(item.step)
        self.points.append(Point(SEVERITY, float(SEVERITIES[item.report["severity"]]), at, item.step))
        before = reports.newest(self._session, (self._job.number, self._job.segment), item.step - 1)
        if before is None or before["verdict"] != item.verdict:
            text = json.dumps(item.report, indent=2, ensure_ascii=False)
            self.files[f"health/step_{item.step:09d}_{item.verdict}.json"] = text.encode()

    def _draw(self, item: Sample) -> None:
        drawn = samples.get_sample(self._session, self._job, item.step)
        if drawn is not None:
            self.files |= image_files("samples", item.step, milliseconds(drawn.created_at), drawn.png)


def tags_of(session: Session, job: Job, held: Held, width: int, url: str) -> dict[str, str]:
    """All tags that a job's run is to have now."""
    link = f"{url}/jobs/{job.id}"
    tags = metadata_tags(job.spec.get("metadata") or {})
    tags |= {
        "mlflow.source.name": "ganjobs",
        "mlflow.source.type": "JOB",
        "mlflow.note.content": f"[{job.id}]({link})",
        "ganjobs.job_id": job.id,
        "ganjobs.url": link,
        "ganjobs.status": job.status,
        "ganjobs.steps_per_point": str(width),
    }
    optional = {
        "ganjobs.status_reason": job.status_reason,
        "ganjobs.verdict": job.verdict,
        "ganjobs.severity": job.severity,
        "ganjobs.rollbacks": str(job.rollbacks) if job.rollbacks else None,
        "ganjobs.rewound": _rewinds(session, job),
    }
    tags |= {name: cut(value, TAG_LENGTH) for name, value in optional.items() if value}
    return tags | _origin(session, job.origin, held.target)


def _rewinds(session: Session, job: Job) -> str | None:
    """Where the job went back to, oldest first: a run keeps the points of what was trained twice."""
    of_job = Event.job_number == job.number, Event.kind == REWOUND
    found = session.scalars(select(Event.data).where(*of_job).order_by(Event.number)).all()
    if not found:
        return None
    return f"{len(found)}: to step " + ", ".join(str(data["step"]) for data in found)


def _origin(session: Session, origin: Mapping[str, Any] | None, target: int) -> dict[str, str]:
    if origin is None:
        return {}
    tags = {"ganjobs.forked_from" if origin["kind"] == "fork" else "ganjobs.retry_of": origin["job_id"]}
    if origin.get("step") is not None:
        tags["ganjobs.forked_at_step"] = str(origin["step"])
    parent = mirrors.run_of(session, target, origin["job_id"])
    return tags | ({"mlflow.parentRunId": parent} if parent else {})
