"""One process of the stack, in a session of its own so that the terminal's Ctrl-C does not reach it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ganjobs
from ganjobs.stack import guard as guard_module
from ganjobs.stack.logs import last_line, open_log
from ganjobs.stack.signals import SLICE_SECONDS, StopSignal
from models.settings import Settings

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
# A process that held out this long is taken for well again.
STEADY_SECONDS = 60.0


@dataclass(frozen=True)
class ProcessSpec:
    """What to run. ``grace_seconds`` is how long it may take to end when asked to."""

    name: str
    command: Sequence[str]
    log: Path
    grace_seconds: float


def child_environment(settings: Settings) -> dict[str, str]:
    """The supervisor's environment with its settings written out: what was found or chosen once holds for all."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    root = str(Path(ganjobs.__file__).resolve().parent.parent)
    return environment | {
        "GANJOBS_DATA_FOLDER": str(settings.resolved_data_folder),
        "GANJOBS_DATABASE_URL": settings.resolved_database_url,
        "GANJOBS_REDIS_URL": settings.resolved_redis_url,
        "GANJOBS_HOST": settings.host,
        "GANJOBS_PORT": str(settings.port),
        "GANJOBS_WORKER_SLOTS": str(settings.worker_slots),
        "PYTHONUNBUFFERED": "1",
        # `python -m worker` must mean ours, whatever the folder the user stands in holds.
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH")))),
    }


class Guard:
    """The process that ends the groups it knows when this one dies; see ``ganjobs.stack.guard``."""

    def __init__(self, lock_descriptor: int) -> None:
        self._lock_descriptor = lock_descriptor
        self._groups: list[int] = []
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(guard_module.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(self._lock_descriptor,),
        )

    def add(self, group: int) -> None:
        self._groups.append(group)
        self._tell(f"add {group}")

    def remove(self, group: int) -> None:
        self._groups.remove(group)
        self._tell(f"remove {group}")

    def keep_alive(self) -> None:
        """Start a new one, with all it must know, where somebody killed it."""
        if self._process.poll() is not None:
            self._process = self._start()
            for group in self._groups:
                self._tell(f"add {group}")

    def close(self) -> None:
        """Let it go, once all processes are gone."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.wait()
            self.keep_alive()  # which tells the new one everything


class Process:
    """A process that is started, looked at and stopped; its output goes to its log."""

    def __init__(self, spec: ProcessSpec, environment: Mapping[str, str], guard: Guard) -> None:
        self.spec = spec
        self._environment = environment
        self._guard = guard
        self._popen: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._log_start = 0
        self._backoff = FIRST_BACKOFF_SECONDS

    def start(self) -> None:
        with open_log(self.spec.log) as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._guard.add(self._popen.pid)
        self._started_at = time.monotonic()

    def exit_code(self) -> int | None:
        """``None`` while it runs; otherwise its exit status, after the rest of its group has been killed."""
        if self._popen is None:
            return None
        code = self._popen.poll()
        if code is not None:
            self._end_group()
        return code

    def next_backoff(self) -> float:
        """How long to wait before the next start: doubled each time unless the process had run steadily."""
        if time.monotonic() - self._started_at > STEADY_SECONDS:
            self._backoff = FIRST_BACKOFF_SECONDS
        backoff, self._backoff = self._backoff, min(2 * self._backoff, LONGEST_BACKOFF_SECONDS)
        return backoff

    def last_words(self) -> str:
        """The last line this run wrote to its log."""
        return last_line(self.spec.log, self._log_start)

    def stop(self, stop: StopSignal) -> None:
        """Ask it to end and wait for its grace time (not at all once the stop is urgent); then kill its whole group."""
        if self._popen is None:
            return
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            end = time.monotonic() + self.spec.grace_seconds
            while self._popen.poll() is None and time.monotonic() < end and not stop.urgent:
                time.sleep(SLICE_SECONDS / 2)
        self._end_group()

    def _end_group(self) -> None:
        assert self._popen is not None
        with contextlib.suppress(ProcessLookupError):  # nobody may be left
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._guard.remove(self._popen.pid)
        self._popen = None
