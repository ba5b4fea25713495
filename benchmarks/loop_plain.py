"""A GAN training loop as one writes it by hand with PyTorch: the yardstick that Ganjobs is measured against.

Algorithm 1 of Goodfellow et al. 2014 with fresh fake batches, on a spec's networks, losses, data and optimiser, as
PyTorch's own DCGAN example has it. It is not made slow: data lie on the device and batches are drawn by index, without
a ``DataLoader``. ``tuned`` gives it what Ganjobs' engine has of refinements too.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch.nn.utils import get_total_norm

from models.spec import Adam, JobSpec
from worker.gan.data.digits import load_images
from worker.gan.data.mixtures import RING
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.networks.dcgan import MapToPoint, PointToMap


class PlainLoop:
    """``step`` trains; with ``metrics`` it also computes what Ganjobs records, and hands it over, unread.

    Where it is ``tuned``, Adam is fused, the generator update computes no gradient that it would throw away, and the
    outer layers of a DCGAN are matrix products. ``images`` (count, channels, height, width) are trained on in place of
    the digits.
    """

    def __init__(
        self,
        spec: JobSpec,
        device: torch.device,
        metrics: bool = False,
        tuned: bool = False,
        images: Tensor | None = None,
    ) -> None:
        torch.manual_seed(spec.seed)
        self.batch_size, self.latent_dim, self.device = spec.batch_size, spec.generator.latent_dim, device
        self.metrics = metrics
        self.generator = build_generator(spec).to(device)
        self.discriminator = build_discriminator(spec).to(device)
        if not tuned:
            make_ordinary(self.generator)
            make_ordinary(self.discriminator)
        g, d, fused = spec.generator.optimizer, spec.discriminator.optimizer, True if tuned else None
        assert isinstance(g, Adam), "the plain loop has Adam alone"
        assert isinstance(d, Adam), "the plain loop has Adam alone"
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), g.learning_rate, g.betas, fused=fused)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), d.learning_rate, d.betas, fused=fused)
        self.g_inputs = list(self.generator.parameters()) if tuned else None
        is_ring = spec.dataset.kind == "ring"
        images = torch.from_numpy(load_images()) if images is None else images
        self.data = (torch.tensor(RING.modes) if is_ring else images).to(device)
        self.spread = RING.standard_deviation if is_ring else 0.0

    def real_batch(self) -> Tensor:
        batch = self.data[torch.randint(len(self.data), (self.batch_size,), device=self.device)]
        return batch + self.spread * torch.randn_like(batch) if self.spread else batch

    def noise(self) -> Tensor:
        return torch.randn(self.batch_size, self.latent_dim, device=self.device)

    def step(self) -> tuple[Tensor, Tensor, list[Tensor]]:
        """One step; returns both losses and, where they are asked for, the other metrics."""
        with torch.no_grad():
            fake = self.generator(self.noise())
        real_logits, fake_logits = self.discriminator(self.real_batch()), self.discriminator(fake)
        d_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        self.d_optimizer.zero_grad()
        d_loss.backward()  # type: ignore[no-untyped-call]
        others = self.discriminator_metrics(real_logits.detach(), fake_logits.detach()) if self.metrics else []
        self.d_optimizer.step()

        g_loss = softplus(-self.discriminator(self.generator(self.noise()))).mean()
        self.g_optimizer.zero_grad()
        g_loss.backward(inputs=self.g_inputs)  # type: ignore[no-untyped-call]
        if self.metrics:
            others += [d_loss.detach() + g_loss.detach(), get_total_norm(gradients(self.generator))]
        self.g_optimizer.step()
        return d_loss.detach(), g_loss.detach(), others

    def discriminator_metrics(self, real_logits: Tensor, fake_logits: Tensor) -> list[Tensor]:
        probabilities = [real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()]
        return [*probabilities, real_logits.mean(), fake_logits.mean(), get_total_norm(gradients(self.discriminator))]


class OrdinaryMapToPoint(torch.nn.Conv2d):
    """The convolution, of maps that the network hands over flat."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.view(len(input), self.in_channels, *self.kernel_size))


def make_ordinary(network: torch.nn.Module) -> None:
    """Give a DCGAN's layers back what they have of torch: convolutions for the outer ones, activations not in place."""
    for module in network.modules():
        if isinstance(module, PointToMap):
            module.__class__ = torch.nn.ConvTranspose2d  # type: ignore[assignment]
        elif isinstance(module, MapToPoint):
            module.__class__ = OrdinaryMapToPoint  # type: ignore[assignment]
        elif isinstance(module, torch.nn.ReLU | torch.nn.LeakyReLU):
            module.inplace = False


def gradients(network: torch.nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
