"""What a process without requests lives by: signals that stop it, and a file that shows that it goes on."""

import signal
import sys
import time
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


class Pulse:
    """The sign of life of the process ``name``: ``file`` is touched after each of its passes."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.file = folder / f"{name}.alive"

    def show(self) -> None:
        """Say that a pass has just ended."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.touch()
        except OSError as error:  # a full disk is no reason to stop
            log.warning("no sign of life", error=str(error))

    def check(self, longest_seconds: float) -> None:
        """Exit with 1 where no pass has ended for so long."""
        age = time.time() - self.file.stat().st_mtime if self.file.exists() else float("inf")
        if age > longest_seconds:
            sys.exit(f"{self.name}: no pass finished lately")


def stop_signals() -> list[int]:
    """The signals SIGTERM and SIGINT that arrive from now on, as they do."""
    # A plain list: an Event's lock could be held by the very code the signal interrupts.
    arrived: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: arrived.append(number))
    return arrived
