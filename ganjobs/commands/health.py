"""``health``: how the game between a job's networks stands, and how it went."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from ganjobs import exitcodes, text
from ganjobs.commands.options import AsJson, JobRef, Url, open_client, write_json
from ganjobs.jobref import resolve

AtStep = Annotated[int | None, typer.Option("--at-step", min=0, help="How it stood at this step, not how it stands.")]
History = Annotated[bool, typer.Option("--history", help="Every verdict there was, and when.")]
ExitStatus = Annotated[
    bool,
    typer.Option("--exit-status", help="End with status 6 where the verdict is a caution, 7 for an alarm."),
]
Segment = Annotated[
    int | None, typer.Option("--segment", min=0, help="Of a stretch that the job has gone back from, by its number.")
]

# Columns of the evidence that are left out where there is little room, in this order.
LEFT_OUT = ("REFERENCE", "THRESHOLD")
# Columns of a terminal below which advice stands under its field.
NARROW = 60
# So wide that no table is cut.
MEASURED = 1000


def health(
    job: JobRef,
    at_step: AtStep = None,
    history: History = False,
    segment: Segment = None,
    exit_status: ExitStatus = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show a job's health: the verdict, what speaks for it, and what to change."""
    if history and exit_status:
        raise typer.BadParameter("cannot be given together with --history", param_hint="--exit-status")
    if history and at_step is not None:
        raise typer.BadParameter("cannot be given together with --history", param_hint="--at-step")
    with open_client(url) as client:
        job_id = resolve(client, job)
        if history:
            intervals = list(client.health_history(job_id, segment))
            left = client.segments(job_id) if segment is None else []
        else:
            report = client.health(job_id, at_step, segment)
    if as_json:
        write_json(intervals if history else report)
    elif history:
        tell_history(intervals, left)
    else:
        console = text.make_console()
        console.print(described(report, console.width))
    if exit_status:
        raise typer.Exit(exitcodes.BY_SEVERITY[report["severity"]])


def tell_history(intervals: Sequence[dict[str, Any]], left: Sequence[dict[str, Any]]) -> None:
    """Every verdict there was, and the stretches that the job has gone back from."""
    if not intervals:
        text.say("nothing has been assessed yet")
    else:
        text.make_console().print(history_table(intervals))
    text.say(*map(segment_line, left))


def described(report: dict[str, Any], width: int) -> RenderableType:
    """A report in full, in ``width`` columns."""
    head = Table(box=None, show_header=False, padding=(0, 2), pad_edge=False)
    sure = f"({report['severity']}, confidence {text.number(report['confidence'], 2)})"
    head.add_row("[dim]verdict[/]", f"{text.verdict(report['verdict'], report['severity'])}  {sure}")
    head.add_row("[dim]since[/]", f"step {report['since_step']:,}, as assessed at step {report['step']:,}")
    parts: list[RenderableType] = [head, escape(report["sentence"])]
    if report["evidence"]:
        parts.append(Padding(evidence_that_fits(report["evidence"], width), (1, 0, 0, 0)))
    if report["advice"]:
        parts.append(Padding(advice_table(report["advice"], width), (1, 0, 0, 0)))
    return Group(*parts)


def evidence_that_fits(evidence: Sequence[dict[str, Any]], width: int) -> Table:
    """The table of the evidence. Where there is little room its columns stand closer, then some are left out (in the
    order of ``LEFT_OUT``), then the steps wrap between their numbers, and go last."""
    table = evidence_table(evidence)
    for number in range(len(LEFT_OUT) + 1):
        if _measure(table).maximum <= width:
            return table
        table = evidence_table(evidence, LEFT_OUT[:number], gap=1)
    return table if _measure(table).minimum <= width else evidence_table(evidence, (*LEFT_OUT, "STEPS"), gap=1)


def _measure(table: Table) -> Measurement:
    """How wide a table is with room for all of it, and where all wraps that may."""
    return Console(width=MEASURED).measure(table)


def evidence_table(evidence: Sequence[dict[str, Any]], left_out: Sequence[str] = (), gap: int = 2) -> Table:
    """One line per signal: what it is, what it is held against, and the steps it was taken over."""
    numbers = [name for name in ("VALUE", "THRESHOLD", "REFERENCE") if name not in left_out]
    table = text.make_table("SIGNAL", *numbers, right=numbers)
    table.padding = (0, gap)
    if "STEPS" not in left_out:
        table.add_column("STEPS", header_style="bold")
    for one in evidence:
        window = f"{one['first_step']:,} to {one['last_step']:,}"
        cells = (one["signal"], *(text.value(one[name.lower()]) for name in numbers), window)
        table.add_row(*cells[: len(table.columns)])
    return table


def advice_table(advice: Sequence[dict[str, Any]], width: int) -> RenderableType:
    """One line per thing to change; where there is little room, its field stands above what is said of it."""
    said = [(one["field"], f"{escape(one['text'])} [dim]({escape(one['source'])})[/]") for one in advice]
    if width < NARROW:
        return Group(*(part for field, what in said for part in (escape(field), Padding(what, (0, 0, 0, 2)))))
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("FIELD", no_wrap=True, header_style="bold")
    table.add_column("ADVICE", header_style="bold")
    for field, what in said:
        table.add_row(field, what)
    return table


def history_table(intervals: Sequence[dict[str, Any]]) -> Table:
    """One line per verdict that lasted."""
    table = text.make_table("STEPS", "VERDICT", "CONFIDENCE", right=("CONFIDENCE",))
    table.add_column("SENTENCE", header_style="bold")
    for one in intervals:
        steps = f"{one['from_step']:,} to {one['to_step']:,}" if one["to_step"] > one["from_step"] else ""
        verdict = text.verdict(one["verdict"], one["severity"])
        confidence = text.number(one["confidence"], 2)
        table.add_row(steps or f"{one['from_step']:,}", verdict, confidence, escape(one["sentence"]))
    return table


def segment_line(segment: dict[str, Any]) -> str:
    """What a job has gone back from, and with which remedy."""
    steps = f"from step {segment['last_step']:,} back to step {segment['after_step']:,}"
    return f"segment {segment['number']}: {steps} after {segment['verdict']}; {segment['remedy_text']}"
