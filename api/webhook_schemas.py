"""What the API takes and answers with about webhooks."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.schemas import Time, View
from models import webhook_targets, webhooks
from models.spec.fields import Flag, Storable
from models.webhook_outbox import EVERYTHING, Pattern
from models.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from models.webhooks import DeliveryStatus


def _receiver(url: str) -> str:
    try:
        webhook_targets.parse(url)
    except webhook_targets.BadTarget as error:
        raise PydanticCustomError(error.code, "{message}", {"message": str(error)}) from error
    return url


def _secret(text: str) -> str:
    if not webhooks.is_secret(text):
        low, high = webhooks.SECRET_BYTES
        raise PydanticCustomError("malformed_secret", f"must be whsec_ and {low} to {high} bytes in base64")
    return text


def _once_each(patterns: list[Pattern]) -> list[Pattern]:
    return list(dict.fromkeys(patterns))


Url = Annotated[str, StringConstraints(min_length=1, max_length=webhook_targets.LONGEST_URL), AfterValidator(_receiver)]
Events = Annotated[list[Pattern], Field(min_length=1, max_length=32), AfterValidator(_once_each)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=256), Storable]
JobFilter = Annotated[str, StringConstraints(pattern=r"^job_[0-9a-f]{24}$")]


def _no_defaults(schema: dict[str, Any]) -> None:
    """What is left out stays as it is: no value of a field means that."""
    for field in schema["properties"].values():
        field.pop("default", None)


class NewWebhook(BaseModel):
    """Where messages are to go, and which."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: Url
    """An http or https URL of a public host, without credentials."""
    events: Events = list(EVERYTHING)
    """Types of messages; `job.*` and `health.*` stand for all of a kind."""
    job_id: JobFilter | None = None
    """Only messages about this job; about all jobs by default."""
    description: Description | None = None
    enabled: Flag = True
    """Events that happen while it is not enabled are never told."""
    secret: Annotated[str, StringConstraints(max_length=128), AfterValidator(_secret)] | None = None
    """`whsec_` and 24 to 64 bytes in base64; made up by default."""


class WebhookChanges(BaseModel):
    """What is to be different, as a JSON merge patch (RFC 7396)."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, json_schema_extra=_no_defaults
    )

    url: Url = cast(Any, None)
    """Where messages go from now on, those that wait among them."""
    events: Events = cast(Any, None)
    job_id: JobFilter | None = None
    description: Description | None = None
    enabled: Flag = cast(Any, None)
    """Once enabled again, what waited is sent."""


class WebhookView(View):
    """A place that messages go to."""

    id: str
    object: Literal["webhook"] = "webhook"
    url: str
    events: list[str]
    job_id: str | None
    description: str | None
    enabled: bool
    disabled_reason: str | None
    """Null while it is enabled, or where it never was."""
    failures: int
    """Deliveries given up one after the other since the last that arrived; ten disable the webhook."""
    created_at: Time


class WebhookWithSecret(WebhookView):
    """A webhook with what its messages are signed with, which is shown this once."""

    secret: str


class DeletedWebhook(View):
    id: str
    object: Literal["webhook"] = "webhook"
    deleted: Literal[True] = True


class AttemptView(View):
    """One attempt to deliver a message."""

    number: int
    """From 1; one that is missing died with its courier."""
    http_status: int | None
    """Null where nobody answered."""
    error: str | None
    """Why nobody did; null where somebody answered."""
    response: str | None
    """The first 1024 bytes of the answer's body as text; null where it was empty."""
    seconds: float
    created_at: Time
    """When it ended."""


class DeliveryView(View):
    """A message for a webhook."""

    id: str
    """The `webhook-id` of every attempt."""
    object: Literal["webhook_delivery"] = "webhook_delivery"
    webhook_id: str
    type: str
    job_id: str | None
    event_id: int | None
    """The event that it tells of; null of a test."""
    status: DeliveryStatus
    attempt_count: int
    next_attempt_at: Time | None
    """Null unless it is pending."""
    created_at: Time
    settled_at: Time | None
    """When it arrived or was given up."""

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, delivery: WebhookDelivery, **more: Any) -> Self:
        pending = delivery.status == DeliveryStatus.PENDING
        return cls(
            id=delivery.id,
            webhook_id=endpoint.id,
            type=delivery.type,
            job_id=delivery.job_id,
            event_id=delivery.event_number,
            status=DeliveryStatus(delivery.status),
            attempt_count=delivery.attempts,
            next_attempt_at=delivery.due_at if pending else None,
            created_at=delivery.created_at,
            settled_at=delivery.settled_at,
            **more,
        )


class DeliveryDetails(DeliveryView):
    """A message for a webhook, and what came of each attempt to deliver it."""

    body: dict[str, Any]
    """What is sent."""
    attempts: list[AttemptView]

    @classmethod
    def with_attempts(
        cls, endpoint: WebhookEndpoint, delivery: WebhookDelivery, attempts: Sequence[WebhookAttempt]
    ) -> Self:
        shown = [AttemptView.model_validate(attempt) for attempt in attempts]
        return cls.of(endpoint, delivery, body=json.loads(delivery.body), attempts=shown)
