"""The demonstration: one real job through the real stack, over HTTP, and an honest report of what came of it."""

import json
import shutil
import sys
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
    generator: Path | None


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
    return Report(job, rows, samples, save_generator(client, job["id"], settings.resolved_data_folder / "generators"))


def save_generator(client: Client, job_id: str, folder: Path) -> Path | None:
    """Download the newest checkpoint's generator: weights that any program with safetensors can load."""
    for checkpoint in client.checkpoints(job_id):
        for file in checkpoint["files"]:
            if file["name"] == GENERATOR_FILE:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{job_id}-step-{checkpoint['step']:08d}.safetensors"
                path.write_bytes(client.download(file["url"]))
                return path
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
    say(f"samples    {shown(report.samples[-1]) if report.samples else 'none'}")
    say(f"generator  {shown(report.generator) if report.generator else 'none'}")
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
        (f"{command()} submit examples/ring.yaml --follow{there}", "train on eight Gaussians"),
        (f"curl {url}/v1/jobs -H 'Content-Type: application/json' -d '{SMALL_SPEC}'", ""),
        (f"{url}/docs", "every operation, to try out"),
    ]
    if not running:
        again = f"{command()} serve --data-folder {shown(settings.resolved_data_folder)}"
        steps.insert(0, (again, "start the service again, with this job in it; then, elsewhere:"))
    return ["go on with", *(f"  {what:<56} {why}".rstrip() for what, why in steps)]


def command() -> str:
    """How this program is called from where the user stands."""
    installed = Path(sys.executable).parent / "ganjobs"
    return "ganjobs" if shutil.which("ganjobs") == str(installed) else shown(installed)


def shown(path: Path) -> str:
    """A path as short as it can be written."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
