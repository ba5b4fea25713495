"""Expected failures of the command: one line on standard error, a status of its own, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run, run_command
from support.serving import free_port


def ganjobs(*arguments: str) -> Run:
    """The command in this process, but for those that start others."""
    if arguments[:1] not in (("serve",), ("demo",)):
        return run_command(*arguments)
    command = [sys.executable, "-m", "ganjobs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def assert_one_line(result: Run, status: int, *said: str) -> None:
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.count("\n") == 1
    for part in ("ganjobs: ", *said):
        assert part in result.stderr


@pytest.mark.parametrize("command", [("jobs",), ("watch", "latest"), ("cancel", "job_" + "0" * 24), ("workers",)])
def test_nobody_there(command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert_one_line(ganjobs(*command, "--url", url), 5, url, "`ganjobs serve`")


def test_bad_spec_names_field_and_limit(tmp_path: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("{dataset: {kind: ring}, generator: {kind: mlp}, discriminator: {kind: mlp}, steps: 20000000}")
    assert_one_line(ganjobs("submit", str(spec)), 2, "steps", "10000000")
    assert_one_line(ganjobs("validate", str(tmp_path / "none.yaml")), 2, "none.yaml", "No such file")


def test_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_PORT", "99999")
    assert_one_line(ganjobs("jobs"), 1, "GANJOBS_PORT", "65535")


def test_settings_that_do_not_go_together_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_HEARTBEAT_SECONDS", "50")
    assert_one_line(ganjobs("serve"), 1, "ganjobs: heartbeat_seconds", "lease_seconds")


@pytest.mark.parametrize("command", ["serve", "demo"])
@pytest.mark.parametrize("folder", ["", " "])
def test_a_data_folder_without_a_name_is_refused(command: str, folder: str) -> None:
    assert_one_line(ganjobs(command, "--data-folder", folder), 2, "--data-folder", "name")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("delete", "latest"), "id"),
        (("compare", "latest"), "2 to 8"),
        (("compare", *"abcdefghi"), "2 to 8"),
        (("watch", "latest", "--status", "running"), "--status"),
        (("watch", "--image", "ascii"), "sixel"),
        (("watch", "--fail-on", "ok"), "caution"),
        (("health", "latest", "--history", "--exit-status"), "--exit-status"),
        (("samples", "latest", "--animation", "film.mp4"), ".gif"),
        (("samples", "latest", "--animation", "film.gif", "--step", "0"), "--animation"),
        (("jobs", "--status", "sleeping"), "paused"),
        (("fork", "latest", "--set", "steps"), "FIELD=VALUE"),
        (("fork", "latest", "--step", "0"), "--step"),
        (("jobs", "--url", "elsewhere"), "http://"),
        (("jobs", "--url", "http://a:b"), "--url"),
        (("serve", "--port", "x"), "--port"),
        (("nosuch",), "nosuch"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    assert_one_line(ganjobs(*arguments), 2, said)


def test_help_is_shown_where_no_command_is_given() -> None:
    result = ganjobs()
    assert (result.returncode, result.stderr) == (2, "")
    assert "validate" in result.stdout


def test_an_address_of_nobody_advises_another_host() -> None:
    assert_one_line(ganjobs("serve", "--host", "nosuch.invalid", "--port", "0"), 1, "nosuch.invalid", "--host")


def test_validation_tells_the_equilibrium(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("{dataset: {kind: ring}, generator: {kind: mlp}, discriminator: {kind: mlp}, steps: 7}")
    result = ganjobs("validate", str(spec))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"{spec} is valid: 7 steps on `ring`",
        "at equilibrium: D loss 1.386, G loss 0.6931, D(x) 0.5, D(G(z)) 0.5",
    ]


def test_commands_that_only_talk_load_nothing_heavy() -> None:
    code = "import sys, ganjobs.cli; print({'torch', 'celery', 'sqlalchemy', 'fastapi', 'numpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "set()\n"
