"""Requests that must not be sent twice, for a second one would call the first one's success an error."""

from ganjobs import calls
from ganjobs.effects import Json, Operation, ask
from ganjobs.errors import ApiUnreachable, ClientError, NotFound
from ganjobs.types import JobStatus


def resume(job_id: str) -> Operation[Json]:
    """Put a paused job back into the queue. Where the answer is lost, a look at the job says whether it was done.

    Raises:
        ApiUnreachable: nobody answers, or it is not known whether it was done.
    """
    try:
        return (yield from ask(calls.act(job_id, "resume")))
    except ApiUnreachable as error:
        job = (yield from _look(job_id, error)) if error.may_be_done else None
        if job is None or JobStatus(job["status"]) is JobStatus.PAUSED:
            raise
        return job


def delete(job_id: str) -> Operation[None]:
    """Delete a job that has ended. Where the answer is lost, a look for the job says whether it was done.

    Raises:
        ApiUnreachable: nobody answers, or it is not known whether it was done.
    """
    try:
        yield calls.delete(job_id)
    except ApiUnreachable as error:
        if not error.may_be_done or (yield from _look(job_id, error)) is not None:
            raise


def _look(job_id: str, lost: ApiUnreachable) -> Operation[Json | None]:
    """The job, or ``None`` where it is gone; what was ``lost`` is raised where nobody says."""
    try:
        return (yield from ask(calls.get(job_id)))
    except NotFound:
        return None
    except ClientError:
        raise lost from None
