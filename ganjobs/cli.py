"""The ``ganjobs`` command. Exit statuses are explained in ``ganjobs.exitcodes``."""

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from ganjobs import exitcodes
from ganjobs.commands import actions, demo, export, files, health, jobs, records, serve, submit, watch, webhooks
from ganjobs.errors import ClientError
from ganjobs.stack.errors import StackError

app = typer.Typer(
    name="ganjobs",
    help="Train GANs as jobs, and watch over them.",
    epilog="Exit status: 0 done or succeeded, 1 failed, 2 wrong usage or spec, 3 cancelled, 4 paused, 130 Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    # A failure that is not expected shows Python's own traceback: it belongs into a bug report.
    pretty_exceptions_enable=False,
)

COMMANDS = (
    serve.serve,
    demo.demo,
    submit.submit,
    submit.validate,
    jobs.jobs,
    jobs.show,
    watch.watch,
    health.health,
    records.logs,
    records.events,
    records.evaluations,
    files.samples,
    files.checkpoints,
    files.generator,
    export.export,
    actions.cancel,
    actions.pause,
    actions.resume,
    actions.retry,
    actions.fork,
    jobs.delete,
    records.workers,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(webhooks.app, name="webhooks")


def main() -> NoReturn:
    """Run the command line; an expected failure is one line on standard error."""
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as error:  # of the command line's usage; it has no words where help was shown instead
        if message := error.format_message():
            fail(message, error.exit_code)
        sys.exit(error.exit_code)
    except (ClientError, StackError) as error:
        fail(str(error))
    except ValidationError as error:  # of the settings: everything else is validated where it is read
        first = error.errors()[0]
        names = (name if name.isupper() else f"GANJOBS_{name.upper()}" for name in map(str, first["loc"][:1]))
        fail(": ".join((*names, first["msg"])))
    except OSError as error:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    sys.exit(status or exitcodes.OK)


def fail(message: str, status: int = exitcodes.FAILURE) -> NoReturn:
    """Say what went wrong and end."""
    # Pydantic puts its own word before ours.
    sys.stderr.write(f"ganjobs: {' '.join(message.replace('Value error, ', '').split())}\n")
    sys.exit(status)
