"""A real MLflow server, of the peers' environment, in a temporary folder."""

import contextlib
import os
import signal
from collections.abc import Sequence

import httpx
from support.servers import Server
from support.serving import free_port

from benchmarks.rig.peers import PYTHON

# Neither of what it does besides is needed here: jobs of its own, and telling its makers what it is used for.
ENVIRONMENT = ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false", "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true")


class MlflowServer(Server):
    """A server with a SQLite store that takes artifacts in for its clients, as it does unless told otherwise."""

    start_seconds = 180

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        store = ("--backend-store-uri", f"sqlite:///{self.folder / 'store.db'}")
        artifacts = ("--artifacts-destination", str(self.folder / "artifacts"))
        where = ("--host", "127.0.0.1", "--port", str(self.port), "--workers", "1")
        return ("env", *ENVIRONMENT, str(PYTHON), "-m", "mlflow", "server", *where, *store, *artifacts)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it with the processes it has started, which it leaves to themselves."""
        self.kill()

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # nobody may be left
                self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None
