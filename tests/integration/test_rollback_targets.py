"""Where a job goes back to from an alarm, and what a fork of one that has been rescued goes on with."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.progress import queue_job
from support.rolled_back import (
    BALANCED,
    COLLAPSE,
    HEALTH,
    ON_ONE,
    RATE,
    SHOWN,
    SLOWER,
    checkpoints,
    collapses,
    damage,
    follow,
    learning_rate,
    rows,
    segments,
    told,
)
from support.runs import read, run

from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.tables import Job, Sample
from models.verdicts import Report, Verdict
from worker.rollback import roll_back


@ON_ONE
class TestWhereTo:
    def test_not_to_a_checkpoint_that_was_made_in_an_alarm(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nor to one from after the alarm's beginning, however late it was seen."""

        def script(spec: JobSpec, _stream: int, step: int) -> Verdict:
            if learning_rate(spec) < RATE or step <= 20:
                return BALANCED
            return Verdict.STALLED if step == 30 else COLLAPSE

        follow(monkeypatch, script)
        queue_job(database, checkpoint_every=10, keep_checkpoints=20, health=HEALTH | {"patience": 20})
        job = read(database, run(quick))
        # It collapses since step 30, where it had stalled.
        assert [(left.report["since_step"], left.after_step) for left in segments(database, job)] == [(30, 20)]

    def test_to_before_its_first_signs_which_pruning_leaves(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A verdict needs signs in several windows in a row, by the end of which more checkpoints than are kept have
        been made."""
        follow(monkeypatch, collapses, windows=6)
        queue_job(database, checkpoint_every=10, health=HEALTH)
        job = read(database, run(quick))
        assert (job.status, job.rollbacks, job.spec["keep_checkpoints"]) == ("succeeded", 1, 3)
        (left,) = segments(database, job)
        assert (left.report["step"], left.report["since_step"], left.after_step) == (90, 30, 30)
        assert checkpoints(database, job) == [(step, "ok") for step in (100, 90, 80)]

    def test_to_the_newest_without_signs_where_none_is_of_before_them(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Signs that come and go are as old as the first of them; later networks without any are better than none."""

        def when_all_is_stored(*arguments: Any) -> Any:
            for step in (10, 20):
                damage(quick, f"0-{step}-1")
            return roll_back(*arguments[:3], older(arguments[3]), *arguments[4:])

        def older(report: Report) -> Report:
            return report.model_copy(update={"since_step": 20})

        monkeypatch.setattr("worker.runner.roll_back", when_all_is_stored)
        follow(monkeypatch, lambda spec, _, step: COLLAPSE if step > 40 and learning_rate(spec) == RATE else BALANCED)
        queue_job(database, checkpoint_every=10, keep_checkpoints=20, health=HEALTH)
        job = read(database, run(quick))
        assert [left.after_step for left in segments(database, job)] == [40]
        assert told(database, job, "checkpoint.damaged") == [{"step": 20}, {"step": 10}]

    def test_back_to_the_start_where_there_is_none(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        follow(monkeypatch, collapses)
        job_id = queue_job(database, health=HEALTH)
        job = read(database, run(quick))
        assert (job.id, job.status, job.rollbacks) == (job_id, "succeeded", 1)
        (left,) = segments(database, job)
        assert (left.after_step, left.last_step) == (0, 40)
        assert set(rows(database, job, 0).values()) == {round(0.3 * SHOWN, 4)}
        with database.read() as session:
            drawn = session.execute(select(Sample.segment, Sample.step).order_by(Sample.segment, Sample.step))
            assert [tuple(each) for each in drawn] == [(0, 0), (0, 100), (1, 0)]

    def test_a_damaged_one_is_passed_over(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def when_all_is_stored(*arguments: Any) -> Any:
            damage(quick, "0-30-1")
            return roll_back(*arguments)

        monkeypatch.setattr("worker.runner.roll_back", when_all_is_stored)
        follow(monkeypatch, collapses)
        queue_job(database, checkpoint_every=10, health=HEALTH)
        job = read(database, run(quick))
        assert (job.status, [left.after_step for left in segments(database, job)]) == ("succeeded", [20])
        assert told(database, job, "checkpoint.damaged") == [{"step": 30}]

    def test_a_fork_goes_back_to_where_it_began(
        self, quick: Settings, database: Database, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        follow(monkeypatch, lambda *_: COLLAPSE)
        parent = queue_job(database, checkpoint_every=50)
        run(quick)
        changes = {"checkpoint_every": 10, "health": HEALTH | {"remedies": SLOWER, "patience": 30}}
        made = client.post(f"/v1/jobs/{parent}/fork", json={"step": 50, "changes": changes}).raise_for_status()
        follow(monkeypatch, lambda spec, *_: COLLAPSE if learning_rate(spec) == RATE else BALANCED)
        assert run(quick) == made.json()["id"]
        job = read(database, made.json()["id"])
        assert (job.status, job.rollbacks) == ("succeeded", 1)
        assert [(left.after_step, left.last_step) for left in segments(database, job)] == [(50, 60)]
        assert sorted(rows(database, job, 0)) == list(range(51, 101))


NOISE: list[dict[str, Any]] = [{"kind": "new_noise_stream"}]


@ON_ONE
class TestForksOfTheRescued:
    @pytest.fixture
    def rescued(self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Job:
        """A job that has gone back to step 30, and on with the noise of stream 1."""
        follow(monkeypatch, lambda _, stream, step: COLLAPSE if step > 30 and not stream else BALANCED)
        queue_job(database, checkpoint_every=10, keep_checkpoints=20, health=HEALTH | {"remedies": NOISE})
        return read(database, run(quick))

    def fork(self, client: httpx.Client, parent: Job, step: int, key: str, **health: Any) -> str:
        asked = {"step": step, "changes": {"steps": 120, "checkpoint_every": 10, "health": HEALTH | health}}
        headers = {"Idempotency-Key": key}
        made = client.post(f"/v1/jobs/{parent.id}/fork", json=asked, headers=headers).raise_for_status()
        return str(made.json()["id"])

    def streams(self, database: Database, job: Job, segment: int = 0) -> set[float]:
        return set(rows(database, job, segment, "g_loss").values())

    @pytest.mark.parametrize("step", [20, 30, 100])
    def test_it_goes_on_with_the_noise_that_helped(
        self, quick: Settings, database: Database, client: httpx.Client, rescued: Job, step: int
    ) -> None:
        """As with every other remedy, from whichever checkpoint."""
        assert self.streams(database, rescued) == {0.0, 1.0}
        made = self.fork(client, rescued, step, "a")
        assert self.fork(client, rescued, step, "a") == made
        assert run(quick) == made
        fork = read(database, made)
        assert (fork.status, fork.rollbacks, self.streams(database, fork)) == ("succeeded", 0, {1.0})

    def test_it_counts_on(
        self,
        quick: Settings,
        database: Database,
        client: httpx.Client,
        monkeypatch: pytest.MonkeyPatch,
        rescued: Job,
    ) -> None:
        """A fork that goes back itself, and a fork of that one."""
        follow(monkeypatch, lambda _, stream, step: COLLAPSE if step > 50 and stream < 2 else BALANCED)
        first = self.fork(client, rescued, 40, "a", remedies=NOISE)
        assert run(quick) == first
        fork = read(database, first)
        assert [(left.after_step, left.stream) for left in segments(database, fork)] == [(50, 2)]
        assert [self.streams(database, fork, segment) for segment in (0, 1)] == [{1.0, 2.0}, {1.0}]
        assert fork.origin is not None
        assert (fork.origin["rollbacks"], fork.origin["stream"]) == (1, 1)
        second = self.fork(client, fork, 60, "b")
        assert run(quick) == second
        assert self.streams(database, read(database, second)) == {2.0}
