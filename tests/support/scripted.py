"""A loop that keeps the engine's promises about assessments, alarms and plateaus, with verdicts by a script: what a
worker makes of them needs no network that fails on command."""

import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import torch

from models.spec import JobSpec
from models.verdicts import VERDICTS, Report, Verdict
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


def assessment(step: int, verdict: Verdict, since: int) -> Assessment:
    """One with everything in it, of the ten steps up to ``step``."""
    metrics = summarise(("d_loss",), np.linspace(0, 1, EVERY, dtype=np.float32)[:, None])
    statistics = {"coverage": 0.5, "not_taken": float("nan")}
    reading = Reading((step - EVERY + 1, step), metrics, statistics, shares=(0.25, 0.75))
    severity = VERDICTS[verdict].severity
    report = Report(
        step=step,
        verdict=verdict,
        severity=severity,
        confidence=0.75,
        since_step=since,
        sentence=f"It is {verdict.value}.",
    )
    return Assessment(report, reading)


def scripted(script: Script, plateau_at: int | None = None) -> Callable[..., Training]:
    """A ``train`` whose verdict, every ten steps, is ``script(spec, stream, step)``, and which finds after
    ``plateau_at`` that nothing gets better. Its rows hold the generator's learning rate and the stream."""

    def train(
        spec: JobSpec, data: Dataset, *, device: torch.device, resume_from: Snapshot | None, stream: int = 0, **_: Any
    ) -> Training:
        step = resume_from.step if resume_from else 0
        since, acknowledged = resume_from.state["diagnosis"] if resume_from else (0, False)
        stop = (yield Started(step, "cpu", "eager", checkpoint.environment(spec, device), 1, 1)) is not None
        if step == 0 and not stop:
            stop = yield from _draw(step, data)
        while step < spec.steps and not stop:
            step += EVERY
            verdict = script(spec, stream, step)
            if step == EVERY or verdict is not script(spec, stream, step - EVERY):
                since, acknowledged = step - EVERY, False
            row = [1e4 * spec.generator.optimizer.learning_rate, float(stream)]
            values = np.full((EVERY, len(spec.metric_names)), 1, np.float32)
            values[:, :2] = row
            assessed = assessment(step, verdict, since)
            block = MetricsBlock(step - EVERY + 1, spec.metric_names, values, (assessed,))
            stop = (yield block) is not None
            due = assessed.report.severity == "alarm" and step - since >= spec.health.patience and not acknowledged
            if due and (spec.health.on_alarm != "record"):
                acknowledged = True
                stop |= (yield Alarmed(assessed.report)) is not None
            if verdict is Verdict.NON_FINITE:
                raise NonFiniteLoss(step, ["d_loss"])
            if step == plateau_at:
                stop |= (yield Evaluated(step, {"reverse_kl": 0.5})) is not None
                stop |= (yield Plateaued(step, "reverse_kl", 0.5, 5)) is not None
            if stop or step == spec.steps:
                stop |= yield from _draw(step, data)
            if stop or step % spec.checkpoint_every == 0 or step == spec.steps:
                yield CheckpointReady(
                    step, _snapshot(spec, device, step, (since, acknowledged)), None, assessed.report.severity
                )
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


def _snapshot(spec: JobSpec, device: torch.device, step: int, diagnosis: tuple[int, bool]) -> Snapshot:
    state = {
        "format": checkpoint.FORMAT,
        "step": step,
        "spec": spec.model_dump(mode="json"),
        "environment": checkpoint.environment(spec, device),
        "diagnosis": list(diagnosis),
        "best": None,
    }
    return Snapshot(step, {}, state)
