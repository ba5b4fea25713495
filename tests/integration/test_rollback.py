"""Going back from an alarm with a remedy: where to, what with, how often, and whatever happens meanwhile."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.progress import ask, queue_job
from support.runs import QUICK, Died, crash_after, read, run
from support.scripted import Script, at_alarms, scripted

from models import actions, metrics, reports, samples
from models.database import Database
from models.health_tables import HealthReport, Segment
from models.settings import Settings
from models.spec import JobSpec
from models.storage import open_storage
from models.tables import Event, Job, Sample
from models.verdicts import Report, Verdict
from worker.recorder import RecordedJob, Recorder
from worker.rollback import changed_fields, roll_back

BALANCED, COLLAPSE = Verdict.BALANCED, Verdict.MODE_COLLAPSE
HEALTH: dict[str, Any] = {"on_alarm": "rollback"}
# Both players' by default, and 1e4 times that, which is what the scripted rows hold.
RATE, SHOWN = 2e-4, 2.0
# What no database does otherwise than another.
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SLOWER: list[dict[str, Any]] = [{"kind": "lower_learning_rate", "factor": 0.5}]


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update=QUICK)


def learning_rate(spec: JobSpec) -> float:
    return spec.generator.optimizer.learning_rate


def collapses(spec: JobSpec, _stream: int, step: int) -> Verdict:
    """After step 30, until the learning rate is lower."""
    return COLLAPSE if step > 30 and learning_rate(spec) == RATE else BALANCED


def always_collapses(_spec: JobSpec, _stream: int, step: int) -> Verdict:
    return COLLAPSE if step > 30 else BALANCED


def follow(monkeypatch: pytest.MonkeyPatch, script: Script, windows: int = 1) -> None:
    monkeypatch.setattr("worker.runner.train", scripted(script, windows=windows))


def rows(database: Database, job: Job, segment: int, name: str = "d_loss") -> dict[int, float]:
    """A metric by step."""
    with database.read() as session:
        job = session.get_one(Job, job.number)
        session.expunge(job)
        job.segment = segment
        found = metrics.read_rows(session, job, [name], limit=1000)
    return {
        step: round(value, 4) for step, value in zip(found.steps.tolist(), found.values[:, 0].tolist(), strict=True)
    }


def told(database: Database, job: Job, kind: str) -> list[dict[str, Any]]:
    with database.read() as session:
        query = select(Event.data).where(Event.job_number == job.number, Event.kind == kind)
        return list(session.scalars(query.order_by(Event.number)))


def segments(database: Database, job: Job) -> list[Segment]:
    with database.read() as session:
        return list(reports.list_segments(session, job))


def checkpoints(database: Database, job: Job) -> list[tuple[int, str | None]]:
    with database.read() as session:
        return [(each.step, each.severity) for each in samples.list_checkpoints(session, job.number, 0)]


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


def damage(settings: Settings, checkpoint: str) -> None:
    (folder,) = (settings.resolved_data_folder / "files/jobs").glob(f"*/checkpoints/{checkpoint}")
    open_storage(settings.storage_url).path(str(folder), "state.json").write_bytes(b"{}")


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
