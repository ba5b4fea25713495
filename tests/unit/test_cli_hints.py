"""What users are told to type can be pasted."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from ganjobs import demo, hints
from ganjobs.commands.serve import start_screen
from models.settings import Settings

JOB = {"id": "job_1"}
INSTALLED = Path(sys.executable).parent / "ganjobs"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    for name in ("GANJOBS_URL", "GANJOBS_HOST", "GANJOBS_PORT", "GANJOBS_DATA_FOLDER"):
        monkeypatch.delenv(name, raising=False)


def can_be_run(line: str) -> list[str]:
    """The words of a command whose program and spec are there."""
    words = shlex.split(line, comments=True)
    assert shutil.which(words[0]) or Path(words[0]).exists()
    assert all(Path(word).exists() for word in words if word.endswith(".yaml"))
    return words


def test_a_command_is_called_as_the_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = hints.command()
    assert can_be_run(program)[0] in (str(INSTALLED), sys.executable)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert hints.command("jobs") == "bin/python -m ganjobs jobs"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ganjobs").touch(mode=0o755)
    assert hints.command("jobs") == "bin/ganjobs jobs"
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin")
    assert hints.command("jobs") == "ganjobs jobs"


def test_names_are_quoted_for_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    assert shlex.split(hints.command("serve", "--data-folder", folder))[-1] == "my data"


def test_the_start_screen_has_a_whole_command(tmp_path: Path) -> None:
    screen = start_screen(Settings(data_folder=tmp_path, host="::1", port=4321))
    (line,) = [line for line in screen if line.startswith("  submit")]
    words = can_be_run(line.removeprefix("  submit"))
    assert words[-3:] == ["--follow", "--url", "http://[::1]:4321"]


def test_the_demonstration_ends_with_whole_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_folder=tmp_path / "my data", port=4321)
    serve, submit = demo.how_to_go_on(settings, False, JOB)[1:3]
    assert can_be_run(serve)[-3:] == ["serve", "--data-folder", "my data"]
    assert can_be_run(submit)[-1] == "--follow"
    assert "--url http://127.0.0.1:4321" in demo.how_to_go_on(settings, True, JOB)[1]
    monkeypatch.setenv("GANJOBS_URL", "http://elsewhere:1")
    assert "--url http://127.0.0.1:8000" in demo.how_to_go_on(settings, False, JOB)[2]
    assert demo.how_to_go_on(settings, True, JOB)[-1].split()[0] == "http://127.0.0.1:4321/jobs/job_1"
