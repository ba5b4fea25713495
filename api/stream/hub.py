"""The feeds of all jobs that somebody listens to."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import structlog
from anyio import CapacityLimiter, to_thread

from api.stream.feed import Batch, Feed, Question

# Threads that read for streams: they take none from requests, and few of the database's connections.
READS_AT_ONCE = 4
FINISH_SECONDS = 2.0

Answer = Callable[[int, Collection[Question]], Mapping[Question, Batch]]
log = structlog.get_logger(__name__)


class Hub:
    """Keeps a feed for each job while somebody listens. ``answer`` answers questions about the job of a number, and is
    called in threads; all methods belong to the application's event loop."""

    def __init__(self, answer: Answer, poll_seconds: float) -> None:
        self._answer = answer
        self._poll_seconds = poll_seconds
        self._feeds: dict[int, Feed] = {}
        self._listeners: dict[int, int] = {}
        self._limiter: CapacityLimiter | None = None  # belongs to an event loop, which is not there yet
        self._reading: set[asyncio.Task[Mapping[Question, Batch]]] = set()
        self._closing = False

    @property
    def is_closing(self) -> bool:
        return self._closing

    @contextmanager
    def listening(self, job_number: int) -> Iterator[Feed]:
        """The feed of a job, for as long as somebody is in here."""
        if job_number not in self._feeds:
            self._feeds[job_number] = Feed(partial(self._read, job_number), self._poll_seconds)
        feed = self._feeds[job_number]
        self._listeners[job_number] = self._listeners.get(job_number, 0) + 1
        try:
            yield feed
        finally:
            self._listeners[job_number] -= 1
            if not self._listeners[job_number]:
                del self._listeners[job_number], self._feeds[job_number]
                feed.close()

    def close(self) -> None:
        """End all streams, and each one that is opened from now on; their clients will come back."""
        if self._feeds and not self._closing:
            log.info("streams end", listeners=sum(self._listeners.values()))
        self._closing = True
        for feed in self._feeds.values():
            feed.close()

    async def finish(self) -> None:
        """Close, and wait for what is being read, if it does not take long: the database can be closed after that."""
        self.close()
        if self._reading:
            await asyncio.wait(self._reading, timeout=FINISH_SECONDS)

    async def _read(self, job_number: int, questions: Collection[Question]) -> Mapping[Question, Batch]:
        if self._limiter is None:
            self._limiter = CapacityLimiter(READS_AT_ONCE)
        reading = asyncio.create_task(to_thread.run_sync(self._answer, job_number, questions, limiter=self._limiter))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        # A database that hangs holds the thread, but nobody who wants to leave.
        return await asyncio.shield(reading)
