"""Settings of a quick worker; a running job and a real server, for the tests of its stream."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from support.http import served
from support.progress import record, running_job
from support.runs import QUICK
from support.streams import POLL_SECONDS, rows

from api.main import create_app
from models.database import Database
from models.leases import Lease
from models.settings import Settings
from models.tables import Job


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Settings by which a worker in this process is done with a job at once."""
    return settings.model_copy(update=QUICK)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings.model_copy(update={"stream_poll_seconds": POLL_SECONDS}))


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    with served(app) as url:
        yield url


@pytest.fixture
def job(database: Database) -> tuple[Job, Lease]:
    """A running job of ten rows."""
    job, lease = running_job(database, steps=1_000_000)
    record(database, job, lease, 1, rows(1, 10))
    return job, lease


@pytest.fixture
def path(job: tuple[Job, Lease]) -> str:
    return f"/v1/jobs/{job[0].id}/stream"
