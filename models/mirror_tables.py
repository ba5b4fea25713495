"""The tables of mirroring: where jobs are mirrored to, and how far each has been mirrored there.

A job's row does not refer to the job by a foreign key: it outlives a deleted job until its run has been told so.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.database import database_now
from models.tables import Base, Counter


class MirrorTarget(Base):
    """An experiment on a server that jobs are mirrored to: those that are not finished, and all with numbers above
    ``after_job``: the newest there was when that began, or one that all before have been looked at."""

    __tablename__ = "mirror_targets"

    number: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    uri: Mapped[str] = mapped_column(Text)
    experiment: Mapped[str] = mapped_column(String(500))
    after_job: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=database_now())

    __table_args__ = (UniqueConstraint("uri", "experiment", name="mirror_targets_once"),)


class Mirror(Base):
    """A job on a target. ``attempts`` is the fencing token of whoever mirrors it, until ``due_at``; then, and where
    nobody does, it may be taken up."""

    __tablename__ = "mirrors"

    target_number: Mapped[int] = mapped_column(
        Counter, ForeignKey("mirror_targets.number", ondelete="CASCADE"), primary_key=True
    )
    job_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(String(32))
    run_id: Mapped[str | None] = mapped_column(String(64))
    # All that has arrived: the fields of a ``news.Cursor``, and its revision once more to be compared with the job's.
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    revision: Mapped[int] = mapped_column(default=0)
    # What steps are dated by, while something is being sent: whoever sends it again dates it alike.
    clock: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    tags: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Nothing more will be mirrored: all has been, or the run was deleted.
    done: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    # One after the other since the last page that arrived.
    failures: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(default=database_now())

    __table_args__ = (
        Index(
            "mirrors_due",
            "target_number",
            "due_at",
            postgresql_where=text("NOT done"),
            sqlite_where=text("NOT done"),
        ),
    )
