"""What the rules of the diagnosis look at, and the form of what they find."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from models.verdicts import Verdict

# Assessments that are kept; those over which progress is looked for.
HISTORY = 12
PROGRESS = 4
# One assessment's signals by name, as JSON can hold them; those that were not measured, or are no number, are None.
Record = dict[str, Any]


@dataclass(frozen=True)
class Sign:
    """One signal beside its ``threshold``, beyond which it speaks for a verdict: ``above`` says on which side that is.
    Without a threshold it is only shown. ``window`` counts assessments."""

    signal: str
    value: float
    threshold: float | None
    above: bool = True
    reference: float | None = None
    window: int = 1

    @property
    def holds(self) -> bool:
        if self.threshold is None:
            return True
        return self.value > self.threshold if self.above else self.value < self.threshold

    @property
    def margin(self) -> float:
        """How far beyond its threshold the value is: 0 at it, 1 at twice (or half) of it, or half-way to where it can
        get no further. For shares between 0 and 1 the way left counts, for others the ratio."""
        if self.threshold is None:
            return 1.0
        near, far = (self.threshold, self.value) if self.above else (self.value, self.threshold)
        if self.above and 0 < near < 1 and far <= 1:
            return max(0.0, min(1.0, 2 * (far - near) / (1 - near)))
        return max(0.0, min(1.0, far / near - 1)) if near > 0 else 1.0


Signs = tuple[Sign, ...]


def all_hold(signs: Signs) -> bool:
    return all(sign.holds for sign in signs)


@dataclass(frozen=True)
class Finding:
    """What a rule has looked at, and the verdict that it speaks for if all of it ``holds``."""

    verdict: Verdict
    signs: Signs

    @property
    def holds(self) -> bool:
        return all_hold(self.signs)


@dataclass(frozen=True)
class View:
    """The last assessments of a run, newest last, and what it was like before.

    Attributes:
        records: the last ``HISTORY`` assessments.
        older_best: the smallest distance to the data before the last ``PROGRESS`` assessments.
    """

    records: Sequence[Record]
    older_best: float | None

    def last(self, name: str) -> float | None:
        value: float | None = self.records[-1].get(name)
        return value

    def lately(self, name: str, count: int) -> list[float]:
        """The values that a signal had in the last ``count`` assessments; those that had none are left out."""
        return [value for record in self.records[-count:] if (value := record.get(name)) is not None]

    def typical(self, name: str, count: int) -> float | None:
        """Their median, which one odd assessment does not move."""
        values = self.lately(name, count)
        return median(values) if values else None

    @property
    def progress(self) -> float:
        """By how much of it the best distance to the data (of medians of three: a hop in passing is none) has shrunk
        lately; 1 where there is nothing to compare with yet."""
        lately = self.lately("smooth_distance", PROGRESS)
        if self.older_best is None or not lately:
            return 1.0
        return max(0.0, 1 - min(lately) / self.older_best) if self.older_best > 0 else 0.0

    @property
    def distance_over_floor(self) -> float | None:
        """The typical distance to the data over what as many real examples have by chance."""
        distance, floor = self.typical("distance", 3), self.last("distance_floor")
        return distance / floor if distance is not None and floor else None
