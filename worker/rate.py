"""How fast a job trains."""

import time

from worker.gan.events import Event, MetricsBlock, Started

# Weight of the past after this many seconds is 1/e: quick enough to see a change, slow enough to read.
SMOOTHING_SECONDS = 10.0


class StepRate:
    """Steps per second, smoothed over time, and training time, from the blocks as they come."""

    def __init__(self, earlier_seconds: float) -> None:
        self.training_seconds = earlier_seconds
        self.steps_per_second: float | None = None
        self._last: float | None = None

    def pause(self, seconds: float) -> None:
        """Leave ``seconds`` out of the count: training waited for something else."""
        if self._last is not None:
            self._last += seconds

    def observe(self, event: Event, now: float | None = None) -> None:
        """Count an event that came at ``now`` (seconds of a monotonic clock)."""
        now = time.monotonic() if now is None else now
        if self._last is None or isinstance(event, Started):
            self._last = now
            return
        if not isinstance(event, MetricsBlock):
            return  # its time counts towards the next block: samples and checkpoints cost what they cost
        elapsed = max(now - self._last, 1e-6)
        current = len(event.values) / elapsed
        weight = SMOOTHING_SECONDS / (SMOOTHING_SECONDS + elapsed)
        previous = self.steps_per_second if self.steps_per_second is not None else current
        self.steps_per_second = weight * previous + (1 - weight) * current
        self.training_seconds += elapsed
        self._last = now
