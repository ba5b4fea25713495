"""The short forms of the benchmarks of writing and reading: they run, and find what they wrote."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(name: str) -> str:
    command = [sys.executable, f"benchmarks/{name}.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_storing_steps() -> None:
    table = run("ingest")
    for contender in ("Ganjobs, SQLite", "Ganjobs, PostgreSQL", "MLflow log_batch, SQLite"):
        assert contender in table


def test_reading_curves() -> None:
    table = run("read")
    for reader in (
        "curve of d_loss",
        "newest 1,000 rows",
        "as parquet",
        "as csv",
        "as ndjson",
        "MLflow",
        "TensorBoard",
    ):
        assert reader in table
