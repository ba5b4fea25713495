"""``export``: a job's whole history, for other programs."""

import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ganjobs import text
from ganjobs.commands.options import AsJson, JobRef, Url, folder, open_client, tell_path
from ganjobs.extras import need
from ganjobs.jobref import resolve

STANDARD_OUTPUT = Path("-")
RUNS = Path("runs")  # where TensorBoard's own programs write by default


class Form(StrEnum):
    """What a history can be exported to."""

    TENSORBOARD = "tensorboard"
    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


To = Annotated[Form, typer.Option("--to", help="A TensorBoard event file, with samples and spec, or a table of steps.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        parser=folder,
        help="The file, or `-` for standard output; for TensorBoard, the folder that holds a folder per job (`runs` by "
        "default). Its own folder is made where it is not there.",
    ),
]


def export(job: JobRef, to: To, output: Output = None, url: Url = None, as_json: AsJson = False) -> None:
    """Export every step a job has recorded so far and print the path, or with `-o -` write it to standard output. What
    is there from before is replaced.

    TensorBoard shows a time for each step: they are spread evenly between the job's start, its samples and its end.
    """
    from ganjobs.export import progress_on, save, write

    is_piped = output == STANDARD_OUTPUT
    if is_piped and (as_json or to is Form.TENSORBOARD):
        other = "--json" if as_json else f"--to {to}"
        raise typer.BadParameter(f"`-` cannot be given together with {other}", param_hint="--output")
    console = text.make_console(stderr=True)
    with open_client(url) as client:
        job_id = resolve(client, job)
        if is_piped:
            # A bar would stand between the lines where both go to a terminal.
            with progress_on(console, str(to)) if not sys.stdout.isatty() else nullcontext(lambda *_: None) as meter:
                return write(client, job_id, to, sys.stdout.buffer, meter)
        if to is Form.TENSORBOARD:
            from rich.progress import MofNCompleteColumn, TimeRemainingColumn

            need("tensorboardX", "an export to TensorBoard")
            from ganjobs.export_tensorboard import save_events

            with progress_on(console, "steps", MofNCompleteColumn(), TimeRemainingColumn()) as meter:
                path = save_events(client, client.get(job_id), output or RUNS, meter)
        else:
            path = _file(output, f"{job_id}-metrics.{to}")
            with progress_on(console, path.name) as meter:
                save(client, job_id, to, path, meter)
    return tell_path(job_id, path, as_json)


def _file(output: Path | None, name: str) -> Path:
    """Where a file goes: into a folder that is there, or as it is called."""
    if output is None:
        return Path(name)
    return output / name if output.is_dir() else output
