"""What generated data are held against, by exact facts that no assessment sees: cells of known probability, the
distance to fresh or held-out data, and how well the discriminator tells fresh data apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from sklearn.svm import SVC
from torch import Tensor

from models.spec import JobSpec
from worker.gan.checkpoint import Snapshot
from worker.gan.data import Dataset, GaussianMixture
from worker.gan.data.digits import load_images, load_labels
from worker.gan.evaluate.distances import project, random_directions, sliced_wasserstein
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.networks.parts import DiscriminatorNetwork, GeneratorNetwork

POINTS, IMAGES = 2000, 800
DIRECTIONS = {True: 64, False: 32}
# Of noise and data that are drawn here, far from the seeds that runs have.
OWN_SEED = 7_310_000_000
# A point is at a mode within 3 standard deviations, or within this part of the way to the next mode if that is more.
PART_OF_THE_WAY = 0.25
# With fewer modes, each is cut into quarters of equal probability, so that there is something to cover.
FEWEST_CELLS = 4
# An image shows a digit where its nearest held-out digit is no farther than that of this share of the real ones.
NEAR_QUANTILE = 0.99
# What lies beside the data: points farther than so many times their spread, and images farther from the nearest real
# one than so many times what the untrained generator makes.
OFF_SPREADS, OFF_UNTRAINED = 2.0, 1.1
# Of the 1,797 digits, the part that small files are cut from; the rest is held out from them.
TINY_SPLIT_SEED = 20_260_601

Array = npt.NDArray[np.float64]


class Yardstick(Protocol):
    """One data set. ``weights`` (cells,) are the probabilities of its cells, ``real`` (count, *shape) fresh data."""

    weights: Array
    real: Tensor

    def cells(self, made: Tensor) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """The nearest cell (count,) of each generated example, and whether it is as near as real data are."""

    def off(self, made: Tensor) -> float | None:
        """How far generated images are from the nearest real one in the mean, real ones being 1 from each other;
        ``None`` of points, whose distance says as much."""


class Modes:
    """A mixture of Gaussians; its cells are its modes, or quarters of them where they are few."""

    def __init__(self, data: GaussianMixture) -> None:
        self._data = data
        spacing = torch.cdist(data.modes, data.modes)
        spacing.fill_diagonal_(float("inf"))
        # In standard deviations of each mode, as the distances are.
        self._reach = (PART_OF_THE_WAY * spacing.min(1).values / data.standard_deviations).nan_to_num(posinf=0).clamp(3)
        self._quarters = len(data.modes) < FEWEST_CELLS
        weights = data.weights.numpy()
        self.weights = np.repeat(weights / 4, 4) if self._quarters else weights
        source = torch.Generator().manual_seed(OWN_SEED)
        modes = torch.multinomial(data.weights, POINTS, replacement=True, generator=source)
        normal = torch.randn(POINTS, 2, generator=source, dtype=torch.float64)
        factors = torch.linalg.cholesky(data.covariances)
        self.real = (data.modes[modes] + (factors[modes] @ normal[:, :, None]).squeeze(-1)).float()

    def cells(self, made: Tensor) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        distance, nearest = self._data.distances(made).min(dim=1)
        near = (distance <= self._reach[nearest]).numpy()
        if self._quarters:
            above = made.double() > self._data.modes[nearest]
            nearest = 4 * nearest + 2 * above[:, 0].long() + above[:, 1].long()
        return nearest.numpy(), near

    def off(self, made: Tensor) -> float | None:
        return None


class DigitClasses:
    """Digits that are never trained on; the cells are their classes, by a support vector machine that has seen only
    them (RBF kernel, scikit-learn's defaults)."""

    def __init__(self, real: Tensor, labels: Tensor) -> None:
        self.real = real
        self._flat = real.flatten(1)
        self._judge = SVC().fit(self._flat.numpy(), labels.numpy())
        self.weights = np.bincount(labels.numpy(), minlength=10) / len(labels)
        own = torch.cdist(self._flat, self._flat)
        own.fill_diagonal_(float("inf"))
        self._apart = float(own.min(1).values.mean())
        self._reach = float(torch.quantile(own.min(1).values, NEAR_QUANTILE))

    def cells(self, made: Tensor) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        flat = made.flatten(1).float()
        near = torch.cdist(flat, self._flat).min(1).values <= self._reach
        return self._judge.predict(flat.numpy()).astype(np.int64), near.numpy()

    def off(self, made: Tensor) -> float | None:
        # Pictures are bounded, and so is the distance of their distributions: noise is off by what it looks like.
        return float(torch.cdist(made.flatten(1).float(), self._flat).min(1).values.mean()) / self._apart


def tiny_split() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Numbers of the digits that small files are cut from, and of those that are held out from them."""
    order = np.random.default_rng(TINY_SPLIT_SEED).permutation(len(load_images()))
    return order[: len(order) // 2], order[len(order) // 2 :]


def yardstick_of(data: Dataset) -> Yardstick:
    """What data generated in the place of ``data`` are held against."""
    if isinstance(data, GaussianMixture):
        return Modes(data)
    held = data.held_out(10_000)
    if held is not None and held[1] is not None:
        return DigitClasses(held[0], held[1])
    others = tiny_split()[1]
    return DigitClasses(torch.from_numpy(load_images()[others]), torch.from_numpy(load_labels()[others]))


@dataclass(frozen=True)
class Seen:
    """What was found of a generator after ``step``, as fractions.

    Attributes:
        shares: of all that it makes, by the nearest cell (cells,).
        near: the same (cells,), only of what is as near as real data are.
        distance: from real data (sliced Wasserstein), in units of their spread, as ``spread`` and ``moved`` are.
        off: above 1 where what it makes lies beside the data altogether.
        spread: root of the total variance.
        moved: root mean square since the look before, of the same noise; NaN at the first look.
        accuracy: balanced, of the discriminator on fresh real and generated data, at its best threshold; NaN where it
            cannot be had.
    """

    step: int
    shares: Array
    near: Array
    distance: float
    off: float
    spread: float
    moved: float
    accuracy: float


class Watcher:
    """Looks at one run's generator through its checkpoints, always from the same noise, which is no one else's."""

    def __init__(self, spec: JobSpec, data: Dataset) -> None:
        self._spec = spec
        self._yardstick = yardstick_of(data)
        self.weights = self._yardstick.weights
        self._classes = len(data.classes) if spec.conditional is not None else None
        is_image = spec.dataset.is_image
        count = IMAGES if is_image else POINTS
        source = torch.Generator().manual_seed(OWN_SEED + spec.seed)
        self._noise = torch.randn(count, spec.generator.latent_dim, generator=source)
        self._labels = torch.arange(count) % self._classes if self._classes else None
        real = self._yardstick.real
        self._directions = random_directions(real[0].numel(), DIRECTIONS[is_image], OWN_SEED)
        self._projected = project(real, self._directions)
        self._unit = float(self._projected.std(0).mean())
        self._total = _total_deviation(real)
        self._before: Tensor | None = None
        self._off_untrained: float | None = None

    def look(self, snapshot: Snapshot | None) -> Seen:
        """At the generator of a checkpoint; without one, at the untrained one."""
        generator, discriminator = build_generator(self._spec, self._classes), None
        if snapshot is not None:
            generator.load_state_dict(_generator_state(snapshot.tensors))
            discriminator = build_discriminator(self._spec, self._classes)
            discriminator.load_state_dict(_under(snapshot.tensors, "discriminator"))
        made = self._made(generator)
        finite = made[torch.isfinite(made.flatten(1)).all(1)]
        seen = self._described(0 if snapshot is None else snapshot.step, finite, made)
        if discriminator is None or not len(finite):
            return seen
        return Seen(**{**vars(seen), "accuracy": self._told_apart(discriminator, made)})

    def _made(self, generator: GeneratorNetwork) -> Tensor:
        with torch.inference_mode():
            made: Tensor = generator.eval()(self._noise, self._labels)
        return made

    def _described(self, step: int, finite: Tensor, made: Tensor) -> Seen:
        cells = len(self.weights)
        if not len(finite):
            nothing = np.zeros(cells)
            far = float("inf")
            return Seen(step, nothing, nothing, far, far, far, far, float("nan"))
        which, near = self._yardstick.cells(finite)
        before, self._before = self._before, made
        moved = float("nan") if before is None else float((made - before).square().flatten(1).sum(1).mean().sqrt())
        distance = sliced_wasserstein(project(finite, self._directions), self._projected) / self._unit
        off = self._yardstick.off(finite)
        self._off_untrained = self._off_untrained or off or 1.0
        return Seen(
            step,
            np.bincount(which, minlength=cells) / len(made),
            np.bincount(which[near], minlength=cells) / len(made),
            distance,
            distance / OFF_SPREADS if off is None else off / (OFF_UNTRAINED * self._off_untrained),
            _total_deviation(finite) / self._total,
            moved / self._total,
            float("nan"),
        )

    def _told_apart(self, discriminator: DiscriminatorNetwork, made: Tensor) -> float:
        if self._spec.pack > 1 or self._classes:
            return float("nan")
        with torch.inference_mode():
            real, fake = (discriminator.eval()(part.float()).flatten() for part in (self._yardstick.real, made))
        return balanced_accuracy(real, fake)


def balanced_accuracy(real: Tensor, fake: Tensor) -> float:
    """Of telling real logits (n,) from generated ones (m,), whichever threshold is the best."""
    thresholds = torch.quantile(torch.cat([real, fake]).double(), torch.linspace(0, 1, 201, dtype=torch.float64))
    hits = (real.double()[:, None] > thresholds).double().mean(0)
    rejections = (fake.double()[:, None] <= thresholds).double().mean(0)
    return float(((hits + rejections) / 2).max())


def _total_deviation(examples: Tensor) -> float:
    return float(examples.double().flatten(1).var(dim=0).sum().sqrt())


def _generator_state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The averaged weights where the run has them, as what is taken home."""
    averaged = _under(tensors, "average/module.", "")
    return averaged or _under(tensors, "generator")


def _under(tensors: Mapping[str, Tensor], part: str, end: str = "/") -> dict[str, Tensor]:
    prefix = part + end
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
