"""What a user may type for a job: its id, the start of its id, or ``latest``."""

from itertools import islice

from ganjobs.errors import ApiError, ClientError
from ganjobs.rest import Rest

PREFIX = "job_"
ID_LENGTH = len(PREFIX) + 24
LATEST = "latest"
# How far back a shortened id is looked for.
SEARCHED_JOBS = 2000
HTTP_NOT_FOUND = 404


def resolve(client: Rest, reference: str) -> str:
    """The id of the job meant by ``reference``; the leading ``job_`` may be left out.

    Raises:
        ClientError: none, or more than one, is meant.
    """
    if reference == LATEST:
        newest = client.list_jobs(limit=1)["data"]
        if not newest:
            raise ClientError("there are no jobs yet: submit one with `ganjobs submit`")
        return str(newest[0]["id"])
    start = reference if reference.startswith(PREFIX) else PREFIX + reference
    if not start.removeprefix(PREFIX).isalnum():
        raise ClientError(f"{reference!r} is no job id, no start of one, and not `{LATEST}`")
    if len(start) == ID_LENGTH and _exists(client, start):
        return start
    found = [job["id"] for job in islice(client.jobs(), SEARCHED_JOBS) if job["id"].startswith(start)]
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise ClientError(f"there is no job {reference!r}: see `ganjobs jobs`")
    raise ClientError(f"{reference!r} means {len(found)} jobs: {', '.join(found[:3])}{' …' if len(found) > 3 else ''}")


def _exists(client: Rest, job_id: str) -> bool:
    try:
        client.get(job_id)
    except ApiError as error:
        if error.status != HTTP_NOT_FOUND:
            raise
        return False
    return True
