"""A job's stream, read in the background, so that what is shown of it never waits for it."""

import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread

from ganjobs import patience, stream
from ganjobs.connection import Connection
from ganjobs.errors import ApiError, ApiUnreachable
from ganjobs.patience import may_pass
from ganjobs.stream import Message

# Opens the stream behind the message of an id, or where it begins, and breaks with what breaks it.
Listen = Callable[[str | None], Iterator[Message]]


class Lost:
    """The connection is gone, and is tried again."""


LOST = Lost()
# Nothing comes any more; an error says why, where it is one.
Over = Exception | None
News = Message | Lost


def stream_of(to: str | Connection, job_id: str, keys: tuple[str, ...], from_step: int) -> Listen:
    """The stream of a job from ``from_step`` on."""

    def listen(last_id: str | None) -> Iterator[Message]:
        # It does not wait itself: here it is said that one waits.
        return stream.follow(to, job_id, keys, from_step, last_id, patience_seconds=0)

    return listen


class Feed:
    """What a stream brings, each message once, however often its connection is lost."""

    def __init__(self, listen: Listen, seconds: float | None = None) -> None:
        self._listen = listen
        self._patience = patience.SECONDS if seconds is None else seconds
        self._found: SimpleQueue[News | Exception | None] = SimpleQueue()
        self._over = False
        # It ends with the process: a thread that waits for a server cannot be called back.
        Thread(target=self._read, daemon=True).start()

    def take(self, seconds: float) -> list[News]:
        """All that has come, waited for ``seconds`` where nothing has.

        Raises:
            ApiError: the API refuses.
            ApiUnreachable: nobody has answered for minutes.
        """
        taken: list[News] = []
        try:
            while not self._over:
                each = self._found.get(timeout=0 if taken else seconds)
                if isinstance(each, Exception):
                    raise each
                if each is None:
                    self._over = True
                else:
                    taken.append(each)
        except Empty:
            pass  # that is all for now
        return taken

    @property
    def over(self) -> bool:
        """Whether nothing can come any more."""
        return self._over

    def _read(self) -> None:
        last_id: str | None = None
        heard = time.monotonic()
        while True:
            try:
                for message in self._listen(last_id):
                    last_id, heard = message.id, time.monotonic()
                    self._found.put(message)
                return self._found.put(None)
            except (ApiUnreachable, ApiError) as error:
                if not may_pass(error) or time.monotonic() - heard >= self._patience:
                    return self._found.put(error)
            except Exception as error:  # noqa: BLE001 (whoever takes what is found raises it)
                return self._found.put(error)
            self._found.put(LOST)
            time.sleep(patience.WAIT_SECONDS)
