"""Engine, sessions and the database's own clock, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Function, create_engine, event, make_url, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import DateTime

SQLITE_BUSY_SECONDS = 30
# A server that vanishes behind a half-open connection must become an error, not a hang (milliseconds).
POSTGRES_TCP_TIMEOUT_MS = 20_000
# A process that is stopped in the middle of a transaction must not hold its locks for ever, nor others wait so long.
POSTGRES_LIMITS = {"idle_in_transaction_session_timeout": "10s", "lock_timeout": "5s"}
STUCK_COPIES = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND state = 'active' AND wait_event = 'ClientRead' AND query ILIKE 'COPY %' "
    "AND xact_start < clock_timestamp() - make_interval(secs => :seconds)"
)
POOL_SIZE = 10
WRITES = "ganjobs_writes"


class database_now(Function[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's clock, in UTC, plus ``offset`` seconds.

    Leases are compared with one clock only, so that workers whose clocks differ still agree.
    """

    inherit_cache = True

    def __init__(self, offset: float = 0) -> None:
        super().__init__("database_now", offset, type_=DateTime())


@compiles(database_now, "postgresql")
def _postgres_now(element: database_now, compiler: SQLCompiler, **kw: Any) -> str:
    # clock_timestamp, not now(): the latter is frozen at the start of the transaction, before any wait for a lock.
    offset = compiler.process(element.clauses, **kw)
    return f"((clock_timestamp() AT TIME ZONE 'utc') + ({offset}) * interval '1 second')"


@compiles(database_now, "sqlite")
def _sqlite_now(element: database_now, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLAlchemy stores SQLite times as text with six digits of seconds; SQLite's own %f has three.
    offset = compiler.process(element.clauses, **kw)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({offset}) || ' seconds')"


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late; see on_begin
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another has written in between,
        # whatever the busy timeout: writers take the lock when they begin.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _configure_postgres(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for name, limit in POSTGRES_LIMITS.items():
                cursor.execute(f"SET {name} = '{limit}'")
        connection.commit()


class Database:
    """Sessions on one database. ``url`` is an SQLAlchemy URL of SQLite or PostgreSQL (psycopg 3); ``pooled=False``
    opens a connection for each session and closes it after; ``busy_seconds`` is how long SQLite waits for a lock."""

    def __init__(self, url: str, pooled: bool = True, busy_seconds: float = SQLITE_BUSY_SECONDS) -> None:
        self.url = make_url(url)
        pool: dict[str, Any] = {"poolclass": NullPool}
        if pooled:
            pool = {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE}
        if self.url.get_backend_name() == "sqlite":
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(self.url, connect_args={"timeout": busy_seconds}, **pool)
            _configure_sqlite(self.engine)
        else:
            self.engine = create_engine(
                self.url,
                **pool,
                pool_pre_ping=True,
                connect_args={
                    # A cluster made without a locale would otherwise answer in bytes.
                    "client_encoding": "utf8",
                    "connect_timeout": 5,
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 3,
                    "tcp_user_timeout": POSTGRES_TCP_TIMEOUT_MS,
                },
            )
            _configure_postgres(self.engine)
        self._writer = self.engine.execution_options(**{WRITES: True})

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that changes nothing. On SQLite it sees one snapshot, on PostgreSQL each statement sees its own."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session that changes nothing and sees one moment, on PostgreSQL as on SQLite."""
        with self.read() as session:
            if self.engine.dialect.name == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def end_stuck_copies(self, older_than_seconds: float) -> int:
        """End what has been waiting for a client in the middle of a COPY for longer than any write takes; returns how
        many there were. PostgreSQL lets no timeout end those, and a process that was stopped there would keep its locks
        until it is woken."""
        if self.engine.dialect.name != "postgresql":
            return 0
        with self.engine.connect() as connection:
            ended = connection.execute(STUCK_COPIES, {"seconds": older_than_seconds}).all()
        return len(ended)

    def check(self) -> None:
        """Raise ``sqlalchemy.exc.SQLAlchemyError`` where the database or its tables cannot be reached."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT number FROM jobs LIMIT 1"))

    def dispose(self) -> None:
        self.engine.dispose()
