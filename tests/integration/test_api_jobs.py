"""Creating and listing jobs over HTTP, on both databases."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select
from support.http import served
from support.problems import only_error, problem_of
from support.progress import POINTS, claim, queue_job
from support.serving import wait_until

from api.main import create_app
from models.catalogue import METRIC_NAMES
from models.database import Database
from models.queue import Doorbell
from models.settings import Settings
from models.spec import EXAMPLE, JobSpec
from models.status import JobStatus
from models.tables import Job

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_a_created_job_is_stored_and_rung_for(client: httpx.Client, settings: Settings, database: Database) -> None:
    response = client.post("/v1/jobs", json=EXAMPLE)
    assert response.status_code == 201
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["object"] == "job"
    assert job["status"] == "queued"
    assert job["queue_position"] == 1
    assert job["spec"] == JobSpec.model_validate(EXAMPLE).model_dump(mode="json")
    assert (job["name"], job["metadata"]) == (EXAMPLE["name"], EXAMPLE["metadata"])
    assert (job["step"], job["steps"], job["progress"]) == (0, 2000, 0)
    assert job["equilibrium"] == pytest.approx({"d_loss": 1.386294, "g_loss": 0.693147, "total_loss": 2.079442})
    assert TIME.fullmatch(job["created_at"])
    for empty in (
        "error",
        "latest_metrics",
        "latest_evaluation",
        "worker_id",
        "started_at",
        "finished_at",
        "estimated_seconds_left",
    ):
        assert job[empty] is None
    with database.read() as session:
        assert session.scalar(select(Job.status).where(Job.id == job["id"])) == "queued"
    wait_until(lambda: Doorbell(settings).waiting() == 1, 10, "one ring")
    assert client.get(response.headers["location"]).json() == job


def test_a_saturating_job_has_no_total_loss(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=POINTS | {"loss": {"kind": "saturating"}}).json()
    assert job["equilibrium"]["total_loss"] is None
    assert job["equilibrium"]["g_loss"] == pytest.approx(-0.693147, abs=1e-6)


def test_validation_gives_the_normalised_spec_and_creates_nothing(client: httpx.Client) -> None:
    body = client.post("/v1/jobs/validate", json=POINTS).json()
    assert (body["object"], body["valid"], body["logit_is_probability"]) == ("validation", True, True)
    assert body["spec"]["generator"]["latent_dim"] == 64
    assert [metric["name"] for metric in body["metrics"]] == list(METRIC_NAMES)
    assert {each["name"] for each in body["evaluations"]} >= {"modes_covered", "reverse_kl"}
    assert client.get("/v1/jobs").json()["data"] == []


def test_validation_tells_what_a_spec_records_and_can_be_evaluated_by(client: httpx.Client) -> None:
    spec = POINTS | {"dataset": {"kind": "digits"}, "regularizers": [{"kind": "r1"}], "loss": {"kind": "hinge"}}
    body = client.post("/v1/jobs/validate", json=spec).json()
    assert [metric["name"] for metric in body["metrics"]] == [*METRIC_NAMES, "r1_penalty"]
    assert (body["logit_is_probability"], body["equilibrium"]["d_loss"]) == (False, 2)
    names = {each["name"]: each["better"] for each in body["evaluations"]}
    assert (names["fid_digits_classifier"], names["label_agreement"]) == ("lower", "higher")
    assert "modes_covered" not in names


def test_validation_refuses_as_creation_does(client: httpx.Client) -> None:
    wrong = EXAMPLE | {"batch_size": 5000}
    asked, created = client.post("/v1/jobs/validate", json=wrong), client.post("/v1/jobs", json=wrong)
    assert only_error(asked) == only_error(created)
    assert only_error(created) == {
        "field": "batch_size",
        "in": "body",
        "code": "conflict",
        "limit": 1797,
        "message": "must be at most 1797, the number of examples in the data set `digits`",
    }


class TestIdempotency:
    headers = {"Idempotency-Key": "try 1"}  # noqa: RUF012

    def test_the_same_key_and_spec_give_the_same_job(self, client: httpx.Client, settings: Settings) -> None:
        first = client.post("/v1/jobs", json=POINTS, headers=self.headers)
        # The same job spelled out: defaults given, keys in another order.
        again = client.post("/v1/jobs", json=dict(reversed((POINTS | {"seed": 0}).items())), headers=self.headers)
        assert (first.status_code, again.status_code) == (201, 200)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]
        assert again.json() == first.json()
        wait_until(lambda: Doorbell(settings).waiting() == 1, 10, "one ring")

    def test_another_spec_is_refused(self, client: httpx.Client) -> None:
        client.post("/v1/jobs", json=POINTS, headers=self.headers)
        other = client.post("/v1/jobs", json=POINTS | {"seed": 9}, headers=self.headers)
        problem_of(other, 422, "idempotency_conflict")
        assert len(client.get("/v1/jobs").json()["data"]) == 1

    def test_a_key_outlives_an_upgrade(self, client: httpx.Client, database: Database) -> None:
        first = client.post("/v1/jobs", json=POINTS, headers=self.headers)
        with database.write() as session:  # as a version stored it that did not know these fields
            job = session.scalars(select(Job)).one()
            later = ("execution", "precision", "regularizers", "pack", "conditional", "augmentation")
            later += ("evaluate_every", "best_metric")
            job.spec = {name: value for name, value in job.spec.items() if name not in later}
            for player in ("generator", "discriminator"):
                known = {name: job.spec[player][name] for name in ("kind", "hidden_sizes", "optimizer")}
                adam = {name: known["optimizer"][name] for name in ("learning_rate", "betas", "epsilon")}
                latent = {"latent_dim": job.spec[player]["latent_dim"]} if player == "generator" else {}
                job.spec = job.spec | {player: known | latent | {"optimizer": {"kind": "adam"} | adam}}
            job.request_hash = "of an earlier version"
        again = client.post("/v1/jobs", json=POINTS, headers=self.headers)
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
        for change in ({"precision": "bfloat16"}, {"pack": 2}, {"regularizers": [{"kind": "r1"}]}):
            other = client.post("/v1/jobs", json=POINTS | change, headers=self.headers)
            problem_of(other, 422, "idempotency_conflict")

    def test_sent_at_once_it_makes_one_job(self, settings: Settings) -> None:
        with served(create_app(settings)) as url, httpx.Client(base_url=url, timeout=60) as client:

            def create(_: int) -> httpx.Response:
                return client.post("/v1/jobs", json=POINTS, headers=self.headers)

            with ThreadPoolExecutor(12) as pool:
                responses = list(pool.map(create, range(12)))
            assert sorted(response.status_code for response in responses) == [200] * 11 + [201]
            assert len({response.json()["id"] for response in responses}) == 1
            assert len(client.get("/v1/jobs").json()["data"]) == 1

    @pytest.mark.parametrize("key", [b"", b"x" * 256, b"tab\there", b"\xe9"])
    def test_keys_have_bounds(self, client: httpx.Client, key: bytes) -> None:
        error = only_error(client.post("/v1/jobs", json=POINTS, headers=[(b"Idempotency-Key", key)]))
        assert (error["in"], error["field"]) == ("header", "Idempotency-Key")

    def test_two_keys_are_ambiguous(self, client: httpx.Client) -> None:
        headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
        problem_of(client.post("/v1/jobs", json=POINTS, headers=headers), 400, "ambiguous_header")


class TestList:
    def test_pages_hold_every_job_once_newest_first(self, client: httpx.Client, database: Database) -> None:
        ids = [queue_job(database) for _ in range(7)]
        found: list[str] = []
        query: dict[str, str | int] = {"limit": 3}
        while True:
            page = client.get("/v1/jobs", params=query).json()
            found += [job["id"] for job in page["data"]]
            assert page["object"] == "list"
            assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], found[-1])
            if not page["has_more"]:
                break
            assert len(page["data"]) == 3
            query["after"] = page["last_id"]
            queue_job(database)  # what is created meanwhile does not shift the pages
        assert found == ids[::-1]

    def test_a_page_goes_on_after_a_job_that_was_deleted_meanwhile(
        self, client: httpx.Client, database: Database
    ) -> None:
        ids = [queue_job(database) for _ in range(3)]
        client.post(f"/v1/jobs/{ids[1]}/cancel")
        assert client.delete(f"/v1/jobs/{ids[1]}").status_code == 200
        assert [job["id"] for job in client.get(f"/v1/jobs?after={ids[1]}").json()["data"]] == [ids[0]]

    def test_a_full_last_page_says_so(self, client: httpx.Client, database: Database) -> None:
        for _ in range(2):
            queue_job(database)
        assert client.get("/v1/jobs?limit=2").json()["has_more"] is False

    def test_an_empty_list_has_no_ends(self, client: httpx.Client) -> None:
        expected = {"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None}
        assert client.get("/v1/jobs").json() == expected

    def test_filters_narrow_together(self, client: httpx.Client, database: Database) -> None:
        plain = queue_job(database, name="a")
        thesis = queue_job(database, name="a", metadata={"project": "thesis", "run": "1"})
        other = queue_job(database, name="b", metadata={"project": "thesis", "run": "2"})
        claim(database)  # takes the oldest: plain

        def ids(query: str) -> list[str]:
            return [job["id"] for job in client.get(f"/v1/jobs?{query}").json()["data"]]

        assert ids("name=a") == [thesis, plain]
        assert ids("metadata[project]=thesis") == [other, thesis]
        assert ids("metadata[project]=thesis&metadata[run]=1") == [thesis]
        assert ids("status=running") == [plain]
        assert ids("status=queued&status=running&name=a") == [thesis, plain]
        assert ids("name=nobody") == []
        assert client.get("/v1/jobs").json()["data"][0]["queue_position"] is None

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=x", "limit"),
            ("limit=1&limit=2", "limit"),
            ("after=job_000000000000000000000000", "after"),
            ("after=%00", "after"),
            ("status=sleeping", "status"),
            ("status=queued&status=sleeping", "status"),
            ("name=", "name"),
            ("name=a%00", "name"),
            ("order=asc", "order"),
            ("metadata=thesis", "metadata"),
            ("name=%20", "name"),
            ("metadata[a%00]=1", "metadata[a\x00]"),
            ("metadata[]=1", "metadata[]"),
            ("metadata[a]=%00", "metadata[a]"),
            ("&".join(f"metadata[{number}]=1" for number in range(17)), "metadata"),
            ("metadata[a]=1&metadata[a]=2", "metadata[a]"),
        ],
    )
    def test_refuses(self, client: httpx.Client, query: str, field: str) -> None:
        error = only_error(client.get(f"/v1/jobs?{query}"))
        assert (error["in"], error["field"]) == ("query", field)

    def test_several_states_are_several_parameters(self, client: httpx.Client) -> None:
        error = only_error(client.get("/v1/jobs?status=queued,running"))
        assert (error["field"], error["limit"]) == ("status", [status.value for status in JobStatus])
        assert "repeat the parameter: status=queued&status=running" in error["message"]
