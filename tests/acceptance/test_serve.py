"""``ganjobs serve`` itself: it starts whole or says why not, and leaves nothing behind however it ends."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import RING, Serving, free_port, processes_of, wait_for_end, wait_until

from ganjobs import address


@pytest.fixture
def started() -> Iterator[list[Serving]]:
    """What a test puts in here is gone when it ends."""
    services: list[Serving] = []
    yield services
    for service in services:
        service.make_sure_it_is_gone()


def test_ctrl_c_puts_the_running_job_back_and_leaves_no_process(tmp_path: Path, started: list[Serving]) -> None:
    service = Serving(tmp_path)
    started.append(service)
    service.wait_for("ready;")
    assert {"valkey-server", "uvicorn", "worker.reconciler", "worker.courier", "guard.py"} <= set(words_of(service))
    with service.client() as client:
        job_id = client.create(RING | {"steps": 2_000_000, "sample_every": 1_000_000, "checkpoint_every": 1_000_000})[
            "id"
        ]
        wait_until(lambda: client.get(job_id)["step"] > 0, 60, "the first steps")
    before = time.monotonic()
    assert service.interrupt() == 0
    assert time.monotonic() - before < 25
    assert processes_of(tmp_path) == {}
    assert service.lines[-1] == "stopped"
    assert not (tmp_path / address.FILE_NAME).exists()

    again = Serving(tmp_path)
    started.append(again)
    again.wait_for("ready;")
    with again.client() as client:
        wait_until(lambda: client.get(job_id)["attempt"] == 2, 60, "the job taken up again")
        assert client.get(job_id)["step"] > 0, "it goes on where it was"
    again.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    before = time.monotonic()
    assert again.interrupt() == 0
    assert time.monotonic() - before < 5, "a second Ctrl-C waits for nothing"
    assert processes_of(tmp_path) == {}


def words_of(service: Serving) -> list[str]:
    """The parts of all command lines, paths without their folders."""
    commands = processes_of(service.folder).values()
    guard = [path.read_bytes().replace(b"\0", b" ").decode() for path in guards_of(service.process.pid)]
    return [Path(word).name for command in (*commands, *guard) for word in command.split()]


def guards_of(parent: int) -> list[Path]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [Path(f"/proc/{child}/cmdline") for child in children]


@pytest.mark.parametrize("seconds", [0.7, 1.5, 3.0])
def test_ctrl_c_while_it_starts_leaves_no_process(tmp_path: Path, started: list[Serving], seconds: float) -> None:
    service = Serving(tmp_path)
    started.append(service)
    service.wait_for("starting ganjobs")
    time.sleep(seconds)
    assert service.interrupt() == 0
    assert processes_of(tmp_path) == {}
    assert service.lines[-1] == "stopped"


def test_a_killed_supervisor_takes_all_along_and_the_next_one_starts(tmp_path: Path, started: list[Serving]) -> None:
    service = Serving(tmp_path)
    started.append(service)
    service.wait_for("ready;")
    with service.client() as client:
        job_id = client.create(RING | {"steps": 1500})["id"]
        wait_until(lambda: client.get(job_id)["status"] == "running", 60, "the job's start")
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    again = Serving(tmp_path)
    started.append(again)
    again.wait_for("ready;")
    assert len(again.find("valkey-server")) == len(again.find("uvicorn")) == 1
    with again.client() as client:
        assert wait_for_end(client, job_id)["status"] == "succeeded"
        assert client.metrics(job_id, ["d_loss"]).steps == list(range(1, 1501))
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(60) == 0
    assert processes_of(tmp_path) == {}


def test_a_busy_port_is_one_line(tmp_path: Path, started: list[Serving]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        service = Serving(tmp_path, port=port)
        started.append(service)
        assert service.process.wait(60) == 1
    wait_until(lambda: len(service.lines) >= 2, 5, "its output")
    assert service.lines[1:] == [
        f"ganjobs: cannot listen on 127.0.0.1 port {port} (address already in use): choose another with --port"
    ]


def test_it_serves_its_own_stack_whatever_service_the_environment_names(tmp_path: Path, started: list[Serving]) -> None:
    host = "::1" if has_ipv6() else "127.0.0.1"
    service = Serving(tmp_path, host=host, variables={"GANJOBS_URL": f"http://127.0.0.1:{free_port()}"})
    started.append(service)
    service.wait_for("ready;")
    assert (tmp_path / address.FILE_NAME).read_text() == f"{service.url}\n"
    with service.client() as client:
        assert client.ready()
    assert service.interrupt() == 0


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_database_that_is_away_is_one_line(tmp_path: Path, started: list[Serving]) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    service = Serving(tmp_path, variables={"GANJOBS_DATABASE_URL": away})
    started.append(service)
    assert service.process.wait(60) == 1
    wait_until(lambda: len(service.lines) >= 2, 5, "its output")
    (line,) = service.lines[1:]
    assert line.startswith("ganjobs: the database cannot be brought up to date: (psycopg.OperationalError) ")
    assert processes_of(tmp_path) == {}


def test_a_second_one_on_the_same_folder_is_one_line(serving: Serving, started: list[Serving]) -> None:
    second = Serving(serving.folder)
    assert second.process.wait(60) == 1
    wait_until(lambda: len(second.lines) >= 2, 5, "its output")
    (line,) = second.lines[1:]
    assert f"served already by process {serving.process.pid}" in line
    assert serving.process.poll() is None


def test_an_api_that_cannot_start_ends_the_stack_with_its_reason(
    tmp_path: Path, started: list[Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another uvicorn, found first, that ends at once.
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(tmp_path / "broken"))
    (tmp_path / "broken" / "uvicorn").mkdir(parents=True)
    (tmp_path / "broken" / "uvicorn" / "__main__.py").write_text("raise SystemExit('no uvicorn today')")
    (tmp_path / "broken" / "uvicorn" / "__init__.py").touch()
    service = Serving(tmp_path / "data")
    started.append(service)
    assert service.process.wait(60) == 1
    wait_until(lambda: len(service.lines) >= 2, 5, "its output")
    assert service.lines[-1].startswith("ganjobs: api could not start: no uvicorn today (log: ")
    assert processes_of(tmp_path / "data") == {}
