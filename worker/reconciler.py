"""Puts right what died: a process of its own that looks at the database, ``python -m worker.reconciler``.

Any number may run at once: every change is a compare-and-set. It needs no torch, and goes on when Redis is away.
"""

import time
from typing import Annotated

import structlog
import typer
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from models import jobs, leases, logs
from models.database import Database
from models.queue import Doorbell, QueueUnavailable
from models.settings import Settings, read_settings
from models.transitions import TransitionLost
from worker.pulse import Pulse, stop_signals

log = structlog.get_logger(__name__)

# A pass may wait this long for a database or a Redis that does not answer.
SLOWEST_PASS_SECONDS = 60.0
# However many jobs wait: no fleet takes up more of them before the next pass.
ENOUGH_MESSAGES = 100
SLICE_SECONDS = 0.2


class Reconciler:
    """One pass ends expired leases and rings for queued jobs whose message was lost."""

    def __init__(self, database: Database, doorbell: Doorbell, settings: Settings) -> None:
        self._database = database
        self._doorbell = doorbell
        self._settings = settings
        self._outage_until = 0.0

    def run_once(self) -> None:
        """One pass. An outage is logged and left to the next pass; leases that ran out during one of the database are
        nobody's fault."""
        try:
            self.end_expired_leases()
            self.ring_for_lost_messages()
        except SQLAlchemyError as error:
            self._outage_until = time.monotonic() + self._settings.lease_seconds
            log.warning("the database is away", error=str(error).splitlines()[0])
        except QueueUnavailable as error:
            log.warning("the queue is away", error=str(error).splitlines()[0])

    def end_expired_leases(self) -> int:
        """Queue, pause, cancel or fail jobs whose worker is gone; returns how many."""
        with self._database.read() as session:
            candidates = leases.expired(session)
        blameless = time.monotonic() < self._outage_until
        ended = 0
        for job in candidates:
            try:
                with self._database.write() as session:
                    after = leases.take_back(session, job, self._settings.max_attempts, blameless)
            except TransitionLost:
                continue  # its worker, or another reconciler, came first
            except OperationalError as error:  # locked by a worker stopped in mid-transaction: others need not wait
                log.warning("lease not ended yet", job_id=job.id, error=str(error).splitlines()[0])
                self._end_stuck_copies()
                continue
            log.warning("lease expired", job_id=job.id, attempt=job.attempt, status=after.status)
            ended += 1
        return ended

    def _end_stuck_copies(self) -> None:
        """A worker that was stopped in the middle of a write keeps its job's row until that is ended for it."""
        if stuck := self._database.end_stuck_copies(self._settings.lease_seconds):
            log.warning("ended writes of workers that stand still", count=stuck)

    def ring_for_lost_messages(self) -> int:
        """Send as many messages as queued jobs lack, up to what keeps all workers busy; returns how many."""
        waiting = self._doorbell.waiting()
        if waiting >= ENOUGH_MESSAGES:
            return 0
        with self._database.read() as session:
            missing = jobs.count_queued(session, most=ENOUGH_MESSAGES) - waiting
        if missing > 0:
            self._doorbell.ring(missing)
        return max(missing, 0)


def main(check_only: Annotated[bool, typer.Option("--check", help="Only ask whether it is alive.")] = False) -> None:
    """Look after jobs until told to stop."""
    settings = read_settings()
    pulse = Pulse("reconciler", settings.resolved_data_folder)
    if check_only:
        return pulse.check(SLOWEST_PASS_SECONDS + settings.reconcile_seconds)
    logs.configure(settings.log_format)
    stopped = stop_signals()
    database, doorbell = Database(settings.resolved_database_url), Doorbell(settings)
    reconciler = Reconciler(database, doorbell, settings)
    log.info("reconciler started", every_seconds=settings.reconcile_seconds)
    while not stopped:
        reconciler.run_once()
        pulse.show()
        next_pass = time.monotonic() + settings.reconcile_seconds
        while not stopped and time.monotonic() < next_pass:
            time.sleep(min(SLICE_SECONDS, settings.reconcile_seconds))
    doorbell.close()
    database.dispose()
    return None


if __name__ == "__main__":
    typer.run(main)
