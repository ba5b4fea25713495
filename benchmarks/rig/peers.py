"""Programs that run among the peers (MLflow, TensorBoard), which live in an environment of their own, ``.venv-peers``.

It holds no torch. The main environment's packages are appended to its path, after its own: a program there finds the
peers' versions of what both have, and torch and this project besides.
"""

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
BOOTSTRAP = """
import runpy, site, sys
target, packages, root = sys.argv[1:4]
site.addsitedir(packages)
sys.path.append(root)
sys.argv = [target, *sys.argv[4:]]
run = runpy.run_path if target.endswith(".py") else runpy.run_module
run(target, run_name="__main__")
"""


class PeersMissing(Exception):
    """The peers' environment has not been set up."""


class PeerFailed(Exception):
    """A program among the peers ended with an error, of which this is the end."""


def command_in_peers(script_or_module: object, *arguments: object) -> list[str]:
    """What starts a script (a path that ends in .py) or a module (a dotted name) with the peers' Python.

    Raises:
        PeersMissing: there is no ``.venv-peers``.
    """
    if not PYTHON.exists():
        raise PeersMissing("the peers are not installed: run `make peers`")
    packages = sysconfig.get_paths()["purelib"]
    return [str(part) for part in (PYTHON, "-P", "-c", BOOTSTRAP, script_or_module, packages, ROOT, *arguments)]


def run_in_peers(script_or_module: object, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end in the project's root.

    Raises:
        PeersMissing: there is no ``.venv-peers``.
        PeerFailed: it ended with another code than 0.
    """
    command = command_in_peers(script_or_module, *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PeerFailed(f"{script_or_module} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done


def call_peer(name: str, **arguments: Any) -> Any:
    """What ``benchmarks.peers.<name>`` answers: it takes its arguments as JSON, and its last line is its result.

    Raises:
        PeersMissing, PeerFailed: as ``run_in_peers``.
    """
    return json.loads(run_in_peers(f"benchmarks.peers.{name}", json.dumps(arguments)).stdout.splitlines()[-1])
