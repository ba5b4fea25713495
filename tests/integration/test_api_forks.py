"""Forking jobs over HTTP, on both databases."""

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from support.http import client_of
from support.problems import only_error, problem_of
from support.progress import ask, checkpoint, finish, queue_job, record, running_job
from support.serving import wait_until

from api.dependencies import Services
from api.main import create_app
from models import actions
from models.database import Database
from models.leases import Lease
from models.queue import Doorbell
from models.settings import Settings
from models.spec import JobSpec
from models.storage import LocalStorage, open_storage

KEY = {"Idempotency-Key": "once"}


@dataclass
class Parent:
    """A running job with rows to step 25, and its checkpoints' files by step."""

    id: str
    lease: Lease
    files: dict[int, dict[str, bytes]]
    folder: Path

    def fork(self, client: httpx.Client, step: int | None = None, **changes: Any) -> httpx.Response:
        body = {"changes": changes} | ({} if step is None else {"step": step})
        return client.post(f"/v1/jobs/{self.id}/fork", json=body)

    @property
    def others(self) -> list[Path]:
        """Folders of other jobs."""
        return [path for path in self.folder.parent.iterdir() if path != self.folder]


@pytest.fixture
def parent(database: Database, settings: Settings, tmp_path: Path) -> Parent:
    job, lease = running_job(database, name="parent", checkpoint_every=10)
    record(database, job, lease, 1, [[1.0] * 9] * 25)
    storage = open_storage(settings.storage_url)
    files = {step: checkpoint(database, storage, job, lease, step) for step in (10, 20)}
    return Parent(job.id, lease, files, tmp_path / "files" / "jobs" / job.id)


def files_of(client: httpx.Client, job_id: str) -> dict[int, dict[str, bytes]]:
    """A job's checkpoints as they are downloaded."""
    listed = client.get(f"/v1/jobs/{job_id}/checkpoints").json()["data"]
    return {
        one["step"]: {file["name"]: client.get(file["url"]).raise_for_status().content for file in one["files"]}
        for one in listed
    }


class TestFork:
    @pytest.mark.parametrize(("asked", "step"), [(None, 20), (10, 10), (20, 20)])
    def test_it_goes_on_from_a_checkpoint_of_its_own(
        self, client: httpx.Client, settings: Settings, parent: Parent, asked: int | None, step: int
    ) -> None:
        before = client.get(f"/v1/jobs/{parent.id}").json()
        response = parent.fork(client, asked)
        new = response.json()
        assert (response.status_code, response.headers["location"]) == (201, f"/v1/jobs/{new['id']}")
        assert (new["status"], new["step"], new["start_step"]) == ("queued", step, step)
        assert new["origin"] == {"kind": "fork", "job_id": parent.id, "step": step}
        assert new["spec"] == before["spec"]
        assert files_of(client, new["id"]) == {step: parent.files[step]}
        assert client.get(f"/v1/jobs/{new['id']}/metrics").json()["columns"]["step"] == []
        assert client.get(f"/v1/jobs/{parent.id}").json() == before
        wait_until(lambda: Doorbell(settings).waiting() == 1, 10, "one ring")

    @pytest.mark.parametrize("first", ["parent", "fork"])
    def test_each_keeps_its_files_when_the_other_is_deleted(
        self, client: httpx.Client, parent: Parent, database: Database, first: str
    ) -> None:
        new = parent.fork(client).json()["id"]
        ask(database, new, actions.cancel)
        finish(database, parent.lease)
        gone, left = (parent.id, new) if first == "parent" else (new, parent.id)
        assert client.delete(f"/v1/jobs/{gone}").status_code == 200
        assert not (parent.folder.parent / gone).exists()
        assert files_of(client, left) == ({20: parent.files[20]} if left == new else parent.files)

    def test_a_fork_can_be_forked(self, client: httpx.Client, parent: Parent) -> None:
        first = parent.fork(client, steps=200).json()
        second = client.post(f"/v1/jobs/{first['id']}/fork", json={"changes": {"name": None}}).json()
        assert second["origin"] == {"kind": "fork", "job_id": first["id"], "step": 20}
        assert (second["steps"], second["name"]) == (200, None)
        assert files_of(client, second["id"]) == {20: parent.files[20]}

    def test_a_key_makes_it_safe_to_repeat(self, client: httpx.Client, parent: Parent) -> None:
        path = f"/v1/jobs/{parent.id}/fork"
        first, again = (client.post(path, json={"step": 20}, headers=KEY) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json()
        for other in ({"step": 10}, {"step": 20, "changes": {"steps": 50}}):
            problem_of(client.post(path, json=other, headers=KEY), 422, "idempotency_conflict")
        assert len(client.get("/v1/jobs").json()["data"]) == 2

    @pytest.mark.parametrize(
        "changes",
        [
            {"generator": {"optimizer": {"learning_rate": 0.001}}, "discriminator": {"optimizer": {"betas": [0, 0.9]}}},
            {"loss": {"kind": "saturating"}},
            {"loss": {"kind": "relativistic"}, "regularizers": [{"kind": "r1"}, {"kind": "r2", "weight": 0.5}]},
            {"discriminator": {"optimizer": {"schedule": {"kind": "cosine", "final_factor": 0.1}}}},
            {"evaluate_every": 10, "best_metric": "reverse_kl"},
            {"discriminator": {"pretrain_after": 20, "pretrain_steps": 30, "frozen": True}},
            {"steps": 400},
            {"steps": 21},
            {"dataset": {"kind": "grid"}},
            {"name": None, "metadata": {"a": "b"}, "priority": 7},
        ],
    )
    def test_what_leaves_the_networks_alone_may_change(
        self, client: httpx.Client, parent: Parent, changes: dict[str, Any]
    ) -> None:
        response = parent.fork(client, **changes)
        assert response.status_code == 201, response.text
        spec, old = response.json()["spec"], client.get(f"/v1/jobs/{parent.id}").json()["spec"]
        assert spec == JobSpec.model_validate(spec).model_dump(mode="json")
        assert {name for name in spec if spec[name] != old[name]} == set(changes)


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"generator": {"latent_dim": 3}}, "generator"),
            ({"discriminator": {"hidden_sizes": [8, 8]}}, "discriminator"),
            ({"dataset": {"kind": "digits"}}, "dataset"),
            ({"steps": 20}, "steps"),
            ({"steps": None}, "steps"),
            ({"steps": 0}, "steps"),
            ({"batch_sise": 8}, "batch_sise"),
            ({"generator": {"optimizer": {"learning_rate": 11}}}, "generator.optimizer.learning_rate"),
            ({"generator": {"kind": "dcgan"}}, "generator.hidden_sizes"),
            ({"generator": {"spectral_norm": True}}, "generator"),
            ({"discriminator": {"normalization": "layer"}}, "discriminator"),
            ({"pack": 2}, "pack"),
            ({"conditional": {"kind": "projection"}}, "conditional"),
            ({"discriminator": {"pretrain_after": 19, "pretrain_steps": 30}}, "discriminator.pretrain_after"),
            ({"discriminator": {"pretrain_steps": 30, "frozen": True}}, "discriminator.pretrain_after"),
            ({"dataset": {"kind": "digits"}, "batch_size": 2000}, "batch_size"),
            ({"loss": "saturating"}, "loss"),
            ({"": 1}, '""'),
        ],
    )
    def test_a_spec_that_cannot_go_on_names_its_field(
        self, client: httpx.Client, parent: Parent, changes: dict[str, Any], field: str
    ) -> None:
        error = only_error(client.post(f"/v1/jobs/{parent.id}/fork", json={"changes": changes}))
        assert (error["in"], error["field"]) == ("body", field)
        assert parent.others == []

    def test_a_misspelt_field_is_told_by_the_spec_s_fields(self, client: httpx.Client, parent: Parent) -> None:
        error = only_error(parent.fork(client, batch_sise=8))
        assert "did you mean `batch_size`?" in error["message"]
        assert error["limit"] == list(JobSpec.model_fields)

    @pytest.mark.parametrize(
        ("body", "field", "limit"),
        [
            ({"steps": 5}, "steps", ["step", "changes"]),
            ({"step": 0}, "step", 1),
            ({"step": "10"}, "step", None),
            ({"step": True}, "step", None),
            ({"step": 2**63}, "step", 2**63 - 1),
            ({"changes": []}, "changes", None),
            ([], "", None),
        ],
    )
    def test_the_request_itself_names_its_own(
        self, client: httpx.Client, parent: Parent, body: Any, field: str, limit: object
    ) -> None:
        error = only_error(client.post(f"/v1/jobs/{parent.id}/fork", json=body))
        assert (error["in"], error["field"], error.get("limit")) == ("body", field, limit)

    def test_an_unknown_checkpoint_is_not_found(self, client: httpx.Client, parent: Parent, database: Database) -> None:
        (error,) = problem_of(parent.fork(client, 11), 404, "checkpoint_not_found")["errors"]
        assert (error["in"], error["field"], error["limit"]) == ("body", "step", [20, 10])
        fresh = f"/v1/jobs/{queue_job(database)}/fork"
        (error,) = problem_of(client.post(fresh, json={}), 404, "checkpoint_not_found")["errors"]
        assert error["limit"] == []


class TestFilesThatFail:
    """Whatever goes wrong, no job and no file of it is left."""

    def test_files_that_are_gone(self, client: httpx.Client, parent: Parent, settings: Settings) -> None:
        open_storage(settings.storage_url).delete(f"jobs/{parent.id}")
        problem_of(parent.fork(client), 410, "file_gone")
        assert len(client.get("/v1/jobs").json()["data"]) == 1
        assert list(parent.folder.parent.iterdir()) == []

    def test_a_disk_that_fails_half_way(
        self, client: httpx.Client, parent: Parent, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        share_folder = LocalStorage.share_folder

        def fail(storage: LocalStorage, folder: str, target: str, names: Iterable[str]) -> None:
            share_folder(storage, folder, target, names)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(LocalStorage, "share_folder", fail)
            response = parent.fork(client)
        problem_of(response, 503, "unavailable")
        assert response.headers["retry-after"] == "5"
        assert len(client.get("/v1/jobs").json()["data"]) == 1
        assert parent.others == []
        assert Doorbell(settings).waiting() == 0

    def test_a_commit_that_fails(self, settings: Settings, parent: Parent) -> None:
        app = create_app(settings)
        held: Services = app.state.services

        def fail(_: object) -> None:
            raise OperationalError("COMMIT", {}, Exception("the disk is full"))

        with client_of(app) as client:
            event.listen(held.database.engine, "commit", fail)
            problem_of(parent.fork(client), 503, "unavailable")
            event.remove(held.database.engine, "commit", fail)
            assert parent.others == []
            assert len(client.get("/v1/jobs").json()["data"]) == 1
            assert parent.fork(client).status_code == 201

    def test_a_commit_whose_answer_is_lost(
        self, settings: Settings, parent: Parent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = create_app(settings)
        held: Services = app.state.services
        with client_of(app) as client:
            commit = held.database.engine.dialect.do_commit

            def commit_and_fail(connection: Any) -> None:
                commit(connection)
                raise OperationalError("COMMIT", {}, Exception("the connection was lost"))

            with monkeypatch.context() as patched:
                patched.setattr(held.database.engine.dialect, "do_commit", commit_and_fail)
                problem_of(parent.fork(client), 503, "unavailable")
            newest, _ = client.get("/v1/jobs").json()["data"]
            assert files_of(client, newest["id"]) == {20: parent.files[20]}
