"""``jobs``, ``show`` and ``delete``."""

from typing import Annotated, Any

import typer
from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

from ganjobs import text
from ganjobs.commands.options import AsJson, JobRef, Url, open_client, tell_deleted, write_json
from ganjobs.jobref import LATEST, resolve
from ganjobs.types import JobStatus, Severity, Verdict

StatusFilter = Annotated[
    list[JobStatus] | None,
    typer.Option("--status", metavar="STATUS", help=f"Only jobs in this state ({', '.join(JobStatus)}); repeatable."),
]
VerdictFilter = Annotated[
    list[Verdict] | None,
    typer.Option(
        "--verdict",
        metavar="VERDICT",
        help=f"Only jobs with this verdict on their health ({', '.join(Verdict)}); repeatable.",
    ),
]
SeverityFilter = Annotated[
    list[Severity] | None,
    typer.Option(
        "--severity",
        metavar="SEVERITY",
        help=f"Only jobs whose verdict is as bad as this ({', '.join(Severity)}); repeatable.",
    ),
]
NameFilter = Annotated[str | None, typer.Option("--name", help="Only jobs of this name.")]
After = Annotated[
    str | None, typer.Option("--after", metavar="ID", help="Only jobs older than this one: the next page.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, help="How many jobs, newest first.")]


def jobs(
    statuses: StatusFilter = None,
    name: NameFilter = None,
    verdicts: VerdictFilter = None,
    severities: SeverityFilter = None,
    limit: Limit = 20,
    after: After = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    with open_client(url) as client:
        page = client.list_jobs(statuses or (), limit, after, name, verdict=verdicts or (), severity=severities or ())
    if as_json:
        return write_json(page)
    console = text.make_console()
    if not page["data"]:
        is_narrowed = statuses or name or verdicts or severities or after
        console.print("no jobs" + ("" if is_narrowed else ": submit one with `ganjobs submit SPEC`"), markup=False)
        return None
    console.print(jobs_table(page["data"]))
    if page["has_more"]:
        console.print(f"there are more: add --after {page['data'][-1]['id']}", style="dim")
    return None


def jobs_table(found: list[dict[str, Any]]) -> Table:
    """One line per job."""
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in ("ID", "NAME", "STATUS", "PROGRESS", "D LOSS", "G LOSS", "VERDICT", "AGE"):
        right = title in ("PROGRESS", "D LOSS", "G LOSS", "AGE")
        wraps = title in ("NAME", "VERDICT")
        justify: JustifyMethod = "right" if right else "left"
        table.add_column(title, justify=justify, no_wrap=not wraps, overflow="fold", header_style="bold")
    for job in found:
        latest = job.get("latest_metrics") or {}
        progress = f"{job['step']}/{job['steps']} {100 * job['step'] // job['steps']:>3} %"
        losses = (text.value(latest.get(name)) for name in ("d_loss", "g_loss"))
        name = escape(job.get("name") or "-")
        verdict = text.verdict(job.get("verdict"), job.get("severity"))
        cells = (job["id"], name, text.status(job["status"]), progress, *losses, verdict)
        table.add_row(*cells, text.age(job["created_at"]))
    return table


def show(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Show one job: its state, its latest readings and its spec."""
    with open_client(url) as client:
        found = client.get(resolve(client, job))
        if as_json:
            return write_json(found)
    console = text.make_console()
    table = Table(box=None, show_header=False, padding=(0, 2), pad_edge=False)
    for name, value in described(found):
        table.add_row(f"[dim]{name}[/]", value)
    console.print(table)
    return None


def described(job: dict[str, Any]) -> list[tuple[str, str]]:
    """A job as pairs of name and value, as Rich markup."""
    import yaml

    pairs = [
        ("id", job["id"]),
        ("name", escape(job.get("name") or "-")),
        ("status", f"{text.status(job['status'])}  {escape(job.get('status_reason') or '')}"),
        ("progress", f"{job['step']:,} of {job['steps']:,} steps"),
        ("created", f"{text.age(job['created_at'])} ago"),
    ]
    if origin := text.origin(job):
        pairs.append(("origin", origin))
    if job["priority"]:
        pairs.append(("priority", str(job["priority"])))
    if job.get("error"):
        pairs.append(("error", escape(str(job["error"].get("message") or job["error"]))))
    levels = text.levels(job)
    for name, value in (job.get("latest_metrics") or {}).items():
        level = levels[name][1] if name in levels else None
        pairs.append((name, text.value(value) + (f"  (equilibrium {text.number(level)})" if level is not None else "")))
    if evaluated := text.evaluation(job.get("latest_evaluation")):
        pairs.append(("evaluation", evaluated))
    if verdict := job.get("verdict"):
        said = f"{text.verdict(verdict, job['severity'])}  ({job['severity']}; more with `ganjobs health {job['id']}`)"
        pairs.append(("health", said))
    if rollbacks := job.get("rollbacks"):
        pairs.append(("rollbacks", str(rollbacks)))
    spec = yaml.safe_dump(job["spec"], sort_keys=False, allow_unicode=True, default_flow_style=None).strip()
    return [*pairs, ("spec", escape(spec))]


def delete(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Delete a finished job with its metrics, samples and checkpoints."""
    if job == LATEST:
        raise typer.BadParameter("the latest job is soon another one; deleting needs an id", param_hint="JOB")
    with open_client(url) as client:
        job_id = resolve(client, job)
        client.delete(job_id)
    tell_deleted(job_id, as_json)
