"""Watching many jobs at once, from recorded answers of the API to what a user sees."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import typer
from PIL import Image
from rich.console import Console

from ganjobs import fleet as fleets
from ganjobs.commands.watch import watch_many
from ganjobs.fleet import UNFINISHED, Fleet, FleetDisplay, follow_many
from ganjobs.fleet_display import FleetJson, FleetLines, FleetTable, table_of
from ganjobs.patience import FOUND, LOST
from ganjobs.pictures import ImageMode, blocks
from ganjobs.types import JobStatus
from ganjobs.watch_client import WatchClient
from ganjobs.watch_display import JsonLines

JOB: dict[str, Any] = {
    "name": "[red]odd[/]",
    "status": "queued",
    "status_reason": None,
    "step": 0,
    "steps": 400,
    "progress": 0.0,
    "steps_per_second": None,
    "estimated_seconds_left": None,
    "verdict": None,
    "severity": None,
    "d_loss": None,
    "g_loss": None,
    "newest_sample": None,
    "equilibrium": {"d_loss": 1.3862943611, "g_loss": 0.6931471806, "total_loss": 2.0794415417},
}
RUNNING = {"status": "running", "steps_per_second": 20.0, "estimated_seconds_left": 18.0, "d_loss": 1.25, "step": 40}
COLLAPSED = {"verdict": "mode_collapse", "severity": "alarm"}
REPORT = COLLAPSED | {"since_step": 1200, "sentence": "It makes one thing only.", "advice": []}
DONE = {"status": "succeeded", "step": 400}


def name_of(number: int) -> str:
    return f"job_{number:010x}{'0' * 14}"


class ManyJobs:
    """Answers as the API does: at each look at the list one of ``moments`` more has come, with what has changed by
    then, by the jobs' numbers; ``None`` means that a job was deleted, and an exception that nobody answers."""

    def __init__(self, *moments: dict[int, dict[str, Any] | None] | Exception) -> None:
        self.moments = list(moments)
        self.jobs: dict[int, dict[str, Any]] = {}
        self.asked: list[dict[str, list[str]]] = []
        self.fetched: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path != "/v1/summaries":
            self.fetched.append(path)
            number = int(path.split("/")[3].removeprefix("job_")[:10], 16)
            if number not in self.jobs:
                return httpx.Response(404, json={})
            if path.endswith("/health"):
                return httpx.Response(200, json=REPORT)
            if path.endswith("/latest"):
                return httpx.Response(200, content=png(), headers={"Sample-Step": "100"})
            return httpx.Response(200, json=self.jobs[number])
        params = request.url.params
        self.asked.append({key: params.get_list(key) for key in params})
        moment = self.moments.pop(0) if self.moments else {}
        if isinstance(moment, Exception):
            raise moment
        for number, changes in moment.items():
            if changes is None:
                del self.jobs[number]
            else:
                before = self.jobs.get(number, JOB | {"id": name_of(number)})
                self.jobs[number] = before | changes
        numbers = moment if "changed_since" in params else self.jobs
        wanted = params.get_list("status")
        found = [self.jobs[number] for number in sorted(numbers, reverse=True) if number in self.jobs]
        data = [job for job in found if not wanted or job["status"] in wanted]
        return httpx.Response(200, json={"data": data, "has_more": False, "now": f"moment {len(self.asked)}"})

    def fleet(self, *numbers: int, statuses: tuple[str, ...] = UNFINISHED) -> Fleet:
        client = WatchClient("http://api", transport=httpx.MockTransport(self))
        return Fleet(client, [name_of(number) for number in numbers], statuses)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (250, 20, 20)).save(out, "png")
    return out.getvalue()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganjobs.effects.FIRST_WAIT_SECONDS", 0)


def followed(fleet: Fleet, make: Callable[[Console], FleetDisplay], width: int = 150, **options: Any) -> str:
    """What is written; ten seconds pass at every look."""
    out = io.StringIO()
    terminal = make is not FleetLines
    console = Console(file=out, force_terminal=terminal, width=width, height=40, color_system="truecolor")
    follow_many(fleet, make(console), lambda _: None, **options)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())


def test_all_that_are_not_finished_are_watched_and_new_ones_join() -> None:
    api = ManyJobs(
        {1: DONE, 2: RUNNING, 3: {}},
        {4: RUNNING, 5: {"status": "failed"}},
        {2: DONE, 3: {"status": "cancelled", "status_reason": "by request"}},
        {4: DONE},
    )
    fleet = api.fleet()
    written = followed(fleet, FleetLines)
    assert list(fleet.jobs) == [name_of(4), name_of(3), name_of(2)]
    assert api.asked[0] == {"limit": ["1000"], "status": sorted(UNFINISHED)}
    assert api.asked[1:] == [{"limit": ["1000"], "changed_since": [f"moment {number}"]} for number in (1, 2, 3)]
    assert re.search(r"[^\x20-\x7e\n]", written) is None
    ends = [one for one in written.splitlines() if "succeeded" in one or "cancelled" in one]
    assert [one.split()[0] for one in ends] == [name_of(2), name_of(3), name_of(4)]
    assert (
        f"{name_of(2)}  [red]odd[/]  running    step 40/400 (10 %)  20 steps/s, 18 s left  D loss 1.25 (1.386)"
        in written
    )


def test_only_the_jobs_that_were_named_are_watched() -> None:
    api = ManyJobs({1: RUNNING, 2: DONE, 3: RUNNING}, {1: DONE, 4: RUNNING})
    fleet = api.fleet(1, 2)
    followed(fleet, FleetLines)
    assert list(fleet.jobs) == [name_of(2), name_of(1)]
    assert "status" not in api.asked[0]


def test_a_status_narrows_what_is_watched() -> None:
    api = ManyJobs({1: RUNNING, 2: {}}, {2: RUNNING}, {1: DONE, 2: DONE})
    fleet = api.fleet(statuses=(JobStatus.RUNNING,))
    followed(fleet, FleetLines)
    assert list(fleet.jobs) == [name_of(2), name_of(1)]


@pytest.mark.parametrize("numbers", [(), (1, 2, 3)])
def test_deleted_jobs_are_noticed_now_and_then(monkeypatch: pytest.MonkeyPatch, numbers: tuple[int, ...]) -> None:
    monkeypatch.setattr(fleets, "FULL_SECONDS", 0)
    api = ManyJobs({1: RUNNING, 2: RUNNING, 3: DONE}, {}, {1: None}, {2: DONE})
    fleet = api.fleet(*numbers)
    followed(fleet, FleetLines)
    assert list(fleet.jobs) == [name_of(number) for number in (3, 2) if number in (numbers or (2,))]


def test_a_lost_connection_is_told_and_waited_for() -> None:
    gone = httpx.ConnectError("refused")
    api = ManyJobs({1: RUNNING}, *[gone] * 5, {1: DONE})
    written = followed(api.fleet(), FleetLines).splitlines()
    assert (written.count(LOST), written.count(FOUND)) == (1, 1)
    assert "succeeded" in written[-1] or "succeeded" in written[-2]


def test_what_is_not_well_is_told_with_its_sentence_once() -> None:
    api = ManyJobs({1: RUNNING}, {1: COLLAPSED}, {1: {"step": 80}}, {1: DONE})
    said = f"{name_of(1)}  health     mode_collapse since step 1,200 (alarm): It makes one thing only."
    assert followed(api.fleet(), FleetLines).splitlines().count(said) == 1
    assert api.fetched == [f"/v1/jobs/{name_of(1)}/health"]


def test_a_terminal_shows_a_table_and_the_newest_samples() -> None:
    jobs = {1: RUNNING | COLLAPSED | {"newest_sample": 100}, 2: {}, 3: DONE}
    fleet = ManyJobs(jobs, {1: DONE, 2: {"status": "failed"}}).fleet(1, 2, 3)
    written = followed(fleet, lambda console: FleetTable(console, blocks))
    first, *_ = written.split("JOB", 2)[1:]
    shown = [each.split()[0] for each in first.splitlines()[1:4]]
    assert shown == ["job_0000000001", "job_0000000002", "job_0000000003"], "those that are trained come first"
    assert re.search(r"job_0000000001 +\[red\]odd\[/\] +running .* 40/400 +20 steps/s +18 s +1\.25 \(1\.386\)", first)
    assert "[red]odd[/]  mode_collapse since step 1,200 (alarm): It makes one thing only." in first
    assert "▄" * 20 in first
    assert "[red]odd[/] 100" in first


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 10), (200, 60)])
def test_a_table_of_500_jobs_fits_the_terminal(width: int, height: int) -> None:
    fleet = ManyJobs({number: RUNNING if number < 5 else {} for number in range(500)}).fleet()
    fleet.look()
    out = io.StringIO()
    table = FleetTable(Console(file=out, force_terminal=True, width=width, height=height), blocks)
    table.update(fleet)
    written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    table.close()
    lines = written.splitlines()
    assert len(lines) <= height
    assert "running" in lines[1]
    assert re.search(r"and \d+ more: .*\d+ queued", written)


@pytest.mark.parametrize("width", [80, 76, 60, 40])
def test_a_narrow_terminal_cuts_words_but_no_number(width: int) -> None:
    numbers = {"step": 200, "estimated_seconds_left": 12_000.0, "d_loss": -1.2345e-10, "g_loss": 0.2345}
    words = {"name": "of no short name", "status": "cancelling", "verdict": "generator_gradient_vanishing"}
    out = io.StringIO()
    table = table_of([JOB | {"id": name_of(1), "severity": "alarm"} | numbers | words], width)
    Console(file=out, width=width, no_color=True).print(table)
    _, row = out.getvalue().splitlines()
    shown = {"job_0000000001", "cancelling", "3:20:00"} | ({"-1.234e-10", "0.2345"} if width >= 76 else set())
    assert shown <= set(row.split())
    assert ("━" in row, len(row) <= width) == (width >= 60, True)


def test_states_for_programs_come_once_each() -> None:
    out = io.StringIO()
    api = ManyJobs({1: RUNNING, 2: {}}, {1: RUNNING}, {1: DONE, 2: {"status": "cancelled"}})
    follow_many(api.fleet(), FleetJson(JsonLines(out)), lambda _: None)
    states = [json.loads(each) for each in out.getvalue().splitlines()]
    assert [(each["id"], each["status"]) for each in states] == [
        (name_of(1), "running"),
        (name_of(2), "queued"),
        (name_of(1), "succeeded"),
        (name_of(2), "cancelled"),
    ]


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (("succeeded", "succeeded"), 0),
        (("paused", "succeeded"), 4),
        (("cancelled", "paused"), 3),
        (("cancelled", "failed"), 1),
    ],
)
def test_the_exit_status_means_the_worst_end(ends: tuple[str, ...], code: int) -> None:
    api = ManyJobs({number: {"status": status} for number, status in enumerate(ends)})
    client = WatchClient("http://api", transport=httpx.MockTransport(api))
    ids = [name_of(number) for number in range(len(ends))]
    with pytest.raises(typer.Exit) as ended:
        watch_many(client, ids, (), ImageMode.AUTO, once=False, fail_on=None, as_json=False)
    assert ended.value.exit_code == code


def test_a_bad_verdict_ends_it_where_one_asks(capsys: pytest.CaptureFixture[str]) -> None:
    from ganjobs.commands.options import Badness

    api = ManyJobs({1: RUNNING, 2: RUNNING | COLLAPSED})
    client = WatchClient("http://api", transport=httpx.MockTransport(api))
    with pytest.raises(typer.Exit) as ended:
        watch_many(client, [], (), ImageMode.AUTO, once=False, fail_on=Badness.CAUTION, as_json=True)
    assert ended.value.exit_code == 7
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_where_nothing_is_to_be_watched_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    client = WatchClient("http://api", transport=httpx.MockTransport(ManyJobs({1: DONE})))
    with pytest.raises(typer.Exit) as ended:
        watch_many(client, [], (), ImageMode.AUTO, once=False, fail_on=None, as_json=False)
    assert ended.value.exit_code == 0
    assert capsys.readouterr().out == "no job to watch: submit one with `ganjobs submit SPEC`\n"
