"""The Python client of the stream."""

import pytest
from fastapi import FastAPI
from support.progress import finish, record
from support.streams import Reader, rows

from ganjobs import stream
from ganjobs.errors import ApiError, ApiUnreachable
from models import jobs
from models.database import Database
from models.leases import Lease
from models.tables import Job


def test_a_connection_that_is_lost_is_opened_again(
    app: FastAPI, url: str, path: str, database: Database, job: tuple[Job, Lease]
) -> None:
    reader = Reader()
    hub = app.state.services.streams
    for number, message in enumerate(stream.follow(url, job[0].id, ["d_loss"], from_step=0)):
        reader.take(message)
        if number == 2:
            record(database, *job, 11, rows(11, 20))
            for feed in list(hub._feeds.values()):
                feed._dismiss()  # closes the connections of all who listen
        if message.event == "job" and message.data["step"] == 20 and message.data["status"] == "running":
            finish(database, job[1])
    assert reader.rows == {step: [float(step)] for step in range(1, 21)}
    assert reader.ended == {"reason": "finished", "status": "succeeded"}


def test_behind_the_end_comes_nothing(url: str, database: Database, job: tuple[Job, Lease]) -> None:
    finish(database, job[1])
    *_, end = stream.follow(url, job[0].id)
    assert end.event == "end"
    assert list(stream.follow(url, job[0].id, last_id=end.id)) == []


def test_a_refusal_is_told(url: str, job: tuple[Job, Lease]) -> None:
    with pytest.raises(ApiError) as refused:
        next(stream.follow(url, job[0].id, ["nonsense"]))
    assert refused.value.status == 422
    with pytest.raises(ApiError) as refused:
        next(stream.follow(url, jobs.new_job_id(9)))
    assert refused.value.status == 404


def test_nobody_answers() -> None:
    with pytest.raises(ApiUnreachable):
        next(stream.follow("http://127.0.0.1:1", "job", patience_seconds=0.1))
