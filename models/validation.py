"""What is wrong with a spec, in words of this field: dotted paths as the user wrote them, and the limit passed."""

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from models.spec import JobSpec

LIMITS = ("limit", "ge", "gt", "le", "lt", "max_length", "min_length", "multiple_of")
WORDS = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have at least {min_length} {characters}",
    "string_too_long": "must have at most {max_length} {characters}",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} {entries}",
    "too_long": "must have at most {max_length} {entries}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
}
"""Pydantic's errors by type; those that are not here keep their message, as our own do."""
KEY_MARK = "[key]"
UNIONS = (Union, types.UnionType)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong; ``field`` is empty where it is the whole."""

    field: str
    message: str
    code: str
    limit: Any = None


def one_line(error: ValidationError) -> str:
    """Each field of a spec that is at fault, with what is wrong with it, fit for a terminal."""
    faults = [fault(details, JobSpec) for details in true_errors(error.errors())]
    line = "; ".join(f"{each.field or 'spec'}: {each.message}" for each in faults)
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


def true_errors(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """``errors`` without false ones: to pydantic, a list is too short when its items have been refused."""

    def has_refused_items(place: tuple[str | int, ...]) -> bool:
        return any(len(each["loc"]) > len(place) and each["loc"][: len(place)] == place for each in errors)

    return [each for each in errors if each["type"] != "too_short" or not has_refused_items(each["loc"])]


def fault(details: Mapping[str, Any], annotation: Any) -> Fault:
    """One of pydantic's errors in something of type ``annotation``; an error between fields names the one at fault."""
    location, context = details["loc"], details.get("ctx", {})
    parts, there = _walk(location, annotation)
    message, limit = _message(details, there)
    if details["type"] == "extra_forbidden":
        message, limit = _no_such_field(str(location[-1]), _walk(location[:-1], annotation)[1])
    elif details["type"].startswith("union_tag"):
        parts.append("kind")
    if "field" in context:
        parts.append(context["field"])
    if location and location[-1] == KEY_MARK:
        message = f"the key {message}"
    return Fault(".".join(parts), message, details["type"], limit)


def _message(details: Mapping[str, Any], there: Any) -> tuple[str, Any]:
    """What is wrong with the value of type ``there``, and the limit it passed or the values that are allowed."""
    code, context = details["type"], details.get("ctx", {})
    if code == "union_tag_not_found":
        kinds = list(_kinds(there))
        return f"`kind` is missing: one of {', '.join(kinds)}", kinds
    if code in ("union_tag_invalid", "literal_error", "enum"):
        choices = _choices(there, context.get("expected_tags") or context["expected"])
        return f"must be {'one of ' if len(choices) > 1 else ''}{', '.join(map(str, choices))}", choices
    if code in ("model_type", "model_attributes_type", "dict_type"):
        return _no_object(details["input"], list(_kinds(there) or _kind_of(there))), None
    limit = next((context[name] for name in LIMITS if name in context), None)
    if code not in WORDS:
        return details["msg"], limit
    nouns = ("entry", "character") if limit == 1 else ("entries", "characters")
    return WORDS[code].format(entries=nouns[0], characters=nouns[1], **context), limit


def _no_object(given: Any, kinds: list[str]) -> str:
    if not kinds:
        return "must be an object"
    kind = given if given in kinds else kinds[0]
    return f'must be an object such as {{"kind": "{kind}"}}'


def _no_such_field(name: str, part: Any) -> tuple[str, list[str]]:
    known = list(part.model_fields) if _is_model(part) else []
    close = get_close_matches(name, known, 1)
    return "there is no such field" + (f"; did you mean `{close[0]}`?" if close else ""), known


def _choices(there: Any, text: str) -> list[Any]:
    """The values that ``there`` allows. Pydantic lists them as ``'a', 'b' or 'c'``."""
    if get_origin(there) is Literal:
        return list(get_args(there))
    return [choice.strip(" '") for choice in text.replace(" or ", ", ").split(",")]


def _walk(path: Iterable[str | int], annotation: Any) -> tuple[list[str], Any]:
    """``path`` without the tags of unions and the marks of dictionary keys, and the type it leads to.

    Walks the types along the path, because a field may be called as a tag is.
    """
    parts: list[str] = []
    annotation = _bare(annotation)
    for part in path:
        member = _kinds(annotation).get(part)
        if member is not None:
            annotation = member
        elif part != KEY_MARK:
            parts.append(str(part) or '""')
            annotation = _bare(_inside(annotation, part))
    return parts, annotation


def _bare(annotation: Any) -> Any:
    """A type without what is noted of it, and without the null that may stand in its place."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in UNIONS:
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        return _bare(members[0]) if len(members) == 1 else annotation
    return annotation


def _kinds(annotation: Any) -> dict[Any, type[BaseModel]]:
    """The models of a union by their ``kind``; empty where ``annotation`` is something else."""
    found: dict[Any, type[BaseModel]] = {}
    if get_origin(annotation) in UNIONS:
        for member in get_args(annotation):
            found |= _kind_of(member)
    return found


def _kind_of(part: Any) -> dict[Any, type[BaseModel]]:
    """A model by its ``kind``; empty where it has none."""
    field = part.model_fields.get("kind") if _is_model(part) else None
    if field is None or get_origin(field.annotation) is not Literal:
        return {}
    return dict.fromkeys(get_args(field.annotation), part)


def _inside(annotation: Any, part: str | int) -> Any:
    """The type one step further in; ``None`` where it does not matter any more."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    if get_origin(annotation) is tuple and isinstance(part, int):
        items = get_args(annotation)
        return items[0] if items[-1] is Ellipsis else dict(enumerate(items)).get(part)
    return None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
