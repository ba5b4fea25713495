"""What a user imports or types: the Python client, the ``ganjobs`` command and the embedded stack.

The clients are imported when they are asked for: a module of this package costs what it needs itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganjobs.client import Client
    from ganjobs.client_async import AsyncClient
    from ganjobs.errors import (
        ApiError,
        ApiUnreachable,
        ClientError,
        Conflict,
        DownloadDamaged,
        FieldError,
        JobCancelled,
        JobFailed,
        JobNotSucceeded,
        JobPaused,
        NoSuchJob,
        NotFound,
        NotGanjobs,
        NothingThere,
        NotInstalled,
        NotSent,
        NotValid,
        TransferBroken,
        TryLater,
        WaitTimeout,
    )
    from ganjobs.job import Job
    from ganjobs.job_async import AsyncJob, AsyncSample
    from ganjobs.jobinfo import JobInfo
    from ganjobs.joblist import AsyncJobs, Jobs
    from ganjobs.messages import (
        EndMessage,
        EvaluationMessage,
        EventMessage,
        JobMessage,
        MetricsMessage,
        ReportMessage,
        RewindMessage,
        SampleMessage,
        StreamMessage,
    )
    from ganjobs.rest import Rest
    from ganjobs.results import (
        Checkpoint,
        Evaluation,
        Event,
        HealthInterval,
        HealthReport,
        LogLine,
        Readiness,
        Validation,
        Worker,
    )
    from ganjobs.samples import Sample, Samples
    from ganjobs.specfile import SpecFileError
    from ganjobs.types import JobStatus, Severity, Verdict

__all__ = [
    "ApiError",
    "ApiUnreachable",
    "AsyncClient",
    "AsyncJob",
    "AsyncJobs",
    "AsyncSample",
    "Checkpoint",
    "Client",
    "ClientError",
    "Conflict",
    "DownloadDamaged",
    "EndMessage",
    "Evaluation",
    "EvaluationMessage",
    "Event",
    "EventMessage",
    "FieldError",
    "HealthInterval",
    "HealthReport",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobInfo",
    "JobMessage",
    "JobNotSucceeded",
    "JobPaused",
    "JobStatus",
    "Jobs",
    "LogLine",
    "MetricsMessage",
    "NoSuchJob",
    "NotFound",
    "NotGanjobs",
    "NotInstalled",
    "NotSent",
    "NotValid",
    "NothingThere",
    "Readiness",
    "ReportMessage",
    "Rest",
    "RewindMessage",
    "Sample",
    "SampleMessage",
    "Samples",
    "Severity",
    "SpecFileError",
    "StreamMessage",
    "TransferBroken",
    "TryLater",
    "Validation",
    "Verdict",
    "WaitTimeout",
    "Worker",
]

# Where each is, if not among the errors.
_HOMES = {
    "ganjobs.client": ("Client",),
    "ganjobs.client_async": ("AsyncClient",),
    "ganjobs.job": ("Job",),
    "ganjobs.job_async": (
        "AsyncJob",
        "AsyncSample",
    ),
    "ganjobs.jobinfo": ("JobInfo",),
    "ganjobs.joblist": (
        "AsyncJobs",
        "Jobs",
    ),
    "ganjobs.messages": (
        "EndMessage",
        "EvaluationMessage",
        "EventMessage",
        "JobMessage",
        "MetricsMessage",
        "ReportMessage",
        "RewindMessage",
        "SampleMessage",
        "StreamMessage",
    ),
    "ganjobs.rest": ("Rest",),
    "ganjobs.results": (
        "Checkpoint",
        "Evaluation",
        "Event",
        "HealthInterval",
        "HealthReport",
        "LogLine",
        "Readiness",
        "Validation",
        "Worker",
    ),
    "ganjobs.samples": (
        "Sample",
        "Samples",
    ),
    "ganjobs.specfile": ("SpecFileError",),
    "ganjobs.types": (
        "JobStatus",
        "Severity",
        "Verdict",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "ganjobs.errors")), name)


def __dir__() -> list[str]:
    return __all__
