"""A loop that keeps the engine's promises about assessments, alarms and plateaus, with verdicts by a script: what a
worker makes of them needs no network that fails on command."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.spec import JobSpec
from models.verdicts import VERDICTS, Evidence, Report, Severity, Verdict
from worker.gan import checkpoint
from worker.gan.checkpoint import Snapshot
from worker.gan.data import Dataset
from worker.gan.events import (
    Alarmed,
    Assessment,
    CheckpointReady,
    Command,
    Evaluated,
    Event,
    Finished,
    MetricsBlock,
    Plateaued,
    SampleReady,
    Started,
)
from worker.gan.loop import NonFiniteLoss
from worker.gan.readings import Reading, summarise

Script = Callable[[JobSpec, int, int], Verdict]
Training = Generator[Event, Command | None, None]
EVERY = 10


def assessment(step: int, verdict: Verdict, since: int, signal: str = "finite_losses") -> Assessment:
    """One with everything in it, of the ten steps up to ``step``. ``signal`` says of numbers that are none any more
    what they were."""
    metrics = summarise(("d_loss",), np.linspace(0, 1, EVERY, dtype=np.float32)[:, None])
    statistics = {"coverage": 0.5, "not_taken": float("nan")}
    window = (step - EVERY + 1, step)
    reading = Reading(window, metrics, statistics, shares=(0.25, 0.75))
    severity = VERDICTS[verdict].severity
    seen = Evidence(signal=signal, value=0.0, threshold=0.5, first_step=window[0], last_step=step)
    report = Report(
        step=step,
        verdict=verdict,
        severity=severity,
        confidence=0.75,
        since_step=since,
        sentence=f"It is {verdict.value}.",
        evidence=(seen,) if verdict is Verdict.NON_FINITE else (),
    )
    return Assessment(report, reading)


@dataclass(frozen=True)
class Judged:
    """A script as the engine would tell it: what there are signs of after each step is the verdict once it has been so
    for ``windows`` assessments in a row, of which the first is the first of all."""

    script: Callable[[int], Verdict]
    windows: int

    def verdict(self, step: int) -> tuple[Verdict, int]:
        """The verdict after a step, and the step since when its signs have been there."""
        begun = step
        while begun > EVERY and self.script(begun - EVERY) is self.script(step):
            begun -= EVERY
        if begun == EVERY or step - begun >= (self.windows - 1) * EVERY:
            return self.script(step), begun - EVERY
        return self.verdict(begun - EVERY)

    def severity(self, step: int) -> Severity:
        """That of a checkpoint: of the verdict, unless there are signs of an alarm."""
        there = VERDICTS[self.script(step)].severity
        return there if there == "alarm" else VERDICTS[self.verdict(step)[0]].severity


def scripted(
    script: Script, plateau_at: int | None = None, windows: int = 1, of_samples: bool = False
) -> Callable[..., Training]:
    """A ``train`` that sees, every ten steps, signs of ``script(spec, stream, step)``, which are its verdict once they
    have lasted for so many ``windows``; and which finds after ``plateau_at`` that nothing gets better. Its rows hold
    the generator's learning rate and the stream. Numbers that are none any more are losses, or ``of_samples``."""

    def train(
        spec: JobSpec,
        data: Dataset,
        *,
        device: torch.device,
        resume_from: Snapshot | None,
        stream: int | None = None,
        **_: Any,
    ) -> Training:
        before = resume_from.state if resume_from else {"diagnosis": False, "stream": 0}
        noise: int = before["stream"] if stream is None else stream
        judged = Judged(lambda step: script(spec, noise, step), windows)
        step, acknowledged = resume_from.step if resume_from else 0, before["diagnosis"]
        stop = (yield Started(step, "cpu", "eager", checkpoint.environment(spec, device), 1, 1)) is not None
        if step == 0 and not stop:
            stop = yield from _draw(step, data)
        while step < spec.steps and not stop:
            step += EVERY
            verdict, since = judged.verdict(step)
            if step == EVERY or verdict is not judged.verdict(step - EVERY)[0]:
                acknowledged = False
            values = np.full((EVERY, len(spec.metric_names)), 1, np.float32)
            values[:, :2] = [1e4 * spec.generator.optimizer.learning_rate, float(noise)]
            assessed = assessment(step, verdict, since, "finite_samples" if of_samples else "finite_losses")
            stop = (yield MetricsBlock(step - EVERY + 1, spec.metric_names, values, (assessed,))) is not None
            due = assessed.report.severity == "alarm" and step - since >= spec.health.patience and not acknowledged
            if due and (spec.health.on_alarm != "record"):
                acknowledged = True
                stop |= (yield Alarmed(assessed.report)) is not None
            if verdict is Verdict.NON_FINITE and not of_samples:
                raise NonFiniteLoss(step, ["d_loss"])
            if step == plateau_at:
                stop |= (yield Evaluated(step, {"reverse_kl": 0.5})) is not None
                stop |= (yield Plateaued(step, "reverse_kl", 0.5, 5)) is not None
            if stop or step == spec.steps:
                stop |= yield from _draw(step, data)
            if stop or step % spec.checkpoint_every == 0 or step == spec.steps:
                snapshot = _snapshot(spec, device, step, {"diagnosis": acknowledged, "stream": noise})
                yield CheckpointReady(step, snapshot, None, judged.severity(step))
        yield Finished(step, "completed" if step == spec.steps else "stopped")

    return train


def at_alarms(train: Callable[..., Training], act: Callable[[], object]) -> Callable[..., Training]:
    """``train``, where something is done when an alarm is raised, long enough before the worker hears of the alarm that
    it has heard of that."""

    def disturbed(*arguments: Any, **options: Any) -> Training:
        training = train(*arguments, **options)
        event = next(training)
        while True:
            if isinstance(event, Alarmed):
                act()
                time.sleep(0.5)
            try:
                event = training.send((yield event))
            except StopIteration:
                return

    return disturbed


def _draw(step: int, data: Dataset) -> Generator[Event, Command | None, bool]:
    return (yield SampleReady(step, np.zeros((64, *data.shape), np.float32))) is not None


def _snapshot(spec: JobSpec, device: torch.device, step: int, remembered: dict[str, Any]) -> Snapshot:
    state = {
        "format": checkpoint.FORMAT,
        "step": step,
        "spec": spec.model_dump(mode="json"),
        "environment": checkpoint.environment(spec, device),
        "best": None,
    }
    return Snapshot(step, {}, state | remembered)
