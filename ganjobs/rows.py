"""Rows of metrics as the client hands them on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass
class MetricRows:
    """Rows of metrics by column: ``columns[name][i]`` belongs to ``steps[i]``; ``None`` where it was not recorded.

    ``next_step`` is the ``from_step`` to go on with.
    """

    steps: list[int]
    columns: dict[str, list[float | None]]
    next_step: int

    def extend(self, columns: Mapping[str, Sequence[float | str | None]], next_step: int) -> None:
        """Add the rows that follow, as the API sends them."""
        for name, values in columns.items():
            if name == "step":
                self.steps.extend(int(step) for step in values if step is not None)
            else:
                self.columns.setdefault(name, []).extend(map(_number, values))
        self.next_step = next_step

    def finite(self, name: str) -> list[float]:
        """The values of a column that are finite numbers."""
        return [value for value in self.columns.get(name, []) if value is not None and math.isfinite(value)]


def _number(value: float | str | None) -> float | None:
    return NOT_FINITE[value] if isinstance(value, str) else value
