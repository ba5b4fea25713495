"""A job's own log: lines go to the process's log at once and to the database with the next block."""

import threading
from datetime import UTC, datetime
from typing import Any

import structlog

from models.events import LogRecord

MOST_WAITING_LINES = 1000


class JobLog:
    """Lines of one attempt, kept until they are stored. Safe to use from several threads."""

    def __init__(self, job_id: str, attempt: int) -> None:
        self._log = structlog.get_logger("worker.job").bind(job_id=job_id, attempt=attempt)
        self._lines: list[LogRecord] = []
        self._lock = threading.Lock()

    def info(self, message: str, /, **data: Any) -> None:
        self._add("info", message, data)

    def warning(self, message: str, /, **data: Any) -> None:
        self._add("warning", message, data)

    def error(self, message: str, /, **data: Any) -> None:
        self._add("error", message, data)

    def drain(self) -> list[LogRecord]:
        """The lines since the last call, which is taken to store them."""
        with self._lock:
            lines, self._lines = self._lines, []
        return lines

    def _add(self, level: str, message: str, data: dict[str, Any]) -> None:
        getattr(self._log, level)(message, **data)
        now = datetime.now(UTC).replace(tzinfo=None)
        with self._lock:
            self._lines.append({"level": level, "message": message, "data": data, "created_at": now})
            del self._lines[:-MOST_WAITING_LINES]  # the database may be away for long
