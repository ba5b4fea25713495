"""What can stop the stack, each with a message of one line that says what to do."""


class StackError(Exception):
    """The stack cannot start or go on."""


class StopRequested(Exception):
    """Ctrl-C or SIGTERM arrived."""
