"""How the client shows itself: in notebooks, on terminals, in tables."""

import io
import math
import pickle
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pyarrow
import pyarrow.parquet
import pytest
from support.clients import JOB, PNG, Server

from api import examples, health_examples
from ganjobs import ApiError, Client, Job, NotInstalled, extras, html, progress
from ganjobs.errors import ApiUnreachable
from ganjobs.jobinfo import JobInfo
from ganjobs.results import HealthReport, Worker
from ganjobs.samples import evenly
from ganjobs.types import JobStatus, Severity
from ganjobs.waiting import Look

EVIL = "<script>alert('x')</script> & \"more\""
INFO = JobInfo.model_validate(examples.JOB)


class Checked(HTMLParser):
    """Notes what is loaded or run, and that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [str(value) for name, value in attrs if name in ("src", "href", "srcset")]
        assert not any(name.startswith("on") for name, _ in attrs)
        assert "url(" not in str(attrs)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def client() -> Any:
    newest = httpx.Response(200, content=PNG, headers={"Sample-Step": "200"})
    server = Server().on(f"GET {JOB}/samples/latest", newest)
    with Client("http://api", transport=httpx.MockTransport(server)) as opened:
        yield opened


class TestNotebook:
    def test_a_job_shows_its_state_its_losses_its_verdict_and_its_newest_sample(self, client: Client) -> None:
        shown = client.job(examples.JOB_ID)._repr_html_()
        checked = Checked(shown)
        (source,) = checked.sources
        assert source.startswith("data:image/png;base64,")
        for said in ("running", "512 of 2,000 (26 %)", "width:25.6%", "1.31", "1.386 at equilibrium", "mode_collapse"):
            assert said in shown
        assert health_examples.HEALTH["sentence"] in shown

    def test_a_job_of_a_service_that_is_away_shows_what_is_known(self) -> None:
        server = Server()
        with Client("http://api", transport=httpx.MockTransport(server)) as client:
            job = client.job(examples.JOB_ID)
            server.on(f"GET {JOB}/health", httpx.Response(500)).on(f"GET {JOB}/samples/latest", httpx.Response(500))
            assert "512 of 2,000" in job._repr_html_()

    @pytest.mark.parametrize("status", list(JobStatus))
    def test_each_status_has_a_colour_and_reasons_are_told(self, status: JobStatus) -> None:
        failed = {"error": {"kind": "k", "message": EVIL}} if status == "failed" else {}
        shown = html.job(JobInfo.model_validate(examples.JOB | {"status": status} | failed))
        Checked(shown)
        assert f">{status}</span>" in shown
        assert ("alert" in shown) is (status == "failed")

    def test_whatever_is_in_it_is_escaped(self, client: Client) -> None:
        job = examples.JOB | {"name": EVIL, "metadata": {"a": EVIL}}
        report = health_examples.HEALTH | {"sentence": EVIL, "advice": [{"field": EVIL, "text": EVIL, "source": EVIL}]}
        report["evidence"] = [{**health_examples.HEALTH["evidence"][0], "signal": EVIL}]
        worker = examples.WORKERS["data"][0] | {"hostname": EVIL, "versions": {EVIL: EVIL}, "jobs": [EVIL]}
        info, health = JobInfo.model_validate(job), HealthReport.model_validate(report)
        for shown in (
            html.job(info, health),
            html.jobs([info], more=True),
            html.health(health),
            html.answers([Worker.model_validate(worker)]),
        ):
            assert "script" not in Checked(shown).tags
            assert "&lt;script&gt;" in shown

    def test_lists_and_reports(self, client: Client) -> None:
        job = client.job(examples.JOB_ID)
        assert "mode_collapse" in client.jobs()._repr_html_()
        assert "job.running" in job.events()._repr_html_()
        assert "generator.safetensors" in job.checkpoints()._repr_html_()
        assert "NVIDIA H200" in client.workers()._repr_html_()
        assert "PacGAN" in job.health()._repr_html_()
        for one in (client.jobs(), job.events(), job.evaluations(), job.checkpoints(), job.health(), job.samples()):
            Checked(one._repr_html_())
        assert job.samples()[0]._repr_png_() == PNG
        assert html.answers([]) == "<div>none</div>"

    def test_a_kernel_is_told_once_to_show_and_then_to_change(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[tuple[str, Any]] = []

        class Handle:
            display_id = "here"

        def display(shown: Any, **_: Any) -> Handle:
            told.append(("display", shown))
            return Handle()

        monkeypatch.setattr("IPython.display.display", display)
        monkeypatch.setattr(
            "IPython.display.update_display", lambda shown, **how: told.append((how["display_id"], shown))
        )
        shell = type("Shell", (), {"kernel": object()})()
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        shown = progress.make_display(True)
        assert shown.wants_look
        look = Look()
        shown.update(INFO, look)
        look.png = PNG
        shown.update(INFO, look)
        shown.close()
        assert [where for where, _ in told] == ["display", "here"]
        assert "data:image/png" in told[1][1]["text/html"]
        assert told[0][1]["text/plain"] == repr(INFO)


class TestElsewhere:
    def test_reprs_are_short(self, client: Client) -> None:
        job = client.job("latest")
        assert repr(job) == f"<Job {job.id} 'digits, first try': running, step 512 of 2,000, mode_collapse>"
        assert repr(client) == "<Client of http://api>"
        assert repr(client.jobs(status="running")) == "<Jobs with status='running'>"
        assert repr(job.samples()[0]) == f"<Sample of step 200 of {job.id}: 64 x 64>"
        assert repr(job.health()).startswith("<HealthReport mode_collapse (alarm) at step 500: The generator")
        for one in (job.events()[0], job.checkpoints()[0], client.workers()[0], job.evaluations()[0]):
            assert len(repr(one)) < 300

    def test_a_bar_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Tty(io.StringIO):
            def isatty(self) -> bool:
                return True

        screen = Tty()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setattr(sys, "stderr", screen)
        shown = progress.make_display(True)
        shown.update(INFO, Look())
        shown.close()
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
        assert "running" in plain
        assert "512/2,000" in plain
        assert "D loss 1.31 (1.386)" in plain

    def test_jobs_are_what_their_ids_are_and_cannot_be_changed(self, client: Client) -> None:
        one, other = client.job("latest"), client.job(examples.JOB_ID)
        assert one == other
        assert len({one, other}) == 1
        assert one != "latest"
        with pytest.raises(ValueError, match="frozen"):
            one.step = 5  # type: ignore[misc]

    def test_errors_survive_being_sent_to_another_process(self) -> None:
        problem = {"title": "t", "errors": [{"field": "steps", "in": "body", "message": "m", "code": "c"}]}
        refused = pickle.loads(pickle.dumps(ApiError(422, problem)))
        assert (str(refused), refused.errors[0].field) == ("steps: m", "steps")
        assert str(pickle.loads(pickle.dumps(ApiUnreachable("http://a", "b")))).startswith(
            "no answer from http://a (b)"
        )

    @pytest.mark.parametrize(
        ("count", "most", "chosen"), [(3, 8, [0, 1, 2]), (101, 5, [0, 25, 50, 75, 100]), (0, 8, [])]
    )
    def test_a_few_of_many(self, count: int, most: int, chosen: list[int]) -> None:
        assert evenly(count, most) == chosen


class TestTables:
    """Metrics in both forms, by rows and by export."""

    @pytest.fixture
    def job(self) -> Any:
        table = pyarrow.table({"step": [1, 2], "d_loss": pyarrow.array([1.5, math.nan], pyarrow.float32())})
        file = io.BytesIO()
        pyarrow.parquet.write_table(table, file)
        rows = [
            examples.METRICS | {"columns": {"step": [1], "d_loss": [1.5], "g_loss": [None]}, "next_step": 2},
            examples.METRICS | {"columns": {"step": [2], "d_loss": ["NaN"], "g_loss": [None]}, "has_more": False},
        ]
        self.server = Server().on(f"GET {JOB}/metrics", *rows).on(f"GET {JOB}/metrics/export", file.getvalue())
        with Client("http://api", transport=httpx.MockTransport(self.server)) as client:
            yield client.job("latest")

    @pytest.mark.parametrize("has_arrow", [True, False])
    def test_a_frame_has_the_steps_as_its_index(
        self, job: Job, has_arrow: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ganjobs.job.has", lambda _: has_arrow)
        frame = job.metrics(to_step=9)
        assert (frame.index.name, list(frame.index), list(frame.columns)) == ("step", [1, 2], ["d_loss"])
        assert frame.d_loss.dtype == "float32"
        assert frame.d_loss[1] == 1.5
        assert math.isnan(frame.d_loss[2])
        assert self.server.lines[-1].endswith("/export" if has_arrow else "/metrics")
        assert all(request.url.params["to_step"] == "9" for request in self.server.asked[1:])

    @pytest.mark.parametrize("has_arrow", [True, False])
    def test_an_arrow_table_has_the_steps_first(
        self, job: Job, has_arrow: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ganjobs.job.has", lambda _: has_arrow)
        table = job.metrics(format="arrow")
        assert [str(kind) for kind in table.schema.types] == ["int64", "float"]
        assert (table.column_names, table["step"].to_pylist()) == (["step", "d_loss"], [1, 2])
        assert "keys" not in self.server.asked[-1].url.params
        job.metrics(["d_loss", "g_loss"], format="arrow")
        assert self.server.asked[-1].url.params["keys"] == "d_loss,g_loss"

    def test_a_curve_keeps_what_a_mean_hides(self, job: Job) -> None:
        self.server.on(f"GET {JOB}/metrics", examples.CURVE)
        frame = job.metrics(max_points=2)
        assert list(frame.index) == [2, 3]
        assert set(frame["d_loss"].columns) == {"min", "max", "mean", "last", "non_finite"}
        assert frame["d_loss"]["max"][2] == 1.39
        assert math.isnan(frame["d_loss"]["last"][3])
        assert frame["d_loss"]["non_finite"][3] == 1
        table = job.metrics(max_points=2, format="arrow")
        assert table["d_loss.min"].to_pylist() == [1.38, None]

    @pytest.mark.parametrize(
        ("missing", "ask", "package"),
        [
            ("pandas", lambda job: job.metrics(max_points=2), "pandas"),
            ("pyarrow", lambda job: job.metrics(format="arrow"), "pyarrow"),
            ("PIL", lambda job: job.samples()[0].image, "pillow"),
        ],
        ids=["pandas", "arrow", "images"],
    )
    def test_what_is_missing_is_named_in_one_line(
        self, job: Job, missing: str, ask: Any, package: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.server.on(f"GET {JOB}/metrics", examples.CURVE | {"has_more": False})
        monkeypatch.setattr(extras, "has", lambda package: package != missing)
        monkeypatch.setattr("ganjobs.job.has", lambda package: package != missing)
        if missing == "pyarrow":
            self.server.on(f"GET {JOB}/metrics", examples.METRICS | {"has_more": False})
        with pytest.raises(NotInstalled, match=rf"pip install {package}$") as caught:
            ask(job)
        assert isinstance(caught.value, ImportError)
        assert "\n" not in str(caught.value)


def test_lines_come_at_changes_and_now_and_then() -> None:
    clock = iter([10.0, 11.0, 16.0, 16.0, 17.0])
    written = io.StringIO()
    lines = progress.Lines(written, now=lambda: next(clock))
    for step, verdict in ((1, "balanced"), (2, "balanced"), (3, "balanced"), (4, "stalled")):
        changed = {"step": step, "verdict": verdict, "severity": Severity.OK}
        lines.update(JobInfo.model_validate(examples.JOB | changed), Look())
    assert [line.split("step ")[1].split("/")[0] for line in written.getvalue().splitlines()] == ["1", "3", "4"]


def test_types_are_told_to_type_checkers() -> None:
    assert (Path(html.__file__).parent / "py.typed").exists()
