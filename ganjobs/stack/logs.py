"""The log files of the stack's processes."""

import os
from pathlib import Path
from typing import BinaryIO

ROTATE_BYTES = 10 * 1024 * 1024
KEEP = 3
TAIL_BYTES = 8192


def open_log(path: Path) -> BinaryIO:
    """Open a log for appending; a large one is first put aside as ``.1``, older ones as ``.2`` and ``.3``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > ROTATE_BYTES:
        for number in range(KEEP - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}"))
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def last_line(path: Path, start: int = 0) -> str:
    """The last line with anything on it, of what was written after ``start``; empty where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start, size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class LogFollower:
    """Gives the lines written to a log since it was last asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> list[str]:
        """Whole lines only; an unfinished one is given when it is finished."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._position:  # put aside meanwhile
                self._position = 0
            file.seek(self._position)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._position += len(whole)
        return whole.decode(errors="replace").splitlines()
