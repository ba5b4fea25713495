"""Jobs of the blocking client."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from pydantic import PrivateAttr

from ganjobs import calls, once, operations, tables
from ganjobs.effects import Json, Request, ask
from ganjobs.errors import ClientError
from ganjobs.extras import has
from ganjobs.handles import POLL_SECONDS, AnimationFormat, JobHandle, Listing, Words
from ganjobs.messages import StreamMessage, typed
from ganjobs.progress import make_display
from ganjobs.results import Checkpoint, Evaluation, Event, HealthInterval, HealthReport, LogLine
from ganjobs.samples import Sample, Samples
from ganjobs.stream import listen
from ganjobs.tables import TableFormat
from ganjobs.transport import Transport
from ganjobs.waiting import wait

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Job(JobHandle):
    """A job, and what can be asked of it. ``refresh``, ``wait`` and whatever else hears of its state renew its
    fields."""

    _transport: Transport = PrivateAttr()

    @classmethod
    def _of(cls, transport: Transport, answer: Json) -> Self:
        job = cls.model_validate(answer)
        job._transport = transport
        return job

    # --- its course --------------------------------------------------------------------------------------------------

    def wait(
        self,
        progress: bool = True,
        timeout: float | None = None,
        poll_seconds: float = POLL_SECONDS,
        raise_on_failure: bool = True,
    ) -> Self:
        """Wait until the job has ended or is paused, for ``timeout`` seconds at most; with ``progress``, show it
        meanwhile. A service that is restarted is waited for, up to five minutes.

        Raises:
            JobFailed: it failed. With ``raise_on_failure=False`` this and the next two are no errors, and the job is
                returned as it is.
            JobCancelled: it was cancelled.
            JobPaused: it is paused, and goes on only when it is resumed.
            WaitTimeout: it has not come to rest in time; it goes on.
        """
        self._take(self._transport.run(wait(self.id, make_display(progress), timeout, poll_seconds)))
        self._ended(raise_on_failure)
        return self

    def refresh(self) -> Self:
        """Ask how the job stands now."""
        return self._renewed(calls.get(self.id))

    def cancel(self) -> Self:
        """Ask the job to stop; what it recorded stays."""
        return self._renewed(calls.act(self.id, "cancel"))

    def pause(self) -> Self:
        """Ask the job to make a checkpoint and leave its worker to others, until it is resumed."""
        return self._renewed(calls.act(self.id, "pause"))

    def resume(self) -> Self:
        """Put the paused job back into the queue."""
        self._take(self._transport.run(once.resume(self.id)))
        return self

    def retry(self, *, idempotency_key: str | None = None) -> "Job":
        """A new job with the spec of this one, which failed or was cancelled."""
        return self._made(calls.retry(self.id, idempotency_key))

    def fork(
        self,
        changes: Mapping[str, Any] | None = None,
        *,
        step: int | None = None,
        idempotency_key: str | None = None,
    ) -> "Job":
        """A new job that goes on from a checkpoint (the newest unless ``step`` names one), its spec changed by
        ``changes``, a JSON merge patch: ``{"steps": 8000, "loss": {"kind": "hinge"}}``."""
        return self._made(calls.fork(self.id, changes, step, idempotency_key))

    def delete(self) -> None:
        """Delete the job, which must have ended, with all that it recorded."""
        self._transport.run(once.delete(self.id))

    def stream(
        self, keys: Words | None = None, *, from_step: int | None = None, last_id: str | None = None
    ) -> Iterator[StreamMessage]:
        """What happens to the job as it happens, up to its end (docs/streaming.md): from now on, from ``from_step`` on,
        or from behind the message ``last_id``; through lost connections."""
        names = operations.some(keys) or ()
        for said in self._transport.iterate(listen(self._transport.url, self.id, names, from_step, last_id)):
            if (message := typed(said, self.id)) is not None:
                yield message

    # --- what it recorded --------------------------------------------------------------------------------------------

    @overload
    def metrics(
        self,
        keys: Words | None = None,
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        max_points: int | None = None,
        format: Literal["pandas"] = "pandas",
    ) -> "pandas.DataFrame": ...
    @overload
    def metrics(
        self,
        keys: Words | None = None,
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        max_points: int | None = None,
        format: Literal["arrow"],
    ) -> "pyarrow.Table": ...
    def metrics(
        self,
        keys: Words | None = None,
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        max_points: int | None = None,
        format: TableFormat = "pandas",
    ) -> Any:
        """What was recorded at each step: a ``pandas.DataFrame`` with the steps as its index, or with
        ``format="arrow"`` a ``pyarrow.Table`` with them as its first column. All metrics unless ``keys`` names some.

        With ``max_points`` it is a curve of at most so many points (2 to 4,000), each the ``min``, ``max``, ``mean``
        and ``last`` of the steps since the point before and how many were ``non_finite``, in columns by
        ``(metric, of)``: milliseconds for a million steps as for a thousand, and no spike is lost. Every one of a
        million steps takes seconds.
        """
        asked = (self.id, operations.some(keys), from_step, to_step)
        if max_points is not None:
            return tables.of_buckets(self._transport.run(operations.buckets(*asked, max_points)), format)
        if has("pyarrow"):
            return tables.of_parquet(self._transport.run(operations.exported(*asked)), format)
        return tables.of_rows(self._transport.run(operations.rows(*asked)), format)

    def samples(self) -> Samples:
        """All sample images, by step; the bytes of each are downloaded when they are asked for."""
        return Samples(map(self._sample, self._each("samples")))

    def sample(self, step: int | None = None) -> Sample:
        """The sample of a step, or the newest.

        Raises:
            NotFound: there is none.
        """
        info, png = self._transport.run(operations.sample(self.id, step))
        return self._sample(info.model_dump(), png)

    def animation(
        self,
        path: str | Path | None = None,
        format: AnimationFormat = "gif",
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        frames: int | None = None,
        frames_per_second: float | None = None,
        side: int | None = None,
    ) -> Path:
        """Save what the same noise became, step by step, as an animated image: at most ``frames`` images of at most
        ``side`` pixels. ``path`` is a file, or a folder that is there."""
        choices: dict[str, float | None] = {"from_step": from_step, "to_step": to_step, "frames": frames, "side": side}
        choices["frames_per_second"] = frames_per_second
        return self._transport.run(operations.animation(self.id, path, format, **choices))

    def health(self, at_step: int | None = None) -> HealthReport:
        """How the game between the two networks stands, or stood at a step: verdict, evidence and advice."""
        return HealthReport.model_validate(self._ask(calls.health(self.id, at_step)))

    def health_history(self) -> Listing[HealthInterval]:
        """The verdicts on the job's health, each with the steps it lasted."""
        return Listing(map(HealthInterval.model_validate, self._each("health/history")))

    def events(self) -> Listing[Event]:
        """What happened to the job, in order."""
        return Listing(map(Event.model_validate, self._each("events")))

    def logs(self) -> Listing[LogLine]:
        """What the workers logged while they trained it, in order."""
        return Listing(map(LogLine.model_validate, self._each("logs")))

    def evaluations(self) -> Listing[Evaluation]:
        """What the generator was worth, by step."""
        return Listing(map(Evaluation.model_validate, self._each("evaluations")))

    def checkpoints(self) -> Listing[Checkpoint]:
        """The checkpoints that are kept, newest first."""
        found = self._transport.iterate(operations.emitted(calls.checkpoints(self.id)))
        return Listing(map(Checkpoint.model_validate, found))

    def generator(self, path: str | Path | None = None, *, best: bool = False) -> Path:
        """Download the generator of the newest checkpoint, or the best one's (safetensors), to ``path``: a file, or a
        folder that is there. Returns where it is.

        Raises:
            NothingThere: there is no checkpoint yet, or no best one.
            DownloadDamaged: it is not what the service said that it is.
        """
        return self._transport.run(operations.generator(self.id, path, best))

    # -----------------------------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> Json:
        return self._transport.run(ask(request))

    def _renewed(self, request: Request) -> Self:
        self._take(self._ask(request))
        return self

    def _made(self, request: Request) -> "Job":
        return Job._of(self._transport, self._ask(request))

    def _each(self, what: str) -> Iterator[Json]:
        return self._transport.iterate(calls.listed(self.id, what))

    def _sample(self, item: Json, png: bytes | None = None) -> Sample:
        return Sample._of(self._transport, {**item, "job_id": self.id}, png)

    def _repr_html_(self) -> str:
        with suppress(ClientError):  # the service is away, or the job is gone: what is known of it is shown
            self._transport.run(self._look.renew(self))
        return super()._repr_html_()
