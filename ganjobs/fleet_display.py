"""How many jobs that are watched are shown: a table in place on a terminal, lines for pipes, JSON lines."""

import time
from collections.abc import Callable, Mapping

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ganjobs import patience, text
from ganjobs.fleet import Fleet
from ganjobs.pictures import SMALLEST_ROWS, Painter, sixel
from ganjobs.reading import headline
from ganjobs.rest import Json
from ganjobs.types import JobStatus
from ganjobs.watch_display import LINE_SECONDS, JsonLines, bar, place, speed, steps
from ganjobs.watched import state

# Those that are trained first, those that have ended last.
ORDER = ("running", "pausing", "cancelling", "queued", "paused", "failed", "cancelled", "succeeded")
THUMBNAIL_COLUMNS = 24
THUMBNAIL_ROWS = 10
BAR_WIDTH = 12
# Columns that a table with all takes, and one without speed and steps.
WIDE = 130
NARROW = 76
NARROWEST = 60
# Columns that are cut where there is too little room.
CUT = ("NAME", "VERDICT")


class FleetTable:
    """A table, sentences about what is not well, and the newest samples, that stay in place on a terminal."""

    def __init__(self, console: Console, paint: Painter | None = None) -> None:
        self._console = console
        # Nothing can stand beside sixels.
        self._paint = None if paint is sixel else paint
        self._painted: dict[str, tuple[int, RenderableType]] = {}
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def pictured(self, fleet: Fleet) -> list[str]:
        if self._paint is None:
            return []
        room = self._console.height - min(len(fleet.jobs), self._lines()) - 2 * len(fleet.reports) - 5
        if room < SMALLEST_ROWS:
            return []
        drawn = [job["id"] for job in ordered(fleet.jobs) if job["newest_sample"] is not None]
        return drawn[: max(1, self._console.width // (THUMBNAIL_COLUMNS + 1)) * max(1, room // (THUMBNAIL_ROWS + 2))]

    def update(self, fleet: Fleet) -> None:
        parts = overview(fleet, self._console.width, self._lines())
        thumbnails = [self._thumbnail(fleet, job_id) for job_id in self.pictured(fleet) if job_id in fleet.pictures]
        if thumbnails:
            parts.append(Columns(thumbnails, width=THUMBNAIL_COLUMNS, padding=(0, 1, 1, 0)))
        self._live.update(Group(*parts), refresh=True)

    def _lines(self) -> int:
        """Jobs that the table has room for."""
        return max(3, self._console.height - 7)

    def _thumbnail(self, fleet: Fleet, job_id: str) -> RenderableType:
        assert self._paint is not None
        step, png = fleet.pictures[job_id]
        if self._painted.get(job_id, (-1, ""))[0] != step:
            name = fleet.jobs[job_id]["name"] or text.short_id(job_id)
            caption = Text(f"{name} {step:,}", style="dim", overflow="ellipsis", no_wrap=True)
            self._painted[job_id] = step, Group(self._paint(png, THUMBNAIL_COLUMNS, THUMBNAIL_ROWS), caption)
        return self._painted[job_id][1]

    def close(self) -> None:
        self._live.stop()


class FleetLines:
    """Plain lines: for each job at every change of status or of verdict, and now and then between."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._said: dict[str, tuple[str, str, float]] = {}
        self._verdicts: dict[str, str] = {}
        self._lost = False

    def pictured(self, fleet: Fleet) -> list[str]:
        return []

    def update(self, fleet: Fleet) -> None:
        for job_id, job in reversed(fleet.jobs.items()):  # the oldest first: so they come to their ends
            status, said, when = self._said.get(job_id, ("", "", 0.0))
            written = job_line(job)
            if written != said and (job["status"] != status or self._now() - when >= LINE_SECONDS):
                text.say(written, console=self._console)
                self._said[job_id] = (job["status"], written, self._now())
            report = fleet.reports.get(job_id)
            if report is not None and report["verdict"] != self._verdicts.get(job_id):
                text.say(f"{job_id}  health     {headline(report)}", console=self._console)
            if report is not None:
                self._verdicts[job_id] = report["verdict"]
        if (fleet.notice is not None) != self._lost:
            text.say(fleet.notice or patience.FOUND, console=self._console)
            self._lost = fleet.notice is not None

    def close(self) -> None:
        """Nothing to put away."""


class FleetJson:
    """The states of all jobs for programs, a line of JSON each."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines

    def pictured(self, fleet: Fleet) -> list[str]:
        return []

    def update(self, fleet: Fleet) -> None:
        for job_id, job in reversed(fleet.jobs.items()):
            report = fleet.reports.get(job_id)
            numbers = {name: job[name] for name in ("d_loss", "g_loss", "newest_sample")}
            said = report["sentence"] if report is not None else None
            self._lines.write(state(job) | numbers | {"sentence": said})

    def close(self) -> None:
        """Nothing to put away."""


def ordered(jobs: Mapping[str, Json]) -> list[Json]:
    """Jobs as they are shown: those that are trained first."""
    return sorted(jobs.values(), key=lambda job: ORDER.index(job["status"]))


def overview(fleet: Fleet, width: int, most: int) -> list[RenderableType]:
    """A table of ``most`` jobs at most, how many more there are, and what is not well."""
    jobs = ordered(fleet.jobs)
    parts: list[RenderableType] = [table_of(jobs[:most], width)]
    if NARROW <= width < WIDE:
        parts.extend(Text(each, style="dim") for each in _levels(jobs[:most]))
    if len(jobs) > most:
        more = [job["status"] for job in jobs[most:]]
        counts = ", ".join(f"{more.count(status)} {status}" for status in ORDER if status in more)
        parts.append(Text(f"and {len(more)} more: {counts}", style="dim"))
    for job in jobs[:most]:
        if report := fleet.reports.get(job["id"]):
            label = f"[bold]{escape(job['name'] or text.short_id(job['id']))}[/]"
            rest = escape(headline(report).removeprefix(report["verdict"]))
            said = f"{label}  {text.verdict(report['verdict'], report['severity'])}{rest}"
            parts.append(Text.from_markup(said, overflow="ellipsis"))
    if fleet.notice:
        parts.append(Text(fleet.notice, style="yellow"))
    return parts


def _levels(jobs: list[Json]) -> list[str]:
    """A line about the losses at equilibrium for a table that has no room for them beside each loss; none where the
    jobs have several."""
    told = {tuple(text.levels(job).values())[:2] for job in jobs}
    if len(told) != 1:
        return []
    values = [f"{name} {text.number(level)}" for name, level in told.pop() if level is not None]
    return [f"at equilibrium: {', '.join(values)}"] if values else []


def table_of(jobs: list[Json], width: int) -> Table:
    """One line per job; where there is little room without what the bar tells too, then without losses, then without
    the bar. Words are cut where they have to be, numbers never."""
    wide = width >= WIDE
    right = ("STEP", "SPEED", "LEFT", "D LOSS", "G LOSS")
    titles = ["JOB", "NAME", "STATUS", "", "STEP", "SPEED", "LEFT", "D LOSS", "G LOSS", "VERDICT"]
    if not wide:
        left_out = ("STEP", "SPEED") if width >= NARROW else ("STEP", "SPEED", "NAME", "D LOSS", "G LOSS")
        titles = [title for title in titles if title not in left_out and (title or width >= NARROWEST)]
    table = text.make_table(*titles, right=right)
    table.padding = (0, 1)
    for column in table.columns:
        column.no_wrap = column.header not in CUT  # Rich takes what it lacks from those that may wrap
    for job in jobs:
        left = "" if JobStatus(job["status"]).is_resting else text.duration(job["estimated_seconds_left"])
        verdict = Text.from_markup(text.verdict(job["verdict"], job["severity"]), overflow="ellipsis")
        verdict.no_wrap = True
        cells: dict[str, RenderableType] = {
            "JOB": text.short_id(job["id"]),
            "NAME": Text(_cut(job["name"] or "-", 20 if wide else 12), no_wrap=True, overflow="ellipsis"),
            "STATUS": text.status(job["status"]),
            "": bar(job, BAR_WIDTH if wide else BAR_WIDTH // 2),
            "STEP": steps(job),
            "SPEED": speed(job) if job["steps_per_second"] else "",
            "LEFT": left,
            "D LOSS": _loss(job, "d_loss", wide),
            "G LOSS": _loss(job, "g_loss", wide),
            "VERDICT": verdict,
        }
        table.add_row(*(cells[title] for title in titles))
    return table


def _loss(job: Json, name: str, wide: bool) -> str:
    """A loss, and beside it its value at equilibrium where it has one and there is room."""
    level = job["equilibrium"][name]
    beside = f" [dim]({text.number(level)})[/]" if wide and level is not None else ""
    return f"{text.value(job[name])}{beside}"


def job_line(job: Json) -> str:
    """One of several jobs on one line; each loss's value at equilibrium stands in brackets."""
    parts = [job["id"], *([job["name"]] if job["name"] else [])]
    parts.append(place(job, JobStatus(job["status"]).is_resting))
    for key, (name, level) in text.levels(job).items():
        if key in job and job[key] is not None:
            parts.append(f"{name} {text.value(job[key])}" + (f" ({text.number(level)})" if level is not None else ""))
    if job["verdict"]:
        parts.append(job["verdict"])
    return "  ".join(parts)


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"
