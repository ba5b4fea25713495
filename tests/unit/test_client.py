"""Both clients against answers that are made up: what they send, what they make of the answers, how they wait."""

import asyncio
import hashlib
import inspect
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import JOB, KINDS, PNG, Broken, Server, listed, play, settled

from api import examples, health_examples
from ganjobs import (
    ApiUnreachable,
    AsyncJob,
    Client,
    ClientError,
    Conflict,
    Job,
    JobCancelled,
    JobFailed,
    JobPaused,
    JobStatus,
    NotValid,
    TryLater,
    WaitTimeout,
)
from ganjobs.errors import DownloadDamaged, NoSuchJob, NothingThere, TransferBroken

Kind = Any
RUNNING, NEW = examples.JOB, examples.NEW_JOB
SUCCEEDED = RUNNING | {"status": "succeeded", "step": 2000, "progress": 1.0}
FAILED = RUNNING | {"status": "failed", "error": {"kind": "out_of_memory", "message": "it was too large", "step": 513}}
both = pytest.mark.parametrize("kind", KINDS, ids=["blocking", "asynchronous"])


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept, which takes no time."""
    times: list[float] = []

    async def note(seconds: float, result: Any = None) -> None:
        times.append(seconds)

    monkeypatch.setattr(time, "sleep", times.append)
    monkeypatch.setattr(asyncio, "sleep", note)
    return times


def lost(request: httpx.Request | None = None) -> httpx.ReadError:
    return httpx.ReadError("connection reset")


class TestSubmitting:
    @both
    def test_however_often_the_connection_is_lost_it_is_one_job(self, kind: Kind) -> None:
        server = Server().on("POST /v1/jobs", lost(), lost(), NEW)

        async def scenario(client: Any) -> None:
            job = await settled(client.submit({"steps": 5}, name="mine"))
            assert (job.id, job.status) == (NEW["id"], JobStatus.QUEUED)

        play(kind, server, scenario)
        assert [json.loads(request.content) for request in server.asked] == [{"steps": 5, "name": "mine"}] * 3
        assert len({request.headers["Idempotency-Key"] for request in server.asked}) == 1

    @both
    def test_each_submission_has_a_key_of_its_own_unless_one_is_given(self, kind: Kind) -> None:
        server = Server()

        async def scenario(client: Any) -> None:
            await settled(client.submit(steps=5))
            await settled(client.submit(steps=5))
            job = await settled(client.submit(steps=5, idempotency_key="mine"))
            await settled(job.fork({"steps": 9}, step=3, idempotency_key="yours"))
            await settled(job.retry())

        play(kind, server, scenario)
        keys = [request.headers["Idempotency-Key"] for request in server.asked]
        assert (len(set(keys)), keys[2:4]) == (5, ["mine", "yours"])
        assert json.loads(server.asked[3].content) == {"step": 3, "changes": {"steps": 9}}

    @pytest.mark.parametrize("name", ["spec.yaml", "spec.json"])
    def test_a_spec_may_be_a_file(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / name
        path.write_text('{"steps": 5, "generator": {"optimizer": {"learning_rate": 2e-4}}}')
        for given in (path, str(path)):
            server = Server()
            with Client("http://api", transport=httpx.MockTransport(server)) as client:
                client.submit(given, steps=6)
            sent = json.loads(server.asked[0].content)
            assert sent == {"steps": 6, "generator": {"optimizer": {"learning_rate": 2e-4}}}

    def test_a_file_that_is_not_there_is_told_in_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(ClientError, match="No such file") as caught:
            Client("http://api").submit(tmp_path / "none.yaml")
        assert "\n" not in str(caught.value)


class TestErrors:
    @both
    def test_a_refusal_names_the_fields(self, kind: Kind) -> None:
        error = {"field": "generator.latent_dim", "in": "body", "message": "too small", "code": "least", "limit": 1}
        problem = {"type": "/problems/invalid", "title": "Not valid", "status": 422, "detail": "d", "errors": [error]}
        server = Server().on("POST /v1/jobs", httpx.Response(422, json=problem))

        async def scenario(client: Any) -> None:
            with pytest.raises(NotValid, match=r"^generator.latent_dim: too small \(limit 1\)$") as caught:
                await settled(client.submit({}))
            (found,) = caught.value.errors
            assert (found.field, found.where, found.code, found.limit) == ("generator.latent_dim", "body", "least", 1)
            assert (caught.value.status, caught.value.type) == (422, "/problems/invalid")

        play(kind, server, scenario)
        assert len(server.asked) == 1

    @both
    def test_a_busy_service_is_asked_again_when_it_says_so(self, kind: Kind, slept: list[float]) -> None:
        later = httpx.Response(503, headers={"Retry-After": "7"}, json={"title": "Later"})
        server = Server().on(f"GET {JOB}", later, httpx.Response(429), RUNNING)

        async def scenario(client: Any) -> None:
            assert (await settled(client.job(RUNNING["id"]))).step == 512

        play(kind, server, scenario)
        assert slept[0] == 7
        assert 0 < slept[1] < 1

    @both
    @pytest.mark.parametrize(("after", "asked"), [("0", 4), ("3600", 1)])
    def test_a_service_that_stays_busy_is_told(self, kind: Kind, after: str, asked: int) -> None:
        later = httpx.Response(503, headers={"Retry-After": after}, json={"title": "Later", "detail": "come back"})
        server = Server().on(f"GET {JOB}/health", later)

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            with pytest.raises(TryLater, match="come back"):
                await settled(job.health())

        play(kind, server, scenario)
        assert server.lines.count(f"GET {JOB}/health") == asked

    @both
    @pytest.mark.parametrize(("action", "times"), [("delete", 1), ("resume", 1), ("pause", 4), ("cancel", 4)])
    def test_only_what_may_be_done_twice_is_repeated(self, kind: Kind, action: str, times: int) -> None:
        line = f"DELETE {JOB}" if action == "delete" else f"POST {JOB}/{action}"
        server = Server().on(line, lost()).on(f"GET {JOB}", RUNNING | {"status": "paused"})

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            with pytest.raises(ApiUnreachable, match="http://api"):
                await settled(getattr(job, action)())

        play(kind, server, scenario)
        assert server.lines.count(line) == times

    @both
    def test_a_state_that_does_not_allow_it(self, kind: Kind) -> None:
        server = Server().on(f"POST {JOB}/resume", httpx.Response(409, json={"title": "Wrong state", "detail": "no"}))

        async def scenario(client: Any) -> None:
            with pytest.raises(Conflict, match="no"):
                await settled((await settled(client.job(RUNNING["id"]))).resume())

        play(kind, server, scenario)

    @pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://there", "http://", "http://[::1"])
    def test_what_is_no_url(self, url: str) -> None:
        with pytest.raises(ClientError, match="is no URL"):
            Client(url)


class TestFinding:
    @both
    def test_jobs_are_listed_page_by_page_and_narrowed(self, kind: Kind) -> None:
        first = {"data": [RUNNING, RUNNING | {"id": "job_b"}], "has_more": True}
        server = Server().on("GET /v1/jobs", first, {"data": [NEW | {"id": "job_c"}], "has_more": False})

        async def scenario(client: Any) -> None:
            found = client.jobs(status="running", verdict=["mode_collapse", "stalled"], metadata={"a b": "c"})
            assert [job.id for job in await listed(found)] == [RUNNING["id"], "job_b", "job_c"]

        play(kind, server, scenario)
        asked = [request.url.params for request in server.asked]
        narrowed = ("running", ["mode_collapse", "stalled"], "c", "100")
        for one in asked:
            assert (one["status"], one.get_list("verdict"), one["metadata[a b]"], one["limit"]) == narrowed
        assert [one.get("after") for one in asked] == [None, "job_b"]

    @both
    def test_a_job_may_be_meant_by_the_start_of_its_id_or_as_the_latest(self, kind: Kind) -> None:
        server = Server()

        async def scenario(client: Any) -> None:
            for reference in (RUNNING["id"], "latest", "0123", "job_0123"):
                assert (await settled(client.job(reference))).id == RUNNING["id"]
            with pytest.raises(NoSuchJob, match="there is no job"):
                await settled(client.job("ffff"))

        play(kind, server, scenario)

    @both
    def test_what_is_not_ready_says_why(self, kind: Kind) -> None:
        async def ready(client: Any) -> None:
            assert await settled(client.ready())

        async def not_ready(client: Any) -> None:
            found = await settled(client.ready())
            assert not found
            assert found.checks["worker"].detail == "no worker is ready"

        play(kind, Server(), ready)
        play(kind, Server().on("GET /readyz", httpx.Response(503, json=examples.NOT_READY)), not_ready)


class TestWaiting:
    @both
    def test_until_it_ends_through_a_restart_of_the_service(self, kind: Kind, slept: list[float]) -> None:
        away: list[Any] = [httpx.ConnectError("refused")] * 6 + [httpx.Response(502)]
        server = Server().on(f"GET {JOB}", RUNNING, *away, httpx.Response(304), SUCCEEDED)

        async def scenario(client: Any) -> None:
            job = (await listed(client.jobs()))[0]
            assert await settled(job.wait(progress=False, poll_seconds=0.25)) is job
            assert (job.status, job.step) == ("succeeded", 2000)

        play(kind, server, scenario)
        assert 0.25 in slept
        etags = [request.headers.get("If-None-Match") for request in server.asked[1:]]
        assert etags[0] is None
        assert set(etags[1:]) == {etags[1]}
        assert etags[1]

    @both
    @pytest.mark.parametrize(
        ("ended", "error", "said"),
        [
            (FAILED, JobFailed, "failed at step 512 of 2,000: it was too large"),
            (RUNNING | {"status": "cancelled", "status_reason": "on request"}, JobCancelled, "on request"),
            (RUNNING | {"status": "paused"}, JobPaused, "paused at step 512"),
        ],
        ids=["failed", "cancelled", "paused"],
    )
    def test_what_did_not_succeed_is_raised_unless_not_wanted(
        self, kind: Kind, ended: dict[str, Any], error: type[Exception], said: str
    ) -> None:
        server = Server().on(f"GET {JOB}", ended)

        async def scenario(client: Any) -> None:
            job = (await listed(client.jobs()))[0]
            with pytest.raises(error, match=said) as caught:
                await settled(job.wait(progress=False))
            assert getattr(caught.value, "job") is job  # noqa: B009 - of two kinds
            assert job.status == ended["status"]
            assert await settled(job.wait(progress=False, raise_on_failure=False)) is job

        play(kind, server, scenario)

    @both
    def test_not_longer_than_asked(self, kind: Kind) -> None:
        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            with pytest.raises(WaitTimeout, match="is running at step 512 of 2,000 after 0 s") as caught:
                await settled(job.wait(progress=False, timeout=0))
            assert isinstance(caught.value, TimeoutError)

        play(kind, Server(), scenario)

    @both
    def test_a_service_that_stays_away_is_told(self, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = iter(range(0, 100_000, 60))
        monkeypatch.setattr("ganjobs.waiting.time.monotonic", lambda: next(clock))
        server = Server().on(f"GET {JOB}", httpx.ConnectError("refused"))

        async def scenario(client: Any) -> None:
            job = (await listed(client.jobs()))[0]
            with pytest.raises(ApiUnreachable):
                await settled(job.wait(progress=False))

        play(kind, server, scenario)

    def test_lines_where_nobody_looks_on(self, capsys: pytest.CaptureFixture[str]) -> None:
        server = Server().on(f"GET {JOB}", NEW, RUNNING, RUNNING | {"step": 600}, SUCCEEDED)
        with Client("http://api", transport=httpx.MockTransport(server)) as client:
            client.jobs()
            Job._of(client._transport, NEW).wait()
        said = capsys.readouterr().err.splitlines()
        assert [line.split()[1] for line in said] == ["queued", "running", "succeeded"]
        assert "D loss 1.31 (1.386)  G loss 0.78 (0.6931)  D(x) 0.53 (0.5)" in said[1]
        assert "mode_collapse" in said[1]


class TestReading:
    @both
    def test_what_a_job_recorded_is_typed(self, kind: Kind) -> None:
        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            assert (await settled(job.events()))[0].kind == "job.running"
            assert (await settled(job.logs()))[0].data == {"device": "cuda:0"}
            assert (await settled(job.evaluations()))[0].values["classes_covered"] == 10
            assert (await settled(job.checkpoints()))[0].best.value == 21.7
            assert (await settled(job.health())).evidence[0].signal == "pooled_missing_share"
            assert (await settled(job.health_history()))[1].verdict == "mode_collapse"
            assert (await settled(client.workers()))[0].devices[0]["name"] == "NVIDIA H200"
            assert (await settled(client.validate(steps=1))).equilibrium.total_loss > 2
            (sample,) = await settled(job.samples())
            assert (sample.step, sample.job_id) == (200, job.id)

        play(kind, Server(), scenario)

    @both
    def test_an_image_is_downloaded_when_it_is_asked_for_and_once(self, kind: Kind, tmp_path: Path) -> None:
        server = Server()

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            (sample,) = await settled(job.samples())
            assert f"GET {JOB}/samples/200" not in server.lines
            image = sample.image() if kind is not Client else sample.image
            assert (await settled(image)).size == (1, 1)
            assert (await settled(sample.save(tmp_path / "a.png"))).read_bytes() == PNG

        play(kind, server, scenario)
        assert server.lines.count(f"GET {JOB}/samples/200") == 1

    @both
    def test_the_newest_sample_comes_with_its_bytes(self, kind: Kind) -> None:
        newest = httpx.Response(200, content=PNG, headers={"Sample-Step": "200"})
        server = Server().on(f"GET {JOB}/samples/latest", newest)

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            sample = await settled(job.sample())
            png = sample.png if kind is Client else await sample.png()
            assert (sample.step, png) == (200, PNG)

        play(kind, server, scenario)
        assert f"GET {JOB}/samples/200" not in server.lines

    @both
    def test_the_generator_is_checked_and_kept_only_if_whole(self, kind: Kind, tmp_path: Path) -> None:
        content = b"weights"
        file = examples.CHECKPOINTS["data"][0]["files"][0]
        listing = json.loads(json.dumps(examples.CHECKPOINTS))
        listing["data"][0]["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
        server = Server().on(f"GET {JOB}/checkpoints", listing).on(f"GET {file['url']}", content)

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            path = await settled(job.generator(tmp_path, best=True))
            assert path == tmp_path / f"{job.id}-step-00000500.safetensors"
            assert path.read_bytes() == content
            server.on(f"GET {file['url']}", b"other")
            with pytest.raises(DownloadDamaged):
                await settled(job.generator(tmp_path / "g.safetensors"))
            listing["data"][0]["best"] = None
            with pytest.raises(NothingThere, match="no best checkpoint"):
                await settled(job.generator(best=True))

        play(kind, server, scenario)
        assert [path.name for path in tmp_path.iterdir()] == [f"{RUNNING['id']}-step-00000500.safetensors"]

    @both
    def test_the_animation_is_asked_for_as_chosen(self, kind: Kind, tmp_path: Path) -> None:
        server = Server().on(f"GET {JOB}/samples/animation", b"GIF89a")

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            path = await settled(job.animation(tmp_path, "webp", from_step=5, frames=10, frames_per_second=2.5))
            assert (path.name, path.read_bytes()) == (f"{job.id}-samples.webp", b"GIF89a")

        play(kind, server, scenario)
        asked = dict(server.asked[-1].url.params)
        assert asked == {"format": "webp", "from_step": "5", "frames": "10", "frames_per_second": "2.5"}

    @both
    def test_a_transfer_that_breaks_off_is_begun_anew_and_given_up_in_the_end(self, kind: Kind) -> None:
        url = f"GET {JOB}/samples/200"
        server = Server().on(url, lost(), Broken, PNG)

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            (sample,) = await settled(job.samples())
            assert await settled(sample.png if kind is Client else sample.png()) == PNG
            server.on(url, Broken)
            (sample,) = await settled(job.samples())
            with pytest.raises(TransferBroken, match="connection reset"):
                await settled(sample.png if kind is Client else sample.png())

        play(kind, server, scenario)


STREAM = [
    f"event: {kind}\ndata: {json.dumps(data)}\nid: {number}\n\n".encode()
    for number, (kind, data) in enumerate(
        [
            ("metrics", {"segment": 0, "columns": {"step": [1, 2], "d_loss": [1.5, "NaN"]}}),
            ("sample", examples.SAMPLES["data"][0]),
            ("news", {"of": "a later version"}),
            ("health", health_examples.HEALTH_CHANGED),
            ("job", {k: v for k, v in RUNNING.items() if k not in ("spec", "equilibrium")}),
            ("rewind", {"step": 1}),
            ("end", {"reason": "finished", "status": "succeeded"}),
        ]
    )
]


@both
def test_a_stream_is_typed_and_read_on_where_it_broke(kind: Kind) -> None:
    cut = b"".join(STREAM[:2]) + STREAM[2][:20]
    server = Server().on(f"GET {JOB}/stream", cut, b"", b"".join(STREAM[2:]))
    found: list[Any] = []

    async def scenario(client: Any) -> None:
        job = await settled(client.job(RUNNING["id"]))
        found.extend(await listed(job.stream("d_loss", from_step=1)))

    play(kind, server, scenario)
    names = [type(message).__name__.removesuffix("Message") for message in found]
    assert names == ["Metrics", "Sample", "Event", "Job", "Rewind", "End"]
    assert found[0].steps == [1, 2]
    assert found[0].columns["d_loss"][1] != found[0].columns["d_loss"][1]
    assert (found[2].event.kind, found[3].step, found[4].step) == ("health.changed", 512, 1)
    assert found[5].status is JobStatus.SUCCEEDED
    asked = [request for request in server.asked if request.url.path.endswith("stream")]
    assert [request.headers.get("Last-Event-ID") for request in asked] == [None, "1", "1"]
    assert dict(asked[0].url.params) == {"keys": "d_loss", "from_step": "1"}


def public(kind: type) -> Iterator[tuple[str, list[inspect.Parameter]]]:
    for name, member in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_") and name not in dir(type(kind)):
            yield name, list(inspect.signature(member).parameters.values())


@pytest.mark.parametrize(("blocking", "asynchronous"), [KINDS, (Job, AsyncJob)], ids=["client", "job"])
def test_the_twins_can_do_the_same(blocking: type, asynchronous: type) -> None:
    theirs = {name: parameters for name, parameters in public(asynchronous) if name != "aclose"}
    ours = {name: parameters for name, parameters in public(blocking) if name != "close"}
    assert {"jobs", "submit"} < set(ours) or {"wait", "metrics", "stream"} < set(ours)
    assert ours.keys() == theirs.keys()
    for name, parameters in ours.items():
        assert [str(one) for one in parameters] == [str(one) for one in theirs[name]], name
