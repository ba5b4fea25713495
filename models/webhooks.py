"""Webhook endpoints and their deliveries, as users see and change them. Queries take a session and never commit."""

import base64
import binascii
import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.database import database_now
from models.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint

# An event is written with a message for each, in one transaction.
MOST_ENDPOINTS = 100
SECRET_PREFIX = "whsec_"
# Sizes that the specification of Standard Webhooks gives, in bytes.
SECRET_BYTES = (24, 64)
NEW_SECRET_BYTES = 32
# How long the secret before the last still signs.
OVERLAP_SECONDS = 24 * 3600


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TooManyEndpoints(Exception):
    """There are as many endpoints as there may be."""


class Disabled(Exception):
    """Nothing is sent to an endpoint that is disabled."""


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode("ascii")


def is_secret(text: str) -> bool:
    """Whether it is ``whsec_`` and 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(SECRET_PREFIX) and SECRET_BYTES[0] <= len(key) <= SECRET_BYTES[1]


def create(session: Session, secret: str | None = None, **values: Any) -> WebhookEndpoint:
    """Add an endpoint with these values of its columns; its secret is made up unless one is given.

    Raises:
        TooManyEndpoints: there are ``MOST_ENDPOINTS``.
    """
    if (session.scalar(select(func.count()).select_from(WebhookEndpoint)) or 0) >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = WebhookEndpoint(id=f"wh_{secrets.token_hex(12)}", secret=secret or new_secret(), **values)
    session.add(endpoint)
    session.flush()
    session.refresh(endpoint)
    return endpoint


def change(session: Session, endpoint: WebhookEndpoint, **values: Any) -> None:
    """Set columns; an endpoint that is enabled again begins with a clean slate."""
    if values.get("enabled") and not endpoint.enabled:
        values |= {"failures": 0, "disabled_reason": None}
    elif values.get("enabled") is False and endpoint.enabled:
        values["disabled_reason"] = "disabled by request"
    for name, value in values.items():
        setattr(endpoint, name, value)
    session.flush()


def rotate_secret(session: Session, endpoint: WebhookEndpoint) -> None:
    """Sign with a new secret, and for a day with the old one too."""
    endpoint.previous_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.previous_secret_until = session.scalar(select(database_now(OVERLAP_SECONDS)))
    session.flush()


def remove(session: Session, endpoint: WebhookEndpoint) -> None:
    """Delete an endpoint with its deliveries."""
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.endpoint_number == endpoint.number))
    session.delete(endpoint)
    session.flush()


def get(session: Session, endpoint_id: str) -> WebhookEndpoint | None:
    return session.scalar(select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))


def list_endpoints(session: Session, after: str | None, limit: int) -> Sequence[WebhookEndpoint]:
    """Endpoints, newest first, those older than ``after``.

    Raises:
        LookupError: there is no endpoint ``after``.
    """
    query = select(WebhookEndpoint).order_by(WebhookEndpoint.number.desc()).limit(limit)
    if after is not None:
        query = query.where(WebhookEndpoint.number < _place(session, WebhookEndpoint.number, WebhookEndpoint.id, after))
    return session.scalars(query).all()


def get_delivery(session: Session, endpoint: WebhookEndpoint, delivery_id: str) -> WebhookDelivery | None:
    mine = WebhookDelivery.endpoint_number == endpoint.number
    return session.scalar(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, mine))


def list_deliveries(
    session: Session,
    endpoint: WebhookEndpoint,
    statuses: Sequence[DeliveryStatus] = (),
    after: str | None = None,
    limit: int = 100,
) -> Sequence[WebhookDelivery]:
    """Deliveries, newest first, those older than ``after``; all unless ``statuses`` names some.

    Raises:
        LookupError: there is no delivery ``after``.
    """
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_number == endpoint.number)
    if after is not None:
        query = query.where(WebhookDelivery.number < _place(session, WebhookDelivery.number, WebhookDelivery.id, after))
    if statuses:
        query = query.where(WebhookDelivery.status.in_(statuses))
    return session.scalars(query.order_by(WebhookDelivery.number.desc()).limit(limit)).all()


def _place(session: Session, number: InstrumentedAttribute[int], key: InstrumentedAttribute[str], after: str) -> int:
    found = session.scalar(select(number).where(key == after))
    if found is None:
        raise LookupError(after)
    return found


def list_attempts(session: Session, delivery: WebhookDelivery) -> Sequence[WebhookAttempt]:
    """The attempts to send a message, in order."""
    query = select(WebhookAttempt).where(WebhookAttempt.delivery_number == delivery.number)
    return session.scalars(query.order_by(WebhookAttempt.number)).all()


def replay(session: Session, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> None:
    """Have a message sent again at once, under its id, and retried from the beginning should that fail.

    Raises:
        Disabled: nothing is sent to the endpoint.
    """
    if not endpoint.enabled:
        raise Disabled
    delivery.status, delivery.tries, delivery.settled_at = DeliveryStatus.PENDING, 0, None
    delivery.due_at = session.scalars(select(database_now())).one()
    session.flush()
