"""The courier: what arrives at a real receiver, what is tried again and when, and whom it does not believe."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import select
from standardwebhooks import WebhookVerificationError
from support.progress import queue_job, running_job
from support.receivers import ARRIVED, Received, Receiver, receiving
from support.serving import wait_until

from models import webhooks
from models.database import Database, database_now
from models.settings import Settings
from models.webhook_queue import Outcome, Parcel
from models.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from worker import courier as courier_module
from worker.courier import LONGEST_WAIT, WAITS, Courier, Schedule
from worker.pulse import Pulse
from worker.webhook_delivery import Sender

SECRET = webhooks.new_secret()
DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"
NAME = "hooks.example.com"
AT_ONCE = Schedule(waits=(0.0,) * 3, jitter=lambda: 1.0)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


@pytest.fixture
def courier(database: Database, settings: Settings) -> Iterator[Courier]:
    """One that may send to this machine, and tries again at once."""
    allowing = settings.model_copy(update={"webhook_allow_private_targets": True})
    made = Courier(database, allowing, schedule=AT_ONCE)
    yield made
    made.close()


def endpoint(database: Database, url: str, events: tuple[str, ...] = ("job.queued",)) -> WebhookEndpoint:
    with database.write() as session:
        return webhooks.create(session, SECRET, url=url, events=list(events), enabled=True)


def deliveries(database: Database) -> list[WebhookDelivery]:
    with database.read() as session:
        return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.number)))


def attempts(database: Database) -> list[WebhookAttempt]:
    with database.read() as session:
        return list(session.scalars(select(WebhookAttempt).order_by(WebhookAttempt.number)))


def passes(courier: Courier, number: int) -> list[int]:
    """How many attempts each of so many passes began."""
    begun = []
    for _ in range(number):
        begun.append(courier.run_once())
        courier.finish()
    return begun


@ON_SQLITE
def test_a_message_arrives_signed(database: Database, courier: Courier, receiver: Receiver) -> None:
    endpoint(database, receiver.url, ("job.*",))
    job, _ = running_job(database)
    assert passes(courier, 2) == [2, 0]
    messages = [each.verified(SECRET) for each in receiver.received]
    assert {message["type"] for message in messages} == {"job.queued", "job.running"}
    assert {message["data"]["job_id"] for message in messages} == {job.id}
    sent = receiver.received[0]
    assert (sent.path, sent.headers["content-type"]) == ("/hook", "application/json")
    assert sent.headers["user-agent"].startswith("ganjobs/")
    assert {each.message_id for each in receiver.received} == {each.id for each in deliveries(database)}
    assert {each.status for each in deliveries(database)} == {"succeeded"}


@ON_SQLITE
def test_what_does_not_arrive_is_sent_again_under_its_id(
    database: Database, courier: Courier, receiver: Receiver
) -> None:
    endpoint(database, receiver.url)
    queue_job(database)
    answers = iter([(500, {}, b"not\x00 now" + b"x" * 5000), (302, {"Location": receiver.url}, b""), ARRIVED])
    receiver.answer = lambda _: next(answers)
    assert passes(courier, 4) == [1, 1, 1, 0]
    assert len({(each.message_id, each.body) for each in receiver.received}) == 1
    for each in receiver.received:
        each.verified(SECRET)
    first, second, third = attempts(database)
    assert (first.http_status, first.response[:8] if first.response else None) == (
        500,
        "not\N{REPLACEMENT CHARACTER} now",
    )
    assert len(first.response or "") == 1024
    assert (second.http_status, third.http_status) == (302, 204)


@ON_SQLITE
def test_it_is_given_up_in_the_end(database: Database, courier: Courier) -> None:
    with socket.socket() as nobody:  # bound, and not listening: a port that refuses
        nobody.bind(("127.0.0.1", 0))
        endpoint(database, f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        queue_job(database)
        assert passes(courier, 5) == [1, 1, 1, 1, 0]
    (delivery,) = deliveries(database)
    assert (delivery.status, delivery.attempts) == ("failed", 4)
    assert all(each.http_status is None and "ConnectError" in (each.error or "") for each in attempts(database))


@ON_SQLITE
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(database: Database, settings: Settings) -> None:
    answers = iter([Outcome(0.1, http_status=429, retry_after=1800.0)])
    courier = Courier(database, settings, send=lambda _: next(answers), schedule=AT_ONCE)
    endpoint(database, "https://hooks.example.com/")
    queue_job(database)
    assert passes(courier, 2) == [1, 0]
    (delivery,) = deliveries(database)
    with database.read() as session:
        wait = delivery.due_at - session.scalars(select(database_now())).one()
    assert timedelta(seconds=1750) < wait <= timedelta(seconds=1800)
    courier.close()


@ON_SQLITE
def test_a_sender_that_breaks_costs_an_attempt(database: Database, settings: Settings) -> None:
    def break_down(_: Parcel) -> Outcome:
        raise ZeroDivisionError

    courier = Courier(database, settings, send=break_down, schedule=AT_ONCE)
    endpoint(database, "https://hooks.example.com/")
    queue_job(database)
    assert passes(courier, 5) == [1, 1, 1, 1, 0]
    assert {each.error for each in attempts(database)} == {"unexpected: ZeroDivisionError"}
    courier.close()


@ON_SQLITE
def test_a_slow_receiver_holds_up_no_other(database: Database, settings: Settings) -> None:
    freed = threading.Event()
    sent: list[str] = []

    def send(parcel: Parcel) -> Outcome:
        if "slow" in parcel.url:
            freed.wait(30)
        sent.append(parcel.url)
        return Outcome(0.0, http_status=204)

    courier = Courier(database, settings, send=send)
    endpoint(database, "https://slow.example.com/")
    for _ in range(courier_module.THREADS + 4):
        queue_job(database)
    fast = endpoint(database, "https://fast.example.com/")
    queue_job(database)
    assert courier.run_once() == courier_module.PER_ENDPOINT + 1
    assert courier.run_once() == 0, "the slow one has all that it gets"
    wait_until(lambda: fast.url in sent, 20, "the fast one's message")
    freed.set()
    assert courier.rest(20), "there is room for another"
    courier.finish()
    courier.close()
    assert sorted(set(sent)) == [fast.url, "https://slow.example.com/"]


def test_several_couriers_send_each_message_once(database: Database, settings: Settings) -> None:
    sent: list[str] = []

    def send(parcel: Parcel) -> Outcome:
        sent.append(parcel.id)
        return Outcome(0.0, http_status=204)

    endpoint(database, "https://hooks.example.com/")
    for _ in range(12):
        queue_job(database)
    couriers = [Courier(database, settings, send=send) for _ in range(3)]
    while sum(each.run_once() for each in couriers):
        for each in couriers:
            each.rest(0.01)
    for each in couriers:
        each.finish()
        each.run_once()
        each.close()
    assert sorted(sent) == sorted(each.id for each in deliveries(database))
    assert {each.status for each in deliveries(database)} == {"succeeded"}


class TestSchedule:
    def test_it_ends_after_about_a_day(self) -> None:
        schedule = Schedule(jitter=lambda: 1.0)
        waits = [schedule.again_in(tries, Outcome(0.1, http_status=500)) for tries in range(1, 10)]
        assert waits == [*WAITS, None, None]
        assert 24 * 3600 < sum(WAITS) < 30 * 3600

    def test_waits_differ(self) -> None:
        outcome = Outcome(0.1, error="ConnectError")
        waits = {Schedule().again_in(2, outcome) for _ in range(20)}
        assert len(waits) > 1
        assert all(wait is not None and 300 <= wait <= 360 for wait in waits)

    @pytest.mark.parametrize(("asked", "wait"), [(10.0, 300.0), (1000.0, 1000.0), (10.0**9, LONGEST_WAIT)])
    def test_who_asks_for_more_patience_gets_it(self, asked: float, wait: float) -> None:
        outcome = Outcome(0.1, http_status=503, retry_after=asked)
        assert Schedule(jitter=lambda: 1.0).again_in(2, outcome) == wait

    def test_who_is_gone_is_not_asked_again(self) -> None:
        assert Schedule().again_in(1, Outcome(0.1, http_status=410, retry_after=5)) is None


def parcel(url: str, *secrets: str) -> Parcel:
    return Parcel(1, "msg_1", "job.failed", '{"type":"job.failed"}', 1, 1, 1, "wh_1", url, secrets or (SECRET,))


class TestSender:
    def test_both_secrets_of_a_rotation_sign(self, receiver: Receiver) -> None:
        new = webhooks.new_secret()
        assert Sender(allow_private=True).send(parcel(receiver.url, new, SECRET)).arrived
        (received,) = receiver.received
        assert received.verified(SECRET) == received.verified(new) == {"type": "job.failed"}

    def test_the_documented_receiver_believes_what_is_sent_and_nothing_else(self, receiver: Receiver) -> None:
        (snippet,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        documented: dict[str, Any] = {}
        exec(snippet, documented)
        assert Sender(allow_private=True).send(parcel(receiver.url)).arrived
        (received,) = receiver.received
        assert documented["receive"](SECRET, received.headers, received.body) == {"type": "job.failed"}
        for body, secret in ((received.body + b" ", SECRET), (received.body, webhooks.new_secret())):
            with pytest.raises(WebhookVerificationError):
                documented["receive"](secret, received.headers, body)

    def test_a_name_is_resolved_once_and_its_address_is_what_is_connected_to(self, receiver: Receiver) -> None:
        asked: list[tuple[str, int]] = []

        def resolver(host: str, port: int) -> list[str]:
            asked.append((host, port))
            return ["127.0.0.1"]

        url = f"http://{NAME}.:{receiver.port}/hook?x=1"
        assert Sender(allow_private=True, resolver=resolver).send(parcel(url)).arrived
        assert asked == [(NAME, receiver.port)]
        assert (receiver.received[0].path, receiver.received[0].headers["host"]) == (
            "/hook?x=1",
            f"{NAME}.:{receiver.port}",
        )

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "fe80::1%lo"])
    def test_a_name_that_means_a_private_address_is_not_connected_to(self, receiver: Receiver, address: str) -> None:
        sender = Sender(resolver=lambda *_: [address])
        outcome = sender.send(parcel(f"http://{NAME}:{receiver.port}/"))
        assert "no public address" in (outcome.error or "")
        assert receiver.received == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
    def test_a_private_address_that_is_stored_already_is_not_connected_to(self, receiver: Receiver, host: str) -> None:
        outcome = Sender().send(parcel(f"http://{host}:{receiver.port}/"))
        assert outcome.http_status is None
        assert "public address" in (outcome.error or "")
        assert receiver.received == []

    def test_the_next_address_is_tried(self, receiver: Receiver) -> None:
        sender = Sender(allow_private=True, resolver=lambda *_: ["127.0.0.2", "127.0.0.1"])
        assert sender.send(parcel(f"http://{NAME}:{receiver.port}/")).arrived

    def test_no_redirect_and_no_proxy(self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        receiver.answer = lambda _: (307, {"Location": f"{receiver.url}/elsewhere"}, b"")
        outcome = Sender(allow_private=True).send(parcel(receiver.url))
        assert (outcome.http_status, outcome.arrived) == (307, False)
        assert [each.path for each in receiver.received] == ["/hook"]

    def test_a_name_that_nobody_knows(self) -> None:
        def resolver(*_: Any) -> list[str]:
            raise socket.gaierror(-2, "Name or service not known")

        outcome = Sender(resolver=resolver).send(parcel(f"https://{NAME}/"))
        assert outcome.error == "gaierror: [Errno -2] Name or service not known"

    @pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\n"])
    def test_an_attempt_ends_however_slowly_a_receiver_drips(self, drip: bytes) -> None:
        with dripping(drip) as port:
            begun = time.monotonic()
            outcome = Sender(allow_private=True, timeout_seconds=0.6).send(parcel(f"http://127.0.0.1:{port}/"))
        assert outcome.error == "no answer within 0.6 s"
        assert time.monotonic() - begun < 5

    def test_an_answer_counts_though_its_body_never_ends(self) -> None:
        head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 100000\r\n\r\nok"
        with dripping(head, b"") as port:
            outcome = Sender(allow_private=True, timeout_seconds=2).send(parcel(f"http://127.0.0.1:{port}/"))
        assert (outcome.http_status, outcome.response, outcome.error) == (202, "ok", None)

    def test_patience_that_is_asked_for(self, receiver: Receiver) -> None:
        now = datetime.now(UTC)
        later, earlier = (format_datetime(now + timedelta(days=days), usegmt=True) for days in (2, -2))
        expected = {"120": 120.0, later: 172_800.0, earlier: 0.0, "soon": None, "-5": None, "9" * 400: 999_999_999.0}
        sender = Sender(allow_private=True)
        for header, seconds in expected.items():
            receiver.answer = lambda _, header=header: (503, {"Retry-After": header}, b"")  # type: ignore[misc]
            asked = sender.send(parcel(receiver.url)).retry_after
            assert asked is None if seconds is None else asked == pytest.approx(seconds, abs=120), header


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestTls:
    def send(self, authority: trustme.CA, named: str, known: Path) -> tuple[Outcome, list[Received]]:
        """Send to ``NAME``, whose receiver shows a certificate for ``named``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(named).configure_cert(context)
        with receiving(context) as receiver, pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(known))
            sender = Sender(allow_private=True, resolver=lambda *_: ["127.0.0.1"])
            return sender.send(parcel(f"https://{NAME}:{receiver.port}/")), receiver.received

    def test_the_name_is_verified_though_the_address_is_connected_to(
        self, authority: trustme.CA, tmp_path: Path
    ) -> None:
        known = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(known)
        outcome, received = self.send(authority, NAME, known)
        assert (outcome.http_status, len(received)) == (204, 1)
        for named in ("elsewhere.example.com", "127.0.0.1"):
            outcome, received = self.send(authority, named, known)
            assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
            assert received == []

    def test_an_authority_that_nobody_knows_is_not_believed(self, authority: trustme.CA, tmp_path: Path) -> None:
        known = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(known)
        outcome, received = self.send(authority, NAME, known)
        assert "CERTIFICATE_VERIFY_FAILED" in (outcome.error or "")
        assert received == []


@contextmanager
def dripping(head: bytes, drop: bytes = b"x") -> Iterator[int]:
    """A server that answers with ``head`` and then a ``drop`` at a time, for ever; its port."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(head)
                while not done.wait(0.05):
                    try:
                        connection.sendall(drop)
                    except OSError:  # the sender has hung up
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            thread.join()


@ON_SQLITE
def test_the_process_sends_and_shows_that_it_lives(database: Database, settings: Settings, receiver: Receiver) -> None:
    endpoint(database, receiver.url)
    queue_job(database)
    variables = {
        "GANJOBS_DATA_FOLDER": str(settings.data_folder),
        "GANJOBS_DATABASE_URL": str(settings.database_url),
        "GANJOBS_WEBHOOK_ALLOW_PRIVATE_TARGETS": "true",
        "GANJOBS_COURIER_SECONDS": "0.1",
    }
    process = subprocess.Popen([sys.executable, "-m", "worker.courier"], env=os.environ | variables)
    try:
        wait_until(lambda: receiver.received, 30, "the message")
        receiver.received[0].verified(SECRET)
        wait_until(lambda: deliveries(database)[0].status == "succeeded", 30, "its record")
        Pulse("courier", settings.resolved_data_folder).check(30)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_no_sign_of_life_is_noticed(tmp_path: Path) -> None:
    pulse = Pulse("courier", tmp_path / "folder")
    with pytest.raises(SystemExit, match="courier: no pass finished lately"):
        pulse.check(60)
    pulse.show()
    pulse.check(60)
    os.utime(pulse.file, (0, 0))
    with pytest.raises(SystemExit):
        pulse.check(60)
