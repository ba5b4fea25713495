"""R3GAN's networks: sizes of the authors' own, first weights, resampling, and their two ends."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from support.networks import LATENT, noise_and_labels, players, stirred
from torch import nn
from torch.nn.functional import conv2d, interpolate, pad

from worker.gan.networks import build_discriminator, build_generator
from worker.gan.networks.r3gan import Basis, Downsampling, ResidualBlock, Upsampling


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def wide(side: int, **options: Any) -> tuple[nn.Module, nn.Module]:
    """Both players, wide enough for statistics of their weights."""
    spec = players("r3gan", side, 3, **{"base_channels": 64, "blocks_per_stage": 2, "group_channels": 16} | options)
    return build_generator(spec), build_discriminator(spec)


def blocks(network: nn.Module) -> list[ResidualBlock]:
    return [module for module in network.modules() if isinstance(module, ResidualBlock)]


def test_with_the_settings_of_the_authors_they_have_the_sizes_of_theirs() -> None:
    """Their preset for 256 x 256 faces: widths 768 (four times), 384, 192, 96, as many groups as an eighth of that, two
    blocks each, noise of 64, and 23,057,952 and 23,009,568 weights."""
    spec = players("r3gan", 256, 3, base_channels=96, blocks_per_stage=2, group_channels=16)
    spec = spec.model_copy(update={"generator": spec.generator.model_copy(update={"latent_dim": 64})})
    with torch.device("meta"):
        networks = build_generator(spec), build_discriminator(spec)
    assert [sum(weight.numel() for weight in each.parameters()) for each in networks] == [23_057_952, 23_009_568]
    widths = [width for width in (768, 768, 768, 768, 384, 192, 96) for _ in range(2)]
    for network, expected in zip(networks, (widths, widths[::-1]), strict=True):
        assert [block.conv3.out_channels for block in blocks(network)] == expected
        assert [block.conv2.groups for block in blocks(network)] == [width // 8 for width in expected]
        assert {block.conv2.out_channels // block.conv3.out_channels for block in blocks(network)} == {2}


def test_blocks_begin_as_the_identity() -> None:
    for network in wide(16):
        for block in blocks(network):
            maps = torch.randn(2, block.conv3.out_channels, 4, 4)
            assert torch.equal(block(maps), maps)


def test_a_block_is_a_bottleneck_turned_inside_out() -> None:
    """x + W₃ φ(W₂ φ(W₁ x + b₁) + b₂), φ the leaky ReLU, and W₂ one convolution for each group."""
    block = stirred(blocks(wide(8, base_channels=8, group_channels=4, expansion=3)[0])[0]).double()
    assert isinstance(block, ResidualBlock)
    with torch.no_grad():
        block.conv1.bias.normal_()  # type: ignore[union-attr]
        block.conv2.bias.normal_()  # type: ignore[union-attr]
    channels = block.conv3.out_channels
    maps = torch.randn(2, channels, 5, 5, dtype=torch.float64)
    slope = nn.LeakyReLU(0.2)
    assert block.conv1.bias is not None
    inner = slope(torch.einsum("oi,bihw->bohw", block.conv1.weight[:, :, 0, 0], maps) + block.conv1.bias[:, None, None])
    assert inner.shape[1] == 3 * channels
    grouped = [
        conv2d(inner[:, start : start + 4], block.conv2.weight[start : start + 4], padding=1)
        for start in range(0, 3 * channels, 4)
    ]
    assert block.conv2.bias is not None
    inner = slope(torch.cat(grouped, 1) + block.conv2.bias[:, None, None])
    expected = maps + torch.einsum("oi,bihw->bohw", block.conv3.weight[:, :, 0, 0], inner)
    torch.testing.assert_close(block(maps), expected)


def test_first_weights_are_those_of_fix_up() -> None:
    """Standard deviation gain / √inputs: in blocks √(2 / (1 + 0.2²)) L^(-1/4) for L blocks of three layers, elsewhere 1
    (Zhang et al. 2019, section 3; the authors' code)."""
    for network in wide(16):
        block_gain = math.sqrt(2 / 1.04) * len(blocks(network)) ** -0.25
        assert len(blocks(network)) == 6
        for name, weight in network.named_parameters():
            if name.endswith(("bias", "conv3.weight")):
                assert not weight.any()
                continue
            inputs = 1 if name.endswith("maps") else weight[0].numel()
            gain = block_gain if name.endswith(("conv1.weight", "conv2.weight")) else 1
            error = 5 / math.sqrt(2 * weight.numel())  # five standard errors
            assert weight.std().item() == pytest.approx(gain / math.sqrt(inputs), rel=error)


def test_only_what_an_activation_follows_has_a_bias() -> None:
    for network in wide(16):
        biased = [name for name, _ in network.named_parameters() if name.endswith("bias")]
        assert len(biased) == 2 * len(blocks(network))
        assert all(name.endswith(("conv1.bias", "conv2.bias")) for name in biased)


def test_upsampling_is_bilinear_with_zeros_outside() -> None:
    maps = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    larger = Upsampling(3, 3).double()(maps)
    framed = pad(maps, (1, 1, 1, 1))
    expected = interpolate(framed, scale_factor=2, mode="bilinear", align_corners=False)[:, :, 2:-2, 2:-2]
    torch.testing.assert_close(larger, expected)


def test_downsampling_takes_the_means_by_which_upsampling_spreads() -> None:
    """<down(x), y> = <x, up(y)> / 4: the same weights, a quarter in all; a plain area stays what it is."""
    large, small = torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.randn(2, 3, 4, 4, dtype=torch.float64)
    down, up = Downsampling(3, 3).double()(large), Upsampling(3, 3).double()(small)
    torch.testing.assert_close((down * small).sum(), (large * up).sum() / 4)
    plain = Downsampling(3, 3).double()(torch.ones_like(large))
    torch.testing.assert_close(plain[:, :, 1:-1, 1:-1], torch.ones(2, 3, 2, 2, dtype=torch.float64))


def test_channels_change_where_there_are_fewer_pixels() -> None:
    maps = torch.randn(1, 4, 8, 8)
    seen: list[torch.Size] = []
    for layer in (Upsampling(4, 2), Downsampling(4, 6)):
        layer.change.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].shape))
        layer(maps)
    assert [shape[2] for shape in seen] == [8, 4]


def test_the_generator_begins_with_learned_maps_and_the_discriminator_ends_with_them() -> None:
    generator, discriminator = wide(8)
    first = generator.layers[0]  # type: ignore[index]
    assert isinstance(first, Basis)
    noise = noise_and_labels()[0]
    weights = noise.numpy() @ first.linear.weight.detach().numpy().T
    expected = np.einsum("bc,chw->bchw", weights, first.maps.detach().numpy())
    assert first.linear.in_features == LATENT
    np.testing.assert_allclose(first(noise).detach().numpy(), expected, rtol=1e-5)

    data = torch.randn(3, 3, 8, 8)
    maps = data
    *before, basis = discriminator.layers  # type: ignore[misc]
    for layer in before:
        maps = layer(maps)
    features = np.einsum("bchw,chw->bc", maps.detach().numpy(), basis.weight[:, 0].detach().numpy())
    np.testing.assert_allclose(discriminator.features(data).detach().numpy(), features, rtol=1e-3, atol=1e-4)  # type: ignore[operator]
    logits = features @ discriminator.last.weight.detach().numpy()[0]  # type: ignore[union-attr,operator]
    np.testing.assert_allclose(discriminator(data).detach().numpy(), logits, rtol=1e-3, atol=1e-4)
