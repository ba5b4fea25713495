"""What must hold before anything is started. Each failure is one line that says what to do."""

import errno
import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganjobs.stack.errors import StackError
from ganjobs.stack.signals import StopSignal

LOCK_NAME = "serve.lock"
# With these it is the port that cannot be had; with others, the address.
PORT_ERRORS = (errno.EADDRINUSE, errno.EACCES)
# How long the processes of a killed stack may take to go (the guard ends them one after the other).
LEFTOVER_SECONDS = 60.0


def check_folder(folder: Path) -> None:
    """Make the data folder and try to write in it.

    Raises:
        StackError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StackError(
            f"cannot write in the data folder {folder} ({error.strerror}): choose another with --data-folder"
        ) from error


def check_port(host: str, port: int) -> None:
    """Try to listen on ``host``:``port``.

    Raises:
        StackError: somebody else listens there, or the address is not one of this machine.
    """
    with _bound(host, port) as probe:
        probe.listen(1)


def free_port(host: str) -> int:
    """A port nobody listens on at the moment.

    Raises:
        StackError: the address is not one of this machine.
    """
    with _bound(host, 0) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            yield probe
    except (OSError, UnicodeError) as error:  # the latter of a name that can be none
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        option = "--port" if getattr(error, "errno", None) in PORT_ERRORS else "--host"
        raise StackError(f"cannot listen on {host} port {port} ({reason}): choose another with {option}") from error


class FolderLock:
    """The lock of the one stack that may run on a data folder; its file holds the supervisor's process id.

    The kernel drops it when the last process that has the descriptor ends: the supervisor or its guard.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self.descriptor = -1

    def acquire(self, stop: StopSignal, leftover_seconds: float = LEFTOVER_SECONDS) -> None:
        """Take the lock; wait only for the remains of a stack whose supervisor is dead.

        Raises:
            StackError: another stack runs on the folder.
            StopRequested: somebody asked to stop meanwhile.
        """
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + leftover_seconds
        while not self._try():
            holder = self._holder()
            if (holder is not None and _process_alive(holder)) or time.monotonic() > end:
                self._close()
                who = "another process" if holder is None else f"process {holder}"
                raise StackError(f"{self.path.parent} is served already by {who}: stop that one, or use --data-folder")
            stop.pause(0.1)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two stacks lock two files of one name."""
        if self.descriptor >= 0:
            os.ftruncate(self.descriptor, 0)
            self._close()

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> int | None:
        content = os.pread(self.descriptor, 32, 0)
        return int(content) if content.isdigit() else None

    def _close(self) -> None:
        os.close(self.descriptor)
        self.descriptor = -1


def _process_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
