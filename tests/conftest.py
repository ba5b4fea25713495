"""Fixtures for all tests: real databases, a real Redis, and the API on top of them.

``TEST_DATABASE_URL`` (a PostgreSQL on which databases may be created) and ``TEST_REDIS_URL`` (one whose database is
flushed) take the place of the servers started here.
"""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import httpx
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from kombu.connection import Connection
from support.databases import PostgresDatabases, SqliteDatabases
from support.http import client_of
from support.servers import Postgres, Valkey

from api.main import create_app
from models.database import Database
from models.settings import Settings

# A busy machine is no finding.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")

# Each has a Redis and a PostgreSQL of its own, and most of a gigabyte of memory.
MOST_PROCESSES = 4


def pytest_configure() -> None:
    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt  # runs the fixtures' ends, which stop the servers

    signal.signal(signal.SIGTERM, leave)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes ``--numprocesses auto`` means: one for each core, but only one where they would share a Redis
    that each test empties."""
    if "TEST_REDIS_URL" in os.environ:
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


@pytest.fixture(scope="module", autouse=True)
def _old_objects_set_aside() -> None:
    """A run of a job ends with a collection, which took longer than the run of a small one: it looked through all that
    is imported. That stays for good, so it is set aside; what a test makes and leaves is found as before."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def redis_server_url() -> Iterator[str]:
    """A Redis that all tests share; they take it through ``redis_url``."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    server = Valkey()
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[PostgresDatabases]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        databases = PostgresDatabases(Settings(database_url=given).resolved_database_url)
        yield databases
        databases.close()
        return
    server = Postgres()
    try:
        server.start()
        databases = PostgresDatabases(server.url("postgres"))
        yield databases
        databases.close()
    finally:
        server.remove()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """The broker URL of an empty Redis."""
    with Connection(redis_server_url) as connection:  # type: ignore[no-untyped-call]
        connection.default_channel.client.flushdb()
    return redis_server_url


@pytest.fixture
def private_redis() -> Iterator[Valkey]:
    """A Redis of the test's own, started, to be killed and started again."""
    server = Valkey()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database; each test runs on both kinds."""
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{request.param}_databases")
    with databases.fresh() as url:
        yield url


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(data_folder=tmp_path, database_url=database_url, redis_url=redis_url)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = Database(settings.resolved_database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the API, without a network between."""
    with client_of(create_app(settings)) as opened:
        yield opened
