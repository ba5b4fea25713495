"""From pydantic's errors to ours: where each lies in a request, what is wrong, and the limit that was passed."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from models.spec import JobSpec
from models.validation import fault

MAX_TEXT = 300

FieldError = TypedDict(
    "FieldError",
    {"field": str, "in": str, "message": str, "code": str, "limit": NotRequired[Any]},
)


def described(errors: Sequence[Mapping[str, Any]], body: Any = JobSpec) -> list[FieldError]:
    """Our form of the errors that FastAPI collected from a request, whose body is of the type ``body``."""
    return [_described(error, body) for error in errors]


def describe(errors: Sequence[FieldError], count: int | None = None) -> str:
    """One sentence for people about ``count`` errors, of which these are the first."""
    first = f"{errors[0]['field'] or errors[0]['in']}: {errors[0]['message']}" if errors else "invalid"
    more = (count or len(errors)) - 1
    return first + (f" (and {more} more)" if more > 0 else "")


def _described(error: Mapping[str, Any], body: Any) -> FieldError:
    where, *path = error["loc"]
    in_body = where == "body"
    # The place in a list of values is no part of a parameter's name.
    named = path if in_body else [part for part in path if isinstance(part, str)]
    found = fault({**error, "loc": named}, body if in_body else None)
    message = found.message
    if where == "query" and len(named) < len(path) and "," in str(error["input"]):
        each = "&".join(f"{found.field}={value}" for value in str(error["input"]).split(","))
        message += f"; to give several, repeat the parameter: {each}"
    described: FieldError = {"field": _short(found.field), "in": where, "message": _short(message), "code": found.code}
    if found.limit is not None:
        described["limit"] = found.limit
    return described


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
