"""How a worker bears with a database or a storage that is away for a while: all it does there can be repeated."""

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

log = structlog.get_logger(__name__)
# What an outage looks like (of the database; of the storage, such as a full disk); anything else is a mistake that
# waiting does not mend.
OUTAGE = (OperationalError, InterfaceError, OSError)
# PostgreSQL ended the session of one that was frozen too long (25P03, 25P04), or is a standby for now (25006).
OUTAGE_STATES = {"25P03", "25P04", "25006"}


def is_outage(error: BaseException) -> bool:
    if isinstance(error, OUTAGE):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or getattr(error.orig, "sqlstate", None) in OUTAGE_STATES
    )


def patiently(seconds: float) -> Retrying:
    """Calls again what met an outage, for ``seconds``; then the outage itself is raised."""
    return Retrying(
        retry=retry_if_exception(is_outage),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(seconds),
        before_sleep=_tell,
        reraise=True,
    )


def _tell(state: Any) -> None:
    cause = str(state.outcome.exception()).splitlines()[0]
    log.warning("the database or the storage is away; trying again", tries=state.attempt_number, cause=cause)


def in_context(run: Callable[[], None]) -> Callable[[], None]:
    """``run`` for another thread, with the job's id and attempt on each of its log lines as here."""
    bound = structlog.contextvars.get_contextvars()

    def within() -> None:
        with structlog.contextvars.bound_contextvars(**bound):
            run()

    return within
