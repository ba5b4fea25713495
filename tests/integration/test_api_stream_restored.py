"""Ids of places that are no longer there, after a database was restored, or that never were: readers miss nothing."""

from dataclasses import replace

import httpx
import pytest
from support.problems import only_error
from support.progress import finish, queue_job, record
from support.streams import NOTHING, Reader, go_back, is_told, listening, rows, tell

from api.stream import ids
from models import events, news
from models.database import Database
from models.leases import Lease
from models.news import Cursor
from models.tables import Job


def test_a_reader_ahead_of_the_job_is_led_back(url: str, path: str, database: Database, job: tuple[Job, Lease]) -> None:
    """No event says so where the database was restored from a copy."""
    with listening(url, path, last_id=id_of(job[0], Cursor(0, 500, 0, 0, 1))) as live:
        read = live.until_event("job")
        assert (read[0].event, read[0].data) == ("rewind", {"step": 10})
    with listening(url, path, last_id=id_of(job[0], Cursor(3, 500, 0, 0, 1)), keys="d_loss") as live:
        first, second = live.until_event("metrics")
        assert (first.event, first.data) == ("rewind", {"step": 0})
        steps = list(range(1, 11))
        assert second.data == {"segment": 0, "columns": {"step": steps, "d_loss": [*map(float, steps)]}}


def id_of(job: Job, cursor: Cursor, ended: bool = False) -> str:
    return ids.written(job.number, cursor, ended)


@pytest.mark.parametrize("missed", [{"event": 999_999}, {"event": 999_999, "revision": 1}, {"revision": 9000}])
def test_a_place_in_a_lost_history_is_no_place(
    url: str, path: str, database: Database, job: tuple[Job, Lease], missed: dict[str, int]
) -> None:
    """A database was restored from a copy: whatever the reader has, what it has not is not passed over."""
    known, reader = newest_event(database, job[0]), Reader()
    with database.read() as session:
        seen = news.look(session, job[0].number)
    assert seen is not None
    lost = Cursor(0, 4, 5, known, seen[0])  # by chance the revision to which the job has come again
    reader.rows = {step: [-1.0, 1.0, *NOTHING] for step in range(1, 5)}  # not what is recorded
    with listening(url, path, last_id=id_of(job[0], replace(lost, **missed))) as live:
        first, *others = live.until_event("job")
        assert (first.event, first.data) == ("rewind", {"step": 0})
        assert [message.event for message in others] == ["metrics", "job"]  # and no event twice
        for message in (first, *others):
            reader.take(message)
        assert reader.rows == {step: list(row) for step, row in enumerate(rows(1, 10), 1)}
        tell(database, job, "job.noted")
        assert live.until(is_told("job.noted"))[-1].data["id"] == known + 1
    with listening(url, path, last_id=first.id) as live:  # once is enough
        assert [message.event for message in live.until_event("job")] == ["metrics", "event", "job"]


def test_a_rewind_among_lost_events_is_not_missed(
    url: str, path: str, database: Database, job: tuple[Job, Lease]
) -> None:
    """The numbers of the events that were lost are given again."""
    known = newest_event(database, job[0])
    queue_job(database)  # whose event takes the number that the reader's event had
    with listening(url, path, last_id=id_of(job[0], Cursor(0, 9, 0, known + 1, 1))) as live:
        again = go_back(database, job[0], 4)
        record(database, *again, 5, rows(5, 12))
        reader = Reader(rows=dict(enumerate(rows(1, 9), 1)))
        for message in live.until(lambda message: message.event == "job" and message.data["step"] == 12):
            reader.take(message)
    assert reader.rows == {step: list(row) for step, row in enumerate(rows(1, 12), 1)}
    assert reader.rewinds[0] == 0
    assert reader.events[0] > known


def newest_event(database: Database, job: Job) -> int:
    with database.read() as session:
        return events.list_events(session, job.number)[-1].number


def test_an_end_that_is_none_is_gone_on_behind(
    client: httpx.Client, url: str, path: str, database: Database, job: tuple[Job, Lease]
) -> None:
    end = id_of(job[0], Cursor(0, 5, 0, newest_event(database, job[0]), 1), ended=True)
    with listening(url, path, last_id=end, keys="d_loss") as live:
        block, _ = live.until_event("job")
        assert block.data["columns"]["step"] == [6, 7, 8, 9, 10]
    finish(database, job[1])
    assert client.get(path, headers={"Last-Event-ID": end}).status_code == 204


@pytest.mark.parametrize("ended", [False, True])
def test_an_id_of_another_job(client: httpx.Client, path: str, job: tuple[Job, Lease], ended: bool) -> None:
    foreign = ids.written(job[0].number + 1, Cursor(0, 1, 1, 1, 1), ended)
    error = only_error(client.get(path, headers={"Last-Event-ID": foreign}))
    assert (error["field"], error["in"], error["code"]) == ("Last-Event-ID", "header", "id_of_another_job")
    error = only_error(client.get(path, params={"last_event_id": foreign}))
    assert (error["field"], error["in"], error["code"]) == ("last_event_id", "query", "id_of_another_job")
