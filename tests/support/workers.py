"""Real worker processes, and waiting for what they do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90


def quick_settings(settings: Settings) -> Settings:
    """Leases that run out soon."""
    return settings.model_copy(update={"lease_seconds": 4.0, "heartbeat_seconds": 1.0, "device": "cpu"})


@contextmanager
def worker(settings: Settings, name: str = "worker") -> Iterator[subprocess.Popen[bytes]]:
    """A worker as users start it, with its log in the data folder; killed with its children at the end."""
    environment = os.environ | {
        f"GANJOBS_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()
    }
    with (settings.data_folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker"], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            assert process.poll() is not None
        process.wait()


def eventually(settings: Settings, check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not check():
        assert time.monotonic() < deadline, (settings.data_folder / "worker.log").read_text()[-3000:]
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
