"""One read for all who ask at the same time: following jobs costs the database little, however many follow them.

Each request is answered by a read that began after the request came in, and so sees whatever was committed before, by
any process. One that comes while a read is under way waits for the next, which answers all that have come by then.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.exc import TimeoutError as NoAnswer

from models.polling import Standing

# A read that takes longer than this (seconds) no longer holds the next one up, unless this many hang already.
PATIENCE = 1.0
READS_AT_ONCE = 4
# Who has waited for so long is answered all the same, as one who waits for a connection of the pool is (seconds).
DEADLINE = 30.0


class Reader(Protocol):
    """``models.polling.JobReader``."""

    def read(self, ids: Collection[str], /) -> Mapping[str, Standing]: ...

    def close(self) -> None: ...


Waiting = dict[str, list[asyncio.Future[Standing | None]]]


@dataclass(eq=False)
class _Read:
    """Who waits for a read, and since when: since it was first asked for, or since it began."""

    asked: Waiting = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def answer(self, found: Mapping[str, Standing], error: Exception | None = None) -> None:
        for job_id, futures in self.asked.items():
            for future in futures:
                if future.done():
                    continue  # its request has gone, or was answered without it
                if error is None:
                    future.set_result(found.get(job_id))
                else:
                    future.set_exception(error)


class Poller:
    """Reads jobs for the requests of one event loop, on threads of its own."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._begun: queue.SimpleQueue[_Read | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._under_way: list[_Read] = []
        self._next: _Read | None = None
        self._is_watched = False

    async def read(self, job_id: str) -> Standing | None:
        """The job as it stands now; ``None`` where there is none.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database does not answer.
        """
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Standing | None] = loop.create_future()
        if self._next is None:
            self._next = _Read()
        self._next.asked.setdefault(job_id, []).append(mine)
        self._go_on(loop)
        return await mine

    def close(self) -> None:
        """Close what is open. A read that hangs is left behind: its thread ends with the process."""
        for _ in self._threads:
            self._begun.put(None)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._threads, self._begun = [], queue.SimpleQueue()
        self._reader.close()

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the next read if somebody waits for one, and none is under way that is worth waiting for."""
        now = time.monotonic()
        all_hang = all(now - read.since >= PATIENCE for read in self._under_way)
        if self._next is None or not all_hang or len(self._under_way) >= READS_AT_ONCE:
            return
        read, self._next = self._next, None
        read.since = now
        self._under_way.append(read)
        if len(self._threads) < len(self._under_way):
            thread = threading.Thread(target=self._run, args=(self._begun, loop), name="poller", daemon=True)
            thread.start()
            self._threads.append(thread)
        self._begun.put(read)
        if not self._is_watched:
            self._is_watched = True
            loop.call_later(PATIENCE, self._watch, loop)

    def _run(self, begun: "queue.SimpleQueue[_Read | None]", loop: asyncio.AbstractEventLoop) -> None:
        """Read what was begun, on a thread, until there is nothing more to come."""
        while (read := begun.get()) is not None:
            found: Mapping[str, Standing] = {}
            failure = None
            try:
                found = self._reader.read(list(read.asked))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
                failure = error
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(self._end, loop, read, found, failure)

    def _end(
        self, loop: asyncio.AbstractEventLoop, read: _Read, found: Mapping[str, Standing], failure: Exception | None
    ) -> None:
        self._under_way.remove(read)
        self._go_on(loop)
        read.answer(found, failure)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look after reads that hang, now and then for as long as any is under way."""
        self._is_watched = bool(self._under_way)
        if not self._is_watched:
            return
        loop.call_later(PATIENCE, self._watch, loop)
        self._go_on(loop)
        for read in (*self._under_way, *([self._next] if self._next else [])):
            if time.monotonic() - read.since >= DEADLINE:
                read.answer({}, NoAnswer(f"no answer from the database within {DEADLINE:g} seconds"))
                if read is self._next:
                    self._next = None
