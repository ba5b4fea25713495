"""Keeps a lease alive from a thread of its own, and watches for what users ask: a long step must not lose the job."""

import os
import threading
import time
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models import leases
from models.database import Database
from models.leases import Lease, LeaseLost
from models.settings import Settings
from models.status import JobStatus
from worker.patience import in_context

log = structlog.get_logger(__name__)
# A thread that waits for a database which never answers is left behind.
EXIT_SECONDS = 5.0


class LeaseKeeper:
    """A context manager around an attempt. The flags are read by the training thread; ``orphaned``
    says that the worker's main process is gone.

    While the database is away the keeper goes on trying. The database says that a lease is lost; so does the clock,
    where nothing has been heard of the database for as long as a lease lasts (its answer may never come).
    """

    def __init__(self, database: Database, lease: Lease, settings: Settings) -> None:
        self._taken_away = False
        self._good_until = time.monotonic() + settings.lease_seconds
        self.cancelling = False
        self.pausing = False
        self.orphaned = False
        self._database = database
        self._lease = lease
        self._settings = settings
        self._done = threading.Event()
        self._parent = os.getppid()
        self._thread = threading.Thread(target=in_context(self._run), name="lease", daemon=True)

    @property
    def lost(self) -> bool:
        return self._taken_away or time.monotonic() > self._good_until

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(timeout=EXIT_SECONDS)

    def _run(self) -> None:
        next_heartbeat = time.monotonic() + self._settings.heartbeat_seconds
        give_up_at = float("inf")
        while not self._done.wait(self._settings.control_poll_seconds):
            self.orphaned = os.getppid() != self._parent
            try:
                # Training that does not even stop when asked to hangs: let the lease run out.
                if next_heartbeat <= (asked := time.monotonic()) < give_up_at:
                    with self._database.write() as session:
                        leases.extend(session, self._lease, self._settings.lease_seconds)
                    next_heartbeat = asked + self._settings.heartbeat_seconds
                    self._good_until = asked + self._settings.lease_seconds
                with self._database.read() as session:
                    status = leases.status_of(session, self._lease)
            except LeaseLost:
                status = None
            except SQLAlchemyError as error:
                log.warning("the lease cannot be checked: the database is away", error=str(error).splitlines()[0])
                continue
            self.cancelling = status is JobStatus.CANCELLING
            self.pausing = status is JobStatus.PAUSING
            if self.cancelling or self.pausing or self.orphaned:
                give_up_at = min(give_up_at, time.monotonic() + self._settings.lease_seconds)
            if status is None:
                self._taken_away = True
                return
