"""How a worker bears with a database or a storage that is away for a while: all it does there can be repeated."""

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

log = structlog.get_logger(__name__)
# What an outage looks like (of the database; of the storage, such as a full disk); anything else is a mistake that
# waiting does not mend.
OUTAGE = (OperationalError, InterfaceError, OSError)


def patiently(seconds: float) -> Retrying:
    """Calls again what met an outage, for ``seconds``; then the outage itself is raised."""
    return Retrying(
        retry=retry_if_exception_type(OUTAGE),
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
