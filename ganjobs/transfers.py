"""Files that come whole or not at all, and transfers that are begun anew where they break off."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ganjobs.effects import Operation, Result, Sleep
from ganjobs.errors import TransferBroken

TRIES = 3
WAIT_SECONDS = 1.0


@contextmanager
def unfinished(path: Path, name: str | None = None) -> Iterator[Path]:
    """A path beside ``path`` to write to, which nobody else writes to; its name begins with this ``name``. It takes the
    place of ``path`` at the end, and is deleted at any other end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{name or path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file that is never there in part."""
    with unfinished(path) as part:
        part.write_bytes(content)
    return path


def again(attempt: Callable[[], Operation[Result]]) -> Operation[Result]:
    """What an operation comes to, begun anew where its transfer breaks off.

    Raises:
        TransferBroken: it never came whole.
    """
    for _ in range(TRIES - 1):
        try:
            return (yield from attempt())
        except TransferBroken:
            yield Sleep(WAIT_SECONDS)
    return (yield from attempt())


def calling(call: Callable[[], Result]) -> Operation[Result]:
    """A call that blocks as an operation, for transports that block."""
    yield Sleep(0)
    return call()
