"""A job's sample images as one moving picture."""

from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api import animation, caching
from api.dependencies import MAX_INTEGER, JobId, find_job, in_session, standing_of
from api.documentation import ETAG, not_modified, problems
from api.errors import about, invalid
from api.routes.metrics import StepBound, check_range
from api.segments import SegmentNumber, segment_of
from api.strict import StrictRoute
from models import samples

# Encoding takes as long as there are pixels: some two seconds for these on a slow machine, and a few at a time.
MOST_PIXELS = 60 * 512 * 512
AT_ONCE = 2
EXTENSIONS: dict[animation.Format, str] = {"gif": "gif", "webp": "webp", "apng": "png"}
BINARY = {"type": "string", "format": "binary"}
Image = tuple[int, bytes]
router = APIRouter(prefix="/v1/jobs/{job_id}/samples", tags=["samples"], route_class=StrictRoute)
_turns = CapacityLimiter(AT_ONCE)

ANIMATION: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The animation",
        "headers": ETAG,
        "content": {kind: {"schema": BINARY} for kind in animation.MEDIA_TYPES.values()},
    },
    **not_modified(),
    **problems("job_not_found", "sample_not_found", "segment_not_found", "file_gone"),
}


@router.get(
    "/animation",
    operation_id="get_sample_animation",
    summary="Download the sample images as an animation",
    response_class=Response,
    responses=ANIMATION,
)
async def get_sample_animation(
    request: Request,
    job_id: JobId,
    format: Annotated[animation.Format, Query(description="The form of the file.")] = "gif",
    from_step: Annotated[StepBound, Query(description="First step; the first by default.")] = None,
    to_step: Annotated[StepBound, Query(description="Last step, included; the newest by default.")] = None,
    frames: Annotated[int, Query(ge=2, le=200, description="How many images at most, evenly chosen.")] = 60,
    frames_per_second: Annotated[float, Query(ge=0.5, le=30, description="Images a second.")] = 8,
    side: Annotated[int, Query(ge=64, le=1024, description="Pixels of the longer side, at most.")] = 384,
    segment: SegmentNumber = None,
) -> Response:
    """Download what the same noise became step by step as a GIF, WebP or animated PNG, with the step below each image.
    Many large images are refused: `frames` times `side` squared is bounded."""
    first, last = from_step or 0, MAX_INTEGER if to_step is None else to_step
    check_range(first, to_step)
    if frames * side * side > MOST_PIXELS:
        most = MOST_PIXELS // (side * side)
        raise invalid("frames", "query", f"must be at most {most} with a side of {side} pixels", "too_large", most)
    job = (await standing_of(request, job_id)).job
    line = segment_of(job, segment)
    tag = caching.tag_of(request, job, line, format, first, last, frames, frames_per_second, side)

    def read(session: Session) -> list[Image]:
        found = find_job(session, job_id)
        there = [step for step, _, _ in samples.sample_steps(session, found, line) if first <= step <= last]
        return samples.read_pngs(session, found, animation.evenly(there, frames), line)

    images = await in_session(request, read)
    if not images:
        raise about("job_id", "path", "sample_not_found", "the job has no sample in this range")
    content = await _encoded(images, format, frames_per_second, side)
    name = f'attachment; filename="{job.id}-samples.{EXTENSIONS[format]}"'
    headers = tag.headers | {"Content-Disposition": name}
    return Response(content, media_type=animation.MEDIA_TYPES[format], headers=headers)


async def _encoded(images: list[Image], form: animation.Format, frames_per_second: float, side: int) -> bytes:
    """The moving picture, made on a thread. Raises ``Problem`` (410) where one of the images is none."""
    try:
        return await to_thread.run_sync(animation.animated, images, form, frames_per_second, side, limiter=_turns)
    except animation.UndecodableImage as error:
        raise about("job_id", "path", "file_gone", str(error), error.step) from error
