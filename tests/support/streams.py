"""Listening to a job's stream."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from support.progress import claim
from support.runs import crash_after

from ganjobs.stream import Message, messages
from models import events, leases
from models.database import Database
from models.leases import Lease
from models.tables import Job

# What is not recorded, in a row of the losses alone.
NOTHING = [None] * 7
POLL_SECONDS = 0.05


def rows(first: int, last: int) -> list[list[float | None]]:
    """Rows whose d_loss is the step and whose g_loss is minus that."""
    return [[float(step), -float(step), *NOTHING] for step in range(first, last + 1)]


class Stream:
    """An open stream, read as far as it is asked for."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._messages = messages(response.iter_raw())

    def __iter__(self) -> Iterator[Message]:
        return self._messages

    def until(self, is_last: Callable[[Message], bool]) -> list[Message]:
        """The messages up to the first that is the last one asked for."""
        read: list[Message] = []
        for message in self._messages:
            read.append(message)
            if is_last(message):
                return read
        raise AssertionError(f"the stream ended with {read[-3:]}")

    def until_event(self, event: str) -> list[Message]:
        return self.until(lambda message: message.event == event)


@contextmanager
def listening(
    url: str, path: str, last_id: str | None = None, receive_bytes: int | None = None, **params: Any
) -> Iterator[Stream]:
    """An open stream. ``receive_bytes`` is what the system holds for a client that does not read."""
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)] if receive_bytes else None
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with (
        httpx.Client(transport=httpx.HTTPTransport(socket_options=options), timeout=30) as http,
        http.stream("GET", url + path, params=params, headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        yield Stream(response)


@dataclass
class Reader:
    """What a consumer holds, who drops what a rewind takes back; nothing may come twice."""

    rows: dict[int, list[Any]] = field(default_factory=dict)
    samples: list[int] = field(default_factory=list)
    evaluations: dict[int, Any] = field(default_factory=dict)
    reports: dict[int, str] = field(default_factory=dict)
    events: list[int] = field(default_factory=list)
    revision: int = 0
    rewinds: list[int] = field(default_factory=list)
    ended: Any = None

    def take(self, message: Message) -> None:
        assert self.ended is None, f"{message.event} after the end"
        getattr(self, f"_{message.event}")(message.data)

    def _metrics(self, data: Any) -> None:
        steps, *values = data["columns"].values()
        first = max(self.rows, default=steps[0] - 1) + 1
        assert steps == list(range(first, first + len(steps))), f"rows came twice, or are missing: {steps[:3]}"
        self.rows |= {step: row for step, *row in zip(steps, *values, strict=True)}

    def _sample(self, data: Any) -> None:
        assert not self.samples or data["step"] > self.samples[-1]
        self.samples.append(data["step"])

    def _evaluation(self, data: Any) -> None:
        assert data["step"] > max(self.evaluations, default=-1)
        self.evaluations[data["step"]] = data["values"]

    def _report(self, data: Any) -> None:
        assert data["step"] > max(self.reports, default=-1)
        self.reports[data["step"]] = data["sentence"]

    def _event(self, data: Any) -> None:
        assert not self.events or data["id"] > self.events[-1]
        self.events.append(data["id"])

    _health = _event

    def _job(self, data: Any) -> None:
        assert data["step"] == max(self.rows, default=data["step"])

    def _rewind(self, data: Any) -> None:
        step = data["step"]
        self.rewinds.append(step)
        self.rows = {each: row for each, row in self.rows.items() if each <= step}
        self.samples = [each for each in self.samples if each <= step and step > 0]
        self.evaluations = {each: values for each, values in self.evaluations.items() if each <= step and step > 0}
        self.reports = {each: sentence for each, sentence in self.reports.items() if each <= step and step > 0}

    def _end(self, data: Any) -> None:
        self.ended = data


def tell(database: Database, job: tuple[Job, Lease], kind: str) -> None:
    with database.write() as session:
        leases.hold(session, job[1])
        events.add(session, job[0].number, kind, "something")


def is_told(kind: str) -> Callable[[Message], bool]:
    return lambda message: message.event == "event" and bool(message.data["kind"] == kind)


def go_back(database: Database, job: Job, step: int) -> tuple[Job, Lease]:
    """Another attempt, which goes on from a checkpoint."""
    crash_after(job, database)
    again, lease = claim(database)
    with database.write() as session:
        leases.rewind(session, lease, again.segment, step)
    return again, lease
