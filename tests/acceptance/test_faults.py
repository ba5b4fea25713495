"""The short form of ``benchmarks/faults.py``: a fleet is broken in every way, and nothing is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each kind of fault once: PostgreSQL's fleet has one kind more.
FAULTS = {"sqlite": 13, "postgres": 14}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("database", FAULTS)
def test_nothing_is_lost(database: str, tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/faults.py", "--faults", str(FAULTS[database]), "--database", database]
    done = subprocess.run([*command, "--keep", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = " ".join(done.stdout.split())
    assert "rows missing 0, rows twice 0" in summary
    assert "differ from the undisturbed run 0" in summary
    assert "not finished" not in summary
