"""What is sent to a webhook: tests, deliveries with their attempts, replays."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy.orm import Session

from api import webhook_examples as examples
from api.dependencies import Limit, ReadSession, WriteSession
from api.documentation import answers
from api.errors import Problem, about
from api.routes.webhooks import ID, After, TheWebhook, WebhookToChange, cursor, unknown
from api.schemas import Page
from api.strict import StrictRoute
from api.webhook_schemas import DeliveryDetails, DeliveryView
from models import webhook_outbox, webhooks
from models.webhook_tables import WebhookDelivery, WebhookEndpoint
from models.webhooks import DeliveryStatus

router = APIRouter(prefix="/v1/webhooks/{webhook_id}", tags=["webhooks"], route_class=StrictRoute)

DeliveryId = Annotated[str, Path(description="The delivery's id.", examples=[examples.MESSAGE_ID])]


def _find_delivery(session: Session, endpoint: WebhookEndpoint, delivery_id: str) -> WebhookDelivery:
    delivery = webhooks.get_delivery(session, endpoint, delivery_id) if ID.fullmatch(delivery_id) else None
    if delivery is None:
        message = f"the webhook has no delivery {delivery_id[:100]!r}, or it is too long ago"
        raise about("delivery_id", "path", "delivery_not_found", message)
    return delivery


def _disabled(endpoint: WebhookEndpoint) -> Problem:
    return about("webhook_id", "path", "webhook_disabled", "nothing is sent to a webhook that is not enabled")


@router.post(
    "/test",
    operation_id="test_webhook",
    summary="Send a test message",
    status_code=202,
    response_description="The delivery, waiting to be made",
    responses=answers(examples.TEST_DELIVERY, "webhook_not_found", "webhook_disabled", status=202),
)
def test_webhook(session: WriteSession, endpoint: WebhookToChange) -> DeliveryView:
    """Send a message of the type `webhook.test`, whatever types the webhook asks for."""
    if not endpoint.enabled:
        raise _disabled(endpoint)
    return DeliveryView.of(endpoint, webhook_outbox.put_test(session, endpoint))


@router.get(
    "/deliveries",
    operation_id="list_webhook_deliveries",
    summary="List a webhook's deliveries",
    response_description="Deliveries, newest first",
    responses=answers(examples.DELIVERIES, "webhook_not_found"),
)
def list_webhook_deliveries(
    session: ReadSession,
    endpoint: TheWebhook,
    limit: Limit = 20,
    after: After = None,
    status: Annotated[list[DeliveryStatus], Query(description="Only deliveries in one of these states.")] = [],  # noqa: B006
) -> Page[DeliveryView]:
    """List the messages for a webhook, newest first. They are kept for 30 days (or as it is set) after
    they arrived or were given up."""
    try:
        found = webhooks.list_deliveries(session, endpoint, status, cursor("delivery", after), limit + 1)
    except LookupError as error:
        raise unknown("delivery", after or "") from error
    return Page[DeliveryView].of([DeliveryView.of(endpoint, delivery) for delivery in found], limit)


@router.get(
    "/deliveries/{delivery_id}",
    operation_id="get_webhook_delivery",
    summary="Read a delivery",
    response_description="The delivery with its attempts",
    responses=answers(examples.DELIVERY_DETAILS, "webhook_not_found", "delivery_not_found"),
)
def get_webhook_delivery(session: ReadSession, endpoint: TheWebhook, delivery_id: DeliveryId) -> DeliveryDetails:
    """Read a message, and what came of each attempt to deliver it."""
    delivery = _find_delivery(session, endpoint, delivery_id)
    return DeliveryDetails.with_attempts(endpoint, delivery, webhooks.list_attempts(session, delivery))


@router.post(
    "/deliveries/{delivery_id}/replay",
    operation_id="replay_webhook_delivery",
    summary="Deliver a message again",
    status_code=202,
    response_description="The delivery, waiting to be made",
    responses=answers(examples.DELIVERY, "webhook_not_found", "delivery_not_found", "webhook_disabled", status=202),
)
def replay_webhook_delivery(session: WriteSession, endpoint: WebhookToChange, delivery_id: DeliveryId) -> DeliveryView:
    """Send a message again at once, with the same `webhook-id`, whether it arrived, was given up, or waits."""
    delivery = _find_delivery(session, endpoint, delivery_id)
    try:
        webhooks.replay(session, endpoint, delivery)
    except webhooks.Disabled as error:
        raise _disabled(endpoint) from error
    return DeliveryView.of(endpoint, delivery)
