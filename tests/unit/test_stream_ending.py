"""Hearing of the end before the server has drained its requests."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from api.stream.ending import on_signals


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """Signals that the server's handler was called with."""
    found: list[int] = []

    def server(number: int, _frame: FrameType | None) -> None:
        found.append(number)

    before = signal.signal(signal.SIGTERM, server)
    yield found
    signal.signal(signal.SIGTERM, before)


def test_the_server_hears_of_a_signal_too(handled: list[int]) -> None:
    server = signal.getsignal(signal.SIGTERM)

    async def run() -> None:
        told = asyncio.Event()
        with on_signals(told.set):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(told.wait(), 5)

    asyncio.run(run())
    assert handled == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is server


def test_what_the_system_handles_is_left_to_it() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)

    async def run() -> None:
        with on_signals(lambda: None):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    try:
        asyncio.run(run())
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_handler_that_came_later_stays(handled: list[int]) -> None:
    def later(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError

    async def run() -> None:
        with on_signals(lambda: None):
            signal.signal(signal.SIGTERM, later)

    asyncio.run(run())
    assert signal.getsignal(signal.SIGTERM) is later


def test_a_thread_hears_of_no_signal(handled: list[int]) -> None:
    server = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    async def run() -> None:
        with on_signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    assert seen == [server]
