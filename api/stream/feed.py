"""One look at the database for all who listen to a job.

Listeners ask for what comes behind their cursor and wait. Every so many seconds one transaction answers all that wait:
first the job's revision is read, and where it is still the one they know, nothing else. Those at the same cursor get
the same bytes, made once; and as one transaction answers all, they are at the same cursor from then on, wherever they
began. Who is slow to read does not wait, so nothing is kept for it: asking again, it is answered from where it is.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.news import Cursor

# Answers kept for those who ask a little later than the others.
RECENT = 8
# Readers of the past who are answered by one transaction: those who wait for news are not kept waiting by many.
HURRIED = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """Messages for a reader, and where they lead: ``more`` is there to be read at once, or the stream has ``ended``."""

    content: bytes
    cursor: Cursor
    more: bool
    ended: bool


@dataclass(frozen=True)
class Question:
    """What comes behind a cursor, with the metrics ``names``."""

    cursor: Cursor
    names: tuple[str, ...]


Read = Callable[[Collection[Question]], Awaitable[Mapping[Question, Batch]]]


class Feed:
    """The listeners of one job. ``read`` answers questions from the database; those that it leaves out have no answer
    yet. Only for the event loop that it is made in; runs from the start until ``close``."""

    def __init__(self, read: Read, poll_seconds: float) -> None:
        self._read = read
        self._poll_seconds = poll_seconds
        self._waiting: dict[Question, set[asyncio.Future[Batch | None]]] = {}
        self._hurried: dict[Question, None] = {}
        self._recent: OrderedDict[Question, Batch] = OrderedDict()
        self._asked = asyncio.Event()
        self._is_away = False
        self._task = asyncio.create_task(self._run())

    async def next(self, question: Question, hurried: bool, patience: float) -> Batch | None:
        """The answer to a question: at once where it is ``hurried``, which says that there is one, else when there is
        news. ``None`` where the stream must be closed without an end.

        Raises:
            TimeoutError: there is none after ``patience`` seconds.
        """
        if (known := self._recent.get(question)) is not None:
            return known
        answer: asyncio.Future[Batch | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, set()).add(answer)
        if hurried:
            self._hurried[question] = None
        self._asked.set()
        try:
            async with asyncio.timeout(patience):
                return await answer
        finally:
            self._forget(question, answer)

    def close(self) -> None:
        """End the streams of all who wait."""
        self._task.cancel()
        self._dismiss()

    def _forget(self, question: Question, answer: asyncio.Future[Batch | None]) -> None:
        others = self._waiting.get(question)
        if others is not None:
            others.discard(answer)
            if not others:
                del self._waiting[question]
                self._hurried.pop(question, None)

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            await self._until(due)
            all_of_them = clock() >= due
            questions = list(self._waiting) if all_of_them else list(self._hurried)[:HURRIED]
            for question in questions:
                self._hurried.pop(question, None)
            if questions:
                await self._answer(questions)
            if all_of_them:
                due = clock() + self._poll_seconds

    async def _until(self, due: float) -> None:
        """Wait for the time of the next look, or for a question that is hurried."""
        self._asked.clear()
        if self._hurried:
            return
        clock = asyncio.get_running_loop().time
        while not self._hurried and (left := due - clock()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._asked.wait()
            except TimeoutError:
                return
            self._asked.clear()

    async def _answer(self, questions: Collection[Question]) -> None:
        try:
            answers = await self._read(questions)
        except (DBAPIError, PoolTimeout) as error:
            # They go on waiting, and the next look answers them.
            if not self._is_away:
                log.warning("stream waits for the database", error=str(error).splitlines()[0])
            self._is_away = True
            return
        except Exception as error:  # our own fault, told to the log and not to the listeners
            log.error("stream failed", exc_info=error)
            self._dismiss()
            return
        if self._is_away:
            log.info("stream goes on: the database is back")
        self._is_away = False
        for question, batch in answers.items():
            self._give(question, batch)

    def _give(self, question: Question, batch: Batch) -> None:
        if not batch.more:
            self._recent[question] = batch
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        self._hurried.pop(question, None)  # asked once more while it was read
        for answer in self._waiting.pop(question, set()):
            if not answer.done():
                answer.set_result(batch)

    def _dismiss(self) -> None:
        for answers in self._waiting.values():
            for answer in answers:
                if not answer.done():
                    answer.set_result(None)
        self._waiting.clear()
        self._hurried.clear()
