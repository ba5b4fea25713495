"""The images hold what their processes import: each lock file is enough, whatever else this machine has installed."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
API_MODULES = (
    *("api.main", "ganjobs.cli", "kombu.transport.redis", "migrations.run", "psycopg"),
    *("worker.courier", "worker.mirror_target", "worker.mirror", "worker.reconciler"),
)
WORKER_MODULES = (*API_MODULES, "worker.app", "worker.runner")
REFUSE_AND_IMPORT = """
import importlib, sys
modules, refused = (argument.split(",") for argument in sys.argv[1:])

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, Refuse())
for module in modules:
    importlib.import_module(module)
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {canonical(re.split(r"[=\[]", line)[0]) for line in lines if re.match(r"[a-z]", line)}


def with_their_needs(names: set[str]) -> set[str]:
    """``names`` and what they require, in turn: torch's own packages come with it, from no lock file."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found.add(name := waiting.pop())
        try:
            needed = requires(name) or []
        except PackageNotFoundError:  # for another system
            continue
        waiting |= {canonical(re.split(r"[\s=<>!~;\[(]", line)[0]) for line in needed if "extra ==" not in line} - found
    return found


@pytest.mark.parametrize(
    ("held", "modules"),
    [
        (locked("api.lock"), API_MODULES),
        (locked("worker.lock") | with_their_needs(locked("torch.txt")), WORKER_MODULES),
    ],
    ids=["api", "worker"],
)
def test_an_image_holds_all_that_its_processes_import(held: set[str], modules: tuple[str, ...]) -> None:
    of_the_project = {"ganjobs", "pip", "setuptools"}
    refused = [
        package
        for package, distributions in packages_distributions().items()
        if not {canonical(name) for name in distributions} & (held | of_the_project)
    ]
    assert "pytest" in refused
    command = [sys.executable, "-c", REFUSE_AND_IMPORT, ",".join(modules), ",".join(refused)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
