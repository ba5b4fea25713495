"""A fresh, migrated database for each test, copied from a template that was migrated once."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

from migrations.run import upgrade


class PostgresDatabases:
    """Databases on the server of ``url``, whose own database is only connected to, never written."""

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._admin = create_engine(self._server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._template = self._name("template")
        self._execute(f'CREATE DATABASE "{self._template}"')
        upgrade(_shown(self._server.set(database=self._template)))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a new database, dropped at the end."""
        name = self._name("test")
        # Copied by files: the default writes every page to the log as well.
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" STRATEGY FILE_COPY')
        try:
            yield _shown(self._server.set(database=name))
        finally:
            self._drop(name)

    def close(self) -> None:
        self._drop(self._template)
        self._admin.dispose()

    def _name(self, kind: str) -> str:
        return f"ganjobs_{kind}_{uuid.uuid4().hex[:12]}"

    def _drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


class SqliteDatabases:
    """Files copied from one migrated file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite3"
        upgrade(f"sqlite:///{self._template}")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a new database; its folder is deleted at the end."""
        folder = self._folder / uuid.uuid4().hex[:12]
        folder.mkdir()
        shutil.copyfile(self._template, folder / "test.sqlite3")
        yield f"sqlite:///{folder / 'test.sqlite3'}"
        shutil.rmtree(folder, ignore_errors=True)


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)
