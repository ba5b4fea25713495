"""What is assessed as a job trains: stored with its rows, told when it changes, and the same however often it dies."""

import random
from typing import Any

import pytest
from sqlalchemy import select
from support.progress import ask, queue_job
from support.runs import Died, crash_after, die_at, read, run
from support.scripted import scripted

from models import actions, events, samples
from models.database import Database
from models.health_tables import HealthReport
from models.settings import Settings
from models.tables import Job
from models.verdicts import Verdict


def changes_of(database: Database, job: Job) -> list[tuple[str, dict[str, Any]]]:
    """Level and data of the events about changes of verdict."""
    with database.read() as session:
        found = events.list_events(session, job.number, limit=1000)
    return [(event.level, event.data) for event in found if event.kind == "health.changed"]


def health_of(database: Database, job: Job) -> list[tuple[Any, ...]]:
    """Everything that is stored of a job's assessments, by step."""
    with database.read() as session:
        query = select(HealthReport).where(HealthReport.job_number == job.number).order_by(HealthReport.step)
        return [(each.segment, each.step, each.verdict, each.report, each.reading) for each in session.scalars(query)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_later_attempt_goes_on_from_the_verdict_that_stood(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is told twice: what the next attempt assesses anew is compared with what was kept."""
    caution, balanced = Verdict.DISCRIMINATOR_WINNING, Verdict.BALANCED
    train = scripted(lambda _spec, _stream, step: caution if step > 20 else balanced)
    died = scripted(lambda _spec, _stream, step: die(step) if step > 60 else caution if step > 20 else balanced)
    job_id = queue_job(database, checkpoint_every=40)
    with monkeypatch.context() as patched:
        patched.setattr("worker.runner.train", died)
        with pytest.raises(Died):
            run(quick)
    crash_after(read(database, job_id), database)
    monkeypatch.setattr("worker.runner.train", train)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.verdict, job.severity) == ("succeeded", caution, "caution")
    assert [(level, data["step"], data["previous"]) for level, data in changes_of(database, job)] == [
        ("info", 10, "warming_up"),
        ("warning", 30, "balanced"),
    ]
    assert [step for _, step, *_ in health_of(database, job)] == list(range(10, 110, 10))
    with database.read() as session:
        kept = samples.list_checkpoints(session, job.number, 0)
    assert [(each.step, each.severity) for each in kept] == [(100, "caution"), (80, "caution"), (40, "caution")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_that_goes_back_before_a_verdict_says_so(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And tells of it anew when it finds it again, so that each change follows from the one before."""
    collapsed, balanced = Verdict.MODE_COLLAPSE, Verdict.BALANCED
    train = scripted(lambda _spec, _stream, step: collapsed if step > 40 else balanced)
    died = scripted(lambda _spec, _stream, step: die(step) if step > 60 else collapsed if step > 40 else balanced)
    job_id = queue_job(database, checkpoint_every=40)
    with monkeypatch.context() as patched:
        patched.setattr("worker.runner.train", died)
        with pytest.raises(Died):
            run(quick)
    crash_after(read(database, job_id), database)
    monkeypatch.setattr("worker.runner.train", train)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.verdict) == ("succeeded", collapsed)
    assert [(level, data["step"], data["verdict"], data["previous"]) for level, data in changes_of(database, job)] == [
        ("info", 10, "balanced", "warming_up"),
        ("error", 50, "mode_collapse", "balanced"),
        ("info", 40, "balanced", "mode_collapse"),
        ("error", 50, "mode_collapse", "balanced"),
    ]


def die(step: int) -> Verdict:
    raise Died(step)


# A discriminator that is far too quick: the game goes wrong in several ways, one after the other.
UNEVEN: dict[str, Any] = {
    "discriminator": {"kind": "mlp", "hidden_sizes": [8], "optimizer": {"kind": "adam", "learning_rate": 0.05}},
    "steps": 200,
    "sample_every": 200,
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_neither_deaths_nor_pauses_change_a_verdict(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the real engine: step, verdict, confidence, since when, the evidence and each number it was read from."""
    spec = UNEVEN | {"checkpoint_every": 7, "evaluate_every": 50, "health": {"every": 10}}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    expected = health_of(database, undisturbed)
    assert [step for _, step, *_ in expected] == list(range(10, 210, 10))
    assert len({verdict for _, _, verdict, *_ in expected}) > 1
    killed = queue_job(database, **spec)
    for step in sorted(random.Random(6).sample(range(1, 200), 6)):
        with monkeypatch.context() as patched:
            die_at(patched, step)
            with pytest.raises(Died):
                run(quick)
        crash_after(read(database, killed), database)
    assert run(quick) == killed
    paused = queue_job(database, **spec | {"health": {"every": 10, "on_alarm": "pause", "patience": 20}})
    while (run(quick), read(database, paused).status)[1] == "paused":
        ask(database, paused, actions.resume)
    jobs = [read(database, job_id) for job_id in (undisturbed.id, killed, paused)]
    assert [(job.status, job.attempt > 1) for job in jobs] == [("succeeded", attempted) for attempted in (0, 1, 1)]
    for job in jobs:
        assert health_of(database, job) == expected
        assert (job.verdict, job.severity, job.health) == (jobs[0].verdict, jobs[0].severity, expected[-1][3])
