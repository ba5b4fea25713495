"""A job's whole history, as a file or as its lines while they come in: in constant memory, however long it is."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ganjobs.errors import ClientError
from ganjobs.rest import Rest
from ganjobs.transfers import again, calling, unfinished

# Told of what has been done, in bytes, and of all there is to do where that is known.
Meter = Callable[[int, int | None], None]


def save(client: Rest, job_id: str, form: str, path: Path, meter: Meter) -> None:
    """Download a history to ``path``, which is not there, or is what it was before, until all has come.

    Raises:
        ClientError: the folder that its folder is in is not there.
        TransferBroken: it never came whole.
    """
    make_folder(path.parent)

    def attempt() -> None:
        with unfinished(path) as part, client.export(job_id, form) as response, part.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
                meter(file.tell(), None)

    client.run(again(lambda: calling(attempt)))


def write(client: Rest, job_id: str, form: str, file: BinaryIO, meter: Meter) -> None:
    """Write a history to ``file`` while it comes in. It is asked for once: what has been written stays.

    Raises:
        TransferBroken: it has not come whole.
    """
    done = 0
    with client.export(job_id, form) as response:
        for piece in response.iter_bytes():
            file.write(piece)
            done += len(piece)
            meter(done, None)
    file.flush()


def make_folder(folder: Path) -> None:
    """Make a folder where it is not there, but none that it is in: a path that was mistyped shall not be made.

    Raises:
        ClientError: the folder that it is in is not there.
    """
    if not folder.parent.exists():
        raise ClientError(f"there is no folder {folder.parent}")
    folder.mkdir(exist_ok=True)


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
