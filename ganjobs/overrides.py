"""``--set dotted.field=value``: a spec file with single fields changed."""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganjobs.errors import ClientError
from ganjobs.specfile import read_mapping


class OverrideError(ClientError):
    """An override cannot be applied, or a spec is not valid; one line."""


def load_with_overrides(path: Path, overrides: Sequence[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a file with ``overrides`` (``dotted.field=value``) and top-level ``fields`` set: with every default
    filled in where the server's packages are there to check it, and as it was written where that is left to the API.

    Raises:
        SpecFileError: the file cannot be read.
        OverrideError: an override is malformed, or what came of it is no valid spec.
    """
    body = read_mapping(path)
    for override in overrides:
        apply(body, override)
    body |= fields
    return _checked(body, f"{path}, with what was set" if overrides or fields else str(path))


def can_check() -> bool:
    """Whether specs can be checked here, without the API."""
    return find_spec("models") is not None


def _checked(body: dict[str, Any], name: str) -> dict[str, Any]:
    if not can_check():
        return body
    from pydantic import ValidationError

    from models.spec import JobSpec
    from models.validation import one_line

    try:
        return JobSpec.model_validate(body).model_dump(mode="json")
    except ValidationError as error:
        raise OverrideError(f"{name}: {one_line(error)}") from error


def apply(body: dict[str, Any], override: str) -> None:
    """Set one field, making the parts on the way to it.

    Raises:
        OverrideError: there is no ``=``, or the way leads through something that has no fields.
    """
    path, equals, written = override.partition("=")
    names = path.split(".")
    if not equals or not all(names):
        raise OverrideError(f"--set {override}: write it as FIELD=VALUE, such as generator.latent_dim=32")
    for depth, name in enumerate(names[:-1], 1):
        body = body.setdefault(name, {})
        if not isinstance(body, dict):
            raise OverrideError(f"--set {override}: {'.'.join(names[:depth])} has no fields")
    body[names[-1]] = parse_value(written)


def parse_value(written: str) -> Any:
    """JSON where it is JSON (numbers, lists, true, null), and otherwise the text itself."""
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        return written
