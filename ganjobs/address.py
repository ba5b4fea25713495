"""Where the service answers: a service says so in its data folder, and the command line looks there."""

from pathlib import Path

from models.settings import Settings

FILE_NAME = "url"


def publish(settings: Settings) -> None:
    """Write down where the service of the settings answers."""
    _file(settings).write_text(f"{settings.local_url}\n")


def withdraw(settings: Settings) -> None:
    """The service answers no more."""
    _file(settings).unlink(missing_ok=True)


def find(settings: Settings) -> str:
    """Where the settings say that the API is; where they say nothing, what a service wrote in their data folder."""
    if settings.model_fields_set & {"url", "host", "port"}:
        return settings.resolved_url
    try:
        return _file(settings).read_text().strip() or settings.resolved_url
    except OSError:
        return settings.resolved_url


def _file(settings: Settings) -> Path:
    return settings.resolved_data_folder / FILE_NAME
