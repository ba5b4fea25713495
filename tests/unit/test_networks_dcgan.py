"""DCGAN: first weights, widths, and layers computed as matrix products."""

import pytest
import torch
from torch import nn

from worker.gan.networks.dcgan import DcganDiscriminatorNetwork, DcganGeneratorNetwork


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_weights_start_as_in_the_paper() -> None:
    torch.manual_seed(0)
    network = DcganGeneratorNetwork(100, 64, (3, 64, 64))
    convolutions = [module.weight for module in network.modules() if isinstance(module, nn.ConvTranspose2d)]
    assert len(convolutions) == 5
    for weight in convolutions:
        assert weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_channels_double_with_each_halving_up_to_16_times_the_base() -> None:
    """At 64 x 64, with 128 base channels, the generator of the paper's figure 1."""
    with torch.device("meta"):
        figure_1 = DcganGeneratorNetwork(100, 128, (3, 64, 64))
        generator, discriminator = (
            DcganGeneratorNetwork(8, 4, (3, 256, 256)),
            DcganDiscriminatorNetwork(4, (3, 256, 256)),
        )

    def outputs(network: nn.Module) -> list[int]:
        kinds = (nn.Conv2d, nn.ConvTranspose2d)
        return [module.out_channels for module in network.modules() if isinstance(module, kinds)]

    assert outputs(figure_1) == [1024, 512, 256, 128, 3]
    assert outputs(generator) == [64, 64, 32, 16, 8, 4, 3]
    assert outputs(discriminator) == [4, 8, 16, 32, 64, 64, 1]


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_the_outer_layers_compute_what_convolutions_do(norm: str) -> None:
    """As matrix products, which are faster; the same numbers up to rounding, gradients included."""
    torch.manual_seed(0)
    generator = DcganGeneratorNetwork(7, 4, (3, 16, 16), norm)  # type: ignore[arg-type]
    discriminator = DcganDiscriminatorNetwork(4, (3, 16, 16), norm)  # type: ignore[arg-type]
    first, last = generator.layers[0], discriminator.layers[-1]
    assert isinstance(first, nn.ConvTranspose2d)
    assert isinstance(last, nn.Conv2d)
    assert (first.bias is None) == (norm == "batch")
    point = torch.randn(5, 7, 1, 1, requires_grad=True)
    map_of_features = torch.randn(5, *last.weight.shape[1:], requires_grad=True)
    for layer, data, convolution in [
        (first, point, nn.ConvTranspose2d.forward),
        (last, map_of_features, nn.Conv2d.forward),
    ]:
        results = []
        for output in (layer(data), convolution(layer, data)):  # type: ignore[operator]
            gradients = torch.autograd.grad(output.square().sum(), [data, *layer.parameters()])
            results.append([output, *gradients])
        torch.testing.assert_close(*results)
