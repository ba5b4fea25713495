"""Watching a job, from recorded answers of the API to what a user sees."""

import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from queue import Empty
from typing import Any

import httpx
import pytest
import typer
from rich.console import Console

from ganjobs import text
from ganjobs.commands.jobs import described, jobs_table
from ganjobs.commands.options import Badness
from ganjobs.commands.watch import closing, ending, watch_one, watch_to_the_end
from ganjobs.errors import ApiError, ApiUnreachable, ClientError
from ganjobs.feed import Feed
from ganjobs.patience import FOUND, LOST
from ganjobs.pictures import ImageMode
from ganjobs.reading import CAVEAT, reading
from ganjobs.stream import Message
from ganjobs.watch import follow
from ganjobs.watch_client import WatchClient
from ganjobs.watch_display import LineDisplay, LiveDisplay, line, render
from ganjobs.watched import Progress

JOB: dict[str, Any] = {
    "id": "job_1",
    "name": "[red]odd[/] name",
    "status": "queued",
    "status_reason": "waiting for a worker",
    "step": 0,
    "steps": 400,
    "steps_per_second": None,
    "estimated_seconds_left": None,
    "error": None,
    "priority": 0,
    "origin": None,
    "latest_metrics": None,
    "latest_evaluation": None,
    "verdict": None,
    "severity": None,
    "equilibrium": {"d_loss": 1.3862943611, "g_loss": 0.6931471806, "total_loss": 2.0794415417},
    "created_at": "2026-11-20T12:00:00.000000Z",
}
REPORT: dict[str, Any] = {
    "verdict": "balanced",
    "severity": "ok",
    "since_step": 0,
    "sentence": "Nothing has gone wrong.",
    "advice": [],
}
COLLAPSED = REPORT | {
    "verdict": "mode_collapse",
    "severity": "alarm",
    "since_step": 1200,
    "sentence": "It makes one thing only.",
    "advice": [{"field": f"field_{number}", "text": "More of it.", "source": "Somebody"} for number in range(4)],
}
TOLD = ("status", "status_reason", "step", "steps_per_second", "estimated_seconds_left", "latest_evaluation", "verdict")
TOLD += ("severity",)
ORDER = ("queued", "running", "succeeded")
RUNNING = {"status": "running", "steps_per_second": 20.0}


class RecordedApi:
    """Answers as the API does about a job that was in the first of ``states`` when it was asked, and comes through the
    others on its stream: with the rows up to each state's step, and a report where its verdict is another one."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = [JOB | state for state in states]
        self.asked_from: list[int] = []
        self.opened: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/health"):
            return httpx.Response(200, json=report(self.last["verdict"]))
        if path.endswith("/metrics"):
            self.asked_from.append(int(request.url.params["from_step"]))
            columns = rows(self.asked_from[-1], self.states[0]["step"])
            return httpx.Response(200, json={"columns": columns, "has_more": False, "next_step": 0})
        if path.endswith("/samples/latest"):
            return httpx.Response(200, content=b"png", headers={"Sample-Step": "7"})
        return httpx.Response(200, json=self.states[0])

    @property
    def last(self) -> dict[str, Any]:
        return self.states[-1]

    def stream(self, last_id: str | None) -> Iterator[Message]:
        """The messages behind ``last_id``."""
        self.opened.append(last_id)
        yield from self.messages()[int(last_id or 0) :]

    def messages(self) -> list[Message]:
        told: list[tuple[str, Any]] = []
        for before, state in pairwise(self.states):
            if state["step"] < before["step"]:
                told.append(("rewind", {"step": state["step"]}))
            elif state["step"] > before["step"]:
                told.append(("metrics", {"segment": 0, "columns": rows(before["step"] + 1, state["step"])}))
            if state["verdict"] and (state["verdict"] != before["verdict"] or state["step"] < before["step"]):
                told.append(("report", report(state["verdict"])))
            told.append(("job", {name: state[name] for name in TOLD}))
        told.append(("end", {"reason": "finished", "status": self.last["status"]}))
        return [Message(event, str(number), data) for number, (event, data) in enumerate(told, 1)]

    def client(self) -> WatchClient:
        return WatchClient("http://api", transport=httpx.MockTransport(self))


def rows(first: int, last: int) -> dict[str, list[Any]]:
    steps = list(range(first, last + 1))
    values = {"d_loss": 1.25, "g_loss": 0.75, "d_real": 0.625, "d_fake": 0.375}
    return {"step": steps} | {name: [value] * len(steps) for name, value in values.items()}


def report(verdict: str | None) -> dict[str, Any]:
    return COLLAPSED if verdict == "mode_collapse" else REPORT


@pytest.fixture(autouse=True)
def _message_by_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message of a stream is looked at before the next one comes, and nobody waits."""

    def step_by_step(feed: Feed, seconds: float) -> list[Any]:
        try:
            each = feed._found.get(timeout=10)
        except Empty:
            raise AssertionError("nothing came") from None
        if isinstance(each, Exception):
            raise each
        feed._over = each is None
        return [] if each is None else [each]

    monkeypatch.setattr(Feed, "take", step_by_step)
    monkeypatch.setattr("ganjobs.patience.WAIT_SECONDS", 0)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[RecordedApi], RecordedApi]:
    """Have the stream of an API followed."""

    def use_it(api: RecordedApi) -> RecordedApi:
        monkeypatch.setattr("ganjobs.feed.stream_of", lambda *_: api.stream)
        return api

    return use_it


Use = Callable[[RecordedApi], RecordedApi]


def watched(api: RecordedApi, terminal: bool) -> str:
    """What is written while the job is followed; ten seconds pass at every look."""
    clock = [0.0]

    def pause(_: float) -> None:
        clock[0] += 10

    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, highlight=False, no_color=not terminal)
    display = LiveDisplay(console) if terminal else LineDisplay(console, lambda: clock[0])
    assert follow(api.client(), "job_1", display, pause)["status"] == "succeeded"
    return out.getvalue()


def plain(written: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)


def test_plain_lines_tell_all_news_once_without_control_characters(use: Use) -> None:
    api = use(
        RecordedApi(
            {},
            RUNNING | {"step": 40, "estimated_seconds_left": 18.0},
            RUNNING | {"step": 40, "estimated_seconds_left": 18.0},
            RUNNING | {"step": 300, "estimated_seconds_left": 5.0},
            {"status": "succeeded", "step": 400},
        )
    )
    written = watched(api, terminal=False)
    assert re.search(r"[^\x20-\x7e\n]", written) is None
    lines = written.splitlines()
    assert [one.split()[0] for one in lines] == sorted((one.split()[0] for one in lines), key=ORDER.index)
    assert "step 40/400 (10 %)  20 steps/s, 18 s left" in written
    assert "D loss 1.25 (1.386)  G loss 0.75 (0.6931)  D(x) 0.625 (0.5)  D(G(z)) 0.375 (0.5)" in lines[-1]
    assert len(lines) == len(set(lines))
    assert lines[-1].startswith("succeeded  step 400/400")


def test_only_the_last_rows_are_asked_for_and_the_stream_goes_on_behind_them(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    api = use(RecordedApi(RUNNING | {"step": 390}, {"status": "succeeded", "step": 400}))

    def stream_of(url: str, job_id: str, keys: tuple[str, ...], from_step: int) -> Any:
        begun.append(from_step)
        return api.stream

    monkeypatch.setattr("ganjobs.feed.stream_of", stream_of)
    watched(api, terminal=False)
    assert (api.asked_from, begun) == ([291], [391])


def test_a_job_that_has_ended_needs_no_stream(use: Use) -> None:
    api = use(RecordedApi({"status": "succeeded", "step": 400}))
    assert "D loss 1.25" in watched(api, terminal=False)
    assert (api.asked_from, api.opened) == ([301], [])


def test_rows_that_a_job_went_back_from_count_no_more() -> None:
    progress = Progress(JOB)
    progress.take(Message("metrics", "1", {"columns": rows(1, 90)}))
    progress.take(Message("rewind", "2", {"step": 50}))
    assert (progress.last_step, progress.mean("d_loss")) == (50, None)
    progress.take(Message("metrics", "3", {"columns": {"step": [51, 52], "d_loss": [1.0, "Infinity"]}}))
    assert (progress.last_step, progress.state()["d_loss"]) == (52, "Infinity")


def test_a_terminal_shows_each_reading_beside_its_equilibrium(use: Use) -> None:
    state = RUNNING | {"step": 100, "estimated_seconds_left": 200.0}
    written = plain(watched(use(RecordedApi(state, {"status": "succeeded", "step": 400})), terminal=True))
    assert re.search(r"running +.*100/400 +20 steps/s +3:20 left", written)
    for name, value, level in (("D loss", "1.25", "1.386"), ("G loss", "0.75", "0.6931"), (r"D\(x\)", "0.625", "0.5")):
        assert re.search(rf"{name} +{value} +{level}\n", written)


def test_a_reading_without_equilibrium_or_value() -> None:
    job = JOB | {"equilibrium": {"d_loss": None, "g_loss": None, "total_loss": None}}
    progress = Progress(job)
    assert progress.readings()[0] == ("D loss", "-", "-")
    assert "loss" not in line(progress)


EVALUATED = {"step": 40, "values": {"modes_covered": 8.0, "reverse_kl": 0.0123456}}
WORTH = "evaluation step 40: modes_covered 8, reverse_kl 0.01235"


@pytest.mark.parametrize("terminal", [False, True])
def test_each_evaluation_is_told_in_a_line(use: Use, terminal: bool) -> None:
    states = [RUNNING | {"step": 40}, *[RUNNING | {"step": step, "latest_evaluation": EVALUATED} for step in (60, 80)]]
    written = watched(use(RecordedApi({}, *states, {"status": "succeeded", "step": 400})), terminal)
    assert (written.count(WORTH) > 1) == terminal  # a terminal shows it for as long as it holds
    assert WORTH in written


@pytest.mark.parametrize("terminal", [False, True])
def test_each_change_of_verdict_is_told_in_a_line(use: Use, terminal: bool) -> None:
    verdicts = (None, "balanced", "balanced", "mode_collapse", "mode_collapse")
    states = [RUNNING | {"step": 40 * at, "verdict": verdict} for at, verdict in enumerate(verdicts)]
    api = use(RecordedApi(*states, {"status": "succeeded", "step": 400, "verdict": "mode_collapse"}))
    written = plain(watched(api, terminal))
    for said in ("health     balanced (ok): Nothing", "health     mode_collapse since step 1,200 (alarm): It makes"):
        assert written.count(said) >= 1 if terminal else written.count(said) == 1


def test_a_verdict_that_is_gone_after_a_way_back_is_shown_no_more(use: Use) -> None:
    states = [RUNNING | {"step": step, "verdict": verdict} for step, verdict in ((80, "mode_collapse"), (40, None))]
    api = use(RecordedApi(*states, {"status": "succeeded", "step": 400, "verdict": "mode_collapse"}))
    assert watched(api, terminal=False).count("mode_collapse since") == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_a_lost_connection_is_told_and_the_stream_goes_on_where_it_stood(
    use: Use, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    states = [RUNNING | {"step": step} for step in (40, 80, 120)]
    api = use(RecordedApi(*states, {"status": "succeeded", "step": 400}))
    whole = api.messages()

    def broken(last_id: str | None) -> Iterator[Message]:
        api.opened.append(last_id)
        if len(api.opened) == 2:
            raise ApiError(503, {"title": "not now"})
        behind = whole[int(last_id or 0) :]
        yield from behind[: 2 if len(api.opened) == 1 else None]
        if len(api.opened) == 1:
            raise ApiUnreachable("http://api", "refused")

    monkeypatch.setattr(api, "stream", broken)
    written = plain(watched(use(api), terminal))
    assert api.opened == [None, "2", "2"]
    assert LOST in written
    assert (FOUND in written) != terminal  # a terminal just shows it no more
    assert "400/400" in written


def test_a_stream_that_ends_without_a_word_is_asked_about(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    api = use(RecordedApi(RUNNING | {"step": 40}, {"status": "succeeded", "step": 400}))

    def nothing(last_id: str | None) -> Iterator[Message]:
        api.states = api.states[1:]
        return iter(())

    monkeypatch.setattr(api, "stream", nothing)
    assert "succeeded" in watched(use(api), terminal=False)


def test_a_job_that_is_deleted_ends_the_watching(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    api = RecordedApi(RUNNING | {"step": 40}, {"status": "succeeded"})
    gone = Message("end", "1", {"reason": "deleted", "status": None})
    monkeypatch.setattr(api, "stream", lambda _: iter([gone]))
    with pytest.raises(ClientError, match="job_1 was deleted"):
        follow(use(api).client(), "job_1", LineDisplay(Console(file=io.StringIO())))


def test_a_bad_verdict_comes_with_the_first_things_to_change() -> None:
    """And a good one with a caveat in their place."""
    assert reading(COLLAPSED) == [
        "health     mode_collapse since step 1,200 (alarm): It makes one thing only.",
        "           change field_0: More of it.",
        "           change field_1: More of it.",
    ]
    assert reading(REPORT)[1:] == [f"           {CAVEAT}"]


def test_the_latest_evaluation_is_told_at_the_end_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    ended = {"status": "succeeded", "step": 100, "latest_evaluation": EVALUATED}
    with pytest.raises(typer.Exit):
        watch_to_the_end(RecordedApi(ended).client(), "job_1")
    assert WORTH in capsys.readouterr().out.splitlines()
    shown = dict(described(JOB | ended | {"spec": {}}))
    assert f"evaluation {shown['evaluation']}" == WORTH
    assert "evaluation" not in dict(described(JOB | {"spec": {}}))


@pytest.mark.parametrize(
    ("best", "said"),
    [(None, "a 1, b NaN"), ("c", "c 3"), ("r", "a 1, b NaN")],
)
def test_of_an_evaluation_the_numbers_that_matter_are_told(best: str | None, said: str) -> None:
    job = {"spec": {"best_metric": best}, "latest_evaluation": {"step": 5, "values": {"a": 1, "b": "NaN", "c": 3}}}
    assert text.evaluation_in_brief(job) == f"step 5: {said}"
    assert text.evaluation_in_brief(JOB) is None


LONG = {"step": 999_999, "steps": 1_000_000, "steps_per_second": 123.0, "estimated_seconds_left": 12_000.0}


@pytest.mark.parametrize(
    ("width", "has_bar", "has_speed"), [(100, True, True), (80, True, True), (60, False, True), (40, False, False)]
)
def test_a_narrow_terminal_lacks_the_bar_and_the_speed_but_no_number_is_cut(
    width: int, has_bar: bool, has_speed: bool
) -> None:
    progress = Progress(JOB | RUNNING | LONG)
    progress.take(Message("metrics", "1", {"columns": {"step": [1], "d_loss": [-1.2345e-10], "g_loss": [1234567.8]}}))
    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(render(progress, width))
    lines = out.getvalue().splitlines()
    (head,) = [each for each in lines if each.startswith("running")]
    assert ("━" in head, "123 steps/s" in head) == (has_bar, has_speed)
    assert {"999,999/1,000,000", "3:20:00", "left"} <= set(head.split())
    assert {"-1.234e-10", "1.386", "1.235e+06", "0.6931"} <= set(out.getvalue().split())
    assert max(map(len, lines)) <= width
    assert "…" not in out.getvalue()


def test_the_most_that_a_job_can_say_wraps_between_its_words() -> None:
    out = io.StringIO()
    Console(file=out, width=40, no_color=True).print(render(Progress(JOB | LONG | {"status": "cancelling"}), 40))
    assert {"cancelling", "999,999/1,000,000", "3:20:00", "left"} <= set(out.getvalue().split())


def test_what_stays_on_a_terminal_is_not_said_again(capsys: pytest.CaptureFixture[str]) -> None:
    job = JOB | {"status": "succeeded", "step": 400, "latest_evaluation": EVALUATED}
    display = LiveDisplay(Console(file=io.StringIO(), force_terminal=True, width=80))
    progress = Progress(job, health=COLLAPSED)
    display.update(progress)
    display.close()
    ended, changes = (
        "job_1 succeeded at step 400 of 400",
        ["change field_0: More of it.", "change field_1: More of it."],
    )
    assert closing(job, COLLAPSED, display.told) == [ended, *changes]
    assert closing(job, REPORT, display.told) == [ended, *map(str.strip, reading(REPORT))], "as it is by now"
    assert closing(job, COLLAPSED, []) == [ended, WORTH, *reading(COLLAPSED)]


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("cancelled", 3), ("paused", 4)])
def test_the_end_is_followed_by_its_health(status: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        watch_to_the_end(RecordedApi({"status": status, "step": 100}).client(), "job_1")
    lines = capsys.readouterr().out.splitlines()
    assert caught.value.exit_code == code
    assert lines[-3].startswith(f"job_1 {status} at step 100 of 400")
    assert lines[-2:] == ["health     balanced (ok): Nothing has gone wrong.", f"           {CAVEAT}"]


def test_a_paused_job_is_not_watched_for_ever(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    api = use(RecordedApi(RUNNING | {"step": 40}, {"status": "pausing", "step": 45}, {"status": "paused", "step": 50}))
    with pytest.raises(typer.Exit) as caught:
        watch_to_the_end(api.client(), "job_1")
    assert caught.value.exit_code == 4
    assert "job_1 paused at step 50 of 400: go on with `ganjobs resume job_1`" in capsys.readouterr().out


@pytest.mark.parametrize(("fail_on", "code", "step"), [("alarm", 7, 120), ("caution", 6, 80), (None, 0, 400)])
def test_a_script_can_have_the_watching_end_with_a_bad_verdict(
    use: Use, capsys: pytest.CaptureFixture[str], fail_on: str | None, code: int, step: int
) -> None:
    stalled = {"step": 80, "verdict": "stalled", "severity": "caution"}
    collapsed = {"step": 120, "verdict": "mode_collapse", "severity": "alarm"}
    states = [RUNNING | {"step": 40}, RUNNING | stalled, RUNNING | collapsed]
    api = use(RecordedApi(*states, {"status": "succeeded", "step": 400, "verdict": "balanced", "severity": "ok"}))
    limit = Badness(fail_on) if fail_on else None
    with pytest.raises(typer.Exit) as caught:
        watch_one(api.client(), "job_1", ImageMode.AUTO, once=False, fail_on=limit, as_json=True)
    states_told = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (caught.value.exit_code, states_told[-1]["step"]) == (code, step)
    assert len(states_told) == len({json.dumps(each) for each in states_told})
    assert states_told[0] | {"status": "running", "step": 40, "d_loss": 1.25} == states_told[0]


@pytest.mark.parametrize("as_json", [False, True])
def test_how_it_stands_is_shown_once(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    api = RecordedApi(RUNNING | {"step": 40, "estimated_seconds_left": 18.0})
    with pytest.raises(typer.Exit) as caught:
        watch_one(api.client(), "job_1", ImageMode.AUTO, once=True, fail_on=None, as_json=as_json)
    (said,) = capsys.readouterr().out.splitlines()
    assert caught.value.exit_code == 0
    assert (json.loads(said)["step"] if as_json else said.split()[:3]) == (
        40 if as_json else ["running", "step", "40/400"]
    )


def test_a_job_without_rows_ends_without_a_word_of_its_health(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        watch_to_the_end(RecordedApi({"status": "cancelled"}).client(), "job_1")
    assert capsys.readouterr().out.splitlines()[-1].startswith("job_1 cancelled at step 0")


@pytest.mark.parametrize("gone", [httpx.ConnectError("refused"), httpx.Response(502, json={"title": "not now"})])
def test_a_service_that_stays_away_leaves_the_job_safe(
    gone: Exception | httpx.Response, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(gone, Exception):
            raise gone
        return gone

    monkeypatch.setattr("ganjobs.effects.FIRST_WAIT_SECONDS", 0)
    client = WatchClient("http://api", transport=httpx.MockTransport(answer))
    with pytest.raises(typer.Exit) as caught:
        watch_to_the_end(client, "job_1")
    assert caught.value.exit_code == 5
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "what is trained goes on: `ganjobs watch job_1`" in said


def test_a_job_that_is_not_there_is_not_called_safe() -> None:
    client = WatchClient("http://api", transport=httpx.MockTransport(lambda _: httpx.Response(404, json={})))
    with pytest.raises(ApiError, match="HTTP 404"):
        watch_to_the_end(client, "job_1")


def test_origin_and_priority_are_shown_where_they_say_something() -> None:
    job = JOB | {"spec": {"steps": 400}}
    assert not {"origin", "priority"} & set(dict(described(job)))
    retried = job | {"origin": {"kind": "retry", "job_id": "job_0", "step": None}, "priority": -3}
    shown = dict(described(retried))
    assert (shown["origin"], shown["priority"]) == ("retry of job_0", "-3")
    forked = job | {"origin": {"kind": "fork", "job_id": "job_0", "step": 20}}
    assert dict(described(forked))["origin"] == "fork of job_0 after step 20"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"status": "succeeded", "step": 400}, "job_1 succeeded at step 400 of 400"),
        ({"status": "cancelled", "status_reason": "by request"}, "job_1 cancelled at step 0 of 400: by request"),
        ({"status": "failed", "error": {"message": "loss is NaN"}}, "job_1 failed at step 0 of 400: loss is NaN"),
        ({"status": "paused", "step": 7}, "job_1 paused at step 7 of 400: go on with `ganjobs resume job_1`"),
    ],
)
def test_how_a_job_ended(state: dict[str, Any], said: str) -> None:
    assert ending(JOB | state) == said


def test_the_list_of_jobs_shows_names_as_they_are() -> None:
    out = io.StringIO()
    latest = {"step": 40, "d_loss": "NaN", "g_loss": 0.70123}
    found = [JOB | {"step": 40, "latest_metrics": latest}, JOB | {"name": None}]
    Console(file=out, width=120, no_color=True).print(jobs_table(found))
    assert re.search(r"job_1 +\[red\]odd\[/\] name +queued +40/400 +10 % +NaN +0\.7012 ", out.getvalue())
    assert re.search(r"job_1 +- +queued +0/400 +0 % +- +- ", out.getvalue())
