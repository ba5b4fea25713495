"""Lists of jobs, newest first, which are asked for page by page; every iteration asks anew."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from itertools import islice
from typing import Any

from ganjobs import html, operations
from ganjobs.job import Job
from ganjobs.job_async import AsyncJob
from ganjobs.transport import Transport
from ganjobs.transport_async import AsyncTransport

# Jobs that a notebook shows of a list of them.
SHOWN_JOBS = 20


class _Given:
    """What a list is narrowed to."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = dict(given)

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self._given.items())
        return f"<{type(self).__name__}{f' with {said}' if said else ''}>"


class Jobs(_Given):
    """Jobs to iterate over; ``list(jobs)`` holds them all."""

    def __init__(self, transport: Transport, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self._transport = transport

    def __iter__(self) -> Iterator[Job]:
        for answer in self._transport.iterate(operations.found_jobs(**self._given)):
            yield Job._of(self._transport, answer)

    def first(self) -> Job | None:
        """The newest of them; ``None`` where there is none."""
        with closing(self._transport.iterate(operations.found_jobs(**self._given | {"limit": 1}))) as found:
            return next((Job._of(self._transport, answer) for answer in found), None)

    def _repr_html_(self) -> str:
        found = list(islice(self, SHOWN_JOBS + 1))
        return html.jobs(found[:SHOWN_JOBS], more=len(found) > SHOWN_JOBS)


class AsyncJobs(_Given):
    """Jobs for ``async for``."""

    def __init__(self, transport: AsyncTransport, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self._transport = transport

    async def __aiter__(self) -> AsyncIterator[AsyncJob]:
        async for answer in self._transport.iterate(operations.found_jobs(**self._given)):
            yield AsyncJob._of(self._transport, answer)

    async def first(self) -> AsyncJob | None:
        """The newest of them; ``None`` where there is none."""
        async with aclosing(self._transport.iterate(operations.found_jobs(**self._given | {"limit": 1}))) as found:
            async for answer in found:
                return AsyncJob._of(self._transport, answer)
        return None
