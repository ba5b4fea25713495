"""Statistics of samples against what is known of them, and the examination's silence."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import CPU, DCGAN, DCGAN_JUDGE, MLP_JUDGE, column, job, rows, run

from worker.gan import diversity
from worker.gan.data import DataFolders, load
from worker.gan.events import MetricsBlock
from worker.gan.features import FeatureMap
from worker.gan.loop import new_game, train
from worker.gan.vitals import Examiner


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def normal(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def test_spread_and_pairwise_distance_of_a_gaussian() -> None:
    points = normal(4000, 3)
    assert diversity.spread(points) == pytest.approx(math.sqrt(3), rel=0.03)
    # The distance of two standard normal points in 3 dimensions is Maxwell's, times the root of 2: 4 / sqrt(pi).
    assert diversity.mean_pairwise_distance(points[:1000]) == pytest.approx(4 / math.sqrt(math.pi), rel=0.03)


@pytest.mark.parametrize(("scales", "rank"), [((1, 1, 1), 3.0), ((1, 1, 0), 2.0), ((1, 0, 0), 1.0), ((0, 0, 0), 1.0)])
def test_effective_rank_counts_directions(scales: tuple[int, ...], rank: float) -> None:
    assert diversity.effective_rank(normal(5000, 3) * torch.tensor(scales)) == pytest.approx(rank, rel=0.01)


def test_near_duplicates_are_counted() -> None:
    points = torch.tensor([[0.0, 0.0], [0.01, 0.0], [5.0, 0.0], [9.0, 0.0]])
    assert diversity.near_duplicate_share(points, torch.tensor(0.1)) == 0.5
    assert diversity.nearest_other(points).tolist() == pytest.approx([0.01, 0.01, 4.0, 4.0])


def test_shares_are_of_the_nearest_centre() -> None:
    centers = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0], [9.0, 1.0], [0.5, 0.5]])
    assert diversity.shares_of(points, centers).tolist() == [0.75, 0.25, 0.0]


def test_separability_is_the_area_under_the_roc_curve() -> None:
    assert diversity.separability(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 1.0])) == 1
    assert diversity.separability(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])) == 0
    assert diversity.separability(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 1.0])) == 0.5
    # Two normals a deviation apart: the normal distribution function of 1 / sqrt(2).
    found = diversity.separability(normal(2000, seed=1) + 1, normal(2000, seed=2))
    assert found == pytest.approx(0.7602, abs=0.02)


def test_sliced_distance_of_a_shift_is_its_length_along_the_direction() -> None:
    points, directions = normal(256, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    quantiles = (points @ directions).sort(0).values
    assert diversity.sliced_distance(points, directions, quantiles) == 0
    shifted = points + torch.tensor([3.0, 1.0])
    assert diversity.sliced_distance(shifted, directions, quantiles) == pytest.approx(2.0, rel=1e-5)


def test_copies_lie_closer_to_a_training_example_than_its_neighbours_do() -> None:
    training = torch.tensor([[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]])
    radii = diversity.nearest_other(training)
    made = torch.tensor([[0.1, 0.0], [0.5, 0.0], [7.5, 0.0], [4.0, 4.0]])
    assert diversity.copied_share(diversity.nearest(made, training), radii) == 0.5


def test_clusters_find_separate_groups_and_are_a_function_of_the_generator() -> None:
    groups = torch.cat([normal(50, 2, seed=place) * 0.1 + 10 * place for place in range(4)])
    found = [diversity.cluster(groups, 4, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(found[0], found[1])
    for centers in found:
        assert sorted(round(float(x)) for x in centers[:, 0]) == [0, 10, 20, 30]


def test_features_have_unit_spread_and_images_few_numbers() -> None:
    images = normal(300, 3, 32, 32)
    features = FeatureMap(images, CPU)
    assert features.real.shape == (300, 32)
    assert diversity.spread(features.real) == pytest.approx(1, rel=1e-4)
    assert torch.allclose(features(images), features.real, atol=1e-4)
    points = FeatureMap(7 + 5 * normal(300, 2), CPU)
    assert diversity.spread(points.real) == pytest.approx(1, rel=1e-4)


SYSTEMS: list[dict[str, Any]] = [
    {"dataset": {"kind": "ring"}},
    {"dataset": {"kind": "ring"}, "loss": {"kind": "relativistic"}, "pack": 2},
    {"dataset": {"kind": "digits", "validation_fraction": 0.2}, "conditional": {"kind": "projection"}},
    {"generator": DCGAN, "discriminator": DCGAN_JUDGE, "loss": {"kind": "hinge"}, "ema_decay": 0.9},
    {"discriminator": MLP_JUDGE | {"spectral_norm": True}, "conditional": {"kind": "acgan"}},
]


@pytest.mark.parametrize("patch", SYSTEMS)
def test_being_looked_after_changes_no_number_of_the_training(patch: dict[str, Any]) -> None:
    looked_after, alone = (
        rows(run(job(steps=24, batch_size=16, health=health, **patch)))
        for health in ({"every": 10}, {"enabled": False})
    )
    assert torch.equal(torch.tensor(looked_after), torch.tensor(alone))


@pytest.mark.parametrize("patch", SYSTEMS)
def test_every_system_can_be_examined(patch: dict[str, Any]) -> None:
    spec = job(steps=10, batch_size=16, **patch)
    examiner = Examiner(new_game(spec, load(spec, CPU), CPU))
    first, second = examiner.examine(), examiner.examine()
    assert "movement" not in first.statistics
    assert second.statistics["movement"] == 0
    assert second.fixed_shares == first.fixed_shares
    assert all(math.isfinite(value) for value in second.statistics.values())
    assert sum(first.shares) == pytest.approx(1)
    assert sum(examiner.real_shares) == pytest.approx(1)
    assert ("validation_ratio" in first.statistics) == ("validation_fraction" in patch.get("dataset", {}))
    assert ("copied_share" in first.statistics) == (spec.dataset.kind == "digits")
    assert ("real_sign" in first.statistics) == (spec.loss.kind != "relativistic")


def test_real_data_pass_for_real_and_a_point_does_not() -> None:
    spec = job(dataset={"kind": "ring"}, steps=10)
    data = load(spec, CPU)
    game = new_game(spec, data, CPU)
    game.generator = _Shows(data.reference(256))
    alike = Examiner(game).examine().statistics
    assert alike["spread_ratio"] == pytest.approx(1, rel=0.1)
    assert alike["distance"] < 3 * alike["distance_floor"]
    game.generator = _Shows(torch.zeros(256, 2))
    collapsed = Examiner(game).examine().statistics
    assert collapsed["spread_ratio"] < 1e-6
    assert collapsed["near_duplicate_share"] == 1
    assert collapsed["distance"] > 5 * collapsed["distance_floor"]


class _Shows(torch.nn.Module):
    """A generator that makes the same data from any noise."""

    def __init__(self, data: torch.Tensor) -> None:
        super().__init__()
        self._data = data

    def forward(self, noise: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self._data[: len(noise)]


@pytest.mark.parametrize(("loss", "expected"), [("saturating", 0.5), ("non_saturating", 0.5), ("hinge", 1.0)])
def test_the_logit_gradient_is_that_of_the_loss_form(loss: str, expected: float) -> None:
    spec = job(dataset={"kind": "ring"}, loss={"kind": loss}, steps=10)
    game = new_game(spec, load(spec, CPU), CPU)
    for parameter in game.discriminator.parameters():
        torch.nn.init.zeros_(parameter)  # D(G(z)) = 1/2, where the forms agree
    assert Examiner(game).examine().statistics["logit_gradient"] == pytest.approx(expected)


def test_a_penalty_that_a_rollback_may_add_has_its_column_from_the_start() -> None:
    events = run(job(steps=12, batch_size=16, health={"every": 10, "on_alarm": "rollback"}))
    assert (column(events, "r1_penalty") == 0).all()


@pytest.mark.parametrize("count", [1, 40])
def test_data_that_are_all_alike_are_no_reason_for_an_alarm(tmp_path: Path, count: int) -> None:
    np.savez(tmp_path / "alike.npz", images=np.full((count, 8, 8), 100, np.uint8))
    folders = DataFolders(root=tmp_path, cache=tmp_path / "cache")
    dataset = {"kind": "npz", "path": "alike.npz", "side": 8, "channels": 1}
    spec = job(dataset=dataset, batch_size=1, steps=30, health={"every": 10})
    events = list(train(spec, load(spec, CPU, folders), device=CPU, folders=folders))
    found = [each for event in events if isinstance(event, MetricsBlock) for each in event.assessments]
    assert len(found) == 3
    assert all(math.isfinite(each.reading.statistics["distance"]) for each in found)
    assert {each.report.severity for each in found} == {"ok"}


def test_batch_norm_judges_as_it_does_in_training_and_keeps_its_averages() -> None:
    judge = {"kind": "mlp", "hidden_sizes": [16], "normalization": "batch"}
    spec = job(dataset={"kind": "ring"}, discriminator=judge, steps=10, batch_size=64)
    game = new_game(spec, load(spec, CPU), CPU)
    examiner = Examiner(game)
    before = {name: value.clone() for name, value in game.discriminator.state_dict().items()}
    seen = examiner.examine().statistics["separability"]
    assert all(torch.equal(value, before[name]) for name, value in game.discriminator.state_dict().items())
    assert game.discriminator.training
    # Averages that have nothing to do with the data change nothing of it.
    for name, buffer in game.discriminator.named_buffers():
        if name.endswith("running_mean"):
            buffer.fill_(100.0)
    assert examiner.examine().statistics["separability"] == seen


def test_entropy_of_classes() -> None:
    assert diversity.class_entropy(torch.tensor([0, 1, 2, 3]), 4) == pytest.approx(math.log(4))
    assert diversity.class_entropy(torch.tensor([2, 2, 2]), 4) == 0
