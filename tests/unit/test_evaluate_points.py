"""Evaluations of generators of points: which numbers there are, and what they say of generators that are known."""

import math
from typing import Any

import pytest
import torch
from support.engine import job
from support.evaluations import PROJECTION, constant, evaluator, judge, real_data, unlabelled
from torch import Tensor

from models.catalogue import evaluation_names
from worker.gan.data import DataFolders, GaussianMixture

MIXTURE = {
    "modes_covered",
    "high_quality_share",
    "reverse_kl",
    "jensen_shannon_divergence",
    "jensen_shannon_bias",
    "optimal_discriminator_gap",
}
FOLDERS = DataFolders()  # points need no files


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("kind", ["ring", "grid"])
def test_real_points_get_the_best_numbers(kind: str) -> None:
    found, data = evaluator(job(dataset={"kind": kind}), FOLDERS)
    values = found.evaluate(1, unlabelled(real_data(data, count_from=100_000)), judge)
    assert values.keys() == MIXTURE
    assert values.keys() <= set(evaluation_names(kind, True))
    assert values["modes_covered"] == len(data.classes)
    assert values["high_quality_share"] == pytest.approx(1 - math.exp(-4.5), abs=0.008)
    assert values["reverse_kl"] < 0.01
    assert values["jensen_shannon_divergence"] == pytest.approx(values["jensen_shannon_bias"], rel=0.25)
    assert values["jensen_shannon_bias"] < 0.01
    assert values["optimal_discriminator_gap"] < 0.03  # 1/2 is the right answer everywhere


def test_one_mode_alone_is_seen_for_what_it_is() -> None:
    """All of the points in one of eight modes: the divergence is that of shares of 1/8 and 1 in it."""
    found, data = evaluator(job(dataset={"kind": "ring"}), FOLDERS)
    real, labels = data.labelled(1_000_000)
    assert labels is not None
    one = real[labels == 2]
    values = found.evaluate(1, lambda count: (one[:count], None), judge)
    assert values["modes_covered"] == 1
    assert values["reverse_kl"] == pytest.approx(math.log(8))
    mixed = (1 / 8 + 1) / 2
    expected = (1 / 8 * math.log(1 / 8 / mixed) + math.log(1 / mixed) + 7 / 8 * math.log(2)) / 2
    assert values["jensen_shannon_divergence"] == pytest.approx(expected, abs=0.005)
    # In that mode D* = (1/8) / (1/8 + 1) = 1/9, elsewhere 1.
    gap = (abs(1 / 2 - 1 / 9) * (1 + 1 / 8) + 1 / 2 * 7 / 8) / 2
    assert values["optimal_discriminator_gap"] == pytest.approx(gap, abs=0.01)


def test_the_gap_of_the_best_discriminator_is_small_and_that_of_another_is_not() -> None:
    """Generated points are real ones moved by one standard deviation: D* is known in closed form."""
    spec = job(
        dataset={"kind": "mixture", "means": [[0, 0], [30, 0]], "covariances": [[[1, 0], [0, 1]]], "weights": [1, 2]}
    )
    found, data = evaluator(spec, FOLDERS)
    assert isinstance(data, GaussianMixture)
    shift = torch.tensor([0.0, 1.0])

    def generate(count: int) -> tuple[Tensor, None]:
        return data.labelled(100_000 + count)[0][100_000:] + shift, None

    def best(points: Tensor, labels: Tensor | None) -> Tensor:
        return data.log_density(points) - data.log_density(points - shift)

    assert found.evaluate(1, generate, best)["optimal_discriminator_gap"] < 0.06
    wrong = found.evaluate(1, generate, lambda points, labels: -best(points, labels))["optimal_discriminator_gap"]
    assert wrong > 0.3


def test_a_constant_generator_of_points_gets_numbers() -> None:
    found, _ = evaluator(job(dataset={"kind": "ring"}), FOLDERS)
    values = found.evaluate(1, constant(torch.tensor([3e38, 0.0])), judge)
    assert values["jensen_shannon_divergence"] == pytest.approx(math.log(2))
    assert (values["modes_covered"], values["high_quality_share"]) == (0, 0)
    assert values["optimal_discriminator_gap"] == pytest.approx(0.5, abs=0.001)  # D* is 1 and 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_points_that_are_not_finite_give_nan_and_no_error(bad: float) -> None:
    found, data = evaluator(job(dataset={"kind": "grid"}), FOLDERS)

    def generate(count: int) -> tuple[Tensor, None]:
        points = data.labelled(count)[0]
        points[-1, 1] = bad
        return points, None

    values = found.evaluate(1, generate, judge)
    assert values.keys() == MIXTURE
    assert {name for name, value in values.items() if math.isnan(value)} == MIXTURE - {"jensen_shannon_bias"}


@pytest.mark.parametrize(
    ("patch", "asked"),
    [({"loss": {"kind": "hinge"}}, True), ({"loss": {"kind": "wasserstein_gp"}}, True), ({"pack": 2}, False)],
)
def test_only_a_probability_of_single_points_is_compared_with_the_best(patch: dict[str, Any], asked: bool) -> None:
    found, data = evaluator(job(dataset={"kind": "ring"}, **patch), FOLDERS)
    values = found.evaluate(1, unlabelled(real_data(data)), judge if asked else None)
    assert values.keys() == MIXTURE - {"optimal_discriminator_gap"}


def test_points_of_a_class_are_looked_for_in_its_mode() -> None:
    found, data = evaluator(job(dataset={"kind": "ring"}, **PROJECTION), FOLDERS)
    generate = real_data(data)
    assert found.evaluate(1, generate, judge)["label_agreement"] == 1

    def others(count: int) -> tuple[Tensor, Tensor]:
        points, labels = generate(count)
        assert labels is not None
        return points, (labels + (torch.arange(count) % 2)) % 8

    values = found.evaluate(1, others, judge)
    assert values["label_agreement"] == 0.5
    assert values.keys() == MIXTURE - {"optimal_discriminator_gap"} | {"label_agreement"}  # D is told the class
    assert values.keys() <= set(evaluation_names("ring", True))
