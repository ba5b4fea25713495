"""What the documentation of webhooks shows, as the service would answer it."""

from typing import Any

from api.examples import JOB_ID

WEBHOOK_ID = "wh_0123456789abcdef01234567"
MESSAGE_ID = "msg_0123456789abcdef01234567"
NEW: dict[str, Any] = {
    "url": "https://hooks.example.com/ganjobs",
    "events": ["job.failed", "health.*"],
    "description": "the lab's channel",
}
CHANGES: dict[str, Any] = {"events": ["job.*", "health.*"], "enabled": True}
WEBHOOK: dict[str, Any] = {
    "id": WEBHOOK_ID,
    "object": "webhook",
    **NEW,
    "job_id": None,
    "enabled": True,
    "disabled_reason": None,
    "failures": 0,
    "created_at": "2026-11-20T12:00:00.000000Z",
}
WITH_SECRET = WEBHOOK | {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}
WEBHOOKS = {"object": "list", "data": [WEBHOOK], "has_more": False}
DELETED = {"id": WEBHOOK_ID, "object": "webhook", "deleted": True}
DELIVERY: dict[str, Any] = {
    "id": MESSAGE_ID,
    "object": "webhook_delivery",
    "webhook_id": WEBHOOK_ID,
    "type": "health.changed",
    "job_id": JOB_ID,
    "event_id": 12,
    "status": "pending",
    "attempt_count": 1,
    "next_attempt_at": "2026-11-20T12:00:09.100000Z",
    "created_at": "2026-11-20T12:00:03.000000Z",
    "settled_at": None,
}
DELIVERIES = {"object": "list", "data": [DELIVERY], "has_more": False}
BODY: dict[str, Any] = {
    "type": "health.changed",
    "timestamp": "2026-11-20T12:00:03.000Z",
    "data": {
        "job_id": JOB_ID,
        "event_id": 12,
        "step": 1400,
        "verdict": "mode_collapse",
        "severity": "alarm",
        "previous": "balanced",
        "since_step": 1250,
        "url": f"/v1/jobs/{JOB_ID}/health",
    },
}
ATTEMPT: dict[str, Any] = {
    "number": 1,
    "http_status": 503,
    "error": None,
    "response": "try again later",
    "seconds": 0.12,
    "created_at": "2026-11-20T12:00:03.900000Z",
}
DELIVERY_DETAILS = DELIVERY | {"body": BODY, "attempts": [ATTEMPT]}
TEST_DELIVERY = DELIVERY | {
    "type": "webhook.test",
    "job_id": None,
    "event_id": None,
    "attempt_count": 0,
    "next_attempt_at": "2026-11-20T12:00:03.000000Z",
}
