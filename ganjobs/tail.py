"""Following a list that grows while a job lives: its log, or its events."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from ganjobs import text
from ganjobs.patience import FOUND, Patience
from ganjobs.rest import Json, Rest
from ganjobs.types import JobStatus

POLL_SECONDS = 1.0


class Read(Protocol):
    """Reads what is in a job's list behind the entry ``after``."""

    def __call__(self, job_id: str, after: int | None = None) -> Iterator[Json]: ...


def follow(
    client: Rest,
    job_id: str,
    read: Read,
    write: Callable[[Json], None],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """``write`` the entries of a list as they come, each once, until the job has ended. A lost connection is waited
    for, except at the first look.

    Raises:
        ApiUnreachable: nobody has answered for minutes.
    """
    last: int | None = None
    wait = Patience(_tell, pause)

    def look() -> bool:
        """Whether that is all that will ever come: what was recorded before the end is read after it is seen."""
        nonlocal last
        ended = JobStatus(client.get(job_id)["status"]).is_final
        for entry in read(job_id, after=last):
            write(entry)
            last = entry["id"]
        return ended

    ended = look()
    while not ended:
        pause(POLL_SECONDS)
        ended = wait.attempt(look)


def _tell(said: str | None) -> None:
    """Beside what is followed, which may be for a program."""
    text.say(f"ganjobs: {said or FOUND}", console=text.make_console(stderr=True))


def write_line(entry: Json) -> None:
    """An entry as a line of JSON, at once."""
    sys.stdout.write(text.json_line(entry))
    sys.stdout.flush()
