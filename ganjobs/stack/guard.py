"""Ends the stack's processes when their supervisor is gone, even by ``kill -9``.

Runs as a process of its own, started by file name so that it imports nothing but the standard library. On its standard
input, which only the supervisor holds open, come lines ``add GROUP`` and ``remove GROUP``; the end of the input means
that the supervisor has died. It inherits the lock on the data folder, so that a new stack waits until the old one's
processes are gone.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 8.0
KILL_SECONDS = 5.0


def group_alive(group: int) -> bool:
    """Whether any process of a process group is left that has not ended."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return not os.path.isdir("/proc/self") or any(
        _runs_in(group, name) for name in os.listdir("/proc") if name.isdigit()
    )


def _runs_in(group: int, name: str) -> bool:
    """Whether the process is of the group and no zombie: orphans wait for an init that may be slow to bury them."""
    try:
        with open(f"/proc/{name}/stat") as file:
            state, _parent, its_group = file.read().rpartition(")")[2].split()[:3]
    except (FileNotFoundError, ProcessLookupError):  # it ended just now
        return False
    return int(its_group) == group and state != "Z"


def end_group(group: int) -> None:
    """Ask a group's leader to end, then kill whatever is left of the group."""
    with contextlib.suppress(ProcessLookupError):  # the leader may be gone, and its children not
        os.kill(group, signal.SIGTERM)
    _wait_gone(group, GRACE_SECONDS)
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
    _wait_gone(group, KILL_SECONDS)


def _wait_gone(group: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while group_alive(group) and time.monotonic() < end:
        time.sleep(0.05)


def read_groups() -> list[int]:
    """The groups that still stand when the input ends, in the order in which they were started."""
    groups: list[int] = []
    for line in sys.stdin:
        word, number = line.split()
        if word == "add":
            groups.append(int(number))
        else:
            groups.remove(int(number))
    return groups


def main() -> None:
    # A service manager signals every process at once; this one has to outlive the supervisor.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for group in reversed(read_groups()):
        end_group(group)


if __name__ == "__main__":
    main()
