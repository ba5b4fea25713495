"""Evaluators, and generators of known worth to evaluate."""

from typing import Any

import torch
from support.engine import CPU
from torch import Tensor

from models.spec import JobSpec
from worker.gan.data import DataFolders, Dataset, load
from worker.gan.evaluate import Evaluator, Generate

PROJECTION = {"conditional": {"kind": "projection"}}


def evaluator(spec: JobSpec, folders: DataFolders, **options: Any) -> tuple[Evaluator, Dataset]:
    data = load(spec, CPU, folders)
    return Evaluator(spec, data, CPU, folders, **options), data


def real_data(data: Dataset, count_from: int = 0) -> Generate:
    """A perfect generator: other real data, or the same over and over where there is an end of them."""

    def generate(count: int) -> tuple[Tensor, Tensor | None]:
        values, labels = data.labelled(count_from + count)
        kept = torch.arange(count_from, count_from + count) % len(values)
        return values[kept], None if labels is None else labels[kept]

    return generate


def unlabelled(generate: Generate) -> Generate:
    return lambda count: (generate(count)[0], None)


def constant(value: Tensor) -> Generate:
    return lambda count: (value.float().expand(count, *value.shape).clone(), None)


def judge(data: Tensor, labels: Tensor | None) -> Tensor:
    """Knows nothing."""
    return torch.zeros(len(data))
