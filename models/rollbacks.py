"""Going back to a checkpoint with a remedy: what was recorded since is put aside as a segment of its own."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import evaluations, events, metrics, reports, samples
from models.health_tables import Segment
from models.leases import Lease, as_of, hold, last_kept, verdict_of
from models.tables import Job


@dataclass(frozen=True)
class Rollback:
    """The way back to the checkpoint of ``step`` (0 is the job's beginning). ``report`` (JSON) is the alarm that it is
    done about; ``spec_patch`` (dotted path → value) and ``stream`` (of noise) are what the job then trains by."""

    step: int
    report: dict[str, Any]
    remedy: dict[str, Any]
    remedy_text: str
    spec_patch: dict[str, Any]
    stream: int


def roll_back(session: Session, lease: Lease, back: Rollback) -> list[str]:
    """Take the leased job back. What was recorded after the checkpoint becomes a segment, which stays readable, and the
    job counts one rollback more; all of it is said in its history. Returns the folders of checkpoints that were
    dropped, to be deleted after the commit.

    Raises:
        leases.LeaseLost: the lease is not good any more.
    """
    key = (lease.job_number, 0)
    before, now = verdict_of(session, lease), as_of(session, key, back.step)
    hold(session, lease, rollbacks=Job.rollbacks + 1, **now)
    segment = reports.next_segment(session, lease.job_number)
    last_step, dropped = _archive(session, key, back.step, segment)
    told = {"verdict": back.report["verdict"], "report": back.report, "remedy": back.remedy}
    told |= {"remedy_text": back.remedy_text, "spec_patch": back.spec_patch, "stream": back.stream}
    bounds = {"after_step": back.step, "last_step": last_step}
    session.add(Segment(job_number=lease.job_number, number=segment, **bounds, **told))
    _tell(session, lease, back, segment, last_step)
    reports.tell_of_return(session, lease.job_number, back.step, before, now["health"])
    return dropped


def _archive(session: Session, key: tuple[int, int], step: int, segment: int) -> tuple[int, list[str]]:
    """Make what was recorded after ``step`` that of another segment; returns the last step with rows, and the folders
    of checkpoints that were dropped."""
    kept = last_kept(step)
    last_step = metrics.archive(session, key, step, segment)
    samples.archive_samples(session, key, kept, segment)
    evaluations.archive(session, key, kept, segment)
    reports.archive(session, key, kept, segment)
    return last_step, samples.archive_checkpoints(session, key, step, segment)


def _tell(session: Session, lease: Lease, back: Rollback, segment: int, last_step: int) -> None:
    rollbacks = session.scalar(select(Job.rollbacks).where(Job.number == lease.job_number))
    verdict = back.report["verdict"]
    data = {"segment": segment, "from_step": last_step, "to_step": back.step, "verdict": verdict}
    message = f"back from step {last_step} to step {back.step} after {verdict}: {back.remedy_text}"
    data |= {"remedy": back.remedy, "rollback": rollbacks}
    events.add(session, lease.job_number, events.ROLLED_BACK, message, "warning", **data)
    message = f"what was recorded after step {back.step} is now segment {segment}, and is trained again"
    events.add(session, lease.job_number, events.REWOUND, message, step=back.step)
