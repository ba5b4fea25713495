"""An example of every kind of problem, made by the code that makes the real ones."""

from typing import Any

from api.errors import Problem, about, invalid, problem_body
from api.examples import JOB_ID
from api.webhook_examples import MESSAGE_ID, WEBHOOK_ID

PROBLEMS = (
    Problem("malformed_body", "The body is not JSON in UTF-8 (RFC 8259): expected value at line 1 column 6."),
    Problem("ambiguous_header", "Idempotency-Key was sent more than once: which one holds?"),
    about("job_id", "path", "job_not_found", f"there is no job '{JOB_ID}', or it has been deleted"),
    about(
        "step", "path", "sample_not_found", "the job has no sample of step 201; the newest is of step 400", limit=400
    ),
    about("segment", "query", "segment_not_found", "the job has no segment 3: its segments are 0 to 2", limit=2),
    about("step", "path", "checkpoint_not_found", "the job has no checkpoint of step 501", limit=[1500, 1000, 500]),
    about(
        "job_id",
        "path",
        "job_finished",
        "the job is succeeded; only one that is queued or running or pausing or paused can be cancelled",
        limit=["queued", "running", "pausing", "paused"],
    ),
    about(
        "job_id", "path", "wrong_state", "the job is running; only one that is paused can be resumed", limit=["paused"]
    ),
    about(
        "job_id",
        "path",
        "job_not_finished",
        "the job is running; only one that is cancelled or succeeded or failed can be deleted: cancel it first",
        limit=["cancelled", "succeeded", "failed"],
    ),
    about(
        "webhook_id",
        "path",
        "webhook_not_found",
        f"there is no webhook '{WEBHOOK_ID}', or it has been deleted",
    ),
    about(
        "delivery_id",
        "path",
        "delivery_not_found",
        f"the webhook has no delivery '{MESSAGE_ID}', or it is too long ago",
    ),
    about("webhook_id", "path", "webhook_disabled", "nothing is sent to a webhook that is not enabled"),
    Problem("too_many_webhooks", "There are 100 webhooks, as many as there may be; delete one first."),
    about("name", "path", "file_gone", "the file was recorded, but is no longer on disk"),
    about("", "body", "body_too_large", "a body may have at most 1048576 bytes", limit=1_048_576),
    Problem("unsupported_media_type", "Content-Type must be application/json in UTF-8; it is: text/plain."),
    Problem("malformed_range", "Range must be like bytes=0-1023."),
    Problem("range_not_satisfiable", "The file has 1048576 bytes."),
    invalid("generator.latent_dim", "body", "must be at most 4096", "less_than_equal", 4096),
    Problem("idempotency_conflict", f"The key was used for {JOB_ID}, whose spec differs."),
    Problem("internal_error", "The error has been logged; nothing of it is told here."),
    Problem("unavailable", "The database does not answer. Nothing was changed unless you see it later; try again."),
)
EXAMPLES = {problem.kind: problem_body(problem, f"/v1/jobs/{JOB_ID}") for problem in PROBLEMS}


def problem(kind: str) -> dict[str, Any]:
    """What a problem of this kind looks like."""
    return EXAMPLES[kind]
