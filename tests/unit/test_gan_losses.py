"""Every loss against its formula in float64 NumPy, its gradient, and its equilibrium."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.catalogue import LOSSES as FACTS
from worker.gan.losses import LOSSES

REAL = np.array([-30.0, -2.0, -0.1, 0.0, 0.7, 5.0, 40.0])
FAKE = np.array([-40.0, -3.0, 0.0, 0.2, 1.5, 6.0, 30.0])


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits))


def log_sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.logaddexp(0, -logits)


def leaf(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("kind", ["non_saturating", "saturating"])
def test_the_discriminator_loss_is_the_summed_cross_entropy(kind: str) -> None:
    real, fake = leaf(REAL), leaf(FAKE)
    loss = LOSSES[kind].discriminator(real, fake)
    assert loss.item() == pytest.approx(-log_sigmoid(REAL).mean() - log_sigmoid(-FAKE).mean(), rel=1e-12)
    loss.backward()
    np.testing.assert_allclose(real.grad.numpy(), -(1 - sigmoid(REAL)) / len(REAL), rtol=1e-9, atol=1e-15)  # type: ignore[union-attr]
    np.testing.assert_allclose(fake.grad.numpy(), sigmoid(FAKE) / len(FAKE), rtol=1e-9, atol=1e-15)  # type: ignore[union-attr]


def test_the_non_saturating_generator_loss() -> None:
    fake = leaf(FAKE)
    loss = LOSSES["non_saturating"].generator(fake)
    assert loss.item() == pytest.approx(-log_sigmoid(FAKE).mean(), rel=1e-12)
    loss.backward()
    # Size 1 - D(G(z)): strongest where the discriminator is sure of a fake.
    np.testing.assert_allclose(fake.grad.numpy(), -(1 - sigmoid(FAKE)) / len(FAKE), rtol=1e-9, atol=1e-15)  # type: ignore[union-attr]


def test_the_saturating_generator_loss() -> None:
    fake = leaf(FAKE)
    loss = LOSSES["saturating"].generator(fake)
    assert loss.item() == pytest.approx(log_sigmoid(-FAKE).mean(), rel=1e-12)
    loss.backward()
    # Size D(G(z)): vanishes where the discriminator is sure of a fake.
    np.testing.assert_allclose(fake.grad.numpy(), -sigmoid(FAKE) / len(FAKE), rtol=1e-9, atol=1e-15)  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_the_catalogue_declares_the_equilibrium_that_the_engine_has(kind: str) -> None:
    undecided = torch.zeros(5, dtype=torch.float64)
    d_loss = LOSSES[kind].discriminator(undecided, undecided).item()
    g_loss = LOSSES[kind].generator(undecided).item()
    facts = FACTS[kind]
    assert d_loss == pytest.approx(facts.discriminator_equilibrium)
    assert g_loss == pytest.approx(facts.generator_equilibrium)
    if facts.total_loss_equilibrium is not None:
        assert d_loss + g_loss == pytest.approx(facts.total_loss_equilibrium)


@pytest.mark.parametrize(
    ("kind", "d_loss", "g_loss", "total"),
    [("non_saturating", 1.38629, 0.69315, 2.07944), ("saturating", 1.38629, -0.69315, None)],
)
def test_the_equilibrium_values_of_the_literature(kind: str, d_loss: float, g_loss: float, total: float | None) -> None:
    facts = FACTS[kind]
    assert facts.discriminator_equilibrium == pytest.approx(d_loss, abs=5e-6)
    assert facts.generator_equilibrium == pytest.approx(g_loss, abs=5e-6)
    assert facts.total_loss_equilibrium == (None if total is None else pytest.approx(total, abs=5e-6))


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_huge_logits_stay_finite(kind: str) -> None:
    extreme = torch.tensor([-1e4, 1e4])
    assert torch.isfinite(LOSSES[kind].discriminator(extreme, extreme))
    assert torch.isfinite(LOSSES[kind].generator(extreme))
