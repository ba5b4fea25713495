"""What all networks have in common: shapes, first weights, copies, and that every weight counts."""

import copy
import itertools
from typing import Any

import pytest
import torch
from support.engine import job
from support.networks import CLASSES, LATENT, TINY, noise_and_labels, players, stirred
from torch import Tensor, nn

from models.spec import JobSpec
from worker.gan.average import MovingAverage
from worker.gan.networks import build_discriminator, build_generator

IMAGE_KINDS = ("dcgan", "resnet", "r3gan")
NORMS = ("none", "batch", "layer")
# Every kind with every norm that it can have.
NORMED: list[tuple[str, dict[str, Any]]] = [
    *((kind, {"normalization": norm}) for kind, norm in itertools.product(("mlp", "dcgan", "resnet"), NORMS)),
    ("r3gan", {}),
]
CONDITIONS = (None, "projection", "acgan")


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def both(spec: JobSpec) -> tuple[nn.Module, nn.Module]:
    return build_generator(spec, CLASSES), build_discriminator(spec, CLASSES)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("kind", TINY)
def test_every_kind_fits_every_side(kind: str, side: int, channels: int) -> None:
    generator, discriminator = both(players(kind, side, channels))
    fake = generator(noise_and_labels()[0])
    assert fake.shape == (6, channels, side, side)
    if kind != "r3gan":
        assert fake.abs().max() <= 1
    assert discriminator(fake).shape == (6,)


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_the_largest_side_is_256(kind: str) -> None:
    generator, discriminator = both(players(kind, 256, 3))
    fake = generator(torch.randn(2, LATENT)).detach()
    assert fake.shape == (2, 3, 256, 256)
    assert discriminator(fake).shape == (2,)


def test_an_mlp_makes_points_as_well_and_does_not_bound_them() -> None:
    spec = job(dataset={"kind": "ring"})
    generator, discriminator = build_generator(spec), build_discriminator(spec)
    fake = generator(1000 * torch.randn(64, 4))
    assert fake.abs().max() > 1
    assert fake.shape == (64, 2)
    assert discriminator(fake).shape == (64,)


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_an_image_network_refuses_other_sides(kind: str) -> None:
    spec = players(kind)
    for shape in [(1, 4, 4), (1, 12, 12), (1, 8, 16)]:
        dataset = spec.dataset.model_copy()
        odd = spec.model_copy(update={"dataset": _Shaped(dataset, shape)})
        for build in (build_generator, build_discriminator):
            with pytest.raises(ValueError, match=f"{kind} needs square images whose side is a power of two from 8"):
                build(odd)


class _Shaped:
    """A data set's description with a shape that none can have."""

    def __init__(self, dataset: Any, shape: tuple[int, ...]) -> None:
        self._dataset = dataset
        self.shape = shape

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)


def _loss(answer: Tensor | tuple[Tensor, Tensor], labels: Tensor) -> Tensor:
    logits, class_logits = answer if isinstance(answer, tuple) else (answer, None)
    loss = nn.functional.softplus(-logits).sum()
    return loss if class_logits is None else loss + nn.functional.cross_entropy(class_logits, labels)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize(("kind", "norm"), NORMED)
def test_every_combination_gives_answers_and_every_weight_counts(
    kind: str, norm: dict[str, Any], spectral: bool, condition: str | None
) -> None:
    """In float64, where a gradient that is zero but for rounding is far from one that is not."""
    spec = players(kind, conditional=condition, spectral_norm=spectral, **norm)
    generator, discriminator = (stirred(network.double()) for network in both(spec))
    noise, labels = noise_and_labels(dtype=torch.float64)
    fake = generator(noise, labels)
    answer = discriminator(fake, labels)
    if condition == "acgan":
        assert [part.shape for part in answer] == [(6,), (6, CLASSES)]
    else:
        assert answer.shape == (6,)
    torch.autograd.backward(_loss(answer, labels))
    for network in (generator, discriminator):
        sizes = {
            name: float(weight.grad.abs().max()) if weight.grad is not None else 0.0
            for name, weight in network.named_parameters()
        }
        dead = [name for name, size in sizes.items() if size < 1e-9 * max(sizes.values())]
        assert dead == []


@pytest.mark.parametrize("kind", TINY)
def test_a_pack_is_judged_as_one(kind: str) -> None:
    """Its channels are the network's: what it says depends on every example in it, and on no other."""
    spec = players(kind, channels=3).model_copy(update={"pack": 4})
    judge = stirred(build_discriminator(spec)).eval()
    data = torch.randn(2, 4 * 3, 8, 8)
    logits = judge(data)
    assert logits.shape == (2,)
    for channel in range(12):
        changed = data.clone()
        changed[0, channel] += 1
        assert judge(changed)[0] != logits[0]
        torch.testing.assert_close(judge(changed)[1], logits[1])
    points = job(dataset={"kind": "ring"}, pack=4)
    assert build_discriminator(points)(torch.randn(5, 8)).shape == (5,)


@pytest.mark.parametrize("kind", TINY)
def test_first_weights_are_a_function_of_the_seed_alone(kind: str) -> None:
    spec = players(kind, conditional="projection", spectral_norm=True)
    before = torch.get_rng_state()
    once = [network.state_dict() for network in both(spec)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    again = [network.state_dict() for network in both(spec)]
    other = [network.state_dict() for network in both(spec.model_copy(update={"seed": 2}))]
    torch.set_rng_state(before)
    for mine, same, others in zip(once, again, other, strict=True):
        assert all(torch.equal(mine[name], same[name]) for name in mine)
        drawn = [name for name in mine if name.endswith(("original", "_u", "_v"))]
        assert drawn
        assert not any(torch.equal(mine[name], others[name]) for name in drawn if mine[name].numel() > 1)


def test_a_discriminator_can_be_drawn_anew() -> None:
    spec = players("dcgan")
    first, same, new = (build_discriminator(spec, draw=draw).state_dict() for draw in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["layers.0.weight"], new["layers.0.weight"])


def test_a_class_count_that_only_the_data_can_tell_is_asked_for() -> None:
    spec = players("mlp", conditional="acgan")
    for build in (build_generator, build_discriminator):
        with pytest.raises(ValueError, match="how many classes the data set `npz` has"):
            build(spec)
    known = job(conditional={"kind": "acgan"})
    assert build_discriminator(known)(torch.zeros(2, 1, 8, 8))[1].shape == (2, 10)
    # Without conditions, classes change nothing.
    plain = job()
    one, other = build_generator(plain), build_generator(plain, CLASSES)
    assert one.state_dict().keys() == other.state_dict().keys()


@pytest.mark.parametrize(("kind", "norm"), NORMED)
def test_copies_saved_weights_and_averages_answer_alike(kind: str, norm: dict[str, Any]) -> None:
    spec = players(kind, conditional="projection", spectral_norm=True, **norm)
    noise, labels = noise_and_labels()
    again = spec.model_copy(update={"seed": 9})
    for network, other, data in zip(both(spec), both(again), (noise, torch.randn(6, 1, 8, 8)), strict=True):
        stirred(network)
        average = MovingAverage(network, decay=0.5)
        network(data, labels)  # moves the buffers
        average.update(network)
        kept = {name: value.clone() for name, value in network.state_dict().items()}
        drawing = copy.deepcopy(network).eval()
        expected = drawing(data, labels)
        torch.testing.assert_close(drawing(data, labels), expected, rtol=0, atol=0)
        other.load_state_dict(kept)
        averaged = copy.deepcopy(average.module).eval()
        for same in (other.eval(), averaged):
            torch.testing.assert_close(same(data, labels), expected, rtol=0, atol=0)
        for state in (network.state_dict(), drawing.state_dict()):
            assert all(torch.equal(state[name], kept[name]) for name in kept)


@pytest.mark.parametrize(
    ("kind", "condition"),
    [("mlp", None), ("dcgan", None), ("dcgan", "projection"), ("resnet", "projection"), ("r3gan", "acgan")],
)
def test_a_network_is_one_graph_to_the_compiler(kind: str, condition: str | None) -> None:
    """Nothing in it sends the compiler back to Python. What it would generate is left out, as that takes long."""
    spec = players(kind, conditional=condition)
    noise, labels = noise_and_labels()
    torch.compiler.reset()
    for network, data in zip(both(spec), (noise, torch.randn(6, 1, 8, 8)), strict=True):
        expected = copy.deepcopy(network)(data, labels)
        compiled = torch.compile(network, backend="eager", fullgraph=True, dynamic=False)
        torch.testing.assert_close(compiled(data, labels), expected)
