"""One run of the loop: from where it begins to the job's end, or to an alarm that the job goes back from."""

from collections.abc import Callable, Generator

import structlog

from models.leases import LeaseLost
from models.spec import JobSpec
from models.status import JobStatus
from worker.gan.events import Alarmed, Command, Event, Finished, Plateaued
from worker.health_actions import End, GoBack, decide
from worker.lease_keeper import LeaseKeeper
from worker.outcome import Outcome
from worker.recorder import Recorder, RecorderFailed

log = structlog.get_logger(__name__)

Training = Generator[Event, Command | None, None]


class Stretch:
    """Passes the loop's events to the recorder, and what the world wants back to the loop. ``spec`` is the job's own,
    and ``rollbacks`` the number it has had; ``reason_to_stop`` says why it should end with a checkpoint, if it should.
    """

    def __init__(
        self,
        spec: JobSpec,
        rollbacks: int,
        recorder: Recorder,
        keeper: LeaseKeeper,
        reason_to_stop: Callable[[], Outcome | None],
    ) -> None:
        self._spec = spec
        self._rollbacks = rollbacks
        self._recorder = recorder
        self._keeper = keeper
        self._reason_to_stop = reason_to_stop

    def run(self, training: Training) -> Outcome | GoBack:
        """Train to the end, whichever it is, with all that was recorded until then stored.

        Raises:
            LeaseLost, RecorderFailed: as the recorder does.
            Exception: what ended the training.
        """
        try:
            ended = self._drive(training)
        except LeaseLost:
            training.close()
            self._recorder.abandon()
            raise
        except BaseException:
            training.close()
            self._keep_what_was_recorded()
            raise
        self._recorder.close(rows_only=isinstance(ended, Outcome) and ended.status is JobStatus.CANCELLED)
        return ended

    def _drive(self, training: Training) -> Outcome | GoBack:
        stop: Outcome | None = None
        decided = False
        event = next(training)
        while True:
            self._recorder.put(event)
            if isinstance(event, Finished):
                trained = Outcome(JobStatus.SUCCEEDED, "every step was trained")
                return stop if stop is not None and (decided or event.reason != "completed") else trained
            if self._keeper.cancelling:
                training.close()
                return Outcome(JobStatus.CANCELLED, "cancelled by request")
            # What its health asks for goes before what the world does, which can wait for the next attempt.
            due = self._due(event) if not decided else None
            if isinstance(due, GoBack):
                training.close()
                return due
            if due is not None:
                self._recorder.put(due.note)
                if due.at_once:
                    training.close()
                    return due.outcome
                stop, decided = due.outcome, True
            stop = stop or self._reason_to_stop()
            event = training.send(Command.STOP_WITH_CHECKPOINT if stop else None)

    def _due(self, event: Event) -> GoBack | End | None:
        return decide(event, self._spec, self._rollbacks) if isinstance(event, Alarmed | Plateaued) else None

    def _keep_what_was_recorded(self) -> None:
        """Store what waits in the recorder; a failure of its own here must not hide the one that ended training."""
        try:
            self._recorder.close()
        except (RecorderFailed, LeaseLost) as failed:
            log.warning("not everything recorded could be stored", reason=str(failed))
