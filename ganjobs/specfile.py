"""Specs in YAML (or JSON) files, as they were written: whether one is valid is for the API to say."""

import re
from pathlib import Path
from typing import Any

import yaml

from ganjobs.errors import ClientError

LARGEST_FILE_BYTES = 1_048_576


class SpecFileError(ClientError):
    """A spec file cannot be used; the message is one line that names the file and the field."""


class _Loader(yaml.SafeLoader):
    """Safe YAML in which ``2e-4`` is a number, as in YAML 1.2 and JSON (1.1 wants ``2.0e-4``)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping a file holds, not yet validated.

    Raises:
        SpecFileError: the file cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise SpecFileError(f"{path}: larger than {LARGEST_FILE_BYTES} bytes")
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise SpecFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpecFileError(f"{path}: not UTF-8 text") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SpecFileError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(loaded, dict):
        raise SpecFileError(f"{path}: a spec is a mapping of fields to values")
    return loaded
