"""Whole histories over HTTP, on both databases: complete, of one moment, or seen to be broken off."""

import io
import json
import threading
import time

import httpx
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from sqlalchemy.orm import Session
from support.histories import ROWS, delete, train_on, trained
from support.http import served
from support.problems import only_error, problem_of
from support.progress import claim, queue_job, record, running_job

from api import export
from api.main import create_app
from models import histories
from models.database import Database
from models.histories import History
from models.metrics import Rows
from models.settings import Settings
from models.tables import Job

READ_PAGE = histories.read_page
TYPES = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


def path_of(job: Job, form: str, **query: object) -> str:
    return str(httpx.URL(f"/v1/jobs/{job.id}/metrics/export", params={"format": form} | query))


@pytest.mark.parametrize("form", TYPES)
def test_every_step_comes_once(client: httpx.Client, database: Database, form: str) -> None:
    job, _ = trained(database)
    response = client.get(path_of(job, form))
    assert (response.status_code, response.headers["content-type"]) == (200, TYPES[form])
    assert response.headers["content-disposition"] == f'attachment; filename="{job.id}-metrics.{form}"'
    assert (response.headers["first-step"], response.headers["last-step"]) == ("1", str(ROWS))
    if form == "ndjson":
        rows = [json.loads(line) for line in response.content.splitlines()]
        columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
    elif form == "csv":
        only_empty = pyarrow.csv.ConvertOptions(null_values=[""])
        columns = pyarrow.csv.read_csv(io.BytesIO(response.content), convert_options=only_empty).to_pydict()
    else:
        columns = pq.read_table(io.BytesIO(response.content)).to_pydict()
    # What the job does not record is left out.
    assert list(columns) == ["step", "d_loss", "g_loss"]
    assert columns["step"] == columns["d_loss"] == list(range(1, ROWS + 1))
    g_loss = -np.arange(1, ROWS + 1, dtype=float)
    g_loss[1] = np.nan
    np.testing.assert_array_equal(columns["g_loss"], g_loss)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_parquet_file_names_its_job_and_spec(client: httpx.Client, database: Database) -> None:
    job, _ = trained(database, 5)
    held = pq.read_schema(io.BytesIO(client.get(path_of(job, "parquet")).content)).metadata
    assert (held[b"ganjobs.job_id"], held[b"ganjobs.segment"]) == (job.id.encode(), b"0")
    assert json.loads(held[b"ganjobs.spec"]) == job.spec


def test_only_the_steps_and_metrics_asked_for(client: httpx.Client, database: Database) -> None:
    job, _ = trained(database)
    response = client.get(path_of(job, "csv", keys="d_real,d_loss,d_real", from_step=3, to_step=5))
    assert response.text == "step,d_real,d_loss\n3,,3\n4,,4\n5,,5\n"
    assert (response.headers["first-step"], response.headers["last-step"]) == ("3", "5")
    assert client.get(path_of(job, "csv", from_step=ROWS, to_step=ROWS + 9)).text.splitlines()[1:] == [
        "5000,5000,-5000"
    ]


@pytest.mark.parametrize(("form", "content"), [("ndjson", ""), ("csv", "step,d_loss,g_loss\n")])
def test_nothing_is_an_export_too(client: httpx.Client, database: Database, form: str, content: str) -> None:
    job, _ = trained(database, 5)
    response = client.get(path_of(job, form, from_step=6))
    assert (response.status_code, response.text) == (200, content)
    assert "last-step" not in response.headers


def test_a_job_that_has_not_begun_has_its_columns(client: httpx.Client, database: Database) -> None:
    queued = queue_job(database, loss={"kind": "saturating"})
    response = client.get(f"/v1/jobs/{queued}/metrics/export", params={"format": "parquet"})
    table = pq.read_table(io.BytesIO(response.content))
    assert (table.num_rows, table.column_names[:4]) == (0, ["step", "d_loss", "g_loss", "d_real"])


def test_what_only_some_jobs_record_is_exported_too(client: httpx.Client, database: Database) -> None:
    job, lease = running_job(database, loss={"kind": "wasserstein_gp"})
    record(database, job, lease, 1, [[1.0, 2.0, 3.0]], ("d_loss", "g_loss", "gradient_penalty"))
    assert client.get(path_of(job, "csv")).text == "step,d_loss,g_loss,gradient_penalty\n1,1,2,3\n"
    asked = client.get(path_of(job, "ndjson", keys="gradient_penalty,r1_penalty"))
    assert asked.text == '{"step":1,"gradient_penalty":3,"r1_penalty":null}\n'
    schema = pq.read_schema(io.BytesIO(client.get(path_of(job, "parquet")).content))
    assert schema.field("gradient_penalty").metadata == {b"unit": b"nats"}


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client, database: Database) -> None:
    job, lease = trained(database, 5)
    etag = client.get(path_of(job, "csv")).headers["etag"]
    again = client.get(path_of(job, "csv"), headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    train_on(database, job, lease, 6, 6)
    changed = client.get(path_of(job, "csv"), headers={"If-None-Match": etag})
    assert (changed.status_code, len(changed.text.splitlines())) == (200, 7)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"form": "xlsx"}, "format"),
        ({"keys": "step"}, "keys"),
        ({"keys": ""}, "keys"),
        ({"from_step": -1}, "from_step"),
        ({"from_step": 5, "to_step": 4}, "to_step"),
        ({"limit": 5}, "limit"),
    ],
)
def test_refuses(client: httpx.Client, database: Database, query: dict[str, object], field: str) -> None:
    job, _ = trained(database, 5)
    error = only_error(client.get(path_of(job, **({"form": "csv"} | query))))  # type: ignore[arg-type]
    assert (error["in"], error["field"]) == ("query", field)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_that_there_is_not(client: httpx.Client) -> None:
    problem_of(client.get("/v1/jobs/job_000000000000000000000000/metrics/export"), 404, "job_not_found")


@pytest.mark.parametrize("form", TYPES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_client_sees_that_it_was_broken_off(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    job, lease = trained(database)

    def read_page(session: Session, history: History, from_step: int, limit: int) -> Rows:
        if from_step > 1:
            delete(database, job, lease)
        return READ_PAGE(session, history, from_step, limit)

    monkeypatch.setattr(histories, "read_page", read_page)
    with served(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(path_of(job, form))
        problem_of(client.get(path_of(job, form)), 404, "job_not_found")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_client_that_goes_away_stops_the_reading(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = trained(database)
    threads: list[str] = []

    def read_page(session: Session, history: History, from_step: int, limit: int) -> Rows:
        threads.append(threading.current_thread().name)
        time.sleep(0.05)
        return READ_PAGE(session, history, from_step, limit)

    monkeypatch.setattr(histories, "read_page", read_page)
    monkeypatch.setattr(export, "PAGE_ROWS", 10)
    with served(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        with client.stream("GET", path_of(job, "csv")) as response:
            next(response.iter_raw())
        time.sleep(0.3)
        read = len(threads)
        time.sleep(0.3)
        assert len(threads) == read < ROWS // 10 // 5
    # Not the thread of the event loop, which has others to answer.
    assert all(name.startswith("AnyIO worker") for name in threads)


def test_a_running_job_is_exported_as_far_as_it_is(client: httpx.Client, database: Database) -> None:
    queue_job(database)
    job, lease = claim(database)
    assert client.get(path_of(job, "ndjson")).content == b""
    train_on(database, job, lease, 1, 3)
    assert len(client.get(path_of(job, "ndjson")).content.splitlines()) == 3
