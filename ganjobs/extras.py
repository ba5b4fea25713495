"""Packages that the client does without until something needs them."""

from importlib import import_module, util
from types import ModuleType

from ganjobs.errors import NotInstalled

# The extra of the distribution ``ganjobs-client`` that brings a package.
EXTRAS = {
    "pandas": "pandas",
    "pyarrow": "arrow",
    "PIL": "images",
    "rich_pixels": "terminal",
    "textual_image": "terminal",
    "tensorboardX": "tensorboard",
}


def need(name: str, why: str) -> ModuleType:
    """The module of this name.

    Raises:
        NotInstalled: it is not there; the message says what to install.
    """
    package = name.partition(".")[0]
    if not has(package):
        raise NotInstalled(f"{why} needs {package}: pip install 'ganjobs-client[{EXTRAS[package]}]'")
    return import_module(name)


def has(package: str) -> bool:
    """Whether a package is installed."""
    return util.find_spec(package) is not None
