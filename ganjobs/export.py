"""A job's whole history, as a file or as its lines while they come in: in constant memory, however long it is."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from ganjobs.errors import TransferBroken
from ganjobs.rest import Rest

TRIES = 3
WAIT_SECONDS = 1.0
# Told of what has been done, in bytes, and of all there is to do where that is known.
Meter = Callable[[int, int | None], None]
Result = TypeVar("Result")


def save(client: Rest, job_id: str, form: str, path: Path, meter: Meter) -> None:
    """Download a history to ``path``, which is not there, or is what it was before, until all has come.

    Raises:
        TransferBroken: it never came whole.
    """

    def attempt() -> None:
        with unfinished(path) as part, client.export(job_id, form) as response, part.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
                meter(file.tell(), None)

    again_if_broken(attempt)


@contextmanager
def unfinished(path: Path, name: str | None = None) -> Iterator[Path]:
    """A path beside ``path`` to write to, of this ``name``. It takes that one's place at the end, and is deleted at any
    other end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(name or f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def again_if_broken(attempt: Callable[[], Result]) -> Result:
    """What ``attempt`` returns, begun anew where a transfer breaks off."""
    retry = Retrying(
        retry=retry_if_exception_type(TransferBroken),
        wait=wait_fixed(WAIT_SECONDS),
        stop=stop_after_attempt(TRIES),
        reraise=True,
    )
    return retry(attempt)


def lines_of(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The whole lines of each piece of a text, without their ends; the last line needs one too."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if lines:
            yield lines


@contextmanager
def progress_on(console: Console, what: str, *columns: Any) -> Iterator[Meter]:
    """A meter that draws a bar while someone looks on, and nothing where nobody does."""
    if not console.is_terminal:
        yield lambda done, total: None
        return
    shown = columns or (DownloadColumn(), TransferSpeedColumn())
    with Progress(TextColumn("{task.description}"), BarColumn(), *shown, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
