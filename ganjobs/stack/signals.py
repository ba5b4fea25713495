"""Ctrl-C and SIGTERM as a request that is looked at between steps, so that no step is cut in half."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ganjobs.stack.errors import StopRequested

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SLICE_SECONDS = 0.1


class StopSignal:
    """Counts the requests to stop. The second one means: at once."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def requested(self) -> bool:
        return self.count > 0

    @property
    def urgent(self) -> bool:
        return self.count > 1

    def request(self) -> None:
        # A plain counter: an Event's lock could be held by the very code the signal interrupts.
        self.count += 1

    def check(self) -> None:
        """Raise ``StopRequested`` if somebody asked to stop."""
        if self.requested:
            raise StopRequested

    def pause(self, seconds: float) -> None:
        """Sleep, unless somebody asks to stop.

        Raises:
            StopRequested: somebody did.
        """
        end = time.monotonic() + seconds
        self.check()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_SECONDS))
            self.check()


@contextmanager
def stop_on_signals() -> Iterator[StopSignal]:
    """Within the block SIGINT, SIGTERM and SIGHUP only count up the signal that it gives."""
    stop = StopSignal()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.request()

    before: list[tuple[signal.Signals, Callable[[int, FrameType | None], object] | int | None]] = [
        (number, signal.signal(number, handle)) for number in SIGNALS
    ]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)
