"""Rings for work from a thread of its own: a Redis that does not answer keeps no request waiting."""

import threading

import structlog

from models.queue import Doorbell, QueueUnavailable

log = structlog.get_logger(__name__)
# A worker looks for more work when it has finished a job, and the reconciler rings for what was lost.
MOST_RINGS_WAITING = 1000


class Bell:
    """``ring`` returns at once; rings that cannot be sent are logged and left to the reconciler."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell
        self._wanted = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self) -> None:
        with self._changed:
            self._wanted = min(self._wanted + 1, MOST_RINGS_WAITING)
            self._changed.notify()

    def close(self) -> None:
        """Send what was asked for, as long as Redis takes it."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closing)
                times, self._wanted = self._wanted, 0
            if times == 0:
                return
            try:
                self._doorbell.ring(times)
            except QueueUnavailable as error:
                log.warning("queue unavailable; the reconciler will ring", rings=times, error=str(error))
