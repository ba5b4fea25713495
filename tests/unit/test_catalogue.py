"""The catalogue's torch-free facts, the spec and the engine speak of the same kinds."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import datasets
import numpy as np
import pytest
import torch
from support.images import fill, picture

from models import catalogue, spec
from models.spec import JobSpec
from worker.gan.data import DataFolders, load
from worker.gan.data.digits import load_images
from worker.gan.data.mixtures import GRID, RING
from worker.gan.losses import LOSSES
from worker.gan.networks import build_discriminator, build_generator

# A spec of each kind of data set, and what the last three need is in ``own_data``.
OWN = {"path": "own", "side": 8, "channels": 1}
DATASETS: dict[str, dict[str, Any]] = {
    "digits": {},
    "ring": {},
    "grid": {},
    "mixture": {"means": [[0.0, 0.0], [1.0, 1.0]], "covariances": [[[0.1, 0.0], [0.0, 0.1]]]},
    "image_folder": OWN | {"labels": "folders"},
    "npz": OWN | {"path": "own.npz", "label_array": "labels"},
    "hugging_face": OWN | {"path": "saved", "label_column": "label"},
}


@pytest.fixture(scope="module")
def own_data(tmp_path_factory: pytest.TempPathFactory) -> DataFolders:
    """Twenty images in two classes, in every form."""
    root = tmp_path_factory.mktemp("datasets")
    fill(root / "own/dark", 10)
    fill(root / "own/light", 10, first=200)
    shades, labels = np.repeat(np.arange(20, dtype=np.uint8), 64).reshape(20, 8, 8), np.arange(20) % 2
    np.savez(root / "own.npz", images=shades, labels=labels)
    images = [picture(number) for number in range(20)]
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["even", "odd"])})
    datasets.disable_progress_bars()
    saved = datasets.Dataset.from_dict({"image": images, "label": labels.tolist()}, features=kinds)
    saved.save_to_disk(root / "saved")
    return DataFolders(root, Path(tmp_path_factory.mktemp("cache")))


def kinds_of(union: Any) -> set[str]:
    """The kinds a discriminated union of the spec knows."""
    members = get_args(get_args(union)[0])
    return {kind for member in members for kind in get_args(member.model_fields["kind"].annotation)}


def job(**patch: Any) -> JobSpec:
    mlp = {"kind": "mlp", "hidden_sizes": [8]}
    base = {"dataset": {"kind": "digits"}, "generator": mlp, "discriminator": mlp, "steps": 1, "batch_size": 16}
    return JobSpec.model_validate(base | patch)


def test_the_spec_the_catalogue_and_the_engine_know_the_same_kinds() -> None:
    assert kinds_of(spec.Loss) == set(catalogue.LOSSES) == set(LOSSES)
    assert kinds_of(spec.Dataset) == set(catalogue.DATASETS) == set(DATASETS)


@pytest.mark.parametrize("kind", DATASETS)
def test_the_data_are_what_the_catalogue_and_the_spec_say(kind: str, own_data: DataFolders) -> None:
    wanted = job(dataset={"kind": kind} | DATASETS[kind])
    data = load(wanted, torch.device("cpu"), own_data)
    facts = catalogue.DATASETS[kind]
    assert data.shape == wanted.shape
    assert facts.shape in (wanted.shape, None)
    assert data.size == (facts.size or (20 if wanted.dataset.is_finite else None))
    for values in (data.batch(0, 0), data.labelled(16)[0], data.reference(16)):
        assert (values.shape, values.dtype) == ((16, *wanted.shape), torch.float32)
        assert not wanted.dataset.is_image or values.abs().max() <= 1


@pytest.mark.parametrize("kind", DATASETS)
def test_every_data_set_has_the_classes_that_the_spec_says(kind: str, own_data: DataFolders) -> None:
    wanted = job(dataset={"kind": kind} | DATASETS[kind])
    data = load(wanted, torch.device("cpu"), own_data)
    assert wanted.dataset.has_labels
    assert len(data.classes) == (wanted.dataset.class_count or 2)
    assert data.labels(0, 0).shape == (16,)
    assert data.labels(0, 0).dtype == torch.int64
    assert set(data.labels(0, 0).tolist()) <= set(range(len(data.classes)))
    assert data.class_shares().shape == (len(data.classes),)
    assert float(data.class_shares().sum()) == pytest.approx(1)


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
def test_a_loss_of_pairs_takes_a_real_batch_more_in_each_step(loss: str) -> None:
    data = load(job(loss={"kind": loss}, discriminator_steps=2), torch.device("cpu"))
    batches = [data.batch(step, sub_step) for step in (0, 1) for sub_step in (0, 1)]
    extra = data.batch(0, 2)
    assert not any(torch.equal(one, other) for one in batches[:2] for other in batches[2:])
    assert torch.equal(extra, batches[2]) == (loss == "non_saturating")


def test_the_digits_are_all_there() -> None:
    images = load_images()
    assert len(images) == catalogue.DATASETS["digits"].size
    assert (images.min(), images.max()) == (-1.0, 1.0)


def test_the_mixtures_are_the_published_ones() -> None:
    ring, grid = torch.tensor(RING.modes), torch.tensor(GRID.modes)
    assert len(ring) == 8
    assert len(grid) == 25
    torch.testing.assert_close(ring.norm(dim=1), torch.ones(8))
    assert sorted({float(value) for value in grid.flatten()}) == [-4, -2, 0, 2, 4]
    assert (RING.standard_deviation, GRID.standard_deviation) == (0.01, 0.05)


@pytest.mark.parametrize(("generator", "discriminator"), [("mlp", "mlp"), ("dcgan", "dcgan"), ("mlp", "dcgan")])
def test_every_network_of_the_spec_is_built(generator: str, discriminator: str) -> None:
    assert {generator, discriminator} <= kinds_of(spec.Generator) == kinds_of(spec.Discriminator)
    wanted = job(generator={"kind": generator, "latent_dim": 5}, discriminator={"kind": discriminator})
    fake = build_generator(wanted)(torch.zeros(3, 5))
    assert fake.shape == (3, 1, 8, 8)
    assert build_discriminator(wanted)(fake).shape == (3,)


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({}, set()),
        ({"total_loss_equilibrium": None}, {"total_loss"}),
        ({"logit_is_probability": False}, {"d_real", "d_fake"}),
        ({"total_loss_equilibrium": None, "logit_is_probability": False}, {"total_loss", "d_real", "d_fake"}),
    ],
)
def test_a_metric_without_a_meaning_is_not_recorded(facts: dict[str, Any], missing: set[str]) -> None:
    names = catalogue.recorded_metrics(replace(catalogue.LOSSES["non_saturating"], **facts))
    assert names[:2] == ("d_loss", "g_loss")
    assert names == tuple(name for name in catalogue.METRIC_NAMES if name not in missing)


def test_a_spec_knows_what_it_records() -> None:
    assert job().metric_names == catalogue.METRIC_NAMES
    assert "total_loss" not in job(loss={"kind": "saturating"}).metric_names
