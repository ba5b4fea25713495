"""The engine by itself, as a command."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from models.specfile import load_spec
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
    whole = (tmp_path / "run" / "metrics.csv").read_text()
    resumed = train(short, "--out", tmp_path / "run", "--resume", tmp_path / "run" / "checkpoints" / "10")
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "run" / "metrics.csv").read_text() == whole


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
