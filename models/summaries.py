"""Summaries of consecutive steps: what roll-ups hold and curves are drawn from. Arithmetic only, no database.

A summary never averages a spike or a NaN away: it keeps the extremes of each metric and counts what was not finite.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Summaries:
    """One entry per bucket, by step; b buckets of m metrics.

    Attributes:
        first_step, last_step, count: (b,) the steps it holds rows of, both ends included, and how many rows.
        minimum, maximum: (b, m) of the finite values; +inf and -inf where there are none.
        total: (b, m) sum of the finite values, in float64.
        last: (b, m) the value at ``last_step``, finite or not.
        non_finite: (b, m) how many values were NaN or infinite.
    """

    first_step: Integers
    last_step: Integers
    count: Integers
    minimum: Values
    maximum: Values
    total: npt.NDArray[np.float64]
    last: Values
    non_finite: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.count)

    @classmethod
    def of_rows(cls, steps: Integers, values: Values) -> Self:
        """Each row (steps (b,), values (b, m)) as a bucket of its own."""
        finite = np.isfinite(values)
        return cls(
            first_step=steps,
            last_step=steps,
            count=np.ones(len(steps), np.int64),
            minimum=np.where(finite, values, np.float32(np.inf)),
            maximum=np.where(finite, values, np.float32(-np.inf)),
            total=np.where(finite, values, np.float32(0)).astype(np.float64),
            last=values,
            non_finite=(~finite).astype(np.int32),
        )

    def merged(self, bucket: Integers) -> Self:
        """Neighbours that have the same number in ``bucket`` (b,), which must not fall, made one."""
        if not len(self):
            return self
        starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
        ends = np.append(starts[1:], len(bucket)) - 1
        return type(self)(
            first_step=self.first_step[starts],
            last_step=self.last_step[ends],
            count=np.add.reduceat(self.count, starts),
            minimum=np.minimum.reduceat(self.minimum, starts, axis=0),
            maximum=np.maximum.reduceat(self.maximum, starts, axis=0),
            total=np.add.reduceat(self.total, starts, axis=0),
            last=self.last[ends],
            non_finite=np.add.reduceat(self.non_finite, starts, axis=0),
        )

    def between(self, start: int, stop: int) -> Self:
        """The buckets from number ``start`` to before ``stop``."""
        return type(self)(**{field.name: getattr(self, field.name)[start:stop] for field in fields(self)})

    def select(self, columns: Sequence[int]) -> Self:
        """Only these metrics, in this order."""
        chosen = list(columns)
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**{name: each[:, chosen] if each.ndim == 2 else each for name, each in held.items()})

    def mean(self) -> npt.NDArray[np.float64]:
        """(b, m) mean of the finite values, NaN where there are none."""
        finite = self.count[:, None] - self.non_finite
        mean = np.full(self.total.shape, np.nan)
        np.divide(self.total, finite, out=mean, where=finite > 0)
        return mean


def empty(metrics: int) -> Summaries:
    """No bucket, of so many metrics."""
    return Summaries.of_rows(np.empty(0, np.int64), np.empty((0, metrics), np.float32))


def joined(parts: Sequence[Summaries]) -> Summaries:
    """The buckets of ``parts``, one after the other. Needs at least one part."""
    columns: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Summaries)
    }
    return Summaries(**columns)


def bucket_of(step: Any, width: int) -> Any:
    """The number of the bucket that a step (or an array of them) falls into: steps 1 to ``width`` are in bucket 0."""
    return (step - 1) // width
