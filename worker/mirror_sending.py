"""Sends a page of a job to its run: points, files, tags, state, and only then that it has been sent is written down."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from models import mirrors
from models.database import Database
from models.mirrors import Held
from models.tables import Job
from worker import mirror_images
from worker.mirror_errors import ArtifactsFailed, Lost
from worker.mirror_mapping import TAG_LENGTH, cut, milliseconds, params_of
from worker.mirror_page import Page, Point

log = structlog.get_logger(__name__)

# How long a job waits for its mirror that has died. Of one that was only slow, points do no harm: it dates them as the
# next one does.
LEASE_SECONDS = 10.0
# The same where a run is made, of which there must not be two: longer than the server may take to answer.
OPENING_SECONDS = 90.0
# Tries to store a page's files, a minute in all, before the run goes on without them.
ARTIFACT_TRIES = 6
STATUS_TAG = "ganjobs.status"
ARTIFACTS_TAG = "ganjobs.artifacts"


class Runs(Protocol):
    """Where runs are: ``worker.mirror_target.Target``. Each method may raise ``Away`` or ``Refused``."""

    def find_or_create(self, job_id: str, name: str, began_at: int, tags: Mapping[str, str]) -> str: ...

    def is_deleted(self, run_id: str) -> bool: ...

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None: ...

    def log_points(self, run_id: str, points: Sequence[Point], keep: Callable[[], None]) -> None: ...

    def set_tags(self, run_id: str, tags: Mapping[str, str], gone: Sequence[str] = ()) -> None: ...

    def upload(self, run_id: str, files: Mapping[str, bytes], keep: Callable[[], None]) -> None: ...

    def set_status(self, run_id: str, status: str, ended_at: int | None) -> None: ...


class Sender:
    """Sends pages of jobs that have been taken to ``target``."""

    def __init__(self, database: Database, target: Runs) -> None:
        self._database = database
        self._target = target

    def send_page(self, held: Held, job: Job, page: Page) -> bool:
        """Send a page; whether another one follows.

        Raises:
            Away, Refused, ArtifactsFailed, Lost: it may not have arrived whole.
        """
        if held.run_id is None:
            held = self._open_run(held, job, page)
        assert held.run_id is not None
        keep = self._keeper(held)
        self._target.log_points(held.run_id, page.points, keep)
        lasting = self._upload(held, page, keep)
        # The others are of the job as it is now, and wait until all that led there has been told.
        tags = {**(page.tags if page.is_last else held.tags), **lasting}
        changed = {name: value for name, value in tags.items() if held.tags.get(name) != value}
        keep()
        self._target.set_tags(held.run_id, changed, [name for name in held.tags if name not in tags])
        if page.status is not None and STATUS_TAG in changed:
            self._target.set_status(held.run_id, page.status, page.ended_at)
        with self._database.write() as session:
            is_ours = mirrors.advance(session, held, page.cursor, tags, page.ends_it)
        return is_ours and not page.is_last

    def _open_run(self, held: Held, job: Job, page: Page) -> Held:
        began = milliseconds(job.created_at)
        run_id = self._target.find_or_create(job.id, job.name or job.id, began, page.tags)
        self._target.log_params(run_id, params_of(job.spec))
        with self._database.write() as session:
            mirrors.name_run(session, held, run_id)
        log.info("mirrored", job_id=job.id, run_id=run_id)
        return replace(held, run_id=run_id)

    def _keeper(self, held: Held) -> Callable[[], None]:
        """What is to be called before each request: it raises ``Lost`` where somebody else has the job, who may have
        told what follows. Asks the database only after a while."""
        asked_at = time.monotonic()

        def keep() -> None:
            nonlocal asked_at
            if time.monotonic() - asked_at < LEASE_SECONDS / 3:
                return
            with self._database.write() as session:
                if not mirrors.keep(session, held, LEASE_SECONDS):
                    raise Lost(held.job_id)
            asked_at = time.monotonic()

        return keep

    def _upload(self, held: Held, page: Page, keep: Callable[[], None]) -> dict[str, str]:
        """Store a page's files; returns the tags about files, which last.

        Raises:
            ArtifactsFailed: they could not be stored, and it is worth another try.
        """
        tags = {name: held.tags[name] for name in (mirror_images.TAG, ARTIFACTS_TAG) if name in held.tags}
        if not page.files or held.run_id is None:
            return tags
        try:
            self._target.upload(held.run_id, page.files, keep)
        except ArtifactsFailed as error:
            if held.failures + 1 < ARTIFACT_TRIES and ARTIFACTS_TAG not in held.tags:
                raise
            log.warning("artifacts are left out", job_id=held.job_id, files=len(page.files), error=str(error))
            return tags | {ARTIFACTS_TAG: cut(f"some are left out: {error}", TAG_LENGTH)}
        if any(name.startswith("images/") for name in page.files):
            tags[mirror_images.TAG] = "True"
        return tags

    def tell_of_deletion(self, held: Held) -> bool:
        """What was mirrored of a deleted job stays; a run that nobody will end is ended."""
        if held.run_id is not None and not self._target.is_deleted(held.run_id):
            self._target.set_tags(held.run_id, {STATUS_TAG: "deleted"})
            self._target.set_status(held.run_id, "KILLED", round(time.time() * 1000))
        with self._database.write() as session:
            mirrors.end(session, held, "the job was deleted")
        return False
