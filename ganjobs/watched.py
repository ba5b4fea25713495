"""What is known of one job that is watched, and how it is taken in from the job's stream."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ganjobs import text
from ganjobs.rest import Json, MetricRows
from ganjobs.rows import NOT_FINITE
from ganjobs.stream import Message
from ganjobs.types import JobStatus
from ganjobs.watch_client import Drawn

KEYS = ("d_loss", "g_loss", "d_real", "d_fake")
# One step is one batch: the mean over some of them reads better than the last.
WINDOW = 100
# What programs are told of a job that is watched, as far as it is known.
STATE = (
    *("id", "name", "status", "status_reason", "step", "steps", "progress", "steps_per_second"),
    *("estimated_seconds_left", "verdict", "severity", "equilibrium"),
)


@dataclass
class Progress:
    """What is known of a job at the moment."""

    job: Json
    recent: dict[str, deque[float]] = field(default_factory=lambda: {key: deque(maxlen=WINDOW) for key in KEYS})
    last_step: int = 0
    # The newest report of its health.
    health: Json | None = None
    picture: Drawn | None = None
    newest_sample: int | None = None
    # What to say of the connection, where there is something to say.
    notice: str | None = None
    deleted: bool = False

    def add(self, rows: MetricRows) -> None:
        """Take in rows that are newer than those seen."""
        for key in KEYS:
            self.recent[key].extend(value for value in rows.columns.get(key, []) if value is not None)
        if rows.steps:
            self.last_step = rows.steps[-1]

    def take(self, message: Message) -> None:
        """Take in a message of the job's stream (docs/streaming.md)."""
        data = message.data
        match message.event:
            case "metrics":
                rows = MetricRows([], {}, 0)
                rows.extend(data["columns"], 0)
                self.add(rows)
            case "job":
                self.job = self.job | data
            case "report":
                self.health = data
            case "sample":
                self.newest_sample = data["step"]
            case "rewind":
                self._go_back(data["step"])
            case "end" if data["reason"] == "deleted":
                self.deleted = True

    def _go_back(self, step: int) -> None:
        """The rows behind ``step`` are gone, and what was read from them."""
        self.last_step = min(self.last_step, step)
        self.health = None
        for values in self.recent.values():
            values.clear()

    def mean(self, key: str) -> float | None:
        values = self.recent[key]
        return sum(values) / len(values) if values else None

    @property
    def resting(self) -> bool:
        """Whether the job changes no more, or not by itself."""
        return self.deleted or JobStatus(self.job["status"]).is_resting

    @property
    def seconds_left(self) -> float | None:
        left: float | None = self.job["estimated_seconds_left"]
        return left

    def readings(self) -> list[tuple[str, str, str]]:
        """Name, value and what the value is at equilibrium, where there is such a thing."""
        levels = text.levels(self.job).items()
        return [(name, text.number(self.mean(key)), text.number(level)) for key, (name, level) in levels]

    def state(self) -> Json:
        """The job for programs: `d_loss` and `g_loss` are means over the last steps."""
        means: dict[str, Any] = {key: text.jsonable(self.mean(key)) for key in ("d_loss", "g_loss")}
        said = self.health["sentence"] if self.health is not None else None
        drawn = {"newest_sample": self.newest_sample, "latest_evaluation": self.job.get("latest_evaluation")}
        return state(self.job) | means | drawn | {"sentence": said}


def state(job: Json) -> Json:
    """A job, in full or in brief, with what programs are told of either."""
    return {name: job.get(name) for name in STATE}


def finite(value: float | str | None) -> float | None:
    """A value as the API gives it, NaN and infinity as numbers."""
    return NOT_FINITE[value] if isinstance(value, str) else value
