"""From pydantic's errors to ours: dotted field paths as the user wrote them, and the limit that was passed."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from models.validation import error_path

MAX_TEXT = 300
LIMITS = ("limit", "ge", "gt", "le", "lt", "max_length", "min_length", "multiple_of", "expected_tags", "expected")

FieldError = TypedDict(
    "FieldError",
    {"field": str, "in": str, "message": str, "code": str, "limit": NotRequired[Any]},
)


def described(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Our form of the errors that FastAPI collected from a request."""
    return [_described(error) for error in errors]


def describe(errors: Sequence[FieldError]) -> str:
    """One sentence for people."""
    first = f"{errors[0]['field'] or errors[0]['in']}: {errors[0]['message']}" if errors else "invalid"
    more = len(errors) - 1
    return first + (f" (and {more} more)" if more else "")


def _described(error: Mapping[str, Any]) -> FieldError:
    where, *path = error["loc"]
    context = error.get("ctx", {})
    parts = error_path(path, error) if where == "body" else [str(part) for part in path]
    described: FieldError = {
        "field": _short(".".join(parts)),
        "in": where,
        "message": _short(error["msg"]),
        "code": error["type"],
    }
    limit = next((context[name] for name in LIMITS if name in context), None)
    if limit is not None:
        described["limit"] = limit if isinstance(limit, int | float) else _choices(str(limit))
    return described


def _choices(text: str) -> list[str] | str:
    """Pydantic lists choices as ``'a', 'b' or 'c'``."""
    if "'" not in text:
        return text
    return [choice.strip(" '") for choice in text.replace(" or ", ", ").split(",")]


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
