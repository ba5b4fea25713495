"""A small classifier of a data set's own labels, which stands in where Inception's weights are not at hand.

It is trained once on real training data, kept in the cache, and depends on the examples that it is given alone, not on
their order. Those are all that a run trains on, up to 20,000, and fewer of large images (``MOST_EXAMPLES`` and
``MOST_VALUES`` in images.py). So runs on the same data are measured by the same classifier whatever their seed, but
only where all of the data fit in and none are held out: the seed chooses the 20,000, and with a ``validation_fraction``
the examples to train on, so runs of different seeds then have classifiers of their own. What it measures is named after
it, never plain FID.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from worker.gan.evaluate.features import in_chunks
from worker.gan.evaluate.files import write_whole

# Of the recipe below; to be raised with any change of it, so that no older classifier is taken from the cache.
VERSION = 1
FEATURES = 64
HELD_OUT = 0.1
BATCH = 64
LEARNING_RATE = 2e-3
# Examples to pass through the network in training, and within which bounds epochs are chosen for it.
EXAMPLES_TO_SEE, FEWEST_EPOCHS, MOST_EPOCHS = 40_000, 3, 100


def _convolution(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class ClassifierNetwork(nn.Module):
    """Images (batch, channels, side, side), their side a power of two from 8 on, to logits (batch, classes): halved by
    narrow convolutions to 8 x 8, then two wider ones, and a layer of 64 features."""

    held_out_accuracy: Tensor

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, side, _ = shape
        layers: list[nn.Module] = []
        while side > 8:
            layers += _convolution(channels, 16, stride=2)
            channels, side = 16, side // 2
        layers += _convolution(channels, 32, stride=1) + _convolution(32, 64, stride=2)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * (side // 2) ** 2, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)
        self.register_buffer("held_out_accuracy", torch.tensor(float("nan"), dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(images))
        return logits


@dataclass(frozen=True)
class Classifier:
    """A trained classifier: an extractor of features, and a judge of classes."""

    name: str
    network: ClassifierNetwork
    device: torch.device

    @property
    def accuracy(self) -> float:
        """Share of real examples it was not trained on whose class it names."""
        return float(self.network.held_out_accuracy)

    def features(self, images: Tensor) -> Tensor:
        """The layer before the last (count, 64), float64 on the CPU, of images (count, channels, side, side), their
        values brought to [-1, 1] as they are when an image is saved."""
        return in_chunks(self.network.body, images.clamp(-1, 1), self.device)

    def classes(self, features: Tensor) -> Tensor:
        """The likeliest class of each example, int64 (count,), from its ``features``."""
        return in_chunks(self.network.head, features.float(), self.device).argmax(dim=1)


def classifier_of(
    kind: str, images: Tensor, labels: Tensor, classes: int, device: torch.device, cache: Path
) -> Classifier:
    """The classifier of labelled images (count, channels, side, side) of a ``kind`` of data set: from the cache, or
    else trained, which takes seconds for small images and minutes for large ones, and put there.

    Raises:
        OSError: the cache cannot be written.
    """
    digests = _digests(images, labels)
    described = f"{VERSION} {tuple(images.shape[1:])} {classes}".encode()
    key = hashlib.sha256(b"".join([described, *sorted(digests)])).hexdigest()
    path = cache / "classifiers" / f"{kind}-{key[:32]}.safetensors"
    network = _restored(tuple(images.shape[1:]), classes, path)
    if network is None:
        # In an order that is the data's own, however they were shuffled.
        order = torch.tensor(sorted(range(len(digests)), key=digests.__getitem__))
        network = train(images[order], labels[order], classes, device)
        write_whole(path, save({name: value.cpu() for name, value in network.state_dict().items()}))
    return Classifier(f"{kind}_classifier", network.to(device).eval(), device)


def _digests(images: Tensor, labels: Tensor) -> list[bytes]:
    """SHA-256 of each labelled example."""
    return [
        hashlib.sha256(image.tobytes() + int(label).to_bytes(8, "little")).digest()
        for image, label in zip(images.numpy(), labels, strict=True)
    ]


def _restored(shape: tuple[int, ...], classes: int, path: Path) -> ClassifierNetwork | None:
    """The network whose weights ``path`` holds, if it does."""
    if not path.is_file():
        return None
    network = _untrained(shape, classes)
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError):  # damaged, or of other layers: it is trained anew and written over
        return None
    return network


def _untrained(shape: tuple[int, ...], classes: int) -> ClassifierNetwork:
    """A network whose weights are always the same; draws nothing from torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(VERSION)
        return ClassifierNetwork(shape, classes)


@torch.enable_grad()
def train(images: Tensor, labels: Tensor, classes: int, device: torch.device) -> ClassifierNetwork:
    """A classifier trained by Adam with a cosine schedule, without augmentation, on all but the first tenth of the
    examples, on which its accuracy is measured. A function of the arguments, up to rounding."""
    held_out = max(1, round(HELD_OUT * len(images)))
    real, real_labels = images[held_out:].to(device), labels[held_out:].to(device)
    network = _untrained(tuple(images.shape[1:]), classes).to(device)
    epochs = min(max(EXAMPLES_TO_SEE // len(real), FEWEST_EPOCHS), MOST_EPOCHS)
    batches = -(-len(real) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
    order = torch.Generator().manual_seed(VERSION)
    for _ in range(epochs):
        for indices in torch.randperm(len(real), generator=order).to(device).tensor_split(batches):
            optimizer.zero_grad()
            cross_entropy(network(real[indices]), real_labels[indices]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    found = in_chunks(network.eval(), images[:held_out], device).argmax(dim=1)
    network.held_out_accuracy.fill_((found == labels[:held_out]).double().mean())
    return network
