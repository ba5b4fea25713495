"""What is done about an alarm or a plateau, and that it is done whatever happens to the worker meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.progress import ask, queue_job
from support.runs import Died, crash_after, event_kinds, read, run
from support.scripted import Training, at_alarms, scripted

from models import actions, samples
from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.tables import Event, Job
from models.verdicts import Verdict
from worker.runner import Attempt

Request = Callable[[Session, Job], object]
# What no database does otherwise than another.
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
COLLAPSED = "mode_collapse since step 30"


@pytest.fixture
def collapse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs whose generator collapses after step 30, for good."""
    becomes(monkeypatch, Verdict.MODE_COLLAPSE)


def becomes(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    monkeypatch.setattr("worker.runner.train", going_wrong(verdict))


def going_wrong(verdict: Verdict) -> Callable[..., Training]:
    return scripted(lambda _spec, _stream, step: verdict if step > 30 else Verdict.BALANCED)


def going_wrong_at_last(_spec: JobSpec, _stream: int, step: int) -> Verdict:
    """In the last window, after which there would be nothing to pause."""
    return Verdict.NON_FINITE if step == 100 else Verdict.BALANCED


def event_of(database: Database, job: Job, kind: str) -> Event:
    """The only one of its kind."""
    with database.read() as session:
        return session.scalars(select(Event).where(Event.job_number == job.number, Event.kind == kind)).one()


def kept(database: Database, job: Job) -> list[tuple[str, int]]:
    """The job's samples and checkpoints."""
    with database.read() as session:
        drawn = [("sample", each.step) for each in samples.list_samples(session, job)]
        return drawn + [("checkpoint", each.step) for each in samples.list_checkpoints(session, job.number, 0)]


@pytest.mark.usefixtures("collapse")
class TestAlarms:
    @ON_ONE
    def test_by_default_it_is_only_recorded(self, quick: Settings, database: Database) -> None:
        queue_job(database)
        job = read(database, run(quick))
        assert (job.status, job.verdict, job.severity) == ("succeeded", "mode_collapse", "alarm")
        assert "health.acted" not in event_kinds(database, job)

    def test_a_pause_keeps_the_step_and_can_be_resumed(self, quick: Settings, database: Database) -> None:
        job_id = queue_job(database, health={"on_alarm": "pause", "patience": 20})
        job = read(database, run(quick))
        reason = f"paused after step 50: {COLLAPSED}. It is mode_collapse."
        assert (job.status, job.step, job.status_reason, job.error) == ("paused", 50, reason, None)
        assert (job.lease_expires_at, job.verdict) == (None, "mode_collapse")
        assert kept(database, job) == [("sample", 0), ("sample", 50), ("checkpoint", 50)]
        acted = event_of(database, job, "health.acted")
        assert (acted.level, acted.message, acted.data) == ("warning", reason, acted_on("pause"))
        assert event_kinds(database, job)[-3:] == ["health.changed", "health.acted", "job.paused"]
        ask(database, job_id, actions.resume)
        assert run(quick) == job_id
        job = read(database, job_id)
        # The alarm lasts, and has been answered.
        assert (job.status, job.step, job.severity) == ("succeeded", 100, "alarm")
        assert event_kinds(database, job).count("health.acted") == 1

    def test_a_stop_fails_with_what_was_made_of_it(self, quick: Settings, database: Database) -> None:
        queue_job(database, health={"on_alarm": "stop"})
        job = read(database, run(quick))
        reason = f"stopped after step 40: {COLLAPSED}. It is mode_collapse."
        assert (job.status, job.step, job.status_reason) == ("failed", 40, reason)
        about = {"kind": "health_alarm", "message": reason, "step": 40, "verdict": "mode_collapse", "rollbacks": 0}
        assert job.error == about
        assert kept(database, job) == [("sample", 0), ("sample", 40), ("checkpoint", 40)]
        acted = event_of(database, job, "health.acted")
        assert (acted.level, acted.data) == ("error", acted_on("stop") | {"step": 40})
        assert event_kinds(database, job)[-1] == "job.failed"

    @ON_ONE
    @pytest.mark.parametrize(("asked", "status"), [("stop", "failed"), ("pause", "succeeded")])
    def test_after_the_last_step_there_is_nothing_to_pause_but_much_to_say(
        self, quick: Settings, database: Database, asked: str, status: str
    ) -> None:
        queue_job(database, steps=40, health={"on_alarm": asked})
        job = read(database, run(quick))
        assert (job.status, job.step) == (status, 40)
        assert ("health.acted" in event_kinds(database, job)) == (asked == "stop")

    @ON_ONE
    def test_an_alarm_goes_before_a_shutdown_which_can_wait(self, quick: Settings, database: Database) -> None:
        """In the checkpoint the alarm is one that was answered: the next attempt would not hear of it."""
        job_id = queue_job(database, health={"on_alarm": "stop"})
        asked = iter([False, *[False] * 5])  # taken up; after the start, the first sample, three blocks
        run(quick, lambda: next(asked, True))
        job = read(database, job_id)
        assert (job.status, job.step) == ("failed", 40)

    @pytest.mark.parametrize(("wish", "status"), [(actions.cancel, "cancelled"), (actions.pause, "failed")])
    def test_requests_that_come_with_it_keep_their_meaning(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, wish: Request, status: str
    ) -> None:
        job_id = queue_job(database, health={"on_alarm": "stop"})
        disturbed = at_alarms(going_wrong(Verdict.MODE_COLLAPSE), lambda: ask(database, job_id, wish))
        monkeypatch.setattr("worker.runner.train", disturbed)
        assert run(quick) == job_id
        assert read(database, job_id).status == status

    @pytest.mark.parametrize(("asked", "status"), [("stop", "failed"), ("pause", "paused")])
    def test_a_worker_that_dies_before_it_is_done_leaves_it_to_the_next(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, asked: str, status: str
    ) -> None:
        job_id = queue_job(database, health={"on_alarm": asked})
        dies_at_the_end(quick, database, monkeypatch, job_id)
        assert run(quick) == job_id
        job = read(database, job_id)
        assert (job.status, job.step, job.attempt) == (status, 40, 2)
        assert job.status_reason == event_of(database, job, "health.acted").message
        assert event_kinds(database, job).count("job.training") == 1

    @ON_ONE
    def test_a_pause_that_somebody_asked_for_is_not_the_stop(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = queue_job(database, health={"on_alarm": "stop"})
        dies_at_the_end(quick, database, monkeypatch, job_id, lambda: ask(database, job_id, actions.pause))
        assert read(database, job_id).status == "paused"
        ask(database, job_id, actions.resume)
        assert run(quick) == job_id
        job = read(database, job_id)
        assert (job.status, job.step) == ("failed", 40)

    @ON_ONE
    def test_one_that_dies_before_the_checkpoint_finds_it_again(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = queue_job(database, checkpoint_every=20, health={"on_alarm": "stop"})
        with monkeypatch.context() as patched:
            patched.setattr("worker.runner.train", at_alarms(going_wrong(Verdict.MODE_COLLAPSE), die))
            with pytest.raises(Died):
                run(quick)
        crash_after(read(database, job_id), database)
        assert run(quick) == job_id
        job = read(database, job_id)
        assert (job.status, job.step) == ("failed", 40)
        assert [each for each in event_kinds(database, job) if each in ("health.acted", "job.resumed")] == [
            "job.resumed",
            "health.acted",
        ]


@ON_ONE
class TestNonFinite:
    @pytest.mark.parametrize("asked", ["record", "pause", "stop"])
    def test_it_fails_by_itself(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, asked: str
    ) -> None:
        """There is nothing to go on from after a pause, nor anything to keep."""
        becomes(monkeypatch, Verdict.NON_FINITE)
        queue_job(database, health={"on_alarm": asked})
        job = read(database, run(quick))
        assert (job.status, job.step, job.verdict) == ("failed", 40, "non_finite")
        assert job.error is not None
        assert (job.error["kind"], job.error["step"]) == ("non_finite_loss", 40)
        assert "health.acted" not in event_kinds(database, job)
        assert kept(database, job) == [("sample", 0)]

    @pytest.mark.parametrize(
        ("asked", "status"), [("record", "succeeded"), ("pause", "failed"), ("stop", "failed"), ("rollback", "failed")]
    )
    def test_samples_do_not_fail_by_themselves(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, asked: str, status: str
    ) -> None:
        """With finite losses nothing else would end the job."""
        monkeypatch.setattr("worker.runner.train", scripted(going_wrong_at_last, of_samples=True))
        queue_job(database, health={"on_alarm": asked, "max_rollbacks": 1})
        job = read(database, run(quick))
        assert (job.status, job.verdict) == (status, "non_finite")
        if status == "failed":
            assert (job.step, event_of(database, job, "health.acted").data["action"]) == (100, "stop")
            assert job.error is not None
            assert (job.error["kind"], job.error["verdict"]) == ("health_alarm", "non_finite")
            assert kept(database, job) == [("sample", 0)]


@ON_ONE
class TestPlateau:
    @pytest.fixture
    def level(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Runs whose evaluations get no better after step 60."""
        monkeypatch.setattr("worker.runner.train", scripted(lambda *_: Verdict.BALANCED, plateau_at=60))

    @pytest.mark.usefixtures("level")
    def test_it_ends_as_succeeded_and_says_why(self, quick: Settings, database: Database) -> None:
        queue_job(database, **PLATEAU)
        job = read(database, run(quick))
        reason = "stopped after step 60: reverse_kl has not got better than 0.5 for 5 evaluations"
        assert (job.status, job.step, job.status_reason, job.error) == ("succeeded", 60, reason, None)
        assert kept(database, job) == [("sample", 0), ("sample", 60), ("checkpoint", 60)]
        told = event_of(database, job, "job.plateaued")
        assert (told.level, told.message) == ("info", reason)
        assert told.data == {"step": 60, "metric": "reverse_kl", "best": 0.5, "evaluations": 5}
        assert job.latest_evaluation is not None
        assert job.latest_evaluation["step"] == 60

    @pytest.mark.usefixtures("level")
    def test_a_worker_that_dies_before_it_is_done_leaves_it_to_the_next(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = queue_job(database, **PLATEAU)
        dies_at_the_end(quick, database, monkeypatch, job_id)
        assert run(quick) == job_id
        job = read(database, job_id)
        assert (job.status, job.step) == ("succeeded", 60)

    @pytest.mark.parametrize(("asked", "status"), [("stop", "failed"), ("record", "succeeded")])
    def test_an_alarm_goes_before_it(
        self, quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, asked: str, status: str
    ) -> None:
        def script(_spec: JobSpec, _stream: int, step: int) -> Verdict:
            return Verdict.STALLED if step >= 60 else Verdict.BALANCED

        monkeypatch.setattr("worker.runner.train", scripted(script, plateau_at=60))
        queue_job(database, **PLATEAU | {"health": PLATEAU["health"] | {"on_alarm": asked}})
        assert read(database, run(quick)).status == status


PLATEAU: dict[str, Any] = {"evaluate_every": 10, "health": {"plateau": {"metric": "reverse_kl", "patience": 5}}}


def die() -> None:
    raise Died


def dies_at_the_end(
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    job_id: str,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """An attempt whose worker dies when all is stored but the job's end."""
    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "_finish", lambda *_: die())
        with pytest.raises(Died):
            run(settings)
    meanwhile()
    job = read(database, job_id)
    assert job.error is None
    crash_after(job, database)


def acted_on(action: str) -> dict[str, Any]:
    return {"action": action, "step": 50, "verdict": "mode_collapse", "since_step": 30, "rollbacks": 0}
