"""What holds for every command: JSON for programs, help, and that the client's commands need no server package."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from support.commands import run_command
from typer.main import get_command

from ganjobs import cli, completion, exitcodes
from ganjobs.commands import server
from ganjobs.errors import NotInstalled

GUIDE = Path(__file__).parents[2] / "docs" / "terminal.md"
SERVER_ONLY = ("models", "api", "worker", "migrations", "sqlalchemy", "celery", "alembic", "torch", "ganjobs.stack")


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words it is called by."""
    for name, command in sorted((group or get_command(cli.app)).commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


TREE = list(commands())


@pytest.mark.parametrize(("path", "command"), TREE, ids=[" ".join(path) for path, _ in TREE])
def test_every_command_can_write_json(path: tuple[str, ...], command: Any) -> None:
    """No command is an exception."""
    assert "--json" in {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize(("path", "command"), TREE, ids=[" ".join(path) for path, _ in TREE])
def test_every_command_and_option_is_explained(path: tuple[str, ...], command: Any) -> None:
    assert command.help
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", None)] == []


def test_there_are_as_many_commands_as_were_looked_at() -> None:
    assert len(TREE) > 30
    assert {("watch",), ("compare",), ("doctor",), ("webhooks", "replay")} <= {path for path, _ in TREE}


def test_every_exit_status_is_explained_in_the_help_and_in_the_table() -> None:
    numbers = {value for name, value in vars(exitcodes).items() if name.isupper() and isinstance(value, int)}
    assert exitcodes.__doc__ is not None
    for number in numbers:
        assert f"\n{number} " in exitcodes.__doc__
        assert f" {number} " in exitcodes.SUMMARY
        assert f"\n| {number} | " in GUIDE.read_text()


def test_every_command_is_in_the_guide() -> None:
    guide = GUIDE.read_text()
    assert [path[0] for path, _ in TREE if f"`{path[0]}" not in guide and f"ganjobs {path[0]}" not in guide] == []


def test_the_worst_status_is_that_of_several_jobs() -> None:
    assert exitcodes.worst([]) == 0
    assert exitcodes.worst([0, 4, 3]) == 3
    assert exitcodes.worst([4, 7, 6, 0]) == 7
    assert exitcodes.worst([7, 1]) == 1


def without_server_packages(code: str) -> str:
    """What a Python writes that has no server package."""
    block = f"import sys\nsys.modules.update(dict.fromkeys({SERVER_ONLY}))\n"
    done = subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_client_s_commands_need_no_server_package() -> None:
    """Nor does what they import when they run."""
    light = [
        *("watch", "watch_display", "fleet", "fleet_display", "feed", "pictures", "comparing", "doctor", "tail"),
        *("downloads", "export", "export_tensorboard", "overrides", "completion", "jobref", "address"),
    ]
    imports = "".join(f"import ganjobs.{each}\n" for each in light)
    assert without_server_packages(f"import ganjobs.cli\n{imports}print('fine')") == "fine\n"


@pytest.mark.parametrize("name", server.NAMES)
def test_what_needs_the_server_says_what_to_install(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(server, "is_installed", lambda: False)
    command = server.command(name)
    assert (command.__name__, bool(command.__doc__)) == (name, True)
    app = typer.Typer()
    app.command(name, context_settings=server.ANY_WORDS)(command)
    app.command("other")(lambda: None)
    with pytest.raises(NotInstalled, match="install Ganjobs with `make setup`"):
        get_command(app)([name, "--port", "80", "--json"], standalone_mode=False)


# --- what the shell is offered ---------------------------------------------------------------------------------------


def offered(*words: str, url: str = "http://127.0.0.1:9") -> list[str]:
    """What bash is offered for the last of the words."""
    asked = {"_GANJOBS_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(("ganjobs", *words))}
    done = run_command(variables=os.environ | asked | {"COMP_CWORD": str(len(words)), "GANJOBS_URL": url})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_commands_enumerations_and_specs_are_offered() -> None:
    assert offered("wa") == ["watch"]
    assert offered("watch", "--image", "si") == ["sixel"]
    assert {"running", "queued"} <= set(offered("jobs", "--status", ""))
    assert offered("validate", "examples/ring.") == ["examples/ring.yaml"]
    assert {"examples/", "examples/ring.yaml"} <= set(offered("submit", ""))
    assert offered("submit", "/nosuch/folder/x") == []


def test_jobs_are_not_offered_where_nobody_answers() -> None:
    assert offered("watch", "") == []
    assert offered("watch", "", url="no url") == []


def test_the_shell_s_script_is_shown() -> None:
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'ganjobs'; from ganjobs.cli import main; main()"]
    variables = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = [*command, "--show-completion", "bash"]
    done = subprocess.run(shown, capture_output=True, text=True, env=variables, check=True)
    assert "_GANJOBS_COMPLETE=complete_bash" in done.stdout


JOBS = [
    {"id": "job_0000000002aa", "name": "two", "status": "running"},
    {"id": "job_0000000001bb", "name": None, "status": "queued"},
]


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("", ["latest", "job_0000000002aa", "job_0000000001bb"]),
        ("l", ["latest"]),
        ("job_0000000001", ["job_0000000001bb"]),
        ("0000000002", ["job_0000000002aa"]),
        ("x", []),
    ],
)
def test_jobs_are_offered_by_their_ids(monkeypatch: pytest.MonkeyPatch, word: str, ids: list[str]) -> None:
    monkeypatch.setattr(completion, "_asked", lambda context, path: JOBS)
    context = typer.Context(get_command(cli.app))
    assert [name for name, _ in completion.complete_job(context, word)] == ids
