"""The data sets a spec can name."""

from typing import Protocol

import torch
from torch import Tensor

from models.spec import Digits as DigitsSpec
from models.spec import Grid, HuggingFace, ImageFolder, JobSpec, Npz, Ring, validation_count
from models.spec import Mixture as MixtureSpec
from worker.gan.data.build import Source
from worker.gan.data.cache import DecodedImages, Watch, decoded
from worker.gan.data.digits import Digits
from worker.gan.data.examples import Examples, Sampling
from worker.gan.data.folders import DataFolders
from worker.gan.data.hugging_face import HuggingFaceSource
from worker.gan.data.image_folder import FolderSource
from worker.gan.data.mixtures import GRID, RING, GaussianMixture, Mixture, own_mixture
from worker.gan.data.npz import NpzSource
from worker.gan.data.problems import DataUnusable, Problem, summary
from worker.gan.data.stores import hold
from worker.gan.noise import Noise

__all__ = [
    "DataFolders",
    "DataUnusable",
    "Dataset",
    "GaussianMixture",
    "Problem",
    "Watch",
    "load",
    "summary",
]


DEFAULT_FOLDERS = DataFolders()


class Dataset(Protocol):
    """Real data on the run's device. Batches are functions of the step (from 0) and the sub-step alone; everything but
    them is safe to call from another thread while they are drawn."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example: (channels, height, width) or (features,)."""

    @property
    def size(self) -> int | None:
        """How many examples there are, held out ones included; ``None`` where fresh ones are drawn without end."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal digits, of what the data are; a job refuses to go on with other data."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What the classes are called, by number; empty where there are none."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was left out, and why."""

    def batch(self, step: int, sub_step: int) -> Tensor:
        """A real batch (batch, *shape) float32, images in [-1, 1]."""

    def labels(self, step: int, sub_step: int) -> Tensor:
        """The classes (batch,) int64 of the examples in ``batch(step, sub_step)``.

        Raises:
            ValueError: there are none.
        """

    def class_shares(self) -> Tensor:
        """The share of each class in what is trained on: (classes,) float32 on the run's device.

        Raises:
            ValueError: there are none.
        """

    def reference(self, count: int) -> Tensor:
        """Up to ``count`` real examples (count, *shape) to look at, always the same, on the CPU."""

    def labelled(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Up to ``count`` examples of what is trained on, always the same ones in a random order, or fresh points where
        there is no end of them, and their classes; on the CPU."""

    def held_out(self, count: int) -> tuple[Tensor, Tensor | None] | None:
        """Up to ``count`` examples that are never trained on, always the same, and their classes, on the CPU; ``None``
        where none are."""


def load(
    spec: JobSpec, device: torch.device, folders: DataFolders = DEFAULT_FOLDERS, watch: Watch = lambda _: None
) -> Dataset:
    """The spec's data set, ready to draw batches from. Images of one's own are decoded if they never were; ``watch``
    is told so now and then, and what it raises ends that.

    Raises:
        DataUnusable: the data cannot serve the spec.
        OSError: they cannot be read.
    """
    noise = Noise(spec.seed, device=device)
    match spec.dataset:
        case DigitsSpec():
            return Digits(spec.batch_size, _batches_per_step(spec), noise, spec.dataset.validation_fraction)
        case Ring():
            return Mixture(RING, spec.batch_size, noise)
        case Grid():
            return Mixture(GRID, spec.batch_size, noise)
        case MixtureSpec():
            return own_mixture(spec.dataset, spec.batch_size, noise)
        case ImageFolder():
            source: Source = FolderSource(spec.dataset, folders.root)
        case Npz():
            source = NpzSource(spec.dataset, folders.root)
        case HuggingFace():
            source = HuggingFaceSource(spec.dataset, folders)
    return _images(spec, noise, decoded(source, folders.cache, watch), spec.dataset.validation_fraction)


def _batches_per_step(spec: JobSpec) -> int:
    """One for each update of the discriminator; a loss of pairs takes real data for the generator's update, too."""
    return spec.discriminator_steps + spec.loss_facts.paired


def _images(spec: JobSpec, noise: Noise, found: DecodedImages, validation_fraction: float) -> Examples:
    count = len(found.images)
    held_out = validation_count(count, validation_fraction)
    if spec.batch_size > count - held_out:
        told = f"{count:,} of {count + len(found.problems):,} can be used"
        told += f", {held_out:,} of them held out for validation" if held_out else ""
        told += f"; left out: {summary(found.problems)}" if found.problems else ""
        limit = f"must be at most {count - held_out:,}, the number of images to train on"
        raise DataUnusable("batch_size", f"{limit}: {told}")
    sampling = Sampling(spec.batch_size, _batches_per_step(spec), noise, validation_fraction)
    return Examples(
        hold(found.images, noise.device),
        count,
        found.fingerprint,
        sampling,
        found.labels,
        found.classes,
        found.problems,
    )
