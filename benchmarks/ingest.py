"""How fast steps are stored, and in how much room: ``python benchmarks/ingest.py``.

Blocks of metrics go through the worker's own recorder (its thread, its bounded queue, a transaction with the lease
check per block, roll-ups) into SQLite and PostgreSQL; beside it, the same numbers go through MLflow's ``log_batch``,
1,000 to a call, the most it takes, into SQLite.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402 - the folders of the project come first
import torch  # noqa: E402
import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sqlalchemy import func, select, text  # noqa: E402
from support.databases import PostgresDatabases, SqliteDatabases  # noqa: E402
from support.progress import running_job  # noqa: E402

from benchmarks.rig.databases import both_kinds  # noqa: E402
from benchmarks.rig.peers import PeersMissing, call_peer  # noqa: E402
from models.catalogue import METRIC_NAMES  # noqa: E402
from models.database import Database  # noqa: E402
from models.settings import Settings  # noqa: E402
from models.spec import JobSpec  # noqa: E402
from models.storage import open_storage  # noqa: E402
from models.tables import Metrics  # noqa: E402
from worker.gan.data import load  # noqa: E402
from worker.gan.events import MetricsBlock  # noqa: E402
from worker.gan.loop import BLOCK_STEPS  # noqa: E402
from worker.joblog import JobLog  # noqa: E402
from worker.recorder import RecordedJob, Recorder  # noqa: E402
from worker.writer import LeasedWriter  # noqa: E402

SIZES = {
    # SQLite tells of its pages; PostgreSQL's table comes with its index and its TOAST.
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name = '{table}'",
    "postgresql": "SELECT pg_total_relation_size('{table}')",
}


@contextmanager
def recording(database: Database, folder: Path) -> Iterator[tuple[Recorder, RecordedJob]]:
    """A recorder of a job that a worker holds."""
    job, lease = running_job(database, steps=10_000_000, sample_every=10_000, checkpoint_every=10_000)
    spec = JobSpec.model_validate(job.spec)
    recorded = RecordedJob(job.id, job.number, 0, lease.attempt, spec, 0.0, "", spec.metric_names)
    joblog = JobLog(job.id, lease.attempt)
    storage = open_storage(Settings(data_folder=folder).storage_url)
    writer = LeasedWriter(database, lease, joblog, 60)
    data = load(spec, torch.device("cpu"))
    recorder = Recorder(writer, storage, recorded, joblog, data, 60, lambda: False)
    with database.write() as session:  # as its first write would
        session.get_one(type(job), job.number).metric_names = list(spec.metric_names)
    yield recorder, recorded


def ganjobs(url: str, folder: Path, steps: int) -> tuple[float, int, dict[str, float]]:
    """Record so many steps; returns seconds, metric points, and bytes per step of each table."""
    database = Database(url)
    with recording(database, folder) as (recorder, job):
        names = job.metric_names
        values = np.random.default_rng(1).normal(size=(steps, len(names))).astype(np.float32)
        begun = time.perf_counter()
        for first in range(0, steps, BLOCK_STEPS):
            recorder.put(MetricsBlock(first + 1, names, values[first : first + BLOCK_STEPS]))
        recorder.close()
        seconds = time.perf_counter() - begun
    with database.read() as session:
        rows = session.scalar(select(func.count()).select_from(Metrics).where(Metrics.job_number == job.number))
        assert rows == steps, f"{rows} of {steps} rows were stored"
        sizes = {
            table: session.scalar(text(SIZES[database.engine.dialect.name].format(table=table))) / steps
            for table in ("metrics", "rollups")
        }
    database.dispose()
    return seconds, steps * len(names), sizes


def mlflow(folder: Path, steps: int, metrics: int) -> tuple[float, int, dict[str, float]]:
    found = call_peer("mlflow_ingest", folder=str(folder), steps=steps, metrics=metrics)
    return found["seconds"], found["points"], {"metrics": found["bytes"] / steps}


def main(
    quick: Annotated[bool, typer.Option(help="A few seconds, to see that all of it runs.")] = False,
    steps: Annotated[int, typer.Option(min=256, help="Steps that Ganjobs stores in each round.")] = 100_000,
    peer_steps: Annotated[int, typer.Option(min=100, help="Steps that MLflow stores in each round.")] = 1_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each has its turn; medians are shown.")] = 5,
) -> None:
    """Store steps and print one table."""
    if quick:
        steps, peer_steps, rounds = 2_000, 200, 1
    torch.set_num_threads(1)
    contenders: dict[str, Callable[[Path], tuple[float, int, dict[str, float]]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ganjobs-ingest-")))
        sqlite, postgres = stack.enter_context(both_kinds(folder))

        def on(databases: SqliteDatabases | PostgresDatabases) -> Callable[[Path], tuple[float, int, dict[str, float]]]:
            def turn(where: Path) -> tuple[float, int, dict[str, float]]:
                with databases.fresh() as url:
                    return ganjobs(url, where, steps)

            return turn

        contenders["Ganjobs, SQLite"] = on(sqlite)
        contenders["Ganjobs, PostgreSQL"] = on(postgres)
        contenders["MLflow log_batch, SQLite"] = lambda where: mlflow(where, peer_steps, len(METRIC_NAMES))
        results: dict[str, list[tuple[float, int, dict[str, float]]]] = {name: [] for name in contenders}
        for turn in range(rounds):
            for name, contender in contenders.items():
                where = folder / f"{turn} {name}"
                where.mkdir()
                results[name].append(contender(where))
    show(results)


def show(results: dict[str, list[tuple[float, int, dict[str, float]]]]) -> None:
    """One line per contender."""
    table = Table(title="Storing every metric of every step", title_justify="left")
    for title in ("", "metric points/s", "over MLflow", "bytes a step: rows", "roll-ups"):
        table.add_column(title, justify="right" if title else "left")
    rates = {name: [points / seconds for seconds, points, _ in turns] for name, turns in results.items()}
    peer = list(rates)[-1]
    for name, turns in results.items():
        over = [mine / theirs for mine, theirs in zip(rates[name], rates[peer], strict=True)]
        sizes = turns[-1][2]
        table.add_row(
            name,
            f"{median(rates[name]):,.0f}",
            f"{median(over):,.0f} ({min(over):,.0f} to {max(over):,.0f})" if name != peer else "1",
            f"{sizes['metrics']:.1f}",
            f"{sizes['rollups']:.1f}" if "rollups" in sizes else "-",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    try:
        typer.run(main)
    except PeersMissing as missing:
        sys.exit(str(missing))
