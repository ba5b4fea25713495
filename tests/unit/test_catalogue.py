"""The catalogue's torch-free facts, the spec and the engine speak of the same kinds."""

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch

from models import catalogue, spec
from models.spec import JobSpec
from worker.gan.data import load
from worker.gan.data.digits import load_images
from worker.gan.data.mixtures import GRID, RING
from worker.gan.losses import LOSSES
from worker.gan.networks import build_discriminator, build_generator

DATASETS = ["digits", "ring", "grid"]


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
def test_the_data_are_what_the_catalogue_says(kind: str) -> None:
    data = load(job(dataset={"kind": kind}), torch.device("cpu"))
    facts = catalogue.DATASETS[kind]
    assert data.shape == facts.shape
    assert data.batch(0, 0).shape == (16, *facts.shape)
    assert data.batch(0, 0).dtype == torch.float32


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
