"""Packages that the client does without until something needs them."""

from importlib import import_module, util
from types import ModuleType

from ganjobs.errors import NotInstalled

# What to install where a module is missing: the packages themselves, for Ganjobs may have been installed under either
# of its two names.
PACKAGES = {
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "PIL": "pillow",
    "rich_pixels": "rich-pixels pillow",
    "textual_image": "textual-image pillow",
    "tensorboardX": "tensorboardx crc32c numpy",
}


def need(name: str, why: str) -> ModuleType:
    """The module of this name.

    Raises:
        NotInstalled: it is not there; the message says what to install.
    """
    package = name.partition(".")[0]
    if not has(package):
        raise NotInstalled(f"{why} needs {package}: pip install {PACKAGES[package]}")
    return import_module(name)


def has(package: str) -> bool:
    """Whether a package is installed."""
    return util.find_spec(package) is not None
