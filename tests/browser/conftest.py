"""The real service with jobs to look at, and a real Chromium on its page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.browsing import DESKTOP, SHIFTS, Watched, chromium
from support.serving import RING, Serving, running, wait_for_end
from support.watched import finished_job

from ganjobs.rest import Rest
from models.database import Database
from models.settings import Settings

# A slow machine draws slowly.
PATIENCE_MS = 30_000
STEPS = 20_000
SPIKE_AT = 13_579
ENDLESS = RING | {"name": "endless", "steps": 500_000, "sample_every": 500, "checkpoint_every": 500}

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with running(tmp_path_factory.mktemp("page") / "data") as service:
        yield service


@pytest.fixture(scope="session")
def database(serving: Serving) -> Iterator[Database]:
    """The service's own."""
    found = Database(Settings(data_folder=serving.folder).resolved_database_url)
    yield found
    found.dispose()


@pytest.fixture(scope="session")
def client(serving: Serving) -> Iterator[Rest]:
    with serving.client() as client:
        yield client


@pytest.fixture(scope="session")
def long_job(database: Database) -> str:
    """A finished job of ``STEPS`` steps with one step's spike."""
    return finished_job(database, "with a spike", STEPS, spike_at=SPIKE_AT, sampled=21)


@pytest.fixture(scope="session")
def other_job(database: Database) -> str:
    return finished_job(database, "another one", 4000)


@pytest.fixture(scope="session")
def trained_job(client: Rest) -> str:
    """A finished job that a worker has trained: it has checkpoints, a log and events."""
    job_id: str = client.create(RING | {"name": "trained"})["id"]
    assert wait_for_end(client, job_id)["status"] == "succeeded"
    return job_id


@pytest.fixture
def start(client: Rest) -> Iterator[Callable[..., str]]:
    """Queues a job of a small spec with the changes given, and returns its id; what still trains at the end of the test
    is cancelled."""
    with started(client) as start:
        yield start


@pytest.fixture(scope="module")
def endless_job(client: Rest) -> Iterator[str]:
    """A job that trains as long as it is looked at."""
    with started(client) as start:
        yield start()


@contextmanager
def started(client: Rest) -> Iterator[Callable[..., str]]:
    begun: list[str] = []

    def start(**changes: Any) -> str:
        begun.append(client.create(ENDLESS | changes)["id"])
        return begun[-1]

    yield start
    for job_id in begun:
        if client.get(job_id)["finished_at"] is None:
            client.cancel(job_id)
            wait_for_end(client, job_id)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, serving: Serving) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=serving.url, viewport=DESKTOP, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(SHIFTS)
    yield context
    context.close()


@pytest.fixture
def watched(context: BrowserContext, serving: Serving) -> Iterator[Watched]:
    """Watches all that a test does: no page may ask another host for anything, nor write an error."""
    watched = Watched(context)
    yield watched
    assert watched.requested != []
    assert watched.strangers(serving.url) == []
    assert watched.errors == []


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Page:
    return context.new_page()
