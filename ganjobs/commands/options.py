"""Options and arguments that several commands share."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import httpx
import typer

from ganjobs import exitcodes, text
from ganjobs.address import shown
from ganjobs.completion import complete_job
from ganjobs.rest import Rest
from ganjobs.watch_client import WatchClient

AnyClient = TypeVar("AnyClient", bound=Rest)
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="GANJOBS_URL", help="Where the API is; a service on this machine unless set."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
JOB_HELP = "A job's id, the start of it, or `latest`."
JobRef = Annotated[str, typer.Argument(metavar="JOB", help=JOB_HELP, autocompletion=complete_job)]


class Badness(StrEnum):
    """The severities that something can be done about; Typer takes no part of an enumeration."""

    CAUTION = "caution"
    ALARM = "alarm"


FailOn = Annotated[
    Badness | None,
    typer.Option(
        "--fail-on", help="End as soon as a verdict is as bad as this: status 6 for a caution, 7 for an alarm."
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Watch the job until it ends.")]


def refuse(error: Exception) -> NoReturn:
    """End the command over a wrong spec or a wrong change to one."""
    text.say(f"ganjobs: {error}", console=text.make_console(stderr=True))
    raise typer.Exit(exitcodes.USAGE) from error


def folder(written: str | Path) -> Path:
    """A folder named on the command line, or the default. An empty name, as of a variable that is not set, is none."""
    if isinstance(written, str) and not written.strip():
        raise typer.BadParameter("a folder needs a name")
    return Path(written)


def open_client(url: str | None) -> WatchClient:
    """A client of the API at ``url``, or where a service on this machine says it is."""
    return open_as(WatchClient, url)


def open_as(kind: type[AnyClient], url: str | None) -> AnyClient:
    """``open_client`` for a client that can do more."""
    if url is None:
        from ganjobs.address import find

        url = find()
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{shown(url)!r} does not start with http:// or https://", param_hint="--url")
    try:
        return kind(url)
    except httpx.InvalidURL as error:
        raise typer.BadParameter(f"{shown(url)!r} is no URL ({error})", param_hint="--url") from error


def write_json(data: Any) -> None:
    """Data for programs, on standard output. NaN and infinity travel as strings, as they do over HTTP."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_line(data: Any) -> None:
    """Data for programs that read line by line, at once."""
    sys.stdout.write(text.json_line(data))
    sys.stdout.flush()


def tell_deleted(what: str, as_json: bool) -> None:
    """Say that something is gone."""
    if as_json:
        write_json({"id": what, "deleted": True})
    else:
        text.say(f"deleted {what}")


def tell_path(job_id: str, path: Path, as_json: bool) -> None:
    """Say where a file of a job is now."""
    if as_json:
        write_json({"job_id": job_id, "path": str(path)})
    else:
        text.say(str(path))
