"""Going back from an alarm with a remedy: where to, what with, how often, and whatever happens meanwhile."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.progress import ask, queue_job
from support.rolled_back import (
    BALANCED,
    COLLAPSE,
    HEALTH,
    ON_ONE,
    RATE,
    SHOWN,
    SLOWER,
    always_collapses,
    checkpoints,
    collapses,
    follow,
    learning_rate,
    rows,
    segments,
    told,
)
from support.runs import Died, crash_after, read, run
from support.scripted import at_alarms, scripted

from models import actions, samples
from models.database import Database
from models.health_tables import HealthReport
from models.settings import Settings
from models.spec import JobSpec
from models.tables import Job
from models.verdicts import Verdict
from worker.recorder import RecordedJob, Recorder
from worker.rollback import changed_fields, roll_back


class TestRemedies:
    def test_it_goes_on_from_before_the_alarm_with_the_first_remedy(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        follow(monkeypatch, collapses)
        queue_job(database, checkpoint_every=10, keep_checkpoints=20, health=HEALTH | {"patience": 20})
        job = read(database, run(quick))
        assert (job.status, job.status_reason, job.step) == ("succeeded", "every step was trained", 100)
        assert (job.rollbacks, job.segment, job.verdict, job.attempt) == (1, 0, "balanced", 1)
        assert rows(database, job, 1) == dict.fromkeys(range(31, 51), SHOWN)
        lowered = dict.fromkeys(range(31, 101), round(0.3 * SHOWN, 4))
        assert rows(database, job, 0) == dict.fromkeys(range(1, 31), SHOWN) | lowered
        (left,) = segments(database, job)
        assert (left.number, left.after_step, left.last_step, left.verdict, left.stream) == (1, 30, 50, COLLAPSE, 0)
        assert (left.report["step"], left.report["since_step"]) == (50, 30)
        assert left.remedy == {"kind": "lower_learning_rate", "factor": 0.3, "player": "both"}
        assert left.remedy_text == "both learning rates times 0.3"
        rates = {f"{player}.optimizer.learning_rate": pytest.approx(6e-5) for player in ("generator", "discriminator")}
        assert left.spec_patch == rates
        (back,) = told(database, job, "job.rolled_back")
        assert (back["segment"], back["from_step"], back["to_step"], back["rollback"]) == (1, 50, 30, 1)
        assert [data["step"] for data in told(database, job, "health.changed")] == [10, 40, 30]
        assert checkpoints(database, job) == [(step, "ok") for step in range(100, 0, -10)]
        folder = quick.resolved_data_folder / "files/jobs" / job.id / "checkpoints"
        names = [f"0-{step}-1" for step in (10, 20, 30, 40)] + [f"1-{step}-1" for step in range(40, 101, 10)]
        assert sorted(path.name for path in folder.iterdir()) == sorted(names)
        with database.read() as session:
            (archived,) = samples.list_checkpoints(session, job.number, 1)
        assert (archived.step, archived.folder.rpartition("/")[2]) == (40, "0-40-1")
        with database.read() as session:
            assessed = select(HealthReport.segment, HealthReport.step).order_by(HealthReport.step, HealthReport.segment)
            assert [step for segment, step in session.execute(assessed) if segment] == [40, 50]

    @ON_ONE
    def test_what_it_trains_by_is_a_remedy_more_each_time(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And in the end it fails, with what was made of it."""
        follow(monkeypatch, always_collapses)
        remedies = [*SLOWER, {"kind": "add_r1", "weight": 4.0}, {"kind": "new_noise_stream"}]
        queue_job(database, checkpoint_every=30, health=HEALTH | {"remedies": remedies, "max_rollbacks": 4})
        job = read(database, run(quick))
        message = "stopped after step 40: mode_collapse since step 30, 4 rollbacks tried. It is mode_collapse."
        assert (job.status, job.step, job.rollbacks) == ("failed", 40, 4)
        about = {"kind": "health_alarm", "message": message, "step": 40, "verdict": "mode_collapse", "rollbacks": 4}
        assert job.error == about
        assert [set(rows(database, job, number).values()) for number in range(5)] == [
            {SHOWN, SHOWN / 2},
            {SHOWN},
            *[{SHOWN / 2}] * 3,
        ]
        streams = [set(rows(database, job, number, "g_loss").values()) for number in range(1, 5)]
        assert streams == [{0.0}, {0.0}, {0.0}, {1.0}]
        found = segments(database, job)
        assert [(left.remedy["kind"], left.stream) for left in found] == [
            ("lower_learning_rate", 0),
            ("add_r1", 0),
            ("new_noise_stream", 1),
            ("new_noise_stream", 2),
        ]
        assert list(found[1].spec_patch) == ["regularizers"]
        assert found[1].spec_patch["regularizers"][0]["weight"] == 4.0
        assert found[2].spec_patch == {}
        assert [data["action"] for data in told(database, job, "health.acted")] == ["stop"]
        assert checkpoints(database, job) == [(40, "alarm"), (30, "ok")]
        assert job.metric_names == list(JobSpec.model_validate(job.spec).metric_names)
        assert "r1_penalty" in job.metric_names

    @ON_ONE
    def test_numbers_that_are_none_are_gone_back_from_too(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def diverges(spec: JobSpec, _stream: int, step: int) -> Verdict:
            return Verdict.NON_FINITE if step > 30 and learning_rate(spec) > RATE / 3 else BALANCED

        follow(monkeypatch, diverges)
        asked = HEALTH | {"remedies": SLOWER, "max_rollbacks": 2}
        queue_job(database, checkpoint_every=30, health=asked)
        job = read(database, run(quick))
        assert (job.status, job.rollbacks) == ("succeeded", 2)
        assert [left.verdict for left in segments(database, job)] == ["non_finite"] * 2
        queue_job(database, checkpoint_every=30, health=asked | {"max_rollbacks": 1})
        job = read(database, run(quick))
        assert (job.status, job.step, job.rollbacks) == ("failed", 40, 1)
        assert job.error is not None
        assert (job.error["kind"], job.error["verdict"]) == ("health_alarm", "non_finite")
        assert "1 rollback tried" in job.error["message"]
        # Of such networks there is nothing to keep.
        assert checkpoints(database, job) == [(30, "ok")]

    @ON_ONE
    def test_training_time_counts_on(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorders: list[Recorder] = []
        begun: list[float] = []

        class Remembered(Recorder):
            def __init__(self, writer: Any, storage: Any, job: RecordedJob, *others: Any) -> None:
                begun.append(job.training_seconds)
                recorders.append(self)
                super().__init__(writer, storage, job, *others)

        monkeypatch.setattr("worker.runner.Recorder", Remembered)
        follow(monkeypatch, collapses)
        queue_job(database, checkpoint_every=30, health=HEALTH)
        job = read(database, run(quick))
        assert begun == [0.0, recorders[0].training_seconds]
        assert begun[1] > 0
        assert job.training_seconds == pytest.approx(recorders[1].training_seconds)


INTERRUPTED: dict[str, Any] = {
    "checkpoint_every": 20,
    "health": HEALTH | {"patience": 20, "max_rollbacks": 2, "remedies": SLOWER},
}


class TestInterrupted:
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_worker_that_dies_on_the_way_back_changes_nothing(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        follow(
            monkeypatch, lambda spec, _, step: COLLAPSE if step > 30 and learning_rate(spec) > RATE / 3 else BALANCED
        )
        undisturbed = read(database, queue_job(database, **INTERRUPTED))
        run(quick)
        job_id = queue_job(database, **INTERRUPTED)
        for _ in range(2):
            with monkeypatch.context() as patched:
                dies(patched, moment)
                with pytest.raises(Died):
                    run(quick)
            crash_after(read(database, job_id), database)
        assert run(quick) == job_id
        job = read(database, job_id)
        assert (job.status, job.attempt, job.rollbacks) == ("succeeded", 3, 2)
        assert self.recorded(database, job) == self.recorded(database, undisturbed)

    def recorded(self, database: Database, job: Job) -> dict[str, Any]:
        left = segments(database, job)
        with database.read() as session:
            query = select(HealthReport).where(HealthReport.job_number == job.number)
            found = session.scalars(query.order_by(HealthReport.segment, HealthReport.step)).all()
        return {
            "rows": [rows(database, job, number) for number in range(len(left) + 1)],
            "segments": [(each.after_step, each.last_step, each.report, each.spec_patch, each.stream) for each in left],
            "assessed": [(each.segment, each.step, each.report, each.reading) for each in found],
            "checkpoints": checkpoints(database, job),
        }

    @ON_ONE
    @pytest.mark.parametrize(
        ("wish", "status", "step", "rollbacks"),
        [(actions.cancel, "cancelled", 50, 0), (actions.pause, "paused", 20, 1)],
    )
    def test_requests_keep_their_meaning(
        self,
        quick: Settings,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
        wish: Any,
        status: str,
        step: int,
        rollbacks: int,
    ) -> None:
        job_id = queue_job(database, **INTERRUPTED)
        disturbed = at_alarms(scripted(collapses), lambda: ask(database, job_id, wish))
        monkeypatch.setattr("worker.runner.train", disturbed)
        run(quick)
        job = read(database, job_id)
        assert (job.status, job.step, job.rollbacks) == (status, step, rollbacks)


def dies(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """The worker's end as it goes back: before what it does is committed, or right after."""

    def deadly(*arguments: Any) -> Any:
        if moment == "after":
            roll_back(*arguments)
        raise Died

    monkeypatch.setattr("worker.runner.roll_back", deadly)


@ON_ONE
def test_the_real_engine_goes_on_as_a_fork_with_the_remedy_would(
    quick: Settings, database: Database, client: httpx.Client
) -> None:
    steep = {"kind": "sgd", "learning_rate": 5.0, "schedule": {"kind": "cosine", "warm_up_steps": 60}}
    player = {"kind": "mlp", "hidden_sizes": [8], "optimizer": steep}
    remedies = [{"kind": "lower_learning_rate", "factor": 0.01}]
    job_id = queue_job(
        database,
        generator=player,
        discriminator=player,
        loss={"kind": "least_squares"},
        steps=60,
        checkpoint_every=5,
        keep_checkpoints=20,
        health=HEALTH | {"every": 10, "remedies": remedies},
    )
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.step, job.rollbacks) == ("succeeded", 60, 1)
    (left,) = segments(database, job)
    assert (left.after_step, left.verdict) == (10, "non_finite")
    assert left.after_step < left.last_step < 60
    trained_by = {player: {"optimizer": {"learning_rate": 0.05}} for player in ("generator", "discriminator")}
    made = client.post(f"/v1/jobs/{job_id}/fork", json={"step": 10, "changes": trained_by}).raise_for_status()
    assert run(quick) == made.json()["id"]
    fork = read(database, made.json()["id"])
    assert rows(database, fork, 0) == {step: loss for step, loss in rows(database, job, 0).items() if step > 10}


def test_changed_fields_are_paths_with_lists_as_one_value() -> None:
    before = {"a": {"b": 1, "c": None}, "d": [1, 2], "e": {"kind": "x"}, "f": 1}
    after = {"a": {"b": 2, "c": {"k": 1}}, "d": [1, 3], "e": {"kind": "x"}, "f": 1}
    assert changed_fields(before, after) == {"a.b": 2, "a.c": {"k": 1}, "d": [1, 3]}
