"""``cancel``, ``pause``, ``resume``, ``retry`` and ``fork``: what one can ask of a job."""

import sys
from typing import Annotated, Any

import typer

from ganjobs import text
from ganjobs.commands.options import AsJson, Follow, JobRef, Url, open_client, refuse, write_json
from ganjobs.errors import ApiError
from ganjobs.jobref import resolve
from ganjobs.watch_client import WatchClient

HTTP_UNPROCESSABLE = 422
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the spec, as in `steps=4000`; repeatable."),
]
Step = Annotated[
    int | None, typer.Option("--step", min=1, help="Go on from the checkpoint of this step.", show_default="the newest")
]


def cancel(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Ask a job to stop. What it has recorded stays."""
    with open_client(url) as client:
        tell_state(client.cancel(resolve(client, job)), as_json)


def pause(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Ask a job to make a checkpoint and leave its worker to others, until it is resumed."""
    with open_client(url) as client:
        tell_state(client.pause(resolve(client, job)), as_json)


def resume(job: JobRef, url: Url = None, as_json: AsJson = False) -> None:
    """Put a paused job back into the queue."""
    with open_client(url) as client:
        tell_state(client.resume(resolve(client, job)), as_json)


def retry(job: JobRef, follow: Follow = False, url: Url = None, as_json: AsJson = False) -> None:
    """Submit a job that failed or was cancelled once more, from the beginning."""
    with open_client(url) as client:
        tell_new(client, client.retry(resolve(client, job)), follow, as_json)


def fork(
    job: JobRef,
    step: Step = None,
    changes: Changes = None,
    follow: Follow = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Go on from a job's checkpoint in a new job, its spec changed where the networks allow it."""
    from ganjobs.overrides import OverrideError, apply

    patch: dict[str, Any] = {}
    with open_client(url) as client:
        try:
            for change in changes or ():
                apply(patch, change)
            new = client.fork(resolve(client, job), patch, step)
        except OverrideError as error:
            refuse(error)
        except ApiError as error:
            if error.status != HTTP_UNPROCESSABLE:
                raise
            refuse(error)
        tell_new(client, new, follow, as_json)


def tell_state(job: dict[str, Any], as_json: bool) -> None:
    """Say where a job stands after a request."""
    if as_json:
        write_json(job)
    else:
        text.say(f"{job['id']} is {job['status']}")


def tell_new(client: WatchClient, job: dict[str, Any], follow: bool, as_json: bool) -> None:
    """Say that a job was submitted, and watch it where that is wanted."""
    if as_json and follow:
        sys.stdout.write(text.json_line(job))
    elif as_json:
        write_json(job)
    else:
        label = f" ({job['name']})" if job["name"] else ""
        origin = text.origin(job)
        text.say(f"submitted {job['id']}{label}{f': {origin}' if origin else ''}")
    if follow:
        from ganjobs.commands.watch import watch_to_the_end

        watch_to_the_end(client, job["id"], as_json)
