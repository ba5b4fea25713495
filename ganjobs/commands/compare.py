"""``compare``: jobs side by side."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ganjobs import text
from ganjobs.commands.options import JOB_HELP, AsJson, Url, open_client, write_json
from ganjobs.comparing import LOSSES, WINDOW, Compared, collect, differing, evaluations
from ganjobs.comparing import as_json as comparison
from ganjobs.completion import complete_job
from ganjobs.jobref import resolve
from ganjobs.rest import Json
from ganjobs.sparkline import sparkline

FEWEST, MOST = 2, 8
Jobs = Annotated[
    list[str], typer.Argument(metavar="JOB JOB...", help=f"Two to eight. {JOB_HELP}", autocompletion=complete_job)
]
Everything = Annotated[bool, typer.Option("--all", help="All fields of the specs, those that are alike too.")]


def compare(jobs: Jobs, everything: Everything = False, url: Url = None, as_json: AsJson = False) -> None:
    """Put jobs side by side.

    What came of each: verdict, speed, losses beside equilibrium and as curves on one scale, evaluations with the best
    marked. Below that, what differs in their specs.
    """
    if not FEWEST <= len(jobs) <= MOST:
        raise typer.BadParameter(f"{FEWEST} to {MOST} jobs can be compared, not {len(jobs)}", param_hint="JOB")
    with open_client(url) as client:
        ids = [resolve(client, job) for job in jobs]
        if len(set(ids)) < len(ids):
            raise typer.BadParameter("a job cannot be compared with itself", param_hint="JOB")
        compared, catalogue = collect(client, ids), client.catalogue()
    if as_json:
        return write_json(comparison(compared, everything, catalogue))
    return text.make_console().print(table_of(compared, everything, catalogue))


def table_of(compared: Sequence[Compared], everything: bool, catalogue: Json) -> Table:
    """A column per job: first what came of it, then the fields of its spec."""
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("", no_wrap=True, style="dim")
    for one in compared:
        table.add_column(text.short_id(one.job["id"]), overflow="fold", header_style="bold")
    for name, row in results(compared):
        table.add_row(name, *row)
    for name, (values, best) in evaluations(compared, catalogue).items():
        cells = [text.value(each) for each in values]
        table.add_row(name, *(f"[green]{cell} best[/]" if index == best else cell for index, cell in enumerate(cells)))
    fields = differing(compared, everything)
    table.add_section()
    table.add_row("")
    title = "spec" if everything else "spec, where it differs"
    table.add_row(f"[bold not dim]{title}[/]", *([""] * len(compared) if fields else ["nothing differs"]))
    for name, values in fields.items():
        table.add_row(name, *(escape(text.compact(value)) for value in values))
    return table


def results(compared: Sequence[Compared]) -> list[tuple[str, list[str]]]:
    """Name and cells of each row about what came of the jobs, as Rich markup."""
    told: list[tuple[str, Callable[[Json], str]]] = [
        ("name", lambda job: escape(job["name"] or "-")),
        ("status", lambda job: text.status(job["status"])),
        ("step", lambda job: f"{job['step']:,} of {job['steps']:,}"),
        ("verdict", lambda job: text.verdict(job["verdict"], job["severity"])),
        ("speed", speed),
        ("training time", lambda job: text.duration(job["training_seconds"])),
    ]
    rows = [(name, [say(one.job) for one in compared]) for name, say in told]
    for key in LOSSES:
        label = text.levels(compared[0].job)[key][0]
        rows.append((f"{label}, last {WINDOW} (at equilibrium)", [_loss(one, key) for one in compared]))
        rows.append((f"{label}, curve", _curves(compared, key)))
    return rows


def speed(job: Json) -> str:
    """Steps a second: those of now or, where the job is not trained now, of all its training."""
    trained = job["step"] - job["start_step"]
    mean = trained / job["training_seconds"] if trained and job["training_seconds"] else None
    value = job["steps_per_second"] or mean
    return f"{text.number(value, 3)} steps/s" if value else "-"


def _loss(one: Compared, key: str) -> str:
    level = one.job["equilibrium"][key]
    beside = f" [dim]({text.number(level)})[/]" if level is not None else ""
    return f"{text.number(one.means[key])}{beside}"


def _curves(compared: Sequence[Compared], key: str) -> list[str]:
    """The curves of a loss, all on one scale."""
    values: list[Any] = [value for one in compared for value in one.curves[key] if value is not None]
    low, high = (min(values), max(values)) if values else (None, None)
    return [sparkline(one.curves[key], low, high) or "-" for one in compared]
