"""The numbers of a generator of points, where the density of the real ones is known."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.spec import JobSpec
from worker.gan.data import GaussianMixture
from worker.gan.evaluate.divergences import binned_jensen_shannon, optimal_discriminator, optimal_discriminator_gap
from worker.gan.evaluate.games import Generate, Judge
from worker.gan.evaluate.lattice import Lattice, occurrences
from worker.gan.evaluate.mixtures import mode_agreement, mode_coverage

# Points to count in cells; the first of them are those among which modes are sought, and that D is asked about.
COUNTED = 50_000
LOOKED_AT = 2500

GAP = "optimal_discriminator_gap"


class PointEvaluation:
    """Compares generated points with a mixture, and D with the best that could be done against them."""

    def __init__(self, spec: JobSpec, mixture: GaussianMixture) -> None:
        real, labels = mixture.labelled(2 * COUNTED)
        self._mixture = mixture
        narrowest = math.sqrt(float(torch.linalg.eigvalsh(mixture.covariances).min()))
        self._lattice = Lattice.over(real[:COUNTED], narrowest)
        self._real_cells = self._lattice.cells(real[:COUNTED])
        self._bias = binned_jensen_shannon(self._real_cells, self._lattice.cells(real[COUNTED:]))
        self._real = real[:LOOKED_AT]
        self._is_conditional = spec.conditional is not None
        self._labels = labels[:LOOKED_AT] if self._is_conditional and labels is not None else None
        # A discriminator that is told the class tells apart other distributions than those of the points alone.
        is_told = spec.conditional is not None and spec.conditional.kind == "projection"
        self._can_compare_judges = spec.loss_facts.logit_is_probability and not is_told

    def evaluate(self, generate: Generate, judge: Judge | None) -> dict[str, float]:
        """By the names of ``catalogue.EVALUATIONS``. If a generated point is not finite, all that it enters is NaN."""
        points, labels = generate(COUNTED)
        judge = judge if self._can_compare_judges else None
        values = {"jensen_shannon_bias": self._bias}
        if not points.isfinite().all():
            return values | dict.fromkeys(self.names + ([GAP] if judge is not None else []), math.nan)
        values |= self._of_points(points, labels)
        if judge is not None:
            values[GAP] = self._gap(judge, points, labels)
        return values

    @property
    def names(self) -> list[str]:
        """What every evaluation holds of generated points."""
        names = ["modes_covered", "high_quality_share", "reverse_kl", "jensen_shannon_divergence"]
        return names + (["label_agreement"] if self._is_conditional else [])

    def _of_points(self, points: Tensor, labels: Tensor | None) -> dict[str, float]:
        distances = self._mixture.distances(points[:LOOKED_AT])
        coverage = mode_coverage(distances, self._mixture.weights)
        values = {
            "modes_covered": float(coverage.modes_covered),
            "high_quality_share": coverage.high_quality_share,
            "reverse_kl": coverage.reverse_kl,
            "jensen_shannon_divergence": binned_jensen_shannon(self._real_cells, self._lattice.cells(points)),
        }
        return values if labels is None else values | {"label_agreement": mode_agreement(distances, labels[:LOOKED_AT])}

    def _gap(self, judge: Judge, points: Tensor, labels: Tensor | None) -> float:
        """How far D is from D*, on the first of the generated ``points`` and on as many real ones."""
        fake, fake_labels = points[:LOOKED_AT], None if labels is None else labels[:LOOKED_AT]
        generated = self._lattice.cells(points)
        return optimal_discriminator_gap(
            judge(self._real, self._labels),
            judge(fake, fake_labels),
            self._optimum(self._real_cells[:LOOKED_AT], generated),
            self._optimum(generated[:LOOKED_AT], generated),
        )

    def _optimum(self, cells: Tensor, generated: Tensor) -> Tensor:
        """D* in ``cells`` (count,), from the real data's exact share of each and from how many of the ``generated``
        points are in it: what the one loses by being spread over a cell, the other loses too."""
        found, places = torch.unique(cells, return_inverse=True)
        real = self._lattice.log_masses(found, self._mixture.log_density)[places]
        fake = (occurrences(cells, generated).double() / len(generated)).log()
        return optimal_discriminator(real, fake)
