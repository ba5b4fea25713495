"""The short form of ``benchmarks/poll.py``: every route is polled, and answers what it should; nothing is timed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_route_is_polled(database: str) -> None:
    command = [sys.executable, "benchmarks/poll.py", "--quick", "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Polling on {database}" in done.stdout
    lines = {cells[0].strip(): cells for line in done.stdout.splitlines() if (cells := line.strip("│ ").split("│"))}
    for state in ("finished", "running", "queued"):
        assert lines[f"{state} job"][2].strip() == "0.0%"
        assert float(lines[f"{state} job, if changed"][2].strip().removesuffix("%")) > 0
    assert "running job: last 100 rows" in lines
    assert "stream: 5 listeners" in done.stdout
