"""The ids of a stream's messages. An id holds the job's number and all that is needed to go on behind its message,
whichever process is asked and whenever: nothing is kept of those who listened."""

import re
from dataclasses import astuple, dataclass

from api.dependencies import MAX_INTEGER
from models.news import Cursor

EXAMPLE = "7.0.512.401.17.23.501.501"
END = "end"
# Those of streams from before there were reports of health are a number shorter, those from before there were
# evaluations two; none had been made.
MESSAGE_ID = re.compile(rf"[0-9]{{1,19}}(?:\.[0-9]{{1,19}}){{5,7}}(?:\.{END})?")


class MalformedIdError(ValueError):
    """No message of a stream has such an id."""


@dataclass(frozen=True)
class Place:
    """A place in the stream of the job of a number; ``ended`` behind its last message."""

    job_number: int
    cursor: Cursor
    ended: bool


def written(job_number: int, cursor: Cursor, ended: bool = False) -> str:
    """The id of the message before ``cursor``."""
    return ".".join(map(str, (job_number, *astuple(cursor)))) + (f".{END}" if ended else "")


def parsed(message_id: str) -> Place:
    """The place behind the message of an id, whichever job's it is.

    Raises:
        MalformedIdError: it is not one.
    """
    if MESSAGE_ID.fullmatch(message_id) is None:
        raise MalformedIdError("is not the id of a message of this stream; send back one as it was received")
    job_number, *numbers = [int(part) for part in message_id.removesuffix(f".{END}").split(".")]
    if max(job_number, *numbers) >= MAX_INTEGER:
        raise MalformedIdError(f"holds a number that is not below {MAX_INTEGER}")
    return Place(job_number, Cursor(*numbers), message_id.endswith(END))
