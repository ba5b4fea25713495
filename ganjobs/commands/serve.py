"""``serve``: the whole service on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ganjobs import text
from ganjobs.commands.options import folder, write_line
from ganjobs.errors import ClientError

DataFolder = Annotated[
    Path | None,
    typer.Option("--data-folder", metavar="FOLDER", parser=folder, help="Database, Redis files, checkpoints, logs."),
]
ReadyAsJson = Annotated[
    bool, typer.Option("--json", help="Write a line of JSON when it is ready; all else goes to stderr.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also show the processes' logs here.")]


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address the API listens on.")] = None,
    data_folder: DataFolder = None,
    slots: Annotated[int | None, typer.Option(min=1, max=64, help="Jobs trained at once.")] = None,
    verbose: Verbose = False,
    as_json: ReadyAsJson = False,
) -> None:
    """Start Redis, the API, a worker, the reconciler and the courier; Ctrl-C stops them all (twice: at once)."""
    given = {"port": port, "host": host, "data_folder": data_folder, "worker_slots": slots}
    with refusing():
        run_stack({name: value for name, value in given.items() if value is not None}, verbose, as_json)


@contextmanager
def refusing() -> Iterator[None]:
    """A stack that cannot start or go on ends the command with one line."""
    from ganjobs.stack.errors import StackError

    try:
        yield
    except StackError as error:
        raise ClientError(str(error)) from error


def run_stack(given: dict[str, Any], verbose: bool, as_json: bool) -> None:
    """The whole service, until somebody asks to stop."""
    from ganjobs.stack.errors import StopRequested
    from ganjobs.stack.signals import stop_on_signals
    from ganjobs.stack.supervisor import Stack
    from models.settings import Settings

    settings = with_port(Settings(**given))
    say = partial(text.say, console=text.make_console(stderr=as_json))
    with stop_on_signals() as stop:
        say(f"starting ganjobs in {settings.resolved_data_folder} …")
        try:
            with Stack(settings, stop, say, verbose) as stack:
                try:
                    stack.start()
                    say(*start_screen(settings))
                    if as_json:
                        write_line(ready(settings))
                    stack.run()
                except StopRequested:
                    say("stopping: the worker puts its jobs back first (Ctrl-C again: at once)")
        except StopRequested:
            pass  # while it waited for an earlier stack to end: nothing has been started
    say("stopped")


def ready(settings: Any) -> dict[str, Any]:
    """Where the service is, for programs."""
    return {"url": settings.local_url, "data_folder": str(settings.resolved_data_folder), "pid": os.getpid()}


def with_port(settings: Any) -> Any:
    """The settings with a free port in place of port 0."""
    from ganjobs.stack.preflight import free_port

    return settings.model_copy(update={"port": settings.port or free_port(settings.host)})


def start_screen(settings: Any) -> list[str]:
    """What to know once the service is up."""
    from ganjobs.hints import EXAMPLES, command

    url = settings.local_url
    return [
        "",
        f"  page       {url}",
        f"  API        {url}/docs",
        f"  data       {settings.resolved_data_folder}",
        f"  logs       {settings.resolved_data_folder / 'logs'}",
        f"  submit     {command('submit', EXAMPLES / 'ring.yaml', '--follow', '--url', url)}",
        "",
        "  ready; Ctrl-C stops everything",
        "",
    ]
