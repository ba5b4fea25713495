"""From pydantic's errors to ours: dotted field paths as the user wrote them, and the limit that was passed."""

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict, Union, get_args, get_origin

from pydantic import BaseModel

from models.spec import JobSpec

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
    parts = field_path(path, JobSpec) if where == "body" else [str(part) for part in path]
    if error["type"].startswith("union_tag"):
        parts.append(context["discriminator"].strip("'"))
    if "field" in context:  # an error between fields names the one at fault
        parts.append(context["field"])
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


def field_path(path: Sequence[str | int], annotation: Any) -> list[str]:
    """``path`` without what is pydantic's own: the tags of unions, and the marks of dictionary keys.

    Walks the types along the path, because a field may be called as a tag is.
    """
    parts: list[str] = []
    for part in path:
        member = _member(annotation, part)
        if member is not None:
            annotation = member
        elif part != "[key]":
            parts.append(str(part))
            annotation = _inside(annotation, part)
    return parts


def _member(annotation: Any, tag: str | int) -> type[BaseModel] | None:
    """The model that ``tag`` stands for, where ``annotation`` is a union of models told apart by ``kind``."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, types.UnionType):
        return None
    for member in get_args(annotation):
        field = member.model_fields.get("kind") if _is_model(member) else None
        if field is not None and get_origin(field.annotation) is Literal and tag in get_args(field.annotation):
            return member  # type: ignore[no-any-return]
    return None


def _inside(annotation: Any, part: str | int) -> Any:
    """The type one step further in; ``None`` where it does not matter any more."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    return None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
