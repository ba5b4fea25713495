"""How values are written for people, alike in every command."""

import json
import math
from collections.abc import Container
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

COLOURS = {
    "queued": "cyan",
    "running": "blue",
    "pausing": "magenta",
    "paused": "magenta",
    "cancelling": "yellow",
    "cancelled": "yellow",
    "succeeded": "green",
    "failed": "red",
}
SEVERITIES = {"ok": "green", "caution": "yellow", "alarm": "red"}
# `job_` and the ten digits of the job's number.
SHORT_ID = 14
# Numbers of an evaluation that are told where there is one line for it.
IN_BRIEF = 2
# Lines of a pipe must not be cut at the width of a terminal that is not there.
PIPE_WIDTH = 200


def make_console(stderr: bool = False) -> Console:
    """A console that writes plain long lines where nobody looks on."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, width=PIPE_WIDTH, no_color=True)
    return console


def say(*lines: str, console: Console | None = None) -> None:
    """Print lines as they are, on standard output unless a console is given."""
    console = console or make_console()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def make_table(*titles: str, right: Container[str] = ()) -> Table:
    """A table without lines; the columns of ``right`` hold numbers."""
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", no_wrap=True, header_style="bold")
    return table


def number(value: float | None, digits: int = 4) -> str:
    """A metric's value; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.{digits}g}" if math.isfinite(value) else str(value)


def value(given: float | str | None) -> str:
    """A value as the API gives it: NaN and infinity are strings."""
    return given if isinstance(given, str) else number(given)


def jsonable(given: float | None) -> float | str | None:
    """A number as the API gives it: NaN and infinity are strings."""
    if given is None or math.isfinite(given):
        return given
    return "NaN" if math.isnan(given) else "Infinity" if given > 0 else "-Infinity"


def json_line(data: Any) -> str:
    """Data for programs on one line. NaN and infinity travel as strings, as they do over HTTP."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n"


def evaluation(given: dict[str, Any] | None) -> str | None:
    """What a generator was worth, on one line; ``None`` where nobody knows."""
    if not given:
        return None
    values = ", ".join(f"{name} {value(each)}" for name, each in given["values"].items())
    return f"step {given['step']:,}: {values or 'nothing could be computed'}"


def evaluation_in_brief(job: dict[str, Any]) -> str | None:
    """The number of a job's latest evaluation that its spec calls the best metric, or the first two where it names none
    (or that one could not be computed); ``None`` where there is no evaluation."""
    given = job.get("latest_evaluation")
    if not given:
        return None
    values, best = given["values"], (job.get("spec") or {}).get("best_metric")
    names = [best] if best in values else list(values)[:IN_BRIEF]
    return evaluation({**given, "values": {name: values[name] for name in names}})


def duration(seconds: float | None) -> str:
    """``4 s``, ``3:20``, ``1:02:03``."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def age(timestamp: str | int | float | None, now: datetime | None = None) -> str:
    """How long ago a moment of the API was, in its largest unit."""
    moment = parse_time(timestamp)
    if moment is None:
        return "-"
    seconds = max(0, int(((now or datetime.now(UTC)) - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def parse_time(timestamp: str | int | float | None) -> datetime | None:
    """A time of the API, which is UTC whether it says so or not."""
    if timestamp is None:
        return None
    if isinstance(timestamp, int | float):
        return datetime.fromtimestamp(timestamp, UTC)
    moment = datetime.fromisoformat(timestamp)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clock(timestamp: str | int | float | None) -> str:
    """Date and time of the API on this machine's clock."""
    moment = parse_time(timestamp)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def compact(value: Any) -> str:
    """A value that was logged: text as it is, anything else as JSON with six digits at most."""
    return value if isinstance(value, str) else json.dumps(_rounded(value), separators=(",", ":"), ensure_ascii=False)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def short_id(job_id: str) -> str:
    """As much of a job's id as tells it from all others: its beginning is a number of its own."""
    return job_id[:SHORT_ID]


def status(value: str) -> str:
    """A job's status in its colour, as Rich markup."""
    return f"[{COLOURS.get(value, 'white')}]{value}[/]"


def verdict(name: str | None, severity: str | None) -> str:
    """A verdict in the colour of its severity, as Rich markup; a dash where there is none."""
    return f"[{SEVERITIES.get(severity or '', 'white')}]{name}[/]" if name else "-"


def origin(job: dict[str, Any]) -> str | None:
    """What a job was made from, in words; ``None`` where it was not made from another one."""
    match job["origin"]:
        case {"kind": "fork", "job_id": parent, "step": step}:
            return f"fork of {parent} after step {step}"
        case {"kind": "retry", "job_id": parent}:
            return f"retry of {parent}"
    return None


def first_error(error: ValidationError) -> str:
    """What is wrong with the settings, with the name of the variable."""
    first = error.errors()[0]
    names = (name if name.isupper() else f"GANJOBS_{name.upper()}" for name in map(str, first["loc"][:1]))
    # Pydantic puts its own word before ours.
    return ": ".join((*names, first["msg"].replace("Value error, ", "")))


def levels(job: dict[str, Any]) -> dict[str, tuple[str, float | None]]:
    """What the main readings are called, and their value where real and generated data cannot be told apart."""
    equilibrium = job["equilibrium"]
    return {
        "d_loss": ("D loss", equilibrium["d_loss"]),
        "g_loss": ("G loss", equilibrium["g_loss"]),
        # Recorded only where they are probabilities, so that one half is always their level.
        "d_real": ("D(x)", 0.5),
        "d_fake": ("D(G(z))", 0.5),
    }
