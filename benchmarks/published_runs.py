"""Runs of the published comparison: what they are, how one is carried out, and how it goes on after a break."""

import json
import platform
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from benchmarks.published_files import CHECKPOINT_FILES, keep, newest, write
from models.spec import JobSpec
from models.specfile import load_spec
from worker.gan.blocks import NonFiniteLoss
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import DataFolders, load
from worker.gan.device import resolve
from worker.gan.events import CheckpointReady, Evaluated, MetricsBlock, SampleReady
from worker.gan.loop import train
from worker.gan.render import render

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
CHECKPOINT_STEPS = 2000
PARTS = 5
TELL_SECONDS = 30
RESULT_FILE, VALUES_FILE, SECONDS_FILE, SAMPLE_FILE = "result.json", "values.json", "seconds", "sample.png"
# In the order in which they are removed: none is left that would be taken for the next run's.
OF_ONE_RUN = (RESULT_FILE, VALUES_FILE, SECONDS_FILE, SAMPLE_FILE, *reversed(CHECKPOINT_FILES))
# Of a spec, what bears on no number of the training: a run that was begun elsewhere may have it otherwise.
LEAVES_NO_TRACE = ("name", "best_metric", "evaluate_every", "sample_every", "checkpoint_every")


@dataclass(frozen=True)
class Run:
    """One training of a recipe, called ``name``, with one seed."""

    name: str
    spec: dict[str, Any]
    seed: int

    def folder(self, out: Path) -> Path:
        return out / f"{self.name}-{self.seed}"

    def resolved(self) -> JobSpec:
        steps = self.spec["steps"]
        every = {"evaluate_every": max(1, steps // PARTS), "checkpoint_every": min(steps, CHECKPOINT_STEPS)}
        return JobSpec.model_validate(self.spec | every | {"seed": self.seed, "sample_every": steps})


def mlp(optimizer: dict[str, Any], hidden: list[int], **more: Any) -> dict[str, Any]:
    return {"kind": "mlp", "hidden_sizes": hidden, "optimizer": optimizer, **more}


def _players(optimizer: dict[str, Any], hidden: list[int], latent_dim: int) -> dict[str, Any]:
    return {"generator": mlp(optimizer, hidden, latent_dim=latent_dim), "discriminator": mlp(optimizer, hidden)}


def _zero_centered(weight: float, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "weight": weight, **more} for kind in ("r1", "r2")]


def mixture_recipes(dataset: str) -> dict[str, dict[str, Any]]:
    """The recipes compared on ``ring`` or ``grid``, by name."""
    plain = _players({"kind": "adam", "learning_rate": 2e-4, "betas": [0.0, 0.99]}, [256, 256], 16)
    critic = _players({"kind": "adam", "learning_rate": 1e-4, "betas": [0.0, 0.9]}, [256, 256], 16)
    fast = {"kind": "adam", "learning_rate": 1e-3, "betas": [0.0, 0.99], "schedule": {"kind": "cosine"}}
    common = {"dataset": {"kind": dataset}, "batch_size": 256}
    short = {"grid": 10_000, "ring": 5_000}[dataset]
    # A penalty on a gradient goes with the square of a length: the ring's radius is a quarter of the grid's.
    annealed = _zero_centered(
        {"grid": 0.3, "ring": 0.02}[dataset], schedule={"kind": "exponential", "final_factor": 0.0003}
    )
    return {
        "non_saturating": common | plain | {"loss": {"kind": "non_saturating"}, "steps": short},
        # A smaller weight than the paper's 10, as in the authors' own code for toy data.
        "wasserstein_gp": common
        | critic
        | {"loss": {"kind": "wasserstein_gp", "penalty_weight": 0.1}, "discriminator_steps": 5, "steps": 3_000},
        "pacgan4": common | plain | {"loss": {"kind": "non_saturating"}, "pack": 4, "steps": short},
        "relativistic_r1_r2": common
        | plain
        | {
            "loss": {"kind": "relativistic"},
            "regularizers": _zero_centered(1.0),
            "steps": {"grid": 20_000, "ring": 5_000}[dataset],
        },
        "annealed_r1_r2": common
        | _players(fast, [256, 256, 256], 2)
        | {
            "loss": {"kind": "non_saturating"},
            "regularizers": annealed,
            "ema_decay": 0.999,
            "steps": {"grid": 30_000, "ring": 15_000}[dataset],
        },
    }


def image_recipes() -> dict[str, dict[str, Any]]:
    """The recipes run on the digits, by name: the demo's, and two that are told the class."""
    demo, acgan = (
        load_spec(EXAMPLES / name).model_dump(mode="json") for name in ("digits.yaml", "odena2017_acgan.yaml")
    )
    return {"dcgan": demo, "dcgan_projection": demo | {"conditional": {"kind": "projection"}}, "acgan": acgan}


def carry_out(run: Run, out: Path, steps: int | None = None) -> dict[str, Any]:
    """Train a run to its end, from its newest checkpoint where it was broken off, and keep its result in a file; a run
    that has one is not trained again. What is there of another spec is thrown away, and the run begun anew.
    ``steps`` cuts it short, for a try.

    Returns:
        The spec, the last evaluation's ``values``, the ``seconds`` it took, what was the matter if it ``failed``, and
        the ``machine`` that ended it.
    """
    torch.set_num_threads(1)
    folder = run.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    cut = Run(run.name, run.spec | {"steps": steps}, run.seed) if steps is not None else run
    spec, called = cut.resolved(), f"{run.name} seed {run.seed}"
    done = result_of(folder, spec)
    if done is not None:
        return done
    begun = _to_go_on_from(folder, spec, called)
    values = json.loads((folder / VALUES_FILE).read_text()) if (folder / VALUES_FILE).exists() else {}
    kept = {"spec": spec.model_dump(mode="json"), "values": values, "failed": None, "machine": machine()}
    try:
        for values in _trained(spec, begun, folder, out / "cache", called):
            kept["values"] = values
    except NonFiniteLoss as failure:
        kept["failed"] = str(failure)
    kept["seconds"] = _spent(folder)
    write(folder / RESULT_FILE, json.dumps(kept, indent=1).encode())
    return kept


def machine() -> dict[str, Any]:
    """What this process trains on: the ``device``'s name, CPU ``threads``, and the version of ``torch``."""
    device = resolve("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} CPU"
    return {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__}


def result_of(folder: Path, spec: JobSpec) -> dict[str, Any] | None:
    """The result in a run's folder, where it is this spec's."""
    if not (folder / RESULT_FILE).exists():
        return None
    kept: dict[str, Any] = json.loads((folder / RESULT_FILE).read_text())
    return kept if same_run(kept["spec"], spec) else None


def same_run(kept: dict[str, Any], spec: JobSpec, apart_from: Collection[str] = ()) -> bool:
    """Whether a spec that was kept is this one. Fields that it lacks, being older, have their default."""
    try:
        earlier = JobSpec.model_validate(kept)
    except ValidationError:
        return False
    left_out = set(apart_from)
    return earlier.model_dump(mode="json", exclude=left_out) == spec.model_dump(mode="json", exclude=left_out)


def _to_go_on_from(folder: Path, spec: JobSpec, called: str) -> Snapshot | None:
    """The folder's checkpoint, where it is of this spec; else the folder is emptied of what an earlier run left."""
    try:
        snapshot = newest(folder)
        if snapshot is not None and same_run(snapshot.state["spec"], spec, LEAVES_NO_TRACE):
            return snapshot
        reason = "it is of another spec, or has no checkpoint"
    except CheckpointError as error:
        reason = str(error)
    if any((folder / name).exists() for name in OF_ONE_RUN):
        print(f"{called}: begins anew, nothing in {folder} is of use to it: {reason}", flush=True)
        for name in OF_ONE_RUN:
            (folder / name).unlink(missing_ok=True)
    return None


def _trained(
    spec: JobSpec, begun: Snapshot | None, folder: Path, cache: Path, called: str
) -> Iterator[dict[str, float]]:
    device = resolve("auto")
    folders = DataFolders(cache=cache)
    data = load(spec, device, folders)
    started, spent, told = time.monotonic(), _spent(folder), 0.0
    for event in train(spec, data, device=device, resume_from=begun, folders=folders):
        match event:
            case MetricsBlock() if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                print(f"{called}: step {event.first_step + len(event.values) - 1:,} of {spec.steps:,}", flush=True)
            case SampleReady() if event.step:
                write(folder / SAMPLE_FILE, render(event, data).png)
            case Evaluated():
                shown = ", ".join(f"{name} {value:.4g}" for name, value in event.values.items())
                print(f"{called}: step {event.step:,}: {shown}", flush=True)
                write(folder / VALUES_FILE, json.dumps(event.values).encode())
                yield event.values
            case CheckpointReady():
                keep(event.snapshot, folder)
                write(folder / SECONDS_FILE, f"{spent + time.monotonic() - started:.1f}".encode())


def _spent(folder: Path) -> float:
    """Seconds of training so far."""
    return float((folder / SECONDS_FILE).read_text()) if (folder / SECONDS_FILE).exists() else 0.0
