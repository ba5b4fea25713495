"""The two players and all that a step of the game needs."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.spec import Acgan, JobSpec, Regularizer
from worker.gan.augment import AdaptiveAugmentation, augment
from worker.gan.average import MovingAverage
from worker.gan.controls import Controls
from worker.gan.data import Dataset
from worker.gan.inputs import Batch, FreshInputs, Inputs
from worker.gan.losses import AdversarialLoss
from worker.gan.networks import build_discriminator
from worker.gan.noise import Noise

if TYPE_CHECKING:
    from worker.gan.doctor import Doctor


class Answer(NamedTuple):
    """The discriminator's ``logits`` (batch / pack,), and ``class_logits`` (batch, classes) of an auxiliary classifier;
    never in less than float32."""

    logits: Tensor
    class_logits: Tensor | None


@dataclass
class Game:
    """``step`` is the last one played, 0 before the first; ``best`` is the best value so far of the spec's
    ``best_metric``."""

    spec: JobSpec
    data: Dataset
    noise: Noise
    loss: AdversarialLoss
    generator: nn.Module
    discriminator: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    average: MovingAverage | None
    adaptive: AdaptiveAugmentation | None = None
    step: int = 0
    best: float | None = None
    # Who looks after the game, where the spec has it looked after.
    doctor: "Doctor | None" = None
    inputs: Inputs = field(init=False)
    controls: Controls = field(init=False)
    # Of the spec, which works them out anew whenever it is asked.
    metric_names: tuple[str, ...] = field(init=False)
    penalties: tuple[Regularizer, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.inputs = FreshInputs(self.spec, self.data, self.noise)
        self.controls = Controls(self.spec, self.noise.device)
        self.metric_names = self.spec.metric_names
        self.penalties = self.spec.penalties

    @property
    def classifier(self) -> Acgan | None:
        """The auxiliary classifier that the discriminator has, if it has one."""
        return self.spec.conditional if isinstance(self.spec.conditional, Acgan) else None

    def begin_step(self) -> None:
        """Make everything ready for the next step: what it takes in, who learns, and how fast."""
        self.step += 1
        if self.controls.redraws_discriminator(self.step):
            self._redraw_discriminator()
        self.controls.go_to(self.step, self.generator_optimizer, self.discriminator_optimizer)
        if self.controls.is_pretrained:
            # A player that is held fixed judges or makes each example by itself, and nothing of it changes.
            self.generator.train(self.controls.generator_learns)
            self.discriminator.train(self.controls.discriminator_learns)
        self.inputs.go_to(self.step)

    def _redraw_discriminator(self) -> None:
        fresh = build_discriminator(self.spec, len(self.data.classes) or None, draw=1)
        self.discriminator.load_state_dict(fresh.state_dict())
        self.discriminator_optimizer.state.clear()
        if self.adaptive is not None:
            for counted in self.adaptive.buffers():
                counted.zero_()

    def fake(self, latent: Batch) -> Tensor:
        """Generated data (batch, *shape), float32, from noise (batch, latent_dim) and classes."""
        with self._autocast():
            data: Tensor = self.generator(latent.data, latent.labels)
        return _at_least_float32(data)

    def judge(self, batch: Batch, sub_step: int, place: int) -> Answer:
        """What the discriminator says of data, augmented and packed as the spec has it; ``place`` tells apart the
        batches that one update has judged."""
        data = batch.data
        if self.spec.augmentation is not None:
            uniforms = self.inputs.uniforms(sub_step, place)
            probability = None if self.adaptive is None else self.adaptive.probability
            data = augment(data, uniforms, self.spec.augmentation.policies, probability)
        if self.spec.pack > 1:
            data = packed(data, self.spec.pack)
        with self._autocast():
            answer = self.discriminator(data, batch.labels)
        logits, class_logits = answer if isinstance(answer, tuple) else (answer, None)
        return Answer(_at_least_float32(logits), None if class_logits is None else _at_least_float32(class_logits))

    def _autocast(self) -> AbstractContextManager[object]:
        if self.spec.precision == "float32":
            return nullcontext()
        # One forward pass each: weights that were cast are not kept until they have been updated.
        return torch.autocast(self.noise.device.type, torch.bfloat16)


def packed(data: Tensor, pack: int) -> Tensor:
    """Every ``pack`` examples as one, along the channels or features (Lin et al. 2018, section 2.1)."""
    batch, channels, *rest = data.shape
    return data.reshape(batch // pack, pack * channels, *rest)


def _at_least_float32(values: Tensor) -> Tensor:
    return values.float() if values.dtype == torch.bfloat16 else values
