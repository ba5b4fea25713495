"""SNGAN's residual networks: the paper's table, the blocks written out, and first weights."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, relu

from worker.gan.networks.resnet import (
    DownsamplingBlock,
    ResnetDiscriminatorNetwork,
    ResnetGeneratorNetwork,
    UpsamplingBlock,
)


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def channels(network: nn.Module) -> list[tuple[int, int]]:
    """Inputs and outputs of each block."""
    blocks = [module for module in network.modules() if isinstance(module, UpsamplingBlock | DownsamplingBlock)]
    return [(block.conv1.in_channels, block.conv2.out_channels) for block in blocks]


def test_at_128_pixels_they_are_the_table_of_the_paper() -> None:
    """Miyato et al. 2018, appendix B.4, the networks for ImageNet: 4 x 4 x 1024 and up; 64 channels and down."""
    with torch.device("meta"):
        generator = ResnetGeneratorNetwork(128, 64, (3, 128, 128))
        discriminator = ResnetDiscriminatorNetwork(64, (3, 128, 128))
    assert generator.first.out_features == 4 * 4 * 1024
    assert channels(generator) == [(1024, 1024), (1024, 512), (512, 256), (256, 128), (128, 64)]
    assert (generator.last.in_channels, generator.last.out_channels, generator.last.kernel_size) == (64, 3, (3, 3))
    assert channels(discriminator) == [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1024), (1024, 1024)]
    assert discriminator.last.in_features == 1024


def test_the_number_of_blocks_goes_with_the_side() -> None:
    with torch.device("meta"):
        small = ResnetGeneratorNetwork(8, 4, (1, 8, 8)), ResnetDiscriminatorNetwork(4, (1, 8, 8))
        large = ResnetGeneratorNetwork(8, 4, (1, 256, 256)), ResnetDiscriminatorNetwork(4, (1, 256, 256))
    assert [channels(network) for network in small] == [[(8, 4)], [(1, 4), (4, 4)]]
    assert channels(large[0]) == [(64, 64), (64, 64), (64, 32), (32, 16), (16, 8), (8, 4)]
    assert channels(large[1]) == [(1, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 64), (64, 64)]


def four_of_each(maps: Tensor) -> Tensor:
    return maps.repeat_interleave(2, 2).repeat_interleave(2, 3)


def convolved(layer: nn.Conv2d, maps: Tensor) -> Tensor:
    return conv2d(maps, layer.weight, layer.bias, padding=layer.kernel_size[0] // 2)


def test_an_upsampling_block_is_the_one_of_the_paper() -> None:
    """(batch norm, ReLU, convolution) twice, each pixel made four before the first and, on the shortcut, before the
    1 x 1 convolution."""
    block = UpsamplingBlock(3, 4, "batch").double()
    maps = torch.randn(2, 3, 4, 4, dtype=torch.float64)

    def normalised(maps: Tensor) -> Tensor:
        return batch_norm(maps, None, None, training=True)

    branch = convolved(block.conv1, four_of_each(relu(normalised(maps))))
    branch = convolved(block.conv2, relu(normalised(branch)))
    torch.testing.assert_close(block(maps), branch + convolved(block.shortcut, four_of_each(maps)))


def test_downsampling_blocks_are_those_of_the_paper() -> None:
    """ReLU, convolution, ReLU, convolution, average pooling, and beside it a 1 x 1 convolution before the pooling; in
    the first block no ReLU before the image, in the last neither pooling nor convolution beside."""
    maps = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    first = DownsamplingBlock(3, 5, "none", is_first=True, is_last=False).double()
    branch = convolved(first.conv2, relu(convolved(first.conv1, maps)))
    assert first.shortcut is not None
    torch.testing.assert_close(first(maps), avg_pool2d(branch + convolved(first.shortcut, maps), 2))

    middle = DownsamplingBlock(3, 5, "none", is_first=False, is_last=False).double()
    assert middle.conv1.out_channels == 3
    branch = convolved(middle.conv2, relu(convolved(middle.conv1, relu(maps))))
    assert middle.shortcut is not None
    torch.testing.assert_close(middle(maps), avg_pool2d(branch + convolved(middle.shortcut, maps), 2))

    last = DownsamplingBlock(3, 3, "none", is_first=False, is_last=True).double()
    assert last.shortcut is None
    torch.testing.assert_close(last(maps), maps + convolved(last.conv2, relu(convolved(last.conv1, relu(maps)))))


def test_the_features_are_summed_over_all_pixels() -> None:
    judge = ResnetDiscriminatorNetwork(4, (1, 16, 16)).double()
    data = torch.randn(3, 1, 16, 16, dtype=torch.float64)
    maps = data
    for block in judge.blocks:
        maps = block(maps)
    assert maps.shape == (3, 8, 4, 4)
    torch.testing.assert_close(judge.features(data), maps.relu().flatten(2).sum(2))
    torch.testing.assert_close(judge(data), (judge.features(data) * judge.last.weight).sum(1) + judge.last.bias)


def test_weights_start_as_in_the_code_of_the_authors() -> None:
    """Evenly in ± √(6 / (inputs + outputs)) (Glorot & Bengio 2010, eq. 16), times √2 in the branches; biases at 0."""
    torch.manual_seed(0)
    for network in (ResnetGeneratorNetwork(64, 32, (3, 16, 16), "none"), ResnetDiscriminatorNetwork(32, (3, 16, 16))):
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                area = module.weight[0, 0].numel()
                bound = math.sqrt(6 / (area * (module.weight.shape[0] + module.weight.shape[1])))
                bound *= math.sqrt(2) if name.endswith(("conv1", "conv2")) else 1
                largest = module.weight.abs().max().item()
                assert 0.9 * bound < largest <= bound
                assert module.bias is not None
                assert not module.bias.any()
