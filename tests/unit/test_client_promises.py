"""What docs/client.md promises besides: names, downloads, lost answers, notices, lists, and clear refusals."""

import builtins
import io
import json
import math
import pickle
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import JOB, KINDS, PNG, Broken, Server, listed, play, settled

import ganjobs
from api import examples
from ganjobs import (
    ApiUnreachable,
    Client,
    ClientError,
    Job,
    JobFailed,
    JobInfo,
    NoSuchJob,
    NotSent,
    NotValid,
    Rest,
    SpecFileError,
    TransferBroken,
    html,
    progress,
)
from ganjobs.patience import FOUND, LOST
from ganjobs.transfers import unfinished, write_whole

RUNNING = examples.JOB
PAUSED = RUNNING | {"status": "paused"}
INFO = JobInfo.model_validate(RUNNING)
DOCUMENTATION = Path(__file__).parents[2] / "docs/client.md"
# Words of others in the code of the documentation.
NOT_OURS = {"Retry", "After", "Authorization", "Bearer", "Pillow", "DataFrame", "Table"}
both = pytest.mark.parametrize("kind", KINDS, ids=["blocking", "asynchronous"])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganjobs.effects.FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr("ganjobs.transfers.WAIT_SECONDS", 0)


def client_of(server: Any) -> Client:
    return Client("http://api", transport=httpx.MockTransport(server))


class TestNames:
    def test_every_name_in_the_documentation_can_be_imported(self) -> None:
        text = DOCUMENTATION.read_text()
        code = [
            *re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE),
            *re.findall(r"`([^`\n]+)`", text),
        ]
        words = {word for each in code for word in re.findall(r"(?<![\w./-])[A-Z][a-z]+(?:[A-Z][a-z]+)*\b", each)}
        names = words - set(dir(builtins)) - NOT_OURS
        assert {"Client", "AsyncClient", "NoSuchJob", "SpecFileError", "DownloadDamaged", "JobStatus"} < names
        assert sorted(name for name in names if not hasattr(ganjobs, name)) == []

    def test_what_is_exported_is_there(self) -> None:
        assert sorted(ganjobs.__all__) == ganjobs.__all__
        for name in ganjobs.__all__:
            assert getattr(ganjobs, name).__name__ in (name, "StreamMessage")
        with pytest.raises(AttributeError, match="nonsense"):
            ganjobs.nonsense  # noqa: B018


class TestDownloads:
    @both
    def test_they_wait_for_a_service_as_everything_does(self, kind: Any, tmp_path: Path) -> None:
        url = f"GET {JOB}/samples/animation"
        busy = httpx.Response(503, headers={"Retry-After": "0"}, json={"title": "Later"})
        server = Server().on(url, httpx.ConnectError("refused"), httpx.Response(429), busy, b"GIF89a")

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            path = await settled(job.animation(tmp_path / "a.gif"))
            assert path.read_bytes() == b"GIF89a"
            server.on(url, httpx.ConnectError("refused"))
            with pytest.raises(ApiUnreachable, match=r"no answer from http://api \(refused\)"):
                await settled(job.animation(tmp_path / "a.gif"))
            assert path.read_bytes() == b"GIF89a"

        play(kind, server, scenario)
        assert server.lines.count(url) == 4 + 4
        assert [each.name for each in tmp_path.iterdir()] == ["a.gif"]

    @both
    def test_one_that_breaks_off_is_begun_anew_and_leaves_nothing(self, kind: Any, tmp_path: Path) -> None:
        url = f"GET {JOB}/samples/animation"
        server = Server().on(url, Broken, b"GIF89a")

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            assert (await settled(job.animation(tmp_path / "a.gif"))).read_bytes() == b"GIF89a"
            server.on(url, Broken)
            with pytest.raises(TransferBroken, match="connection reset"):
                await settled(job.animation(tmp_path / "b.gif"))

        play(kind, server, scenario)
        assert [each.name for each in tmp_path.iterdir()] == ["a.gif"]

    def test_two_at_once_do_not_write_into_each_other(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        with unfinished(path) as one:
            one.write_bytes(b"one")
            write_whole(path, b"two")
            assert path.read_bytes() == b"two"
        assert path.read_bytes() == b"one"
        with pytest.raises(TypeError):
            write_whole(path, "no bytes")  # type: ignore[arg-type]
        assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"one", [path])


class TestLostAnswers:
    """What must not be done twice, where the connection was lost after it was sent."""

    @both
    def test_a_look_says_whether_it_was_done(self, kind: Any) -> None:
        lost = httpx.ReadError("connection reset")
        server = Server().on(f"POST {JOB}/resume", lost).on(f"DELETE {JOB}", lost)
        gone = httpx.Response(404, json={"title": "No such job"})

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            server.on(f"GET {JOB}", PAUSED | {"status": "queued"})
            assert (await settled(job.resume())).status == "queued"
            server.on(f"GET {JOB}", gone)
            await settled(job.delete())
            for act, answer in ((job.resume, PAUSED), (job.delete, RUNNING), (job.delete, httpx.ConnectError("off"))):
                server.on(f"GET {JOB}", answer)
                with pytest.raises(ApiUnreachable, match="may have been done all the same"):
                    await settled(act())

        play(kind, server, scenario)
        assert server.lines.count(f"POST {JOB}/resume") == 2

    @both
    def test_what_cannot_have_arrived_was_not_done(self, kind: Any) -> None:
        server = Server().on(f"DELETE {JOB}", httpx.ConnectError("refused"))

        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            with pytest.raises(ApiUnreachable) as caught:
                await settled(job.delete())
            assert "may have been" not in str(caught.value)

        play(kind, server, scenario)


class TestNotices:
    def waited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        away = [httpx.ConnectError("refused")] * 8
        server = Server().on(f"GET {JOB}", RUNNING, *away, RUNNING | {"status": "succeeded"})
        Job._of(client_of(server)._transport, RUNNING).wait()

    def test_lines(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.waited(monkeypatch)
        assert [line.split("  ")[-1] for line in capsys.readouterr().err.splitlines()][1:3] == [LOST, FOUND]

    def test_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        screen = Screen()
        shown = terminal(monkeypatch, screen, 100)
        monkeypatch.setattr("ganjobs.job.make_display", lambda _: shown)
        self.waited(monkeypatch)
        assert LOST in screen.plain
        assert LOST not in screen.plain[screen.plain.rindex("succeeded") :]

    def test_a_notebook(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        handle = type("Handle", (), {"display_id": "here"})
        monkeypatch.setattr("IPython.display.display", lambda shown, **_: told.append(shown["text/html"]) or handle)
        monkeypatch.setattr("IPython.display.update_display", lambda shown, **_: told.append(shown["text/html"]))
        monkeypatch.setattr("ganjobs.job.make_display", lambda _: progress.Notebook())
        self.waited(monkeypatch)
        assert [LOST in each for each in told] == [False, True, False, False]
        assert html.notice("<b>") not in told
        assert "&lt;b&gt;" in html.notice("<b>")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


def terminal(monkeypatch: pytest.MonkeyPatch, screen: Screen, width: int) -> progress.Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    return progress.Terminal(screen)


@pytest.mark.parametrize(("width", "has_bar"), [(100, True), (70, True), (34, False)])
def test_a_terminal_shows_two_rows_that_fit(width: int, has_bar: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    shown = terminal(monkeypatch, screen, width)
    running = {"steps_per_second": 12.5, "estimated_seconds_left": 3723.0, "name": "x" * 60}
    job = JobInfo.model_validate(RUNNING | running)
    shown.update(job, None)  # type: ignore[arg-type]
    shown.close()
    rows = [line.rstrip() for line in screen.plain.replace("\r", "\n").splitlines() if line.strip()]
    assert max(map(len, rows)) <= width
    assert ("━" in screen.plain) is has_bar
    words = " ".join(" ".join(rows).split())
    for said in ("running", "512/2,000", "12.5 steps/s", "1:02:03 left", "D loss 1.31 (1.386)", "mode_collapse"):
        assert said in words
    if width == 100:
        assert len(dict.fromkeys(rows)) == 2  # drawn at the end once more


class TestFindingJobs:
    @both
    def test_a_list_may_be_limited_and_its_first_asked_for(self, kind: Any) -> None:
        pages = {"data": [RUNNING] * 100, "has_more": True}
        server = Server().on("GET /v1/jobs", pages)

        async def scenario(client: Any) -> None:
            assert len(await listed(client.jobs(limit=130))) == 130
            assert (len(server.asked), await listed(client.jobs(limit=0))) == (2, [])
            assert (await settled(client.jobs(limit=5).first())).id == RUNNING["id"]
            assert dict(server.asked[-1].url.params) == {"limit": "1"}
            server.on("GET /v1/jobs", {"data": [], "has_more": False})
            assert await settled(client.jobs().first()) is None

        play(kind, server, scenario)

    def test_the_start_of_an_id_is_found_however_old_its_job_is(self) -> None:
        ids = [f"job_{number:010x}" + "0" * 14 for number in range(5000, 0, -1)]
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path)
            if request.url.path != "/v1/summaries":
                return httpx.Response(200, json={"id": request.url.path.rsplit("/", 1)[-1]})
            start = ids.index(request.url.params["after"]) + 1 if "after" in request.url.params else 0
            page = ids[start : start + int(request.url.params["limit"])]
            return httpx.Response(200, json={"data": [{"id": one} for one in page], "has_more": page[-1] != ids[-1]})

        client = Rest("http://api", httpx.MockTransport(answer))
        from ganjobs.jobref import resolve

        assert resolve(client, f"{7:010x}") == ids[-7]
        asked.clear()
        with pytest.raises(NoSuchJob) as caught:
            resolve(client, f"{4500:010x}1")
        assert (asked, str(caught.value)) == (["/v1/summaries"], "there is no job '00000011941'")
        assert caught.value.hint == "see `ganjobs jobs`"


class TestRefusals:
    @both
    def test_a_closed_client_says_so(self, kind: Any) -> None:
        async def scenario(client: Any) -> None:
            job = await settled(client.job(RUNNING["id"]))
            await settled(client.aclose() if hasattr(client, "aclose") else client.close())
            for ask in (job.refresh, lambda: job.animation("a.gif")):
                with pytest.raises(NotSent, match="the client of http://api is closed"):
                    await settled(ask())

        play(kind, Server(), scenario)

    @pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object()])
    def test_what_json_has_no_word_for(self, value: Any) -> None:
        server = Server()
        with pytest.raises(NotSent, match="JSON has no word"):
            client_of(server).submit(generator={"learning_rate": value})
        assert server.asked == []

    @pytest.mark.parametrize("text", ["steps: 5\nbatch_size: 3\n", '{"steps": 5}', "  {steps: 5}"])
    def test_the_text_of_a_spec_is_no_path(self, text: str) -> None:
        with pytest.raises(SpecFileError, match="this is the text of one"):
            client_of(Server()).submit(text)

    def test_connections_are_not_pickled_and_failures_are(self) -> None:
        client = client_of(Server())
        job = client.job("latest")
        for each in (client, job, job.samples()[0]):
            with pytest.raises(TypeError, match="holds a connection and cannot be pickled"):
                pickle.dumps(each)
        assert pickle.loads(pickle.dumps(job.info())) == job.info()
        failed = pickle.loads(pickle.dumps(JobFailed(job, "it was too large")))
        assert (str(failed)[-16:], type(failed.job), failed.job.id) == ("it was too large", JobInfo, job.id)

    def test_what_a_path_holds_is_no_field_of_the_users(self) -> None:
        wrong = {"field": "job_id", "in": "path", "message": "there is no such job", "code": "unknown_job"}
        server = Server().on(f"GET {JOB}", httpx.Response(422, json={"title": "t", "errors": [wrong]}))
        with pytest.raises(NotValid, match=r"^there is no such job$"):
            client_of(server).job(RUNNING["id"])

    def test_advice_for_the_command_line_is_no_part_of_a_message(self) -> None:
        refused = ApiUnreachable("http://api", "refused")
        assert (str(refused), "ganjobs serve" in refused.hint) == ("no answer from http://api (refused)", True)
        assert ClientError("x").hint == ""


class TestReprs:
    def test_lists_are_read_line_by_line(self) -> None:
        client = client_of(Server().on(f"GET {JOB}/samples/200", PNG))
        job = client.job("latest")
        events = job.events() + job.events()
        events = type(job.events())(events)
        assert repr(events).splitlines()[0] == "["
        assert len(repr(events).splitlines()) == len(events) + 2
        assert repr(type(events)([events[0]] * 30)).splitlines()[-2:] == [" … and 10 more", "]"]
        assert repr(type(events)()) == "[]"

    def test_readiness_says_what_is_wrong(self) -> None:
        assert repr(client_of(Server()).ready()) == "<Readiness: ready>"
        server = Server().on("GET /readyz", httpx.Response(503, content=json.dumps(examples.NOT_READY)))
        assert repr(client_of(server).ready()) == "<Readiness: not ready: worker no worker is ready>"
