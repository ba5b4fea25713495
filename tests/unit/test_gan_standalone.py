"""The engine by itself, as a command."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support.scripted import assessment, scripted

from models.spec import JobSpec
from models.specfile import load_spec
from models.verdicts import Report, Verdict
from worker.gan.__main__ import main

ROOT = Path(__file__).parents[2]


def train(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worker.gan", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_trains_without_a_database(tmp_path: Path) -> None:
    done = train(ROOT / "examples" / "ring.yaml", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(1, 2001))
    with Image.open(tmp_path / "samples" / "2000.png") as picture:
        assert picture.width > 500
    assert (tmp_path / "checkpoints" / "2000" / "generator.safetensors").stat().st_size > 1000


def test_it_resumes_exactly(tmp_path: Path) -> None:
    spec = ROOT / "examples" / "digits.yaml"
    short = tmp_path / "short.yaml"
    short.write_text(load_spec(spec).model_copy(update={"steps": 30, "checkpoint_every": 10}).model_dump_json())
    assert train(short, "--out", tmp_path / "run").returncode == 0
    names = ("metrics.csv", "health.ndjson")
    whole = [(tmp_path / "run" / name).read_text() for name in names]
    resumed = train(short, "--out", tmp_path / "run", "--resume", tmp_path / "run" / "checkpoints" / "10")
    assert resumed.returncode == 0, resumed.stderr
    assert [(tmp_path / "run" / name).read_text() for name in names] == whole


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """A spec of a hundred steps in a file, by what is said of its health."""

    def write(**health: object) -> Path:
        player = {"kind": "mlp", "hidden_sizes": [4]}
        spec = {"dataset": {"kind": "ring"}, "generator": player, "discriminator": player, "steps": 100}
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(spec | {"evaluate_every": 10, "health": health}))
        return path

    return write


def collapsing(_spec: JobSpec, _stream: int, step: int) -> Verdict:
    return Verdict.MODE_COLLAPSE if step > 30 else Verdict.BALANCED


def test_it_keeps_and_tells_how_the_game_stands(
    tmp_path: Path,
    written: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("worker.gan.__main__.train", scripted(collapsing))
    main(written(), out=tmp_path / "run")
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"wrote {tmp_path / 'run'}",
        "health: mode_collapse since step 30 (alarm): It is mode_collapse.",
    ]
    assert "mode_collapse" in told.err  # beside the progress
    lines = [json.loads(line) for line in (tmp_path / "run" / "health.ndjson").read_text().splitlines()]
    assert [(line["step"], line["report"]["verdict"]) for line in lines] == [
        (step, "mode_collapse" if step > 30 else "balanced") for step in range(10, 110, 10)
    ]
    found = assessment(100, Verdict.MODE_COLLAPSE, since=30)
    assert Report.model_validate(lines[-1]["report"]) == found.report
    assert lines[-1]["reading"] == found.reading.to_json()


@pytest.mark.parametrize("asked", ["stop", "pause", "rollback"])
def test_an_alarm_ends_it_in_one_line_with_a_checkpoint(
    tmp_path: Path, written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr("worker.gan.__main__.train", scripted(collapsing))
    with pytest.raises(SystemExit) as ended:
        main(written(on_alarm=asked, patience=20), out=tmp_path / "run")
    said = str(ended.value)
    sentence = "error: stopped after step 50: mode_collapse since step 30 (alarm): It is mode_collapse."
    assert said == sentence if asked == "stop" else said.startswith(f"{sentence} To {asked} is up to the service")
    assert "\n" not in said
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["50"]
    assert (tmp_path / "run" / "samples" / "50.png").exists()


def test_a_plateau_ends_it_as_a_success(
    tmp_path: Path,
    written: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("worker.gan.__main__.train", scripted(lambda *_: Verdict.BALANCED, plateau_at=60))
    main(written(plateau={"metric": "reverse_kl"}), out=tmp_path / "run")
    assert capsys.readouterr().out.splitlines()[1:] == [
        "stopped after step 60: reverse_kl has not got better than 0.5 for 5 evaluations",
        "health: balanced since step 0 (ok): It is balanced.",
    ]
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["60"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [", ["not YAML"]),
        ("- 1", ["a spec is a mapping"]),
        ("", ["a spec is a mapping"]),
        (
            "{dataset: {kind: ring}, generator: {kind: dcgan}, discriminator: {kind: mlp}, steps: 5}",
            ["generator.kind", "points", "mlp"],
        ),
        ("{dataset: {kind: ring}, generator: {kind: mlp}, discriminator: {kind: mlp}, steps: 0}", ["steps", "1"]),
        (
            "{dataset: {kind: digits}, generator: {kind: mlp}, discriminator: {kind: mlp}, steps: 5, batch_size: 2000}",
            ["batch_size", "1797"],
        ),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(path, out=tmp_path / "run")
    line = str(ended.value)
    assert line.startswith("error: ")
    assert "\n" not in line
    assert all(word in line for word in words), line


def test_a_missing_file_is_one_line_and_a_failure(tmp_path: Path) -> None:
    done = train(tmp_path / "none.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No such file" in done.stderr


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"error: .*Not a directory"):
        main(ROOT / "examples" / "ring.yaml", out=tmp_path / "file" / "run")
