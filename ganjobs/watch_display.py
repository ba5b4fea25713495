"""How one job that is watched is shown: in place on a terminal, as lines for pipes and log files, as JSON lines."""

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganjobs import patience, text
from ganjobs.pictures import SMALLEST_ROWS, Painter
from ganjobs.reading import headline
from ganjobs.rest import Json
from ganjobs.watched import WINDOW, Progress

LINE_SECONDS = 5.0
# Rows of a terminal that a job's numbers take, and a sentence that wraps.
ROWS_BESIDE_PICTURE = 12
MOST_ROWS = 32
BAR_WIDTH = 30
# A bar of fewer columns says nothing.
SMALLEST_BAR = 8
GAP = 2
# Columns of a terminal below which the readings are written closer together.
NARROW = 50


class Display(Protocol):
    """Shows progress; ready when it is made, closed after the last update."""

    # Whether it has a use for sample images.
    draws: bool

    def update(self, progress: Progress) -> None: ...

    def close(self) -> None: ...


class LiveDisplay:
    """A bar, a small table and the newest sample that stay in place on a terminal."""

    def __init__(self, console: Console, paint: Painter | None = None) -> None:
        self._console = console
        self._picture = Picture(console, paint) if paint else None
        self.draws = paint is not None
        # What the last picture of the job says of its health and of its evaluation: it stays on the terminal.
        self.told: list[str] = []
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def update(self, progress: Progress) -> None:
        drawn = self._picture.of(progress) if self._picture else []
        self._live.update(Group(render(progress, self._console.width), *drawn), refresh=True)
        self.told = [*worth(progress.job), *_health(progress)]

    def close(self) -> None:
        self._live.stop()


class Picture:
    """The newest sample of a job, painted once for each size of the terminal."""

    def __init__(self, console: Console, paint: Painter) -> None:
        self._console = console
        self._paint = paint
        self._painted: tuple[tuple[int, int, int], list[RenderableType]] | None = None

    def of(self, progress: Progress) -> list[RenderableType]:
        """A caption and the image; neither where there is none, or no room."""
        columns, rows = self._console.width, min(MOST_ROWS, self._console.height - ROWS_BESIDE_PICTURE)
        if progress.picture is None or rows < SMALLEST_ROWS:
            return []
        step, png = progress.picture
        key = (step, columns, rows)
        if self._painted is None or self._painted[0] != key:
            caption = Text(f"sample of step {step:,}", style="dim")
            self._painted = key, [caption, self._paint(png, columns - 1, rows)]
        return self._painted[1]


class LineDisplay:
    """Plain lines for pipes and log files: at every change of status or of verdict, and now and then
    between if there is news."""

    draws = False

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._said = ("", "", 0.0)
        self._worth: list[str] = []
        self._verdict: str | None = None
        self._lost = False

    def update(self, progress: Progress) -> None:
        status, said, when = self._said
        written = line(progress)
        if written != said and (progress.job["status"] != status or self._now() - when >= LINE_SECONDS):
            self._say(written)
            self._said = (progress.job["status"], written, self._now())
        if (news := worth(progress.job)) != self._worth:
            self._say(*news)
            self._worth = news
        verdict = progress.health["verdict"] if progress.health is not None else None
        if verdict != self._verdict:
            self._say(*_health(progress))
            self._verdict = verdict
        if (progress.notice is not None) != self._lost:
            self._say(progress.notice or patience.FOUND)
            self._lost = progress.notice is not None

    def _say(self, *lines: str) -> None:
        text.say(*lines, console=self._console)

    def close(self) -> None:
        """Nothing to put away."""


class JsonLines:
    """A line of JSON for each state of a job that is another one."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._last: dict[str, Json] = {}

    def write(self, state: Json) -> None:
        """A state of one job, unless it is the one written last."""
        if self._last.get(state["id"]) != state:
            self._last[state["id"]] = state
            self._out.write(text.json_line(state))
            self._out.flush()


class JsonDisplay:
    """The states of a job for programs, a line of JSON each."""

    draws = False

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines

    def update(self, progress: Progress) -> None:
        self._lines.write(progress.state())

    def close(self) -> None:
        """Nothing to put away."""


def make_display(console: Console, paint: Painter | None = None) -> Display:
    return LiveDisplay(console, paint) if console.is_terminal else LineDisplay(console)


def render(progress: Progress, width: int) -> Group:
    """The job, the bar, and below them each reading beside its value at equilibrium, in ``width`` columns."""
    job = progress.job
    name = f"[bold]{escape(job.get('name') or '')}[/]  " if job.get("name") else ""
    said = [Text(each) for each in worth(job)]
    health = [Text.from_markup(_coloured(progress.health))] if progress.health is not None else []
    lost = [Text(progress.notice, style="yellow")] if progress.notice else []
    title = Text.from_markup(f"{name}[dim]{job['id']}[/]")
    return Group(title, _head(progress, width), _readings(progress, width), *said, *health, *lost)


def _head(progress: Progress, width: int) -> RenderableType:
    """Status, bar, steps, speed and time left. Where there is little room the bar is shorter, then it is left out, and
    then the speed; what is left wraps between its parts, never within a number."""
    job = progress.job
    left = f"{text.duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    status, parts = Text.from_markup(text.status(job["status"])), [steps(job), *filter(None, (speed(job), left))]
    room = width - len(status) - GAP - sum(len(part) + GAP for part in parts)
    if room >= SMALLEST_BAR:
        head = Table.grid(padding=(0, GAP))
        head.add_row(status, bar(job, min(BAR_WIDTH, room)), *parts)
        return head
    if room + GAP < 0 and speed(job):
        parts.remove(speed(job))
    return Text(" " * GAP).join([status, *map(Text, parts)])


def _readings(progress: Progress, width: int) -> Table:
    """Each reading beside its value at equilibrium."""
    is_narrow = width < NARROW
    table = Table(box=None, padding=(0, 1 if is_narrow else GAP), pad_edge=False)
    titles = ("", "now", "equilibrium") if is_narrow else (f"mean of {WINDOW} steps", "now", "at equilibrium")
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left", header_style="dim", no_wrap=True)
    for row in progress.readings():
        table.add_row(*row)
    return table


def bar(job: Json, width: int = BAR_WIDTH) -> ProgressBar:
    """How far a job has come."""
    return ProgressBar(total=job["steps"], completed=job["step"], width=width)


def steps(job: Json) -> str:
    return f"{job['step']:,}/{job['steps']:,}"


def speed(job: Json) -> str:
    """How fast a job goes; nothing where it does not."""
    return "" if job.get("steps_per_second") is None else f"{text.number(job.get('steps_per_second'), 3)} steps/s"


def worth(job: Json) -> list[str]:
    """A line about the job's latest evaluation, in brief (`ganjobs evaluations` tells all); none where there is
    none."""
    evaluated = text.evaluation_in_brief(job)
    return [f"evaluation {evaluated}"] if evaluated else []


def _health(progress: Progress) -> list[str]:
    """A line about what the job was found to be like; none before it was assessed."""
    return [f"health     {headline(progress.health)}"] if progress.health is not None else []


def _coloured(report: Json) -> str:
    """The same as Rich markup, the verdict in the colour of its severity."""
    rest = headline(report).removeprefix(report["verdict"])
    return f"health     {text.verdict(report['verdict'], report['severity'])}{escape(rest)}"


def line(progress: Progress) -> str:
    """Everything on one line; each reading's value at equilibrium stands in brackets."""
    parts = [place(progress.job, progress.resting)]
    for name, value, level in progress.readings():
        if value != "-":
            parts.append(f"{name} {value}" + (f" ({level})" if level != "-" else ""))
    return "  ".join(parts)


def place(job: Json, resting: bool) -> str:
    """Where a job stands, how fast it is and how long it will take, on one line."""
    said = f"{job['status']:<10} step {job['step']}/{job['steps']} ({100 * job['step'] // job['steps']} %)"
    if not job.get("steps_per_second"):
        return said
    left = "" if resting else f", {text.duration(job['estimated_seconds_left'])} left"
    return f"{said}  {text.number(job['steps_per_second'], 3)} steps/s{left}"
