"""What really became of a run: a label, and the step from which on it held, from facts that no assessment sees.

The labels, in the order in which they are tried; ``covered`` is the part of the cells that hold at least a tenth of
their due of what is as near as real data are, ``reached`` the same of all that is made, by the nearest cell:

- ``diverging``: a loss was no number, or what is made has left the data for good: over the last quarter it always lies
  beside them (``Seen.off``), farther off than untrained noise.
- ``oscillating``: over the last half, what is made moves from cell to cell: half of the looks find at least
  ``MOVED_SHARE`` of it in another cell than the look before, and the data moved by ``MOVED_FAR`` spreads of the data.
- ``vanishing``: from the onset on the generator hardly moves and comes no nearer, far from the data. Either the
  discriminator tells fresh data apart as good as always, and next to nothing of what is made is as near as real data,
  or the generator is as it was untrained.
- ``collapsed``: over the last quarter at most half of the cells are covered, and few more are reached or all of it is
  within a small part of the data's spread.
- ``good``: in the end nearly all cells are covered, at a small distance and with the data's spread.
- ``between``: none of these. It is counted, and judges nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.health_yardstick import Array, Seen
from models.spec import JobSpec

Kind = Literal["good", "collapsed", "vanishing", "diverging", "oscillating", "between"]
KINDS: tuple[Kind, ...] = ("good", "collapsed", "vanishing", "diverging", "oscillating")
FAILURES = KINDS[1:]

# A cell is covered from this part of its due on, as the evaluations have it (worker/gan/evaluate/classes.py).
DUE_PART = 10
# Parts of the run: what counts as its end, and before which no onset is: the time that good runs of ours have taken to
# leave the first blob behind, see ``blob_share``.
END, LAST_QUARTER, LAST_HALF = 0.1, 0.25, 0.5
BLOB_SHARE, LATE_ONES = 0.1, 0.9

MOVED_SHARE, MOVED_FAR = 0.3, 0.4
LEARNED, MOVES_HARDLY, FAR = 0.15, 0.03, 0.3
TOLD_APART, NONE_NEAR = 0.97, 0.1
HALF, MOST_REACHED, SMALL_SPREAD = 0.5, 0.6, 0.15
# Of the looks at a part of the run, how many must agree.
NEARLY_ALL = 0.9
GOOD_COVERED, GOOD_DISTANCE, GOOD_NEAR, GOOD_SPREAD = 0.9, 0.25, 0.1, (0.6, 1.6)


@dataclass(frozen=True)
class Facts:
    """Of the looks at one run, the first at the untrained generator: each field of ``Seen`` with the looks first.
    ``weights`` (cells,) is the due of each cell; ``failed_at`` the step of a loss that was no number; ``begins`` the
    step after which the generator trains, which may be held fixed until then."""

    total_steps: int
    begins: int
    step: npt.NDArray[np.int64]
    shares: Array
    near: Array
    distance: Array
    off: Array
    spread: Array
    moved: Array
    accuracy: Array
    weights: Array
    failed_at: int | None = None

    @classmethod
    def of(cls, spec: JobSpec, seen: Sequence[Seen], weights: Array, failed_at: int | None) -> "Facts":
        columns = {name: np.array([getattr(each, name) for each in seen]) for name in vars(seen[0])}
        judge = spec.discriminator
        begins = judge.pretrain_steps if not judge.pretrain_after else 0
        return cls(spec.steps, begins, weights=weights, failed_at=failed_at, **columns)

    def save(self, path: Path) -> None:
        columns = {name: value for name, value in vars(self).items() if name != "failed_at"}
        np.savez(path, failed_at=-1 if self.failed_at is None else self.failed_at, **columns)

    @classmethod
    def load(cls, path: Path) -> "Facts":
        with np.load(path) as kept:
            columns = dict(kept)
        total, begins, failed_at = (int(columns.pop(name)) for name in ("total_steps", "begins", "failed_at"))
        return cls(total, begins, failed_at=None if failed_at < 0 else failed_at, **columns)

    @property
    def covered(self) -> Array:
        """Part of the cells (looks,) that are covered."""
        return _part(self.near, self.weights)

    @property
    def reached(self) -> Array:
        return _part(self.shares, self.weights)

    @property
    def turned_over(self) -> Array:
        """Total variation (looks,) between the cells' shares at a look and at the one before; 0 at the first."""
        return np.concatenate([[0.0], np.abs(np.diff(self.shares, axis=0)).sum(1) / 2])

    def since(self, part: float) -> npt.NDArray[np.bool_]:
        """Which looks (looks,) are in the last ``part`` of the run."""
        mask: npt.NDArray[np.bool_] = self.step > (1 - part) * self.total_steps
        return mask


def _part(shares: Array, weights: Array) -> Array:
    covered: Array = ((shares > 0) & (DUE_PART * shares >= weights)).mean(axis=1)
    return covered


@dataclass(frozen=True)
class Truth:
    """``onset`` is the first step from which on the label held to the end; ``None`` where there is nothing to hold."""

    kind: Kind
    onset: int | None = None


def truth_of(facts: Facts, blob_share: float = BLOB_SHARE) -> Truth:
    """The label of a run. No onset is before the generator has trained for ``blob_share`` of the run's steps, but that
    of a loss that is no number."""
    for kind, holds in (
        ("diverging", _left_for_good(facts)),
        ("oscillating", _turning_over(facts)),
        ("vanishing", _standing_still(facts)),
        ("collapsed", _few_cells(facts)),
    ):
        if holds is not None:
            first = _first_to_the_end(holds)
            onset = max(int(facts.step[first]), facts.begins + round(blob_share * facts.total_steps))
            if facts.failed_at is not None:
                onset = min(onset, facts.failed_at)
            return Truth(kind, onset)  # type: ignore[arg-type]
    if facts.failed_at is not None:
        return Truth("diverging", facts.failed_at)
    return Truth("good" if _is_good(facts) else "between")


def blob_share(good: Sequence[Facts]) -> float:
    """The part of their steps after which nine in ten of these good runs have come out of the first blob: cover nearly
    all there is. Before it, nobody can tell that one of them is not a late one. ``BLOB_SHARE`` where there are none."""
    out = [facts.step[int(np.argmax(facts.covered >= GOOD_COVERED))] / facts.total_steps for facts in good]
    return float(np.quantile(out, LATE_ONES, method="higher")) if out else BLOB_SHARE


def _first_to_the_end(holds: npt.NDArray[np.bool_]) -> int:
    """Number of the first look from which on it held; the last one where it does not hold there."""
    failing = np.flatnonzero(~holds)
    return min(int(failing[-1]) + 1 if len(failing) else 0, len(holds) - 1)


def _steady(holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What two of three looks side by side say: one alone is no end of it."""
    return np.convolve(np.pad(holds, 1, mode="edge"), np.ones(3), mode="valid") >= 2


def _left_for_good(facts: Facts) -> npt.NDArray[np.bool_] | None:
    off = ~np.isfinite(facts.off) | (facts.off > max(1.0, facts.off[0]))
    late = facts.since(LAST_QUARTER)
    return off if late.any() and off[late].all() else None


def _turning_over(facts: Facts) -> npt.NDArray[np.bool_] | None:
    turning = (facts.turned_over >= MOVED_SHARE) & (facts.moved >= MOVED_FAR)
    late = facts.since(LAST_HALF)
    if facts.failed_at is not None or not late.any() or turning[late].mean() < HALF:
        return None
    # One look that finds it where it was before is no end of it: three in a row are.
    return np.convolve(turning, np.ones(3), mode="same") > 0


def _standing_still(facts: Facts) -> npt.NDArray[np.bool_] | None:
    end = facts.since(END)
    if facts.failed_at is not None or not end.any():
        return None
    last = float(np.median(facts.distance[end]))
    still = (np.abs(facts.distance - last) <= LEARNED * last) & ((facts.moved <= MOVES_HARDLY) | (facts.step == 0))
    if last < FAR or still[facts.since(LAST_HALF)].mean() < NEARLY_ALL:
        return None
    as_untrained = abs(last - facts.distance[0]) <= LEARNED * last
    as_untrained &= abs(float(np.median(facts.spread[end])) - facts.spread[0]) <= LEARNED
    won = np.median(facts.accuracy[end]) >= TOLD_APART and np.median(facts.near[end].sum(1)) < NONE_NEAR
    return _steady(still) if won or as_untrained else None


def _few_cells(facts: Facts) -> npt.NDArray[np.bool_] | None:
    few = (facts.covered <= HALF) & ((facts.reached <= MOST_REACHED) | (facts.spread <= SMALL_SPREAD))
    late = facts.since(LAST_QUARTER)
    return _steady(few) if facts.failed_at is None and late.any() and few[late].mean() >= NEARLY_ALL else None


def _is_good(facts: Facts) -> bool:
    end = facts.since(END)
    if not end.any():  # it ended early
        return False
    covered, distance, near, spread = (
        float(np.median(values[end])) for values in (facts.covered, facts.distance, facts.near.sum(1), facts.spread)
    )
    low, high = GOOD_SPREAD
    return covered >= GOOD_COVERED and distance <= GOOD_DISTANCE and near >= GOOD_NEAR and low <= spread <= high
