"""What routes ask for, as ``Annotated`` types.

One request is one transaction. The sessions have ``scope="function"``: FastAPI leaves them after the route has
returned and its result has been serialised, but before the response is sent. So a client that reads "201" reads it of a
committed row, and a commit that fails raises where the error handlers still turn it into a problem. Background tasks
run after the response and only where the commit went through: that is where the doorbell is rung and files are deleted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from sqlalchemy.orm import Session

from api.bell import Bell
from api.errors import Problem, about
from models import jobs
from models.database import Database
from models.queue import Doorbell
from models.settings import Settings
from models.storage import Storage
from models.tables import Job

MAX_INTEGER = 2**63 - 1
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


async def _services(request: Request) -> Services:
    held: Services = request.app.state.services
    return held


ServicesHeld = Annotated[Services, Depends(_services)]


def _read_session(held: ServicesHeld) -> Iterator[Session]:
    with held.database.read() as session:
        yield session


def _write_session(held: ServicesHeld) -> Iterator[Session]:
    with held.database.write() as session:
        yield session


ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
WriteSession = Annotated[Session, Depends(_write_session, scope="function")]

JobId = Annotated[str, Path(description="The job's id.", examples=["job_0123456789abcdef01234567"])]


def _find(session: Session, job_id: str) -> Job:
    # Ids of another form are never looked up: a database cannot even be asked for some (NUL).
    job = jobs.get(session, job_id) if JOB_ID.fullmatch(job_id) else None
    if job is None:
        message = f"there is no job {job_id[:100]!r}, or it has been deleted"
        raise about("job_id", "path", "job_not_found", message)
    return job


def _job(session: ReadSession, job_id: JobId) -> Job:
    return _find(session, job_id)


def _job_to_change(session: WriteSession, job_id: JobId) -> Job:
    return _find(session, job_id)


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
