"""An API to be polled, on a database with some jobs."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from support.progress import claim, finish, queue_job, record
from support.servers import Postgres

from benchmarks.rig.server import Process, api_server
from migrations.run import upgrade
from models.database import Database
from models.leases import Lease
from models.tables import Job

Kind = Literal["sqlite", "postgres"]
LEASE_SECONDS = 3600
APPLICATION = ("benchmarks.rig.polled:create_app", "--factory")
BLOCK = 500


@contextmanager
def database_of(kind: Kind, folder: Path) -> Iterator[str]:
    """The URL of an empty, migrated database, which is gone afterwards."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'ganjobs.sqlite3'}"
        upgrade(url)
        yield url
        return
    server = Postgres()
    try:
        server.start()
        upgrade(server.url("postgres"))
        yield server.url("postgres")
    finally:
        server.remove()


def api_on(url: str, folder: Path) -> AbstractContextManager[Process]:
    """One API process, with the benchmark's own routes, on a database; what it logs goes to a file in ``folder``."""
    return api_server(url, folder, APPLICATION)


def rows(first_step: int, count: int) -> list[list[float | None]]:
    return [[1.0 / step, 2.0 / step, *[0.5] * 7] for step in range(first_step, first_step + count)]


@dataclass
class RunningJob:
    """A job that trains as long as ``training`` is open: a block of steps each ``every`` seconds."""

    database: Database
    job: Job
    lease: Lease
    step: int = 0

    def write(self) -> None:
        record(self.database, self.job, self.lease, self.step + 1, rows(self.step + 1, BLOCK))
        self.step += BLOCK

    @contextmanager
    def training(self, every: float) -> Iterator[None]:
        stop = threading.Event()

        def train() -> None:
            while not stop.wait(every):
                self.write()

        thread = threading.Thread(target=train)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@dataclass(frozen=True)
class Jobs:
    """The jobs of a filled database: the ids of a finished one and a queued one, and one that can go on."""

    finished: str
    running: RunningJob
    queued: str


def fill(database: Database, steps: int) -> Jobs:
    """A finished and a running job of so many steps, and a job that waits behind 20 others."""
    finished, running = (_recorded(database, steps) for _ in range(2))
    finish(database, finished.lease)
    waiting = [queue_job(database) for _ in range(21)]
    return Jobs(finished.job.id, running, waiting[-1])


def _recorded(database: Database, steps: int) -> RunningJob:
    queue_job(database, name="polled", steps=1_000_000, metadata={"project": "benchmark"})
    running = RunningJob(database, *claim(database, seconds=LEASE_SECONDS))
    while running.step < steps:
        running.write()
    return running
