"""Shapes, ranges and first weights of the networks."""

import pytest
import torch

from models.spec import EXAMPLE, JobSpec
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.networks.dcgan import DcganDiscriminatorNetwork, DcganGeneratorNetwork
from worker.gan.networks.mlp import MlpDiscriminatorNetwork, MlpGeneratorNetwork


@pytest.mark.parametrize("side", [8, 16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_dcgan_fits_every_power_of_two(side: int, channels: int) -> None:
    shape = (channels, side, side)
    fake = DcganGeneratorNetwork(7, 4, shape)(torch.randn(2, 7))
    assert fake.shape == (2, *shape)
    assert fake.abs().max() <= 1
    assert DcganDiscriminatorNetwork(4, shape)(fake).shape == (2,)


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 12, 12), (1, 8, 16)])
def test_dcgan_refuses_other_sides(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="power of two from 8"):
        DcganGeneratorNetwork(7, 4, shape)
    with pytest.raises(ValueError, match="power of two from 8"):
        DcganDiscriminatorNetwork(4, shape)


def test_dcgan_weights_start_as_in_the_paper() -> None:
    torch.manual_seed(0)
    network = DcganGeneratorNetwork(100, 64, (3, 64, 64))
    convolutions = [module.weight for module in network.modules() if isinstance(module, torch.nn.ConvTranspose2d)]
    assert len(convolutions) == 5
    for weight in convolutions:
        assert weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_dcgan_computes_its_outer_layers_as_convolutions_do() -> None:
    """As matrix products, which are faster; the same numbers up to rounding, gradients included."""
    torch.manual_seed(0)
    generator, discriminator = DcganGeneratorNetwork(7, 4, (3, 16, 16)), DcganDiscriminatorNetwork(4, (3, 16, 16))
    first, last = generator.layers[0], discriminator.layers[-1]
    assert isinstance(first, torch.nn.ConvTranspose2d)
    assert isinstance(last, torch.nn.Conv2d)
    point = torch.randn(5, 7, 1, 1, requires_grad=True)
    map_of_features = torch.randn(5, *last.weight.shape[1:], requires_grad=True)
    for layer, data, convolution in [
        (first, point, torch.nn.ConvTranspose2d.forward),
        (last, map_of_features, torch.nn.Conv2d.forward),
    ]:
        results = []
        for output in (layer(data), convolution(layer, data)):  # type: ignore[operator]
            gradients = torch.autograd.grad(output.square().sum(), [data, *layer.parameters()])
            results.append([output, *gradients])
        torch.testing.assert_close(*results)


def test_an_mlp_of_points_has_no_bounded_output() -> None:
    torch.manual_seed(0)
    network = MlpGeneratorNetwork(2, [16, 16], (2,))
    assert network(1000 * torch.randn(64, 2)).abs().max() > 1
    assert sum(isinstance(module, torch.nn.Linear) for module in network.modules()) == 3
    assert MlpDiscriminatorNetwork([4], (2,))(torch.zeros(5, 2)).shape == (5,)


def test_first_weights_are_a_function_of_the_seed_alone() -> None:
    spec = JobSpec.model_validate(EXAMPLE)
    before = torch.get_rng_state()
    once = build_generator(spec).state_dict()
    torch.manual_seed(99)
    again = build_generator(spec).state_dict()
    other = build_generator(spec.model_copy(update={"seed": 2})).state_dict()
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not torch.equal(once["layers.0.weight"], other["layers.0.weight"])
    torch.set_rng_state(before)
    build_discriminator(spec)
    assert torch.equal(torch.get_rng_state(), before)
