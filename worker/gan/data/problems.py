"""What can be wrong with data, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_TEXT = 200
NAMED_IN_A_LINE = 3
# How the reason begins where an example has no class though labels are asked for.
NO_CLASS = "no class"


@dataclass(frozen=True)
class Problem:
    """An example that was left out: the ``name`` of its file or row, and the ``reason``."""

    name: str
    reason: str


class DataUnusable(Exception):
    """The data cannot serve the spec: ``field`` is the dotted path of the part of the spec to look at, ``message`` is
    one line with what was found and the limit."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = one_line(message, longest=1000)
        super().__init__(f"{field}: {self.message}")


def one_line(text: object, longest: int = LONGEST_TEXT) -> str:
    """Text from a file or a library as it can be logged and stored: nothing invisible, on one line, not too long."""
    visible = "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in " ".join(str(text).split())
    )
    return visible if len(visible) <= longest else f"{visible[: longest - 1]}…"


def summary(problems: Sequence[Problem]) -> str:
    """The first few problems: "a.png (truncated), b.gif (animated: 3 frames), and 4 more"."""
    named = [f"{problem.name} ({problem.reason})" for problem in problems[:NAMED_IN_A_LINE]]
    more = len(problems) - len(named)
    return ", ".join(named) + (f", and {more:,} more" if more else "")
