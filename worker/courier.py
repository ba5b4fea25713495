"""Sends the messages of webhooks: a process of its own that looks at the database, ``python -m worker.courier``.

Any number may run at once: a message is taken by a compare-and-set, for a while. A courier that dies has its messages
taken by another, so that each is sent at least once; its id is the same each time. It needs no torch and no Redis.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Annotated

import structlog
import typer
from sqlalchemy.exc import SQLAlchemyError

from models import logs, webhook_queue
from models.database import Database
from models.settings import Settings, read_settings
from models.webhook_queue import Outcome, Parcel
from worker.pulse import Pulse, stop_signals
from worker.webhook_delivery import Sender

log = structlog.get_logger(__name__)

# Attempts under way at once, and of these to one endpoint: one that is slow leaves room for the others.
THREADS = 16
PER_ENDPOINT = 2
# Far longer than resolving a name and an attempt take.
LEASE_SECONDS = 120.0
# A pass may wait this long for a database that does not answer.
SLOWEST_PASS_SECONDS = 60.0
PRUNE_SECONDS = 3600.0
SLICE_SECONDS = 0.2
HOUR = 3600.0
# How long after each attempt the next one is made, as Standard Webhooks proposes: eight attempts within 28 hours.
WAITS = (5.0, 300.0, HOUR / 2, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR)
# A receiver may ask for more patience than that, but for no more than this.
LONGEST_WAIT = 24 * HOUR
# Each wait is multiplied by a number between these, lest all that failed together come back together.
JITTER = (1.0, 1.2)


@dataclass(frozen=True)
class Schedule:
    """When a message that has not arrived is sent again. ``jitter`` gives what a wait is multiplied by."""

    waits: tuple[float, ...] = WAITS
    jitter: Callable[[], float] = lambda: random.uniform(*JITTER)

    def again_in(self, tries: int, outcome: Outcome) -> float | None:
        """Seconds until the next attempt after so many; ``None``: no more."""
        if outcome.is_gone or tries > len(self.waits):
            return None
        asked = min(outcome.retry_after or 0.0, LONGEST_WAIT)
        return max(self.waits[tries - 1] * self.jitter(), asked)


class Courier:
    """Takes the messages that are due and has threads send them. ``run_once`` and ``rest`` belong to one thread."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        send: Callable[[Parcel], Outcome] | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        self._database = database
        self._keep_days = settings.webhook_keep_days
        self._send = send or Sender(settings.webhook_allow_private_targets).send
        self._schedule = schedule or Schedule()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="courier")
        # The attempts under way, and the endpoint of each.
        self._under_way: dict[Future[None], int] = {}
        self._prune_at = time.monotonic()

    def run_once(self) -> int:
        """One pass: begin as many attempts as are due and there is room for; returns how many. An outage of the
        database is logged and left to the next pass."""
        self._under_way = {attempt: number for attempt, number in self._under_way.items() if not attempt.done()}
        try:
            begun = self._begin_attempts()
            self._prune()
        except SQLAlchemyError as error:
            log.warning("the database is away", error=_first_line(error))
            return 0
        return begun

    def rest(self, seconds: float) -> bool:
        """Wait so long, or until an attempt has ended since the last pass, which leaves room for another: whether one
        has."""
        if not self._under_way:
            time.sleep(seconds)
            return False
        return bool(wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED).done)

    def finish(self) -> None:
        """Wait for the attempts under way."""
        wait(self._under_way)

    def close(self) -> None:
        """Begin nothing more, and wait for the attempts under way."""
        self._threads.shutdown()

    def _begin_attempts(self) -> int:
        busy = Counter(self._under_way.values())
        with self._database.read() as session:
            due = list(webhook_queue.endpoints_due(session, [each for each in busy if busy[each] >= PER_ENDPOINT]))
        random.shuffle(due)  # or the first would be served first for ever
        begun = 0
        for endpoint in due:
            room = min(PER_ENDPOINT - busy[endpoint], THREADS - len(self._under_way))
            if room <= 0:
                break
            with self._database.write() as session:
                parcels = webhook_queue.take(session, endpoint, room, LEASE_SECONDS)
            for parcel in parcels:
                self._under_way[self._threads.submit(self._deliver, parcel)] = endpoint
            begun += len(parcels)
        return begun

    def _deliver(self, parcel: Parcel) -> None:
        """Make an attempt and record it. Without a database the attempt is made again when its lease has run out."""
        told = log.bind(webhook_id=parcel.endpoint_id, message_id=parcel.id, type=parcel.type, attempt=parcel.attempt)
        begun = time.monotonic()
        try:
            outcome = self._send(parcel)
        except Exception as error:  # noqa: BLE001 - logged; and it counts as an attempt, or it would be made for ever
            told.exception("unexpected error")
            outcome = Outcome(time.monotonic() - begun, error=f"unexpected: {type(error).__name__}")
        again_in = None if outcome.arrived else self._schedule.again_in(parcel.tries, outcome)
        try:
            with self._database.write() as session:
                disabled = webhook_queue.settle(session, parcel, outcome, again_in)
        except SQLAlchemyError as error:
            told.warning("attempt not recorded; it will be made again", error=_first_line(error))
            return
        if outcome.arrived:
            told.info("delivered", seconds=round(outcome.seconds, 3))
        else:
            told.warning("not delivered", error=outcome.told, again_in_seconds=again_in and round(again_in))
        if disabled is not None:
            told.error("webhook disabled", reason=disabled)

    def _prune(self) -> None:
        if time.monotonic() >= self._prune_at:
            with self._database.write() as session:
                pruned = webhook_queue.prune(session, self._keep_days)
            # Where there were as many as go at once, there may be more.
            self._prune_at = time.monotonic() + (0 if pruned >= webhook_queue.PRUNED_AT_ONCE else PRUNE_SECONDS)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def main(check_only: Annotated[bool, typer.Option("--check", help="Only ask whether it is alive.")] = False) -> None:
    """Send messages until told to stop."""
    settings = read_settings()
    pulse = Pulse("courier", settings.resolved_data_folder)
    if check_only:
        return pulse.check(SLOWEST_PASS_SECONDS + settings.courier_seconds)
    logs.configure(settings.log_format)
    stopped = stop_signals()
    database = Database(settings.resolved_database_url)
    courier = Courier(database, settings)
    log.info("courier started", every_seconds=settings.courier_seconds)
    while not stopped:
        courier.run_once()
        pulse.show()
        next_pass, has_room = time.monotonic() + settings.courier_seconds, False
        while not stopped and not has_room and time.monotonic() < next_pass:
            has_room = courier.rest(min(SLICE_SECONDS, settings.courier_seconds))
    courier.close()
    database.dispose()
    return None


if __name__ == "__main__":
    typer.run(main)
