"""Webhooks over HTTP, and the messages that events leave for them."""

import json
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update
from support.http import client_of
from support.problems import only_error, problem_of
from support.progress import ask, claim, finish, queue_job, running_job

from api.main import create_app
from models import actions, events, jobs, webhook_outbox, webhook_queue, webhooks
from models.database import Database, database_now
from models.settings import Settings
from models.status import JobStatus
from models.tables import Event
from models.webhook_queue import Outcome
from models.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint

TARGET = "https://hooks.example.com/ganjobs"
NOBODY = "wh_000000000000000000000000"
# What one database answers as the other does.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRET = "whsec_" + "A" * 32
ARRIVED = Outcome(0.1, http_status=200)
REFUSED = Outcome(0.1, http_status=500, response="no")

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "http://127.0.0.1:9/"}, "url", "private_target"),
    ({"url": "http://0x7f.1/"}, "url", "private_target"),
    ({"url": "http://localhost/"}, "url", "private_target"),
    ({"url": "http://a:b@example.com/"}, "url", "credentials"),
    ({"url": "gopher://example.com/"}, "url", "malformed_url"),
    ({"url": "http://example.com/" + "x" * 2048}, "url", "string_too_long"),
    ({"url": None}, "url", "string_type"),
    ({"url": "http://{x}.example.com/{y"}, "url", "malformed_url"),
    ({"events": []}, "events", "too_short"),
    ({"events": ["job.exploded"]}, "events.0", "literal_error"),
    ({"events": "job.*"}, "events", "list_type"),
    ({"enabled": 1}, "enabled", "bool_type"),
    ({"job_id": "job_1"}, "job_id", "string_pattern_mismatch"),
    ({"job_id": "job_" + "0" * 24}, "job_id", "unknown_job"),
    ({"description": "a\x00b"}, "description", "control_character"),
    ({"unknown": 1}, "unknown", "extra_forbidden"),
]


def made(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    response = client.post("/v1/webhooks", json={"url": TARGET, **fields})
    assert response.status_code == 201, response.text
    webhook: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/v1/webhooks/{webhook['id']}"
    return webhook


def messages(database: Database) -> list[dict[str, Any]]:
    """The bodies of all messages, oldest first."""
    with database.read() as session:
        bodies = session.scalars(select(WebhookDelivery.body).order_by(WebhookDelivery.number)).all()
    return [json.loads(body) for body in bodies]


def deliver(database: Database, outcome: Outcome, again_in: float | None = None) -> str | None:
    """One attempt at the oldest message, as a courier makes it."""
    with database.write() as session:
        endpoint = session.scalars(select(WebhookEndpoint.number)).one()
        (parcel,) = webhook_queue.take(session, endpoint, 1, 60)
    with database.write() as session:
        return webhook_queue.settle(session, parcel, outcome, again_in)


@ON_SQLITE
class TestEndpoints:
    def test_a_webhook_from_beginning_to_end(self, client: httpx.Client) -> None:
        webhook = made(client, description="the lab")
        path = f"/v1/webhooks/{webhook['id']}"
        assert webhooks.is_secret(webhook.pop("secret"))
        assert (webhook["events"], webhook["enabled"]) == (["job.*", "health.*"], True)
        assert client.get(path).json() == webhook

        changes = {"events": ["job.failed", "job.failed"], "enabled": False, "description": None}
        changed = client.patch(path, json=changes).json()
        assert changed == webhook | {
            "events": ["job.failed"],
            "enabled": False,
            "description": None,
            "disabled_reason": "disabled by request",
        }
        assert client.patch(path, json={}).json() == changed
        assert client.patch(path, json={"enabled": True}).json()["disabled_reason"] is None

        secret = client.post(f"{path}/rotate-secret").json()["secret"]
        assert webhooks.is_secret(secret)
        assert client.delete(path).json() == {"id": webhook["id"], "object": "webhook", "deleted": True}
        problem_of(client.get(path), 404, "webhook_not_found")

    def test_lists_are_pages(self, client: httpx.Client) -> None:
        ids = [made(client)["id"] for _ in range(3)]
        first = client.get("/v1/webhooks?limit=2").json()
        assert [each["id"] for each in first["data"]] == ids[:0:-1]
        assert first["has_more"]
        second = client.get(f"/v1/webhooks?limit=2&after={ids[1]}").json()
        assert ([each["id"] for each in second["data"]], second["has_more"]) == (ids[:1], False)
        assert only_error(client.get(f"/v1/webhooks?after={NOBODY}"))["code"] == "unknown_webhook"

    def test_a_secret_of_ones_own(self, client: httpx.Client) -> None:
        assert made(client, secret=SECRET)["secret"] == SECRET

    def test_what_is_wrong_is_named(self, client: httpx.Client) -> None:
        path = f"/v1/webhooks/{made(client)['id']}"
        for change, field, code in WRONG:
            for answer in (client.post("/v1/webhooks", json={"url": TARGET} | change), client.patch(path, json=change)):
                error = only_error(answer)
                assert (error["in"], error["field"], error["code"]) == ("body", field, code), change
        assert len(client.get("/v1/webhooks").json()["data"]) == 1

    def test_a_secret_that_is_none(self, client: httpx.Client) -> None:
        for secret in ("whsec_", "whsec_AAAA", "A" * 32, "whsec_" + "A" * 31, "whsec_" + "?" * 32):
            error = only_error(client.post("/v1/webhooks", json={"url": TARGET, "secret": secret}))
            assert (error["field"], error["code"]) == ("secret", "malformed_secret")

    def test_a_setting_allows_private_targets(self, settings: Settings) -> None:
        allowing = settings.model_copy(update={"webhook_allow_private_targets": True})
        with client_of(create_app(allowing)) as client:
            assert made(client, url="http://127.0.0.1:9/")["url"] == "http://127.0.0.1:9/"

    def test_there_are_only_so_many(self, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webhooks, "MOST_ENDPOINTS", 1)
        made(client)
        problem_of(client.post("/v1/webhooks", json={"url": TARGET}), 409, "too_many_webhooks")


class TestMessages:
    def test_each_change_of_a_job_is_a_message(self, client: httpx.Client, database: Database) -> None:
        made(client)
        job, lease = running_job(database)
        finish(database, lease, JobStatus.FAILED, error={"kind": "x", "message": "secret words"})
        told = messages(database)
        assert [each["type"] for each in told] == ["job.queued", "job.running", "job.failed"]
        with database.read() as session:
            event = session.scalars(select(Event).where(Event.kind == "job.failed")).one()
        assert told[-1]["data"] == {
            "job_id": job.id,
            "event_id": event.number,
            "attempt": 1,
            "step": 0,
            "from": "running",
            "to": "failed",
            "url": f"/v1/jobs/{job.id}",
        }
        assert told[-1]["timestamp"] == event.created_at.isoformat(timespec="milliseconds") + "Z"

    @ON_SQLITE
    def test_health_is_told_without_its_readings(self, client: httpx.Client, database: Database) -> None:
        made(client, events=["health.changed"])
        job, _ = running_job(database)
        known = {"step": 40, "verdict": "stalled", "severity": "alarm", "previous": "balanced", "since_step": 30}
        with database.write() as session:
            events.add(session, job.number, "health.changed", "m", "error", confidence=0.9, report={"a": 1}, **known)
            events.add(session, job.number, "health.acted", "not asked for", action="pause")
        (message,) = messages(database)
        data = message["data"]
        assert {name: data[name] for name in known} == known
        assert set(data) == {*known, "job_id", "event_id", "url"}
        assert data["url"] == f"/v1/jobs/{job.id}/health"

    @ON_SQLITE
    def test_only_what_was_asked_for_while_it_was_enabled(self, client: httpx.Client, database: Database) -> None:
        first, lease = running_job(database)
        made(client, job_id=first.id)
        off = made(client, events=["job.*"], enabled=False)
        made(client, events=["job.rolled_back", "job.succeeded"])
        second, _ = running_job(database)
        with database.write() as session:
            events.add(session, second.number, "job.training", "of no interest")
            events.add(session, second.number, "job.rewound", "of no interest either")
        assert messages(database) == []
        finish(database, lease)
        assert [each["data"]["job_id"] for each in messages(database)] == [first.id] * 2
        with database.read() as session:
            endpoint = webhooks.get(session, off["id"])
            assert endpoint is not None
            assert webhooks.list_deliveries(session, endpoint) == []

    @ON_SQLITE
    def test_what_is_rolled_back_is_not_told(self, client: httpx.Client, database: Database) -> None:
        made(client)
        job, _ = running_job(database)
        before = len(messages(database))

        def die_before_the_commit() -> None:
            with database.write() as session:
                events.add(session, job.number, "health.changed", "m", verdict="stalled")
                session.flush()
                raise RuntimeError("the process dies")

        with pytest.raises(RuntimeError):
            die_before_the_commit()
        assert len(messages(database)) == before

    def test_every_event_of_many_processes_is_told_once(self, client: httpx.Client, database: Database) -> None:
        """Numbers are given out before they are committed: no order of commits may lose a message."""
        made(client, events=["health.*"])
        job, _ = running_job(database)
        together = threading.Barrier(4)

        def write() -> None:
            together.wait()
            for step in range(5):
                with database.write() as session:
                    events.add(session, job.number, "health.changed", "m", step=step)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.read() as session:
            happened = session.scalars(select(Event.number).where(Event.kind == "health.changed")).all()
            told = session.scalars(select(WebhookDelivery.event_number)).all()
        assert sorted(number or 0 for number in told) == sorted(happened)
        assert len(happened) == 20

    def test_a_deleted_job_is_told_of_still(self, client: httpx.Client, database: Database) -> None:
        webhook = made(client, events=["job.cancelled"])
        job_id = queue_job(database)
        ask(database, job_id, actions.cancel)
        ask(database, job_id, jobs.delete_job)
        path = f"/v1/webhooks/{webhook['id']}/deliveries"
        (delivery,) = client.get(path).json()["data"]
        assert (delivery["job_id"], delivery["status"]) == (job_id, "pending")
        assert deliver(database, ARRIVED) is None
        assert client.get(f"{path}/{delivery['id']}").json()["status"] == "succeeded"

    @ON_SQLITE
    def test_no_endpoint_no_rows(self, database: Database) -> None:
        running_job(database)
        assert messages(database) == []

    @pytest.mark.parametrize("kind", sorted(webhook_outbox.TYPES))
    def test_all_types_are_among_what_is_told_by_default(self, kind: str) -> None:
        assert webhook_outbox.wants(webhook_outbox.EVERYTHING, kind)
        assert webhook_outbox.wants([kind], kind)
        assert not webhook_outbox.wants(["job.*"], kind) or kind.startswith("job.")


@pytest.fixture
def waiting(client: httpx.Client, database: Database) -> str:
    """The address of the one delivery that waits."""
    webhook = made(client, events=["job.queued"])
    queue_job(database)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"
    return f"{path}/{client.get(path).json()['data'][0]['id']}"


@ON_SQLITE
class TestDeliveries:
    def test_attempts_are_told(self, client: httpx.Client, database: Database, waiting: str) -> None:
        assert deliver(database, Outcome(0.25, error="ConnectError: nobody"), 0) is None
        deliver(database, REFUSED, 3600)
        found = client.get(waiting).json()
        assert (found["status"], found["attempt_count"], found["settled_at"]) == ("pending", 2, None)
        assert found["next_attempt_at"] > found["created_at"]
        assert found["body"]["type"] == "job.queued"
        first, second = found["attempts"]
        assert (first["number"], first["error"], first["http_status"], first["seconds"]) == (
            1,
            "ConnectError: nobody",
            None,
            0.25,
        )
        assert (second["number"], second["error"], second["http_status"], second["response"]) == (2, None, 500, "no")

    def test_lists_are_pages_and_filtered(self, client: httpx.Client, database: Database, waiting: str) -> None:
        path = waiting.rpartition("/")[0]
        deliver(database, ARRIVED)
        for _ in range(2):
            queue_job(database)
        page = client.get(f"{path}?limit=2").json()
        assert ([each["status"] for each in page["data"]], page["has_more"]) == (["pending"] * 2, True)
        page = client.get(f"{path}?limit=2&after={page['data'][1]['id']}").json()
        assert ([each["status"] for each in page["data"]], page["has_more"]) == (["succeeded"], False)
        assert page["data"][0]["next_attempt_at"] is None
        assert len(client.get(f"{path}?status=pending").json()["data"]) == 2
        assert len(client.get(f"{path}?status=pending&status=succeeded").json()["data"]) == 3
        assert only_error(client.get(f"{path}?status=lost"))["field"] == "status"
        assert only_error(client.get(f"{path}?after=msg_{'0' * 24}"))["code"] == "unknown_delivery"

    def test_a_replay_sends_the_same_message_again(
        self, client: httpx.Client, database: Database, waiting: str
    ) -> None:
        deliver(database, REFUSED)
        assert client.get(waiting).json()["status"] == "failed"
        response = client.post(f"{waiting}/replay")
        assert (response.status_code, response.json()["status"]) == (202, "pending")
        with database.write() as session:
            endpoint = session.scalars(select(WebhookEndpoint.number)).one()
            (parcel,) = webhook_queue.take(session, endpoint, 5, 60)
        assert (parcel.id, parcel.attempt, parcel.tries) == (waiting.rpartition("/")[2], 2, 1)
        with database.write() as session:
            webhook_queue.settle(session, parcel, ARRIVED, None)
        found = client.get(waiting).json()
        assert (found["status"], [each["number"] for each in found["attempts"]]) == ("succeeded", [1, 2])

    def test_a_test_is_a_message_of_its_own(self, client: httpx.Client, database: Database) -> None:
        webhook = made(client, events=["job.failed"])
        path = f"/v1/webhooks/{webhook['id']}"
        response = client.post(f"{path}/test")
        assert (response.status_code, response.json()["type"]) == (202, "webhook.test")
        client.post(f"{path}/test")
        assert [each["data"]["webhook_id"] for each in messages(database)] == [webhook["id"]] * 2

    def test_nothing_is_sent_to_one_that_is_not_enabled(
        self, client: httpx.Client, database: Database, waiting: str
    ) -> None:
        path = waiting.partition("/deliveries")[0]
        client.patch(path, json={"enabled": False})
        problem_of(client.post(f"{path}/test"), 409, "webhook_disabled")
        problem_of(client.post(f"{waiting}/replay"), 409, "webhook_disabled")
        with database.write() as session:
            number = session.scalars(select(WebhookEndpoint.number)).one()
            assert webhook_queue.endpoints_due(session) == []
            assert webhook_queue.take(session, number, 1, 60) == []
        client.patch(path, json={"enabled": True})
        with database.read() as session:
            assert webhook_queue.endpoints_due(session) == [number]
            assert webhook_queue.endpoints_due(session, [number]) == []

    def test_a_delivery_that_there_is_not(self, client: httpx.Client) -> None:
        webhook = made(client)["id"]
        for delivery in ("msg_" + "0" * 24, "msg_", "%00", "x" * 200):
            path = f"/v1/webhooks/{webhook}/deliveries/{delivery}"
            problem_of(client.get(path), 404, "delivery_not_found")
            problem_of(client.post(f"{path}/replay"), 404, "delivery_not_found")


class TestQueue:
    def test_no_two_couriers_get_one_message(self, client: httpx.Client, database: Database) -> None:
        made(client, events=["job.queued"])
        for _ in range(12):
            queue_job(database)
        got: list[str] = []

        def work() -> None:
            while True:
                with database.write() as session:
                    number = session.scalars(select(WebhookEndpoint.number)).one()
                    parcels = webhook_queue.take(session, number, 2, 60)
                if not parcels:
                    return
                got.extend(parcel.id for parcel in parcels)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == len(set(got)) == 12

    def test_a_dead_courier_has_its_message_taken_by_another(
        self, client: httpx.Client, database: Database, waiting: str
    ) -> None:
        with database.write() as session:
            number = session.scalars(select(WebhookEndpoint.number)).one()
            (late,) = webhook_queue.take(session, number, 1, 0)
        with database.write() as session:
            (other,) = webhook_queue.take(session, number, 1, 60)
        assert (late.id, late.attempt, other.attempt) == (other.id, 1, 2)
        with database.write() as session:  # it was not dead after all
            webhook_queue.settle(session, late, REFUSED, None)
        found = client.get(waiting).json()
        assert (found["status"], [each["number"] for each in found["attempts"]]) == ("pending", [1])
        with database.write() as session:
            webhook_queue.settle(session, other, ARRIVED, None)
        assert client.get(waiting).json()["status"] == "succeeded"

    @ON_SQLITE
    def test_gone_disables_at_once(self, client: httpx.Client, database: Database, waiting: str) -> None:
        assert deliver(database, Outcome(0.1, http_status=410)) == "the receiver answered 410 Gone"
        webhook = client.get(waiting.partition("/deliveries")[0]).json()
        assert (webhook["enabled"], webhook["disabled_reason"]) == (False, "the receiver answered 410 Gone")

    @ON_SQLITE
    def test_failures_in_a_row_disable(
        self, client: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webhook_queue, "MOST_FAILURES", 2)
        path = f"/v1/webhooks/{made(client, events=['job.queued'])['id']}"
        for _ in range(4):
            queue_job(database)
        assert deliver(database, REFUSED) is None
        assert deliver(database, ARRIVED) is None
        assert client.get(path).json()["failures"] == 0
        assert deliver(database, REFUSED) is None
        reason = deliver(database, REFUSED)
        assert reason == "2 deliveries in a row could not be made; the last: HTTP 500"
        webhook = client.get(path).json()
        assert (webhook["enabled"], webhook["failures"], webhook["disabled_reason"]) == (False, 2, reason)
        again = client.patch(path, json={"enabled": True}).json()
        assert (again["enabled"], again["failures"], again["disabled_reason"]) == (True, 0, None)

    @ON_SQLITE
    def test_after_a_rotation_both_secrets_sign_for_a_while(self, client: httpx.Client, database: Database) -> None:
        webhook = made(client)
        new = client.post(f"/v1/webhooks/{webhook['id']}/rotate-secret").json()["secret"]
        queue_job(database)
        with database.write() as session:
            endpoint = session.scalars(select(WebhookEndpoint)).one()
            (parcel,) = webhook_queue.take(session, endpoint.number, 1, 0)
            assert parcel.secrets == (new, webhook["secret"])
            assert new not in repr(parcel)
            endpoint.previous_secret_until = session.scalar(select(database_now(-1)))
            session.flush()
            (parcel,) = webhook_queue.take(session, endpoint.number, 1, 0)
            assert parcel.secrets == (new,)

    def test_what_a_deleted_webhook_leaves_and_what_is_old_goes(
        self, client: httpx.Client, database: Database, waiting: str
    ) -> None:
        deliver(database, ARRIVED)
        queue_job(database)
        with database.write() as session:
            assert webhook_queue.prune(session, 30) == 0
            settled = WebhookDelivery.settled_at.is_not(None)
            old = session.scalars(select(WebhookDelivery.settled_at).where(settled)).one()
            assert old is not None
            session.execute(update(WebhookDelivery).where(settled).values(settled_at=old - timedelta(days=31)))
            assert webhook_queue.prune(session, 30) == 1
            waits = WebhookDelivery.settled_at.is_(None)
            session.execute(update(WebhookDelivery).where(waits).values(created_at=old - timedelta(days=31)))
            assert webhook_queue.prune(session, 30) == 0
            session.execute(update(WebhookEndpoint).values(enabled=False))
            assert webhook_queue.prune(session, 30) == 1
        with database.write() as session:
            session.add(webhook_outbox.new_delivery(999, "job.queued", "{}"))
        with database.write() as session:
            assert webhook_queue.prune(session, 30) == 1
        client.delete(waiting.partition("/deliveries")[0])
        with database.read() as session:
            for table in (WebhookDelivery, WebhookAttempt, WebhookEndpoint):
                assert session.scalar(select(func.count()).select_from(table)) == 0

    @ON_SQLITE
    def test_an_attempt_at_what_was_deleted_is_dropped(
        self, client: httpx.Client, database: Database, waiting: str
    ) -> None:
        claim(database)
        with database.write() as session:
            number = session.scalars(select(WebhookEndpoint.number)).one()
            (parcel,) = webhook_queue.take(session, number, 1, 60)
        client.delete(waiting.partition("/deliveries")[0])
        with database.write() as session:
            assert webhook_queue.settle(session, parcel, Outcome(0.1, http_status=410), None) is None
