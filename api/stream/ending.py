"""Ending streams when the server is told to end. Servers drain their requests before they tell the application, and a
stream would be drained for ever: so the application listens to the same signals."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Have ``act`` done in the running event loop when a signal asks the process to end; whoever handled the signal
    before still does. Nothing in a thread that is not the main one: there, nobody hears of signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        earlier = before[signal.Signals(number)]
        if callable(earlier):
            earlier(number, frame)

    # Nobody handles what is left to the system: then the process just ends.
    ours = [number for number, earlier in before.items() if callable(earlier)]
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            if signal.getsignal(number) is handle:
                signal.signal(number, before[number])
