"""A worker's way to the database: each write is done once, by the attempt that holds the job, or not at all."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from models import events, leases
from models.database import Database
from models.leases import AlreadyWritten, Lease
from worker.joblog import JobLog
from worker.patience import patiently

Result = TypeVar("Result")


class LeasedWriter:
    """The writes of one attempt, one after the other. A write is repeated for ``patience_seconds`` while the database
    is away; one whose commit went through though its answer was lost is recognised by its number.

    Raises (from every method): ``LeaseLost``, or the outage that outlasted the patience.
    """

    def __init__(self, database: Database, lease: Lease, joblog: JobLog, patience_seconds: float) -> None:
        self.database = database
        self.lease = lease
        self._joblog = joblog
        self._number = 0
        self._retry = patiently(patience_seconds)

    def write(self, statements: Callable[[Session], None], **values: Any) -> None:
        """One transaction: the lease is checked and ``values`` set on the job, log lines added, then ``statements``."""
        self._number += 1
        lines = self._joblog.drain()

        def attempt() -> None:
            with self.database.write() as session:
                leases.hold_for_write(session, self.lease, self._number, **values)
                events.add_log_lines(session, self.lease.job_number, self.lease.attempt, lines)
                statements(session)

        try:
            self._retry(attempt)
        except AlreadyWritten:
            return

    def add_event(self, kind: str, message: str, level: events.Level = "info", **data: Any) -> None:
        """Add to the job's history."""
        self.write(lambda session: events.add(session, self.lease.job_number, kind, message, level, **data))

    def read(self, query: Callable[[Session], Result]) -> Result:
        """What ``query`` finds."""

        def attempt() -> Result:
            with self.database.read() as session:
                return query(session)

        return self._retry(attempt)
