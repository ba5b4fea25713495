"""What a user imports or types: the Python client, the ``ganjobs`` command and the embedded stack.

The clients are imported when they are asked for: a module of this package costs what it needs itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganjobs.client import Client, Job
    from ganjobs.client_async import AsyncClient, AsyncJob
    from ganjobs.errors import (
        ApiError,
        ApiUnreachable,
        ClientError,
        Conflict,
        JobCancelled,
        JobFailed,
        JobNotSucceeded,
        JobPaused,
        NotFound,
        NotInstalled,
        NotValid,
        TryLater,
        WaitTimeout,
    )
    from ganjobs.rest import Rest
    from ganjobs.types import JobStatus, Severity, Verdict

__all__ = [
    "ApiError",
    "ApiUnreachable",
    "AsyncClient",
    "AsyncJob",
    "Client",
    "ClientError",
    "Conflict",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobNotSucceeded",
    "JobPaused",
    "JobStatus",
    "NotFound",
    "NotInstalled",
    "NotValid",
    "Rest",
    "Severity",
    "TryLater",
    "Verdict",
    "WaitTimeout",
]

_HOMES = {
    "ganjobs.client": ("Client", "Job"),
    "ganjobs.client_async": ("AsyncClient", "AsyncJob"),
    "ganjobs.rest": ("Rest",),
    "ganjobs.types": ("JobStatus", "Severity", "Verdict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "ganjobs.errors")), name)


def __dir__() -> list[str]:
    return __all__
