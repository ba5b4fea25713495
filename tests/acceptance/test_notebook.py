"""The walk-through: run top to bottom against the real service, and as it is committed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support.serving import Serving

NOTEBOOK = Path(__file__).parents[2] / "notebooks/walkthrough.ipynb"
# In a process of its own: the kernel's libraries leave sockets and loops behind.
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""
LARGEST_BYTES = 1_000_000
# It trains three jobs, each in a process that loads torch, which a busy machine takes its time for.
SECONDS = 400


def outputs_of(notebook: nbformat.NotebookNode) -> str:
    """Everything that a notebook's cells said."""
    return "\n".join(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])) for cell in notebook.cells)


@pytest.mark.timeout(SECONDS + 100)
def test_it_runs_top_to_bottom(serving: Serving, tmp_path: Path) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GANJOBS_")}
    env = ours | {"GANJOBS_URL": serving.url, "GANJOBS_NOTEBOOK_STEPS": "24", "JUPYTER_PLATFORM_DIRS": "1"}
    command = (sys.executable, "-c", RUN, NOTEBOOK, tmp_path / "done.ipynb")
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = outputs_of(nbformat.read(tmp_path / "done.ipynb", as_version=4))
    assert "step 36 of 36" in said
    assert "step 24 of 24" in said


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_committed_as_it_was_run(committed: nbformat.NotebookNode) -> None:
    nbformat.validate(committed)
    counts = [cell.execution_count for cell in committed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    kinds = [output.output_type for cell in committed.cells for output in cell.get("outputs", ())]
    assert "error" not in kinds
    assert kinds.count("display_data") + kinds.count("execute_result") >= 10
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES


def test_nothing_of_the_machine_it_ran_on_is_in_it(committed: nbformat.NotebookNode) -> None:
    said = outputs_of(committed)
    assert not re.search(r"/(home|root|tmp|work|Users|usr)/|127\.0\.0\.1:|localhost|site-packages", said)
    assert "<script" not in said
