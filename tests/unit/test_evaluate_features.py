"""Where features come from: a classifier of the data set's own labels, or Inception where its weights were put."""

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.engine import CPU
from torch import Tensor, nn

from worker.gan.evaluate.classifier import ClassifierNetwork, classifier_of
from worker.gan.evaluate.features import to_bytes
from worker.gan.evaluate.inception import ENVIRONMENT_VARIABLE, InceptionUnavailable, inception


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def two_shades(count: int, side: int, channels: int = 1) -> tuple[Tensor, Tensor]:
    """Dark images of class 0, bright ones of class 1."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    noise = torch.rand(count, channels, side, side, generator=generator) * 0.2
    return noise - 0.9 + labels[:, None, None, None] * 1.6, labels


# --- the classifier --------------------------------------------------------------------------------------------------


def test_it_is_trained_once_for_the_same_examples_in_whatever_order(tmp_path: Path) -> None:
    images, labels = two_shades(60, 8)
    first = classifier_of("npz", images, labels, 2, CPU, tmp_path / "one")
    (file,) = (tmp_path / "one/classifiers").iterdir()
    written = file.stat().st_mtime_ns
    again = classifier_of("npz", images.flip(0), labels.flip(0), 2, CPU, tmp_path / "one")
    assert file.stat().st_mtime_ns == written
    assert again.accuracy == first.accuracy == 1
    torch.rand(7)  # whatever was drawn before
    elsewhere = classifier_of("npz", images.flip(0), labels.flip(0), 2, CPU, tmp_path / "other")
    features = first.features(images)
    assert torch.equal(again.features(images), features)
    assert torch.equal(elsewhere.features(images), features)
    relabelled = classifier_of("npz", images, 1 - labels, 2, CPU, tmp_path / "one")
    assert not torch.equal(relabelled.features(images), features)
    assert len(list((tmp_path / "one/classifiers").iterdir())) == 2


def test_it_leaves_the_global_random_numbers_alone(tmp_path: Path) -> None:
    for seed in (98, 99):  # trained, and taken from the cache
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        classifier_of("npz", *two_shades(20, 8), 2, CPU, tmp_path)
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("side", "channels"), [(8, 3), (32, 1), (64, 3)])
def test_it_fits_images_of_every_size(side: int, channels: int, tmp_path: Path) -> None:
    network = ClassifierNetwork((channels, side, side), 5)
    assert network(torch.zeros(2, channels, side, side)).shape == (2, 5)
    assert network.body(torch.zeros(2, channels, side, side)).shape == (2, 64)


def test_it_tells_shades_apart(tmp_path: Path) -> None:
    images, labels = two_shades(80, 16, channels=3)
    found = classifier_of("image_folder", images, labels, 2, CPU, tmp_path)
    assert found.accuracy == 1
    assert torch.equal(found.classes(found.features(images)), labels)


@pytest.mark.parametrize("damage", [b"", b"no tensors", None])
def test_a_damaged_file_is_written_anew(damage: bytes | None, tmp_path: Path) -> None:
    images, labels = two_shades(40, 8)
    first = classifier_of("npz", images, labels, 2, CPU, tmp_path)
    (file,) = (tmp_path / "classifiers").iterdir()
    if damage is None:  # some weights fit, and others are not there
        save_file({"head.bias": torch.ones(2)}, file)
    else:
        file.write_bytes(damage)
    again = classifier_of("npz", images, labels, 2, CPU, tmp_path)
    assert torch.equal(first.features(images), again.features(images))
    assert "held_out_accuracy" in load_file(file)
    assert list((tmp_path / "classifiers").iterdir()) == [file]


def test_pixels_beyond_black_and_white_count_as_these(tmp_path: Path) -> None:
    images, labels = two_shades(40, 8)
    found = classifier_of("npz", images, labels, 2, CPU, tmp_path)
    far = torch.full((1, 1, 8, 8), 3e38)
    assert torch.equal(found.features(far), found.features(torch.ones(1, 1, 8, 8)))


# --- Inception -------------------------------------------------------------------------------------------------------


class _StandIn(nn.Module):
    """Takes what torch-fidelity's class takes: weights by ``torch.load``, colour images of bytes; gives a tuple."""

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: Any = None) -> None:
        super().__init__()
        assert (name, features_list) == ("inception", ["2048"])
        assert feature_extractor_weights_path is not None, "would be downloaded"
        self.scale = nn.Parameter(torch.zeros(3), requires_grad=False)
        self.load_state_dict(torch.load(feature_extractor_weights_path))

    def forward(self, images: Tensor) -> tuple[Tensor]:
        assert images.dtype is torch.uint8
        assert images.shape[1] == 3
        return (images.float().mean(dim=(2, 3)) * self.scale,)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    package, module = ModuleType("torch_fidelity"), ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.FeatureExtractorInceptionV3 = _StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "inception.safetensors"
    save_file({"scale": torch.tensor([1.0, 2.0, 3.0])}, path)
    return path


@pytest.mark.usefixtures("library")
def test_inception_sees_grey_images_in_colour_and_as_bytes(weights: Path) -> None:
    found = inception(CPU, weights)
    assert found is not None
    assert found.name == "inception"
    images = torch.stack([torch.full((1, 8, 8), value) for value in (-1.0, 0.0, 1.0, 7.0)])
    expected = np.outer([0, 128, 255, 255], [1, 2, 3])
    np.testing.assert_array_equal(found.features(images).numpy(), expected)


@pytest.mark.usefixtures("library")
def test_the_environment_may_say_where_the_weights_are(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    assert inception(CPU) is None
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(weights))
    assert inception(CPU) is not None


def test_weights_without_the_library_are_an_error(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(InceptionUnavailable, match="need the package torch-fidelity"):
        inception(CPU, weights)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("content", [None, b"", b"pickled", {"other": torch.zeros(1)}])
def test_a_file_that_holds_other_things_is_an_error(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        save_file(content, path)
    with pytest.raises(InceptionUnavailable, match=str(path)):
        inception(CPU, path)


@pytest.mark.usefixtures("library")
def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path, buffer = tmp_path / "weights.pth", io.BytesIO()
    torch.save({"scale": torch.zeros(3)}, buffer)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InceptionUnavailable, match="not a readable safetensors file"):
        inception(CPU, path)


def test_bytes_go_from_black_to_white() -> None:
    assert to_bytes(torch.tensor([-5.0, -1.0, 0.0, 1.0, 5.0])).tolist() == [0, 0, 128, 255, 255]
