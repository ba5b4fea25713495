"""Migrations go up and down on both databases, and make the tables that the code declares."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from support.progress import running_job

from migrations.run import downgrade, upgrade
from models import samples
from models.database import Database
from models.metadata import METADATA
from models.tables import Job

INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
}


def definitions(database: Database) -> dict[str, str]:
    """The whole text of every index, and the options of SQLite's tables: reflection leaves both out."""
    with database.engine.connect() as connection:
        rows = connection.execute(text(INDEXES[connection.dialect.name])).all()
    return {name: " ".join(_lasting(definition).split()) for name, definition in rows}


def _lasting(definition: str) -> str:
    """An index as it is; of a table what no reflection shows (its columns' text depends on how they were added)."""
    if not definition.startswith("CREATE TABLE"):
        return definition
    return f"{definition.count('AUTOINCREMENT')} {definition.partition('WITHOUT ROWID')[1]}"


def columns_differ(database: Database) -> list[object]:
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_object": lambda _object, _name, kind, *_: kind != "index",
    }
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, METADATA))


def test_tables_and_migrations_agree(database: Database) -> None:
    assert columns_differ(database) == []
    migrated = definitions(database)
    with database.engine.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            table.drop(connection)
    METADATA.create_all(database.engine)
    assert definitions(database) == migrated
    assert len(migrated) > 10


def test_a_difference_would_be_noticed(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs ADD COLUMN forgotten INTEGER"))
    assert [difference[0] for difference in columns_differ(database)] == ["remove_column"]  # type: ignore[index]


def test_up_and_down_and_up_again(database: Database, database_url: str) -> None:
    downgrade(database_url)
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version", "sqlite_sequence"}
    upgrade(database_url)
    assert set(METADATA.tables) < set(inspect(database.engine).get_table_names())
    upgrade(database_url)  # a second time changes nothing


def test_what_was_there_before_evaluations_is_there_after(database: Database, database_url: str) -> None:
    job, lease = running_job(database)
    with database.write() as session:
        samples.add_checkpoint(session, (job.number, 0), 10, lease.attempt, "folder", {})
    downgrade(database_url, "0003")
    assert "evaluations" not in inspect(database.engine).get_table_names()
    upgrade(database_url)
    database.dispose()
    with database.read() as session:
        again = session.get_one(Job, job.number)
        (kept,) = samples.list_checkpoints(session, job.number, 0)
        assert (again.id, again.spec, again.latest_evaluation) == (job.id, job.spec, None)
        assert (kept.step, kept.best_metric, kept.best_value) == (10, None, None)


def test_what_was_there_before_health_is_there_after(database: Database, database_url: str) -> None:
    job, lease = running_job(database)
    with database.write() as session:
        samples.add_checkpoint(session, (job.number, 0), 10, lease.attempt, "folder", {})
    downgrade(database_url, "0004")
    assert not {"health_reports", "segments"} & set(inspect(database.engine).get_table_names())
    upgrade(database_url)
    database.dispose()
    with database.read() as session:
        again = session.get_one(Job, job.number)
        (kept,) = samples.list_checkpoints(session, job.number, 0)
        assert (again.id, again.verdict, again.severity, again.health, again.rollbacks) == (job.id, None, None, None, 0)
        assert (kept.step, kept.severity) == (10, None)
