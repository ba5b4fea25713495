"""Who shares a read with whom, with a reader that can be held up."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError, TimeoutError

from api import polling
from api.polling import Poller
from models.polling import Standing
from models.tables import Job

SECONDS = 10


class HeldUpReader:
    """Its reads end when the gate opens that they began at. They find the state that they began with."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = threading.Event()
        self.revision = 1
        self.failure: Exception | None = None
        self.is_open = True

    def read(self, ids: Collection[str]) -> Mapping[str, Standing]:
        revision, gate = self.revision, self.gate
        self.asked.append(list(ids))
        assert gate.wait(SECONDS)
        if self.failure:
            raise self.failure
        return {job_id: Standing(Job(id=job_id, revision=revision), None) for job_id in ids if job_id != "missing"}

    def close(self) -> None:
        self.is_open = False


@asynccontextmanager
async def polled(reader: HeldUpReader) -> AsyncIterator[Poller]:
    poller = Poller(reader)
    try:
        async with asyncio.timeout(SECONDS):
            yield poller
    finally:
        reader.gate.set()
        poller.close()
        assert not reader.is_open


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.001)


async def revision(found: Awaitable[Standing | None]) -> int:
    standing = await found
    assert standing is not None
    return standing.job.revision


def test_who_comes_during_a_read_waits_for_the_next_and_shares_it() -> None:
    async def check() -> None:
        reader = HeldUpReader()
        async with polled(reader) as poller:
            first = asyncio.create_task(poller.read("a"))
            await until(lambda: len(reader.asked) == 1)
            reader.revision = 2  # committed after the first read began
            later = [asyncio.create_task(poller.read(job_id)) for job_id in ("a", "b", "b", "missing")]
            await asyncio.sleep(0.05)
            assert reader.asked == [["a"]]
            reader.gate.set()
            assert await revision(first) == 1
            assert [await revision(task) for task in later[:3]] == [2, 2, 2]
            assert await later[3] is None
            assert reader.asked == [["a"], ["a", "b", "missing"]]

    asyncio.run(check())


def test_a_failure_is_told_to_all_who_waited_and_to_nobody_else() -> None:
    async def check() -> None:
        reader = HeldUpReader()
        reader.failure = OperationalError("SELECT", {}, Exception("gone"))
        async with polled(reader) as poller:
            tasks = [asyncio.create_task(poller.read("a")) for _ in range(3)]
            reader.gate.set()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(result) for result in results] == [OperationalError] * 3
            reader.failure = None
            assert await revision(poller.read("a")) == 1

    asyncio.run(check())


def test_one_who_leaves_disturbs_nobody() -> None:
    async def check() -> None:
        reader = HeldUpReader()
        async with polled(reader) as poller:
            leaving, staying = (asyncio.create_task(poller.read("a")) for _ in range(2))
            await until(lambda: len(reader.asked) == 1)
            leaving.cancel()
            reader.gate.set()
            assert await revision(staying) == 1
            assert leaving.cancelled()

    asyncio.run(check())


def test_a_read_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "PATIENCE", 0.05)

    async def check() -> None:
        reader = HeldUpReader()
        async with polled(reader) as poller:
            hanging = asyncio.create_task(poller.read("a"))
            await until(lambda: len(reader.asked) == 1)
            closed, reader.gate = reader.gate, threading.Event()
            reader.gate.set()
            assert await revision(poller.read("b")) == 1
            assert not hanging.done()
            closed.set()
            assert await revision(hanging) == 1

    asyncio.run(check())


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "PATIENCE", 0.05)
    monkeypatch.setattr(polling, "DEADLINE", 0.3)

    async def check() -> None:
        reader = HeldUpReader()
        async with polled(reader) as poller:
            tasks = []
            for number in range(polling.READS_AT_ONCE):
                tasks.append(asyncio.create_task(poller.read("a")))
                await until(lambda begun=number + 1: len(reader.asked) == begun)  # type: ignore[misc]
            tasks.append(asyncio.create_task(poller.read("a")))  # there is no thread left for this one
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(result) for result in results] == [TimeoutError] * len(tasks)
            assert len(reader.asked) == polling.READS_AT_ONCE
            reader.gate.set()
            assert await revision(poller.read("a")) == 1

    asyncio.run(check())
