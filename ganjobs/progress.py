"""Showing a job while it is waited for: live on a terminal or in a notebook, in plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ganjobs.jobinfo import JobInfo
from ganjobs.patience import FOUND
from ganjobs.text import COLOURS, SEVERITIES, duration

if TYPE_CHECKING:
    from ganjobs.waiting import Look

LINE_SECONDS = 5.0
BAR_WIDTH = 24
SMALLEST_BAR = 8
# Columns between the parts of a row.
GAP = 2
# What is shown of a job's latest step, by what it is called.
READINGS = {"d_loss": "D loss", "g_loss": "G loss", "d_real": "D(x)", "d_fake": "D(G(z))"}


class Display(Protocol):
    """Shows a job; ``close`` is called at the end, however it came."""

    @property
    def wants_look(self) -> bool:
        """Whether it shows more than the job's own numbers."""

    def update(self, job: JobInfo, look: "Look") -> None: ...

    def tell(self, notice: str | None) -> None:
        """Say what is the matter with the connection, or, by ``None``, that nothing is any more."""

    def close(self) -> None: ...


class Nothing:
    """Shows nothing."""

    wants_look = False

    def update(self, job: JobInfo, look: "Look") -> None: ...

    def tell(self, notice: str | None) -> None: ...

    def close(self) -> None: ...


class Lines:
    """Plain lines, at every change of status or verdict, and now and then between."""

    wants_look = False

    def __init__(self, file: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._now = now
        self._last: tuple[object, ...] = ()
        self._line = ""
        self._when = 0.0

    def update(self, job: JobInfo, look: "Look") -> None:
        standing, written = (job.status, job.verdict), line(job)
        if written == self._line or (standing == self._last and self._now() - self._when < LINE_SECONDS):
            return
        self._last, self._line, self._when = standing, written, self._now()
        self._say(written)

    def tell(self, notice: str | None) -> None:
        self._say(notice or FOUND)

    def _say(self, said: str) -> None:
        self._file.write(f"{said}\n")
        self._file.flush()

    def close(self) -> None: ...


class Terminal:
    """Two rows that stay in place: a bar, and the losses beside their values at equilibrium. A third one says what is
    the matter with the connection."""

    wants_look = False

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=file, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._live.start()
        self._job: JobInfo | None = None
        self._notice: str | None = None

    def update(self, job: JobInfo, look: "Look") -> None:
        self._job = job
        self._draw()

    def tell(self, notice: str | None) -> None:
        self._notice = notice
        self._draw()

    def _draw(self) -> None:
        from rich.console import Group
        from rich.text import Text

        rows: list[Any] = [*_rows(self._job, self._console.width)] if self._job else []
        if self._notice:
            rows.append(Text(self._notice, style="yellow"))
        self._live.update(Group(*rows), refresh=True)

    def close(self) -> None:
        self._live.stop()


class Notebook:
    """The job as a notebook shows it, with its newest sample, in place of what was shown before."""

    wants_look = True

    def __init__(self) -> None:
        self._handle: Any = None
        self._last: tuple[JobInfo, Look] | None = None

    def update(self, job: JobInfo, look: "Look") -> None:
        self._last = job, look
        self._show(None)

    def tell(self, notice: str | None) -> None:
        if self._last is not None or notice:
            self._show(notice)

    def _show(self, notice: str | None) -> None:
        from IPython.display import display, update_display

        from ganjobs import html

        shown = {"text/html": "", "text/plain": ""}
        if self._last is not None:
            job, look = self._last
            shown = {"text/html": html.job(job, look.report, look.png), "text/plain": repr(job)}
        if notice:
            shown = {"text/html": shown["text/html"] + html.notice(notice), "text/plain": notice}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            update_display(shown, raw=True, display_id=self._handle.display_id)  # type: ignore[no-untyped-call]

    def close(self) -> None: ...


def make_display(progress: bool) -> Display:
    """What fits where we are; lines and bars go to standard error."""
    if not progress:
        return Nothing()
    if in_notebook():
        return Notebook()
    return Terminal(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def line(job: JobInfo) -> str:
    """A job on one line."""
    return "  ".join((f"{job.id}  {job.status}  step {job.step:,}/{job.steps:,}", *facts(job)))


def facts(job: JobInfo) -> list[str]:
    """A running job's speed, any job's losses beside their values at equilibrium, and the verdict on its health."""
    said = [", ".join(pace(job))] if pace(job) else []
    said += [f"{name} {value}" + (f" ({level})" if level else "") for name, value, level in readings(job)]
    if job.verdict:
        said.append(f"{job.verdict}")
    return said


def pace(job: JobInfo) -> list[str]:
    """A running job's speed, and the time it will take."""
    if not job.steps_per_second or job.status.is_resting:
        return []
    left = job.estimated_seconds_left
    return [f"{job.steps_per_second:.3g} steps/s", *([f"{duration(left)} left"] if left is not None else [])]


def _rows(job: JobInfo, width: int) -> Iterator[Any]:
    """A job in two rows, for a terminal of so many columns; where there is little room, the bar gives way."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    gap = " " * GAP
    status = Text(job.status, style=f"bold {COLOURS.get(job.status, 'white')}")
    parts = [f"{job.step:,}/{job.steps:,}", *pace(job)]
    room = width - len(job.status) - GAP - sum(len(part) + GAP for part in parts)
    if room >= SMALLEST_BAR:
        head = Table.grid(padding=(0, GAP))
        bar = ProgressBar(total=max(1, job.steps), completed=job.step, width=min(BAR_WIDTH, room))
        head.add_row(status, bar, *parts)
        yield head
    else:
        yield Text(gap).join([status, *map(Text, parts)])
    said = [Text(f"{name} {value}" + (f" ({level})" if level else "")) for name, value, level in readings(job)]
    if job.verdict:
        said.append(Text(job.verdict, style=SEVERITIES.get(job.severity or "", "white")))
    if said:
        yield Text(gap).join(said)


def readings(job: JobInfo) -> list[tuple[str, str, str]]:
    """Name, latest value and value at equilibrium (empty where there is none) of what is shown of a job."""
    levels = {"d_loss": job.equilibrium.d_loss, "g_loss": job.equilibrium.g_loss, "d_real": 0.5, "d_fake": 0.5}
    found = job.latest_metrics or {}
    values = [(key, found[key]) for key in READINGS if found.get(key) is not None]
    return [(READINGS[key], number(value), "" if levels[key] is None else number(levels[key])) for key, value in values]


def number(value: float | None) -> str:
    """Four digits; a dash where there is nothing."""
    return "–" if value is None else f"{value:.4g}"
