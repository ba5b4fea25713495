"""What is new of a job since a place in its history: rows, samples, evaluations, reports of its health, events and the
job's state, each once, and the rewinds that take some of them back. Queries take a session and never commit.

All of it must be read in one snapshot: the rows of a job say nothing without the rewinds before them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import evaluations, events, metrics, reports, samples
from models.events import REWOUND
from models.health_tables import HealthReport
from models.metrics import Rows
from models.status import JobStatus
from models.tables import Evaluation, Event, Job, Sample

# What is read at once, at most. A row of nine metrics is some 100 bytes of JSON, an event some hundreds.
ROWS = 2000
EVENTS = 100
SAMPLES = 100
EVALUATIONS = 100
REPORTS = 100


@dataclass(frozen=True)
class Cursor:
    """How far somebody has read: the rows up to ``step``, the samples of steps below ``samples``, the events up to
    ``event``, the evaluations of steps below ``evaluations``, the reports of steps below ``reports``, and all there was
    when the job had this ``revision``."""

    segment: int
    step: int
    samples: int
    event: int
    revision: int
    evaluations: int = 0
    reports: int = 0


@dataclass(frozen=True)
class Rewound:
    """Rows, samples, evaluations and reports after ``step`` are gone (and with step 0 the sample of step 0); they will
    come again."""

    step: int


Item = Rewound | Rows | Sample | Evaluation | HealthReport | Event | Job


@dataclass(frozen=True)
class News:
    """``items`` in order, each with the cursor behind it; ``more`` is there to be read where they end."""

    items: Sequence[tuple[Item, Cursor]]
    more: bool


def look(session: Session, job_number: int) -> tuple[int, JobStatus] | None:
    """A number that rises whenever there is news of a job, and the job's state; ``None`` where it has been deleted."""
    found = session.execute(select(Job.revision, Job.status).where(Job.number == job_number)).one_or_none()
    return (found.revision, JobStatus(found.status)) if found else None


def begin(session: Session, job: Job, from_step: int | None = None) -> Cursor:
    """Where to begin: with the job as it is now; or with what was recorded ``from_step`` on, but never after what comes
    next; or, with 0, with all that was ever recorded, events included."""
    if from_step == 0:
        return Cursor(job.segment, 0, 0, 0, 0)
    event = session.scalar(select(func.max(Event.number)).where(Event.job_number == job.number)) or 0
    drawn = session.scalar(
        select(func.max(Sample.step)).where(Sample.job_number == job.number, Sample.segment == job.segment)
    )
    evaluated = evaluations.newest(session, (job.number, job.segment))
    assessed = session.scalar(
        select(func.max(HealthReport.step)).where(
            HealthReport.job_number == job.number, HealthReport.segment == job.segment
        )
    )
    # Read last: on PostgreSQL each statement may see a moment of its own, and an event is better sent though it was
    # known than a rewind never.
    now = session.execute(select(Job.segment, Job.step).where(Job.number == job.number)).one_or_none()
    segment, step = now or (job.segment, job.step)  # deleted meanwhile: its stream will say so
    behind_all = Cursor(
        segment,
        step,
        samples=_behind(drawn),
        event=event,
        revision=0,
        evaluations=_behind(evaluated.step if evaluated else None),
        reports=_behind(assessed),
    )
    if from_step is None or from_step > step:
        return behind_all
    return replace(behind_all, step=from_step - 1, samples=from_step, evaluations=from_step, reports=from_step)


def resume(session: Session, job: Job, since: Cursor) -> Cursor:
    """Where to go on for a reader who comes back: where he was. If there is no such place any more he has to be told,
    even where the job has the revision that he knows: after a restore from a copy it may come to it again."""
    owner = session.scalar(select(Event.job_number).where(Event.number == since.event))
    is_there = since.segment == job.segment and since.step <= job.step and (not since.event or owner == job.number)
    return since if is_there else replace(since, revision=0)


def read(session: Session, job: Job, since: Cursor) -> News:
    """What a reader at ``since`` has not seen, as it is in the session's snapshot: at most ``ROWS`` rows, ``EVENTS``
    events, ``SAMPLES`` samples, ``EVALUATIONS`` evaluations and ``REPORTS`` reports. The job itself comes last, and
    only where nothing more is to be read."""
    page = _Page(since)
    found = page.later_events(session, job)
    if len(found) == EVENTS:
        # There may be a rewind among those that follow: rows have to wait for it.
        page.add_events(found)
        return News(page.items, more=True)
    rewinds = [index for index, event in enumerate(found) if event.kind == REWOUND]
    first_later = rewinds[-1] + 1 if rewinds else 0
    page.add_events(found[:first_later])
    page.catch_up_with(job)
    if page.add_recorded(session, job):
        return News(page.items, more=True)
    page.add_events(found[first_later:])
    if job.revision != page.cursor.revision:
        page.add(job, revision=job.revision)
    return News(page.items, more=False)


class _Page:
    """Items in the order in which they are to be sent, and the cursor behind the last."""

    def __init__(self, since: Cursor) -> None:
        self.cursor = since
        self.items: list[tuple[Item, Cursor]] = []

    def add(self, item: Item, **moved: int) -> None:
        self.cursor = replace(self.cursor, **moved)
        self.items.append((item, self.cursor))

    def later_events(self, session: Session, job: Job) -> Sequence[Event]:
        """The events behind the cursor, at most ``EVENTS``. A cursor that is ahead of the job, or whose event is none
        of the job's, is of a history that a database restored from a copy has lost. What the reader has seen of it may
        have gone back to any step meanwhile, so nothing of it counts, and it starts again with its rows."""
        # With the event of the cursor itself, which says by the way that it is there.
        last = self.cursor.event
        found = events.list_events(session, job.number, max(last - 1, 0), EVENTS + 1)
        is_there = not last or (len(found) > 0 and found[0].number == last)
        if is_there and self.cursor.revision <= job.revision:
            return found[1:] if last else found[:EVENTS]
        earlier = select(func.max(Event.number)).where(Event.job_number == job.number, Event.number <= last)
        self._start_again(job, event=session.scalar(earlier) or 0, revision=0)
        return events.list_events(session, job.number, self.cursor.event, EVENTS)

    def add_events(self, found: Sequence[Event]) -> None:
        for event in found:
            if event.kind == REWOUND:
                # Before the event, whose number stands for both from then on.
                self._go_back_to(event.data["step"])
            self.add(event, event=event.number)

    def catch_up_with(self, job: Job) -> None:
        """Let a reader go back who has seen rows that the job does not have, though no event says what became of them:
        those of another segment, or of a database that was restored from a copy."""
        if self.cursor.segment != job.segment:
            self._start_again(job)
        elif self.cursor.step > job.step:
            self._go_back_to(job.step)

    def add_recorded(self, session: Session, job: Job) -> bool:
        """Add rows, and the samples, evaluations and reports up to the last of them; whether there are more of any."""
        last: int | None = None
        if job.metric_names is not None and self.cursor.step < job.step:
            rows = metrics.read_rows(session, job, job.metric_names, self.cursor.step + 1, limit=ROWS)
            if len(rows):
                self.add(rows, step=int(rows.steps[-1]))
            if len(rows) == ROWS:
                last = self.cursor.step
        drawn = samples.list_samples(session, job, self.cursor.samples - 1, SAMPLES)
        for sample in drawn:
            if last is None or sample.step <= last:
                self.add(sample, samples=sample.step + 1)
        evaluated = evaluations.list_evaluations(session, job, self.cursor.evaluations - 1, EVALUATIONS)
        for evaluation in evaluated:
            if last is None or evaluation.step <= last:
                self.add(evaluation, evaluations=evaluation.step + 1)
        key = (job.number, job.segment)
        assessed = reports.list_reports(session, key, self.cursor.reports - 1, REPORTS)
        for report in assessed:
            if last is None or report.step <= last:
                self.add(report, reports=report.step + 1)
        full = len(drawn) == SAMPLES or len(evaluated) == EVALUATIONS or len(assessed) == REPORTS
        return last is not None or full

    def _start_again(self, job: Job, **moved: int) -> None:
        start = job.start_step
        kept = _below(start)
        places = {"step": start, "samples": kept, "evaluations": kept, "reports": kept}
        self.add(Rewound(start), segment=job.segment, **places, **moved)

    def _go_back_to(self, step: int) -> None:
        kept, at = _below(step), self.cursor
        if step < at.step or kept < max(at.samples, at.evaluations, at.reports):
            self.add(
                Rewound(step),
                step=min(step, at.step),
                samples=min(kept, at.samples),
                evaluations=min(kept, at.evaluations),
                reports=min(kept, at.reports),
            )


def _behind(step: int | None) -> int:
    """The cursor of samples, evaluations or reports behind that of ``step``."""
    return 0 if step is None else step + 1


def _below(step: int) -> int:
    """The cursor of samples, evaluations and reports after a rewind to ``step``."""
    return step + 1 if step else 0  # a fresh start draws the sample of step 0 again
