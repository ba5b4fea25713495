"""The frozen experiments (Arjovsky & Bottou 2017): what reaches a generator from a discriminator that was trained
alone, and what becomes of a generator that is trained against one that learns no more. All of it is of one seed."""

import json
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.published_files import keep, newest, write
from benchmarks.published_runs import TELL_SECONDS
from benchmarks.published_tables import markdown
from models.spec import JobSpec
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import load
from worker.gan.device import resolve
from worker.gan.events import CheckpointReady, MetricsBlock, SampleReady
from worker.gan.loop import train
from worker.gan.render import image_grid

SEED = 1
EXAMPLES, BATCH = 1797, 64
HIDDEN = [256, 256, 256]
EPOCHS = (1, 10, 25)
ALONE_STEPS = 4000
AGAINST_FROZEN_STEPS = 1000
FORMS = ("saturating", "non_saturating")
RATES = {"adam": 2e-4, "sgd": 1e-2}
SMOOTHED = 50
COLUMNS_FILE = "columns.npz"


def steps_of(epochs: int) -> int:
    """Steps in which the generator sees as many examples as there are in ``epochs`` times the digits."""
    return round(EXAMPLES * epochs / BATCH)


def spec_of(epochs: int, form: str = "non_saturating", optimizer: str = "adam", steps: int = ALONE_STEPS) -> JobSpec:
    """Digits, networks of three hidden layers of 256 as in the reference measurement; the generator trains for
    ``epochs``, then a new discriminator alone for ``steps``, then the generator against it as it is."""
    before = steps_of(epochs)
    generator = {"kind": optimizer, "learning_rate": RATES[optimizer]}
    return JobSpec.model_validate(
        {
            "dataset": {"kind": "digits"},
            "generator": {"kind": "mlp", "hidden_sizes": HIDDEN, "latent_dim": 64, "optimizer": generator},
            "discriminator": {
                "kind": "mlp",
                "hidden_sizes": HIDDEN,
                "optimizer": {"kind": "adam", "learning_rate": RATES["adam"]},
                "pretrain_after": before,
                "pretrain_steps": steps,
                "frozen": True,
            },
            "loss": {"kind": form},
            "steps": before + steps + min(steps, AGAINST_FROZEN_STEPS),
            "batch_size": BATCH,
            "seed": SEED,
            "sample_every": 10_000,
            "checkpoint_every": before + steps,
        }
    )


def experiment(out: Path, steps: int | None = None) -> str:
    """Run all of it, leave the plots in ``out``, and return the tables as Markdown. What is done is kept there too, run
    by run: an experiment that was broken off goes on with the first run that was not done."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    alone_steps = steps or ALONE_STEPS
    alone, judges = {}, {}
    for epochs in EPOCHS:
        spec, before = spec_of(epochs, steps=alone_steps), steps_of(epochs)
        columns, judges[epochs], _ = _kept(out / f"alone-{epochs}", spec, until=before + alone_steps)
        alone[epochs] = {name: values[before:] for name, values in columns.items()}
    judge = judges[EPOCHS[0]]
    against = {
        (form, optimizer): _kept(
            out / f"against-{form}-{optimizer}", spec_of(EPOCHS[0], form, optimizer, alone_steps), resume_from=judge
        )
        for optimizer in RATES
        for form in FORMS
    }
    plot_alone(alone, out / "frozen-generator.png")
    plot_against({key: columns for key, (columns, _, _) in against.items()}, out / "frozen-discriminator.png")
    for (form, optimizer), (_, _, sample) in against.items():
        (out / f"{form}-{optimizer}.png").write_bytes(image_grid(sample).png)
    return f"Seed {SEED} alone.\n\n{table_alone(alone)}\n\n{table_against(against)}"


Played = tuple[dict[str, np.ndarray], Snapshot, np.ndarray]


def _kept(folder: Path, spec: JobSpec, resume_from: Snapshot | None = None, until: int | None = None) -> Played:
    """What ``_played`` returns, from ``folder`` where it was kept there of the very same run."""
    last = until or spec.steps
    origin = resume_from.state["spec"] if resume_from is not None else None
    run = json.dumps([spec.model_dump(mode="json"), origin, last])
    done = _read(folder, run, last)
    if done is not None:
        return done
    columns, snapshot, sample = _played(spec, folder.name, resume_from, until)
    folder.mkdir(exist_ok=True)
    keep(snapshot, folder)
    buffer = BytesIO()
    values = np.stack(list(columns.values()), axis=1)
    np.savez(buffer, run=np.array(run), names=np.array(list(columns)), values=values, sample=sample)
    write(folder / COLUMNS_FILE, buffer.getvalue())
    return columns, snapshot, sample


def _read(folder: Path, run: str, last: int) -> Played | None:
    """What was kept in ``folder``, where it is all there and of this ``run``."""
    if not (folder / COLUMNS_FILE).exists():
        return None
    with np.load(folder / COLUMNS_FILE, allow_pickle=False) as kept:
        if str(kept["run"]) != run:
            return None
        columns = {str(name): column for name, column in zip(kept["names"], kept["values"].T, strict=True)}
        sample = kept["sample"]
    try:
        snapshot = newest(folder)
    except CheckpointError as error:
        print(f"frozen {folder.name}: run again: {error}", flush=True)
        return None
    return (columns, snapshot, sample) if snapshot is not None and snapshot.step == last else None


def _played(spec: JobSpec, called: str, resume_from: Snapshot | None, until: int | None) -> Played:
    """The metrics by name, the last checkpoint and the last sample of a run, or of a run up to a step."""
    device = resolve("auto")
    blocks: list[np.ndarray] = []
    names: tuple[str, ...] = ()
    snapshot, sample = resume_from, np.empty(0, np.float32)
    told = time.monotonic()
    for event in train(spec, load(spec, device), device=device, resume_from=resume_from):
        match event:
            case MetricsBlock():
                blocks.append(event.values)
                names = event.names
                if time.monotonic() - told > TELL_SECONDS:
                    told = time.monotonic()
                    step = event.first_step + len(event.values) - 1
                    print(f"frozen {called}: step {step:,} of {until or spec.steps:,}", flush=True)
            case SampleReady():
                sample = event.values
            case CheckpointReady():
                snapshot = event.snapshot
                if event.step == until:
                    break
    assert snapshot is not None, "every run makes a checkpoint of its last step"
    return dict(zip(names, np.concatenate(blocks).T, strict=True)), snapshot, sample


def smooth(values: np.ndarray) -> np.ndarray:
    """Geometric mean of every ``SMOOTHED`` steps (or of all, where there are fewer)."""
    width = min(SMOOTHED, len(values))
    logs = np.log(np.maximum(values.astype(np.float64), 1e-30))
    smoothed: np.ndarray = np.exp(logs[: len(logs) // width * width].reshape(-1, width).mean(1))
    return smoothed


def table_alone(alone: Mapping[int, Mapping[str, np.ndarray]]) -> str:
    """Both gradients at the start and after the discriminator was trained alone."""
    rows = []
    for epochs, columns in alone.items():
        for form in FORMS:
            norm = columns[f"g_grad_norm_{form}"]
            first, lowest, last = float(norm[0]), float(smooth(norm).min()), float(smooth(norm)[-1])
            orders = np.log10(last / first)
            rows.append([str(epochs), form, f"{first:.2g}", f"{lowest:.2g}", f"{last:.2g}", f"{orders:+.1f}"])
    head = ["epochs of the generator", "form", "first norm", "lowest", "last", "orders of magnitude"]
    return markdown(head, rows)


def table_against(against: Mapping[tuple[str, str], Played]) -> str:
    """What became of the generator against the frozen judge."""
    rows = []
    for (form, optimizer), (columns, _, sample) in against.items():
        spread = float(sample.reshape(len(sample), -1).std(0).mean())
        answers = columns["d_fake"]
        told = [f"{answers[index]:.2g}" for index in (0, min(99, len(answers) - 1), -1)]
        rows.append([form, optimizer, *told, f"{float(columns['g_grad_norm'][0]):.2g}", f"{spread:.3f}"])
    head = ["loss", "optimiser", "D(G(z)) first", "after 100 steps", "last", "first gradient norm", "spread of samples"]
    return markdown(head, rows)


COLOURS: dict[Any, str] = {1: "#3d5a80", 10: "#c77d0a", 25: "#8a2f4b"}


def plot_alone(alone: Mapping[int, Mapping[str, np.ndarray]], path: Path) -> None:
    """Both gradients by step, one line for each age of the generator."""
    figure = Figure(figsize=(9, 3.6), dpi=110, layout="constrained")
    for axes, form in zip(figure.subplots(1, 2, sharey=True), FORMS, strict=True):
        for epochs, columns in alone.items():
            values = smooth(columns[f"g_grad_norm_{form}"])
            steps = np.linspace(0, len(columns["d_loss"]), len(values))
            axes.semilogy(steps, values, color=COLOURS[epochs], label=f"after {epochs} epoch{'s' * (epochs > 1)}")
        axes.set_title(f"{form.replace('_', '-')} loss", fontsize=11)
        axes.set_xlabel("discriminator steps, generator held fixed")
        axes.grid(alpha=0.25)
    figure.axes[0].set_ylabel("generator's gradient norm")
    figure.axes[0].legend(fontsize=9)
    figure.savefig(path)


def plot_against(against: Mapping[tuple[str, str], Mapping[str, np.ndarray]], path: Path) -> None:
    """The frozen discriminator's answers to the generator that is trained against it."""
    figure = Figure(figsize=(9, 3.6), dpi=110, layout="constrained")
    for axes, optimizer in zip(figure.subplots(1, 2, sharey=True), RATES, strict=True):
        for form, colour in zip(FORMS, ("#8a2f4b", "#3d5a80"), strict=True):
            values = against[form, optimizer]["d_fake"]
            axes.plot(np.arange(1, len(values) + 1), values, color=colour, label=form.replace("_", "-"))
        axes.set_title(f"{optimizer.upper() if optimizer == 'sgd' else optimizer.title()}", fontsize=11)
        axes.set_xlabel("generator steps, discriminator frozen")
        axes.grid(alpha=0.25)
    figure.axes[0].set_ylabel("D(G(z))")
    figure.axes[0].legend(fontsize=9)
    figure.savefig(path)
