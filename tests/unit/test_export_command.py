"""``export`` into files and TensorBoard folders, from recorded answers of the API."""

import json
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from api.routes.service import CATALOGUE
from ganjobs import cli
from ganjobs.errors import ApiError, ClientError, TransferBroken
from ganjobs.export import lines_of
from ganjobs.rest import Rest

JOB = "job_" + "0" * 24
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 8, 16, 8, 0, 0, 0, 0)
STARTED = 1_795_176_000  # 2026-11-20T12:00:00Z
FIELDS: dict[str, Any] = {
    "id": JOB,
    "status": "succeeded",
    "created_at": "2026-11-20T11:59:00.000000Z",
    "started_at": "2026-11-20T12:00:00.000000Z",
    "finished_at": "2026-11-20T12:01:40.000000Z",
    "spec": {"dataset": {"kind": "ring"}, "steps": 10, "ema_decay": None, "loss": {"kind": "saturating"}},
}
SAMPLES = [
    {"step": 0, "width": 8, "height": 16, "created_at": "2026-11-20T12:00:01.000000Z"},
    {"step": 5, "width": 8, "height": 16, "created_at": "2026-11-20T12:01:30.000000Z"},
    {"step": 99, "width": 8, "height": 16, "created_at": "2026-11-20T12:01:31.000000Z"},
]
EVALUATIONS = [
    {"step": 5, "created_at": "2026-11-20T12:01:30.000000Z", "values": {"reverse_kl": 0.5, "modes_covered": "NaN"}},
    {"step": 99, "created_at": "2026-11-20T12:01:31.000000Z", "values": {"reverse_kl": 0.25}},
]


class Cut(httpx.SyncByteStream):
    """A body that stops before its end."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"step":1,"d_loss":1.5}\n'
        raise httpx.RemoteProtocolError("peer closed connection")


class RecordedApi:
    """A job of ``steps`` steps, its d_loss the step and its g_loss NaN. The first ``cuts`` exports stop early."""

    def __init__(self) -> None:
        self.steps = 10
        self.cuts = 0
        self.exported = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(f"/v1/jobs/{JOB}")
        if path == "/metrics/export":
            return self.export(request.url.params["format"])
        if path == "/evaluations":
            return httpx.Response(200, json={"data": EVALUATIONS, "has_more": False})
        if path == "/samples":
            return httpx.Response(200, json={"data": SAMPLES, "has_more": False})
        if path == "/v1/catalogue":
            return httpx.Response(200, json=CATALOGUE)
        if path.startswith("/samples/"):
            return httpx.Response(200, content=PNG)
        return httpx.Response(200, json=FIELDS)

    def export(self, form: str) -> httpx.Response:
        self.exported += 1
        headers = {"First-Step": "1", "Last-Step": str(self.steps)} if self.steps else {}
        if self.exported <= self.cuts:
            return httpx.Response(200, headers=headers, stream=Cut())
        if form != "ndjson":
            return httpx.Response(200, content=form.encode())
        lines = [{"step": step, "d_loss": float(step), "g_loss": "NaN"} for step in range(1, self.steps + 1)]
        return httpx.Response(200, headers=headers, content="".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RecordedApi:
    recorded = RecordedApi()
    transport = httpx.MockTransport(recorded)
    monkeypatch.setattr("ganjobs.commands.export.open_client", lambda _: Rest("http://api", transport=transport))
    monkeypatch.setattr("ganjobs.transfers.WAIT_SECONDS", 0)
    monkeypatch.chdir(tmp_path)
    return recorded


def export(*arguments: str) -> int:
    """The exit status of the command in this process."""
    try:
        return cli.app(("export", JOB, *arguments), standalone_mode=False) or 0
    except typer.Exit as ended:
        return ended.exit_code


def events_of(path: Path) -> list[Event]:
    """The events of a file, whose checksums are looked at."""
    content = path.read_bytes()
    events, at = [], 0
    while at < len(content):
        (length, head), body = struct.unpack_from("<QI", content, at), content[at + 12 :]
        assert head == masked_crc32c(content[at : at + 8])
        assert struct.unpack_from("<I", body, length) == (masked_crc32c(body[:length]),)
        events.append(Event.FromString(body[:length]))
        at += 16 + length
    return events


def written() -> Path:
    (path,) = Path("runs", JOB).iterdir()
    return path


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_has_the_job_s_name_by_default(api: RecordedApi, capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert export("--to", form) == 0
    assert capsys.readouterr() == (f"{JOB}-metrics.{form}\n", "")
    assert Path(f"{JOB}-metrics.{form}").read_text() == form
    Path("there").mkdir()
    assert export("--to", form, "--output", "there") == 0
    assert export("--to", form, "--output", "not/there") == 0
    assert Path("there", f"{JOB}-metrics.{form}").read_text() == Path("not/there").read_text() == form


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_history_goes_to_standard_output(api: RecordedApi, capfdbinary: Any, form: str) -> None:
    assert export("--to", form, "-o", "-") == 0
    assert capfdbinary.readouterr() == (form.encode(), b"")
    assert os.listdir() == []


def test_what_was_written_to_standard_output_is_not_written_again(api: RecordedApi, capfdbinary: Any) -> None:
    api.cuts = 1
    with pytest.raises(TransferBroken):
        export("--to", "ndjson", "-o", "-")
    assert capfdbinary.readouterr().out == b'{"step":1,"d_loss":1.5}\n'
    assert api.exported == 1


@pytest.mark.parametrize("to", ["ndjson", "tensorboard"])
def test_no_folder_is_made_but_the_last(api: RecordedApi, to: str) -> None:
    path = Path("not/there/at") / ("all" if to == "ndjson" else ".")
    with pytest.raises(ClientError, match=r"there is no folder not/there$"):
        export("--to", to, "-o", str(path))
    assert (os.listdir(), api.exported) == ([], 0)
    Path("not/there").mkdir(parents=True)
    assert export("--to", to, "-o", str(path)) == 0


def test_a_transfer_that_breaks_off_is_begun_anew(api: RecordedApi) -> None:
    api.cuts = 2
    assert export("--to", "ndjson", "--output", "file") == 0
    assert [json.loads(line)["step"] for line in Path("file").read_text().splitlines()] == list(range(1, 11))
    assert (api.exported, os.listdir()) == (3, ["file"])


@pytest.mark.parametrize("to", ["ndjson", "tensorboard"])
def test_one_that_never_comes_whole_leaves_what_was_there(api: RecordedApi, to: str) -> None:
    path = Path("runs", JOB, f"events.out.tfevents.{STARTED - 60}.{JOB}") if to == "tensorboard" else Path("file")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("from before")
    api.cuts = 3
    with pytest.raises(TransferBroken, match="peer closed connection"):
        export("--to", to, "--output", "runs" if to == "tensorboard" else "file")
    assert (path.read_text(), os.listdir(path.parent)) == ("from before", [path.name])


def test_a_refusal_is_told(api: RecordedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = {"title": "No such job", "detail": "There is no job."}
    monkeypatch.setattr(api, "export", lambda form: httpx.Response(404, json=problem))
    with pytest.raises(ApiError, match="There is no job"):
        export("--to", "csv")
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--to"),
        (("--to", "excel"), "tensorboard"),
        (("--to", "csv", "--output", " "), "needs a name"),
        (("--to", "tensorboard", "-o", "-"), "cannot be given together with --to tensorboard"),
        (("--to", "csv", "-o", "-", "--json"), "cannot be given together with --json"),
    ],
)
def test_wrong_usage(api: RecordedApi, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(typer.TyperException) as wrong:
        export(*arguments)
    assert said in wrong.value.format_message()
    assert wrong.value.exit_code == 2


def test_lines_are_put_together_over_pieces() -> None:
    assert list(lines_of([b"a\nb", b"", b"c", b"\n", b"d\ne\n"])) == [[b"a"], [b"bc"], [b"d", b"e"]]


# --- TensorBoard -----------------------------------------------------------------------------------------------------


def test_every_step_is_an_event_of_all_metrics(api: RecordedApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.steps = 3000
    assert export("--to", "tensorboard") == 0
    assert capsys.readouterr() == (f"{written()}\n", "")
    first, *events = events_of(written())
    assert first.file_version == "brain.Event:2"
    rows = [event for event in events if event.summary.value[0].tag == "loss/d_loss"]
    assert [event.step for event in rows] == list(range(1, 3001))
    assert [event.summary.value[0].simple_value for event in rows] == [float(step) for step in range(1, 3001)]
    assert {tuple(value.tag for value in event.summary.value) for event in rows} == {("loss/d_loss", "loss/g_loss")}
    assert all(math.isnan(event.summary.value[1].simple_value) for event in rows)


def test_times_lie_between_what_is_known(api: RecordedApi) -> None:
    """10 steps in 100 s, of which step 5 was drawn after 90 s."""
    assert export("--to", "tensorboard") == 0
    times = {event.step: event.wall_time - STARTED for event in events_of(written()) if event.step}
    assert times == pytest.approx({1: 18, 2: 36, 3: 54, 4: 72, 5: 90, 6: 92, 7: 94, 8: 96, 9: 98, 10: 100})


def test_samples_are_images_of_their_own_time(api: RecordedApi) -> None:
    assert export("--to", "tensorboard") == 0
    images = [
        event for event in events_of(written()) if event.summary.value and event.summary.value[0].tag == "samples"
    ]
    # The sample of step 99 was drawn after the export had begun.
    assert [(event.step, event.wall_time - STARTED) for event in images] == [(0, 1), (5, 90)]
    image = images[0].summary.value[0].image
    assert (image.width, image.height, image.colorspace, image.encoded_image_string) == (8, 16, 1, PNG)


def test_evaluations_are_scalars_of_their_own_time(api: RecordedApi) -> None:
    assert export("--to", "tensorboard") == 0
    found = [
        (event.step, event.wall_time - STARTED, {value.tag: value.simple_value for value in event.summary.value})
        for event in events_of(written())
        if event.summary.value and event.summary.value[0].tag.startswith("evaluation/")
    ]
    ((step, seconds, values),) = found  # the one of step 99 was made after the export had begun
    assert (step, seconds, values["evaluation/reverse_kl"]) == (5, 90, 0.5)
    assert math.isnan(values["evaluation/modes_covered"])


def test_metrics_that_only_some_jobs_record_have_groups_too(api: RecordedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"step": 1, "d_loss": 1.0, "g_loss": 2.0, "r1_penalty": 3.0, "class_accuracy_real": 0.5, "r_t": 0.25}
    headers = {"First-Step": "1", "Last-Step": "1"}
    answer = httpx.Response(200, headers=headers, content=json.dumps(line) + "\n")
    monkeypatch.setattr(api, "export", lambda form: answer)
    latest = dict.fromkeys([*line, "total_loss"])
    monkeypatch.setitem(FIELDS, "latest_metrics", latest)
    assert export("--to", "tensorboard") == 0
    values = {value.tag: value for event in events_of(written()) for value in event.summary.value}
    assert (values["loss/r1_penalty"].simple_value, values["share/class_accuracy_real"].simple_value) == (3, 0.5)
    assert values["metrics/r_t"].simple_value == 0.25
    shown = values["_hparams_/experiment"].metadata.plugin_data.content
    assert b"loss/r1_penalty" in shown
    assert b"loss/r2_penalty" not in shown


def test_the_spec_is_a_text_and_hyperparameters(api: RecordedApi) -> None:
    assert export("--to", "tensorboard") == 0
    values = {value.tag: value for event in events_of(written()) for value in event.summary.value}
    assert b"dataset:\n  kind: ring\nsteps: 10\n" in values["spec/text_summary"].tensor.string_val[0]
    begun = values["_hparams_/session_start_info"].metadata.plugin_data.content
    assert all(name in begun for name in (b"dataset.kind", b"steps", b"loss.kind", b"saturating"))
    assert b"ema_decay" not in begun
    assert "_hparams_/session_end_info" in values


def test_a_second_export_takes_the_place_of_the_first(api: RecordedApi) -> None:
    assert export("--to", "tensorboard", "--output", "runs") == 0
    before, api.steps = events_of(written()), 20
    assert export("--to", "tensorboard", "--output", "runs") == 0
    assert len(events_of(written())) == len(before) + 10


def test_events_of_others_are_left_alone(api: RecordedApi) -> None:
    other = Path("runs", JOB, "events.out.tfevents.1.host")
    other.parent.mkdir(parents=True)
    other.write_text("theirs")
    with pytest.raises(ClientError, match=r"holds other event files \(events.out.tfevents.1.host\)"):
        export("--to", "tensorboard")
    assert os.listdir(other.parent) == [other.name]


def test_tensorboard_does_not_read_what_is_unfinished(api: RecordedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def look(sample: httpx.Request) -> httpx.Response:
        if "/samples/" in sample.url.path:
            names.extend(os.listdir(Path("runs", JOB)))
        return RecordedApi.__call__(api, sample)

    client = Rest("http://api", transport=httpx.MockTransport(look))
    monkeypatch.setattr("ganjobs.commands.export.open_client", lambda _: client)
    assert export("--to", "tensorboard") == 0
    (name,) = set(names)
    assert name.startswith(f"{JOB}.")
    assert name.endswith(".part")
    assert "tfevents" not in name


def test_a_job_without_steps_makes_no_run(api: RecordedApi) -> None:
    api.steps = 0
    with pytest.raises(ClientError, match="has recorded no step yet"):
        export("--to", "tensorboard")
    assert [path for path in Path("runs").rglob("*") if path.is_file()] == []
