"""``ganjobs serve`` as a process of its own, and the processes that belong to it."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganjobs.rest import Rest
from models.settings import Settings

START_SECONDS = 90
# Quick to notice a dead worker; still far longer than a busy machine holds a process up.
QUICK = {"GANJOBS_LEASE_SECONDS": "6", "GANJOBS_HEARTBEAT_SECONDS": "1", "GANJOBS_RECONCILE_SECONDS": "0.5"}
RING: dict[str, Any] = {
    "name": "ring",
    "dataset": {"kind": "ring"},
    "generator": {"kind": "mlp", "latent_dim": 2, "hidden_sizes": [16]},
    "discriminator": {"kind": "mlp", "hidden_sizes": [16]},
    "steps": 60,
    "batch_size": 16,
    "sample_every": 20,
    "checkpoint_every": 30,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(check: Callable[[], object], seconds: float, what: str) -> float:
    """Poll until ``check`` is true; returns the seconds it took."""
    begun = time.monotonic()
    while not check():
        assert time.monotonic() - begun < seconds, f"{what}: not after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - begun


def environment() -> dict[str, str]:
    """This process's, without settings that would lead a stack elsewhere."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GANJOBS_")}
    return {name: value for name, value in ours.items() if name not in ("DATABASE_URL", "REDIS_URL")} | QUICK


def processes_of(folder: Path) -> dict[int, str]:
    """Process ids and command lines of what was started for a data folder (the supervisor itself is not among them)."""
    mark = f"GANJOBS_DATA_FOLDER={folder}".encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit():
                continue
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            # Valkey writes its title over its environment.
            is_redis = command.startswith(("valkey-server", "/")) and f"{folder}/redis/" in command
            if is_redis or mark in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = command
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended while we looked, or is somebody else's
    return {number: command for number, command in found.items() if command}  # no zombies


class Serving:
    """A running ``ganjobs serve``; ``lines`` is what it has written so far."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        port: int | None = None,
        host: str = "127.0.0.1",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        port = port or free_port()
        self.url = Settings(host=host, port=port).local_url
        self.lines: list[str] = []
        self._arriving: queue.Queue[str] = queue.Queue()
        where = ("--host", host, "--port", str(port), "--data-folder", str(folder))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ganjobs", "serve", *where, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment() | dict(variables or {}),
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as written:
            for line in written:
                self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> None:
        def said() -> bool:
            assert text in self.output or self.process.poll() is None, self.output
            return text in self.output

        wait_until(said, seconds, f"{text!r} in the output of serve")

    def client(self) -> Rest:
        return Rest(self.url)

    def find(self, words: str) -> list[int]:
        """The ids of the stack's processes whose command line holds ``words``, oldest first."""
        return sorted(number for number, command in processes_of(self.folder).items() if words in command)

    def interrupt(self, seconds: float = 60) -> int:
        """Ctrl-C; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)

    def make_sure_it_is_gone(self) -> None:
        """For the end of a test, however it ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        wait_until(lambda: not processes_of(self.folder), 60, "all processes of the stack gone")


def wait_for_end(client: Rest, job_id: str, seconds: float = 60) -> dict[str, Any]:
    """The job once it has ended."""
    wait_until(lambda: client.get(job_id)["finished_at"], seconds, f"the end of {job_id}")
    return client.get(job_id)


@contextmanager
def running(folder: Path) -> Iterator[Serving]:
    """A service that is ready, and gone at the end."""
    service = Serving(folder)
    try:
        service.wait_for("ready;")
        yield service
        assert service.interrupt() == 0
    finally:
        service.make_sure_it_is_gone()
