"""The numbers of a generator of images, by distances from real ones, of pixels and of features."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from models.spec import JobSpec
from worker.gan.data import DataFolders, Dataset
from worker.gan.evaluate.classes import class_shares, classes_covered, label_agreement
from worker.gan.evaluate.classifier import Classifier, classifier_of
from worker.gan.evaluate.distances import (
    Gaussian,
    frechet_distance,
    kernel_distance,
    project,
    random_directions,
    sliced_wasserstein,
)
from worker.gan.evaluate.features import Extractor
from worker.gan.evaluate.games import Generate, Judge
from worker.gan.evaluate.inception import inception
from worker.gan.evaluate.neighbours import NEIGHBOURS, Manifold, precision_and_recall

# Generated images, and at most as many real ones.
LOOKED_AT = 2500
DIRECTIONS = 128
# Of the directions: always the same, so that evaluations of different runs compare.
SEED = 0
# What a classifier is trained on at most: images, and pixel values (512 MiB).
MOST_EXAMPLES, MOST_VALUES = 20_000, 2**27


class FeatureComparison:
    """Compares features of generated images with those of ``real`` ones (count, *shape), which are kept."""

    def __init__(self, extractor: Extractor, real: Tensor) -> None:
        self.extractor = extractor
        self._features = extractor.features(real)
        self._gaussian = Gaussian.of(self._features)
        self._manifold = Manifold.of(self._features)
        self.names = tuple(f"{name}_{extractor.name}" for name in ("fid", "kernel_distance", "precision", "recall"))

    def compare(self, features: Tensor) -> dict[str, float]:
        """The numbers called ``names``, of features of generated images (n, d), n above 3. Precision and recall are of
        equally many real and generated ones, the first of each."""
        count = min(len(features), len(self._features))
        real = self._manifold if count == len(self._features) else Manifold.of(self._features[:count])
        numbers = (
            frechet_distance(self._gaussian, Gaussian.of(features)),
            kernel_distance(self._features, features),
            *precision_and_recall(real, Manifold.of(features[:count])),
        )
        return dict(zip(self.names, numbers, strict=True))


class ImageEvaluation:
    """Compares generated images with up to 2,500 real ones, whose features are computed once."""

    def __init__(
        self, spec: JobSpec, data: Dataset, device: torch.device, folders: DataFolders, weights: Path | None
    ) -> None:
        self._real, self._labels = data.labelled(LOOKED_AT)
        self._directions = random_directions(math.prod(data.shape), DIRECTIONS, SEED)
        self._projected = project(self._real, self._directions)
        self._comparisons: list[FeatureComparison] = []
        self._classifier: Classifier | None = None
        self._is_conditional = spec.conditional is not None
        if len(self._real) > NEIGHBOURS and (found := inception(device, weights)) is not None:
            self._comparisons.append(FeatureComparison(found, self._real))
        if len(self._real) > NEIGHBOURS and self._labels is not None:
            self._classifier = _classifier(spec, data, device, folders)
            self._comparisons.append(FeatureComparison(self._classifier, self._real))
            self._real_shares = data.class_shares().cpu().double()
        self._held_out = data.held_out(LOOKED_AT)

    def evaluate(self, generate: Generate, judge: Judge | None) -> dict[str, float]:
        """By the names of ``catalogue.EVALUATIONS``. If a generated pixel is not finite, all that it enters is NaN."""
        images, labels = generate(LOOKED_AT)
        is_finite = bool(images.isfinite().all())
        values = self._of_images(images, labels) if is_finite else dict.fromkeys(self.names, math.nan)
        if judge is not None and self._held_out is not None:
            seen, unseen = judge(self._real, self._labels), judge(*self._held_out)
            values["validation_gap"] = float(seen.double().mean() - unseen.double().mean())
        if self._classifier is not None:
            values["classifier_accuracy"] = self._classifier.accuracy
        return values

    @property
    def names(self) -> list[str]:
        """What every evaluation holds of generated images."""
        names = ["sliced_wasserstein"]
        for comparison in self._comparisons:
            names += comparison.names
        if self._classifier is not None:
            names += ["classes_covered", "smallest_class_share", "largest_class_share"]
            names += ["label_agreement"] if self._is_conditional else []
        return names

    def _of_images(self, images: Tensor, labels: Tensor | None) -> dict[str, float]:
        values = {"sliced_wasserstein": sliced_wasserstein(self._projected, project(images, self._directions))}
        for comparison in self._comparisons:
            features = comparison.extractor.features(images)
            values |= comparison.compare(features)
            if comparison.extractor is self._classifier:
                values |= self._of_classes(self._classifier.classes(features), labels)
        return values

    def _of_classes(self, found: Tensor, labels: Tensor | None) -> dict[str, float]:
        shares = class_shares(found, len(self._real_shares))
        values = {
            "classes_covered": float(classes_covered(shares, self._real_shares)),
            "smallest_class_share": float(shares.min()),
            "largest_class_share": float(shares.max()),
        }
        return values if labels is None else values | {"label_agreement": label_agreement(found, labels)}


def _classifier(spec: JobSpec, data: Dataset, device: torch.device, folders: DataFolders) -> Classifier:
    images, labels = data.labelled(min(MOST_EXAMPLES, MOST_VALUES // math.prod(data.shape)))
    assert labels is not None  # looked at before
    return classifier_of(spec.dataset.kind, images, labels, len(data.classes), device, folders.cache)
