"""Going on while the service is away: a restart of the API, or a network that comes back."""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from ganjobs.errors import ApiError, ApiUnreachable

SECONDS = 300.0
WAIT_SECONDS = 1.0
FIRST_SERVER_ERROR = 500
LOST = "connection lost, trying again"
FOUND = "connected again"

Result = TypeVar("Result")
Pause = Callable[[float], None]


def may_pass(error: BaseException) -> bool:
    """Whether an error says that the service is away, and not that the request is wrong."""
    if isinstance(error, ApiError):
        return error.status >= FIRST_SERVER_ERROR
    return isinstance(error, ApiUnreachable | httpx.TransportError)


class Patience:
    """Calls again what fails because the service is away, for as long as ``seconds``; ``tell`` hears what to show, and
    ``None`` once there is nothing to show any more."""

    def __init__(
        self, tell: Callable[[str | None], None], pause: Pause = time.sleep, seconds: float | None = None
    ) -> None:
        self._tell = tell
        self._pause = pause
        self._seconds = SECONDS if seconds is None else seconds

    def attempt(self, call: Callable[[], Result]) -> Result:
        """What ``call`` returns, in the end.

        Raises:
            ApiUnreachable: nobody has answered for as long.
            ApiError: the API refused, or has had its own trouble for as long.
        """
        lost_at: float | None = None
        while True:
            try:
                result = call()
            except (ApiUnreachable, ApiError) as error:
                now = time.monotonic()
                if not may_pass(error) or now - (now if lost_at is None else lost_at) >= self._seconds:
                    raise
                if lost_at is None:
                    lost_at = now
                    self._tell(LOST)
                self._pause(WAIT_SECONDS)
            else:
                if lost_at is not None:
                    self._tell(None)
                return result
