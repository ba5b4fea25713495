"""What it takes to open a job's page, however long the job: ``python benchmarks/page.py`` (``--no-peers``:
without TensorBoard, which reads for minutes).

Jobs of 10,000 and 1,000,000 steps, written into the database of a real service, opened in turns in a headless Chromium.
Of each opening: the time that requests waited for the server (Resource Timing, first byte less request), the browser's
script time (DevTools, ``ScriptDuration``), all its work (``TaskDuration``), and until the curves are drawn. Then the
zoom to 1,000 steps around a spike, in which every step must be there. Beside it TensorBoard's own page on the same
histories, as Ganjobs exports them.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx  # noqa: E402 - the folders of the project come first
import typer  # noqa: E402
from playwright.sync_api import BrowserContext, Page  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from support.browsing import DESKTOP, chromium  # noqa: E402
from support.serving import Serving, free_port, running  # noqa: E402
from support.watched import SPIKE, finished_job  # noqa: E402

from benchmarks.rig.peers import PeersMissing, command_in_peers  # noqa: E402
from models.database import Database  # noqa: E402
from models.settings import Settings  # noqa: E402

LENGTHS = (10_000, 1_000_000)
# The most that the long job may take of the short one's time.
LIMIT = 1.5
READY = "[data-ready=true]"
PATIENCE_MS = 120_000
# Requests of the page for data; a stream has no end that could be waited for.
WAITED = """() => performance.getEntriesByType("resource")
    .filter(({ name }) => /\\/(v1|data)\\//.test(name) && !/\\/stream/.test(name))
    .reduce((sum, { responseStart, requestStart }) => sum + Math.max(0, responseStart - requestStart), 0)"""


@dataclass
class Opening:
    """Milliseconds of each opening of one page."""

    server: list[float] = field(default_factory=list)
    script: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    drawn: list[float] = field(default_factory=list)

    @property
    def server_and_script(self) -> float:
        return median(self.server) + median(self.script)


def open_page(context: BrowserContext, url: str, ready: Callable[[Page], None], into: Opening) -> None:
    """Open a page of its own on ``url``, wait until it is ``ready``, and add what it took."""
    page = context.new_page()
    counters = context.new_cdp_session(page)
    counters.send("Performance.enable")
    begun = time.perf_counter()
    page.goto(url)
    ready(page)
    into.drawn.append(1000 * (time.perf_counter() - begun))
    page.wait_for_timeout(1000)  # what is still to do once it is drawn belongs to it
    found = {each["name"]: each["value"] for each in counters.send("Performance.getMetrics")["metrics"]}
    into.script.append(1000 * found["ScriptDuration"])
    into.work.append(1000 * found["TaskDuration"])
    into.server.append(page.evaluate(WAITED))
    page.close()


def drawn(page: Page) -> None:
    page.wait_for_selector(READY, timeout=PATIENCE_MS)
    page.wait_for_load_state("load")


def idle(page: Page) -> None:
    page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)


def fill(service: Serving) -> dict[int, str]:
    """The ids of finished jobs by their length."""
    database = Database(Settings(data_folder=service.folder).resolved_database_url)
    try:
        return {
            length: finished_job(database, f"{length:,} steps", length, spike_at=spike_of(length), sampled=20)
            for length in LENGTHS
        }
    finally:
        database.dispose()


def spike_of(length: int) -> int:
    return length * 7 // 9


@contextmanager
def tensorboard(folder: Path, service: Serving, jobs: dict[int, str]) -> Iterator[dict[int, str]]:
    """The addresses of TensorBoards, one for each job's exported history, that have read all of it."""
    with ExitStack() as stack:
        urls = {}
        for length, job_id in jobs.items():
            logs = folder / f"runs-{length}"
            export = ("export", job_id, "--to", "tensorboard", "--output", str(logs), "--url", service.url)
            subprocess.run([sys.executable, "-m", "ganjobs", *export], check=True, cwd=ROOT, capture_output=True)
            port = free_port()
            command = command_in_peers("tensorboard.main", "--logdir", logs, "--port", port, "--load_fast", "false")
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            urls[length] = f"http://127.0.0.1:{port}"
        for length, url in urls.items():
            wait_for_last_step(url, length)
        yield urls


def wait_for_last_step(url: str, length: int, seconds: float = 1800) -> None:
    """Return when TensorBoard has read the step ``length``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            tags = httpx.get(f"{url}/data/plugin/scalars/tags", timeout=60).json()
            for run, names in tags.items():
                name = next((name for name in names if name.endswith("d_loss")), None)
                if name is None:
                    continue
                query = {"run": run, "tag": name}
                rows = httpx.get(f"{url}/data/plugin/scalars/scalars", params=query, timeout=60).json()
                if rows and rows[-1][1] >= length:
                    return
        except (httpx.TransportError, ValueError):
            pass  # it is starting
        time.sleep(1)
    raise TimeoutError(f"TensorBoard had not read {length} steps after {seconds} s")


def zoomed(context: BrowserContext, url: str, length: int) -> dict[str, Any]:
    """The bucket's width and the number of points of 1,000 steps around the spike, and the greatest of them."""
    first = spike_of(length) - 499
    answers: list[float] = []

    def note(response: Any) -> None:
        if "/metrics?" in response.url and f"from_step={first}" in response.url:
            answers.append(max(response.json()["columns"]["d_loss"]["max"]))

    page = context.new_page()
    page.on("response", note)
    page.goto(f"{url}?from={first}&to={first + 999}")
    drawn(page)
    chart = page.locator(READY)
    found = {name: int(chart.get_attribute(f"data-{name}") or -1) for name in ("points", "bucket-steps")}
    page.close()
    return found | {"greatest": max(answers, default=None)}


def table_of(found: dict[str, dict[int, Opening]]) -> Table:
    table = Table(title="opening a job's page: median milliseconds")
    for title in ("page", "steps", "server", "script", "server + script", "times the short one", "all work", "drawn"):
        table.add_column(title, justify="right")
    for name, openings in found.items():
        short = openings[LENGTHS[0]].server_and_script
        for length, opening in openings.items():
            each = (median(opening.server), median(opening.script), opening.server_and_script)
            cells = (f"{value:,.0f}" for value in each)
            rest = (f"{median(opening.work):,.0f}", f"{median(opening.drawn):,.0f}")
            table.add_row(name, f"{length:,}", *cells, f"{opening.server_and_script / short:.2f}", *rest)
    return table


def run(
    rounds: Annotated[int, typer.Option(min=1, help="How often each page is opened.")] = 7,
    peers: Annotated[bool, typer.Option(help="Open TensorBoard's page, too.")] = True,
) -> None:
    """Measure, print, and end with 1 where a promise is not kept."""
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="ganjobs-page-"))
    try:
        with running(folder / "data") as service, chromium() as browser:
            jobs = fill(service)
            pages = {"Ganjobs": {length: f"{service.url}/jobs/{job_id}" for length, job_id in jobs.items()}}
            with ExitStack() as beside:
                try:
                    if peers:
                        pages["TensorBoard"] = beside.enter_context(tensorboard(folder, service, jobs))
                except PeersMissing as error:
                    console.print(f"no peer beside it: {error}")
                context = browser.new_context(viewport=DESKTOP)
                found = measure(context, pages, rounds)
                seen = zoomed(context, pages["Ganjobs"][LENGTHS[-1]], LENGTHS[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(table_of(found))
    ours = found["Ganjobs"]
    ratio = ours[LENGTHS[-1]].server_and_script / ours[LENGTHS[0]].server_and_script
    every_step = seen["points"] == 1000 and seen["bucket-steps"] == 1 and seen["greatest"] == SPIKE
    console.print(f"a million steps over ten thousand: {ratio:.2f} (at most {LIMIT})")
    console.print(
        f"zoomed to 1,000 steps: {seen['points']} points of {seen['bucket-steps']} step, spike {seen['greatest']}"
    )
    raise typer.Exit(0 if ratio <= LIMIT and every_step else 1)


def measure(context: BrowserContext, pages: dict[str, dict[int, str]], rounds: int) -> dict[str, dict[int, Opening]]:
    """Open every page in turns; the first round warms caches up and is not counted."""
    found = {name: {length: Opening() for length in urls} for name, urls in pages.items()}
    for turn in range(rounds + 1):
        for name, urls in pages.items():
            for length, url in urls.items():
                into = found[name][length] if turn else Opening()
                open_page(context, url, drawn if name == "Ganjobs" else idle, into)
    return found


if __name__ == "__main__":
    typer.run(run)
