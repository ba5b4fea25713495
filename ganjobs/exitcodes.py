"""What the command's exit status means.

======  ===============================================================
status  meaning
======  ===============================================================
0       done; for a job that was watched: succeeded
1       an expected failure, said in one line; or the job failed
2       the command line or the spec is not valid
3       the job was cancelled
4       the job is paused, and will not go on by itself
5       nobody answers at the API's address
6       the verdict on the job's health is a caution, where one asked
7       the verdict on the job's health is an alarm, where one asked
8       there is no such job, or the API refused what was asked (4xx)
130     Ctrl-C ended the watching; the job goes on
======  ===============================================================

One asks with `watch --fail-on` and `health --exit-status`. Of several jobs the worst counts: 1, then 7, 6, 3, 4, 0.
What only reads (`show`, `logs`, `health`, ...) ends with 0 whatever became of the job: only what watches it tells that.
"""

from collections.abc import Iterable

from ganjobs.errors import ApiError, ApiUnreachable, ClientError, NoSuchJob

OK = 0
FAILURE = 1
USAGE = 2
CANCELLED = 3
PAUSED = 4
UNREACHABLE = 5
CAUTION = 6
ALARM = 7
REFUSED = 8
INTERRUPTED = 130

BY_STATUS = {"succeeded": OK, "failed": FAILURE, "cancelled": CANCELLED, "paused": PAUSED}
BY_SEVERITY = {"ok": OK, "caution": CAUTION, "alarm": ALARM}
WORST_FIRST = (FAILURE, ALARM, CAUTION, CANCELLED, PAUSED, OK)
CLIENT_ERRORS = range(400, 500)
SUMMARY = (
    "Exit status: 0 done or succeeded, 1 failed, 2 wrong usage or spec, 3 cancelled, 4 paused, 5 API not reachable, "
    "6 caution and 7 alarm where asked for, 8 no such job or refused by the API, 130 Ctrl-C."
)


def of_job(status: str, severity: str | None, fail_on: str | None) -> int:
    """The status that means how a job stands, and its health where that is as bad as ``fail_on``; a job that still goes
    on means 0."""
    by_status = BY_STATUS.get(status, OK)
    if by_status != FAILURE and is_as_bad(severity, fail_on):
        return BY_SEVERITY[severity or "ok"]
    return by_status


def of_error(error: ClientError) -> int:
    """The status that means an expected failure."""
    if isinstance(error, ApiUnreachable):
        return UNREACHABLE
    is_refusal = isinstance(error, NoSuchJob) or (isinstance(error, ApiError) and error.status in CLIENT_ERRORS)
    return REFUSED if is_refusal else FAILURE


def is_as_bad(severity: str | None, limit: str | None) -> bool:
    """Whether a severity has reached ``limit``; never where there is no limit."""
    return limit is not None and BY_SEVERITY.get(severity or "ok", OK) >= BY_SEVERITY[limit]


def worst(statuses: Iterable[int]) -> int:
    """The status of several jobs together."""
    return min(statuses, key=WORST_FIRST.index, default=OK)
