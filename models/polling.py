"""Reading jobs for those who ask again and again, many jobs by one statement."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice

import orjson
import psycopg
from sqlalchemy import select
from sqlalchemy.engine.interfaces import DBAPIConnection

from models import jobs
from models.database import Database
from models.tables import Job

# Jobs remembered as they were last read, of a few kilobytes each.
REMEMBERED = 512
# How each database takes any number of ids as one parameter.
IDS = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY(%s)"}
# All that tells one state of a job from another: its revision (and its training time, for a database that was restored
# from a copy comes to the same revisions again), and its place in the queue as ``models.jobs.queue_position`` has it.
GLANCE = """
    SELECT id, revision, training_seconds, CASE WHEN status = 'queued' THEN 1 + (
        SELECT count(*) FROM jobs AS ahead WHERE ahead.status = 'queued' AND (
            ahead.priority > jobs.priority OR (ahead.priority = jobs.priority AND ahead.number < jobs.number)))
    END FROM jobs WHERE id """


@dataclass(frozen=True, eq=False)
class Standing:
    """A job as it stands, and its place in the queue: 1 for the one that is taken up next, ``None`` for one that is not
    queued. ``job`` belongs to no session; what changes in it without raising its revision (its lease) may be older. As
    long as nothing changes, the same object is given again."""

    job: Job
    position: int | None


class JobReader:
    """Glances at jobs, and reads those that it does not remember as they are now.

    A glance goes past SQLAlchemy, over connections of its own that stay open and begin no transaction. That spares most
    of the work of a read, and three of its four round trips to PostgreSQL. Where anything goes wrong with a glance the
    ordinary way is taken, and what goes wrong there is told. May be used by several threads at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._driver_error: type[Exception] = database.engine.dialect.loaded_dbapi.Error
        self._glance = GLANCE + IDS[database.engine.dialect.name]
        self._is_sqlite = database.engine.dialect.name == "sqlite"
        self._idle: list[DBAPIConnection] = []
        self._remembered: dict[str, Standing] = {}

    def read(self, ids: Collection[str]) -> Mapping[str, Standing]:
        """The jobs of ``ids``, as they stand after this was called; those that do not exist are missing.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database does not answer.
        """
        try:
            seen = self._look(list(ids))
        except self._driver_error:
            # Most likely the connection was closed while it lay idle, as the others were. What is remembered goes too:
            # a database that was restarted may have been restored to an older state.
            self.close()
            return self._read(ids)
        found, changed = {}, []
        for job_id, *state in seen:
            known = self._remembered.get(job_id)
            if known is not None and [known.job.revision, known.job.training_seconds, known.position] == state:
                found[job_id] = known
            else:
                changed.append(job_id)
        return found | self._read(changed) if changed else found

    def close(self) -> None:
        """Close the connections that are not in use, and forget everything."""
        self._remembered.clear()
        while self._idle:
            self._idle.pop().close()

    def _look(self, ids: list[str]) -> list[tuple[str, int, float, int | None]]:
        """The id, revision, training time and place in the queue of each of these jobs."""
        with self._connection() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(self._glance, (orjson.dumps(ids).decode() if self._is_sqlite else ids,))
            return list(cursor.fetchall())

    def _read(self, ids: Collection[str]) -> dict[str, Standing]:
        with self._database.read() as session:
            found = {
                job.id: Standing(job, jobs.queue_position(session, job))
                for job in session.scalars(select(Job).where(Job.id.in_(ids)))
            }
        self._remembered.update(found)
        for oldest in [*islice(self._remembered, max(len(self._remembered) - REMEMBERED, 0))]:
            self._remembered.pop(oldest, None)
        return found

    @contextmanager
    def _connection(self) -> Iterator[DBAPIConnection]:
        """A connection of the driver's, to be used by one thread."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _open(self) -> DBAPIConnection:
        pooled = self._database.engine.raw_connection()
        connection = pooled.dbapi_connection
        assert connection is not None
        pooled.detach()  # the pool gets none back that was changed
        if isinstance(connection, psycopg.Connection):  # on SQLite it is so already
            connection.autocommit = True
        return connection
