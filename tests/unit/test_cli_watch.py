"""Watching a job, from recorded answers of the API to what a user sees."""

import io
import re
from typing import Any

import httpx
import pytest
import typer
from rich.console import Console

from ganjobs.commands.jobs import described, jobs_table
from ganjobs.commands.watch import ending, watch_to_the_end
from ganjobs.errors import ApiError, ClientError
from ganjobs.reading import CAVEAT, reading
from ganjobs.rest import Rest
from ganjobs.watch import LineDisplay, LiveDisplay, Progress, follow, line

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
RUNNING = {"status": "running", "steps_per_second": 20.0}


class RecordedApi:
    """Gives one state of a job after the other; of its metrics the rows from ``from_step`` to the job's step."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = [JOB | state for state in states]
        self.number = -1
        self.asked_from: list[int] = []
        self.asked_for_health = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/health"):
            self.asked_for_health += 1
            return httpx.Response(200, json=COLLAPSED if self.verdict == "mode_collapse" else REPORT)
        if request.url.path.endswith("/metrics"):
            return self.metrics(int(request.url.params["from_step"]))
        if 0 <= self.number < len(self.states) - 1 and self.states[self.number + 1] == self.states[self.number]:
            self.number += 1
            return httpx.Response(304)
        self.number += 1
        return httpx.Response(200, json=self.states[self.number], headers={"ETag": f'"{self.number}"'})

    @property
    def verdict(self) -> str | None:
        return self.states[self.number].get("verdict")

    def metrics(self, first: int) -> httpx.Response:
        self.asked_from.append(first)
        steps = list(range(first, self.states[self.number]["step"] + 1))
        values = {"d_loss": 1.25, "g_loss": 0.75, "d_real": 0.625, "d_fake": 0.375}
        columns = {"step": steps} | {name: [value] * len(steps) for name, value in values.items()}
        return httpx.Response(200, json={"columns": columns, "has_more": False, "next_step": first + len(steps)})

    def client(self) -> Rest:
        return Rest("http://api", transport=httpx.MockTransport(self))


def watched(api: RecordedApi, terminal: bool) -> str:
    """What is written while the job is followed; ten seconds pass at every poll."""
    clock = [0.0]

    def pause(_: float) -> None:
        clock[0] += 10

    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, highlight=False, no_color=not terminal)
    display = LiveDisplay(console) if terminal else LineDisplay(console, lambda: clock[0])
    assert follow(api.client(), "job_1", display, pause)["status"] == "succeeded"
    return out.getvalue()


def test_plain_lines_tell_all_news_once_without_control_characters() -> None:
    api = RecordedApi(
        {},
        RUNNING | {"step": 40, "estimated_seconds_left": 18.0},
        RUNNING | {"step": 40, "estimated_seconds_left": 18.0},
        RUNNING | {"step": 300, "estimated_seconds_left": 5.0},
        {"status": "succeeded", "step": 400},
    )
    written = watched(api, terminal=False)
    assert re.search(r"[^\x20-\x7e\n]", written) is None
    lines = written.splitlines()
    assert [one.split()[0] for one in lines] == ["queued", "running", "running", "succeeded"]
    assert "step 40/400 (10 %)  20 steps/s, 18 s left" in lines[1]
    assert "D loss 1.25 (1.386)  G loss 0.75 (0.6931)  D(x) 0.625 (0.5)  D(G(z)) 0.375 (0.5)" in lines[1]


def test_only_rows_not_seen_yet_are_asked_for() -> None:
    states = (RUNNING | {"step": 40}, RUNNING | {"step": 90}, RUNNING | {"step": 390})
    api = RecordedApi({}, *states, {"status": "succeeded", "step": 400})
    watched(api, terminal=False)
    # From 90 to 390 there are more rows than the mean is taken over: the older ones are left out.
    assert api.asked_from == [1, 41, 291, 391]


def test_a_job_that_went_back_to_a_checkpoint_is_followed_from_there() -> None:
    api = RecordedApi(
        RUNNING | {"step": 90}, {"step": 50}, RUNNING | {"step": 60}, {"status": "succeeded", "step": 400}
    )
    watched(api, terminal=False)
    assert api.asked_from == [1, 51, 301]


def test_a_terminal_shows_each_reading_beside_its_equilibrium() -> None:
    api = RecordedApi(RUNNING | {"step": 100, "estimated_seconds_left": 200.0}, {"status": "succeeded", "step": 400})
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", watched(api, terminal=True))
    assert re.search(r"running +.*100/400 +20 steps/s +3:20 left", plain)
    for name, value, level in (("D loss", "1.25", "1.386"), ("G loss", "0.75", "0.6931"), (r"D\(x\)", "0.625", "0.5")):
        assert re.search(rf"{name} +{value} +{level}\n", plain)


def test_a_reading_without_equilibrium_or_value() -> None:
    job = JOB | {"equilibrium": {"d_loss": None, "g_loss": None, "total_loss": None}}
    progress = Progress(job)
    assert progress.readings()[0] == ("D loss", "-", "-")
    assert "loss" not in line(progress)


EVALUATED = {"step": 40, "values": {"modes_covered": 8.0, "reverse_kl": 0.0123456}}
WORTH = "evaluation step 40: modes_covered 8, reverse_kl 0.01235"


@pytest.mark.parametrize("terminal", [False, True])
def test_each_evaluation_is_told_in_a_line(terminal: bool) -> None:
    states = [RUNNING | {"step": 40}, *[RUNNING | {"step": step, "latest_evaluation": EVALUATED} for step in (60, 80)]]
    written = watched(RecordedApi({}, *states, {"status": "succeeded", "step": 400}), terminal)
    assert written.count(WORTH) == (2 if terminal else 1)  # a terminal shows it for as long as it holds


@pytest.mark.parametrize("terminal", [False, True])
def test_each_change_of_verdict_is_told_in_a_line_and_asked_for_once(terminal: bool) -> None:
    verdicts = (None, "balanced", "balanced", "mode_collapse", "mode_collapse")
    states = [RUNNING | {"step": 40 * at, "verdict": verdict} for at, verdict in enumerate(verdicts)]
    api = RecordedApi(*states, {"status": "succeeded", "step": 400, "verdict": "mode_collapse"})
    written = watched(api, terminal)
    assert api.asked_for_health == 2
    for said in ("health     balanced (ok): Nothing", "health     mode_collapse since step 1,200 (alarm): It makes"):
        assert written.count(said) >= 1 if terminal else written.count(said) == 1


def test_a_verdict_that_is_gone_after_a_way_back_is_shown_no_more() -> None:
    states = [RUNNING | {"step": step, "verdict": verdict} for step, verdict in ((80, "mode_collapse"), (40, None))]
    api = RecordedApi(*states, {"status": "succeeded", "step": 400, "verdict": "mode_collapse"})
    assert watched(api, terminal=False).count("mode_collapse since") == 2


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


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("cancelled", 3), ("paused", 4)])
def test_the_end_is_followed_by_its_health(status: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        watch_to_the_end(RecordedApi({"status": status, "step": 100}).client(), "job_1")
    lines = capsys.readouterr().out.splitlines()
    assert caught.value.exit_code == code
    assert lines[-3].startswith(f"job_1 {status} at step 100 of 400")
    assert lines[-2:] == ["health     balanced (ok): Nothing has gone wrong.", f"           {CAVEAT}"]


def test_a_paused_job_is_not_watched_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    api = RecordedApi(RUNNING | {"step": 40}, {"status": "pausing", "step": 45}, {"status": "paused", "step": 50})
    with pytest.raises(typer.Exit) as caught:
        watch_to_the_end(api.client(), "job_1")
    assert caught.value.exit_code == 4
    assert "job_1 paused at step 50 of 400: go on with `ganjobs resume job_1`" in capsys.readouterr().out


def test_a_job_without_rows_ends_without_a_word_of_its_health(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        watch_to_the_end(RecordedApi({"status": "cancelled"}).client(), "job_1")
    assert capsys.readouterr().out.splitlines()[-1].startswith("job_1 cancelled at step 0")


@pytest.mark.parametrize("gone", [httpx.ConnectError("refused"), httpx.Response(503, json={"title": "not now"})])
def test_a_service_that_goes_away_leaves_the_job_safe(gone: Exception | httpx.Response) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(gone, Exception):
            raise gone
        return gone

    client = Rest("http://api", transport=httpx.MockTransport(answer))
    with pytest.raises(ClientError, match="the job is safe: follow it again with `ganjobs watch job_1`"):
        watch_to_the_end(client, "job_1")


def test_a_job_that_is_not_there_is_not_called_safe() -> None:
    client = Rest("http://api", transport=httpx.MockTransport(lambda _: httpx.Response(404, json={})))
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
