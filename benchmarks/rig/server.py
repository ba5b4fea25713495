"""A web server as a process of its own, and how much memory it takes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from support.serving import free_port

ROOT = Path(__file__).resolve().parents[2]
API = ("api.main:create_app", "--factory")


@dataclass(frozen=True)
class Process:
    """A server at ``url``; ``pid`` is the process that answers."""

    url: str
    pid: int

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes of memory: resident now, or the most there were (VmHWM) since ``forget_peak``."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{field}:\s+(\d+) kB", status)
        assert found is not None, f"no {field} of process {self.pid}"
        return int(found[1]) * 1024

    def forget_peak(self) -> None:
        """Let the peak count from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def api_server(database_url: str, folder: Path, app: Sequence[str] = API) -> Iterator[Process]:
    """Ganjobs' API as ``ganjobs serve`` starts it, without workers; no Redis answers, and none is asked."""
    port = free_port()
    variables = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        "GANJOBS_DATA_FOLDER": str(folder),
        "GANJOBS_DATABASE_URL": database_url,
        "GANJOBS_REDIS_URL": f"redis+socket://{folder}/no.sock",
    }
    command = [sys.executable, "-m", "uvicorn", *app, "--no-access-log", "--port", str(port)]
    with server(command, f"http://127.0.0.1:{port}", "/livez", folder / "api.log", variables) as process:
        yield process


@contextmanager
def server(
    command: Sequence[str], url: str, ready: str, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Run ``command`` until it answers at ``url`` + ``ready``, and stop it at the end.

    Raises:
        RuntimeError: it ended, or did not answer within a minute.
    """
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=os.environ | dict(variables or {}),
            stdout=written,
            stderr=written,
            start_new_session=True,  # some servers start others
        )
    try:
        _wait(process, f"{url}{ready}", log)
        yield Process(url, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer:\n{log.read_text()[-2000:]}")
