"""The adversarial losses, each a function of the discriminator's logits, each minimised.

The two halves of the discriminator's loss are summed, never averaged: its equilibrium is 2 ln 2 = 1.386, not 0.693.
What each loss declares of itself (equilibrium, meaning of the logit) is in ``models.catalogue``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus


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


@dataclass(frozen=True)
class AdversarialLoss:
    """The two players' losses: ``discriminator(real_logits, fake_logits)`` and ``generator(fake_logits)``."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


LOSSES: dict[str, AdversarialLoss] = {
    "non_saturating": AdversarialLoss(minimax_discriminator_loss, non_saturating_generator_loss),
    "saturating": AdversarialLoss(minimax_discriminator_loss, saturating_generator_loss),
}
