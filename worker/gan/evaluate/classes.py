"""Which classes generated data are of, by the word of a classifier."""

from __future__ import annotations

import torch
from torch import Tensor

# A class is covered from this part of its share among the real data on: of ten alike, from 1 % on.
PART = 10


def class_shares(found: Tensor, classes: int) -> Tensor:
    """Share (classes,) of each class among ``found`` (count,), int64; float64."""
    return torch.bincount(found, minlength=classes).double() / len(found)


def classes_covered(shares: Tensor, real_shares: Tensor) -> int:
    """How many classes hold at least a tenth of the share that they have among the real data; classes that the real
    data lack do not count. Takes shares (classes,) of generated and of real data."""
    covered = (shares > 0) & (real_shares > 0) & (PART * shares >= real_shares)
    return int(covered.sum())


def label_agreement(found: Tensor, wanted: Tensor) -> float:
    """Share of the examples whose class ``found`` (count,) is the one ``wanted`` (count,)."""
    return float((found == wanted).double().mean())
