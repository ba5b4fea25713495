"""Mirrors jobs to an MLflow server while they train: a process of its own that looks at the database,
``python -m worker.mirror``. It needs no torch and no Redis, and no job ever waits for it.

Any number may run at once: a job is taken by a compare-and-set, for a while. A mirror that dies has its jobs taken by
another, which sends what may not have arrived once more, dated as before: to MLflow it is the same.
"""

import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated

import structlog
import typer
from sqlalchemy.exc import SQLAlchemyError

from models import logs, mirrors
from models.database import Database
from models.mirrors import Held
from models.settings import Settings, read_settings
from models.tables import Job
from worker import mirror_page
from worker.mirror_errors import ArtifactsFailed, Away, Lost, Refused
from worker.mirror_sending import LEASE_SECONDS, OPENING_SECONDS, Runs, Sender
from worker.pulse import Pulse, stop_signals

log = structlog.get_logger(__name__)

# Jobs looked at in a pass, and pages of one before the next has its turn.
JOBS = 200
PAGES = 20
# Between tries while the server is away, and of a job that it does not take: doubled each time, up to the longest.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
# Waits are multiplied by a number between these, lest many come back together.
JITTER = (1.0, 1.3)
SLOWEST_PASS_SECONDS = 180.0
SLICE_SECONDS = 0.2


class Mirror:
    """Sends what is new of jobs to ``target``. ``alive`` is called after each page."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        target: Runs,
        alive: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._settings = settings
        self._target = target
        self._sender = Sender(database, target)
        self._alive = alive
        self._stopped = stopped
        self._number: int | None = None
        # Jobs that something unexpected was met with, and when they may have another try.
        self._set_aside: dict[int, float] = {}
        self._is_database_away = False
        # Tries in a row that found the server away, and when the next may be made.
        self._away = 0
        self._again_at = 0.0

    def run_once(self) -> int:
        """One pass over the jobs that there is news of; returns how many pages were sent. An outage of the database or
        of the server is logged and left to a later pass."""
        if time.monotonic() < self._again_at:
            return 0
        sent = 0
        try:
            for number in self._due():
                sent += self._mirror(number)
        except SQLAlchemyError as error:
            if not self._is_database_away:
                log.warning("the database is away, or has not been migrated", error=str(error).splitlines()[0])
            self._is_database_away = True
            return sent
        except Away as error:
            self._stay_away(error)
        if self._is_database_away:
            log.info("the database is back")
        self._is_database_away = False
        return sent

    def _due(self) -> list[int]:
        if self._number is None:
            with self._database.write() as session:
                names = (self._settings.mlflow_tracking_uri or "", self._settings.mlflow_experiment)
                self._number = mirrors.register(session, *names)
        with self._database.read() as session:
            are_new = mirrors.has_new_jobs(session, self._number)
        if are_new:
            with self._database.write() as session:
                mirrors.enlist(session, self._number)
        with self._database.read() as session:
            due = mirrors.list_due(session, self._number, JOBS)
        now = time.monotonic()
        return [number for number in due if self._set_aside.get(number, now) <= now]

    def _mirror(self, number: int) -> int:
        """Send pages of a job, as many as it may have before the next has its turn; returns how many."""
        for sent in range(PAGES):
            try:
                more = not self._stopped() and self._mirror_page(number)
            except (SQLAlchemyError, Away):
                raise
            except Exception:  # logged; and the others must not suffer for it
                log.exception("unexpected error", job_number=number)
                self._set_aside[number] = time.monotonic() + LONGEST_WAIT_SECONDS
                more = False
            self._alive()
            if not more:
                return sent + 1
        return PAGES

    def _mirror_page(self, number: int) -> bool:
        """Send a job's next page; whether there is another one.

        Raises:
            Away: the server is.
        """
        assert self._number is not None
        with self._database.snapshot() as session:
            held = mirrors.look(session, self._number, number)
            job = session.get(Job, number)
            if held is None:
                return False
            if job is None:
                return self._try(held, {}, self._sender.tell_of_deletion)
            clock = mirror_page.clock_of(job, held)
            points, url = self._settings.mlflow_points, self._settings.resolved_url
            page = mirror_page.read(session, job, held, clock, points, url)
        return self._try(held, asdict(clock), lambda held: self._sender.send_page(held, job, page))

    def _try(self, seen: Held, clock: Mapping[str, object], act: Callable[[Held], bool]) -> bool:
        """Take a job and ``act``; what goes wrong is written down, and tried again after a while."""
        with self._database.write() as session:
            held = mirrors.take(session, seen, clock, LEASE_SECONDS if seen.run_id else OPENING_SECONDS)
        if held is None:
            return False
        told = log.bind(job_id=held.job_id)
        try:
            more = act(held)
        except Away as error:
            self._put_off(held, 0.0, str(error), held.failures)
            raise
        except Lost:
            return False
        except (Refused, ArtifactsFailed) as error:
            if held.run_id is not None and self._target.is_deleted(held.run_id):
                told.info("its run was deleted over there: it is mirrored no more", run_id=held.run_id)
                with self._database.write() as session:
                    mirrors.end(session, held, "the run was deleted")
                return False
            if not held.failures:
                told.warning("not taken; it will be tried again", error=str(error))
            self._put_off(held, _wait(held.failures), str(error), held.failures + 1)
            return False
        if self._away:
            log.info("MLflow is back", tries=self._away)
            self._away = 0
        return more

    def _put_off(self, held: Held, seconds: float, error: str, failures: int) -> None:
        with self._database.write() as session:
            mirrors.put_off(session, held, seconds, error, failures)

    def _stay_away(self, error: Away) -> None:
        """One line when it begins; the next is that it is over."""
        if not self._away:
            log.warning("MLflow is away; jobs go on, and are mirrored when it is back", error=str(error))
        self._again_at = time.monotonic() + _wait(self._away)
        self._away += 1


def _wait(tries: int) -> float:
    """Seconds to wait after so many tries before."""
    doubled: float = FIRST_WAIT_SECONDS * 2 ** min(tries, 16)
    return min(doubled, LONGEST_WAIT_SECONDS) * random.uniform(*JITTER)


def main(check_only: Annotated[bool, typer.Option("--check", help="Only ask whether it is alive.")] = False) -> None:
    """Mirror jobs until told to stop."""
    settings = read_settings()
    pulse = Pulse("mirror", settings.resolved_data_folder)
    if check_only:
        return pulse.check(SLOWEST_PASS_SECONDS + settings.mlflow_seconds)
    if settings.mlflow_tracking_uri is None:
        sys.exit("mirror: nowhere to mirror to: set GANJOBS_MLFLOW_TRACKING_URI")
    logs.configure(settings.log_format)
    stopped = stop_signals()
    # Only here: it takes seconds, which asking for a sign of life need not.
    from worker.mirror_target import Target

    database = Database(settings.resolved_database_url)
    target = Target(settings.mlflow_tracking_uri, settings.mlflow_experiment)
    mirror = Mirror(database, settings, target, pulse.show, lambda: bool(stopped))
    log.info("mirror started", uri=settings.mlflow_tracking_uri, every_seconds=settings.mlflow_seconds)
    while not stopped:
        mirror.run_once()
        pulse.show()
        next_pass = time.monotonic() + settings.mlflow_seconds
        while not stopped and time.monotonic() < next_pass:
            time.sleep(min(SLICE_SECONDS, settings.mlflow_seconds))
    database.dispose()
    return None


if __name__ == "__main__":
    typer.run(main)
