"""``logs``, ``events``, ``evaluations`` and ``workers``: what was recorded."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from ganjobs import exitcodes, tail, text
from ganjobs.commands.options import AsJson, JobRef, Url, open_client, write_json
from ganjobs.jobref import resolve
from ganjobs.rest import Json, Rest
from ganjobs.tail import Read

FollowList = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends; JSON comes in lines then.")]


def logs(job: JobRef, follow: FollowList = False, url: Url = None, as_json: AsJson = False) -> None:
    """Show what the worker logged while it trained a job."""
    with open_client(url) as client:
        _list(client, resolve(client, job), client.logs, log_line, follow, as_json)


def log_line(entry: dict[str, Any]) -> str:
    """Time, level, message and data on one line."""
    data = " ".join(f"{name}={text.compact(value)}" for name, value in (entry.get("data") or {}).items())
    return f"{text.clock(entry['created_at'])} {entry['level']:<7} {entry['message']} {data}".rstrip()


def events(job: JobRef, follow: FollowList = False, url: Url = None, as_json: AsJson = False) -> None:
    """Show what happened to a job."""
    with open_client(url) as client:
        _list(client, resolve(client, job), client.events, event_line, follow, as_json)


def _list(client: Rest, job_id: str, read: Read, say: Callable[[Json], str], follow: bool, as_json: bool) -> None:
    """Write a list of a job, as it is or as it grows."""
    if not follow:
        found = list(read(job_id))
        return write_json(found) if as_json else text.say(*map(say, found))
    write = tail.write_line if as_json else lambda entry: text.say(say(entry))
    try:
        return tail.follow(client, job_id, read, write)
    except KeyboardInterrupt:
        raise typer.Exit(exitcodes.INTERRUPTED) from None


def event_line(event: dict[str, Any]) -> str:
    """Time, kind and message on one line, and where the job stood if the event knows."""
    data = event.get("data") or {}
    where = ", ".join(f"{name} {data[name]}" for name in ("attempt", "step") if data.get(name) is not None)
    said = f"{text.clock(event['created_at'])} {event['kind']:<18} {event['message']}"
    return f"{said} ({where})" if where else said


def evaluations(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Show what a job's generator was worth, every so many steps."""
    with open_client(url) as client:
        found = list(client.evaluations(resolve(client, job)))
    if as_json:
        return write_json(found)
    if not found:
        return text.say("no evaluations: ask for them with evaluate_every in the spec")
    return text.say(*(str(text.evaluation(each)) for each in found))


def workers(url: Url = None, as_json: AsJson = False) -> None:
    """List the workers that are alive."""
    with open_client(url) as client:
        found = client.workers()
    if as_json:
        return write_json(found)
    if not found:
        return text.say("no worker is alive: start one with `python -m worker`, or everything with `ganjobs serve`")
    table = text.make_table("ID", "HOST", "STATUS", "SLOTS", "DEVICES", "UP")
    for worker in found:
        devices = ", ".join(str(device.get("name") or device.get("kind")) for device in worker["devices"]) or "-"
        cells = (worker["id"], worker["hostname"], worker["status"], str(worker["slots"]), devices)
        table.add_row(*map(escape, cells), text.age(worker["started_at"]))
    return text.make_console().print(table)
