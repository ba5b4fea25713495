"""A worker's sign of life in the database, from a thread of the parent process (the children train)."""

import os
import platform
import secrets
import socket
import threading
from importlib import metadata

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models import leases, workers
from models.database import Database
from models.settings import Settings
from models.tables import Worker
from worker.devices import Device, Devices, list_devices

__all__ = ["Presence", "list_devices"]

log = structlog.get_logger(__name__)
# Forks wait for a report: it must not wait long for others.
BUSY_SECONDS = 5.0
REPORTED_PACKAGES = ("ganjobs", "torch", "celery", "numpy", "safetensors")


class Presence:
    """Announces the worker, repeats its sign of life, and takes its leave."""

    def __init__(self, settings: Settings) -> None:
        self.worker_id = f"worker_{secrets.token_hex(8)}"
        self._settings = settings
        self._status = "ready"
        self._devices = Devices(settings.device)
        self._stopping = threading.Event()
        self._connected = threading.Lock()
        # Connections are opened for each sign of life and closed again, so that a child forked between inherits none.
        self._database = Database(settings.resolved_database_url, pooled=False, busy_seconds=BUSY_SECONDS)
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        # A child forked in the middle of a report would inherit SQLite's notes of the locks that its parent holds, and
        # find the database locked for ever: forks wait for the report's end.
        os.register_at_fork(
            before=self._connected.acquire,
            after_in_parent=self._connected.release,
            after_in_child=self._connected.release,
        )
        self._thread.start()

    def draining(self) -> None:
        """Called from a signal handler: only sets what the thread reads."""
        self._status = "draining"

    def stop(self) -> None:
        """Leave the list of workers; a worker that cannot is found missing by its silence."""
        self._status = "stopped"
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            try:
                with self._connected:
                    self._report()
            except SQLAlchemyError as error:
                log.warning("no sign of life: the database is unavailable", error=str(error).splitlines()[0])
            if last:
                return
            self._stopping.wait(self._settings.heartbeat_seconds)

    def _report(self) -> None:
        devices = self._devices.read()  # before the transaction, which others wait for
        with self._database.write() as session:
            # Forgotten after a day's sleep, or with a restored database: announced anew.
            if not workers.sign_of_life(session, self.worker_id, status=self._status, devices=devices):
                workers.announce(session, self._describe(devices))
            leases.expire_those_of_dead_processes(session, self.worker_id, _is_alive)

    def _describe(self, devices: list[Device]) -> Worker:
        return Worker(
            id=self.worker_id,
            hostname=socket.gethostname(),
            pid=os.getpid(),
            slots=self._settings.worker_slots,
            status=self._status,
            devices=devices,
            versions={"python": platform.python_version()}
            | {name: metadata.version(name) for name in REPORTED_PACKAGES},
        )


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
