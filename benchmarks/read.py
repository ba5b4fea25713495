"""How fast curves of any length are read, and in how much memory: ``python benchmarks/read.py``.

Jobs of 10,000, 100,000 and 1,000,000 steps, all nine metrics recorded, read over HTTP from a server as ``ganjobs
serve`` starts it: a curve of 1,000 points, the newest 1,000 rows, and whole exports. Beside it MLflow's server, asked
for 1,000 points of one metric of as many steps (``get-history-bulk-interval``, which its own page uses), and
TensorBoard's loader on event files of the same length, keeping 1,000 points.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx  # noqa: E402 - the folders of the project come first
import numpy as np  # noqa: E402
import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from support.progress import queue_job  # noqa: E402
from support.serving import free_port  # noqa: E402

from benchmarks.rig.databases import both_kinds  # noqa: E402
from benchmarks.rig.peers import PYTHON, PeersMissing, call_peer  # noqa: E402
from benchmarks.rig.server import Process, api_server, server  # noqa: E402
from models import jobs, metrics  # noqa: E402
from models.catalogue import METRIC_NAMES  # noqa: E402
from models.database import Database  # noqa: E402

LENGTHS = (10_000, 100_000, 1_000_000)
POINTS = 1000
AT_ONCE = 8192
EXPORTS = ("parquet", "csv", "ndjson")


@dataclass
class Reading:
    """What one reader did: seconds of each reading by length, and how many bytes of memory it came to take more than at
    the server's start."""

    name: str
    seconds: dict[int, list[float]] = field(default_factory=dict)
    memory: int | None = None

    def best_guess(self, length: int) -> float:
        return median(self.seconds[length])


def fill(database: Database, length: int) -> str:
    """The id of a job with so many rows; a spike and a NaN among them."""
    values = np.random.default_rng(length).normal(size=(length, len(METRIC_NAMES))).astype(np.float32)
    values[length // 3, 0], values[length // 2, 1] = 1e9, np.nan
    job_id = queue_job(database, steps=10_000_000, sample_every=10_000, checkpoint_every=10_000)
    with database.write() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        job.metric_names, job.step = list(METRIC_NAMES), length
        for first in range(0, length, AT_ONCE):
            metrics.write_block(session, (job.number, 0), first + 1, values[first : first + AT_ONCE])
    return job_id


def read_all(api: Process, rest: int, job_ids: dict[int, str], name: str, query: str, times: int) -> Reading:
    """Read the same of every job, in turns, ``times`` times each; ``rest`` is the server's memory at its start."""
    reading = Reading(name, {length: [] for length in job_ids})
    with httpx.Client(base_url=api.url, timeout=600) as client:
        api.forget_peak()
        for turn in range(times + 1):
            for length, job_id in job_ids.items():
                begun = time.perf_counter()
                size = _read(client, f"/v1/jobs/{job_id}/{query}")
                if turn:  # the first warms the caches up
                    reading.seconds[length].append(time.perf_counter() - begun)
                assert size > 0
    reading.memory = api.memory("VmHWM") - rest
    return reading


def _read(client: httpx.Client, path: str) -> int:
    with client.stream("GET", path) as answer:
        answer.raise_for_status()
        return sum(len(part) for part in answer.iter_raw())


def check(api: Process, job_ids: dict[int, str]) -> None:
    """What is read is what was written: the ends, the count, the spike and the NaN."""
    for length, job_id in job_ids.items():
        url = f"{api.url}/v1/jobs/{job_id}/metrics?max_points={POINTS}&keys=d_loss,g_loss"
        body = httpx.get(url, timeout=60).json()
        assert (body["first_step"][0], body["last_step"][-1], sum(body["count"])) == (1, length, length)
        assert len(body["count"]) <= POINTS
        assert max(body["columns"]["d_loss"]["max"]) == 1e9
        assert sum(body["columns"]["g_loss"]["non_finite"]) == 1


def ganjobs(url: str, folder: Path, lengths: tuple[int, ...], times: int) -> list[Reading]:
    """All readings of Ganjobs on one database."""
    database = Database(url)
    kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database.engine.dialect.name]
    job_ids = {length: fill(database, length) for length in lengths}
    database.dispose()
    with api_server(url, folder) as api:
        httpx.get(f"{api.url}/v1/jobs?limit=1").raise_for_status()
        rest = api.memory()
        check(api, job_ids)
        found = [
            read_all(api, rest, job_ids, f"Ganjobs, {kind}: {name}", query, times)
            for name, query in (
                ("curve of d_loss", f"metrics?max_points={POINTS}&keys=d_loss"),
                ("curve of all nine", f"metrics?max_points={POINTS}"),
                ("newest 1,000 rows", f"metrics?last={POINTS}&keys=d_loss"),
            )
        ]
        longest = {length: job_ids[length] for length in lengths[-1:]}
        for export in EXPORTS:
            name = f"Ganjobs, {kind}: all of it as {export}"
            found.append(read_all(api, rest, longest, name, f"metrics/export?format={export}", 1))
    return found


def mlflow(folder: Path, lengths: tuple[int, ...], times: int) -> Reading:
    store, port = folder / "mlflow.sqlite3", free_port()
    runs: dict[str, str] = call_peer("mlflow_fill", store=str(store), lengths=lengths)
    where = ("--backend-store-uri", f"sqlite:///{store}", "--port", str(port), "--workers", "1")
    command = [str(PYTHON), "-m", "mlflow", "server", *where]
    reading = Reading("MLflow, SQLite: curve of one metric", {length: [] for length in lengths})
    url = f"http://127.0.0.1:{port}"
    with server(command, url, "/health", folder / "mlflow.log"), httpx.Client(base_url=url, timeout=600) as client:
        for turn in range(times + 1):
            for length in lengths:
                query: dict[str, Any] = {"run_ids": runs[str(length)], "metric_key": "d_loss", "max_results": POINTS}
                begun = time.perf_counter()
                answer = client.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", params=query)
                if turn:
                    reading.seconds[length].append(time.perf_counter() - begun)
                assert len(answer.raise_for_status().json()["metrics"]) >= min(POINTS, length) - 1
    return reading


def tensorboard(folder: Path, lengths: tuple[int, ...], times: int) -> Reading:
    found = call_peer("tensorboard_read", folder=str(folder), lengths=lengths, points=POINTS, times=times)
    return Reading("TensorBoard's loader: one scalar", {length: found[str(length)] for length in lengths})


def main(
    quick: Annotated[bool, typer.Option(help="A few seconds, to see that all of it runs.")] = False,
    times: Annotated[int, typer.Option(min=1, help="How often each is read; medians are shown.")] = 9,
    peer_times: Annotated[int, typer.Option(min=1, help="The same of the peers, which take longer.")] = 3,
) -> None:
    """Read curves and print one table."""
    lengths = LENGTHS
    if quick:
        lengths, times, peer_times = (300, 1_500, 3_000), 2, 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ganjobs-read-")))
        readings: list[Reading] = []
        for databases in stack.enter_context(both_kinds(folder)):
            with databases.fresh() as url:
                readings += ganjobs(url, folder, lengths, times)
        peers: tuple[Callable[..., Reading], ...] = (mlflow, tensorboard)
        readings += [peer(folder, lengths, peer_times) for peer in peers]
    show(readings, lengths)


def show(readings: list[Reading], lengths: tuple[int, ...]) -> None:
    """One line per reader."""
    table = Table(title="Milliseconds to read a job", title_justify="left")
    table.add_column("", no_wrap=True)
    titles = [f"{length:,} steps" for length in lengths]
    for title in (*titles, "longest over shortest", "memory above start (MiB)"):
        table.add_column(title, justify="right")
    for reading in readings:
        cells = [f"{1000 * reading.best_guess(each):,.1f}" if each in reading.seconds else "" for each in lengths]
        growth = reading.best_guess(lengths[-1]) / reading.best_guess(lengths[0]) if cells[0] else None
        memory = "" if reading.memory is None else f"{reading.memory / 2**20:.1f}"
        table.add_row(reading.name, *cells, f"{growth:.2f}" if growth else "", memory)
    console = Console(width=150)
    console.print(table)
    mine, theirs, tensorboards = readings[0], readings[-2], readings[-1]
    for peer in (theirs, tensorboards):
        factor = peer.best_guess(lengths[-1]) / mine.best_guess(lengths[-1])
        console.print(f"{peer.name} takes {factor:,.0f} times as long as {mine.name} at {lengths[-1]:,} steps")


if __name__ == "__main__":
    try:
        typer.run(main)
    except PeersMissing as missing:
        sys.exit(str(missing))
