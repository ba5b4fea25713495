"""A job's checkpoints and their files."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session
from starlette.types import Message, Receive, Scope, Send

from api import caching, examples
from api.dependencies import ReadSession, Services, ServicesHeld, Step, TheJob
from api.documentation import Responses, answers, file_of, not_modified, problems
from api.errors import Problem, about, problem_response
from api.records import CheckpointView
from api.schemas import Page
from api.segments import SegmentNumber, segment_of
from api.strict import StrictRoute
from models import samples
from models.tables import Checkpoint, Job

MEDIA_TYPE = "application/octet-stream"
# The newest checkpoints that the answer to a wrong step names.
STEPS_TOLD = 10
STEP_HEADER = "Checkpoint-Step"
router = APIRouter(prefix="/v1/jobs/{job_id}/checkpoints", tags=["checkpoints"], route_class=StrictRoute)

FileName = Annotated[str, Path(description="A name from the list.", examples=["generator.safetensors"])]
_STEP_TOLD = {STEP_HEADER: {"description": "The step that the checkpoint is of.", "schema": {"type": "integer"}}}
FILE: Responses = {
    200: file_of(MEDIA_TYPE, "The file", _STEP_TOLD),
    206: file_of(MEDIA_TYPE, "The part that Range asked for", _STEP_TOLD),
    **not_modified(),
    **problems("job_not_found", "checkpoint_not_found", "file_gone", "malformed_range", "range_not_satisfiable"),
}
FILE_OF_SEGMENT: Responses = FILE | problems(
    "job_not_found",
    "checkpoint_not_found",
    "segment_not_found",
    "file_gone",
    "malformed_range",
    "range_not_satisfiable",
)


class RangedFile(FileResponse):
    """A file, or the part of it that Range asks for; a Range it cannot meet is a problem like any other."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def checked(message: Message) -> None:
            nonlocal refused
            problem = self._problem(message["status"]) if message["type"] == "http.response.start" else None
            if problem is not None:
                refused = True
                await problem_response(scope, problem)(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, checked)

    def _problem(self, status: int) -> Problem | None:
        size = self.headers["content-length"]
        if status == 400:
            return Problem("malformed_range", "Range must be like bytes=0-1023.")
        if status == 416:
            headers = {"Content-Range": f"bytes */{size}"}
            return Problem("range_not_satisfiable", f"The file has {size} bytes.", headers=headers)
        return None


def newest_steps(session: Session, job: Job, segment: int | None = None) -> list[int]:
    """The steps of a job's newest checkpoints, to be told to those who ask for another."""
    line = job.segment if segment is None else segment
    return [kept.step for kept in samples.list_checkpoints(session, job.number, line)[:STEPS_TOLD]]


@router.get(
    "",
    operation_id="list_checkpoints",
    summary="List checkpoints",
    response_description="Checkpoints, newest first",
    responses=answers(examples.CHECKPOINTS, "job_not_found", "segment_not_found"),
)
def list_checkpoints(session: ReadSession, job: TheJob, segment: SegmentNumber = None) -> Page[CheckpointView]:
    """List the checkpoints that are kept, all of them: a spec bounds their number (`keep_checkpoints`, the best one
    where there is a `best_metric`, and the newest from before an alarm). Of a stretch that the job has gone back from
    those are the best and the newest."""
    found = samples.list_checkpoints(session, job.number, segment_of(job, segment))
    best = samples.best_of(found)
    return Page(data=[CheckpointView.of(job.id, each, is_best=each is best) for each in found], has_more=False)


@router.get(
    "/best/files/{name}",
    operation_id="download_best_checkpoint_file",
    summary="Download a file of the best checkpoint",
    response_class=Response,
    responses=FILE,
)
def download_best_checkpoint_file(
    request: Request, session: ReadSession, held: ServicesHeld, job: TheJob, name: FileName
) -> Response:
    """Download a file of the checkpoint that is the best so far by the spec's `best_metric`, whole or a range of it.
    The header `Checkpoint-Step` says which step it is of; its ETag is its SHA-256."""
    best = samples.best_of(samples.list_checkpoints(session, job.number, job.segment))
    if best is None:
        message = "the job has no best checkpoint: its spec has no best_metric, or none has been made yet"
        raise about("job_id", "path", "checkpoint_not_found", message)
    return _file(request, held, best, name)


@router.get(
    "/{step}/files/{name}",
    operation_id="download_checkpoint_file",
    summary="Download a file of a checkpoint",
    response_class=Response,
    responses=FILE_OF_SEGMENT,
)
def download_checkpoint_file(
    request: Request,
    session: ReadSession,
    held: ServicesHeld,
    job: TheJob,
    step: Step,
    name: FileName,
    segment: SegmentNumber = None,
) -> Response:
    """Download a file of a checkpoint, whole or a range of it. Its ETag is its SHA-256."""
    line = segment_of(job, segment)
    checkpoint = samples.get_checkpoint(session, job, step, line)
    if checkpoint is None:
        message = f"the job has no checkpoint of step {step}"
        raise about("step", "path", "checkpoint_not_found", message, newest_steps(session, job, line))
    return _file(request, held, checkpoint, name)


def _file(request: Request, held: Services, checkpoint: Checkpoint, name: str) -> Response:
    # Only recorded names are ever looked up on disk.
    recorded = checkpoint.files.get(name)
    if recorded is None:
        names = sorted(checkpoint.files)
        message = f"the checkpoint of step {checkpoint.step} holds {', '.join(names)}"
        raise about("name", "path", "checkpoint_not_found", message, names)
    path = held.storage.path(checkpoint.folder, name)
    try:
        stat = path.stat()
    except OSError as error:
        raise about("name", "path", "file_gone", "the file was recorded, but is no longer on disk") from error
    if stat.st_size != recorded["size"]:
        raise about("name", "path", "file_gone", "the file on disk is damaged: its size is not what was recorded")
    etag = caching.quoted(recorded["sha256"])
    headers = {"ETag": etag, "Cache-Control": caching.NO_CACHE, STEP_HEADER: str(checkpoint.step)}
    if caching.is_current(request, etag):
        return Response(status_code=304, headers=headers)
    return RangedFile(path, headers=headers, media_type=MEDIA_TYPE, filename=name, stat_result=stat)
