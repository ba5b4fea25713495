"""``demo``: a GAN trained on real digits through the whole stack, from nothing."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganjobs import exitcodes, text
from ganjobs.commands.options import folder, write_json
from ganjobs.commands.serve import Verbose, refusing, with_port
from ganjobs.hints import EXAMPLES

if TYPE_CHECKING:
    from ganjobs.demo import Report


def demo(
    spec: Annotated[
        Path, typer.Option("--spec", metavar="SPEC", help="The job to train.", show_default="examples/digits.yaml")
    ] = EXAMPLES / "digits.yaml",
    data_folder: Annotated[
        Path, typer.Option("--data-folder", metavar="FOLDER", parser=folder, help="Where everything is kept.")
    ] = Path("data/demo"),
    keep_serving: Annotated[
        bool | None,
        typer.Option(
            "--keep-serving/--stop",
            help="Serve the page of what came of it until Ctrl-C, or stop at once.",
            show_default="serve it where a terminal looks on",
        ),
    ] = None,
    verbose: Verbose = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the job and the paths of what it made as JSON; all else on stderr.")
    ] = False,
) -> None:
    """Start the stack, train one job over HTTP, show what came of it, and serve its page."""
    stays = sys.stdin.isatty() and sys.stdout.isatty() if keep_serving is None else keep_serving
    with refusing():
        from ganjobs.commands.submit import checked_spec
        from models.settings import Settings

        body = checked_spec(spec, [])
        # A stack of its own, whatever database and Redis the environment names for the real one.
        given: dict[str, Any] = {"data_folder": data_folder, "database_url": None, "redis_url": None}
        settings = with_port(Settings(**given, host="127.0.0.1", port=0))
        raise typer.Exit(train_and_show(body, settings, stays, verbose, as_json))


def train_and_show(body: dict[str, Any], settings: Any, keep_serving: bool, verbose: bool, as_json: bool) -> int:
    """The demonstration on a stack of its own; returns the exit status that means how its job ended."""
    from ganjobs import demo as room
    from ganjobs.stack.errors import StopRequested
    from ganjobs.stack.signals import stop_on_signals
    from ganjobs.stack.supervisor import Stack
    from ganjobs.watch_client import WatchClient

    console = text.make_console(stderr=as_json)
    say = partial(text.say, console=console)
    status = exitcodes.INTERRUPTED
    with stop_on_signals() as stop:
        say(f"starting Redis, API, worker, reconciler and courier in {settings.resolved_data_folder} …")
        try:
            with Stack(settings, stop, say, verbose) as stack, WatchClient(settings.local_url) as client:
                stack.start()
                with stack.in_background():
                    job = room.train(client, body, console, stop.pause)
                    report = room.collect(client, job, settings)
                status = exitcodes.BY_STATUS[job["status"]]
                room.show(report, settings, console)
                if as_json:
                    write_json(made(report))
                say("", *room.how_to_go_on(settings, keep_serving, job))
                if keep_serving:
                    say("", f"serving its page until Ctrl-C: {room.page_of(settings.local_url, job)}")
                    stack.run()
        except StopRequested:
            say("stopped")
    return status


def made(report: "Report") -> dict[str, Any]:
    """The job and the paths of what it made, for programs."""
    generator = str(report.generator) if report.generator else None
    return {"job": report.job, "samples": [str(path) for path in report.samples], "generator": generator}
