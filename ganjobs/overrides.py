"""``--set dotted.field=value``: a spec file with single fields changed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.spec import JobSpec
from models.specfile import load_spec, read_mapping
from models.validation import one_line


class OverrideError(Exception):
    """An override cannot be applied, or makes the spec invalid; one line."""


def load_with_overrides(path: Path, overrides: Sequence[str], fields: Mapping[str, Any]) -> JobSpec:
    """The spec of a file with ``overrides`` (``dotted.field=value``) and top-level ``fields`` set.

    Raises:
        SpecFileError: the file cannot be read or, without overrides, holds no valid spec.
        OverrideError: an override is malformed, or what it makes is no valid spec.
    """
    if not overrides and not fields:
        return load_spec(path)
    body = read_mapping(path)
    for override in overrides:
        apply(body, override)
    try:
        return JobSpec.model_validate(body | dict(fields))
    except ValidationError as error:
        raise OverrideError(f"{path}, with what was set: {one_line(error)}") from error


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
