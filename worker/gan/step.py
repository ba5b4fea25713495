"""One training step on one page: k discriminator updates, then one generator update (Goodfellow 2014, algorithm 1)."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.spec import JobSpec
from worker.gan.average import MovingAverage
from worker.gan.data import Dataset
from worker.gan.inputs import FreshInputs, Inputs
from worker.gan.losses import AdversarialLoss
from worker.gan.noise import Noise


@dataclass
class Game:
    """The two players and all that a step needs; ``step`` is the last one played, 0 before the first."""

    spec: JobSpec
    data: Dataset
    noise: Noise
    loss: AdversarialLoss
    generator: nn.Module
    discriminator: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    average: MovingAverage | None
    step: int = 0
    inputs: Inputs = field(init=False)

    def __post_init__(self) -> None:
        self.inputs = FreshInputs(self.spec, self.data, self.noise)

    def fake(self, noise: Tensor) -> Tensor:
        """Generated data (batch, *shape) from noise (batch, latent)."""
        with self._autocast():
            return self.generator(noise)  # type: ignore[no-any-return]

    def logits(self, data: Tensor) -> Tensor:
        """The discriminator's logits (batch,) of data (batch, *shape), never in less than float32."""
        with self._autocast():
            logits: Tensor = self.discriminator(data)
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    def _autocast(self) -> AbstractContextManager[object]:
        if self.spec.precision == "float32":
            return nullcontext()
        # One forward pass each: weights that were cast are not kept until they have been updated.
        return torch.autocast(self.noise.device.type, torch.bfloat16)


def play_step(game: Game) -> Tensor:
    """Play the next step; returns its metrics (in the order of ``catalogue.METRIC_NAMES``) as one tensor on the device.

    Nothing here waits for the device: no ``.item()``, no branch on a value.
    """
    game.step += 1
    game.inputs.go_to(game.step)
    return update_players(game)


def update_players(game: Game) -> Tensor:
    """What the device does in a step, given its inputs; a CUDA graph holds all of it."""
    updates = []
    for sub_step in range(game.spec.discriminator_steps):
        row, fake = discriminator_update(game, sub_step)
        updates.append(row)
    d_loss, d_real, d_fake, d_real_logit, d_fake_logit, d_grad_norm = torch.stack(updates).mean(0)
    g_loss, g_grad_norm = generator_update(game, fake)
    if game.average is not None:
        game.average.update(game.generator)
    total = d_loss + g_loss
    return torch.stack([d_loss, g_loss, total, d_real, d_fake, d_real_logit, d_fake_logit, d_grad_norm, g_grad_norm])


def discriminator_update(game: Game, sub_step: int) -> tuple[Tensor, Tensor]:
    """Update the discriminator on a fresh real and a fresh fake batch; returns the row [loss, mean σ real, mean σ fake,
    mean logit real, mean logit fake, gradient norm], all from before the update, and the fake batch."""
    real = game.inputs.real(sub_step)
    # Only a batch that the generator will be updated on needs the generator's graph.
    last = sub_step == game.spec.discriminator_steps - 1
    with torch.set_grad_enabled(last and game.spec.fake_batch == "reused"):
        fake = game.fake(game.inputs.discriminator_noise(sub_step))

    real_logits, fake_logits = game.logits(real), game.logits(fake.detach())
    loss = game.loss.discriminator(real_logits, fake_logits)
    gradient_norm = _update(game.discriminator_optimizer, loss)

    logits = torch.stack([real_logits.detach(), fake_logits.detach()])
    means = torch.cat([logits.sigmoid().mean(1), logits.mean(1)])
    return torch.cat([loss.detach()[None], means, gradient_norm[None]]), fake


def generator_update(game: Game, last_fake: Tensor) -> tuple[Tensor, Tensor]:
    """Update the generator against the discriminator as it now is, on a fresh fake batch or the last one reused;
    returns its loss and gradient norm, both from before the update."""
    reused = game.spec.fake_batch == "reused"
    fake = last_fake if reused else game.fake(game.inputs.generator_noise())
    loss = game.loss.generator(game.logits(fake))
    gradient_norm = _update(game.generator_optimizer, loss)
    return loss.detach(), gradient_norm


def _update(optimizer: Optimizer, loss: Tensor) -> Tensor:
    """One optimiser step of the player whose parameters the optimiser holds; returns the Euclidean norm of the
    gradient, before the step."""
    parameters = optimizer.param_groups[0]["params"]
    # With inputs named, the other player's weights get no gradient and cost no time. ``autograd.grad`` would not do:
    # its gradients may be laid out in memory otherwise than their parameters, and fused optimisers do not look.
    torch.autograd.backward(loss, inputs=parameters)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm([each.grad for each in parameters])))
    optimizer.step()
    for parameter in parameters:
        parameter.grad = None
    return norm
