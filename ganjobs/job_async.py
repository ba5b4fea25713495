"""Jobs of the client for event loops. Each method is documented where its twin is, in ``ganjobs.job``."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from pydantic import PrivateAttr

from ganjobs import calls, once, operations, tables
from ganjobs.effects import Json, Request, ask
from ganjobs.extras import has
from ganjobs.handles import POLL_SECONDS, AnimationFormat, Connected, JobHandle, Listing, Words
from ganjobs.messages import StreamMessage, typed
from ganjobs.progress import make_display
from ganjobs.results import Checkpoint, Evaluation, Event, HealthInterval, HealthReport, LogLine, SampleInfo
from ganjobs.samples import image_of
from ganjobs.stream import listen
from ganjobs.tables import TableFormat
from ganjobs.transfers import write_whole
from ganjobs.transport_async import AsyncTransport
from ganjobs.waiting import wait

if TYPE_CHECKING:
    import pandas
    import pyarrow
    from PIL.Image import Image


class AsyncSample(Connected, SampleInfo):
    """A sample image; its bytes are downloaded when they are first asked for."""

    _transport: AsyncTransport = PrivateAttr()
    _png: bytes | None = PrivateAttr(None)

    @classmethod
    def _of(cls, transport: AsyncTransport, item: Json, png: bytes | None = None) -> Self:
        sample = cls.model_validate(item)
        sample._transport, sample._png = transport, png
        return sample

    async def png(self) -> bytes:
        if self._png is None:
            self._png = await self._transport.run(operations.whole(Request("GET", self.url)))
        return self._png

    async def image(self) -> "Image":
        """A Pillow image."""
        return image_of(await self.png())

    async def save(self, path: str | Path) -> Path:
        """Write the PNG to ``path``."""
        return write_whole(Path(path), await self.png())


class AsyncJob(JobHandle):
    """A job, and what can be asked of it, as ``Job``."""

    _transport: AsyncTransport = PrivateAttr()

    @classmethod
    def _of(cls, transport: AsyncTransport, answer: Json) -> Self:
        job = cls.model_validate(answer)
        job._transport = transport
        return job

    # --- its course --------------------------------------------------------------------------------------------------

    async def wait(
        self,
        progress: bool = True,
        timeout: float | None = None,
        poll_seconds: float = POLL_SECONDS,
        raise_on_failure: bool = True,
    ) -> Self:
        self._take(await self._transport.run(wait(self.id, make_display(progress), timeout, poll_seconds)))
        self._ended(raise_on_failure)
        return self

    async def refresh(self) -> Self:
        return await self._renewed(calls.get(self.id))

    async def cancel(self) -> Self:
        return await self._renewed(calls.act(self.id, "cancel"))

    async def pause(self) -> Self:
        return await self._renewed(calls.act(self.id, "pause"))

    async def resume(self) -> Self:
        self._take(await self._transport.run(once.resume(self.id)))
        return self

    async def retry(self, *, idempotency_key: str | None = None) -> "AsyncJob":
        return await self._made(calls.retry(self.id, idempotency_key))

    async def fork(
        self,
        changes: Mapping[str, Any] | None = None,
        *,
        step: int | None = None,
        idempotency_key: str | None = None,
    ) -> "AsyncJob":
        return await self._made(calls.fork(self.id, changes, step, idempotency_key))

    async def delete(self) -> None:
        await self._transport.run(once.delete(self.id))

    async def stream(
        self, keys: Words | None = None, *, from_step: int | None = None, last_id: str | None = None
    ) -> AsyncIterator[StreamMessage]:
        names = operations.some(keys) or ()
        async for said in self._transport.iterate(listen(self._transport.url, self.id, names, from_step, last_id)):
            if (message := typed(said, self.id)) is not None:
                yield message

    # --- what it recorded --------------------------------------------------------------------------------------------

    @overload
    async def metrics(
        self,
        keys: Words | None = None,
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        max_points: int | None = None,
        format: Literal["pandas"] = "pandas",
    ) -> "pandas.DataFrame": ...
    @overload
    async def metrics(
        self,
        keys: Words | None = None,
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        max_points: int | None = None,
        format: Literal["arrow"],
    ) -> "pyarrow.Table": ...
    async def metrics(
        self,
        keys: Words | None = None,
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        max_points: int | None = None,
        format: TableFormat = "pandas",
    ) -> Any:
        asked = (self.id, operations.some(keys), from_step, to_step)
        if max_points is not None:
            return tables.of_buckets(await self._transport.run(operations.buckets(*asked, max_points)), format)
        if has("pyarrow"):
            return tables.of_parquet(await self._transport.run(operations.exported(*asked)), format)
        return tables.of_rows(await self._transport.run(operations.rows(*asked)), format)

    async def samples(self) -> Listing[AsyncSample]:
        return Listing([self._sample(item) async for item in self._each("samples")])

    async def sample(self, step: int | None = None) -> AsyncSample:
        info, png = await self._transport.run(operations.sample(self.id, step))
        return self._sample(info.model_dump(), png)

    async def animation(
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
        choices: dict[str, float | None] = {"from_step": from_step, "to_step": to_step, "frames": frames, "side": side}
        choices["frames_per_second"] = frames_per_second
        return await self._transport.run(operations.animation(self.id, path, format, **choices))

    async def health(self, at_step: int | None = None) -> HealthReport:
        return HealthReport.model_validate(await self._ask(calls.health(self.id, at_step)))

    async def health_history(self) -> Listing[HealthInterval]:
        return Listing([HealthInterval.model_validate(item) async for item in self._each("health/history")])

    async def events(self) -> Listing[Event]:
        return Listing([Event.model_validate(item) async for item in self._each("events")])

    async def logs(self) -> Listing[LogLine]:
        return Listing([LogLine.model_validate(item) async for item in self._each("logs")])

    async def evaluations(self) -> Listing[Evaluation]:
        return Listing([Evaluation.model_validate(item) async for item in self._each("evaluations")])

    async def checkpoints(self) -> Listing[Checkpoint]:
        found = self._transport.iterate(operations.emitted(calls.checkpoints(self.id)))
        return Listing([Checkpoint.model_validate(item) async for item in found])

    async def generator(self, path: str | Path | None = None, *, best: bool = False) -> Path:
        return await self._transport.run(operations.generator(self.id, path, best))

    # -----------------------------------------------------------------------------------------------------------------

    async def _ask(self, request: Request) -> Json:
        return await self._transport.run(ask(request))

    async def _renewed(self, request: Request) -> Self:
        self._take(await self._ask(request))
        return self

    async def _made(self, request: Request) -> "AsyncJob":
        return AsyncJob._of(self._transport, await self._ask(request))

    def _each(self, what: str) -> AsyncIterator[Json]:
        return self._transport.iterate(calls.listed(self.id, what))

    def _sample(self, item: Json, png: bytes | None = None) -> AsyncSample:
        return AsyncSample._of(self._transport, {**item, "job_id": self.id}, png)
