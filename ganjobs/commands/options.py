"""Options and arguments that several commands share."""

import json
import sys
from typing import Annotated, Any

import typer

from ganjobs.client import Client

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="GANJOBS_URL", help="Where the API is; http://127.0.0.1:8000 unless set."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
JobRef = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, the start of it, or `latest`.")]


def open_client(url: str | None) -> Client:
    """A client of the API at ``url``, or where the settings say it is."""
    if url is None:
        from models.settings import Settings

        url = Settings().resolved_url
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url!r} does not start with http:// or https://", param_hint="--url")
    return Client(url)


def write_json(data: Any) -> None:
    """Data for programs, on standard output. NaN and infinity travel as strings, as they do over HTTP."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
