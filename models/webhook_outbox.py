"""What is told to webhooks, and the one place where a message is made: in the transaction of its event.

So there is a message where there is an event, exactly one for each endpoint that wants it, whoever dies when.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.database import database_now
from models.tables import Event, Job
from models.webhook_tables import WebhookDelivery, WebhookEndpoint

JobType = Literal[
    "job.queued",
    "job.running",
    "job.paused",
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "job.rolled_back",
    "job.plateaued",
]
HealthType = Literal["health.changed", "health.acted"]
# What an endpoint can ask for.
Pattern = Literal[JobType, HealthType, "job.*", "health.*"]
EVERYTHING: tuple[Pattern, ...] = ("job.*", "health.*")
TYPES: frozenset[str] = frozenset(get_args(JobType) + get_args(HealthType))
TEST_TYPE = "webhook.test"
# Of an event's data only what says what happened where: no readings, no spec, no text of an error.
TOLD = (
    *("attempt", "step", "from", "to", "verdict", "severity", "previous", "since_step", "action"),
    *("segment", "from_step", "to_step", "rollback"),
)


def put(session: Session, event: Event) -> None:
    """Write a message about ``event``, which is in ``session``, for each endpoint that asked for such."""
    if event.kind not in TYPES:
        return
    columns = (WebhookEndpoint.number, WebhookEndpoint.events, WebhookEndpoint.job_id)
    endpoints = session.execute(select(*columns).where(WebhookEndpoint.enabled.is_(True))).all()
    asking = [(number, job_id) for number, patterns, job_id in endpoints if wants(patterns, event.kind)]
    if not asking:
        return
    session.flush()  # the event has its number and its time from here on
    about = session.scalars(select(Job.id).where(Job.number == event.job_number)).one()
    body = body_of(event.kind, event.created_at, _data(event, about))
    session.add_all(
        new_delivery(number, event.kind, body, event_number=event.number, job_id=about)
        for number, job_id in asking
        if job_id in (None, about)
    )


def put_test(session: Session, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A message that says nothing but that messages arrive."""
    now = session.scalars(select(database_now())).one()
    data = {"webhook_id": endpoint.id, "url": f"/v1/webhooks/{endpoint.id}"}
    delivery = new_delivery(endpoint.number, TEST_TYPE, body_of(TEST_TYPE, now, data))
    session.add(delivery)
    session.flush()
    return delivery


def wants(patterns: Iterable[str], kind: str) -> bool:
    return any(kind == pattern or (pattern[-2:] == ".*" and kind.startswith(pattern[:-1])) for pattern in patterns)


def body_of(kind: str, moment: datetime, data: Mapping[str, Any]) -> str:
    """A message as it is sent; ``moment`` is the database's, UTC."""
    time = moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": time, "data": data}, separators=(",", ":"), allow_nan=False)


def new_delivery(endpoint_number: int, kind: str, body: str, **values: Any) -> WebhookDelivery:
    message_id = f"msg_{secrets.token_hex(12)}"
    return WebhookDelivery(id=message_id, endpoint_number=endpoint_number, type=kind, body=body, **values)


def _data(event: Event, job_id: str) -> dict[str, Any]:
    place = f"/v1/jobs/{job_id}" + ("/health" if event.kind.startswith("health.") else "")
    known = {name: event.data[name] for name in TOLD if isinstance(event.data.get(name), str | int)}
    return {"job_id": job_id, "event_id": event.number, **known, "url": place}
