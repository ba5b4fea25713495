"""``demo``: a GAN trained on real digits through the whole stack, from nothing."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ganjobs import exitcodes, text
from ganjobs.commands.options import folder
from ganjobs.commands.serve import Verbose, with_port
from ganjobs.hints import EXAMPLES


def demo(
    spec: Annotated[
        Path, typer.Option("--spec", metavar="SPEC", help="The job to train.", show_default="examples/digits.yaml")
    ] = EXAMPLES / "digits.yaml",
    data_folder: Annotated[
        Path, typer.Option("--data-folder", metavar="FOLDER", parser=folder, help="Where everything is kept.")
    ] = Path("data/demo"),
    keep_serving: Annotated[
        bool, typer.Option("--keep-serving", help="Leave the service running until Ctrl-C.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Start the stack, train one job over HTTP, show what came of it, and stop the stack."""
    from ganjobs.commands.submit import checked_spec
    from models.settings import Settings

    body = checked_spec(spec, [])
    # A stack of its own, whatever database and Redis the environment names for the real one.
    settings = with_port(Settings(data_folder=data_folder, database_url=None, redis_url=None, host="127.0.0.1", port=0))
    raise typer.Exit(train_and_show(body, settings, keep_serving, verbose))


def train_and_show(body: dict[str, Any], settings: Any, keep_serving: bool, verbose: bool) -> int:
    """The demonstration on a stack of its own; returns the exit status that means how its job ended."""
    from ganjobs import demo as room
    from ganjobs.rest import Rest
    from ganjobs.stack.errors import StopRequested
    from ganjobs.stack.signals import stop_on_signals
    from ganjobs.stack.supervisor import Stack

    console = text.make_console()
    say = partial(text.say, console=console)
    status = exitcodes.INTERRUPTED
    with stop_on_signals() as stop:
        say(f"starting Redis, API, worker, reconciler and courier in {settings.resolved_data_folder} …")
        try:
            with Stack(settings, stop, say, verbose) as stack, Rest(settings.local_url) as client:
                stack.start()
                with stack.in_background():
                    job = room.train(client, body, console, stop.pause)
                    report = room.collect(client, job, settings)
                status = exitcodes.BY_STATUS[job["status"]]
                room.show(report, settings, console)
                say("", *room.how_to_go_on(settings, keep_serving))
                if keep_serving:
                    say("", f"serving {settings.local_url} until Ctrl-C")
                    stack.run()
        except StopRequested:
            say("stopped")
    return status
