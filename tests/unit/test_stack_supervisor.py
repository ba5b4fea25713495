"""What the supervisor says of processes that end."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import free_port, wait_until

from ganjobs.stack.errors import StackError
from ganjobs.stack.processes import ProcessSpec
from ganjobs.stack.signals import StopSignal
from ganjobs.stack.supervisor import Stack
from models.settings import Settings


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def stack(tmp_path: Path, said: list[str]) -> Iterator[Stack]:
    """A stack in which nothing runs yet."""
    settings = Settings(data_folder=tmp_path, port=free_port(), redis_url="redis://127.0.0.1:1")
    with Stack(settings, StopSignal(), said.append) as stack:
        yield stack


def run(stack: Stack, code: str) -> None:
    """Look after a process of that code until its end has been noticed."""
    log = stack.settings.resolved_data_folder / "logs" / "worker.log"
    stack._launch(ProcessSpec("worker", (sys.executable, "-c", f"print('tail'); {code}"), log, 1))
    wait_until(lambda: (stack.look_after(), stack._restart_at)[1], 20, "the notice of its end")


def test_the_log_is_not_blamed_for_a_signal(stack: Stack, said: list[str]) -> None:
    run(stack, "import os; os.kill(os.getpid(), 9)")
    assert said == ["worker ended (signal 9); starting it again in 0.5 s"]


def test_an_exit_is_explained_by_the_log(stack: Stack, said: list[str]) -> None:
    run(stack, "raise SystemExit(4)")
    assert said == ["worker ended (exit status 4); starting it again in 0.5 s: tail"]


@pytest.mark.parametrize(("uri", "is_there"), [(None, False), ("http://mlflow:5000", True)])
def test_jobs_are_mirrored_where_a_setting_says_where_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str | None, is_there: bool
) -> None:
    where = {"data_folder": tmp_path, "port": free_port(), "redis_url": "redis://127.0.0.1:1"}
    settings = Settings(**where, mlflow_tracking_uri=uri)
    launched: list[ProcessSpec] = []
    monkeypatch.setattr(Stack, "_launch", lambda _self, spec: launched.append(spec))
    for waits in ("_wait", "_migrate"):
        monkeypatch.setattr(Stack, waits, lambda *_: None)
    monkeypatch.setattr("ganjobs.address.publish", lambda _: None)
    with Stack(settings, StopSignal(), print) as stack:
        stack.start()
    assert ([sys.executable, "-m", "worker.mirror"] in [list(spec.command) for spec in launched]) == is_there
    assert "worker" in [spec.name for spec in launched]


def test_a_database_that_cannot_be_reached_is_said_once(tmp_path: Path) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    settings = Settings(data_folder=tmp_path, port=free_port(), redis_url="redis://127.0.0.1:1", database_url=away)
    with pytest.raises(StackError) as caught, Stack(settings, StopSignal(), print) as stack:
        stack.start()
    said = str(caught.value)
    assert said.startswith("the database cannot be brought up to date: (psycopg.OperationalError) ")
    assert "migrat" not in said
    assert "\n" not in said
