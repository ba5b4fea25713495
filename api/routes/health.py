"""Whether the process lives, and whether the service can do its work."""

from collections.abc import Callable
from functools import partial

import anyio
import structlog
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError

from api import examples
from api.dependencies import Services, ServicesHeld
from api.documentation import Responses, answers
from api.records import Check, Liveness, Readiness
from api.strict import StrictRoute
from models import workers
from models.queue import QueueUnavailable

# A probe that hangs is given up after this long (seconds).
PATIENCE = 3.0
# Threads for each check, so that hung probes take neither those of requests nor those of other checks.
PROBES_AT_ONCE = 3

log = structlog.get_logger(__name__)
router = APIRouter(tags=["health"], route_class=StrictRoute)
_limiters: RunVar[dict[str, CapacityLimiter]] = RunVar("probe_limiters")

NOT_READY: Responses = {
    503: {
        "description": "Something that jobs need is missing",
        "model": Readiness,
        "content": {"application/json": {"example": examples.NOT_READY}},
    }
}


class _NobodyThereError(Exception):
    """A probe found nothing wrong but nobody there."""


@router.get(
    "/livez",
    operation_id="live",
    summary="Is the process alive?",
    response_description="It is",
    responses=answers({"status": "alive"}),
)
async def live() -> Liveness:
    """Answers as long as the process runs, whatever the state of the rest."""
    return Liveness()


@router.get(
    "/readyz",
    operation_id="ready",
    summary="Can jobs be taken and trained?",
    response_description="They can",
    responses=answers(examples.READY) | NOT_READY,
)
async def ready(held: ServicesHeld, response: Response) -> Readiness:
    """Asks the database and the queue, and looks for a worker, all at once and for a few seconds at most."""
    probes = {"database": _ask_database, "queue": _ask_queue, "worker": _look_for_workers}
    checks = dict.fromkeys(probes, Check(status="unavailable", detail="not asked"))

    async def check(name: str, probe: Callable[[Services], str]) -> None:
        checks[name] = await _check(name, partial(probe, held))

    async with anyio.create_task_group() as group:
        for name, probe in probes.items():
            group.start_soon(check, name, probe)
    is_ready = all(check.status == "ok" for check in checks.values())
    response.status_code = 200 if is_ready else 503
    response.headers["Cache-Control"] = "no-store"
    return Readiness.model_validate({"status": "ready" if is_ready else "not_ready", "checks": checks})


async def _check(name: str, probe: Callable[[], str]) -> Check:
    """Run a probe in a thread of its own; one that does not come back is left behind."""
    detail = f"no answer within {PATIENCE:g} seconds"
    with anyio.move_on_after(PATIENCE):
        try:
            found = await to_thread.run_sync(probe, abandon_on_cancel=True, limiter=_limiter(name))
        except (SQLAlchemyError, QueueUnavailable) as error:
            log.warning("not ready", check=name, error=str(error).splitlines()[0])
            detail = "cannot be reached"
        except _NobodyThereError as error:
            detail = str(error)
        else:
            return Check(status="ok", detail=found)
    return Check(status="unavailable", detail=detail)


def _limiter(name: str) -> CapacityLimiter:
    limiters = _limiters.get({})
    _limiters.set(limiters)
    return limiters.setdefault(name, CapacityLimiter(PROBES_AT_ONCE))


def _ask_database(held: Services) -> str:
    held.database.check()
    return "answers"


def _ask_queue(held: Services) -> str:
    return f"{held.doorbell.waiting()} messages waiting"


def _look_for_workers(held: Services) -> str:
    with held.database.read() as session:
        live = workers.list_live(session, held.settings.heartbeat_seconds)
    count = sum(worker.status == "ready" for worker in live)  # one that is draining takes no more jobs
    if count == 0:
        raise _NobodyThereError("no worker is ready")
    return f"{count} worker{'s are' if count > 1 else ' is'} ready"
