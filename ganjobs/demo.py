"""The demonstration: one real job through the real stack, over HTTP, and an honest report of what came of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from ganjobs import text
from ganjobs.client import Client, MetricRows
from ganjobs.commands.records import save_samples
from ganjobs.commands.watch import ending
from ganjobs.verdict import CAVEAT, READ, judge
from ganjobs.watch import follow, make_display
from models.settings import Settings

# The part of a job, at its end, that is judged.
LAST_PART = 0.1
GENERATOR_FILE = "generator.safetensors"
SMALL_SPEC = json.dumps(
    {"dataset": {"kind": "ring"}, "generator": {"kind": "mlp"}, "discriminator": {"kind": "mlp"}, "steps": 500}
)


@dataclass(frozen=True)
class Report:
    """What a finished job is shown by."""

    job: dict[str, Any]
    last_rows: MetricRows
    samples: list[Path]
    generator: str | None


def train(client: Client, spec: dict[str, Any], console: Console, pause: Callable[[float], None]) -> dict[str, Any]:
    """Submit a job and show its progress; returns it as it ended."""
    job = client.create(spec)
    console.print(f"submitted {job['id']}: POST {client.url}/v1/jobs", markup=False, soft_wrap=True)
    return follow(client, job["id"], make_display(console), pause)


def collect(client: Client, job: dict[str, Any], settings: Settings) -> Report:
    """Fetch what the report needs, and save the samples as files."""
    last = max(1, round(job["step"] * LAST_PART))
    rows = client.metrics(job["id"], READ, from_step=max(1, job["step"] - last + 1))
    samples = save_samples(client, job["id"], settings.resolved_data_folder / "samples")
    return Report(job, rows, samples, generator_location(client, job["id"]))


def generator_location(client: Client, job_id: str) -> str | None:
    """Where the newest checkpoint's generator can be downloaded."""
    for checkpoint in client.checkpoints(job_id):
        for file in checkpoint["files"]:
            if file["name"] == GENERATOR_FILE:
                return f"{client.url}{file['url']}"
    return None


def show(report: Report, settings: Settings, console: Console) -> None:
    """Print the report."""

    def say(line: str = "") -> None:
        console.print(line, markup=False, soft_wrap=True)

    say(ending(report.job))
    say()
    console.print(result_table(report.job, report.last_rows))
    say()
    verdict = judge(report.last_rows)
    say(f"reading    {verdict.sentence}")
    say(f"           {CAVEAT}")
    say()
    say(f"samples    {report.samples[-1] if report.samples else 'none'}")
    say(f"generator  {report.generator or 'none'}")
    if report.job["status"] == "failed":
        say(f"logs       {settings.resolved_data_folder / 'logs'}")


def result_table(job: dict[str, Any], rows: MetricRows) -> Table:
    """Last value, mean over the last part and level at equilibrium of each reading."""
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in ("", "last step", f"mean of last {len(rows.steps)}", "at equilibrium"):
        table.add_column(title, justify="right" if title else "left", header_style="bold")
    for key, (name, level) in text.levels(job).items():
        column, finite = rows.columns.get(key, []), rows.finite(key)
        last = column[-1] if column else None
        table.add_row(name, text.number(last), text.number(fmean(finite) if finite else None), text.number(level))
    return table


def how_to_go_on(settings: Settings, running: bool) -> list[str]:
    """What to type next."""
    url = settings.resolved_url if running else Settings().resolved_url
    there = f" --url {url}" if running else ""
    steps = [
        (f"ganjobs submit examples/ring.yaml --follow{there}", "train on eight Gaussians"),
        (f"curl {url}/v1/jobs -H 'Content-Type: application/json' -d '{SMALL_SPEC}'", ""),
        (f"{url}/docs", "every operation, to try out"),
    ]
    if not running:
        steps.insert(0, ("make serve", "start the service again (or: ganjobs serve)"))
    return ["go on with", *(f"  {what:<48} {why}".rstrip() for what, why in steps)]
