"""The demonstration: one real job through the real stack, over HTTP, and an honest report of what came of it."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from ganjobs import text
from ganjobs.address import find
from ganjobs.commands.watch import ending
from ganjobs.downloads import save_generator, save_samples
from ganjobs.hints import EXAMPLES, command, shown
from ganjobs.pictures import ImageMode, painter
from ganjobs.reading import reading
from ganjobs.rest import MetricRows, Rest
from ganjobs.watch import follow
from ganjobs.watch_client import WatchClient
from ganjobs.watch_display import make_display, worth
from models.settings import Settings

SHOWN = ("d_loss", "g_loss", "d_real", "d_fake")
# The part of a job, at its end, that means are taken over.
LAST_PART = 0.1
SMALL_SPEC = json.dumps(
    {"dataset": {"kind": "ring"}, "generator": {"kind": "mlp"}, "discriminator": {"kind": "mlp"}, "steps": 500}
)


@dataclass(frozen=True)
class Report:
    """What a finished job is shown by."""

    job: dict[str, Any]
    last_rows: MetricRows
    health: dict[str, Any]
    samples: list[Path]
    generator: Path | None


def train(
    client: WatchClient, spec: dict[str, Any], console: Console, pause: Callable[[float], None]
) -> dict[str, Any]:
    """Submit a job and show its progress; returns it as it ended."""
    job = client.create(spec)
    text.say(f"submitted {job['id']}: POST {client.url}/v1/jobs", console=console)
    text.say(f"its page   {page_of(client.url, job)}", console=console)
    display = make_display(console, painter(ImageMode.AUTO, console))
    return follow(client, job["id"], display, pause)


def page_of(url: str, job: dict[str, Any]) -> str:
    """Where a job is shown."""
    return f"{url}/jobs/{job['id']}"


def collect(client: Rest, job: dict[str, Any], settings: Settings) -> Report:
    """Fetch what the report needs, and save the samples as files."""
    samples = save_samples(client, job["id"], settings.resolved_data_folder / "samples")
    generator = save_generator(client, job["id"], settings.resolved_data_folder / "generators")
    return Report(job, last_rows(client, job), client.health(job["id"]), samples, generator)


def last_rows(client: Rest, job: dict[str, Any]) -> MetricRows:
    """The last tenth of a job's rows, one at least."""
    last = max(1, round(job["step"] * LAST_PART))
    return client.metrics(job["id"], SHOWN, from_step=max(1, job["step"] - last + 1))


def show(report: Report, settings: Settings, console: Console) -> None:
    """Print the report."""
    say = partial(text.say, console=console)
    say(ending(report.job), "")
    console.print(result_table(report.job, report.last_rows))
    say("", *reading(report.health), *worth(report.job), "")
    say(f"samples    {shown(report.samples[-1]) if report.samples else 'none'}")
    say(f"generator  {shown(report.generator) if report.generator else 'none'}")
    if report.job["status"] == "failed":
        say(f"logs       {settings.resolved_data_folder / 'logs'}")


def result_table(job: dict[str, Any], rows: MetricRows) -> Table:
    """Last value, mean over the last part and level at equilibrium of each reading."""
    numbers = ("last step", f"mean of last {len(rows.steps)}", "at equilibrium")
    table = text.make_table("", *numbers, right=numbers)
    for key, (name, level) in text.levels(job).items():
        column, finite = rows.columns.get(key, []), rows.finite(key)
        last = column[-1] if column else None
        table.add_row(name, text.number(last), text.number(fmean(finite) if finite else None), text.number(level))
    return table


def how_to_go_on(settings: Settings, running: bool, job: dict[str, Any]) -> list[str]:
    """What to type next."""
    url = settings.local_url if running else Settings().local_url
    there = () if find() == url else ("--url", url)
    curl = ("curl", f"{url}/v1/jobs", "-H", "Content-Type: application/json", "-d", SMALL_SPEC)
    steps = [
        (command("submit", EXAMPLES / "ring.yaml", "--follow", *there), "train on eight Gaussians"),
        (shlex.join(curl), ""),
        (f"{url}/docs", "every operation, to try out"),
        (page_of(url, job), "its page: curves, samples, health"),
    ]
    if not running:
        again = command("serve", "--data-folder", settings.resolved_data_folder)
        steps.insert(0, (again, "start the service again, with this job in it; then, elsewhere:"))
    # A comment to the shell too: the line can be pasted whole.
    return ["go on with", *(f"  {what:<56}  # {why}" if why else f"  {what}" for what, why in steps)]
