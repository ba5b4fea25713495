"""Expected failures of the command: one line on standard error, a status of its own, no traceback."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest
from support.commands import Run, run_command
from support.serving import free_port

from ganjobs.watch_client import WatchClient


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


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[httpx.Response], None]:
    """Have the API answer everything so."""

    def answer(response: httpx.Response) -> None:
        client = partial(WatchClient, "http://api", transport=httpx.MockTransport(lambda _: response))
        monkeypatch.setattr("ganjobs.commands.jobs.open_client", lambda _: client())
        monkeypatch.setattr("ganjobs.commands.health.open_client", lambda _: client())

    return answer


NO_JOBS = {"object": "list", "data": [], "has_more": False}


@pytest.mark.parametrize(
    ("response", "arguments", "status", "said"),
    [
        (
            httpx.Response(200, json=NO_JOBS),
            ("show", "0000000001"),
            8,
            ("there is no job '0000000001'", "ganjobs jobs"),
        ),
        (httpx.Response(403, json={"detail": "not for you"}), ("show", "latest"), 8, ("not for you",)),
        (httpx.Response(404, json={"detail": "gone"}), ("jobs",), 8, ("gone",)),
        (httpx.Response(500, json={"detail": "its own fault"}), ("jobs",), 1, ("its own fault",)),
    ],
)
def test_a_refusal_has_a_status_of_its_own(
    refusing: Callable[[httpx.Response], None],
    response: httpx.Response,
    arguments: tuple[str, ...],
    status: int,
    said: tuple[str, ...],
) -> None:
    refusing(response)
    assert_one_line(ganjobs(*arguments), status, *said)


@pytest.mark.parametrize("command", [("jobs",), ("watch", "latest"), ("cancel", "job_" + "0" * 24), ("workers",)])
def test_nobody_there(command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert_one_line(ganjobs(*command, "--url", url), 5, url, "`ganjobs serve`")


@pytest.mark.parametrize("url", ["http://{}@127.0.0.1:9", "http://{}@a:b", "ftp://{}@a", "{}@a"])
def test_what_an_address_has_of_secrets_is_not_shown(url: str) -> None:
    result = ganjobs("jobs", "--url", url.format("somebody:secret"))
    assert result.returncode in (2, 5)
    assert not any(word in result.stderr for word in ("somebody", "secret"))


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
    result = ganjobs(*arguments)
    assert_one_line(result, 2, said)
    assert "Value error" not in result.stderr


def test_a_reader_who_has_seen_enough_is_no_failure_to_be_told(tmp_path: Path) -> None:
    code = "import sys, ganjobs.cli as cli; cli.app = lambda **_: sys.stdout.write('x' * 100_000); cli.main()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(30)) == (b"", 1)


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
    heavy = {"torch", "celery", "sqlalchemy", "fastapi", "numpy", "pydantic_settings", "ganjobs.results", "PIL"}
    code = f"import sys, ganjobs.cli; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "set()\n"
