"""What the command line writes for programs about jobs whose numbers are odd, or missing: JSON in any case."""

import json
import math
import os
from typing import Any, NoReturn

import pytest
from support.commands import run_command
from support.health import assess
from support.progress import (
    add_worker,
    ask,
    checkpoint,
    draw,
    evaluate,
    finish,
    log_lines,
    queue_job,
    record,
    running_job,
)

from models import actions
from models.database import Database
from models.settings import Settings
from models.status import JobStatus
from models.storage import open_storage

NAN, INFINITY = math.nan, math.inf
ROWS = [[1.0, 2.0, *[0.5] * 7], [NAN, -INFINITY, NAN, INFINITY, *[NAN] * 5]]
# What reads a job: with a document, and with a line of JSON for each thing.
OF_A_JOB = ("show", "health", "health --history", "logs", "events", "evaluations", "samples", "checkpoints")
IN_LINES = ("watch --once", "watch", "logs -f", "events -f")


@pytest.fixture
def ids(database: Database, settings: Settings) -> list[str]:
    """A job whose numbers are none, one without a row, and one that failed."""
    add_worker(database)
    job, lease = running_job(database, evaluate_every=1)
    record(database, job, lease, 1, ROWS)
    draw(database, job, [0, 2])
    evaluate(database, job, lease, 2, modes_covered=NAN, reverse_kl=INFINITY)
    checkpoint(database, open_storage(settings.storage_url), job, lease, 2, ("reverse_kl", INFINITY))
    assess(database, job, lease, (1, "balanced"), (2, "non_finite"))
    log_lines(database, job, ["begun"])
    finish(database, lease)
    failed, lease = running_job(database)
    record(database, failed, lease, 1, ROWS)
    error = {"kind": "non_finite", "message": "d_loss is NaN", "step": 2, "traceback": None}
    finish(database, lease, JobStatus.FAILED, error=error)
    return [job.id, _without_rows(database), failed.id]


def _without_rows(database: Database) -> str:
    job_id = queue_job(database)
    ask(database, job_id, actions.cancel)
    return job_id


def parsed(url: str, words: str, *jobs: str, codes: tuple[int, ...] = (0,)) -> list[Any]:
    """What a command writes, line by line where it writes lines, read by the letter of JSON."""
    variables = os.environ | {"GANJOBS_URL": url}
    done = run_command(*words.split(), *jobs, "--json", variables=variables)
    assert done.returncode in codes, (words, jobs, done)
    written = done.stdout.splitlines() if words in IN_LINES else [done.stdout]
    return [json.loads(each, parse_constant=_refuse) for each in written]


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"JSON has no word {constant}")


def test_every_reading_command_writes_json_of_any_job(url: str, ids: list[str]) -> None:
    found = {(words, job_id): parsed(url, words, job_id)[0] for words in OF_A_JOB for job_id in ids}
    odd, _, failed = ids
    assert found["show", odd]["latest_metrics"]["d_loss"] == found["show", failed]["latest_metrics"]["d_loss"] == "NaN"
    assert found["evaluations", odd][0]["values"] == {"modes_covered": "NaN", "reverse_kl": "Infinity"}
    assert found["checkpoints", odd][0]["best"]["value"] == "Infinity"
    assert found["health", odd]["verdict"] == "non_finite"
    codes = (0, 1, 3)
    lines = {(words, job_id): parsed(url, words, job_id, codes=codes) for words in IN_LINES for job_id in ids}
    assert {state["d_loss"] for words in ("watch", "watch --once") for state in lines[words, odd]} == {"NaN"}
    assert lines["events -f", failed][-1]["kind"] == "job.failed"
    assert parsed(url, "watch", *ids, codes=(1,))


def test_every_reading_command_writes_json_of_all_jobs(url: str, ids: list[str]) -> None:
    for words in ("jobs", "workers", "webhooks list"):
        assert parsed(url, words)
    (compared,) = parsed(url, "compare", *ids)
    assert [job["id"] for job in compared["jobs"]] == ids
