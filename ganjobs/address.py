"""Where the service answers: a service says so in its data folder, and clients look there."""

import re
from pathlib import Path
from typing import Protocol

FILE_NAME = "url"


class Place(Protocol):
    """What the server's settings (or ``ganjobs.environment.Address``) say of where the service is."""

    @property
    def local_url(self) -> str: ...

    @property
    def resolved_data_folder(self) -> Path: ...


def shown(url: str) -> str:
    """A URL as it may be shown to anybody: without the name and password in it, which stay out of errors, logs and
    notebooks, and without its query. Whatever is before the last ``@`` goes: it may be no whole URL, and hold them."""
    before, _, rest = url.rpartition("@")
    scheme = re.match(r"\w+://", before)
    return (scheme[0] if scheme else "") + re.split("[?#]", rest)[0]


def publish(settings: Place) -> None:
    """Write down where the service of the settings answers."""
    _file(settings).write_text(f"{settings.local_url}\n")


def withdraw(settings: Place) -> None:
    """The service answers no more."""
    _file(settings).unlink(missing_ok=True)


def find() -> str:
    """Where the environment says that the API is (``GANJOBS_URL``, else ``GANJOBS_HOST`` and ``GANJOBS_PORT``); where
    it says nothing, what a service wrote in the data folder.

    Raises:
        pydantic.ValidationError: a variable of the environment has no usable value.
    """
    from ganjobs.environment import Address  # a shell that completes a word does without, as does who names the API

    address = Address()
    if address.url:
        return address.url.rstrip("/")
    if address.model_fields_set & {"host", "port"}:
        return address.local_url
    try:
        return _file(address).read_text().strip() or address.local_url
    except OSError:
        return address.local_url


def _file(settings: Place) -> Path:
    return settings.resolved_data_folder / FILE_NAME
