"""The rules that hold the house up: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "celery", "sqlalchemy", "fastapi", "sklearn", "matplotlib")


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import api.main", "from api.main import create_app; create_app()"])
def test_the_api_loads_no_torch(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "fastapi" in loaded
    assert not loaded & {"torch", "sklearn", "matplotlib", "worker"}


def test_the_engine_loads_no_service() -> None:
    loaded = loaded_by("import worker.gan, worker.gan.loop, worker.gan.checkpoint, worker.gan.render, worker.gan.data")
    assert "torch" in loaded
    assert not loaded & {"celery", "sqlalchemy", "fastapi", "redis"}


@pytest.mark.parametrize("module", ["worker.app", "worker.tasks"])
def test_a_worker_loads_no_torch_before_the_fork(module: str) -> None:
    assert "torch" not in loaded_by(f"import {module}")


@pytest.mark.parametrize("module", ["worker.reconciler", "worker.courier", "worker.mirror"])
def test_what_looks_after_jobs_needs_no_torch(module: str) -> None:
    assert "torch" not in loaded_by(f"import {module}")


def test_the_command_line_starts_light() -> None:
    assert not loaded_by("import ganjobs.cli") & set(HEAVY)


def imports_of(package: str) -> set[tuple[str, str]]:
    """(file, imported top-level package) pairs of a package's sources."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {(str(path.relative_to(ROOT)), alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add((str(path.relative_to(ROOT)), node.module))
    return found


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("models", ("api", "worker", "ganjobs", "torch")),
        ("api", ("worker", "ganjobs", "torch")),
        ("migrations", ("api", "worker", "ganjobs", "torch")),
        ("worker", ("api", "ganjobs")),
        ("worker/gan", ("celery", "sqlalchemy", "fastapi", "redis", "api", "ganjobs")),
        ("ganjobs", ("torch",)),
    ],
)
def test_imports_go_one_way(package: str, forbidden: tuple[str, ...]) -> None:
    wrong = [pair for pair in imports_of(package) if pair[1].partition(".")[0] in forbidden]
    # A spec file is read in one way, by the client too, which comes without the models.
    assert [pair for pair in wrong if pair != ("models/specfile.py", "ganjobs.specfile")] == []


# What of ganjobs/ the client's distribution leaves out, and the commands that say so where it is not there.
NOT_THE_CLIENTS = (
    "ganjobs/stack/",
    "ganjobs/demo.py",
    "ganjobs/doctor_local.py",
    "ganjobs/commands/demo.py",
    "ganjobs/commands/serve.py",
    "ganjobs/commands/server.py",
)


def test_the_client_knows_nothing_of_the_server() -> None:
    ours = {pair for pair in imports_of("ganjobs") if not pair[0].startswith(NOT_THE_CLIENTS)}
    servers = ("api", "migrations", "models", "worker", "ganjobs.stack", "ganjobs.demo")
    wrong = {file for file, name in ours if name in servers or name.startswith(tuple(f"{each}." for each in servers))}
    # Where the models are installed, a spec is checked before it is sent, as one is read from a file.
    assert wrong <= {"ganjobs/overrides.py", "ganjobs/commands/submit.py"}
    loaded = loaded_by("from ganjobs import Client, AsyncClient; Client('http://x')")
    assert not loaded & {*HEAVY, "api", "models", "worker", "numpy", "pandas", "pyarrow", "PIL", "IPython"}


def test_the_engine_knows_nothing_of_the_worker_around_it() -> None:
    mine = [(file, name) for file, name in imports_of("worker/gan") if name.startswith(("worker", "models"))]
    allowed = ("worker.gan", "models.spec", "models.catalogue", "models.verdicts", "models.specfile", "models.storage")
    assert [pair for pair in mine if not pair[1].startswith(allowed)] == []
    assert mine
