"""Start a worker with the flags it needs: ``python -m worker``; ``--check`` asks whether one is alive on this host."""

import socket
import sys
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from models import workers
from models.database import Database
from models.settings import Settings, read_settings


def check(settings: Settings) -> None:
    """Exit with 0 where a worker of this host has shown a sign of life, else with 1 and a line that says so."""
    try:
        with Database(settings.resolved_database_url, pooled=False).read() as session:
            live = workers.list_live(session, settings.heartbeat_seconds)
    except SQLAlchemyError as error:
        sys.exit(f"worker: the database is unavailable: {str(error).splitlines()[0]}")
    if not any(worker.hostname == socket.gethostname() for worker in live):
        sys.exit("worker: no sign of life from this host")


def main(
    check_only: Annotated[bool, typer.Option("--check", help="Only ask whether a worker is alive.")] = False,
) -> None:
    """Train jobs until told to stop."""
    if check_only:
        return check(read_settings())
    from worker.app import app, settings
    from worker.presence import list_devices

    if settings.device == "cuda" and not any(device["kind"] == "cuda" for device in list_devices()):
        sys.exit("worker: GANJOBS_DEVICE is cuda, and the driver finds no GPU on this machine")

    flags = ["--pool=prefork", f"--concurrency={settings.worker_slots}", "--loglevel=INFO"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", *flags, *quiet])
    return None


if __name__ == "__main__":
    typer.run(main)
