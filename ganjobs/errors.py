"""What a request can end in, each with a message of one line."""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Base of everything the client raises on purpose."""


class ApiUnreachable(ClientError):
    """Nobody answers at the API's address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no answer from {url} ({reason}): start the service with `ganjobs serve`, or set --url")
        self.url = url


class ApiError(ClientError):
    """The API refused a request (RFC 9457 problem details).

    Attributes:
        status: HTTP status code.
        title: what kind of problem it is.
        errors: one mapping per field at fault.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.errors: list[Mapping[str, Any]] = list(problem.get("errors") or ())
        super().__init__(_one_line(self.title, problem.get("detail"), self.errors))


def _one_line(title: str, detail: object, errors: list[Mapping[str, Any]]) -> str:
    """The fields at fault with what is wrong with each; without any, the problem's detail or title."""
    said = "; ".join(_field_error(error) for error in errors) or str(detail or title)
    return " ".join(said.split())


def _field_error(error: Mapping[str, Any]) -> str:
    message = str(error.get("message") or "is not valid")
    limit = error.get("limit")
    if limit is not None and not isinstance(limit, list) and str(limit) not in message:
        message += f" (limit {limit})"
    where = error.get("field") or error.get("in")
    return f"{where}: {message}" if where else message


class TransferBroken(ClientError):
    """An answer stopped before its end; what has come of it is not whole."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the transfer broke off ({reason}): the job went back to a checkpoint, or the API stopped")
