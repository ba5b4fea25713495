"""What the documentation shows of a stream, encoded by what encodes real ones."""

from typing import Any

import orjson
from fastapi.sse import EventSourceResponse, format_sse_event

from api import examples, health_examples
from api.documentation import Responses
from api.stream import ids
from api.stream.messages import LEFT_OUT
from models.news import Cursor

DESCRIPTION = """The stream. Every message has an `event`, an `id` and JSON as `data`:

* `metrics`: rows of steps as `columns`, `step` first, as `GET …/metrics` answers them;
* `sample`: a new sample image with its `url`;
* `evaluation`: what the generator was worth after a step, as `GET …/evaluations` has it;
* `report`: how the game between the two networks stood after a step, as `GET …/health` has it;
* `event`: an entry of the job's events; `health` where its kind begins with `health.`, as when the verdict changes;
* `job`: the job's state, whenever it has changed;
* `rewind`: the job goes on from an older checkpoint: drop the rows, samples, evaluations and reports after `step`,
  they come again;
* `end`: nothing can come any more, because the job is `finished` or was `deleted`. Do not come back."""
KINDS = ("metrics", "sample", "evaluation", "report", "event", "health", "job", "rewind", "end")
_COLUMNS = {"step": [511, 512], "d_loss": [1.32, 1.31], "g_loss": [0.77, 0.78]}
_SHOWN: tuple[tuple[str, Cursor, Any], ...] = (
    ("metrics", Cursor(0, 512, 401, 17, 22), {"segment": 0, "columns": _COLUMNS}),
    ("sample", Cursor(0, 512, 513, 17, 22), examples.SAMPLES["data"][0] | {"step": 512}),
    ("evaluation", Cursor(0, 512, 513, 17, 22, 501), examples.EVALUATIONS["data"][0]),
    ("report", Cursor(0, 512, 513, 17, 22, 501, 501), health_examples.HEALTH),
    ("event", Cursor(0, 512, 513, 18, 22, 501, 501), examples.EVENTS["data"][0] | {"id": 18}),
    ("health", Cursor(0, 512, 513, 19, 22, 501, 501), health_examples.HEALTH_CHANGED),
    ("job", Cursor(0, 512, 513, 19, 23, 501, 501), {k: v for k, v in examples.JOB.items() if k not in LEFT_OUT}),
    ("rewind", Cursor(0, 500, 501, 19, 23, 501, 501), {"step": 500}),
)
EXAMPLE = b"".join(
    format_sse_event(event=kind, id=ids.written(7, cursor), data_str=orjson.dumps(data).decode())
    for kind, cursor, data in _SHOWN
).decode()

# As OpenAPI 3.2 and FastAPI describe what is sent item by item.
MESSAGE = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": [*KINDS]},
        "id": {"type": "string", "pattern": f"^{ids.MESSAGE_ID.pattern}$"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer", "minimum": 0, "description": "Milliseconds to wait before coming back."},
    },
    "required": ["event", "id", "data"],
}

STREAM: Responses = {
    200: {
        "description": DESCRIPTION,
        "content": {EventSourceResponse.media_type: {"itemSchema": MESSAGE, "example": EXAMPLE}},
    },
    204: {"description": "Last-Event-ID is that of the `end`, and the job has ended: nothing more will come."},
}
