"""What a user may type for a job: its id, the start of its id, or ``latest``."""

from ganjobs import calls
from ganjobs.effects import Json, Operation
from ganjobs.errors import NoSuchJob, NotFound
from ganjobs.transport import Transport

PREFIX = "job_"
ID_LENGTH = len(PREFIX) + 24
LATEST = "latest"
# How far back a shortened id is looked for.
SEARCHED_JOBS = 2000


def resolve(client: Transport, reference: str) -> str:
    """The id of the job meant by ``reference``; the leading ``job_`` may be left out.

    Raises:
        NoSuchJob: none, or more than one, is meant.
    """
    return str(client.run(find(reference))["id"])


def find(reference: str) -> Operation[Json]:
    """The job meant by ``reference``, as ``resolve`` has it."""
    if reference == LATEST:
        newest = (yield calls.list_jobs(limit=1)).json()["data"]
        if not newest:
            raise NoSuchJob("there are no jobs yet: submit one with `ganjobs submit`")
        return dict(newest[0])
    start = reference if reference.startswith(PREFIX) else PREFIX + reference
    if not start.removeprefix(PREFIX).isalnum():
        raise NoSuchJob(f"{reference!r} is no job id, no start of one, and not `{LATEST}`")
    if len(start) == ID_LENGTH:
        try:
            return dict((yield calls.get(start)).json())
        except NotFound:
            pass  # it may be the start of one all the same
    found = yield from _starting(start)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchJob(f"there is no job {reference!r}: see `ganjobs jobs`")
    named = ", ".join(job["id"] for job in found[:3])
    raise NoSuchJob(f"{reference!r} means {len(found)} jobs: {named}{' …' if len(found) > 3 else ''}")


def _starting(start: str) -> Operation[list[Json]]:
    """The jobs whose ids begin so, as far back as is looked."""
    found: list[Json] = []
    after: str | None = None
    for _ in range(SEARCHED_JOBS // calls.MAX_ITEMS):
        page = (yield calls.list_jobs(after=after)).json()
        found += [job for job in page["data"] if job["id"].startswith(start)]
        if not page["has_more"]:
            break
        after = page["data"][-1]["id"]
    return found
