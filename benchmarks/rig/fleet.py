"""A whole service to be broken: API, two workers, reconciler, Redis, and SQLite or PostgreSQL."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from support.servers import Postgres, Server, ServerFailedError, Valkey
from support.serving import free_port
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from benchmarks.rig.disk import SmallDisk
from benchmarks.rig.proxy import Proxy
from migrations.run import upgrade

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 5.0
RESTART_SECONDS = 0.3
MEMBERS = ("api", "worker 1", "worker 2", "reconciler")


class Fleet:
    """Everything a host would run, each process in a session of its own and started again when it dies."""

    def __init__(self, folder: Path, database: Literal["sqlite", "postgres"]) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.disk = SmallDisk(folder / "data")
        (self.disk.folder / "files").mkdir()
        self.servers: dict[str, Server] = {"redis": Valkey()}
        self.proxies: list[Proxy] = []
        redis = self.servers["redis"]
        assert isinstance(redis, Valkey)
        redis.start()
        self.direct_url = f"sqlite:///{self.disk.folder / 'ganjobs.sqlite3'}"
        fleet_url = self.direct_url
        if database == "postgres":
            postgres = Postgres()
            postgres.start()
            self.servers["postgres"] = postgres
            self.direct_url = postgres.url("postgres")
            fleet_url = (
                f"postgresql+psycopg://postgres@127.0.0.1:{self._proxy(postgres.folder / '.s.PGSQL.5432')}/postgres"
            )
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "GANJOBS_DATA_FOLDER": str(self.disk.folder),
            "GANJOBS_DATABASE_URL": fleet_url,
            "GANJOBS_REDIS_URL": f"redis://127.0.0.1:{self._proxy(redis.socket)}/0",
            "GANJOBS_DEVICE": "cpu",
            "GANJOBS_LEASE_SECONDS": str(LEASE_SECONDS),
            "GANJOBS_HEARTBEAT_SECONDS": "1",
            "GANJOBS_RECONCILE_SECONDS": "0.5",
        }
        upgrade(self.direct_url)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")

    @contextlib.contextmanager
    def running(self) -> Iterator["Fleet"]:
        try:
            self._supervisor.start()
            yield self
        finally:
            self._stopping.set()
            self._supervisor.join()
            for name in self._processes:
                self.tell_group(name, signal.SIGKILL)
            for proxy in self.proxies:
                proxy.close()
            for server in self.servers.values():
                server.remove()
            self.disk.remove()

    def pid(self, member: str) -> int:
        return self._processes[member].pid

    def children(self, member: str) -> list[int]:
        """The processes that train for a worker."""
        with contextlib.suppress(OSError):  # it has just died
            pid = self.pid(member)
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def tell(self, member: str, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid(member), number)

    def tell_group(self, member: str, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid(member), number)

    def restart_server(self, name: str) -> None:
        """Kill a server as a power cut would, and start it again with what it had stored."""
        self.servers[name].kill()
        time.sleep(RESTART_SECONDS)
        # What it left behind may still be going away.
        patient = Retrying(
            stop=stop_after_attempt(10), wait=wait_fixed(0.5), retry=retry_if_exception_type(ServerFailedError)
        )
        patient(self.servers[name].start)

    def _proxy(self, upstream: Path) -> int:
        self.proxies.append(Proxy(upstream))
        return self.proxies[-1].port

    def _supervise(self) -> None:
        """Start what is not running, again and again, as an init system does."""
        started_at: dict[str, float] = {}
        while not self._stopping.wait(0.1):
            for name in MEMBERS:
                process = self._processes.get(name)
                if process is not None and process.poll() is None:
                    continue
                if time.monotonic() - started_at.get(name, 0) >= RESTART_SECONDS:
                    started_at[name] = time.monotonic()
                    self._start(name)

    def _start(self, name: str) -> None:
        uvicorn = ("uvicorn", "api.main:create_app", "--factory", "--no-access-log", "--port", str(self.port))
        arguments = {"api": uvicorn, "reconciler": ("worker.reconciler",)}.get(name, ("worker",))
        with (self.logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
