"""The short form of ``benchmarks/loop.py``: every contender trains, and Ganjobs' steps are all in its database."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.loop import CASES, LABELS, TITLES
from benchmarks.loop_execution import MODES

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_every_contender_runs() -> None:
    command = [sys.executable, "benchmarks/loop.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr  # a step that is not in the database is an error
    assert all(TITLES[case] in done.stdout for case in CASES)
    assert all(done.stdout.count(label) == len(CASES) for label in LABELS.values())


def test_every_way_of_execution_runs() -> None:
    command = [sys.executable, "benchmarks/loop_execution.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=160)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in MODES["cpu"])
