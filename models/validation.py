"""Where in a spec an error lies, as the user wrote it: dotted paths without pydantic's own marks."""

import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from models.spec import JobSpec


def one_line(error: ValidationError) -> str:
    """Each field of a spec that is at fault, with what is wrong with it."""
    problems = [
        f"{'.'.join(error_path(details['loc'], details)) or 'spec'}: {details['msg']}" for details in error.errors()
    ]
    return "; ".join(problems)


def error_path(location: Sequence[str | int], details: Any) -> list[str]:
    """The path of one of pydantic's errors in a spec; an error between fields names the one at fault in its context."""
    parts = field_path(location, JobSpec)
    context = details.get("ctx", {})
    if details["type"].startswith("union_tag"):
        parts.append(context["discriminator"].strip("'"))
    if "field" in context:
        parts.append(context["field"])
    return parts


def field_path(path: Sequence[str | int], annotation: Any) -> list[str]:
    """``path`` without the tags of unions and the marks of dictionary keys.

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
