"""Where the service answers: a service says so in its data folder, and clients look there."""

from pathlib import Path
from typing import Protocol

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

FILE_NAME = "url"


class Place(Protocol):
    """What the server's settings (or ``Address``) say of where the service is."""

    @property
    def local_url(self) -> str: ...

    @property
    def resolved_data_folder(self) -> Path: ...


class Address(BaseSettings):
    """What the environment says of where the service is: those of the server's settings that a client needs, by the
    same names."""

    model_config = SettingsConfigDict(env_prefix="GANJOBS_", frozen=True, extra="ignore")

    data_folder: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    url: str | None = None

    @property
    def resolved_data_folder(self) -> Path:
        return self.data_folder.expanduser().resolve()

    @property
    def local_url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


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
