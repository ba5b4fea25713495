"""The ``ganjobs`` command. Exit statuses are explained in ``ganjobs.exitcodes``."""

import os
import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from ganjobs import exitcodes, text
from ganjobs.commands import (
    actions,
    compare,
    doctor,
    export,
    files,
    health,
    jobs,
    records,
    server,
    submit,
    watch,
    webhooks,
)
from ganjobs.errors import ClientError

# What Typer's messages have from Pydantic.
PYDANTICS_WORD = "Value error, "
app = typer.Typer(
    name="ganjobs",
    help="Train GANs as jobs, and watch over them.",
    epilog=exitcodes.SUMMARY,
    no_args_is_help=True,
    # A failure that is not expected shows Python's own traceback: it belongs into a bug report.
    pretty_exceptions_enable=False,
)

COMMANDS = (
    submit.submit,
    submit.validate,
    jobs.jobs,
    jobs.show,
    watch.watch,
    compare.compare,
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
    doctor.doctor,
)
for name in server.NAMES:
    app.command(name, context_settings={} if server.is_installed() else server.ANY_WORDS)(server.command(name))
for command in COMMANDS:
    app.command()(command)
app.add_typer(webhooks.app, name="webhooks")


def main() -> NoReturn:
    """Run the command line; an expected failure is one line on standard error."""
    try:
        status = app(prog_name="ganjobs", standalone_mode=False)
    except typer.TyperException as error:  # of the command line's usage; it has no words where help was shown instead
        if message := error.format_message():
            fail(message.replace(PYDANTICS_WORD, ""), error.exit_code)
        sys.exit(error.exit_code)
    except ClientError as error:
        fail(f"{error}: {error.hint}" if error.hint else str(error), exitcodes.of_error(error))
    except ValidationError as error:  # of the settings: everything else is validated where it is read
        fail(text.first_error(error))
    except BrokenPipeError:  # who read what was written has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where Python flushes to at its end
        sys.exit(exitcodes.FAILURE)
    except OSError as error:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    sys.exit(status or exitcodes.OK)


def fail(message: str, status: int = exitcodes.FAILURE) -> NoReturn:
    """Say what went wrong and end."""
    sys.stderr.write(f"ganjobs: {' '.join(message.split())}\n")
    sys.exit(status)
