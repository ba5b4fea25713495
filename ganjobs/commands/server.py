"""The commands that start the service themselves: where the server's packages are not installed, they say what to
install."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer

from ganjobs.errors import NotInstalled

NAMES = ("serve", "demo")
# Some of what a server needs and a client has not.
PACKAGES = ("models", "worker", "ganjobs.stack", "sqlalchemy", "alembic", "celery")
MISSING = "only the client is installed here: to start the service, install Ganjobs with `make setup` (README.md)"
# For commands that are not there: whatever is asked of them has the same answer.
ANY_WORDS = {"ignore_unknown_options": True, "allow_extra_args": True}
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def is_installed() -> bool:
    """Whether the server's packages are there."""
    return all(map(find_spec, PACKAGES))


def command(name: str) -> Callable[..., None]:
    """One of ``NAMES``, or what stands in its place."""
    if is_installed():
        found: Callable[..., None] = getattr(import_module(f"ganjobs.commands.{name}"), name)
        return found

    def missing(as_json: AsJson = False) -> None:
        raise NotInstalled(MISSING)

    missing.__name__ = name
    missing.__doc__ = "Not installed here: needs the server's packages."
    return missing
