"""``watch``: a job's progress as it happens."""

import typer

from ganjobs import exitcodes, text
from ganjobs.commands.options import JobRef, Url, open_client
from ganjobs.errors import ApiError, ApiUnreachable, ClientError
from ganjobs.jobref import resolve
from ganjobs.reading import reading
from ganjobs.rest import Rest

FIRST_SERVER_ERROR = 500


def watch(job: JobRef, url: Url = None) -> None:
    """Show a job's progress until it ends or is paused. Exit status: 0 succeeded, 1 failed, 3 cancelled, 4 paused,
    130 Ctrl-C."""
    with open_client(url) as client:
        watch_to_the_end(client, resolve(client, job))


def watch_to_the_end(client: Rest, job_id: str) -> None:
    """Follow a job, say how it ended and how its health is, and end the command with the status that means it."""
    from ganjobs.watch import follow, make_display, worth

    console = text.make_console()
    try:
        job = follow(client, job_id, make_display(console))
        health = client.health(job_id)
    except (ApiUnreachable, ApiError) as error:
        if isinstance(error, ApiError) and error.status < FIRST_SERVER_ERROR:
            raise
        raise ClientError(f"{error}; the job is safe: follow it again with `ganjobs watch {job_id}`") from error
    except KeyboardInterrupt:
        again = f"stopped watching; the job goes on: `ganjobs watch {job_id}`, `ganjobs cancel {job_id}`"
        text.say(again, console=text.make_console(stderr=True))
        raise typer.Exit(exitcodes.INTERRUPTED) from None
    text.say(ending(job), *worth(job), *(reading(health) if job["step"] else ()), console=console)
    raise typer.Exit(exitcodes.BY_STATUS[job["status"]])


def ending(job: dict[str, object]) -> str:
    """How a job ended, or how a paused one goes on, on one line."""
    error = job.get("error")
    reason = error.get("message") if isinstance(error, dict) else job.get("status_reason")
    said = f"{job['id']} {job['status']} at step {job['step']} of {job['steps']}"
    if job["status"] == "paused":
        return f"{said}: go on with `ganjobs resume {job['id']}`"
    return said if job["status"] == "succeeded" or not reason else f"{said}: {reason}"
