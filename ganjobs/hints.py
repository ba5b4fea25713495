"""Commands and paths as a user can paste them from where they stand."""

import shlex
import shutil
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def command(*arguments: str | Path) -> str:
    """A call of this program, quoted for the shell."""
    installed = Path(sys.executable).parent / "ganjobs"
    if shutil.which("ganjobs") == str(installed):
        program = ["ganjobs"]
    else:
        program = [shown(installed)] if installed.exists() else [shown(Path(sys.executable)), "-m", "ganjobs"]
    words = (shown(word) if isinstance(word, Path) else word for word in arguments)
    return shlex.join((*program, *words))


def shown(path: Path) -> str:
    """A path as short as it can be written."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
