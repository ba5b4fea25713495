"""The client for event loops: ``ganjobs.client``, with ``await`` and ``async for``."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from ganjobs import calls, jobref, operations
from ganjobs.connection import Auth, Login, Verify
from ganjobs.effects import Json, Operation, Request, Result, ask
from ganjobs.handles import Connected, Listing, Words, address_of, filters
from ganjobs.job_async import AsyncJob
from ganjobs.joblist import AsyncJobs
from ganjobs.operations import Spec
from ganjobs.results import Readiness, Validation, Worker
from ganjobs.transport_async import AsyncTransport

__all__ = ["AsyncClient", "AsyncJob", "AsyncJobs"]


class AsyncClient(Connected):
    """The service at ``url``, found as ``Client`` finds it. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        auth: Auth | None = None,
        verify: Verify = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        login = Login(headers=headers, token=token, auth=auth, verify=verify)
        self._transport = AsyncTransport(address_of(url), transport, **login)

    @property
    def url(self) -> str:
        """The address of the service, without a name or password in it."""
        return self._transport.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    def __repr__(self) -> str:
        return f"<AsyncClient of {self.url}>"

    async def submit(self, spec: Spec | None = None, *, idempotency_key: str | None = None, **fields: Any) -> AsyncJob:
        """A new job from a spec, as ``Client.submit`` makes it."""
        return self._job(await self._ask(calls.create(operations.spec_of(spec, fields), idempotency_key)))

    async def validate(self, spec: Spec | None = None, **fields: Any) -> Validation:
        """What ``submit`` would make of a spec."""
        return Validation.model_validate(await self._ask(calls.validate(operations.spec_of(spec, fields))))

    async def job(self, reference: str) -> AsyncJob:
        """A job by its id, the start of its id, or ``latest``."""
        return self._job(await self._run(jobref.find(reference)))

    def jobs(
        self,
        *,
        status: Words | None = None,
        verdict: Words | None = None,
        severity: Words | None = None,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> AsyncJobs:
        """Jobs that meet every filter given, newest first, for ``async for``."""
        given = filters(status=status, verdict=verdict, severity=severity, name=name, metadata=metadata, limit=limit)
        return AsyncJobs(self._transport, given)

    async def workers(self) -> Listing[Worker]:
        """The workers that are up."""
        found = self._transport.iterate(operations.emitted(calls.WORKERS))
        return Listing([Worker.model_validate(each) async for each in found])

    async def ready(self) -> Readiness:
        """Whether the service can take and train jobs: true or false, with what stands in the way."""
        return await self._run(operations.readiness())

    async def catalogue(self) -> Json:
        """What a spec can name, and what is recorded."""
        return await self._ask(calls.CATALOGUE)

    async def _ask(self, request: Request) -> Json:
        return await self._run(ask(request))

    async def _run(self, operation: Operation[Result]) -> Result:
        return await self._transport.run(operation)

    def _job(self, answer: Json) -> AsyncJob:
        return AsyncJob._of(self._transport, answer)
