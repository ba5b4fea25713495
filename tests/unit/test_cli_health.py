"""``ganjobs health``, and what else the command line says of a job's health."""

import io
import json
import re
from typing import Any

import httpx
import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from ganjobs import cli
from ganjobs.commands import health, jobs
from ganjobs.commands.health import described, history_table
from ganjobs.rest import Rest

JOB_ID = "job_" + "0" * 24
REPORT: dict[str, Any] = {
    "object": "job.health",
    "job_id": JOB_ID,
    "segment": 0,
    "step": 1500,
    "verdict": "mode_collapse",
    "severity": "alarm",
    "confidence": 0.8,
    "since_step": 1000,
    "sentence": "The generator makes [little] of what there is.",
    "evidence": [
        {
            "signal": "effective_rank_ratio",
            "value": 0.123456,
            "threshold": 0.3,
            "reference": None,
            "first_step": 1401,
            "last_step": 1500,
        }
    ],
    "advice": [{"field": "regularizers", "text": "Add R1.", "source": "Mescheder et al. 2018"}],
}
INTERVALS = [
    {
        "from_step": first,
        "to_step": last,
        "verdict": verdict,
        "severity": severity,
        "confidence": 0.5,
        "sentence": f"It is {verdict}.",
        "segment": 0,
    }
    for first, last, verdict, severity in ((100, 900, "balanced", "ok"), (1000, 1000, "mode_collapse", "alarm"))
]
SEGMENT = {
    "number": 1,
    "after_step": 200,
    "last_step": 1700,
    "verdict": "diverging",
    "remedy_text": "both learning rates times 0.3",
}


def drawn(shown: RenderableType, width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(shown)
    return out.getvalue()


class Api:
    """Answers as the API would, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.intervals = INTERVALS
        self.report = REPORT

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append(path)
        rest = request.url.path.removeprefix(f"/v1/jobs/{JOB_ID}")
        data = {"/health/history": self.intervals, "/segments": [SEGMENT]}
        if rest == "/health":
            return httpx.Response(200, json=self.report)
        if rest in data:
            return httpx.Response(200, json={"object": "list", "data": data[rest], "has_more": False})
        return httpx.Response(200, json={"id": JOB_ID, "data": [], "has_more": False})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    for module in (health, jobs):
        monkeypatch.setattr(module, "open_client", lambda _: Rest("http://api", httpx.MockTransport(made)))
    return made


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, [*arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_report_in_full() -> None:
    said = drawn(described(REPORT, 120))
    assert re.search(r"verdict +mode_collapse  \(alarm, confidence 0\.8\)", said)
    assert re.search(r"since +step 1,000, as assessed at step 1,500", said)
    assert "The generator makes [little] of what there is.\n" in said
    assert re.search(r"effective_rank_ratio +0\.1235 +0\.3 +- +1,401 to 1,500", said)
    assert re.search(r"regularizers +Add R1\. \(Mescheder et al\. 2018\)", said)


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (80, "SIGNAL VALUE THRESHOLD REFERENCE STEPS"),
        (66, "SIGNAL VALUE THRESHOLD REFERENCE STEPS"),
        (60, "SIGNAL VALUE THRESHOLD STEPS"),
        (50, "SIGNAL VALUE STEPS"),
        (40, "SIGNAL VALUE STEPS"),
        (34, "SIGNAL VALUE"),
    ],
)
def test_a_narrow_terminal_lacks_columns_but_no_number_is_cut(width: int, titles: str) -> None:
    said = drawn(described(REPORT, width), width)
    assert "…" not in said
    (head,) = [each.split() for each in said.splitlines() if each.startswith("SIGNAL")]
    assert head == titles.split()
    words = said.split()
    assert {"effective_rank_ratio", "0.1235", "1,500", "regularizers"} <= set(words)
    assert ("1,401" in words) == ("STEPS" in titles)
    assert ("0.3" in words) == ("THRESHOLD" in titles)


def test_before_anything_was_assessed_there_is_no_table() -> None:
    nothing = {
        "verdict": "warming_up",
        "severity": "ok",
        "confidence": 0,
        "since_step": 0,
        "evidence": [],
        "advice": [],
    }
    said = drawn(described(REPORT | nothing, 120))
    assert re.search(r"verdict +warming_up  \(ok, confidence 0\)", said)
    assert "SIGNAL" not in said
    assert "ADVICE" not in said


def test_a_history_has_a_line_for_each_verdict() -> None:
    _, first, second = drawn(history_table(INTERVALS)).splitlines()
    assert re.fullmatch(r"100 to 900 +balanced +0\.5 +It is balanced\. *", first)
    assert re.fullmatch(r"1,000 +mode_collapse +0\.5 +It is mode_collapse\. *", second)


def test_what_is_asked_for(api: Api) -> None:
    assert "mode_collapse" in run("health", JOB_ID)
    assert json.loads(run("health", JOB_ID, "--at-step", "1500", "--segment", "1", "--json")) == REPORT
    assert api.asked[-1] == f"/v1/jobs/{JOB_ID}/health?at_step=1500&segment=1"
    assert json.loads(run("health", JOB_ID, "--history", "--json")) == INTERVALS
    assert f"/v1/jobs/{JOB_ID}/health/history?limit=100" in api.asked


def test_a_history_tells_of_rollbacks(api: Api) -> None:
    line = "segment 1: from step 1,700 back to step 200 after diverging; both learning rates times 0.3"
    assert run("health", JOB_ID, "--history").splitlines()[-1] == line
    assert line not in run("health", JOB_ID, "--history", "--segment", "1")
    api.intervals = []
    assert run("health", JOB_ID, "--history").splitlines() == ["nothing has been assessed yet", line]


@pytest.mark.parametrize(
    "arguments",
    [
        ("health", JOB_ID, "--history", "--at-step", "3"),
        ("health", JOB_ID, "--at-step", "-1"),
        ("health", JOB_ID, "--segment", "-1"),
        ("jobs", "--verdict", "fine"),
        ("jobs", "--severity", "bad"),
    ],
)
def test_wrong_usage_is_refused_before_anybody_is_asked(api: Api, arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli.app, [*arguments])
    assert done.exit_code == 2
    assert arguments[-2] in done.output
    assert api.asked == []


def test_jobs_are_listed_with_their_verdicts(api: Api) -> None:
    run("jobs", "--verdict", "mode_collapse", "--verdict", "oscillating")
    assert api.asked[-1] == "/v1/jobs?limit=20&verdict=mode_collapse&verdict=oscillating"
    run("jobs", "--severity", "alarm", "--verdict", "stalled")
    assert api.asked[-1] == "/v1/jobs?limit=20&verdict=stalled&severity=alarm"
    job = {
        "id": "job_1",
        "name": "a",
        "status": "running",
        "step": 40,
        "steps": 400,
        "created_at": "2026-11-20T12:00:01.250000Z",
        "verdict": "generator_gradient_vanishing",
        "severity": "alarm",
    }
    said = drawn(jobs.jobs_table([job, job | {"verdict": None, "severity": None}]))
    assert re.search(r"running +40/400 +10 % +- +- +generator_gradient_vanishing +\d+ d", said)
    assert re.search(r"running +40/400 +10 % +- +- +- +\d+ d", said)


def test_a_job_is_shown_with_its_verdict() -> None:
    job = {
        "id": "job_1",
        "status": "running",
        "origin": None,
        "priority": 0,
        "step": 40,
        "steps": 400,
        "created_at": "2026-11-20T12:00:01.250000Z",
        "equilibrium": {"d_loss": None, "g_loss": None, "total_loss": None},
        "spec": {},
        "verdict": "oscillating",
        "severity": "alarm",
        "rollbacks": 2,
    }
    shown = dict(jobs.described(job))
    assert shown["health"] == "[red]oscillating[/]  (alarm; more with `ganjobs health job_1`)"
    assert shown["rollbacks"] == "2"


@pytest.mark.parametrize(("severity", "code"), [("ok", 0), ("caution", 6), ("alarm", 7)])
def test_the_exit_status_tells_how_bad_it_is_where_one_asks(api: Api, severity: str, code: int) -> None:
    api.report = REPORT | {"severity": severity}
    assert CliRunner().invoke(cli.app, ["health", JOB_ID]).exit_code == 0
    assert CliRunner().invoke(cli.app, ["health", JOB_ID, "--exit-status", "--json"]).exit_code == code
