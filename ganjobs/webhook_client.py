"""What the client can ask of webhooks."""

from collections.abc import Iterator, Sequence
from typing import Any

from ganjobs.rest import Json, Rest

PATH = "/v1/webhooks"


class WebhookClient(Rest):
    """The client of the REST API, with webhooks and their deliveries."""

    def webhooks(self) -> Iterator[Json]:
        """All webhooks, newest first."""
        after: str | None = None
        while True:
            page = self._json("GET", PATH, params={"limit": 100} | ({"after": after} if after else {}))
            yield from page["data"]
            if not page["has_more"]:
                return
            after = page["data"][-1]["id"]

    def create_webhook(self, url: str, **fields: Any) -> Json:
        """A new webhook, with its secret; ``fields`` that are ``None`` are left out."""
        given = {name: value for name, value in fields.items() if value is not None}
        return self._json("POST", PATH, json={"url": url, **given})

    def webhook(self, webhook_id: str) -> Json:
        return self._json("GET", f"{PATH}/{webhook_id}")

    def change_webhook(self, webhook_id: str, **changes: Any) -> Json:
        """The webhook after a merge patch."""
        return self._json("PATCH", f"{PATH}/{webhook_id}", json=changes)

    def rotate_webhook_secret(self, webhook_id: str) -> Json:
        """The webhook with its new secret."""
        return self._json("POST", f"{PATH}/{webhook_id}/rotate-secret")

    def delete_webhook(self, webhook_id: str) -> None:
        self._send("DELETE", f"{PATH}/{webhook_id}")

    def test_webhook(self, webhook_id: str) -> Json:
        """The delivery of a test message, which waits to be sent."""
        return self._json("POST", f"{PATH}/{webhook_id}/test")

    def deliveries(
        self, webhook_id: str, status: Sequence[str] = (), limit: int = 20, after: str | None = None
    ) -> Json:
        """One page of a webhook's deliveries, newest first: ``data`` and ``has_more``."""
        params: Json = {"limit": limit, "status": list(status)} | ({"after": after} if after else {})
        return self._json("GET", f"{PATH}/{webhook_id}/deliveries", params=params)

    def delivery(self, webhook_id: str, delivery_id: str) -> Json:
        """A delivery with its attempts."""
        return self._json("GET", f"{PATH}/{webhook_id}/deliveries/{delivery_id}")

    def replay(self, webhook_id: str, delivery_id: str) -> Json:
        """The delivery, which waits to be made again."""
        return self._json("POST", f"{PATH}/{webhook_id}/deliveries/{delivery_id}/replay")
