"""Spectral norm against NumPy's singular value decomposition, and layer norm against its formula."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.networks import CLASSES, TINY, noise_and_labels, players, stirred
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from worker.gan.networks import build_discriminator, build_generator
from worker.gan.networks.parts import map_norms

WEIGHT_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
FORWARD_PASSES = 60


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def matrix(weight: Tensor, layer: nn.Module) -> NDArray[np.float32]:
    """(outputs, all else), as Miyato et al. 2018, section 2.1, see the weight of a convolution."""
    values: NDArray[np.float32] = weight.detach().numpy()
    if isinstance(layer, nn.ConvTranspose2d):
        values = values.swapaxes(0, 1)
    return values.reshape(len(values), -1)


def built(kind: str, player: str) -> tuple[nn.Module, Tensor, Tensor]:
    """A network under spectral norm, and what it takes in."""
    spec = players(kind, conditional="projection", spectral_norm=True)
    noise, labels = noise_and_labels()
    if player == "generator":
        return build_generator(spec, CLASSES), noise, labels
    return build_discriminator(spec, CLASSES), torch.randn(6, 1, 8, 8), labels


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("kind", TINY)
def test_every_weight_is_divided_by_its_largest_singular_value(kind: str, player: str) -> None:
    network, data, labels = built(kind, player)
    kinds = WEIGHT_LAYERS if player == "generator" else (*WEIGHT_LAYERS, nn.Embedding)
    layers = [module for module in network.modules() if isinstance(module, kinds)]
    assert layers
    assert all(is_parametrized(layer, "weight") for layer in layers)
    with torch.no_grad():
        for _ in range(FORWARD_PASSES):
            network(data, labels)
    network.eval()
    for layer in layers:
        original = matrix(layer.parametrizations.weight.original, layer)  # type: ignore[union-attr,arg-type]
        largest = np.linalg.svd(original, compute_uv=False)[0]
        weight = layer.weight
        assert isinstance(weight, Tensor)
        np.testing.assert_allclose(matrix(weight, layer), original / largest, rtol=0.01, atol=1e-5)
        assert np.linalg.svd(matrix(weight, layer), compute_uv=False)[0] == pytest.approx(1, abs=0.01)


def test_what_a_generator_looks_up_by_class_is_an_input_and_stays_as_it_is() -> None:
    for kind in TINY:
        network = built(kind, "generator")[0]
        looked_up = [module for module in network.modules() if isinstance(module, nn.Embedding)]
        assert looked_up
        assert not any(is_parametrized(module) for module in looked_up)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("kind", TINY)
def test_a_forward_pass_in_training_is_one_round_of_power_iteration(kind: str, player: str) -> None:
    """u = Wv / ‖Wv‖ and then v = Wᵀu / ‖Wᵀu‖ (Miyato et al. 2018, algorithm 1), from those of the pass before; none in
    evaluation."""
    network, data, labels = built(kind, player)
    layers = [module for module in network.modules() if is_parametrized(module, "weight")]

    def vectors() -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        buffers = [dict(layer.named_buffers()) for layer in layers]
        names = [f"parametrizations.weight.0.{name}" for name in ("_u", "_v")]
        return [(each[names[0]].numpy().copy(), each[names[1]].numpy().copy()) for each in buffers]

    first = vectors()
    network.eval()(data, labels)
    for before, after in zip(first, vectors(), strict=True):
        np.testing.assert_array_equal(before[0], after[0])
        np.testing.assert_array_equal(before[1], after[1])
    network.train()(data, labels)
    for layer, (_, v), (u_now, v_now) in zip(layers, first, vectors(), strict=True):
        weights = matrix(layer.parametrizations.weight.original, layer)  # type: ignore[union-attr,arg-type]
        u = weights @ v / np.linalg.norm(weights @ v)
        np.testing.assert_allclose(u_now, u, atol=1e-5)
        np.testing.assert_allclose(v_now, weights.T @ u / np.linalg.norm(weights.T @ u), atol=1e-5)


def test_under_spectral_norm_no_weight_begins_as_zeros() -> None:
    """Zeros have no direction: divided by their norm they would be no numbers."""
    for player in ("generator", "discriminator"):
        network, data, labels = built("r3gan", player)
        assert torch.isfinite(network(data, labels)).all()
        assert not any(name.endswith("original") and not weight.any() for name, weight in network.named_parameters())


# --- layer norm ------------------------------------------------------------------------------------------------------


def test_layer_norm_of_maps_is_the_formula() -> None:
    """(x - μ) / √(σ² + ε), μ and σ² over channels and pixels of each example (Ba et al. 2016, eq. 3), times a gain and
    plus a bias for each channel."""
    (norm,) = map_norms("layer", 3)
    norm.double()
    with torch.no_grad():
        for weight in norm.parameters():
            weight.normal_()
    values = np.random.default_rng(0).normal(2, 3, (4, 3, 5, 5))
    mean, variance = (statistic(values, axis=(1, 2, 3), keepdims=True) for statistic in (np.mean, np.var))
    gain, bias = (weight.detach().numpy()[:, None, None] for weight in norm.parameters())
    expected = gain * (values - mean) / np.sqrt(variance + 1e-5) + bias
    np.testing.assert_allclose(norm(torch.from_numpy(values)).detach().numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["mlp", "dcgan", "resnet"])
def test_layer_norm_judges_each_example_by_itself_and_batch_norm_does_not(kind: str) -> None:
    data = torch.randn(6, 1, 16, 16)
    for norm, is_independent in [("none", True), ("layer", True), ("batch", False)]:
        judge = stirred(build_discriminator(players(kind, 16, normalization=norm)))
        assert torch.allclose(judge(data)[:3], judge(data[:3]), atol=1e-6) == is_independent
        kinds = {type(module) for module in judge.modules()}
        assert bool(kinds & {nn.BatchNorm1d, nn.BatchNorm2d}) == (norm == "batch")
        assert bool(kinds & {nn.LayerNorm, nn.GroupNorm}) == (norm == "layer")
