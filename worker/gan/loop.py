"""The training loop: a generator of events that trains between them."""

from collections.abc import Generator
from dataclasses import replace

import torch

from models.catalogue import EVALUATIONS
from models.spec import JobSpec
from worker.gan import checkpoint
from worker.gan.augment import AdaptiveAugmentation
from worker.gan.average import MovingAverage
from worker.gan.blocks import Block, NonFiniteLoss
from worker.gan.checkpoint import Snapshot
from worker.gan.data import DataFolders, Dataset
from worker.gan.doctor import Doctor
from worker.gan.drawing import Exhibit, draw_sample
from worker.gan.evaluate import Evaluator
from worker.gan.events import Alarmed, Best, CheckpointReady, Command, Evaluated, Event, Finished, Started
from worker.gan.execution import Mode, mode_for, prepare
from worker.gan.game import Game
from worker.gan.losses import LOSSES
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.noise import Noise
from worker.gan.optimizers import build_optimizer

__all__ = ["NonFiniteLoss", "new_game", "train"]

# A block goes out when it is full or this old: the consumer gets control at least that often, or once a step. Storing
# one takes some 3 ms of Python beside the training thread, however many rows it has: the fewer, the better.
BLOCK_STEPS = 1024
BLOCK_SECONDS = 0.5


def train(
    spec: JobSpec,
    data: Dataset,
    *,
    device: torch.device,
    resume_from: Snapshot | None = None,
    folders: DataFolders | None = None,
    stream: int | None = None,
    block_steps: int = BLOCK_STEPS,
    block_seconds: float = BLOCK_SECONDS,
) -> Generator[Event, Command | None, None]:
    """Train ``spec`` on ``data``, from the start or exactly from where ``resume_from`` was taken. What evaluations need
    beside the data is kept under ``folders``. ``stream`` of noise is that of ``resume_from``, or 0, if it is not given.

    Metrics come in blocks whose bounds change no number. Samples come at step 0, every ``sample_every`` steps and at
    the last; evaluations every ``evaluate_every`` and checkpoints every ``checkpoint_every`` steps, and at the last;
    besides, a checkpoint of the best generator so far. Assessments of the game's health come with the blocks, and one
    that has news ends its block. Sending ``STOP_WITH_CHECKPOINT`` in answer to a block, or to what calls for it
    (``Alarmed``, ``Plateaued``), ends the run after a sample and a checkpoint of its last step; in answer to another
    event, at once.

    Raises:
        NonFiniteLoss: after the block that ends with the step concerned, and before any checkpoint of it.
        checkpoint.CheckpointError: ``resume_from`` does not fit the spec or the data.
        execution.ExecutionUnavailable: the spec's ``execution`` cannot be had on ``device``.
    """
    game = new_game(spec, data, device)
    game.doctor = doctor = Doctor(game) if spec.health.enabled else None
    if resume_from is not None:
        checkpoint.restore(game, resume_from)
    if stream is not None:
        game.noise.stream = stream
    mode = mode_for(spec, device)
    play = prepare(game, mode)
    block = Block(spec.metric_names, device, block_steps, block_seconds, doctor.observe if doctor else lambda _: None)
    stopping = (yield _started(game, device, mode)) is not None
    evaluator = Evaluator(spec, data, device, folders or DataFolders()) if spec.evaluate_every else None
    if game.step == 0:
        stopping |= (yield draw_sample(game)) is not None

    while game.step < spec.steps and not stopping:
        block.add(game.step + 1, play())
        sample_due, evaluation_due, checkpoint_due = (
            _is_due(game, every) for every in (spec.sample_every, spec.evaluate_every, spec.checkpoint_every)
        )
        has_news = doctor is not None and doctor.is_due(game.step) and _assess(game, doctor, block)
        if block.is_due() or sample_due or evaluation_due or checkpoint_due or has_news:
            stopping |= yield from _hand_over(block, doctor)
        best = None
        if evaluator is not None and evaluation_due:
            best, is_over = yield from _evaluated(game, evaluator)
            stopping |= is_over
        if sample_due or stopping:
            stopping |= (yield draw_sample(game)) is not None
        if checkpoint_due or stopping or best is not None:
            severity = doctor.severity if doctor is not None else None
            stopping |= (yield CheckpointReady(game.step, checkpoint.take(game), best, severity)) is not None

    yield Finished(game.step, "completed" if game.step == spec.steps else "stopped")


def _assess(game: Game, doctor: Doctor, block: Block) -> bool:
    """Have the game looked at after its present step; whether the block should go out for what was found."""
    if not block.show():
        return True  # which ends the run
    doctor.assess(game.step)
    return doctor.has_news


def _evaluated(game: Game, evaluator: Evaluator) -> Generator[Event, Command | None, tuple[Best | None, bool]]:
    """Hand over an evaluation; returns whether it is the best so far, and whether the answer is to stop."""
    evaluated = evaluate(game, evaluator)
    best = note_best(game, evaluated)
    stopping = (yield evaluated) is not None
    if game.doctor is not None and (plateaued := game.doctor.note(evaluated)):
        stopping |= (yield plateaued) is not None
    return best, stopping


def _hand_over(block: Block, doctor: Doctor | None) -> Generator[Event, Command | None, bool]:
    """Hand over the block with what was said of its steps, and an alarm that something is to be done about; returns
    whether the answer is to stop.

    Raises:
        NonFiniteLoss: afterwards, where the block ends with one.
    """
    metrics, failure = block.take()
    if doctor is None:
        stopping = (yield metrics) is not None
    else:
        if failure is not None:
            doctor.conclude_non_finite(failure.step)
        stopping = (yield replace(metrics, assessments=doctor.collect())) is not None
        if call := doctor.take_call():
            stopping |= (yield Alarmed(call)) is not None
    if failure is not None:
        raise failure
    return stopping


def new_game(spec: JobSpec, data: Dataset, device: torch.device) -> Game:
    """Both players before the first step, their weights a function of the seed."""
    classes = len(data.classes) if spec.conditional is not None else None
    generator = build_generator(spec, classes).to(device)
    discriminator = build_discriminator(spec, classes).to(device)
    return Game(
        spec=spec,
        data=data,
        noise=Noise(spec.seed, device=device),
        loss=LOSSES[spec.loss.kind],
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=build_optimizer(spec.generator.optimizer, generator.parameters()),
        discriminator_optimizer=build_optimizer(spec.discriminator.optimizer, discriminator.parameters()),
        average=MovingAverage(generator, spec.ema_decay) if spec.ema_decay is not None else None,
        adaptive=_adaptive(spec, device),
    )


def _adaptive(spec: JobSpec, device: torch.device) -> AdaptiveAugmentation | None:
    boundary = spec.loss_facts.logit_boundary
    if spec.augmentation is None or spec.augmentation.adaptive is None or boundary is None:
        return None
    strength = spec.augmentation.adaptive
    return AdaptiveAugmentation(strength, boundary, spec.batch_size, spec.discriminator_steps).to(device)


def evaluate(game: Game, evaluator: Evaluator) -> Evaluated:
    """Evaluate the generator as it is, against the data and the discriminator as it is; leaves no trace."""
    exhibit = Exhibit(game)
    judge = exhibit.judge if game.spec.pack == 1 else None
    return Evaluated(game.step, evaluator.evaluate(game.step, exhibit.generate, judge))


def note_best(game: Game, evaluated: Evaluated) -> Best | None:
    """Keep in mind the best value so far of the spec's ``best_metric``; returns it where it is this one."""
    metric = game.spec.best_metric
    value = evaluated.values.get(metric) if metric is not None else None
    if metric is None or value is None or value != value:  # a generator that has diverged gives NaN
        return None
    sign = 1 if EVALUATIONS[metric].better == "higher" else -1
    if game.best is not None and sign * value <= sign * game.best:
        return None
    game.best = value
    return Best(metric, value)


def _is_due(game: Game, every: int | None) -> bool:
    return every is not None and (game.step % every == 0 or game.step == game.spec.steps)


def _started(game: Game, device: torch.device, mode: Mode) -> Started:
    return Started(
        step=game.step,
        device=str(device) if device.type == "cpu" else f"{device} ({torch.cuda.get_device_name(device)})",
        execution=mode,
        environment=checkpoint.environment(game.spec, device),
        generator_parameters=sum(parameter.numel() for parameter in game.generator.parameters()),
        discriminator_parameters=sum(parameter.numel() for parameter in game.discriminator.parameters()),
    )
