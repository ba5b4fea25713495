"""Following a job over HTTP: what is asked, and how it is shown."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganjobs import text
from ganjobs.reading import headline
from ganjobs.rest import MetricRows, Rest

KEYS = ("d_loss", "g_loss", "d_real", "d_fake")
# In these states a job changes no more, or not by itself.
RESTING = ("succeeded", "failed", "cancelled", "paused")
# One step is one batch: the mean over some of them reads better than the last.
WINDOW = 100
POLL_SECONDS = 0.5
LINE_SECONDS = 5.0


@dataclass
class Progress:
    """What is known of a job at the moment."""

    job: dict[str, Any]
    recent: dict[str, deque[float]] = field(default_factory=lambda: {key: deque(maxlen=WINDOW) for key in KEYS})
    last_step: int = 0
    # The newest report of its health whose verdict is another one than that of the report before.
    health: dict[str, Any] | None = None

    def add(self, rows: MetricRows) -> None:
        """Take in rows that are newer than those seen."""
        for key in KEYS:
            self.recent[key].extend(value for value in rows.columns.get(key, []) if value is not None)
        if rows.steps:
            self.last_step = rows.steps[-1]

    def mean(self, key: str) -> float | None:
        values = self.recent[key]
        return sum(values) / len(values) if values else None

    @property
    def resting(self) -> bool:
        return self.job["status"] in RESTING

    @property
    def seconds_left(self) -> float | None:
        left: float | None = self.job["estimated_seconds_left"]
        return left

    def readings(self) -> list[tuple[str, str, str]]:
        """Name, value and what the value is at equilibrium, where there is such a thing."""
        levels = text.levels(self.job).items()
        return [(name, text.number(self.mean(key)), text.number(level)) for key, (name, level) in levels]


class Display(Protocol):
    """Shows progress; entered before the first update, left after the last."""

    def update(self, progress: Progress) -> None: ...

    def close(self) -> None: ...


class LiveDisplay:
    """A bar and a small table that stay in place on a terminal."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def update(self, progress: Progress) -> None:
        self._live.update(render(progress), refresh=True)

    def close(self) -> None:
        self._live.stop()


class LineDisplay:
    """Plain lines for pipes and log files: at every change of status or of verdict, and now and then
    between if there is news."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._said = ("", "", 0.0)
        self._told: list[str] = []

    def update(self, progress: Progress) -> None:
        status, said, when = self._said
        written = line(progress)
        if written != said and (progress.job["status"] != status or self._now() - when >= LINE_SECONDS):
            text.say(written, console=self._console)
            self._said = (progress.job["status"], written, self._now())
        news = notices(progress)
        text.say(*(notice for notice in news if notice not in self._told), console=self._console)
        self._told = news

    def close(self) -> None:
        """Nothing to put away."""


def make_display(console: Console) -> Display:
    return LiveDisplay(console) if console.is_terminal else LineDisplay(console)


def render(progress: Progress) -> Group:
    """The bar, and below it each reading beside its value at equilibrium."""
    job = progress.job
    head = Table.grid(padding=(0, 2))
    speed = f"{text.number(job.get('steps_per_second'), 3)} steps/s"
    bar = ProgressBar(total=job["steps"], completed=job["step"], width=30)
    left = f"{text.duration(progress.seconds_left)} left" if not progress.resting else ""
    head.add_row(Text.from_markup(text.status(job["status"])), bar, f"{job['step']:,}/{job['steps']:,}", speed, left)
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in (f"mean of {WINDOW} steps", "now", "at equilibrium"):
        table.add_column(title, justify="left" if title.startswith("mean") else "right", header_style="dim")
    for row in progress.readings():
        table.add_row(*row)
    return Group(head, table, *map(Text, notices(progress)))


def worth(job: dict[str, Any]) -> list[str]:
    """A line about the job's latest evaluation; none where there is none."""
    evaluated = text.evaluation(job.get("latest_evaluation"))
    return [f"evaluation {evaluated}"] if evaluated else []


def notices(progress: Progress) -> list[str]:
    """Lines about what the job was found to be worth, and to be like."""
    health = [f"health     {headline(progress.health)}"] if progress.health is not None else []
    return [*worth(progress.job), *health]


def line(progress: Progress) -> str:
    """Everything on one line; each reading's value at equilibrium stands in brackets."""
    job = progress.job
    parts = [f"{job['status']:<10} step {job['step']}/{job['steps']} ({100 * job['step'] // job['steps']} %)"]
    if job.get("steps_per_second"):
        parts.append(f"{text.number(job['steps_per_second'], 3)} steps/s, {text.duration(progress.seconds_left)} left")
    for name, value, level in progress.readings():
        if value != "-":
            parts.append(f"{name} {value}" + (f" ({level})" if level != "-" else ""))
    return "  ".join(parts)


def follow(client: Rest, job_id: str, display: Display, pause: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Show a job until it has ended or is paused; returns it as it is then. ``pause`` may raise to give up."""
    etag: str | None = None
    progress: Progress | None = None
    try:
        while progress is None or not progress.resting:
            if progress is not None:
                pause(POLL_SECONDS)
            changed = client.get_if_changed(job_id, etag)
            if changed is not None:
                job, etag = changed
                progress = progress or Progress(job)
                _take_in(client, progress, job)
            assert progress is not None  # the first answer has no ETag to match
            display.update(progress)
    finally:
        display.close()
    return progress.job


def _take_in(client: Rest, progress: Progress, job: dict[str, Any]) -> None:
    """Bring progress up to a changed job: only rows not seen yet are asked for."""
    progress.job = job
    if job["step"] < progress.last_step:  # an attempt died, and the next one went on from a checkpoint before it
        progress.last_step = job["step"]
    if job["step"] > progress.last_step:
        first = max(progress.last_step, job["step"] - WINDOW) + 1
        progress.add(client.metrics(job["id"], KEYS, from_step=first))
    known = progress.health["verdict"] if progress.health is not None else None
    if job.get("verdict") != known:
        progress.health = client.health(job["id"]) if job.get("verdict") else None
