"""``logs``, ``events``, ``samples`` and ``workers``: what was recorded."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ganjobs import text
from ganjobs.client import Client
from ganjobs.commands.options import AsJson, JobRef, Url, open_client, write_json
from ganjobs.jobref import resolve

Folder = Annotated[Path, typer.Option("--save", metavar="FOLDER", help="Where the PNG files go; made if need be.")]
Step = Annotated[int | None, typer.Option("--step", min=0, help="Only the sample of this step.")]


def logs(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Show what the worker logged while it trained a job."""
    with open_client(url) as client:
        lines = list(client.logs(resolve(client, job)))
    if as_json:
        return write_json(lines)
    console = text.make_console()
    for entry in lines:
        data = " ".join(f"{name}={value}" for name, value in (entry.get("data") or {}).items())
        _print_line(console, f"{text.clock(entry['created_at'])} {entry['level']:<7} {entry['message']} {data}")
    return None


def events(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Show what happened to a job."""
    with open_client(url) as client:
        found = list(client.events(resolve(client, job)))
    if as_json:
        return write_json(found)
    console = text.make_console()
    for event in found:
        kind = event.get("kind") or event.get("type") or ""
        _print_line(console, f"{text.clock(event['created_at'])} {kind:<18} {event['message']}")
    return None


def _print_line(console: Any, line: str) -> None:
    console.print(line.rstrip(), markup=False, soft_wrap=True)


def samples(job: JobRef, save: Folder, step: Step = None, url: Url = None) -> None:
    """Save a job's sample images as PNG files; those that are there already stay as they are."""
    with open_client(url) as client:
        paths = save_samples(client, resolve(client, job), save, step)
    console = text.make_console()
    for path in paths:
        _print_line(console, str(path))
    if not paths:
        console.print("no samples yet", markup=False)


def save_samples(client: Client, job_id: str, folder: Path, step: int | None = None) -> list[Path]:
    """Write the samples of a job (or of one step) as ``<job>-step-<step>.png``; returns their paths by step."""
    steps = [step] if step is not None else [int(sample["step"]) for sample in client.samples(job_id)]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in steps:
        path = folder / f"{job_id}-step-{number:08}.png"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(client.sample(job_id, number))
            unfinished.replace(path)
        paths.append(path)
    return paths


def workers(url: Url = None, as_json: AsJson = False) -> None:
    """List the workers that are alive."""
    with open_client(url) as client:
        found = client.workers()
    if as_json:
        return write_json(found)
    console = text.make_console()
    if not found:
        console.print("no worker is alive: start one with `python -m worker`, or everything with `ganjobs serve`")
        return None
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in ("ID", "HOST", "STATUS", "SLOTS", "DEVICES", "UP"):
        table.add_column(title, no_wrap=True, header_style="bold")
    for worker in found:
        devices = ", ".join(str(device.get("name") or device.get("kind")) for device in worker["devices"]) or "-"
        cells = (worker["id"], worker["hostname"], worker["status"], str(worker["slots"]), devices)
        table.add_row(*map(escape, cells), text.age(worker["started_at"]))
    console.print(table)
    return None
