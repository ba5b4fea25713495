"""Showing a job while it is waited for: live on a terminal or in a notebook, in plain lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ganjobs.jobinfo import JobInfo

if TYPE_CHECKING:
    from ganjobs.waiting import Look

LINE_SECONDS = 5.0
BAR_WIDTH = 24
# What is shown of a job's latest step, by what it is called.
READINGS = {"d_loss": "D loss", "g_loss": "G loss", "d_real": "D(x)", "d_fake": "D(G(z))"}


class Display(Protocol):
    """Shows a job; ``close`` is called at the end, however it came."""

    @property
    def wants_look(self) -> bool:
        """Whether it shows more than the job's own numbers."""

    def update(self, job: JobInfo, look: "Look") -> None: ...

    def close(self) -> None: ...


class Nothing:
    """Shows nothing."""

    wants_look = False

    def update(self, job: JobInfo, look: "Look") -> None: ...

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
        self._file.write(f"{written}\n")
        self._file.flush()

    def close(self) -> None: ...


class Terminal:
    """A bar that stays in place, with the losses beside their values at equilibrium."""

    wants_look = False

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(file=file, highlight=False), auto_refresh=False)
        self._live.start()

    def update(self, job: JobInfo, look: "Look") -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(1, job.steps), completed=job.step, width=BAR_WIDTH)
        head.add_row(
            Text(job.status, style="bold"), bar, Text(f"{job.step:,}/{job.steps:,}"), Text("  ".join(facts(job)))
        )
        self._live.update(head, refresh=True)

    def close(self) -> None:
        self._live.stop()


class Notebook:
    """The job as a notebook shows it, with its newest sample, in place of what was shown before."""

    wants_look = True

    def __init__(self) -> None:
        self._handle: Any = None

    def update(self, job: JobInfo, look: "Look") -> None:
        from IPython.display import display, update_display

        from ganjobs import html

        shown = {"text/html": html.job(job, look.report, look.png), "text/plain": repr(job)}
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
    said = []
    if job.steps_per_second and not job.status.is_resting:
        left = job.estimated_seconds_left
        said.append(f"{job.steps_per_second:.3g} steps/s" + (f", {left:.0f} s left" if left is not None else ""))
    said += [f"{name} {value}" + (f" ({level})" if level else "") for name, value, level in readings(job)]
    if job.verdict:
        said.append(f"{job.verdict}")
    return said


def readings(job: JobInfo) -> list[tuple[str, str, str]]:
    """Name, latest value and value at equilibrium (empty where there is none) of what is shown of a job."""
    levels = {"d_loss": job.equilibrium.d_loss, "g_loss": job.equilibrium.g_loss, "d_real": 0.5, "d_fake": 0.5}
    found = job.latest_metrics or {}
    values = [(key, found[key]) for key in READINGS if found.get(key) is not None]
    return [(READINGS[key], number(value), "" if levels[key] is None else number(levels[key])) for key, value in values]


def number(value: float | None) -> str:
    """Four digits; a dash where there is nothing."""
    return "–" if value is None else f"{value:.4g}"
