"""Checkpoints: everything that is needed to go on exactly, as safetensors and JSON. Nothing is pickled."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy
import safetensors
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.optim import Optimizer

from models.spec import JobSpec
from worker.gan.execution import mode_for
from worker.gan.game import Game
from worker.gan.optimizers import state_names

FORMAT = 1
GENERATOR_FILE = "generator.safetensors"
TRAINING_FILE = "training.safetensors"
STATE_FILE = "state.json"
PLAYERS = ("generator", "discriminator")


class CheckpointError(Exception):
    """Files that are no checkpoint, or one that does not fit the run."""


@dataclass(frozen=True)
class Snapshot:
    """A run after ``step``: ``tensors`` on the CPU, shared with nobody, and ``state`` that JSON can hold."""

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def environment(spec: JobSpec, device: torch.device) -> dict[str, str]:
    """What bears on whether the numbers of a spec's run on a device can be repeated: versions, this project's own among
    them, how steps are run, and the hardware.

    Raises:
        execution.ExecutionUnavailable: the spec's ``execution`` cannot be had on ``device``.
    """
    versions = {
        "ganjobs": version("ganjobs"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "safetensors": safetensors.__version__,
        "threads": str(torch.get_num_threads()),
        "execution": mode_for(spec, device),
        "device": device.type,
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }
    if device.type == "cuda":
        versions |= {"cuda": str(torch.version.cuda), "gpu": torch.cuda.get_device_name(device)}
    return versions


def take(game: Game) -> Snapshot:
    """Copy the state of a game to the CPU."""
    tensors: dict[str, Tensor] = {}
    for part, module in _modules(game).items():
        tensors |= {f"{part}/{name}": _copy(value) for name, value in module.state_dict().items()}
    for part in (f"{player}_optimizer" for player in PLAYERS):
        for index, values in getattr(game, part).state_dict()["state"].items():
            tensors |= {f"{part}/{index}/{name}": _copy(value) for name, value in values.items()}
    if game.doctor is not None:
        tensors |= game.doctor.tensors()
    device = next(game.generator.parameters()).device
    state = {
        "format": FORMAT,
        "step": game.step,
        "stream": game.noise.stream,
        "spec": game.spec.model_dump(mode="json"),
        "data_fingerprint": game.data.fingerprint,
        "best": game.best,
        "diagnosis": game.doctor.state() if game.doctor is not None else None,
        "environment": environment(game.spec, device),
    }
    return Snapshot(game.step, tensors, state)


def restore(game: Game, snapshot: Snapshot) -> None:
    """Bring a new game to the state of a snapshot. The snapshot may be of another spec (a fork), as long as its
    networks are the same: learning rates and the like are those of the game's spec. An optimiser of another kind, an
    average or an adaptive augmentation that the snapshot has not begin anew.

    Raises:
        CheckpointError: the snapshot is of other networks, or of data that have changed since.
    """
    earlier = JobSpec.model_validate(snapshot.state["spec"])
    if earlier.dataset == game.spec.dataset and snapshot.state["data_fingerprint"] != game.data.fingerprint:
        raise CheckpointError("the data set has changed since the checkpoint was made")
    try:
        for part, module in _modules(game).items():
            held = _under(snapshot.tensors, part) or (_averaged_anew(snapshot) if part == "average" else None)
            if held is not None or part != "adaptive":
                module.load_state_dict(held or {})
        for player in PLAYERS:
            before, now = (getattr(spec, player).optimizer for spec in (earlier, game.spec))
            if state_names(before) == state_names(now):
                part = f"{player}_optimizer"
                _restore_optimizer(getattr(game, part), _under(snapshot.tensors, part))
    except (RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(f"the checkpoint does not fit the spec: {error}") from error
    game.noise.stream = snapshot.state["stream"]
    game.step = snapshot.step
    # What was said of a game with other data, or by another loss, says nothing here.
    diagnosis = snapshot.state.get("diagnosis")
    if game.doctor is not None and diagnosis and (earlier.dataset, earlier.loss) == (game.spec.dataset, game.spec.loss):
        game.doctor.restore(diagnosis, snapshot.tensors)
    # What was best by another measure, or on other data, says nothing here.
    if (earlier.best_metric, earlier.dataset) == (game.spec.best_metric, game.spec.dataset):
        game.best = snapshot.state.get("best")


def to_files(snapshot: Snapshot) -> dict[str, bytes]:
    """File names and contents. ``generator.safetensors`` is the one to take home: the averaged weights where the spec
    asks for them, ready for ``load_state_dict``."""
    averaged = _under(snapshot.tensors, "average")
    generator = {
        name.removeprefix("module."): value for name, value in averaged.items() if name.startswith("module.")
    } or _under(snapshot.tensors, "generator")
    described = {"step": str(snapshot.step), "spec": json.dumps(snapshot.state["spec"])}
    return {
        GENERATOR_FILE: save(generator, metadata=described),
        TRAINING_FILE: save(snapshot.tensors),
        STATE_FILE: json.dumps(snapshot.state, indent=1).encode(),
    }


def from_files(files: Mapping[str, bytes]) -> Snapshot:
    """The snapshot that ``to_files`` wrote.

    Raises:
        CheckpointError: a file is missing or is not what it should be.
    """
    try:
        state = json.loads(files[STATE_FILE])
        if state["format"] != FORMAT:
            raise CheckpointError(f"checkpoint format {state['format']}, and this version reads {FORMAT}")
        return Snapshot(int(state["step"]), load(files[TRAINING_FILE]), state)
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"not a checkpoint: {type(error).__name__}: {error}") from error


def _modules(game: Game) -> dict[str, torch.nn.Module]:
    modules = {part: getattr(game, part) for part in ("generator", "discriminator", "average", "adaptive")}
    return {part: module for part, module in modules.items() if module is not None}


def _copy(value: Tensor) -> Tensor:
    return value.detach().to("cpu", copy=True).contiguous()


def _under(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``part/``, without it."""
    return {name.removeprefix(f"{part}/"): value for name, value in tensors.items() if name.startswith(f"{part}/")}


def _averaged_anew(snapshot: Snapshot) -> dict[str, Tensor]:
    """The state of an average that begins at the snapshot's generator, for a fork that is the first to ask for one."""
    generator = _under(snapshot.tensors, "generator")
    return {f"module.{name}": value for name, value in generator.items()} | {"n_averaged": torch.tensor(1)}


def _restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Its running means; its settings (learning rate and so on) stay those of the spec."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = value.clone()  # optimisers keep what they are given, and write into it
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
