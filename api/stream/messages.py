"""From news of a job to messages (server-sent events), encoded once for all who are at the same place."""

from collections.abc import Collection, Sequence

import orjson
from fastapi.sse import format_sse_event

from api.health_views import HealthView
from api.records import EvaluationView, EventView, SampleView
from api.routes.metrics import columns_of
from api.schemas import JobView
from api.stream import ids
from api.stream.feed import Batch, Question
from models import news
from models.database import Database
from models.health_tables import HealthReport
from models.metrics import Rows
from models.news import Cursor, Item, News, Rewound
from models.status import JobStatus
from models.tables import Evaluation, Event, Job, Sample

# What of a job does not change as it is trained, or costs a query of its own.
LEFT_OUT = {"object", "name", "spec", "metadata", "start_step", "origin", "queue_position", "equilibrium", "created_at"}
HEALTH = "health."


def answer(database: Database, job_number: int, questions: Collection[Question]) -> dict[Question, Batch]:
    """The answers to questions about a job, all of one moment; none where nothing has changed."""
    with database.snapshot() as session:
        found = news.look(session, job_number)
        if found is None:
            return {question: _of_deleted(job_number, question.cursor) for question in questions}
        revision, status = found
        # Who knows all of a job that has ended is still to be told that nothing more will come.
        asked = [question for question in questions if question.cursor.revision != revision or status.is_final]
        if not asked:
            return {}
        job = session.get_one(Job, job_number)
        pages = {cursor: news.read(session, job, cursor) for cursor in {question.cursor for question in asked}}
    return {question: _batch(job, question, pages[question.cursor]) for question in asked}


def _batch(job: Job, question: Question, found: News) -> Batch:
    """News of a job; and the end, where nothing can come any more."""
    messages = [_message(job, question.names, item, cursor) for item, cursor in found.items]
    last = found.items[-1][1] if found.items else question.cursor
    ended = JobStatus(job.status).is_final and not found.more
    if ended:
        messages.append(_end(job.number, last, reason="finished", status=job.status))
    return Batch(b"".join(messages), last, found.more, ended)


def _of_deleted(job_number: int, since: Cursor) -> Batch:
    """The end of the stream of a job that is no longer there."""
    return Batch(_end(job_number, since, reason="deleted", status=None), since, more=False, ended=True)


def _message(job: Job, names: Sequence[str], item: Item, cursor: Cursor) -> bytes:
    match item:
        case Rewound():
            kind, data = "rewind", orjson.dumps({"step": item.step}).decode()
        case Rows():
            kind, data = "metrics", _rows(job, names, item)
        case Sample():
            kind, data = "sample", SampleView.of(job.id, item).model_dump_json()
        case Evaluation():
            kind, data = "evaluation", EvaluationView.of(item).model_dump_json()
        case HealthReport():
            kind, data = "report", HealthView.of(job.id, item.report, item.segment).model_dump_json()
        case Event():
            kind = "health" if item.kind.startswith(HEALTH) else "event"
            data = EventView.model_validate(item).model_dump_json()
        case Job():
            kind, data = "job", JobView.of(item).model_dump_json(exclude=LEFT_OUT)
    return format_sse_event(event=kind, id=ids.written(job.number, cursor), data_str=data)


def _rows(job: Job, names: Sequence[str], rows: Rows) -> str:
    """Rows of all metrics that the job records, as columns of ``names``; null in those that it does not."""
    columns = columns_of(names, job.metric_names or [], rows)
    return orjson.dumps({"segment": job.segment, "columns": columns}, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _end(job_number: int, cursor: Cursor, **data: str | None) -> bytes:
    message_id = ids.written(job_number, cursor, ended=True)
    return format_sse_event(event="end", id=message_id, data_str=orjson.dumps(data).decode())
