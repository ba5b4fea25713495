"""Evaluations of generators of images: which numbers there are, and what they say of generators that are known."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.engine import CPU, job
from support.evaluations import PROJECTION, constant, evaluator, judge, real_data, unlabelled
from torch import Tensor

from models.catalogue import evaluation_names
from worker.gan.data import DataFolders, load
from worker.gan.evaluate import InceptionUnavailable
from worker.gan.evaluate.classes import label_agreement
from worker.gan.evaluate.classifier import classifier_of
from worker.gan.evaluate.images import FeatureComparison
from worker.gan.evaluate.inception import ENVIRONMENT_VARIABLE
from worker.gan.evaluate.neighbours import Manifold, precision_and_recall

CLASSIFIER = {f"{name}_digits_classifier" for name in ("fid", "kernel_distance", "precision", "recall")}
CLASSES = {"classes_covered", "smallest_class_share", "largest_class_share", "classifier_accuracy"}


class Pixels:
    """An extractor that leaves images as they are."""

    name = "pixels"

    def features(self, images: Tensor) -> Tensor:
        return images.flatten(1).double()


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> DataFolders:
    """One cache for all tests, so that the classifier of the digits is trained once."""
    folder = tmp_path_factory.mktemp("data")
    return DataFolders(folder / "datasets", folder / "cache")


def test_real_images_get_the_best_numbers(folders: DataFolders) -> None:
    found, data = evaluator(job(), folders)
    values = found.evaluate(1, unlabelled(real_data(data)), judge)
    assert values.keys() == CLASSIFIER | CLASSES | {"sliced_wasserstein"}
    assert values.keys() <= set(evaluation_names("digits", True))
    assert values["classifier_accuracy"] >= 0.97
    assert values["classes_covered"] == 10
    assert 0.09 < values["smallest_class_share"] <= values["largest_class_share"] < 0.11
    assert (values["precision_digits_classifier"], values["recall_digits_classifier"]) == (1, 1)
    assert abs(values["fid_digits_classifier"]) < 0.5
    assert values["sliced_wasserstein"] < 0.05


def test_the_classifier_of_the_digits_names_97_percent_of_those_it_has_not_seen(folders: DataFolders) -> None:
    images, labels = load(job(seed=8), CPU).labelled(5000)
    assert labels is not None
    found = classifier_of("digits", images, labels, 10, CPU, folders.cache)
    assert found.name == "digits_classifier"
    assert found.accuracy >= 0.97
    features = found.features(images)
    assert (features.shape, features.dtype) == ((1797, 64), torch.float64)
    assert label_agreement(found.classes(features), labels) >= 0.99
    assert len(list((folders.cache / "classifiers").glob("digits-*"))) == 1  # whatever the seed


def test_worse_images_get_worse_numbers(folders: DataFolders) -> None:
    found, data = evaluator(job(), folders)
    real, labels = data.labelled(1797)
    assert labels is not None
    sevens = real[labels == 7]
    noise = torch.rand(2500, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    best = found.evaluate(1, unlabelled(real_data(data)), judge)
    collapsed = found.evaluate(1, lambda count: (sevens[torch.arange(count) % len(sevens)], None), judge)
    nothing = found.evaluate(1, lambda count: (noise[:count], None), judge)
    for name in ("fid_digits_classifier", "kernel_distance_digits_classifier", "sliced_wasserstein"):
        assert best[name] < collapsed[name] < math.inf
        assert best[name] < nothing[name] < math.inf
    assert collapsed["precision_digits_classifier"] == 1
    assert collapsed["recall_digits_classifier"] < 0.5
    assert (collapsed["classes_covered"], collapsed["smallest_class_share"]) == (1, 0)
    assert collapsed["largest_class_share"] > 0.97
    assert nothing["precision_digits_classifier"] < 0.9


@pytest.mark.parametrize("value", [0.0, 3e38])
def test_a_constant_generator_of_images_gets_numbers(value: float, folders: DataFolders) -> None:
    found, _ = evaluator(job(), folders)
    values = found.evaluate(1, constant(torch.full((1, 8, 8), value)), judge)
    assert all(math.isfinite(number) for number in values.values())
    assert values["classes_covered"] == 1
    assert values["recall_digits_classifier"] < 0.01


def test_images_that_are_not_finite_give_nan_and_no_error(folders: DataFolders) -> None:
    found, _ = evaluator(job(**PROJECTION), folders)
    values = found.evaluate(1, lambda count: (torch.full((count, 1, 8, 8), math.nan), torch.zeros(count).long()), judge)
    expected = CLASSIFIER | CLASSES | {"sliced_wasserstein", "label_agreement"}
    assert values.keys() == expected
    assert {name for name, value in values.items() if math.isnan(value)} == expected - {"classifier_accuracy"}
    assert values.keys() <= set(evaluation_names("digits", True))


def test_the_validation_gap_is_between_what_d_has_seen_and_what_not(folders: DataFolders) -> None:
    spec = job(dataset=npz(folders.root, 40, labels=False) | {"validation_fraction": 0.2})
    found, data = evaluator(spec, folders)
    held_out = data.held_out(2500)
    assert held_out is not None
    unseen, _ = held_out

    def memory(images: Tensor, labels: Tensor | None) -> Tensor:
        return torch.full((len(images),), -1.5 if torch.equal(images, unseen) else 2.0)

    assert found.evaluate(1, real_data(data), memory)["validation_gap"] == 3.5
    assert "validation_gap" not in found.evaluate(1, real_data(data), None)
    diverged = found.evaluate(1, constant(torch.full((1, 8, 8), math.nan)), memory)
    assert diverged["validation_gap"] == 3.5
    assert math.isnan(diverged["sliced_wasserstein"])


def test_a_discriminator_that_is_told_the_class_is_told_that_of_held_out_data_too(folders: DataFolders) -> None:
    dataset = npz(folders.root, 40, labels=True) | {"validation_fraction": 0.2}
    found, data = evaluator(job(dataset=dataset, **PROJECTION), folders)
    held_out = data.held_out(2500)
    assert held_out is not None
    told: list[Tensor | None] = []

    def listening(images: Tensor, labels: Tensor | None) -> Tensor:
        told.append(labels)
        return torch.zeros(len(images))

    assert "validation_gap" in found.evaluate(1, real_data(data), listening)
    for labels, expected in zip(told, (data.labelled(2500)[1], held_out[1]), strict=True):
        assert labels is not None
        assert expected is not None
        assert torch.equal(labels, expected)


def test_precision_and_recall_are_of_equally_many() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(30, 1, 2, 2, generator=generator), torch.randn(50, 1, 2, 2, generator=generator)
    found = FeatureComparison(Pixels(), real).compare(Pixels().features(fake))
    expected = precision_and_recall(Manifold.of(real.flatten(1)), Manifold.of(fake[:30].flatten(1)))
    assert (found["precision_pixels"], found["recall_pixels"]) == expected
    assert expected != precision_and_recall(Manifold.of(real.flatten(1)), Manifold.of(fake.flatten(1)))
    found = FeatureComparison(Pixels(), fake).compare(Pixels().features(real))
    assert (found["recall_pixels"], found["precision_pixels"]) == expected


def test_samples_of_a_class_are_confirmed_by_the_classifier(folders: DataFolders) -> None:
    found, data = evaluator(job(**PROJECTION), folders)
    generate = real_data(data)
    assert found.evaluate(1, generate, judge)["label_agreement"] >= 0.98

    def others(count: int) -> tuple[Tensor, Tensor]:
        images, labels = generate(count)
        assert labels is not None
        return images, (labels + 1) % 10

    assert found.evaluate(1, others, judge)["label_agreement"] <= 0.02


def npz(folder: Path, count: int, labels: bool) -> dict[str, Any]:
    """Images of 8 x 8 pixels that a spec of the kind `npz` finds, of two classes if wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    classes = np.arange(count) % 2
    images = (random.integers(0, 60, (count, 8, 8)) + 190 * classes[:, None, None]).astype(np.uint8)
    name = f"shades_{count}_{labels}.npz"
    np.savez(folder / name, images=images, **({"labels": classes} if labels else {}))
    described = {"kind": "npz", "path": name, "side": 8, "channels": 1}
    return described | ({"label_array": "labels"} if labels else {})


def test_unlabelled_images_are_compared_by_their_pixels_alone(folders: DataFolders) -> None:
    found, data = evaluator(job(dataset=npz(folders.root, 40, labels=False)), folders)
    assert found.evaluate(1, real_data(data), judge).keys() == {"sliced_wasserstein"}


def test_images_of_ones_own_are_compared_by_a_classifier_of_their_own(folders: DataFolders) -> None:
    found, data = evaluator(job(dataset=npz(folders.root, 40, labels=True)), folders)
    values = found.evaluate(1, unlabelled(real_data(data)), judge)
    assert {name for name in values if name.startswith("fid")} == {"fid_npz_classifier"}
    assert values["classes_covered"] == 2
    assert values["classifier_accuracy"] == 1
    assert values.keys() <= set(evaluation_names("npz", True))


def test_too_few_images_have_no_features_to_compare(folders: DataFolders) -> None:
    found, data = evaluator(job(batch_size=1, dataset=npz(folders.root, 3, labels=True)), folders)
    assert found.evaluate(1, unlabelled(real_data(data)), judge).keys() == {"sliced_wasserstein"}


def test_the_evaluator_says_at_once_that_inception_cannot_be_had(folders: DataFolders, tmp_path: Path) -> None:
    path = tmp_path / "inception.safetensors"
    save_file({"any": torch.zeros(1)}, path)
    with pytest.raises(InceptionUnavailable, match=r"inception\.safetensors"):
        evaluator(job(), folders, inception_weights=path)


def test_the_same_generator_gets_the_same_numbers_again(folders: DataFolders) -> None:
    for spec in (job(), job(dataset={"kind": "ring"})):
        found, data = evaluator(spec, folders)
        generate = unlabelled(real_data(data))
        first = found.evaluate(1, generate, judge)
        assert evaluator(spec, folders)[0].evaluate(7, generate, judge) == first
