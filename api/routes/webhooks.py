"""Webhooks: who is told of jobs and their health, and what came of telling."""

import re
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Response
from sqlalchemy.orm import Session

from api import webhook_examples as examples
from api.dependencies import Limit, ReadSession, Services, ServicesHeld, WriteSession
from api.documentation import BODY, answers
from api.errors import Problem, about, invalid
from api.schemas import Page
from api.strict import StrictRoute
from api.webhook_schemas import (
    DeletedWebhook,
    NewWebhook,
    WebhookChanges,
    WebhookView,
    WebhookWithSecret,
)
from models import jobs, webhook_targets, webhooks
from models.webhook_tables import WebhookEndpoint

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=StrictRoute)
LOCATION = {"description": "Where the webhook is.", "schema": {"type": "string"}}
# Ids of another form are never looked up: a database cannot even be asked for some (NUL).
ID = re.compile(r"(wh|msg)_[0-9a-f]{24}")

WebhookId = Annotated[str, Path(description="The webhook's id.", examples=[examples.WEBHOOK_ID])]
After = Annotated[str | None, Query(description="Id of the last one of the page before.")]


def _find(session: Session, webhook_id: str) -> WebhookEndpoint:
    endpoint = webhooks.get(session, webhook_id) if ID.fullmatch(webhook_id) else None
    if endpoint is None:
        message = f"there is no webhook {webhook_id[:100]!r}, or it has been deleted"
        raise about("webhook_id", "path", "webhook_not_found", message)
    return endpoint


def _webhook(session: ReadSession, webhook_id: WebhookId) -> WebhookEndpoint:
    return _find(session, webhook_id)


def _webhook_to_change(session: WriteSession, webhook_id: WebhookId) -> WebhookEndpoint:
    return _find(session, webhook_id)


def cursor(what: str, after: str | None) -> str | None:
    """An ``after`` that can be one. Raises ``Problem`` (422) for any other."""
    if after is not None and not ID.fullmatch(after):
        raise unknown(what, after)
    return after


def unknown(what: str, after: str) -> Problem:
    """The problem with an ``after`` that nothing has for its id."""
    return invalid("after", "query", f"there is no {what} {after[:100]!r}", f"unknown_{what}")


TheWebhook = Annotated[WebhookEndpoint, Depends(_webhook)]
WebhookToChange = Annotated[WebhookEndpoint, Depends(_webhook_to_change)]


def _check(held: Services, session: Session, asked: NewWebhook | WebhookChanges) -> None:
    """Raises ``Problem`` (422) for a target that is not allowed, or a job that there is not."""
    if "url" in asked.model_fields_set:
        try:
            webhook_targets.check(asked.url, held.settings.webhook_allow_private_targets)
        except webhook_targets.BadTarget as error:
            raise invalid("url", "body", str(error), error.code) from error
    if asked.job_id is not None and jobs.get(session, asked.job_id) is None:
        raise invalid("job_id", "body", f"there is no job {asked.job_id!r}, or it has been deleted", "unknown_job")


@router.post(
    "",
    operation_id="create_webhook",
    summary="Create a webhook",
    status_code=201,
    response_description="The webhook with its secret, which is not shown again",
    responses=answers(examples.WITH_SECRET, *BODY, "too_many_webhooks", status=201, headers={"Location": LOCATION}),
)
def create_webhook(
    session: WriteSession,
    held: ServicesHeld,
    webhook: Annotated[NewWebhook, Body(openapi_examples={"channel": {"value": examples.NEW}})],
    response: Response,
) -> WebhookWithSecret:
    """Have messages sent to a URL when jobs change their state or their health. They are signed by Standard Webhooks
    and sent again for about a day until the answer is a 2xx."""
    _check(held, session, webhook)
    try:
        endpoint = webhooks.create(session, **webhook.model_dump())
    except webhooks.TooManyEndpoints as error:
        detail = f"There are {webhooks.MOST_ENDPOINTS} webhooks, as many as there may be; delete one first."
        raise Problem("too_many_webhooks", detail) from error
    response.headers["Location"] = f"/v1/webhooks/{endpoint.id}"
    return WebhookWithSecret.model_validate(endpoint)


@router.get(
    "",
    operation_id="list_webhooks",
    summary="List webhooks",
    response_description="Webhooks, newest first",
    responses=answers(examples.WEBHOOKS),
)
def list_webhooks(session: ReadSession, limit: Limit = 20, after: After = None) -> Page[WebhookView]:
    """List webhooks, newest first."""
    try:
        found = webhooks.list_endpoints(session, cursor("webhook", after), limit + 1)
    except LookupError as error:
        raise unknown("webhook", after or "") from error
    return Page[WebhookView].of(found, limit)


@router.get(
    "/{webhook_id}",
    operation_id="get_webhook",
    summary="Read a webhook",
    response_description="The webhook",
    responses=answers(examples.WEBHOOK, "webhook_not_found"),
)
def get_webhook(endpoint: TheWebhook) -> WebhookView:
    """Read a webhook, and why it was disabled if it was."""
    return WebhookView.model_validate(endpoint)


@router.patch(
    "/{webhook_id}",
    operation_id="change_webhook",
    summary="Change a webhook",
    response_description="The webhook",
    responses=answers(examples.WEBHOOK, *BODY, "webhook_not_found"),
)
def change_webhook(
    session: WriteSession,
    held: ServicesHeld,
    endpoint: WebhookToChange,
    changes: Annotated[WebhookChanges, Body(openapi_examples={"enable": {"value": examples.CHANGES}})],
) -> WebhookView:
    """Change what is given, as a JSON merge patch does; what is left out stays. Enabling a webhook again forgets its
    failures and sends what waited."""
    _check(held, session, changes)
    webhooks.change(session, endpoint, **changes.model_dump(include=changes.model_fields_set))
    return WebhookView.model_validate(endpoint)


@router.delete(
    "/{webhook_id}",
    operation_id="delete_webhook",
    summary="Delete a webhook",
    response_description="The webhook is gone",
    responses=answers(examples.DELETED, "webhook_not_found"),
)
def delete_webhook(session: WriteSession, endpoint: WebhookToChange) -> DeletedWebhook:
    """Delete a webhook with its deliveries. What is being sent at this moment may still arrive."""
    webhooks.remove(session, endpoint)
    return DeletedWebhook(id=endpoint.id)


@router.post(
    "/{webhook_id}/rotate-secret",
    operation_id="rotate_webhook_secret",
    summary="Give a webhook a new secret",
    response_description="The webhook with its new secret, which is not shown again",
    responses=answers(examples.WITH_SECRET, "webhook_not_found"),
)
def rotate_webhook_secret(session: WriteSession, endpoint: WebhookToChange) -> WebhookWithSecret:
    """Make up a new secret. For 24 hours messages are signed with the old one too, so that none is refused."""
    webhooks.rotate_secret(session, endpoint)
    return WebhookWithSecret.model_validate(endpoint)
