"""Reports of a job's health: what was found every so many steps, and the stretches it has gone back from. Queries take
a session and never commit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.orm import Session, defer, load_only

from models import events
from models.health_tables import HealthReport, Segment
from models.tables import Job
from models.verdicts import VERDICTS, Severity, Verdict

Key = tuple[int, int]
CHANGED = "health.changed"
LEVELS: dict[Severity, events.Level] = {"ok": "info", "caution": "warning", "alarm": "error"}
_TOLD_OF_A_CHANGE = ("step", "verdict", "severity", "since_step", "confidence")


class ReportRow(TypedDict):
    """An assessment as it is stored: a ``models.verdicts.Report`` and its reading, both as JSON."""

    step: int
    verdict: str
    severity: Severity
    report: dict[str, Any]
    reading: dict[str, Any]


@dataclass(frozen=True)
class Interval:
    """Consecutive reports of one verdict: ``from_step`` is that of the first, ``to_step`` that of the last, whose
    ``sentence`` it is; ``confidence`` is the highest."""

    from_step: int
    to_step: int
    verdict: str
    severity: str
    confidence: float
    sentence: str
    segment: int


def standing(report: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns of a job whose newest report is ``report`` (JSON); ``None`` where it has none."""
    if report is None:
        return {"verdict": None, "severity": None, "health": None}
    return {"verdict": report["verdict"], "severity": report["severity"], "health": dict(report)}


def change(report: Mapping[str, Any], previous: str | None) -> dict[str, Any] | None:
    """The data of the event that says that a job's verdict is now that of ``report`` (JSON) and was ``previous``;
    ``None`` where it is the same. A job that nobody has assessed yet (``None``) is warming up."""
    before = previous or Verdict.WARMING_UP.value
    if report["verdict"] == before:
        return None
    return {name: report[name] for name in _TOLD_OF_A_CHANGE} | {"previous": before}


def tell_of_return(
    session: Session, job_number: int, step: int, previous: str | None, report: Mapping[str, Any] | None
) -> None:
    """Say in a job's history that it has gone back to ``step``, where ``report`` (JSON) was the newest, if its verdict
    is another one for that: whoever was told of ``previous`` would keep to it."""
    if report is None:
        facts = VERDICTS[Verdict.WARMING_UP]
        report = {"verdict": Verdict.WARMING_UP.value, "severity": facts.severity, "since_step": 0, "confidence": 0.0}
        report |= {"sentence": facts.description}
    data = change({**report, "step": step}, previous)
    if data is not None:
        message = f"{report['verdict']} since step {report['since_step']}, as after step {step}: {report['sentence']}"
        events.add(session, job_number, CHANGED, message, LEVELS[report["severity"]], **data)


def add_many(session: Session, key: Key, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store assessments (each a ``ReportRow``) for ``key`` (job number, segment)."""
    number, segment = key
    for row in rows:
        # Not add: a write whose answer was lost is repeated.
        session.merge(
            HealthReport(
                job_number=number,
                segment=segment,
                step=row["step"],
                verdict=str(row["verdict"]),
                severity=row["severity"],
                confidence=row["report"]["confidence"],
                report=dict(row["report"]),
                reading=dict(row["reading"]),
            )
        )


def newest(session: Session, key: Key, up_to: int | None = None) -> dict[str, Any] | None:
    """The last report of ``key`` (job number, segment), or the last that is not of a step after ``up_to``."""
    query = select(HealthReport.report).where(_mine(key))
    if up_to is not None:
        query = query.where(HealthReport.step <= up_to)
    return session.scalar(query.order_by(HealthReport.step.desc()).limit(1))


def list_reports(session: Session, key: Key, after: int = -1, limit: int = 100) -> Sequence[HealthReport]:
    """Reports of ``key`` (job number, segment) without their readings, by step, those of steps after ``after``."""
    query = select(HealthReport).where(_mine(key), HealthReport.step > after).options(defer(HealthReport.reading))
    return session.scalars(query.order_by(HealthReport.step).limit(limit)).all()


def list_readings(
    session: Session, key: Key, after: int = -1, limit: int = 100, from_step: int = 0, to_step: int | None = None
) -> Sequence[HealthReport]:
    """Assessments of ``key`` (job number, segment) with their readings and without their reports, by step, those of
    steps after ``after`` in a range whose ends are both included."""
    within = HealthReport.step >= max(from_step, after + 1)
    query = select(HealthReport).where(_mine(key), within).options(defer(HealthReport.report))
    if to_step is not None:
        query = query.where(HealthReport.step <= to_step)
    return session.scalars(query.order_by(HealthReport.step).limit(limit)).all()


def list_intervals(session: Session, key: Key, after: int = -1, limit: int = 100) -> Sequence[Interval]:
    """The history of verdicts of ``key`` (job number, segment), by step, those that begin after step ``after``; of
    each report but the last of an interval only the verdict is read."""
    step, verdict = HealthReport.step, HealthReport.verdict
    # Reports with the same number and the same verdict have none of another between them.
    place = func.row_number().over(order_by=step) - func.row_number().over(partition_by=verdict, order_by=step)
    columns = (step, verdict, HealthReport.severity, HealthReport.confidence, place.label("place"))
    numbered = select(*columns).where(_mine(key)).subquery()
    held = numbered.c
    first, last = func.min(held.step), func.max(held.step)
    merged = (
        select(first.label("first"), last.label("last"), held.verdict, func.max(held.confidence).label("confidence"))
        .group_by(held.place, held.verdict)
        .having(first > after)
        .order_by(first)
        .limit(limit)
    )
    found = session.execute(merged).all()
    options = load_only(HealthReport.step, HealthReport.severity, HealthReport.report)
    ends = select(HealthReport).where(_mine(key), step.in_([each.last for each in found])).options(options)
    newest_of = {report.step: report for report in session.scalars(ends)}
    return [
        Interval(
            from_step=each.first,
            to_step=each.last,
            verdict=each.verdict,
            severity=newest_of[each.last].severity,
            confidence=each.confidence,
            sentence=newest_of[each.last].report["sentence"],
            segment=key[1],
        )
        for each in found
    ]


def list_segments(session: Session, job: Job, after: int = 0, limit: int = 100) -> Sequence[Segment]:
    """The stretches that a job has gone back from, by their numbers, those above ``after``."""
    query = select(Segment).where(Segment.job_number == job.number, Segment.number > after)
    return session.scalars(query.order_by(Segment.number).limit(limit)).all()


def get_segment(session: Session, job_number: int, number: int) -> Segment | None:
    """The stretch of this number, from 1."""
    return session.get(Segment, (job_number, number))


def next_segment(session: Session, job_number: int) -> int:
    """The number of the next stretch that a job goes back from."""
    return (session.scalar(select(func.max(Segment.number)).where(Segment.job_number == job_number)) or 0) + 1


def rewind(session: Session, key: Key, step: int) -> int:
    """Drop the reports after ``step``; returns how many there were."""
    dropped = session.execute(delete(HealthReport).where(_mine(key), HealthReport.step > step))
    return int(dropped.rowcount)  # type: ignore[attr-defined]


def archive(session: Session, key: Key, step: int, segment: int) -> None:
    """Make the reports after ``step`` those of another segment of the same job."""
    later = update(HealthReport).where(_mine(key), HealthReport.step > step)
    session.execute(later.values(segment=segment), execution_options={"synchronize_session": False})


def _mine(key: Key) -> ColumnElement[bool]:
    return and_(HealthReport.job_number == key[0], HealthReport.segment == key[1])
