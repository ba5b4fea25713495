"""What is checked before the stack starts, and what goes with it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ganjobs.stack import logs, preflight
from ganjobs.stack.errors import StackError, StopRequested
from ganjobs.stack.processes import child_environment
from ganjobs.stack.signals import StopSignal
from models.settings import Settings


def test_a_folder_is_made_where_it_can_be(tmp_path: Path) -> None:
    preflight.check_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("folder", [Path("file") / "data", Path("/proc/data")])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="--data-folder") as caught:
        preflight.check_folder(tmp_path / folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError, match=f"127.0.0.1 port {port} .*in use.*--port"):
            preflight.check_port("127.0.0.1", port)
    preflight.check_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(StackError, match=r"192\.0\.2\.1 port 8000 .*--host"):
        preflight.check_port("192.0.2.1", 8000)


@pytest.mark.parametrize("host", ["nosuch.invalid", "", "a..b", "[::1]"])
def test_a_host_that_cannot_be_resolved_asks_for_another_host(host: str) -> None:
    for attempt in (preflight.free_port, lambda host: preflight.check_port(host, 8000)):
        with pytest.raises(StackError, match="choose another with --host"):
            attempt(host)


def test_one_stack_per_folder(tmp_path: Path) -> None:
    first, second = preflight.FolderLock(tmp_path), preflight.FolderLock(tmp_path)
    first.acquire(StopSignal())
    with pytest.raises(StackError, match=f"process {os.getpid()}"):
        second.acquire(StopSignal())
    first.release()
    second.acquire(StopSignal())
    second.release()


def hold_with_dead_owner(folder: Path) -> subprocess.Popen[bytes]:
    """A process that holds the folder's lock, as a guard does, when the supervisor that took it is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = folder / preflight.LOCK_NAME
    lock.write_text(str(gone.pid))
    code = "import fcntl,sys; f=open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_what_a_killed_stack_left_is_waited_for(tmp_path: Path) -> None:
    holder = hold_with_dead_owner(tmp_path)
    lock = preflight.FolderLock(tmp_path)
    try:
        with pytest.raises(StackError, match="served already"):
            lock.acquire(StopSignal(), leftover_seconds=0.2)
        impatient = StopSignal()
        impatient.request()
        with pytest.raises(StopRequested):
            lock.acquire(impatient)
    finally:
        holder.communicate(b"\n")
    lock.acquire(StopSignal())
    lock.release()


def test_large_logs_are_put_aside_and_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 10)
    path = tmp_path / "api.log"
    for number in range(6):
        with logs.open_log(path) as log:
            log.write(f"this is run {number}\n".encode())
    kept = {entry.name: entry.read_text().strip()[-1] for entry in tmp_path.iterdir()}
    assert kept == {"api.log": "5", "api.log.1": "4", "api.log.2": "3", "api.log.3": "2"}


def test_a_follower_gives_whole_new_lines_once(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    path.write_text("old\n")
    follower = logs.LogFollower(path)
    with path.open("a") as log:
        log.write("one\ntw")
    assert follower.new_lines() == ["one"]
    with path.open("a") as log:
        log.write("o\n")
    assert follower.new_lines() == ["two"]
    path.write_text("3\n")
    assert follower.new_lines() == ["3"]


def test_the_last_line_is_of_this_run(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    path.write_text("before\n")
    assert logs.last_line(path, start=7) == ""
    with path.open("a") as log:
        log.write("reason\n\n")
    assert logs.last_line(path, start=7) == "reason"
    assert logs.last_line(tmp_path / "none.log") == ""


def test_children_get_the_settings_that_were_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    chosen = Settings(data_folder=tmp_path, database_url=None, redis_url=None, port=4321)
    environment = child_environment(chosen)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert (read.resolved_database_url, read.port) == (f"sqlite:///{tmp_path / 'ganjobs.sqlite3'}", 4321)
    assert read.resolved_redis_url == chosen.resolved_redis_url
