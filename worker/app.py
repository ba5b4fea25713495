"""The Celery application: what its processes do when they start, fork and stop. No torch in here: the parent process
must touch no CUDA before it forks."""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from billiard.util import set_pdeathsig
from celery import signals

from models import logs
from models.queue import make_celery
from models.settings import read_settings
from worker.presence import Presence

# Loading torch on a busy machine.
CHILD_START_SECONDS = 120.0

settings = read_settings()
app = make_celery(settings)
app.conf.imports = ("worker.tasks",)
app.conf.worker_hijack_root_logger = False
app.conf.worker_proc_alive_timeout = CHILD_START_SECONDS

presence = Presence(settings)
# Shared with the forked children. A raw value, not an Event: its lock could be held by a child that was killed.
_shutting_down = multiprocessing.RawValue(ctypes.c_bool, False)


# Set in one child alone: its parent died, or something (systemd, an operator) asks every process to end.
_child_told = ctypes.c_bool(False)


def shutting_down() -> bool:
    """Whether this worker was asked to stop: a job in training then makes a checkpoint and goes back to the queue."""
    return bool(_shutting_down.value) or _child_told.value


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _configure_logging(**_: Any) -> None:
    logs.configure(settings.log_format)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _load_torch(**_: Any) -> None:
    """In the forked child, before its first job comes: loading takes seconds, and touches no CUDA."""
    import worker.runner  # noqa: F401


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _outlive_the_parent(**_: Any) -> None:
    """Celery has its children killed when their parent dies; a training one is to give its job back first."""
    with suppress(OSError):  # elsewhere than on Linux nobody kills them; the lease keeper sees that they are alone
        set_pdeathsig(signal.SIGTERM)


@contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Within the block SIGTERM asks this child, and no other, to give its job back. Asking again changes nothing: the
    kernel sends the signal once for each thread of a dying parent."""

    def told(_number: int, _frame: FrameType | None) -> None:
        _child_told.value = True

    before = signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if _child_told.value:  # it takes up nothing more: end, so that the pool puts another in its place
            signal.raise_signal(signal.SIGTERM)


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _announce(**_: Any) -> None:
    presence.start()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _ask_jobs_to_stop(**_: Any) -> None:
    _shutting_down.value = True
    presence.draining()
    # The second request ends this process at once; its children then give their jobs back by themselves.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: os._exit(128 + number))


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _leave(**_: Any) -> None:
    presence.stop()
