"""The tables of training health: what was found at each assessment, and the stretches that a job has gone back from."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.database import database_now
from models.tables import Base, job_key


class HealthReport(Base):
    """One assessment: the ``models.verdicts.Report`` and, to repeat it by, the reading it was made of. What many are
    read at once for (their verdicts) stands before the two, which are some kilobytes."""

    __tablename__ = "health_reports"

    job_number: Mapped[int] = job_key()
    segment: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    verdict: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(8))
    confidence: Mapped[float]
    report: Mapped[dict[str, Any]]
    reading: Mapped[dict[str, Any]]


class Segment(Base):
    """A stretch of steps that a job has gone back from: its rows are those of this ``segment`` number, counted from 1.
    The line that a job is on is always segment 0. ``after_step`` is where both begin, ``report`` why it was left,
    ``spec_patch`` (dotted path → value) what the remedy has changed in the spec."""

    __tablename__ = "segments"

    job_number: Mapped[int] = job_key()
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    after_step: Mapped[int]
    last_step: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(40))
    report: Mapped[dict[str, Any]]
    remedy: Mapped[dict[str, Any]]
    remedy_text: Mapped[str] = mapped_column(Text)
    spec_patch: Mapped[dict[str, Any]]
    stream: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(default=database_now())
