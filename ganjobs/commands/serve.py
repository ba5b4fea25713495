"""``serve``: the whole service on this machine."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ganjobs import text
from ganjobs.commands.options import folder

DataFolder = Annotated[
    Path | None,
    typer.Option("--data-folder", metavar="FOLDER", parser=folder, help="Database, Redis files, checkpoints, logs."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also show the processes' logs here.")]


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address the API listens on.")] = None,
    data_folder: DataFolder = None,
    slots: Annotated[int | None, typer.Option(min=1, max=64, help="Jobs trained at once.")] = None,
    verbose: Verbose = False,
) -> None:
    """Start Redis, the API, a worker, the reconciler and the courier; Ctrl-C stops them all (twice: at once)."""
    from ganjobs.stack.errors import StopRequested
    from ganjobs.stack.signals import stop_on_signals
    from ganjobs.stack.supervisor import Stack
    from models.settings import Settings

    given = {"port": port, "host": host, "data_folder": data_folder, "worker_slots": slots}
    settings = with_port(Settings(**{name: value for name, value in given.items() if value is not None}))  # type: ignore[arg-type]
    say = partial(text.say, console=text.make_console())
    with stop_on_signals() as stop:
        say(f"starting ganjobs in {settings.resolved_data_folder} …")
        try:
            with Stack(settings, stop, say, verbose) as stack:
                try:
                    stack.start()
                    say(*start_screen(settings))
                    stack.run()
                except StopRequested:
                    say("stopping: the worker puts its jobs back first (Ctrl-C again: at once)")
        except StopRequested:
            pass  # while it waited for an earlier stack to end: nothing has been started
    say("stopped")


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
        f"  API        {url}",
        f"  docs       {url}/docs",
        f"  data       {settings.resolved_data_folder}",
        f"  logs       {settings.resolved_data_folder / 'logs'}",
        f"  submit     {command('submit', EXAMPLES / 'ring.yaml', '--follow', '--url', url)}",
        "",
        "  ready; Ctrl-C stops everything",
        "",
    ]
