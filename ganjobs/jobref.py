"""What a user may type for a job: its id, the start of its id, or ``latest``."""

from contextlib import suppress

from ganjobs import calls
from ganjobs.effects import Json, Operation, Request, ask
from ganjobs.errors import NoSuchJob, NotFound
from ganjobs.transport import Transport

PREFIX = "job_"
ID_LENGTH = len(PREFIX) + 24
LATEST = "latest"
# Jobs in brief that the API gives at once, and how far back a shortened id is looked for.
MAX_SUMMARIES = 1000
SEARCHED_JOBS = 100_000


def resolve(client: Transport, reference: str) -> str:
    """The id of the job meant by ``reference``; the leading ``job_`` may be left out.

    Raises:
        NoSuchJob: none, or more than one, is meant.
    """
    return str(client.run(find(reference))["id"])


def find(reference: str) -> Operation[Json]:
    """The job meant by ``reference``, as ``resolve`` has it."""
    if reference == LATEST:
        newest = (yield from ask(calls.list_jobs(limit=1)))["data"]
        if not newest:
            raise NoSuchJob("there are no jobs yet", "submit one with `ganjobs submit`")
        return dict(newest[0])
    start = reference if reference.startswith(PREFIX) else PREFIX + reference
    if not start.removeprefix(PREFIX).isalnum():
        raise NoSuchJob(f"{reference!r} is no job id, no start of one, and not `{LATEST}`")
    if len(start) == ID_LENGTH:
        with suppress(NotFound):
            return (yield from ask(calls.get(start)))
        raise _no_job(reference)
    found = yield from _starting(start)
    if len(found) == 1:
        return (yield from ask(calls.get(found[0])))
    if not found:
        raise _no_job(reference)
    named = ", ".join(found[:3])
    raise NoSuchJob(f"{reference!r} means {len(found)} jobs: {named}{' …' if len(found) > 3 else ''}")


def _no_job(reference: str) -> NoSuchJob:
    return NoSuchJob(f"there is no job {reference!r}", "see `ganjobs jobs`")


def _starting(start: str) -> Operation[list[str]]:
    """The ids that begin so, newest first, as far back as is looked. They begin with the numbers of their jobs, so that
    one looks no further than where they come in the list."""
    found: list[str] = []
    after: str | None = None
    for _ in range(SEARCHED_JOBS // MAX_SUMMARIES):
        page = yield from ask(Request("GET", "/v1/summaries", {"limit": MAX_SUMMARIES, "after": after}))
        ids = [str(job["id"]) for job in page["data"]]
        found += [each for each in ids if each.startswith(start)]
        if not page["has_more"] or ids[-1] < start:
            break
        after = ids[-1]
    return found
