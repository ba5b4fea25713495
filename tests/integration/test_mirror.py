"""The mirror beside a server that only notes what it is told: what of a job's life is sent, and who is spared."""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pytest
from PIL import Image
from sqlalchemy import select
from structlog.testing import capture_logs
from support.health import assess
from support.progress import ask, checkpoint, claim, evaluate, finish, queue_job, record, running_job
from support.runs import read

from models import actions, jobs, leases, samples
from models.database import Database
from models.mirror_tables import Mirror as Row
from models.settings import Settings
from models.spec import JobSpec
from models.status import JobStatus
from models.storage import open_storage
from models.tables import Job
from worker import mirror as mirror_module
from worker.mirror import Mirror
from worker.mirror_errors import ArtifactsFailed, Away, Refused
from worker.mirror_page import Point
from worker.pulse import Pulse

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = ON_SQLITE
ROWS = [[float(step)] * 9 for step in range(1, 11)]


class Notes:
    """In place of an MLflow server."""

    def __init__(self) -> None:
        self.params: dict[str, dict[str, str]] = {}
        self.points: dict[str, list[Point]] = defaultdict(list)
        self.tags: dict[str, dict[str, str]] = {}
        self.files: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.states: dict[str, list[str]] = defaultdict(list)
        self.requests = 0
        self.fault: Exception | None = None
        self.storage_fault: Exception | None = None
        self.deleted: set[str] = set()

    def find_or_create(self, job_id: str, name: str, began_at: int, tags: Mapping[str, str]) -> str:
        self._ask()
        self.tags.setdefault(f"run of {job_id}", dict(tags))
        return f"run of {job_id}"

    def is_deleted(self, run_id: str) -> bool:
        return run_id in self.deleted

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        self._ask()
        self.params[run_id] = dict(params)

    def log_points(self, run_id: str, points: Sequence[Point], keep: Callable[[], None]) -> None:
        self._ask()
        keep()
        self.points[run_id] += points

    def set_tags(self, run_id: str, tags: Mapping[str, str], gone: Sequence[str] = ()) -> None:
        self._ask()
        self.tags[run_id] = {name: value for name, value in self.tags[run_id].items() if name not in gone} | dict(tags)

    def upload(self, run_id: str, files: Mapping[str, bytes], keep: Callable[[], None]) -> None:
        self._ask()
        if self.storage_fault is not None:
            raise self.storage_fault
        self.files[run_id] |= files

    def set_status(self, run_id: str, status: str, ended_at: int | None) -> None:
        self._ask()
        assert (ended_at is not None) == (status in ("FINISHED", "FAILED", "KILLED"))
        self.states[run_id].append(status)

    def _ask(self) -> None:
        self.requests += 1
        if self.fault is not None:
            raise self.fault

    def curve(self, job_id: str, key: str = "d_loss") -> list[tuple[int, float]]:
        return [(each.step, each.value) for each in self.points[f"run of {job_id}"] if each.key == key]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def mirrored(settings: Settings) -> Settings:
    return settings.model_copy(update={"mlflow_tracking_uri": "http://mlflow", "url": "http://gans/"})


@pytest.fixture
def mirror(database: Database, mirrored: Settings, notes: Notes, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    monkeypatch.setattr(mirror_module, "FIRST_WAIT_SECONDS", 0.0)
    return Mirror(database, mirrored, notes)


def png() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(drawn, "PNG")
    return drawn.getvalue()


def test_a_whole_life(database: Database, mirror: Mirror, notes: Notes) -> None:
    job_id = queue_job(database, steps=10, metadata={"project": "thesis"}, name="ring")
    mirror.run_once()
    run = f"run of {job_id}"
    assert notes.states[run] == ["SCHEDULED"]
    job, lease = claim(database)
    record(database, job, lease, 1, ROWS)
    evaluate(database, job, lease, 10, modes_covered=3.0, recall=float("nan"))
    with database.write() as session:
        samples.add_sample(session, (job.number, 0), 10, png(), (4, 4))
    mirror.run_once()
    assert notes.states[run] == ["SCHEDULED", "RUNNING"]
    assert notes.curve(job_id) == [(step, float(step)) for step in range(1, 11)]
    assert notes.curve(job_id, "evaluation/modes_covered") == [(10, 3.0)]
    assert str(notes.curve(job_id, "evaluation/recall")) == "[(10, nan)]"
    assert [name.split("+")[:3] for name in notes.files[run]] == [["images/samples", "step", "10"]] * 2
    asked = notes.requests
    mirror.run_once()
    assert notes.requests == asked, "no news, no request"
    finish(database, lease)
    mirror.run_once()
    assert notes.states[run][-1] == "FINISHED"
    told = {
        "project": "thesis",
        "ganjobs.job_id": job_id,
        "ganjobs.url": f"http://gans/jobs/{job_id}",
        "ganjobs.status": "succeeded",
        "ganjobs.status_reason": "all steps trained",
        "ganjobs.steps_per_point": "1",
        "mlflow.loggedImages": "True",
    }
    assert told.items() <= notes.tags[run].items()
    assert notes.params[run]["discriminator.hidden_sizes"] == "[8]"
    mirror.run_once()
    with database.read() as session:
        assert session.scalars(select(Row.done)).all() == [True]


def test_pausing_and_resuming(database: Database, mirror: Mirror, notes: Notes) -> None:
    job, lease = running_job(database)
    ask(database, job.id, actions.pause)
    mirror.run_once()
    with database.write() as session:
        leases.end(session, lease, JobStatus.PAUSED, "paused")
    mirror.run_once()
    ask(database, job.id, actions.resume)
    claim(database)
    mirror.run_once()
    ask(database, job.id, actions.cancel)
    mirror.run_once()
    run = f"run of {job.id}"
    assert notes.states[run] == ["RUNNING", "SCHEDULED", "RUNNING", "RUNNING"]
    assert notes.tags[run]["ganjobs.status"] == "cancelling"


def test_long_curves_are_means_of_whole_buckets_and_of_the_last_one(
    database: Database, mirrored: Settings, notes: Notes
) -> None:
    mirror = Mirror(database, mirrored.model_copy(update={"mlflow_points": 10}), notes)
    job, lease = running_job(database, steps=40)
    record(database, job, lease, 1, ROWS[:6])
    mirror.run_once()
    assert notes.curve(job.id) == [(4, 2.5)]
    record(database, job, lease, 7, [*ROWS[6:], [float("nan")] * 9, *[[12.0] * 9] * 3])
    finish(database, lease)
    mirror.run_once()
    assert str(notes.curve(job.id)) == "[(4, 2.5), (8, 6.5), (12, nan), (14, 12.0)]"
    assert notes.tags[f"run of {job.id}"]["ganjobs.steps_per_point"] == "4"


def test_a_job_that_goes_back_says_so_and_its_points_come_again(
    database: Database, mirror: Mirror, notes: Notes
) -> None:
    job, lease = running_job(database, steps=10)
    record(database, job, lease, 1, ROWS[:6])
    mirror.run_once()
    with database.write() as session:
        leases.rewind(session, lease, 0, 4)
        leases.hold(session, lease, step=4)
    record(database, job, lease, 5, [[0.5] * 9, [0.6] * 9])
    mirror.run_once()
    assert [step for step, _ in notes.curve(job.id)] == [1, 2, 3, 4, 5, 6, 5, 6]
    assert [round(value, 1) for _, value in notes.curve(job.id)[-2:]] == [0.5, 0.6]
    assert notes.tags[f"run of {job.id}"]["ganjobs.rewound"] == "1: to step 4"


def test_verdicts_are_a_curve_and_a_file_each_time_they_change(
    database: Database, mirror: Mirror, notes: Notes
) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, ROWS)
    for step, verdict in ((2, "warming_up"), (4, "balanced"), (6, "balanced"), (8, "mode_collapse")):
        assess(database, job, lease, (step, verdict))
    mirror.run_once()
    run = f"run of {job.id}"
    assert notes.curve(job.id, "health/severity") == [(2, 0.0), (4, 0.0), (6, 0.0), (8, 2.0)]
    changes = ["000000002_warming_up", "000000004_balanced", "000000008_mode_collapse"]
    assert list(notes.files[run]) == [f"health/step_{change}.json" for change in changes]
    assert (notes.tags[run]["ganjobs.verdict"], notes.tags[run]["ganjobs.severity"]) == ("mode_collapse", "alarm")


def test_a_fork_and_a_retry_stand_below_what_they_came_from(
    database: Database, mirror: Mirror, notes: Notes, settings: Settings
) -> None:
    job, lease = running_job(database)
    storage = open_storage(settings.storage_url)
    checkpoint(database, storage, job, lease, 5)
    with database.write() as session:
        leases.end(session, lease, JobStatus.FAILED, "lost")
    mirror.run_once()
    assert notes.requests == 0, "it had ended before anybody mirrored"
    with database.write() as session:
        parent, spec = session.get_one(Job, job.number), JobSpec.model_validate(job.spec)
        orphan, _ = actions.fork(session, parent, 5, spec, storage)
        again, _ = actions.retry(session, parent)
    mirror.run_once()
    tags = notes.tags[f"run of {orphan.id}"]
    assert (tags["ganjobs.forked_from"], tags["ganjobs.forked_at_step"]) == (job.id, "5")
    assert "mlflow.parentRunId" not in tags
    assert notes.tags[f"run of {again.id}"]["ganjobs.retry_of"] == job.id
    ask(database, again.id, actions.cancel)
    with database.write() as session:
        child, _ = actions.retry(session, session.get_one(Job, again.number))
    mirror.run_once()
    assert notes.tags[f"run of {child.id}"]["mlflow.parentRunId"] == f"run of {again.id}"


def test_a_deleted_job_keeps_what_was_mirrored(database: Database, mirror: Mirror, notes: Notes) -> None:
    job_id = queue_job(database)
    mirror.run_once()
    ask(database, job_id, actions.cancel)
    with database.write() as session:
        jobs.delete_job(session, session.get_one(Job, read(database, job_id).number))
    mirror.run_once()
    run = f"run of {job_id}"
    assert (notes.states[run][-1], notes.tags[run]["ganjobs.status"]) == ("KILLED", "deleted")
    asked = notes.requests
    mirror.run_once()
    assert notes.requests == asked


def test_a_run_that_was_deleted_over_there_is_left_alone(database: Database, mirror: Mirror, notes: Notes) -> None:
    job, lease = running_job(database)
    mirror.run_once()
    notes.deleted.add(f"run of {job.id}")
    notes.fault = Refused("must be active")
    record(database, job, lease, 1, ROWS)
    mirror.run_once()
    asked = notes.requests
    finish(database, lease)
    mirror.run_once()
    assert notes.requests == asked


def test_what_one_job_meets_holds_up_no_other(
    database: Database, mirror: Mirror, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue_job(database), queue_job(database)
    find = notes.find_or_create

    def refuse(job_id: str, *rest: object) -> str:
        if job_id == first:
            raise error
        return find(job_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(notes, "find_or_create", refuse)
    error: Exception = ZeroDivisionError()
    with capture_logs() as told:
        mirror.run_once()
    assert list(notes.tags) == [f"run of {second}"]
    assert [line["event"] for line in told if line["log_level"] == "error"] == ["unexpected error"]


def test_files_that_cannot_be_stored_are_left_out_in_the_end(database: Database, mirror: Mirror, notes: Notes) -> None:
    job, lease = running_job(database)
    record(database, job, lease, 1, ROWS)
    assess(database, job, lease, (2, "balanced"))
    notes.storage_fault = ArtifactsFailed("disk full")
    with capture_logs() as told:
        for _ in range(6):
            mirror.run_once()
    assert [line["event"] for line in told if line["log_level"] == "warning"] == [
        "not taken; it will be tried again",
        "artifacts are left out",
    ]
    assert notes.tags[f"run of {job.id}"]["ganjobs.artifacts"] == "some are left out: disk full"
    finish(database, lease)
    mirror.run_once()
    assert notes.states[f"run of {job.id}"][-1] == "FINISHED"


def test_each_new_job_is_found_however_far_the_mirror_has_looked(
    database: Database, mirror: Mirror, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.mirrors.LATE", 0)
    mirror.run_once()
    made = []
    for _ in range(3):
        made += [queue_job(database), queue_job(database)]
        ask(database, made[-1], actions.cancel)  # it has come and gone between two looks
        mirror.run_once()
    assert sorted(notes.tags) == sorted(f"run of {job_id}" for job_id in made)


def test_a_server_that_is_away_is_left_alone_for_a_while(database: Database, mirrored: Settings, notes: Notes) -> None:
    notes.fault = Away("connection refused")
    queue_job(database)
    mirror = Mirror(database, mirrored, notes)
    for _ in range(5):
        mirror.run_once()
    assert notes.requests == 1


def test_it_says_what_it_lacks_and_whether_it_is_alive(mirrored: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_DATA_FOLDER", str(mirrored.data_folder))
    monkeypatch.delenv("GANJOBS_MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(SystemExit, match="mirror: nowhere to mirror to: set GANJOBS_MLFLOW_TRACKING_URI"):
        mirror_module.main()
    with pytest.raises(SystemExit, match="mirror: no pass finished lately"):
        mirror_module.main(check_only=True)
    Pulse("mirror", mirrored.resolved_data_folder).show()
    mirror_module.main(check_only=True)
