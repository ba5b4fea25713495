"""``samples``, ``checkpoints`` and ``generator``: the files a job made."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.table import Table

from ganjobs import text
from ganjobs.commands.options import AsJson, JobRef, Url, open_client, tell_path, write_json
from ganjobs.errors import ClientError
from ganjobs.jobref import resolve

SaveSamples = Annotated[
    Path | None,
    typer.Option("--save", metavar="FOLDER", help="Save them here as PNG files; those that are there already stay."),
]
Animation = Annotated[
    Path | None,
    typer.Option(
        "--animation",
        metavar="FILE",
        help="Save all as one animation: .gif, .webp, or .png or .apng (both animated PNG).",
    ),
]
SaveGenerator = Annotated[Path, typer.Option("--save", metavar="FOLDER", help="Where the file goes.")]
Best = Annotated[bool, typer.Option("--best", help="The best so far by the spec's best_metric, not the newest.")]
Step = Annotated[int | None, typer.Option("--step", min=0, help="Only the sample of this step.")]


def samples(
    job: JobRef,
    save: SaveSamples = None,
    step: Step = None,
    animation: Animation = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List a job's sample images, save them as PNG files, or save them all as one animation."""
    from ganjobs import downloads

    if animation is not None and (save is not None or step is not None):
        raise typer.BadParameter("cannot be given together with --save or --step", param_hint="--animation")
    if animation is not None and animation.suffix.lower() not in downloads.FORMS:
        known = ", ".join(downloads.FORMS)
        raise typer.BadParameter(f"{animation.name!r} ends with none of {known}", param_hint="--animation")
    with open_client(url) as client:
        job_id = resolve(client, job)
        if animation is not None:
            return tell_path(job_id, downloads.save_animation(client, job_id, animation), as_json)
        if save is not None:
            saved = [str(path) for path in downloads.save_samples(client, job_id, save, step)]
        else:
            found = [sample for sample in client.samples(job_id) if step in (None, sample["step"])]
    if as_json:
        return write_json(found if save is None else saved)
    if not (found if save is None else saved):
        return text.say("no samples yet")
    if save is None:
        return text.make_console().print(samples_table(found))
    return text.say(*saved)


def samples_table(found: list[dict[str, Any]]) -> Table:
    """One line per sample."""
    table = text.make_table("STEP", "PIXELS", "SIZE", "AGE", right=("STEP", "SIZE", "AGE"))
    for one in found:
        pixels = f"{one['width']} x {one['height']}"
        table.add_row(f"{one['step']:,}", pixels, decimal(one["size"]), text.age(one["created_at"]))
    return table


def checkpoints(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """List a job's checkpoints and the sizes of their files, newest first."""
    with open_client(url) as client:
        found = client.checkpoints(resolve(client, job))
    if as_json:
        return write_json(found)
    if not found:
        return text.say("no checkpoints yet")
    return text.make_console().print(checkpoints_table(found))


def checkpoints_table(found: list[dict[str, Any]]) -> Table:
    """One line per file; a checkpoint's own facts stand at its first."""
    table = text.make_table("STEP", "ATTEMPT", "AGE", "FILE", "SIZE", "BEST", right=("STEP", "ATTEMPT", "AGE", "SIZE"))
    for one in found:
        best = one.get("best")
        by = f"{best['metric']} {text.value(best['value'])}" if best else ""
        facts = (f"{one['step']:,}", str(one["attempt"]), text.age(one["created_at"]))
        for number, file in enumerate(one["files"]):
            first = number == 0
            cells = (*(facts if first else ("", "", "")), file["name"], decimal(file["size"]), by if first else "")
            table.add_row(*cells)
    return table


def generator(
    job: JobRef, save: SaveGenerator = Path(), best: Best = False, url: Url = None, as_json: AsJson = False
) -> None:
    """Download the generator of a job's newest or best checkpoint (safetensors) and print its path."""
    from ganjobs import downloads

    with open_client(url) as client:
        job_id = resolve(client, job)
        path = downloads.save_generator(client, job_id, save, best)
    if path is None:
        none = "no best checkpoint: its spec has no best_metric, or none has been made" if best else "no checkpoint"
        raise ClientError(f"{job_id} has {none} yet")
    tell_path(job_id, path, as_json)
