"""What the database makes of a rollback: the job goes on from a checkpoint, and what came after it is a segment."""

from dataclasses import fields
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.health import PATCH, REMEDY, REMEDY_TEXT, recorded_to, report, roll_back
from support.problems import problem_of
from support.progress import checkpoint, finish, queue_job, record, running_job

from models import evaluations, events, leases, metrics, reports, rollups, samples
from models.database import Database
from models.leases import Lease, LeaseLost
from models.rollups import WIDTHS
from models.settings import Settings
from models.storage import job_folder, open_storage
from models.summaries import Summaries
from models.tables import Job

ALARM = report(50, "mode_collapse", 0.9, 30)
NAMES = ["d_loss", "g_loss", "d_real"]


@pytest.fixture
def job(database: Database, settings: Settings) -> tuple[Job, Lease]:
    """A running job that is recorded to step 50; the checkpoints of steps 10 and 20 are healthy."""
    job, lease = running_job(database)
    recorded_to(database, open_storage(settings.storage_url), job, lease)
    return job, lease


def again(database: Database, job: Job) -> Job:
    with database.read() as session:
        return session.get_one(Job, job.number)


def changed(
    step: int, verdict: str, since: int, confidence: float = 0.5, previous: str = "mode_collapse"
) -> dict[str, Any]:
    """The data of an event that says that the verdict is better again."""
    now = {"step": step, "verdict": verdict, "severity": "ok", "since_step": since, "confidence": confidence}
    return now | {"previous": previous}


def of(segment: int | None) -> dict[str, int]:
    return {} if segment is None else {"segment": segment}


class TestRollback:
    def test_what_came_after_the_checkpoint_is_a_segment(self, database: Database, job: tuple[Job, Lease]) -> None:
        folder = f"{job_folder(job[0].id)}/checkpoints"
        dropped = roll_back(database, job[1], 20, ALARM)
        assert sorted(dropped) == [f"{folder}/0-{step}-1" for step in (30, 40)]
        with database.read() as session:
            now = session.get_one(Job, job[0].number)
            for segment, steps in ((0, range(1, 21)), (1, range(21, 51))):
                rows = metrics.read_rows(session, now, ["g_loss"], segment=segment)
                assert rows.steps.tolist() == list(steps)
                assert rows.values[:, 0].tolist() == pytest.approx([step / 100 for step in steps])
                tens = [step for step in steps if step % 10 == 0]
                found = evaluations.list_evaluations(session, now, segment=segment)
                values = [(step, {"sliced_wasserstein": step / 10}) for step in tens]
                assert [(each.step, each.values) for each in found] == values
                assert [each.step for each in reports.list_reports(session, (now.number, segment))] == tens
                drawn = [each.step for each in samples.list_samples(session, now, segment=segment)]
                assert drawn == ([0, *tens] if segment == 0 else tens)
            assert [each.step for each in samples.list_checkpoints(session, now.number, 0)] == [20, 10]
            assert [each.step for each in samples.list_checkpoints(session, now.number, 1)] == [50]

    def test_the_job_says_what_it_is_now(self, database: Database, job: tuple[Job, Lease]) -> None:
        before = again(database, job[0])
        assert (before.verdict, before.severity, before.rollbacks) == ("mode_collapse", "alarm", 0)
        roll_back(database, job[1], 20, ALARM)
        now = again(database, job[0])
        assert (now.verdict, now.severity, now.health) == ("balanced", "ok", report(20, "balanced"))
        assert (now.step, now.segment, now.rollbacks, now.latest_metrics) == (20, 0, 1, None)
        assert now.latest_evaluation == {"step": 20, "values": {"sliced_wasserstein": 2.0}}
        assert now.revision > before.revision

    def test_why_and_how_is_kept(self, database: Database, job: tuple[Job, Lease]) -> None:
        roll_back(database, job[1], 20, ALARM)
        with database.read() as session:
            (left,) = reports.list_segments(session, job[0])
            assert (left.number, left.after_step, left.last_step, left.verdict) == (1, 20, 50, "mode_collapse")
            assert (left.report, left.remedy, left.remedy_text) == (ALARM, REMEDY, REMEDY_TEXT)
            assert (left.spec_patch, left.stream) == (PATCH, 0)
            told = [(each.kind, each.level, each.data) for each in events.list_events(session, job[0].number)][-3:]
        data = {"segment": 1, "from_step": 50, "to_step": 20, "verdict": "mode_collapse", "remedy": REMEDY}
        assert told == [
            ("job.rolled_back", "warning", data | {"rollback": 1}),
            ("job.rewound", "info", {"step": 20}),
            ("health.changed", "info", changed(20, "balanced", since=20)),
        ]

    def test_one_after_the_other(self, database: Database, job: tuple[Job, Lease]) -> None:
        """The second goes to the very beginning, and takes the sample of step 0 along."""
        roll_back(database, job[1], 20, ALARM)
        record(database, *job, 21, [(9.0,) * 9] * 5)
        assert len(roll_back(database, job[1], 0, report(25, "diverging"))) == 1
        record(database, *job, 1, [(8.0,) * 9] * 3)
        now = again(database, job[0])
        assert (now.step, now.verdict, now.rollbacks) == (3, None, 2)
        with database.read() as session:
            assert [each.number for each in reports.list_segments(session, now)] == [1, 2]
            steps = [metrics.read_rows(session, now, ["d_loss"], segment=number).steps for number in (0, 1, 2)]
            assert [each.tolist() for each in steps] == [[1, 2, 3], [*range(21, 51)], [*range(1, 26)]]
            drawn = [[each.step for each in samples.list_samples(session, now, segment=number)] for number in (0, 1, 2)]
            assert drawn == [[], [30, 40, 50], [0, 10, 20]]
            left = [[each.step for each in samples.list_checkpoints(session, now.number, each)] for each in (0, 1, 2)]
            assert left == [[], [50], [20]]
            told = [each for each in events.list_events(session, now.number) if each.kind == "health.changed"]
        assert told[-1].data == changed(0, "warming_up", since=0, confidence=0.0, previous="balanced")
        assert told[-1].message.startswith("warming_up since step 0, as after step 0: ")

    def test_the_best_checkpoint_is_kept_beside_the_newest(
        self, database: Database, settings: Settings, job: tuple[Job, Lease], client: httpx.Client
    ) -> None:
        """What is the best of the line is then the best of what is left of it."""
        storage = open_storage(settings.storage_url)
        for step, value in ((10, 0.9), (20, 0.8), (30, 0.7), (40, 0.6)):
            checkpoint(database, storage, *job, step, ("sliced_wasserstein", value))
        assert [folder.rpartition("/")[2] for folder in roll_back(database, job[1], 20, ALARM)] == ["0-30-1"]
        path = f"/v1/jobs/{job[0].id}/checkpoints"
        listed = {segment: client.get(path, params=of(segment)).json()["data"] for segment in (None, 0, 1)}
        assert listed[None] == listed[0]
        steps_and_best = {
            segment: [(each["step"], each["best"] and each["best"]["value"]) for each in found]
            for segment, found in listed.items()
        }
        assert steps_and_best == {None: [(20, 0.8), (10, None)], 0: [(20, 0.8), (10, None)], 1: [(50, None), (40, 0.6)]}
        for each in listed[0] + listed[1]:
            (file,) = (file for file in each["files"] if file["name"] == "generator.safetensors")
            found = client.get(file["url"]).raise_for_status()
            assert (found.content, found.headers["Checkpoint-Step"]) == (
                b"weights of %d" % each["step"],
                str(each["step"]),
            )
        best = client.get(f"{path}/best/files/generator.safetensors").raise_for_status()
        assert best.content == b"weights of 20"

    def test_a_checkpoint_is_of_one_segment(
        self, database: Database, job: tuple[Job, Lease], client: httpx.Client
    ) -> None:
        roll_back(database, job[1], 20, ALARM)
        path = f"/v1/jobs/{job[0].id}/checkpoints"
        for segment, step, steps in ((1, 20, [50]), (0, 50, [20, 10])):
            response = client.get(f"{path}/{step}/files/state.json", params={"segment": segment})
            (error,) = problem_of(response, 404, "checkpoint_not_found")["errors"]
            assert (error["field"], error["limit"]) == ("step", steps)
        for asked in (path, f"{path}/20/files/state.json"):
            problem_of(client.get(asked, params={"segment": 2}), 404, "segment_not_found")

    def test_a_deleted_job_leaves_nothing(
        self, database: Database, settings: Settings, job: tuple[Job, Lease], client: httpx.Client
    ) -> None:
        roll_back(database, job[1], 20, ALARM)
        finish(database, job[1])
        kept = open_storage(settings.storage_url).path(f"{job_folder(job[0].id)}/checkpoints/0-50-1", "state.json")
        assert kept.exists()
        client.delete(f"/v1/jobs/{job[0].id}").raise_for_status()
        assert not kept.exists()
        with database.read() as session:
            assert samples.list_checkpoints(session, job[0].number, 1) == []
            assert reports.list_segments(session, job[0]) == []
            assert reports.list_reports(session, (job[0].number, 1)) == []

    def test_a_worker_without_its_lease_changes_nothing(self, database: Database, job: tuple[Job, Lease]) -> None:
        before = again(database, job[0])
        with pytest.raises(LeaseLost):
            roll_back(database, Lease(job[0].number, job[1].attempt + 1), 20, ALARM)
        now = again(database, job[0])
        assert (now.step, now.rollbacks, now.revision) == (50, 0, before.revision)
        with database.read() as session:
            assert reports.list_segments(session, now) == []


class TestRewind:
    def test_health_goes_back_too(self, database: Database, job: tuple[Job, Lease]) -> None:
        with database.write() as session:
            leases.rewind(session, job[1], 0, 20)
        now = again(database, job[0])
        assert (now.verdict, now.severity, now.health) == ("balanced", "ok", report(20, "balanced"))
        with database.read() as session:
            assert [each.step for each in reports.list_reports(session, (now.number, 0))] == [10, 20]
        with database.write() as session:
            leases.rewind(session, job[1], 0, 0)
        now = again(database, job[0])
        assert (now.verdict, now.severity, now.health) == (None, None, None)

    def test_whoever_was_told_of_a_verdict_is_told_that_it_is_gone(
        self, database: Database, job: tuple[Job, Lease]
    ) -> None:
        for step in (40, 20, 10, 0):
            with database.write() as session:
                leases.rewind(session, job[1], 0, step)
        with database.read() as session:
            told = [each for each in events.list_events(session, job[0].number) if each.kind == "health.changed"]
        # At step 40 the verdict is what it was at step 50, at step 10 what it is at step 20.
        assert [each.data for each in told] == [
            changed(20, "balanced", since=20),
            changed(0, "warming_up", since=0, confidence=0.0, previous="balanced"),
        ]
        assert told[0].message.startswith("balanced since step 20, as after step 20: ")


def assert_same(found: Summaries, wanted: Summaries) -> None:
    for field in fields(found):
        is_now, should_be = (getattr(each, field.name).astype(np.float64) for each in (found, wanted))
        tolerance = 1e-9 if field.name == "total" else 0  # sums are made in another order
        np.testing.assert_allclose(is_now, should_be, rtol=0, atol=tolerance, err_msg=field.name)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([0, 0, 7, 40, 5000]),
    kept=st.integers(0, 600),
    blocks=st.lists(st.integers(1, 300), min_size=1, max_size=4),
)
def test_roll_ups_of_both_sides_are_what_their_rows_say(
    database: Database, start: int, kept: int, blocks: list[int]
) -> None:
    """The segment and the line that was gone back to have the roll-ups that they would have had by themselves."""
    job_id = queue_job(database)
    total = sum(blocks)
    kept = min(kept, total)
    values = np.random.default_rng(total).normal(size=(total, len(NAMES))).astype(np.float32)
    values[total // 2, 0] = np.nan
    with database.write() as session:
        number = session.query(Job).filter_by(id=job_id).one().number
        for end, count in zip(np.cumsum(blocks).tolist(), blocks, strict=True):
            metrics.write_block(session, (number, 0), start + end - count + 1, values[end - count : end])
        assert metrics.archive(session, (number, 0), start + kept, 3) == start + total
        metrics.write_block(session, (number, 7), start + 1, values[:kept])
        metrics.write_block(session, (number, 8), start + kept + 1, values[kept:])
        for mine, alone in ((0, 7), (3, 8)):
            for level in range(len(WIDTHS)):
                levels = (
                    rollups.read(session, (number, segment), level, 1, start + total, len(NAMES))
                    for segment in (mine, alone)
                )
                assert_same(*levels)
