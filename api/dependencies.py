"""What routes ask for, as ``Annotated`` types.

One request is one transaction. The sessions have ``scope="function"``: FastAPI leaves them after the route has
returned and its result has been serialised, but before the response is sent. So a client that reads "201" reads it of a
committed row, and a commit that fails raises where the error handlers still turn it into a problem. Background tasks
run after the response and only where the commit went through: that is where the doorbell is rung and files are deleted.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from anyio import Semaphore
from fastapi import Depends, Header, Path, Query, Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from sqlalchemy.orm import Session

from api.bell import Bell
from api.errors import Problem, about
from api.polling import Poller
from api.stream.hub import Hub
from models import jobs
from models.database import POOL_SIZE, Database
from models.polling import Standing
from models.queue import Doorbell
from models.settings import Settings
from models.storage import Storage
from models.tables import Job

Answer = TypeVar("Answer")
MAX_INTEGER = 2**63 - 1
# The pool gives out twice its size; what is left is for probes and streams.
SESSIONS_AT_ONCE = POOL_SIZE + POOL_SIZE // 2
JOB_ID = re.compile(r"job_[0-9a-f]{24}")
IDEMPOTENCY_KEY = r"^[\x20-\x7e]+$"


@dataclass(frozen=True)
class Services:
    """What one application holds open."""

    settings: Settings
    database: Database
    doorbell: Doorbell
    bell: Bell
    storage: Storage
    poller: Poller
    streams: Hub
    # Whoever opens a session waits for its turn without holding a thread. With the threads full of requests that wait
    # for a connection, those that have one would find no thread to go on with.
    turns: Semaphore = field(default_factory=lambda: Semaphore(SESSIONS_AT_ONCE))


async def _services(request: Request) -> Services:
    held: Services = request.app.state.services
    return held


ServicesHeld = Annotated[Services, Depends(_services)]


async def _read_session(held: ServicesHeld) -> AsyncIterator[Session]:
    async with held.turns, contextmanager_in_threadpool(held.database.read()) as session:
        yield session


async def _write_session(held: ServicesHeld) -> AsyncIterator[Session]:
    async with held.turns, contextmanager_in_threadpool(held.database.write()) as session:
        yield session


ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
WriteSession = Annotated[Session, Depends(_write_session, scope="function")]

JobId = Annotated[str, Path(description="The job's id.", examples=["job_0123456789abcdef01234567"])]


def find_job(session: Session, job_id: str) -> Job:
    """The job, read in ``session``. Raises ``Problem`` (404) where there is none."""
    job = jobs.get(session, job_id) if _can_be(job_id) else None
    if job is None:
        raise _not_found(job_id)
    return job


async def standing_of(request: Request, job_id: str) -> Standing:
    """The job as it stands now, for what is polled: without a session, and without a thread of its own.

    Raises:
        Problem: there is no such job (404).
    """
    held: Services = request.app.state.services
    standing = await held.poller.read(job_id) if _can_be(job_id) else None
    if standing is None:
        raise _not_found(job_id)
    return standing


async def in_session(request: Request, work: Callable[[Session], Answer]) -> Answer:
    """What ``work`` makes of a session that sees one moment, on one thread from beginning to end."""
    held: Services = request.app.state.services

    def run() -> Answer:
        with held.database.snapshot() as session:
            return work(session)

    async with held.turns:
        return await run_in_threadpool(run)


def _can_be(job_id: str) -> bool:
    """Ids of another form are never looked up: a database cannot even be asked for some (NUL)."""
    return JOB_ID.fullmatch(job_id) is not None


def _not_found(job_id: str) -> Problem:
    return about("job_id", "path", "job_not_found", f"there is no job {job_id[:100]!r}, or it has been deleted")


def _job(session: ReadSession, job_id: JobId) -> Job:
    return find_job(session, job_id)


def _job_to_change(session: WriteSession, job_id: JobId) -> Job:
    return find_job(session, job_id)


# A job of the path; a 404 where there is none.
TheJob = Annotated[Job, Depends(_job)]
JobToChange = Annotated[Job, Depends(_job_to_change)]


def _idempotency_key(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=IDEMPOTENCY_KEY,
            description="Printable ASCII of your choice. Key and request give the same job however often sent.",
            examples=["7c4a8d09-digits-try-1"],
        ),
    ] = None,
) -> str | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise Problem("ambiguous_header", "Idempotency-Key was sent more than once: which one holds?")
    return key


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]

Limit = Annotated[int, Query(ge=1, le=100, description="How many to return at most.", examples=[20])]
AfterNumber = Annotated[
    int,
    Query(ge=0, le=MAX_INTEGER, description="Return what comes after this `id`: the last one of the page before."),
]
Step = Annotated[int, Path(ge=0, le=MAX_INTEGER, description="The training step.", examples=[200])]
