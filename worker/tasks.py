"""The one Celery task. It carries nothing: the database says what there is to do."""

from models.queue import WORK_TASK
from worker.app import app, heeding_sigterm, presence, settings, shutting_down


@app.task(name=WORK_TASK)  # type: ignore[untyped-decorator]
def work() -> str | None:
    """Claim the best queued job and train it; returns its id, or ``None`` where there was nothing to do."""
    # Imported in the forked child: torch is slow to load, and the parent must never initialise CUDA.
    from worker.runner import Runner

    with heeding_sigterm():
        return Runner(settings, presence.worker_id, shutting_down).run_next()
