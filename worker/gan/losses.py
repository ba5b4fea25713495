"""The adversarial losses, each a function of the discriminator's logits, each minimised.

The two halves of the discriminator's loss are summed, never averaged: its equilibrium is 2 ln 2 = 1.386, not 0.693.
Penalties on the discriminator's gradient are not part of a loss here: see ``penalties``. What each loss declares of
itself (equilibrium, meaning of the logit) is in ``models.catalogue``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus


def minimax_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E log σ(D(x)) - E log(1 - σ(D(G(z)))), as softplus so that it never overflows (Goodfellow 2014, eq. 1).

    Takes logits of shape (batch,); returns a scalar in nats.
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def non_saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """-E log σ(D(G(z))) (Goodfellow 2014, section 3); its gradient by the logit has size 1 - σ(D(G(z)))."""
    return softplus(-fake_logits).mean()


def saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """E log(1 - σ(D(G(z)))) (Goodfellow 2014, eq. 1); its gradient by the logit has size σ(D(G(z)))."""
    return -softplus(fake_logits).mean()


def least_squares_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """½ E (D(x) - 1)² + ½ E D(G(z))² (Mao 2017, eq. 9, a = 0 and b = 1)."""
    return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2


def least_squares_generator_loss(fake_logits: Tensor) -> Tensor:
    """½ E (D(G(z)) - 1)² (Mao 2017, eq. 9, c = 1)."""
    return (fake_logits - 1).square().mean() / 2


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim & Ye 2017; Miyato 2018, eq. 16)."""
    return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()


def wasserstein_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E D(G(z)) - E D(x), the negative of what the critic maximises (Arjovsky 2017, eq. 3)."""
    return fake_logits.mean() - real_logits.mean()


def mean_logit_generator_loss(fake_logits: Tensor) -> Tensor:
    """-E D(G(z)) (Arjovsky 2017, algorithm 1; Miyato 2018, eq. 17)."""
    return -fake_logits.mean()


def relativistic_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E softplus(D(G(z)) - D(x)), the logits in pairs (Jolicoeur-Martineau 2018; R3GAN 2024, eq. 2)."""
    return softplus(fake_logits - real_logits).mean()


def relativistic_generator_loss(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """E softplus(D(x) - D(G(z))), the logits in pairs: the discriminator's loss with the two swapped."""
    return softplus(real_logits - fake_logits).mean()


@dataclass(frozen=True)
class AdversarialLoss:
    """The two players' losses: ``discriminator(real_logits, fake_logits)`` and ``generator(fake_logits)``, or
    ``generator(fake_logits, real_logits)`` for a loss that the catalogue calls ``paired``."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]


LOSSES: dict[str, AdversarialLoss] = {
    "non_saturating": AdversarialLoss(minimax_discriminator_loss, non_saturating_generator_loss),
    "saturating": AdversarialLoss(minimax_discriminator_loss, saturating_generator_loss),
    "least_squares": AdversarialLoss(least_squares_discriminator_loss, least_squares_generator_loss),
    "hinge": AdversarialLoss(hinge_discriminator_loss, mean_logit_generator_loss),
    # The weights are clipped after each update, and the gradient penalised: in ``step``, not here.
    "wasserstein": AdversarialLoss(wasserstein_discriminator_loss, mean_logit_generator_loss),
    "wasserstein_gp": AdversarialLoss(wasserstein_discriminator_loss, mean_logit_generator_loss),
    "relativistic": AdversarialLoss(relativistic_discriminator_loss, relativistic_generator_loss),
}
