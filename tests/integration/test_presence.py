"""A worker's sign of life goes on in a thread of the process that forks."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.database import Database
from models.settings import Settings
from models.tables import Worker
from worker.presence import Presence

ROOT = Path(__file__).parents[2]
# Forks fall into the middle of reports: each child must still be able to write.
FORKS_WHILE_REPORTING = """
import os, sys
from models.database import Database
from models.settings import Settings
from models import workers
from worker.presence import Presence

settings = Settings()
presence = Presence(settings)
presence.start()
url = settings.resolved_database_url + ("?timeout=5" if settings.resolved_database_url.startswith("sqlite") else "")
for _ in range(40):
    if (child := os.fork()) == 0:
        with Database(url, pooled=False).write() as session:
            workers.sign_of_life(session, presence.worker_id)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("a forked child could not write")
presence.stop()
"""


def test_children_forked_while_their_parent_writes_can_write_too(settings: Settings, database: Database) -> None:
    environment = os.environ | {
        "GANJOBS_DATA_FOLDER": str(settings.data_folder),
        "GANJOBS_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "GANJOBS_HEARTBEAT_SECONDS": "0.0001",
        "GANJOBS_DEVICE": "cpu",
    }
    command = [sys.executable, "-c", FORKS_WHILE_REPORTING]
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            assert process.wait(100) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):  # its children may hang
                os.killpg(process.pid, signal.SIGKILL)


def test_each_sign_of_life_says_how_busy_its_devices_are(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = iter(range(1, 1000))
    monkeypatch.setattr("psutil.cpu_percent", lambda: float(next(busy)))
    presence = Presence(settings.model_copy(update={"device": "cpu", "heartbeat_seconds": 0.02}))

    def utilization() -> float | None:
        with database.read() as session:
            worker = session.get(Worker, presence.worker_id)
        return worker.devices[0]["utilization_percent"] if worker is not None else None

    presence.start()
    try:
        seen: list[float] = []
        deadline = time.monotonic() + 30
        while len(seen) < 3 and time.monotonic() < deadline:
            if (now := utilization()) is not None and now not in seen:
                seen.append(now)
    finally:
        presence.stop()
    assert len(seen) == 3
    assert seen == sorted(seen)
    assert seen[0] >= 2  # the first answer is of no time
