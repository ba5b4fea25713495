"""What the courier does to deliveries: takes those that are due, and writes down what came of each.

A delivery is taken by moving its ``due_at`` to when its courier counts as dead. Its count of attempts is a fencing
token: who comes back later with an older one still gets the attempt recorded, and changes nothing else.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from models.database import database_now
from models.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from models.webhooks import DeliveryStatus

# Deliveries to one endpoint that are given up one after the other, until it is disabled.
MOST_FAILURES = 10
# Deleted at once, so that nobody waits for long.
PRUNED_AT_ONCE = 1000
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Parcel:
    """A delivery that has been taken, with all that is needed to send it."""

    number: int
    id: str
    type: str
    body: str
    attempt: int
    tries: int
    """Attempts since the message was made or replayed, this one included."""
    endpoint_number: int
    endpoint_id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    """What it is signed with; the newest first."""


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: an HTTP status, or an error where nobody answered; ``seconds`` it took."""

    seconds: float
    http_status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: float | None = None
    """Seconds that the receiver asked to be left alone for."""

    @property
    def arrived(self) -> bool:
        return self.http_status is not None and 200 <= self.http_status < 300

    @property
    def is_gone(self) -> bool:
        return self.http_status == HTTPStatus.GONE

    @property
    def told(self) -> str:
        """In a few words."""
        return self.error or f"HTTP {self.http_status}"


def endpoints_due(session: Session, but: Collection[int] = ()) -> Sequence[int]:
    """The numbers of enabled endpoints, not among ``but``, that something is due for."""
    due = (
        select(WebhookDelivery.endpoint_number)
        .where(WebhookDelivery.status == "pending", WebhookDelivery.due_at <= database_now())
        .distinct()
    )
    query = select(WebhookEndpoint.number).where(WebhookEndpoint.enabled.is_(True), WebhookEndpoint.number.in_(due))
    return session.scalars(query.where(WebhookEndpoint.number.not_in(but))).all()


def take(session: Session, endpoint_number: int, most: int, lease_seconds: float) -> list[Parcel]:
    """At most so many of an endpoint's deliveries that are due, oldest first; nobody else gets them within
    ``lease_seconds``. None where the endpoint is disabled or gone."""
    endpoint = session.get(WebhookEndpoint, endpoint_number)
    if endpoint is None or not endpoint.enabled:
        return []
    due = (
        select(WebhookDelivery.number)
        .where(
            WebhookDelivery.endpoint_number == endpoint_number,
            WebhookDelivery.status == "pending",
            WebhookDelivery.due_at <= database_now(),
        )
        .order_by(WebhookDelivery.due_at, WebhookDelivery.number)
        .limit(most)
        # Two couriers never wait for, nor get, the same row. (SQLite has one writer at a time anyway.)
        .with_for_update(skip_locked=True)
    )
    taken = session.scalars(
        update(WebhookDelivery)
        .where(WebhookDelivery.number.in_(session.scalars(due).all()))
        .values(
            attempts=WebhookDelivery.attempts + 1,
            tries=WebhookDelivery.tries + 1,
            due_at=database_now(lease_seconds),
        )
        .returning(WebhookDelivery)
        .execution_options(populate_existing=True)
    ).all()
    secrets = _secrets(session, endpoint)
    return [_parcel(delivery, endpoint, secrets) for delivery in sorted(taken, key=lambda each: each.number)]


def _secrets(session: Session, endpoint: WebhookEndpoint) -> tuple[str, ...]:
    until = endpoint.previous_secret_until
    if endpoint.previous_secret is None or until is None or until <= session.scalars(select(database_now())).one():
        return (endpoint.secret,)
    return (endpoint.secret, endpoint.previous_secret)


def _parcel(delivery: WebhookDelivery, endpoint: WebhookEndpoint, secrets: tuple[str, ...]) -> Parcel:
    return Parcel(
        number=delivery.number,
        id=delivery.id,
        type=delivery.type,
        body=delivery.body,
        attempt=delivery.attempts,
        tries=delivery.tries,
        endpoint_number=endpoint.number,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        secrets=secrets,
    )


def settle(session: Session, parcel: Parcel, outcome: Outcome, again_in: float | None) -> str | None:
    """Record an attempt. A delivery that has not arrived is due again in ``again_in`` seconds, or given up where that
    is ``None``. Returns why the endpoint was disabled, if it was."""
    this = WebhookDelivery.number == parcel.number
    delivery = session.scalar(select(WebhookDelivery).where(this).with_for_update())
    if delivery is None:  # its endpoint was deleted meanwhile
        return None
    session.add(
        WebhookAttempt(
            delivery_number=parcel.number,
            number=parcel.attempt,
            http_status=outcome.http_status,
            error=outcome.error,
            response=outcome.response,
            seconds=outcome.seconds,
        )
    )
    if delivery.attempts != parcel.attempt or delivery.status != DeliveryStatus.PENDING:
        return None
    if not outcome.arrived and again_in is not None:
        delivery.due_at = session.scalars(select(database_now(again_in))).one()
        return None
    delivery.status = DeliveryStatus.SUCCEEDED if outcome.arrived else DeliveryStatus.FAILED
    delivery.settled_at = session.scalar(select(database_now()))
    session.flush()
    return _judge(session, parcel, outcome)


def _judge(session: Session, parcel: Parcel, outcome: Outcome) -> str | None:
    """Count a delivery that arrived or was given up; returns why its endpoint was disabled, if it was."""
    endpoint = update(WebhookEndpoint).where(WebhookEndpoint.number == parcel.endpoint_number)
    if outcome.arrived:
        session.execute(endpoint.where(WebhookEndpoint.failures > 0).values(failures=0))
        return None
    counted = endpoint.values(failures=WebhookEndpoint.failures + 1).returning(WebhookEndpoint.failures)
    failures = session.scalar(counted) or 0
    if outcome.is_gone:
        reason = "the receiver answered 410 Gone"
    elif failures >= MOST_FAILURES:
        reason = f"{failures} deliveries in a row could not be made; the last: {outcome.told}"
    else:
        return None
    session.execute(endpoint.values(enabled=False, disabled_reason=reason))
    return reason


def prune(session: Session, days: float) -> int:
    """Delete deliveries that were settled more than ``days`` ago, those that have waited so long for an endpoint that
    is disabled, and what deleted endpoints left behind; at most ``PRUNED_AT_ONCE``. Returns how many."""
    enabled = select(WebhookEndpoint.number).where(WebhookEndpoint.enabled.is_(True))
    orphaned = WebhookDelivery.endpoint_number.not_in(select(WebhookEndpoint.number))
    long_ago = database_now(-days * DAY_SECONDS)
    forgotten = (WebhookDelivery.created_at < long_ago) & WebhookDelivery.endpoint_number.not_in(enabled)
    old = WebhookDelivery.settled_at < long_ago
    numbers = select(WebhookDelivery.number).where(or_(old, forgotten, orphaned)).limit(PRUNED_AT_ONCE)
    gone = session.scalars(
        delete(WebhookDelivery).where(WebhookDelivery.number.in_(numbers)).returning(WebhookDelivery.number)
    )
    return len(gone.all())
