"""The training loop: a generator of events that trains between them."""

import copy
import time
from collections.abc import Generator

import numpy as np
import torch
from torch.optim import Adam

from models.catalogue import METRIC_NAMES
from models.spec import Adam as AdamSpec
from models.spec import JobSpec
from worker.gan import checkpoint
from worker.gan.average import MovingAverage
from worker.gan.checkpoint import Snapshot
from worker.gan.data import Dataset
from worker.gan.events import CheckpointReady, Command, Event, Finished, MetricsBlock, SampleReady, Started
from worker.gan.execution import Mode, mode_for, prepare
from worker.gan.losses import LOSSES
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.noise import Noise, Purpose
from worker.gan.step import Game

# A block goes out when it is full or this old: the consumer gets control at least that often, or once a step. Storing
# one takes some 3 ms of Python beside the training thread, however many rows it has: the fewer, the better.
BLOCK_STEPS = 1024
BLOCK_SECONDS = 0.5
SAMPLED_IMAGES = 64
SAMPLED_POINTS = 2500
# The first columns of every block.
LOSS_NAMES = ("d_loss", "g_loss")


class NonFiniteLoss(Exception):
    """A loss became NaN or infinite; ``step`` says when and ``names`` which."""

    def __init__(self, step: int, names: list[str]) -> None:
        self.step = step
        self.names = names
        super().__init__(f"{' and '.join(names)} became non-finite at step {step}")


def train(
    spec: JobSpec,
    data: Dataset,
    *,
    device: torch.device,
    resume_from: Snapshot | None = None,
    block_steps: int = BLOCK_STEPS,
    block_seconds: float = BLOCK_SECONDS,
) -> Generator[Event, Command | None, None]:
    """Train ``spec`` on ``data``, from the start or exactly from where ``resume_from`` was taken.

    Metrics come in blocks whose bounds change no number. Samples come at step 0, every ``sample_every`` steps and at
    the last; checkpoints every ``checkpoint_every`` steps and at the last. Sending ``STOP_WITH_CHECKPOINT`` in answer
    to a block ends the run after a sample and a checkpoint of its last step; in answer to another event, at once.

    Raises:
        NonFiniteLoss: after the block that ends with the step concerned, and before any checkpoint of it.
        checkpoint.CheckpointError: ``resume_from`` does not fit the spec or the data.
        execution.ExecutionUnavailable: the spec's ``execution`` cannot be had on ``device``.
    """
    game = new_game(spec, data, device)
    if resume_from is not None:
        checkpoint.restore(game, resume_from)
    mode = mode_for(spec, device)
    play = prepare(game, mode)
    block = _Block(spec.metric_names, device, block_steps, block_seconds)
    stopping = (yield _started(game, device, mode)) is not None
    if game.step == 0:
        stopping |= (yield draw_sample(game)) is not None

    while game.step < spec.steps and not stopping:
        block.add(game.step + 1, play())
        last = game.step == spec.steps
        sample_due = last or game.step % spec.sample_every == 0
        checkpoint_due = last or game.step % spec.checkpoint_every == 0
        if block.is_due() or sample_due or checkpoint_due:
            metrics, failure = block.take()
            stopping |= (yield metrics) is not None
            if failure is not None:
                raise failure
        if sample_due or stopping:
            stopping |= (yield draw_sample(game)) is not None
        if checkpoint_due or stopping:
            stopping |= (yield CheckpointReady(game.step, checkpoint.take(game))) is not None

    yield Finished(game.step, "completed" if game.step == spec.steps else "stopped")


def new_game(spec: JobSpec, data: Dataset, device: torch.device) -> Game:
    """Both players before the first step, their weights a function of the seed."""
    generator = build_generator(spec).to(device)
    discriminator = build_discriminator(spec).to(device)
    return Game(
        spec=spec,
        data=data,
        noise=Noise(spec.seed, device=device),
        loss=LOSSES[spec.loss.kind],
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=_optimizer(spec.generator.optimizer, generator),
        discriminator_optimizer=_optimizer(spec.discriminator.optimizer, discriminator),
        average=MovingAverage(generator, spec.ema_decay) if spec.ema_decay is not None else None,
    )


def draw_sample(game: Game) -> SampleReady:
    """Generated data from the run's fixed noise, by the averaged generator where there is one; leaves no trace."""
    drawing = copy.deepcopy(game.average.module if game.average is not None else game.generator).eval()
    count = SAMPLED_IMAGES if game.spec.dataset_facts.is_image else SAMPLED_POINTS
    with torch.inference_mode():
        noise = game.noise.normal((count, game.spec.generator.latent_dim), Purpose.SAMPLE_NOISE)
        values = drawing(noise).cpu().numpy()
    return SampleReady(game.step, values)


def _optimizer(spec: AdamSpec, player: torch.nn.Module) -> Adam:
    # On a GPU the count of steps, too, must be there for a graph to be captured.
    capturable = next(player.parameters()).is_cuda
    rate, betas, epsilon = spec.learning_rate, spec.betas, spec.epsilon
    return Adam(player.parameters(), lr=rate, betas=betas, eps=epsilon, fused=True, capturable=capturable)


def _started(game: Game, device: torch.device, mode: Mode) -> Started:
    return Started(
        step=game.step,
        device=str(device) if device.type == "cpu" else f"{device} ({torch.cuda.get_device_name(device)})",
        execution=mode,
        environment=checkpoint.environment(game.spec, device),
        generator_parameters=sum(parameter.numel() for parameter in game.generator.parameters()),
        discriminator_parameters=sum(parameter.numel() for parameter in game.discriminator.parameters()),
    )


class _Block:
    """Rows of metrics that stay on the device until the block is taken: one copy for many steps."""

    def __init__(self, names: tuple[str, ...], device: torch.device, steps: int, seconds: float) -> None:
        self._rows = torch.empty(steps, len(METRIC_NAMES), device=device)
        self._count = 0
        self._first_step = 0
        self._seconds = seconds
        self._due_at = 0.0
        self._names = names
        self._columns = [METRIC_NAMES.index(name) for name in names]

    def add(self, step: int, row: torch.Tensor) -> None:
        if self._count == 0:
            self._first_step = step
            self._due_at = time.monotonic() + self._seconds
        self._rows[self._count] = row
        self._count += 1

    def is_due(self) -> bool:
        return self._count == len(self._rows) or (self._count > 0 and time.monotonic() >= self._due_at)

    def take(self) -> tuple[MetricsBlock, NonFiniteLoss | None]:
        """The rows so far, cut after the first one with a non-finite loss, and that failure."""
        values = self._rows[: self._count].cpu().numpy().take(self._columns, axis=1)  # the one wait for the device
        self._count = 0
        bad = ~np.isfinite(values[:, : len(LOSS_NAMES)])
        failure = None
        if bad.any():
            row = int(bad.any(axis=1).argmax())
            values = values[: row + 1]
            names = [name for name, is_bad in zip(LOSS_NAMES, bad[row], strict=True) if is_bad]
            failure = NonFiniteLoss(self._first_step + row, names)
        return MetricsBlock(self._first_step, self._names, values), failure
