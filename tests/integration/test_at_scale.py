"""Ten thousand queued jobs: no question costs more than what it returns."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert, text, update
from sqlalchemy.orm import Session
from support.progress import POINTS

from models import jobs, leases
from models.database import Database, database_now
from models.jobs import JobFilter
from models.spec import JobSpec
from models.status import JobStatus
from models.tables import Job, JobMetadata
from models.verdicts import Verdict

JOBS = 10_000
PAGE = 20
# Tables that never hold more than some dozens of rows.
FEW = {"webhook_endpoints"}
# Rows touched for each row returned: the row, its entry in an index, and one beyond the end.
ROWS_PER_ROW = 4


@pytest.fixture
def full(database: Database) -> Database:
    """10,000 queued jobs, and 30 each that failed, were cancelled or are held, the oldest of all."""
    spec = JobSpec.model_validate(POINTS).model_dump(mode="json")
    states = [JobStatus.FAILED] * 30 + [JobStatus.CANCELLED] * 30 + [JobStatus.RUNNING] * 30 + [JobStatus.QUEUED] * JOBS
    rows = [
        {
            "id": jobs.new_job_id(number),
            "name": "rare" if number % 1000 == 5 else "common",
            "spec": spec,
            "status": status,
            "verdict": "mode_collapse" if status is JobStatus.FAILED else "balanced",
            "severity": "alarm" if status is JobStatus.FAILED else "ok",
            "steps": 100,
            "priority": number % 3,
        }
        for number, status in enumerate(states, 1)
    ]
    with database.write() as session:
        session.execute(insert(Job), rows)
        labels = [
            {"job_number": number, "key": "parity", "value": str(number % 2)} for number in range(1, len(rows) + 1)
        ]
        rare = [{"job_number": number, "key": "rare", "value": "yes"} for number in range(7, len(rows), 1000)]
        session.execute(insert(JobMetadata), labels + rare)
        silent = (Job.status == JobStatus.RUNNING) & (Job.number % 2 == 0)
        session.execute(update(Job).where(silent).values(lease_expires_at=database_now(-1)))
        healthy = (Job.number > 100) & (Job.number <= 2100)
        leased = {"status": JobStatus.RUNNING, "lease_expires_at": database_now(600)}
        session.execute(update(Job).where(healthy).values(leased))
        session.execute(text("ANALYZE"))
    return database


@contextmanager
def statements_of(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database within the block."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")):
            seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def listing(narrowed_to: JobFilter) -> Callable[[Session], int]:
    return lambda session: len(jobs.list_jobs(session, narrowed_to, None, PAGE))


def claiming(session: Session) -> int:
    assert leases.claim(session, "worker-1", 60) is not None
    return 1


QUESTIONS: dict[str, Callable[[Session], int]] = {
    "newest": listing(JobFilter()),
    "one state": listing(JobFilter(statuses=[JobStatus.FAILED])),
    "several states": listing(JobFilter(statuses=[JobStatus.FAILED, JobStatus.CANCELLED])),
    "one verdict": listing(JobFilter(verdicts=[Verdict.MODE_COLLAPSE])),
    "several verdicts": listing(JobFilter(verdicts=[Verdict.MODE_COLLAPSE, Verdict.BALANCED])),
    "one severity": listing(JobFilter(severities=["alarm"])),
    "several severities": listing(JobFilter(severities=["alarm", "ok"])),
    "a rare name": listing(JobFilter(name="rare")),
    "a common label": listing(JobFilter(metadata={"parity": "1"})),
    "a rare label": listing(JobFilter(metadata={"rare": "yes"})),
    "claim": claiming,
    "expired leases": lambda session: len(leases.expired(session)),
    "lost messages": lambda session: jobs.count_queued(session, most=100),
}


def plans(database: Database, asked: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """What PostgreSQL did for each statement; nothing of it stays."""
    found = []
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            explain = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            answer = explain.scalar_one()
            found.append((json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"])
            connection.rollback()
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_touched(plan: dict[str, Any]) -> int:
    """Rows that scans read, those they threw away included."""
    return sum(
        round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes(plan)
        if "Scan" in node["Node Type"]
    )


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_postgres_nothing_is_read_that_is_not_returned(full: Database) -> None:
    for name, ask in QUESTIONS.items():
        with statements_of(full) as asked, full.write() as session:
            returned = ask(session)
        found = plans(full, asked)
        assert found, name
        for plan in found:
            scanned = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
            assert scanned <= FEW, (name, scanned)
            assert rows_touched(plan) <= ROWS_PER_ROW * returned + ROWS_PER_ROW, (name, json.dumps(plan, indent=1))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_no_table_is_scanned(full: Database) -> None:
    for name, ask in QUESTIONS.items():
        with statements_of(full) as asked, full.write() as session:
            ask(session)
        with full.engine.connect() as connection:
            for statement, parameters in asked:
                steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                scans = [step for step in steps if step.startswith("SCAN jobs") and "USING" not in step]
                # Newest first along the key is a scan that stops at its limit.
                assert not scans or name == "newest", (name, steps)
                assert not any("TEMP B-TREE" in step for step in steps) or name.startswith("several"), (name, steps)


def test_no_two_workers_claim_one_job(full: Database) -> None:
    claimed: list[str] = []

    def work(worker: str) -> None:
        database = Database(full.url.render_as_string(hide_password=False))
        for _ in range(50):
            with database.write() as session:
                job = leases.claim(session, worker, 60)
            if job is not None:
                claimed.append(job.id)
        database.dispose()

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 300
