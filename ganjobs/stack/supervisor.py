"""Starts the stack's processes in order, keeps them running, and stops them in the opposite order."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from ganjobs import address
from ganjobs.stack import preflight, redis
from ganjobs.stack.errors import StackError
from ganjobs.stack.logs import LogFollower
from ganjobs.stack.processes import Guard, Process, ProcessSpec, child_environment
from ganjobs.stack.readiness import missing_checks
from ganjobs.stack.signals import StopSignal
from models.settings import Settings

START_SECONDS = 120.0
# After so long the user is told what the start waits for.
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.1
# Time for the worker to write a checkpoint and give its jobs back.
WORKER_GRACE_SECONDS = 30.0
# Time for a receiver to answer what has been sent; without an answer it would be sent once more.
COURIER_GRACE_SECONDS = 20.0
# Time to send the page that is under way; whatever has not arrived is sent by the next mirror.
MIRROR_GRACE_SECONDS = 10.0
GRACE_SECONDS = 8.0
API_GRACE_SECONDS = 3
# What the migrations put before their reason.
MIGRATION_PREFIX = "migrations: the database cannot be migrated: "

Say = Callable[[str], None]


class Stack:
    """A context manager around the whole stack: whatever ends the block, no process is left.

    ``say`` takes the lines that a user should see; ``stop`` is looked at wherever something is waited for.
    """

    def __init__(self, settings: Settings, stop: StopSignal, say: Say, verbose: bool = False) -> None:
        self.settings = settings
        self._stop = stop
        self._say = say
        self._verbose = verbose
        self._processes: list[Process] = []
        self._restart_at: dict[str, float] = {}
        self._followers: dict[str, LogFollower] = {}
        self._lock = preflight.FolderLock(settings.resolved_data_folder)

    def __enter__(self) -> Self:
        """Check what can be checked beforehand, then take the folder.

        Raises:
            StackError: a check failed.
            StopRequested: somebody asked to stop meanwhile.
        """
        preflight.check_folder(self.settings.resolved_data_folder)
        self._lock.acquire(self._stop)
        try:
            preflight.check_port(self.settings.host, self.settings.port)
            self._guard = Guard(self._lock.descriptor)
        except BaseException:
            self._lock.release()
            raise
        self._environment = child_environment(self.settings)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Stop all processes, the worker first, then let the folder go."""
        for process in reversed(self._processes):
            process.stop(self._stop)
            self._show_logs()
        address.withdraw(self.settings)
        self._guard.close()
        self._lock.release()

    def start(self) -> None:
        """Start everything and wait until the API says that it is ready.

        Raises:
            StackError: something cannot start.
            StopRequested: somebody asked to stop meanwhile.
        """
        if self.settings.redis_url is None:
            server = self._launch(redis.redis_process(self.settings))
            self._wait(server, lambda: redis.missing(self.settings))
        self._migrate()
        api = self._launch(self._python("api", API_GRACE_SECONDS + GRACE_SECONDS, *self._api_arguments()))
        self._launch(self._python("reconciler", GRACE_SECONDS, "-m", "worker.reconciler"))
        self._launch(self._python("courier", COURIER_GRACE_SECONDS, "-m", "worker.courier"))
        if self.settings.mlflow_tracking_uri is not None:
            self._launch(self._python("mirror", MIRROR_GRACE_SECONDS, "-m", "worker.mirror"))
        self._launch(self._python("worker", WORKER_GRACE_SECONDS, "-m", "worker"))
        self._wait(api, lambda: missing_checks(self.settings.local_url))
        address.publish(self.settings)

    def run(self) -> None:
        """Keep the processes running until somebody asks to stop.

        Raises:
            StopRequested: somebody did.
        """
        while True:
            self.look_after()
            self._stop.pause(POLL_SECONDS)

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Within the block the processes are kept running from a thread."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(POLL_SECONDS):
                self.look_after()

        thread = threading.Thread(target=keep, name="supervisor")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def look_after(self, but: Process | None = None) -> None:
        """Restart what has died (``but`` one that is looked after elsewhere), as soon as its backoff is over."""
        self._guard.keep_alive()
        self._show_logs()
        for process in self._processes:
            if process is not but:
                self._revive(process)

    def _revive(self, process: Process) -> None:
        name = process.spec.name
        if name in self._restart_at:
            if time.monotonic() >= self._restart_at[name]:
                del self._restart_at[name]
                process.start()
        elif (code := process.exit_code()) is not None:
            backoff = process.next_backoff()
            self._restart_at[name] = time.monotonic() + backoff
            last = f": {words}" if (words := _own_words(process, code)) else ""
            self._say(f"{name} ended ({_describe(code)}); starting it again in {backoff:g} s{last}")

    def _launch(self, spec: ProcessSpec) -> Process:
        self._stop.check()
        self._followers[spec.name] = LogFollower(spec.log)
        process = Process(spec, self._environment, self._guard)
        self._processes.append(process)
        process.start()
        return process

    def _wait(self, process: Process, missing: Callable[[], list[str]]) -> None:
        """Wait until nothing is ``missing``; a process that ends meanwhile, or takes too long, ends the stack."""
        begun = time.monotonic()
        told = False
        while lacks := missing():
            self.look_after(but=process)
            if (code := process.exit_code()) is not None:
                raise StackError(_no_start(process, _own_words(process, code) or _describe(code)))
            waited = time.monotonic() - begun
            if waited > START_SECONDS:
                raise StackError(_no_start(process, f"after {waited:.0f} s: {'; '.join(lacks)}"))
            if waited > PATIENCE_SECONDS and not told:
                self._say(f"still waiting: {'; '.join(lacks)}")
                told = True
            self._stop.pause(POLL_SECONDS)

    def _migrate(self) -> None:
        """Bring the database up to date, in a process that Ctrl-C can end like any other."""
        process = self._launch(self._python("migrations", GRACE_SECONDS, "-m", "migrations.run"))
        while (code := process.exit_code()) is None:
            self._stop.pause(POLL_SECONDS / 2)
        self._processes.remove(process)
        if code != 0:
            words = _own_words(process, code).removeprefix(MIGRATION_PREFIX)
            raise StackError(f"the database cannot be brought up to date: {words or _describe(code)}")

    def _python(self, name: str, grace_seconds: float, *arguments: str) -> ProcessSpec:
        log = self.settings.resolved_data_folder / "logs" / f"{name}.log"
        return ProcessSpec(name, (sys.executable, *arguments), log, grace_seconds)

    def _api_arguments(self) -> tuple[str, ...]:
        server = ("-m", "uvicorn", "api.main:create_app", "--factory", "--no-access-log")
        address = ("--host", self.settings.host, "--port", str(self.settings.port))
        return (*server, *address, "--timeout-graceful-shutdown", str(API_GRACE_SECONDS))

    def _show_logs(self) -> None:
        if self._verbose:
            for name, follower in self._followers.items():
                for line in follower.new_lines():
                    self._say(f"{name:>10} | {line}")


def _describe(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _own_words(process: Process, code: int) -> str:
    """What a process says of its end; nothing where a signal ended it, whatever it happened to log last."""
    return process.last_words() if code >= 0 else ""


def _no_start(process: Process, reason: str) -> str:
    return f"{process.spec.name} could not start: {reason} (log: {process.spec.log})"
