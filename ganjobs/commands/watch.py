"""``watch``: the progress of jobs as it happens."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ganjobs import exitcodes, text
from ganjobs.commands.options import JOB_HELP, AsJson, Badness, FailOn, Url, open_client
from ganjobs.completion import complete_job
from ganjobs.errors import ApiError, ApiUnreachable
from ganjobs.jobref import resolve
from ganjobs.patience import may_pass
from ganjobs.pictures import ImageMode, Painter
from ganjobs.reading import reading
from ganjobs.rest import Json
from ganjobs.types import JobStatus
from ganjobs.watch_client import WatchClient

if TYPE_CHECKING:
    from ganjobs.fleet import FleetDisplay
    from ganjobs.watched import Progress

Jobs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JOB]...",
        help=f"{JOB_HELP} All that are not finished where none is named.",
        autocompletion=complete_job,
        show_default=False,
    ),
]
Statuses = Annotated[
    list[JobStatus] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help=f"All jobs in this state ({', '.join(JobStatus)}), those that come into it too; repeatable.",
    ),
]
Image = Annotated[
    ImageMode,
    typer.Option(
        "--image",
        metavar="HOW",
        help=f"How samples are drawn ({', '.join(ImageMode)}): `auto` takes what the terminal can show.",
    ),
]
Once = Annotated[bool, typer.Option("--once", help="Show how it stands, and end.")]


def watch(
    jobs: Jobs = None,
    statuses: Statuses = None,
    image: Image = ImageMode.AUTO,
    once: Once = False,
    fail_on: FailOn = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the progress of jobs until all have ended or are paused.

    Bar, speed, time left, losses beside their equilibrium, the verdict in words, and the newest sample. Without a job:
    all that are not finished, new ones joining. With --json each state is a line of JSON.

    Exit status: 0 succeeded, 1 failed, 3 cancelled, 4 paused, 5 API gone, 130 Ctrl-C; of several jobs the worst.
    """
    if jobs and statuses:
        raise typer.BadParameter("cannot be given together with jobs", param_hint="--status")
    with open_client(url) as client:
        ids = list(dict.fromkeys(resolve(client, job) for job in jobs or ()))
        if len(ids) == 1:
            watch_one(client, ids[0], image, once, fail_on, as_json)
        watch_many(client, ids, statuses or (), image, once, fail_on, as_json)


def watch_one(
    client: WatchClient, job_id: str, image: ImageMode, once: bool, fail_on: Badness | None, as_json: bool
) -> None:
    """Follow a job, say how it ended and how its health is, and end the command with the status that means it."""
    from ganjobs.pictures import painter
    from ganjobs.watch import begin, follow
    from ganjobs.watch_display import JsonDisplay, JsonLines, LiveDisplay, make_display

    console = text.make_console()
    paint = None if as_json else painter(image, console)
    if once:
        progress = begin(client, job_id, paint is not None)
        show_once(progress, console, paint, as_json)
        job = progress.job
    else:
        display = JsonDisplay(JsonLines()) if as_json else make_display(console, paint)
        with going_on(f"watch {job_id}", f"cancel {job_id}"):
            job = follow(client, job_id, display, fail_on=fail_on)
            health = client.health(job_id) if job["step"] and not as_json else None
        if not as_json:
            told = display.told if isinstance(display, LiveDisplay) else []
            text.say(*closing(job, health, told), console=console)
    raise typer.Exit(exitcodes.of_job(job["status"], job["severity"], fail_on))


def watch_many(
    client: WatchClient,
    ids: list[str],
    statuses: Sequence[JobStatus],
    image: ImageMode,
    once: bool,
    fail_on: Badness | None,
    as_json: bool,
) -> None:
    """Follow jobs (all that are not finished where ``ids`` is empty), and end the command with the status that means
    the worst of their ends."""
    from ganjobs.fleet import UNFINISHED, Fleet, follow_many
    from ganjobs.fleet_display import FleetJson, FleetLines, FleetTable
    from ganjobs.pictures import painter
    from ganjobs.watch_display import JsonLines

    console = text.make_console()
    fleet = Fleet(client, ids, statuses or UNFINISHED)
    with going_on("watch"):
        if once:
            fleet.look()
        display: FleetDisplay
        if as_json:
            display = FleetJson(JsonLines())
        elif console.is_terminal:
            display = FleetTable(console, painter(image, console))
        else:
            display = FleetLines(console)
        if once:
            fleet.draw(display.pictured(fleet))
            display.update(fleet)
            display.close()
        else:
            follow_many(fleet, display, fail_on=fail_on)
    if not fleet.jobs and not as_json:
        text.say("no job to watch: submit one with `ganjobs submit SPEC`", console=console)
    statuses_of = (exitcodes.of_job(job["status"], job["severity"], fail_on) for job in fleet.jobs.values())
    raise typer.Exit(exitcodes.worst(statuses_of))


def show_once(progress: "Progress", console: Console, paint: Painter | None, as_json: bool) -> None:
    """How a job stands, in as much as is known of it."""
    from ganjobs.watch_display import JsonDisplay, JsonLines, LineDisplay, Picture, render

    if as_json:
        JsonDisplay(JsonLines()).update(progress)
    elif console.is_terminal:
        console.print(render(progress, console.width), *(Picture(console, paint).of(progress) if paint else ()))
    else:
        LineDisplay(console).update(progress)


@contextmanager
def going_on(again: str, *more: str) -> Iterator[None]:
    """Ctrl-C and a service that stays away end the watching, not the jobs: say so, and how to go on."""
    try:
        yield
    except (ApiUnreachable, ApiError) as error:
        if not may_pass(error):
            raise
        safe = f"ganjobs: {error}; what is trained goes on: `ganjobs {again}` when the service is back"
        text.say(safe, console=text.make_console(stderr=True))
        raise typer.Exit(exitcodes.UNREACHABLE) from error
    except KeyboardInterrupt:
        hints = ", ".join(f"`ganjobs {each}`" for each in (again, *more))
        text.say(f"stopped watching; training goes on: {hints}", console=text.make_console(stderr=True))
        raise typer.Exit(exitcodes.INTERRUPTED) from None


def watch_to_the_end(client: WatchClient, job_id: str, as_json: bool = False) -> None:
    """What ``--follow`` does with a job that was just made."""
    watch_one(client, job_id, ImageMode.AUTO, once=False, fail_on=None, as_json=as_json)


def closing(job: Json, health: Json | None, told: Sequence[str]) -> list[str]:
    """How a job ended, its latest evaluation, its health and what to change, without the lines that are ``told``
    already."""
    from ganjobs.watch_display import worth

    lines = [*worth(job), *(reading(health) if health is not None else ())]
    left = [each for each in lines if each not in told]
    # What stood below the verdict stands alone where that is told already.
    return [ending(job), *(left if len(left) == len(lines) else map(str.strip, left))]


def ending(job: Json) -> str:
    """How a job ended, or how a paused one goes on, on one line."""
    error = job.get("error")
    reason = error.get("message") if isinstance(error, dict) else job.get("status_reason")
    said = f"{job['id']} {job['status']} at step {job['step']} of {job['steps']}"
    if job["status"] == "paused":
        return f"{said}: go on with `ganjobs resume {job['id']}`"
    return said if job["status"] in ("succeeded", "running") or not reason else f"{said}: {reason}"
