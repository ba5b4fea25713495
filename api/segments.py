"""Reading stretches that a job has gone back from, in place of what it goes on from."""

from typing import Annotated

from fastapi import Query

from api.errors import about
from models.tables import Job

MAX_SEGMENT = 2**31 - 1
SegmentNumber = Annotated[
    int | None,
    Query(
        ge=0,
        le=MAX_SEGMENT,
        description="A stretch that the job has gone back from, by its number in `…/segments`; by default 0, what the "
        "job goes on from.",
        examples=[1],
    ),
]


def segment_of(job: Job, asked: int | None) -> int:
    """The segment asked for, or that which the job goes on from. Raises ``Problem`` (404) where there is none."""
    if asked is None:
        return job.segment
    if asked > job.rollbacks:  # each has left one
        left = f"its segments are 0 to {job.rollbacks}" if job.rollbacks else "it has never gone back"
        raise about("segment", "query", "segment_not_found", f"the job has no segment {asked}: {left}", job.rollbacks)
    return asked
