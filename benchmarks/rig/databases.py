"""Databases of both kinds, for benchmarks that fill several."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.databases import PostgresDatabases, SqliteDatabases
from support.servers import Postgres


@contextmanager
def both_kinds(folder: Path) -> Iterator[tuple[SqliteDatabases, PostgresDatabases]]:
    """SQLite's, in ``folder``, and those of a PostgreSQL that is started for them and gone afterwards."""
    server = Postgres()
    try:
        server.start()
        on_postgres = PostgresDatabases(server.url("postgres"))
        yield SqliteDatabases(folder), on_postgres
        on_postgres.close()
    finally:
        server.remove()
