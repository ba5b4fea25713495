"""Cells laid over the plane, in which points are counted and a known density has an exact mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from worker.gan.evaluate.divergences import LogDensity

# Along a side: fewer would hide the shape of one broad Gaussian, more would leave cells with too few points to count.
FEWEST_CELLS, MOST_CELLS = 32, 512
# Gauss-Legendre nodes along a side of a cell: exact to degree 5.
NODES = 3


@dataclass(frozen=True)
class Lattice:
    """``counts`` (d,) cells of ``sides`` (d,) from ``low`` (d,) on, and a frame of one more cell all around, in which
    everything farther out is counted too."""

    low: Tensor
    sides: Tensor
    counts: tuple[int, ...]

    @classmethod
    def over(cls, points: Tensor, finest: float) -> Lattice:
        """Over the range of ``points`` (count, d), with cells about ``finest`` wide."""
        low, high = points.double().min(dim=0).values, points.double().max(dim=0).values
        # Where all points have a coordinate in common, there is still a cell for them to be in.
        spans = (high - low).where(high > low, finest)
        counts = (spans / finest).ceil().clamp(FEWEST_CELLS, MOST_CELLS)
        return cls(low, spans / counts, tuple(int(count) for count in counts))

    def cells(self, points: Tensor) -> Tensor:
        """The number of the cell that each point (count, d) is in: int64 (count,)."""
        places = ((points.double() - self.low) / self.sides).floor() + 1
        # Clipped while they are floats: a diverged generator's coordinates may be beyond any integer.
        inside = places.clamp(min=torch.tensor(0), max=torch.tensor(self.counts) + 1)
        return (inside.long() * self._strides()).sum(dim=1)

    def log_masses(self, cells: Tensor, log_density: LogDensity) -> Tensor:
        """log of the probability that is in each of ``cells`` (count,): (count,), in nats, by Gauss-Legendre quadrature
        of a density. A cell of the frame is taken as it is drawn, without what lies beyond."""
        positions, weights = self._nodes()
        points = (self._corners(cells)[:, None] + positions).flatten(0, 1)
        densities = log_density(points).view(len(cells), len(weights))
        return (densities + weights.log()).logsumexp(dim=1)

    def _strides(self) -> Tensor:
        """By how much a cell's number grows from one to the next along each dimension."""
        sizes = [count + 2 for count in self.counts]
        return torch.tensor([int(np.prod(sizes[axis + 1 :], dtype=np.int64)) for axis in range(len(sizes))])

    def _corners(self, cells: Tensor) -> Tensor:
        """The lowest corner of each cell: (count, d)."""
        places = torch.stack(torch.unravel_index(cells, tuple(count + 2 for count in self.counts)), dim=1)
        return self.low + (places - 1) * self.sides

    def _nodes(self) -> tuple[Tensor, Tensor]:
        """Where in a cell its nodes are (nodes, d), and what each weighs (nodes,), adding up to the cell's volume."""
        nodes, weights = (torch.from_numpy(values) for values in np.polynomial.legendre.leggauss(NODES))
        positions = torch.cartesian_prod(*[side * (nodes + 1) / 2 for side in self.sides])
        volumes = torch.cartesian_prod(*[side * weights / 2 for side in self.sides])
        return positions.view(-1, len(self.sides)), volumes.view(-1, len(self.sides)).prod(dim=1)


def occurrences(wanted: Tensor, among: Tensor) -> Tensor:
    """How often each number of ``wanted`` (count,) is found ``among`` others."""
    ordered = among.sort().values
    return torch.searchsorted(ordered, wanted, right=True) - torch.searchsorted(ordered, wanted)
