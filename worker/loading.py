"""While a job's data are loaded, which for many images takes long: what users hear of it, and the ways out."""

import time
from collections import Counter
from collections.abc import Callable

from models.leases import LeaseLost
from models.spec import JobSpec
from models.status import JobStatus
from worker.gan.data import Dataset, summary
from worker.joblog import JobLog
from worker.lease_keeper import LeaseKeeper
from worker.outcome import Outcome
from worker.writer import LeasedWriter

LOOK_SECONDS = 0.2
LINE_SECONDS = 10.0
# In the event; the command line and the API show all of it.
NAMED_PROBLEMS = 100
COUNTED_REASONS = 20


class Stopped(Exception):
    """There is a reason not to go on; ``outcome`` is what becomes of the job."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.reason)


class LoadingWatch:
    """Is called with what is going on, puts it into the job's log now and then, and ends it where that is asked for.

    Raises (when called):
        Stopped: the job is cancelled, or there is a ``reason_to_stop``.
        LeaseLost: the job is somebody else's by now.
    """

    def __init__(
        self,
        keeper: LeaseKeeper,
        joblog: JobLog,
        writer: LeasedWriter,
        reason_to_stop: Callable[[], Outcome | None],
    ) -> None:
        self._keeper = keeper
        self._joblog = joblog
        self._writer = writer
        self._reason_to_stop = reason_to_stop
        self._next_look = 0.0
        self._next_line = time.monotonic() + LINE_SECONDS

    def __call__(self, message: str) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        if self._keeper.lost:
            raise LeaseLost("the job was taken away while its data were loaded")
        if self._keeper.cancelling:
            raise Stopped(Outcome(JobStatus.CANCELLED, "cancelled by request"))
        if reason := self._reason_to_stop():
            raise Stopped(reason)
        if now >= self._next_line:
            self._next_line = now + LINE_SECONDS
            self._joblog.info(message)
            self._writer.write(lambda _: None)


def tell_of_problems(data: Dataset, spec: JobSpec, writer: LeasedWriter) -> None:
    """Say in the job's history what of its data was left out, and why."""
    if not data.problems:
        return
    left_out, what = len(data.problems), "rows" if spec.dataset.kind == "hugging_face" else "files"
    examined = left_out + (data.size or 0)
    verb = "was" if left_out == 1 else "were"
    writer.add_event(
        "data.problems",
        f"{left_out:,} of {examined:,} {what} {verb} left out: {summary(data.problems)}",
        "warning",
        left_out=left_out,
        examined=examined,
        reasons=dict(Counter(problem.reason for problem in data.problems).most_common(COUNTED_REASONS)),
        problems=[{"name": problem.name, "reason": problem.reason} for problem in data.problems[:NAMED_PROBLEMS]],
    )
