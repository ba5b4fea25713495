"""The best checkpoint: kept beside the newest, told and given out, and what becomes of it in forks and resumptions."""

import json
from typing import Any

import httpx
import pytest
from support.problems import problem_of
from support.progress import checkpoint, claim, queue_job, record, running_job

from models import leases, samples
from models.database import Database
from models.leases import Lease
from models.settings import Settings
from models.storage import Storage, job_folder, open_storage
from models.tables import Job
from worker.gan import checkpoint as engine
from worker.gan.checkpoint import Snapshot
from worker.joblog import JobLog
from worker.resume import last_good_checkpoint
from worker.writer import LeasedWriter

ROW = (1.0,) * 9
EVALUATED = {"evaluate_every": 5, "best_metric": "reverse_kl"}
GOOD, BETTER = ("reverse_kl", 0.5), ("reverse_kl", 0.25)


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return open_storage(settings.storage_url)


@pytest.fixture
def job(database: Database) -> tuple[Job, Lease]:
    job, lease = running_job(database, **EVALUATED)
    record(database, job, lease, 1, [ROW] * 60)
    return job, lease


def drop_old(database: Database, job: Job, keep: int) -> list[str]:
    with database.write() as session:
        return samples.drop_old_checkpoints(session, (job.number, 0), keep)


def steps_of(database: Database, job: Job) -> list[int]:
    with database.read() as session:
        return [each.step for each in samples.list_checkpoints(session, job.number, 0)]


def add(database: Database, job: Job, step: int, best: tuple[str, float] | None = None) -> None:
    with database.write() as session:
        samples.add_checkpoint(session, (job.number, 0), step, 1, f"folder-{step}", {}, best)


class TestKeeping:
    def test_the_best_is_kept_beside_the_newest(self, database: Database, job: tuple[Job, Lease]) -> None:
        for step, best in ((10, None), (20, GOOD), (30, None), (40, None), (50, None)):
            add(database, job[0], step, best)
        assert sorted(drop_old(database, job[0], 2)) == ["folder-10", "folder-30"]
        assert steps_of(database, job[0]) == [50, 40, 20]
        assert drop_old(database, job[0], 2) == []

    def test_a_better_one_takes_its_place(self, database: Database, job: tuple[Job, Lease]) -> None:
        for step, best in ((10, GOOD), (20, None), (30, None), (40, BETTER)):
            add(database, job[0], step, best)
        assert sorted(drop_old(database, job[0], 2)) == ["folder-10", "folder-20"]
        add(database, job[0], 50)
        add(database, job[0], 60)
        assert drop_old(database, job[0], 2) == ["folder-30"]
        assert steps_of(database, job[0]) == [60, 50, 40]

    def test_one_that_was_the_best_stays_as_long_as_it_is_among_the_newest(
        self, database: Database, job: tuple[Job, Lease]
    ) -> None:
        for step, best in ((10, None), (20, GOOD), (30, BETTER)):
            add(database, job[0], step, best)
        assert drop_old(database, job[0], 2) == ["folder-10"]
        assert steps_of(database, job[0]) == [30, 20]

    def test_without_a_best_the_newest_are_all(self, database: Database, job: tuple[Job, Lease]) -> None:
        for step in (10, 20, 30):
            add(database, job[0], step)
        assert drop_old(database, job[0], 1) == ["folder-20", "folder-10"]

    def test_after_a_rewind_the_one_before_is_the_best_again(
        self, client: httpx.Client, database: Database, storage: Storage, job: tuple[Job, Lease]
    ) -> None:
        for step, best in ((10, GOOD), (20, None), (30, BETTER)):
            checkpoint(database, storage, *job, step, best)
        path = f"/v1/jobs/{job[0].id}/checkpoints"
        assert [(each["step"], each["best"]) for each in client.get(path).json()["data"]] == [
            (30, {"metric": "reverse_kl", "value": 0.25}),
            (20, None),
            (10, None),
        ]
        with database.write() as session:
            leases.rewind(session, job[1], 0, 20)
        assert [(each["step"], each["best"]) for each in client.get(path).json()["data"]] == [
            (20, None),
            (10, {"metric": "reverse_kl", "value": 0.5}),
        ]


class TestDownload:
    def test_the_best_is_given_out_by_its_name(
        self, client: httpx.Client, database: Database, storage: Storage, job: tuple[Job, Lease]
    ) -> None:
        checkpoint(database, storage, *job, 10, GOOD)
        files = checkpoint(database, storage, *job, 20, BETTER)
        checkpoint(database, storage, *job, 30)
        path = f"/v1/jobs/{job[0].id}/checkpoints/best/files/generator.safetensors"
        got = client.get(path)
        assert (got.status_code, got.content) == (200, files["generator.safetensors"])
        assert got.headers["checkpoint-step"] == "20"
        assert client.get(path, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
        part = client.get(path, headers={"Range": "bytes=0-6"})
        assert (part.status_code, part.content, part.headers["checkpoint-step"]) == (206, b"weights", "20")
        listed = client.get(f"/v1/jobs/{job[0].id}/checkpoints").json()["data"]
        by_step = next(each["files"][0]["url"] for each in listed if each["best"])
        assert client.get(by_step).content == got.content

    def test_where_there_is_none(
        self, client: httpx.Client, database: Database, storage: Storage, job: tuple[Job, Lease]
    ) -> None:
        checkpoint(database, storage, *job, 10)
        path = f"/v1/jobs/{job[0].id}/checkpoints/best/files"
        (error,) = problem_of(client.get(f"{path}/generator.safetensors"), 404, "checkpoint_not_found")["errors"]
        assert (error["in"], error["field"]) == ("path", "job_id")
        checkpoint(database, storage, *job, 20, GOOD)
        (error,) = problem_of(client.get(f"{path}/secret"), 404, "checkpoint_not_found")["errors"]
        assert (error["in"], error["field"], error["limit"]) == (
            "path",
            "name",
            ["generator.safetensors", "state.json"],
        )
        storage.delete(f"jobs/{job[0].id}")
        problem_of(client.get(f"{path}/generator.safetensors"), 410, "file_gone")


class TestForks:
    @pytest.mark.parametrize(
        ("step", "changes", "best"),
        [
            (10, {}, {"metric": "reverse_kl", "value": 0.5}),  # the best there was by then
            (20, {}, None),
            (30, {}, {"metric": "reverse_kl", "value": 0.25}),
            (30, {"best_metric": "high_quality_share"}, None),
            (30, {"best_metric": None, "evaluate_every": None}, None),
            (30, {"dataset": {"kind": "grid"}}, None),
        ],
    )
    def test_a_best_checkpoint_is_one_to_a_fork_that_measures_alike(
        self,
        client: httpx.Client,
        database: Database,
        storage: Storage,
        job: tuple[Job, Lease],
        step: int,
        changes: dict[str, Any],
        best: object,
    ) -> None:
        for at, is_best in ((10, GOOD), (20, None), (30, BETTER)):
            checkpoint(database, storage, *job, at, is_best)
        made = client.post(f"/v1/jobs/{job[0].id}/fork", json={"step": step, "changes": changes}).raise_for_status()
        (kept,) = client.get(f"/v1/jobs/{made.json()['id']}/checkpoints").json()["data"]
        assert (kept["step"], kept["best"]) == (step, best)
        assert client.get(f"/v1/jobs/{made.json()['id']}/evaluations").json()["data"] == []
        assert made.json()["latest_evaluation"] is None


class TestResumption:
    """What a resumed run has to beat."""

    def store(
        self,
        database: Database,
        storage: Storage,
        job: tuple[Job, Lease],
        step: int,
        best: tuple[str, float] | None = None,
    ) -> str:
        """A checkpoint of a run that has 0.125 in mind; returns its folder."""
        state = {"format": 1, "step": step, "best": 0.125, "spec": {}}
        found = engine.to_files(Snapshot(step, {}, {**state, "format": engine.FORMAT}))
        folder = f"{job_folder(job[0].id)}/checkpoints/0-{step}-{job[1].attempt}"
        files = storage.write_folder(folder, found)
        with database.write() as session:
            samples.add_checkpoint(session, (job[0].number, 0), step, job[1].attempt, folder, dict(files), best)
        return folder

    def resumed(self, database: Database, storage: Storage, job: tuple[Job, Lease]) -> tuple[int, float | None]:
        writer = LeasedWriter(database, job[1], JobLog(job[0].id, job[1].attempt), 30)
        snapshot = last_good_checkpoint(job[0], writer, storage)
        assert snapshot is not None
        return snapshot.step, snapshot.state["best"]

    def test_the_best_that_is_kept(self, database: Database, storage: Storage, job: tuple[Job, Lease]) -> None:
        self.store(database, storage, job, 10, GOOD)
        self.store(database, storage, job, 20)
        assert self.resumed(database, storage, job) == (20, 0.5)
        self.store(database, storage, job, 30, BETTER)
        assert self.resumed(database, storage, job) == (30, 0.25)

    def test_not_one_that_went_with_damaged_files(
        self, database: Database, storage: Storage, job: tuple[Job, Lease]
    ) -> None:
        self.store(database, storage, job, 10)
        damaged = self.store(database, storage, job, 20, GOOD)
        storage.path(damaged, "state.json").write_bytes(b"{}")
        assert self.resumed(database, storage, job) == (10, None)

    def test_nor_one_that_a_fork_did_not_take_along(
        self, client: httpx.Client, database: Database, storage: Storage, job: tuple[Job, Lease]
    ) -> None:
        self.store(database, storage, job, 10, GOOD)
        self.store(database, storage, job, 20)
        for step, best in ((20, None), (10, 0.5)):
            client.post(f"/v1/jobs/{job[0].id}/fork", json={"step": step}).raise_for_status()
            assert self.resumed(database, storage, claim(database)) == (step, best)


def test_checkpoints_from_before_there_was_a_best_are_listed(client: httpx.Client, database: Database) -> None:
    queue_job(database)
    job, _ = claim(database)
    add(database, job, 5)
    (listed,) = client.get(f"/v1/jobs/{job.id}/checkpoints").json()["data"]
    assert listed["best"] is None
    assert json.dumps(listed["files"]) == "[]"
