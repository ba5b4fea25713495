"""How the players use classes, each against its formula written in NumPy, in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.networks import CLASSES, LATENT, TINY, noise_and_labels, players, stirred
from torch import Tensor, nn

from worker.gan.networks import build_discriminator, build_generator
from worker.gan.networks.parts import ConditionalBatchNorm

Array = NDArray[np.float64]


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def array(tensor: Tensor) -> Array:
    values: Array = tensor.detach().double().numpy()
    return values


def last_layer(judge: nn.Module) -> nn.Module:
    """The one that makes a logit of the features."""
    layer: nn.Module = judge.last if hasattr(judge, "last") else judge.layers[-1]  # type: ignore[assignment,index]
    return layer


def features_and_head(kind: str, condition: str, data: Tensor) -> tuple[nn.Module, Array, Array]:
    """A discriminator, its features φ (batch, features) of data, as a hook sees them, and ψ(φ) (batch,) by hand."""
    judge = stirred(build_discriminator(players(kind, conditional=condition), CLASSES).double()).eval()
    last = last_layer(judge)
    seen: list[Tensor] = []
    last.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    judge(data, noise_and_labels()[1])
    features = array(seen[0])
    assert features.ndim == 2
    weight, bias = last.weight, last.bias
    assert isinstance(weight, Tensor)
    logits = features @ array(weight).reshape(-1)
    return judge, features, logits + (array(bias) if isinstance(bias, Tensor) else 0)


@pytest.mark.parametrize("kind", TINY)
def test_a_projection_is_the_formula(kind: str) -> None:
    """f(x, y) = yᵀ V φ(x) + ψ(φ(x)) (Miyato & Koyama 2018, eq. 3), y as a one-hot code."""
    data, labels = torch.randn(6, 1, 8, 8, dtype=torch.float64), noise_and_labels()[1]
    judge, features, logits = features_and_head(kind, "projection", data)
    one_hot = np.eye(CLASSES)[labels.numpy()]
    projected = np.einsum("by,yf,bf->b", one_hot, array(judge.head.layer.weight), features)  # type: ignore[union-attr,arg-type]
    assert np.abs(projected).max() > 1e-6
    np.testing.assert_allclose(array(judge(data, labels)), projected + logits, rtol=1e-9)


@pytest.mark.parametrize("kind", TINY)
def test_an_auxiliary_classifier_looks_at_the_features_that_the_logit_is_made_of(kind: str) -> None:
    """And needs no labels to do so (Odena et al. 2017)."""
    data = torch.randn(6, 1, 8, 8, dtype=torch.float64)
    judge, features, logits = features_and_head(kind, "acgan", data)
    weights, biases = (array(weight) for weight in judge.head.layer.parameters())  # type: ignore[union-attr]
    class_logits = features @ weights.T + biases
    answer = judge(data)
    np.testing.assert_allclose(array(answer[0]), logits, rtol=1e-9)
    np.testing.assert_allclose(array(answer[1]), class_logits, rtol=1e-9)


@pytest.mark.parametrize("kind", TINY)
def test_at_first_the_classes_weigh_no_more_than_the_logit(kind: str) -> None:
    """The vectors of the classes are drawn on the scale of the weights they are added to."""
    judge = build_discriminator(players(kind, 16, conditional="projection"), 64)
    ratio = judge.head.layer.weight.std() / last_layer(judge).weight.std()  # type: ignore[union-attr,operator]
    assert 0.1 < float(ratio.detach()) < 2


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("kind", TINY)
def test_generated_data_depend_on_their_own_class_alone(kind: str, norm: str) -> None:
    options: dict[str, Any] = {} if kind == "r3gan" else {"normalization": norm}
    maker = stirred(build_generator(players(kind, conditional="acgan", **options), CLASSES)).eval()
    noise, labels = noise_and_labels()
    data = maker(noise, labels)
    others = labels.clone()
    others[0] = (labels[0] + 1) % CLASSES
    changed = maker(noise, others)
    assert not torch.allclose(changed[0], data[0])
    torch.testing.assert_close(changed[1:], data[1:])


@pytest.mark.parametrize("kind", ["mlp", "dcgan", "r3gan"])
def test_the_vector_of_the_class_is_appended_to_the_noise(kind: str) -> None:
    options = {} if kind == "r3gan" else {"normalization": "layer"}
    maker = build_generator(players(kind, conditional="acgan", **options), CLASSES)
    seen: list[Tensor] = []
    next(maker.layers.children()).register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))  # type: ignore[union-attr]
    noise, labels = noise_and_labels()
    maker(noise, labels)
    assert maker.embedding is not None
    expected = np.concatenate([noise.numpy(), array(maker.embedding.weight)[labels.numpy()]], 1)
    np.testing.assert_allclose(array(seen[0].flatten(1)), expected)


@pytest.mark.parametrize(("kind", "norms"), [("dcgan", 2), ("resnet", 4)])
def test_the_class_is_in_the_batch_norms_or_else_in_the_noise(kind: str, norms: int) -> None:
    batch, layer = (
        build_generator(players(kind, 16, conditional="acgan", normalization=norm), CLASSES)
        for norm in ("batch", "layer")
    )
    assert [sum(isinstance(each, ConditionalBatchNorm) for each in net.modules()) for net in (batch, layer)] == [
        norms,
        0,
    ]
    assert batch.embedding is None
    assert batch.input_size == LATENT
    assert layer.embedding is not None
    assert layer.input_size == 2 * LATENT


def test_conditional_batch_norm_is_the_formula() -> None:
    """γ_y (x - μ) / √(σ² + ε) + β_y, with μ and σ² of each channel over the batch, all classes together; in evaluation
    those of the training so far."""
    norm = ConditionalBatchNorm(2, CLASSES).double()
    assert torch.equal(norm.gains.weight, torch.ones(CLASSES, 2))
    assert torch.equal(norm.biases.weight, torch.zeros(CLASSES, 2))
    with torch.no_grad():
        norm.gains.weight.normal_()
        norm.biases.weight.normal_()
    maps, labels = torch.randn(6, 2, 3, 3, dtype=torch.float64), noise_and_labels()[1]
    values = array(maps)
    mean, variance = values.mean((0, 2, 3)), values.var((0, 2, 3))
    gains, biases = (array(each.weight)[labels.numpy()][:, :, None, None] for each in (norm.gains, norm.biases))

    def expected(mean: Array, variance: Array) -> Array:
        normal: Array = (values - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
        result: Array = normal * gains + biases
        return result

    np.testing.assert_allclose(array(norm(maps, labels)), expected(mean, variance), rtol=1e-9)
    running = 0.1 * mean, 0.9 + 0.1 * values.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(array(norm.eval()(maps, labels)), expected(*running), rtol=1e-9)
