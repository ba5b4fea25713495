"""The Celery application: what its processes do when they start, fork and stop. No torch in here: the parent process
must touch no CUDA before it forks."""

import ctypes
import multiprocessing
from typing import Any

from celery import signals

from models import logs
from models.queue import make_celery
from models.settings import Settings
from worker.presence import Presence

# Loading torch on a busy machine.
CHILD_START_SECONDS = 120.0

settings = Settings()
app = make_celery(settings)
app.conf.imports = ("worker.tasks",)
app.conf.worker_hijack_root_logger = False
app.conf.worker_proc_alive_timeout = CHILD_START_SECONDS

presence = Presence(settings)
# Shared with the forked children. A raw value, not an Event: its lock could be held by a child that was killed.
_shutting_down = multiprocessing.RawValue(ctypes.c_bool, False)


def shutting_down() -> bool:
    """Whether this worker was asked to stop: a job in training then makes a checkpoint and goes back to the queue."""
    return bool(_shutting_down.value)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _configure_logging(**_: Any) -> None:
    logs.configure(settings.log_format)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def _load_torch(**_: Any) -> None:
    """In the forked child, before its first job comes: loading takes seconds, and touches no CUDA."""
    import worker.runner  # noqa: F401


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _announce(**_: Any) -> None:
    presence.start()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _ask_jobs_to_stop(**_: Any) -> None:
    _shutting_down.value = True
    presence.draining()


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _leave(**_: Any) -> None:
    presence.stop()
