"""What Alembic runs for every command; the connection is made by ``migrations.run``."""

from alembic import context

from models.database import Database
from models.metadata import METADATA

database: Database = context.config.attributes["database"]

with database.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        # SQLite changes a table by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
