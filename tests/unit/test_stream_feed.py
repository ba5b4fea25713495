"""Feeds and the hub with a source of their own: who is answered, when, and what is left behind."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.exc import OperationalError

from api.stream import feed as feeds
from api.stream.feed import Batch, Feed, Question
from api.stream.hub import Hub
from models.news import Cursor

POLL_SECONDS = 0.02
LONG = 10.0


def question(revision: int, *names: str) -> Question:
    return Question(Cursor(0, 0, 0, 0, revision), names)


class Source:
    """A job that is at ``revision``; each answer leads there, in pages of ``page`` revisions."""

    def __init__(self, revision: int = 1, page: int = 1000) -> None:
        self.revision = revision
        self.page = page
        self.asked: list[list[Question]] = []
        self.failure: Exception | None = None

    def answer(self, questions: Collection[Question]) -> Mapping[Question, Batch]:
        self.asked.append(list(questions))
        if self.failure is not None:
            raise self.failure
        return {each: self._batch(each) for each in questions if each.cursor.revision < self.revision}

    def _batch(self, asked: Question) -> Batch:
        at = min(asked.cursor.revision + self.page, self.revision)
        return Batch(b"%d" % at, Cursor(0, 0, 0, 0, at), more=at < self.revision, ended=False)

    async def read(self, questions: Collection[Question]) -> Mapping[Question, Batch]:
        await asyncio.sleep(0)
        return self.answer(questions)


def with_feed(act: Callable[[Feed, Source], Awaitable[None]], source: Source | None = None) -> None:
    """Run ``act`` with a feed, and see that nothing is left in it."""
    source = source or Source()

    async def run() -> None:
        feed = Feed(source.read, POLL_SECONDS)
        try:
            await act(feed, source)
            assert not feed._waiting
            assert not feed._hurried
        finally:
            feed.close()

    asyncio.run(run())


def test_what_is_known_to_be_there_is_not_waited_for() -> None:
    async def act(feed: Feed, source: Source) -> None:
        feed._poll_seconds = LONG
        await asyncio.sleep(0.01)  # the first look is over, and the next is far
        for _ in range(3):
            batch = await feed.next(question(0, "d_loss"), True, 1)
            assert batch is not None
            assert batch.content == b"1"

    with_feed(act)


def test_all_who_ask_the_same_are_answered_by_one_read() -> None:
    async def act(feed: Feed, source: Source) -> None:
        waiting = [asyncio.create_task(feed.next(question(1), False, LONG)) for _ in range(100)]
        await asyncio.sleep(3 * POLL_SECONDS)
        assert all(asked == [question(1)] for asked in source.asked)
        source.revision = 2
        answers = await asyncio.gather(*waiting)
        assert len({id(answer) for answer in answers}) == 1
        count = len(source.asked)
        # Who comes a little later is answered from memory.
        assert await feed.next(question(1), False, LONG) is answers[0]
        assert len(source.asked) == count

    with_feed(act)


def test_one_look_brings_all_to_the_same_place() -> None:
    async def act(feed: Feed, source: Source) -> None:
        waiting = [asyncio.create_task(feed.next(question(revision), False, LONG)) for revision in range(3, 9)]
        await asyncio.sleep(0)
        source.revision = 9
        cursors = {answer.cursor for answer in await asyncio.gather(*waiting) if answer}
        assert cursors == {question(9).cursor}

    with_feed(act, Source(2))


def test_readers_of_the_past_are_served_page_by_page_and_a_few_at_once() -> None:
    async def read_all(feed: Feed, name: str) -> int:
        asked, pages = question(0, name), 0
        while asked.cursor.revision < 100:
            batch = await feed.next(asked, True, LONG)
            assert batch is not None
            asked, pages = Question(batch.cursor, (name,)), pages + 1
        return pages

    async def act(feed: Feed, source: Source) -> None:
        feed._poll_seconds = LONG
        await asyncio.sleep(0.01)
        pages = await asyncio.gather(*(read_all(feed, f"metric {number}") for number in range(20)))
        assert pages == [10] * 20
        assert max(len(asked) for asked in source.asked) == feeds.HURRIED
        assert len(feed._recent) <= feeds.RECENT

    with_feed(act, Source(100, page=10))


def test_who_leaves_is_forgotten_at_once() -> None:
    async def act(feed: Feed, source: Source) -> None:
        gone = [asyncio.create_task(feed.next(question(1, "a"), hurried, LONG)) for hurried in (True, False)]
        stays = asyncio.create_task(feed.next(question(1, "b"), False, LONG))
        await asyncio.sleep(2 * POLL_SECONDS)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        assert list(feed._waiting) == [question(1, "b")]
        source.revision = 2
        assert await stays

    with_feed(act)


def test_nobody_is_answered_for_nobody() -> None:
    async def act(feed: Feed, source: Source) -> None:
        with pytest.raises(TimeoutError):
            await feed.next(question(1), False, 3 * POLL_SECONDS)
        source.asked.clear()
        await asyncio.sleep(5 * POLL_SECONDS)
        assert source.asked == []

    with_feed(act)


def test_an_outage_is_waited_for() -> None:
    async def act(feed: Feed, source: Source) -> None:
        source.failure = OperationalError("SELECT", {}, Exception("gone"))
        waiting = [asyncio.create_task(feed.next(question(0), hurried, LONG)) for hurried in (True, False)]
        await asyncio.sleep(10 * POLL_SECONDS)
        assert 2 <= len(source.asked) <= 12  # tried again, but at its own pace
        assert not any(task.done() for task in waiting)
        source.failure = None
        assert [answer.content for answer in await asyncio.gather(*waiting) if answer] == [b"1", b"1"]

    with_feed(act)


def test_a_fault_dismisses_the_listeners_and_not_the_feed() -> None:
    async def act(feed: Feed, source: Source) -> None:
        source.failure = ZeroDivisionError()
        assert await feed.next(question(0), True, LONG) is None
        source.failure = None
        assert await feed.next(question(0), True, LONG)

    with_feed(act)


def test_the_hub_keeps_a_feed_while_somebody_listens() -> None:
    source = Source()

    async def run() -> None:
        hub = Hub(lambda _number, questions: source.answer(questions), POLL_SECONDS)
        async with AsyncExitStack() as first, AsyncExitStack() as second:
            feed = first.enter_context(hub.listening(7))
            assert second.enter_context(hub.listening(7)) is feed
            assert second.enter_context(hub.listening(8)) is not feed
            assert await feed.next(question(0), True, LONG)
            await first.aclose()
            assert await feed.next(question(0), True, LONG)
            task = feed._task
            await second.aclose()
            assert not hub._feeds
            assert not hub._listeners
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(run())


def test_closing_the_hub_ends_all_who_wait_and_lets_reads_come_to_their_end() -> None:
    ended: list[bool] = []

    async def run() -> None:
        started = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(_number: int, questions: Collection[Question]) -> Mapping[Question, Batch]:
            loop.call_soon_threadsafe(started.set)
            time.sleep(0.2)
            ended.append(True)
            return {}

        hub = Hub(slow, POLL_SECONDS)
        with hub.listening(7) as feed:
            waiting = asyncio.create_task(feed.next(question(0), True, LONG))
            await started.wait()
            begun = loop.time()
            hub.close()
            assert await waiting is None
            assert loop.time() - begun < 0.1
            assert hub.is_closing
            assert not ended
        await hub.finish()
        assert ended == [True]

    asyncio.run(run())
