"""One training step on one page: k discriminator updates, then one generator update (Goodfellow 2014, algorithm 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from models.spec import JobSpec
from worker.gan.data import Dataset
from worker.gan.losses import AdversarialLoss
from worker.gan.noise import Noise, Purpose


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
    average: AveragedModel | None
    step: int = 0

    def fake_batch(self, purpose: Purpose, step: int, sub_step: int = 0) -> Tensor:
        """Generated data (batch_size, *shape) from noise that is a function of the arguments."""
        shape = (self.spec.batch_size, self.spec.generator.latent_dim)
        return self.generator(self.noise.normal(shape, purpose, step, sub_step))  # type: ignore[no-any-return]


def play_step(game: Game) -> Tensor:
    """Play the next step; returns its metrics (in the order of ``catalogue.METRIC_NAMES``) as one tensor on the device.

    Nothing here waits for the device: no ``.item()``, no branch on a value.
    """
    game.step += 1
    updates = []
    for sub_step in range(game.spec.discriminator_steps):
        row, fake = discriminator_update(game, game.step, sub_step)
        updates.append(row)
    d_loss, d_real, d_fake, d_real_logit, d_fake_logit, d_grad_norm = torch.stack(updates).mean(0)
    g_loss, g_grad_norm = generator_update(game, game.step, fake)
    if game.average is not None:
        game.average.update_parameters(game.generator)
    total = d_loss + g_loss
    return torch.stack([d_loss, g_loss, total, d_real, d_fake, d_real_logit, d_fake_logit, d_grad_norm, g_grad_norm])


def discriminator_update(game: Game, step: int, sub_step: int) -> tuple[Tensor, Tensor]:
    """Update the discriminator on a fresh real and a fresh fake batch; returns the row [loss, mean σ real, mean σ fake,
    mean logit real, mean logit fake, gradient norm], all from before the update, and the fake batch."""
    real = game.data.batch(step - 1, sub_step)
    # Only a batch that the generator will be updated on needs the generator's graph.
    last = sub_step == game.spec.discriminator_steps - 1
    with torch.set_grad_enabled(last and game.spec.fake_batch == "reused"):
        fake = game.fake_batch(Purpose.DISCRIMINATOR_NOISE, step, sub_step)

    real_logits = game.discriminator(real)
    fake_logits = game.discriminator(fake.detach())
    loss = game.loss.discriminator(real_logits, fake_logits)
    gradient_norm = _update(game.discriminator, game.discriminator_optimizer, loss)

    real_logits, fake_logits = real_logits.detach(), fake_logits.detach()
    probabilities = real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()
    row = torch.stack([loss.detach(), *probabilities, real_logits.mean(), fake_logits.mean(), gradient_norm])
    return row, fake


def generator_update(game: Game, step: int, last_fake: Tensor) -> tuple[Tensor, Tensor]:
    """Update the generator against the discriminator as it now is, on a fresh fake batch or the last one reused;
    returns its loss and gradient norm, both from before the update."""
    reused = game.spec.fake_batch == "reused"
    fake = last_fake if reused else game.fake_batch(Purpose.GENERATOR_NOISE, step)
    loss = game.loss.generator(game.discriminator(fake))
    gradient_norm = _update(game.generator, game.generator_optimizer, loss)
    return loss.detach(), gradient_norm


def _update(player: nn.Module, optimizer: Optimizer, loss: Tensor) -> Tensor:
    """One optimiser step of one player; returns the Euclidean norm of its gradient, before the step."""
    parameters = list(player.parameters())
    optimizer.zero_grad(set_to_none=True)
    # With inputs named, the other player's weights get no gradient and cost no time.
    torch.autograd.backward(loss, inputs=parameters)
    gradient_norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    optimizer.step()
    return gradient_norm
