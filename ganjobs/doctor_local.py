"""Whether what a service on this machine needs is there. Imports the server's packages: only where they are."""

from collections.abc import Iterator
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from ganjobs import text
from ganjobs.doctor import Finding, disk, fail, ok, warn
from ganjobs.stack.errors import StackError
from ganjobs.stack.preflight import check_folder
from migrations.run import config
from models.queue import Doorbell, QueueUnavailable
from models.settings import Settings

SOCKET_SECONDS = 3.0
BUSY_SECONDS = 3.0


def examine() -> Iterator[Finding]:
    """Look at the settings, the data folder, the database with its migrations, and Redis."""
    try:
        settings = Settings()
    except ValidationError as error:
        yield fail("settings", text.first_error(error), "correct the environment variable")
        return
    yield ok("settings", "valid")
    folder = settings.resolved_data_folder
    if not folder.exists():
        yield warn("data folder", f"{folder} is not there yet", "`ganjobs serve` makes it; or set GANJOBS_DATA_FOLDER")
    else:
        yield _writable(folder)
        yield disk(folder)
    yield _database(settings)
    yield _redis(settings)


def _writable(folder: Path) -> Finding:
    try:
        check_folder(folder)
    except StackError as error:
        return fail("data folder", str(error), "give this user the right to write there")
    return ok("data folder", f"{folder} can be written")


def _database(settings: Settings) -> Finding:
    url = settings.resolved_database_url
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite") and not file.exists():
        return warn("local database", f"{file} is not there yet", "`ganjobs serve` makes it")
    made = config(url)
    database = made.attributes["database"]
    shown = database.url.render_as_string(hide_password=True)
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        return fail("local database", f"{shown} cannot be reached: {reason}", "start it, or set GANJOBS_DATABASE_URL")
    finally:
        database.dispose()
    newest = ScriptDirectory.from_config(made).get_current_head()
    if current == newest:
        return ok("local database", f"{shown}, revision {current}, the newest")
    known = {revision.revision for revision in ScriptDirectory.from_config(made).walk_revisions()}
    if current is not None and current not in known:
        said = f"{shown} is of revision {current}, which this version does not know"
        return fail("local database", said, "install the version that it was last used with, or a newer one")
    said = f"{shown} is of revision {current or 'none'}, the newest is {newest}"
    return warn("local database", said, "`python -m migrations.run` brings it up to date, as `ganjobs serve` does")


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None and not settings.redis_socket.exists():
        return warn("local redis", "the embedded one does not run", "`ganjobs serve` starts it")
    doorbell = Doorbell(settings, SOCKET_SECONDS)
    try:
        waiting = doorbell.waiting()
    except QueueUnavailable as error:
        reason = " ".join(str(error).split())
        return fail("local redis", f"cannot be reached: {reason}", "start it, or set GANJOBS_REDIS_URL")
    finally:
        doorbell.close()
    return ok("local redis", f"{waiting} messages waiting")
