"""Bring a database to the newest revision: ``python -m migrations.run``."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from models.settings import read_settings


def config(url: str) -> Config:
    """Alembic's configuration for the database at ``url``."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["database"] = Database(url)
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Create or upgrade the tables; does nothing where they are up to date."""
    made = config(url)
    try:
        command.upgrade(made, revision)
    finally:
        made.attributes["database"].dispose()


def downgrade(url: str, revision: str = "base") -> None:
    """Take revisions back; ``base`` drops every table."""
    made = config(url)
    try:
        command.downgrade(made, revision)
    finally:
        made.attributes["database"].dispose()


def main() -> None:
    try:
        upgrade(read_settings().resolved_database_url)
    except SQLAlchemyError as error:
        sys.exit(f"migrations: the database cannot be migrated: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
