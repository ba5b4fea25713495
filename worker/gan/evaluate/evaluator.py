"""What a generator is worth after a step, in numbers that do not come from the game itself."""

from __future__ import annotations

from pathlib import Path

import torch

from models.spec import JobSpec
from worker.gan.data import DataFolders, Dataset, GaussianMixture
from worker.gan.evaluate.games import Generate, Judge
from worker.gan.evaluate.images import ImageEvaluation
from worker.gan.evaluate.points import PointEvaluation


class MetricUnavailable(Exception):
    """A number that the spec goes by cannot be had here; the message says why."""


class Evaluator:
    """Evaluates the runs of one spec. What is known of the real data is computed here, once."""

    def __init__(
        self,
        spec: JobSpec,
        data: Dataset,
        device: torch.device,
        folders: DataFolders,
        inception_weights: Path | None = None,
    ) -> None:
        """Computes features of real data on ``device``, and trains a classifier of labelled images where
        ``folders.cache`` holds none: seconds for small images, minutes for large ones.

        Raises:
            inception.InceptionUnavailable: ``inception_weights``, or the environment variable
                ``GANJOBS_INCEPTION_WEIGHTS`` in its place, names what cannot be used.
            OSError: the cache cannot be written.
            MetricUnavailable: the spec's ``best_metric`` would never come.
        """
        self._evaluation: ImageEvaluation | PointEvaluation
        if isinstance(data, GaussianMixture):
            self._evaluation = PointEvaluation(spec, data)
        else:
            self._evaluation = ImageEvaluation(spec, data, device, folders, inception_weights)
        wanted = spec.best_metric
        if wanted is not None and wanted not in self._evaluation.names:
            needs = "Inception's weights (GANJOBS_INCEPTION_WEIGHTS)" if "inception" in wanted else "more real images"
            had = ", ".join(self._evaluation.names)
            raise MetricUnavailable(f"best_metric `{wanted}` cannot be had here, it needs {needs}; there are {had}")

    def evaluate(self, step: int, generate: Generate, judge: Judge | None) -> dict[str, float]:
        """The numbers after ``step``, by the names of ``catalogue.evaluation_names``, of which it holds those that can
        be had. A generator that has diverged is no error: what non-finite data enter is NaN. ``judge`` is ``None``
        where D does not judge examples one by one.

        All of the randomness is that of ``generate``: the same generator gets the same numbers after whatever step.
        """
        return self._evaluation.evaluate(generate, judge)
