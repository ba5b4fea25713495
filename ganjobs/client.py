"""The client: jobs of the service at a URL, typed, by blocking calls. ``ganjobs.client_async`` is its twin for event
loops; what both do stands once, in ``ganjobs.operations``."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from ganjobs import calls, jobref, operations
from ganjobs.connection import Auth, Login, Verify
from ganjobs.effects import Json, Operation, Request, Result, ask
from ganjobs.handles import Connected, Listing, Words, address_of, filters
from ganjobs.job import Job
from ganjobs.joblist import Jobs
from ganjobs.operations import Spec
from ganjobs.results import Readiness, Validation, Worker
from ganjobs.transport import Transport

__all__ = ["Client", "Job", "Jobs"]


class Client(Connected):
    """The service at ``url``; without one at ``GANJOBS_URL``, where a local service says that it is, or on port 8000
    of this machine. Close it, or use it as a context manager.

    Where something before the service asks who you are: ``token`` (or ``GANJOBS_TOKEN``) is sent as a bearer token;
    ``auth`` is a name and a password, which may stand in the URL instead, or what else ``httpx`` takes; ``headers`` go
    with every request. ``verify`` is the certificates to check the server's by, a file or a folder (or
    ``GANJOBS_CA_FILE``), or false. None of this is ever shown.

    Every method that asks the service raises ``ApiUnreachable`` when nobody answers and an ``ApiError`` when it
    refuses; one that needs a package which is not installed raises ``NotInstalled``.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        auth: Auth | None = None,
        verify: Verify = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        login = Login(headers=headers, token=token, auth=auth, verify=verify)
        self._transport = Transport(address_of(url), transport, **login)

    @property
    def url(self) -> str:
        """The address of the service, without a name or password in it."""
        return self._transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def submit(self, spec: Spec | None = None, *, idempotency_key: str | None = None, **fields: Any) -> Job:
        """A new job from a spec: a mapping, or the path of a YAML or JSON file; ``fields`` replace its top-level ones.
        However often the connection fails on the way, it becomes one job; the same ``idempotency_key`` always means
        the same one.

        Raises:
            NotValid: the spec is not valid; ``errors`` says which fields, and why.
            SpecFileError: the file cannot be used.
        """
        return self._job(self._ask(calls.create(operations.spec_of(spec, fields), idempotency_key)))

    def validate(self, spec: Spec | None = None, **fields: Any) -> Validation:
        """What ``submit`` would make of a spec; raises as that does."""
        return Validation.model_validate(self._ask(calls.validate(operations.spec_of(spec, fields))))

    def job(self, reference: str) -> Job:
        """A job by its id, the start of its id, or ``latest``.

        Raises:
            NoSuchJob: none, or more than one, is meant.
        """
        return self._job(self._run(jobref.find(reference)))

    def jobs(
        self,
        *,
        status: Words | None = None,
        verdict: Words | None = None,
        severity: Words | None = None,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Jobs:
        """Jobs that meet every filter given, newest first and ``limit`` at most, asked for page by page as they are
        iterated over; ``.first()`` is the newest, or None."""
        given = filters(status=status, verdict=verdict, severity=severity, name=name, metadata=metadata, limit=limit)
        return Jobs(self._transport, given)

    def workers(self) -> Listing[Worker]:
        """The workers that are up."""
        return Listing(map(Worker.model_validate, self._transport.iterate(operations.emitted(calls.WORKERS))))

    def ready(self) -> Readiness:
        """Whether the service can take and train jobs: true or false, with what stands in the way."""
        return self._run(operations.readiness())

    def catalogue(self) -> Json:
        """What a spec can name, and what is recorded: losses, data sets, metrics, evaluations, verdicts."""
        return self._ask(calls.CATALOGUE)

    def _ask(self, request: Request) -> Json:
        return self._run(ask(request))

    def _run(self, operation: Operation[Result]) -> Result:
        return self._transport.run(operation)

    def _job(self, answer: Json) -> Job:
        return Job._of(self._transport, answer)
