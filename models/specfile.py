"""Specs in YAML (or JSON) files, validated. They are read as the client reads them, which has no models."""

from pathlib import Path

from pydantic import ValidationError

from ganjobs.specfile import LARGEST_FILE_BYTES, SpecFileError, read_mapping
from models.spec import JobSpec
from models.validation import one_line

__all__ = ["LARGEST_FILE_BYTES", "SpecFileError", "load_spec", "read_mapping"]


def load_spec(path: Path) -> JobSpec:
    """The spec in a file.

    Raises:
        SpecFileError: it cannot be read or is not valid.
    """
    try:
        return JobSpec.model_validate(read_mapping(path))
    except ValidationError as error:
        raise SpecFileError(f"{path}: {one_line(error)}") from error
