"""Reports of health in the database: written once however often, read by step, merged into intervals."""

from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.health import assess, report, row_of
from support.progress import queue_job, running_job

from models import jobs, reports, samples
from models.database import Database
from models.jobs import JobFilter
from models.leases import Lease
from models.tables import Job
from models.verdicts import Verdict

VERDICTS = ("balanced", "mode_collapse", "oscillating")


@pytest.fixture
def job(database: Database) -> tuple[Job, Lease]:
    return running_job(database)


def test_a_write_that_is_repeated_changes_nothing(database: Database, job: tuple[Job, Lease]) -> None:
    for _ in range(2):
        assess(database, *job, (10, "balanced"), (20, "mode_collapse"))
    with database.read() as session:
        found = reports.list_reports(session, (job[0].number, 0))
        assert [each.report for each in found] == [report(10, "balanced"), report(20, "mode_collapse")]
        assert [(each.verdict, each.severity, each.confidence) for each in found] == [
            ("balanced", "ok", 0.5),
            ("mode_collapse", "alarm", 0.5),
        ]
        now = session.get_one(Job, job[0].number)
        assert (now.verdict, now.severity, now.health) == ("mode_collapse", "alarm", report(20, "mode_collapse"))


@pytest.mark.parametrize(("up_to", "step"), [(None, 30), (30, 30), (29, 20), (10, 10), (9, None)])
def test_the_newest_of_a_time(database: Database, job: tuple[Job, Lease], up_to: int | None, step: int | None) -> None:
    assess(database, *job, (10, "balanced"), (20, "oscillating"), (30, "balanced"))
    with database.read() as session:
        found = reports.newest(session, (job[0].number, 0), up_to)
        assert reports.newest(session, (job[0].number, 1), up_to) is None
    assert (found and found["step"]) == step


def expected(found: list[tuple[int, str, float]]) -> list[dict[str, Any]]:
    """The intervals, by plain Python."""
    intervals = []
    for verdict, group in groupby(found, lambda each: each[1]):
        rows = list(group)
        last = report(rows[-1][0], verdict, rows[-1][2])
        intervals.append(
            {
                "from_step": rows[0][0],
                "to_step": rows[-1][0],
                "verdict": verdict,
                "severity": last["severity"],
                "confidence": max(each[2] for each in rows),
                "sentence": last["sentence"],
                "segment": 0,
            }
        )
    return intervals


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(VERDICTS), st.sampled_from([0.0, 0.25, 1.0])), max_size=15
    ),
    limit=st.integers(1, 5),
)
def test_intervals_are_what_follows_one_another(
    database: Database, found: list[tuple[int, str, float]], limit: int
) -> None:
    job_id = queue_job(database)
    step, rows = 0, []
    for gap, verdict, confidence in found:
        step += 10 * gap
        rows.append((step, verdict, confidence))
    with database.write() as session:
        job = jobs.get(session, job_id)
        assert job is not None
        key = (job.number, 0)
        reports.add_many(session, key, [row_of(report(*each)) for each in rows])
        # Those of another segment do not count.
        reports.add_many(session, (job.number, 1), [row_of(report(each, "diverging")) for each in range(5, 200, 10)])
        wanted = expected(rows)
        assert [vars(each) for each in reports.list_intervals(session, key)] == wanted
        page, after, paged = [], -1, []
        while page := reports.list_intervals(session, key, after, limit):
            paged += [vars(each) for each in page]
            after = page[-1].from_step
        assert paged == wanted


class TestCheckpoints:
    def keep(self, database: Database, job: Job, *made: tuple[int, str | None, bool]) -> list[int]:
        """The steps that are left of checkpoints (step, severity, best) when the two newest are to be kept."""
        with database.write() as session:
            for step, severity, is_best in made:
                best = ("reverse_kl", 1 / step) if is_best else None
                samples.add_checkpoint(session, (job.number, 0), step, 1, f"f-{step}", {}, best, severity=severity)
            dropped = samples.drop_old_checkpoints(session, (job.number, 0), 2)
            left = [each.step for each in samples.list_checkpoints(session, job.number, 0)]
        assert sorted(dropped) == sorted(f"f-{step}" for step, *_ in made if step not in left)
        return left

    def test_the_newest_without_an_alarm_is_kept(self, database: Database, job: tuple[Job, Lease]) -> None:
        made = [
            (10, "ok", True),
            (20, "ok", False),
            (30, "caution", False),
            *((s, "alarm", False) for s in (40, 50, 60)),
        ]
        assert self.keep(database, job[0], *made) == [60, 50, 30, 10]

    def test_it_may_be_one_of_the_newest(self, database: Database, job: tuple[Job, Lease]) -> None:
        assert self.keep(database, job[0], (10, "ok", False), (20, "alarm", False), (30, "ok", False)) == [30, 20]

    def test_one_of_before_the_first_assessment_counts(self, database: Database, job: tuple[Job, Lease]) -> None:
        made = [(10, None, False), *((step, "alarm", False) for step in (20, 30, 40))]
        assert self.keep(database, job[0], *made) == [40, 30, 10]

    def test_there_may_be_none(self, database: Database, job: tuple[Job, Lease]) -> None:
        assert self.keep(database, job[0], *((step, "alarm", False) for step in (10, 20, 30))) == [30, 20]


def test_lists_of_jobs_read_no_report(database: Database, job: tuple[Job, Lease]) -> None:
    assess(database, *job, (10, "mode_collapse"))
    with database.read() as session:
        (found,) = jobs.list_jobs(session, JobFilter(verdicts=[Verdict.MODE_COLLAPSE]), None, 10)
        assert found.verdict == "mode_collapse"
        assert "health" not in vars(found)
