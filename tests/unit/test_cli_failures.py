"""Expected failures of the command: one line on standard error, a status of its own, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.serving import free_port


def ganjobs(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ganjobs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def assert_one_line(result: subprocess.CompletedProcess[str], status: int, *said: str) -> None:
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.count("\n") == 1
    for part in ("ganjobs: ", *said):
        assert part in result.stderr


@pytest.mark.parametrize("command", [("jobs",), ("watch", "latest"), ("cancel", "job_" + "0" * 24), ("workers",)])
def test_nobody_there(command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert_one_line(ganjobs(*command, "--url", url), 1, url, "`ganjobs serve`")


def test_bad_spec_names_field_and_limit(tmp_path: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("{dataset: {kind: ring}, generator: {kind: mlp}, discriminator: {kind: mlp}, steps: 20000000}")
    assert_one_line(ganjobs("submit", str(spec)), 2, "steps", "10000000")
    assert_one_line(ganjobs("validate", str(tmp_path / "none.yaml")), 2, "none.yaml", "No such file")


def test_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_PORT", "99999")
    assert_one_line(ganjobs("jobs"), 1, "GANJOBS_PORT", "65535")


def test_commands_that_only_talk_load_nothing_heavy() -> None:
    code = "import sys, ganjobs.cli; print({'torch', 'celery', 'sqlalchemy', 'fastapi', 'numpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "set()\n"
