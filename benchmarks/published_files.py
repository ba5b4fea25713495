"""Files of the published comparison that a break leaves whole: checkpoints in a folder, and all else."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from worker.gan import checkpoint
from worker.gan.checkpoint import CheckpointError, Snapshot

# In the order in which they are written: a set that was broken off has the generator of a newer step than the state's.
CHECKPOINT_FILES = (checkpoint.GENERATOR_FILE, checkpoint.TRAINING_FILE, checkpoint.STATE_FILE)


def newest(folder: Path) -> Snapshot | None:
    """The checkpoint in a folder.

    Raises:
        CheckpointError: its files are not of one checkpoint, or are none.
    """
    if not all((folder / name).exists() for name in CHECKPOINT_FILES):
        return None
    snapshot = checkpoint.from_files({name: (folder / name).read_bytes() for name in CHECKPOINT_FILES})
    for name in (checkpoint.GENERATOR_FILE, checkpoint.TRAINING_FILE):
        try:
            with safe_open(folder / name, "pt") as file:
                described = file.metadata()
        except SafetensorError as error:
            raise CheckpointError(f"{name} is not whole: {error}") from error
        # Checkpoints of earlier versions describe the generator alone.
        if described is not None and described != _described(snapshot):
            raise CheckpointError(f"{name} and {checkpoint.STATE_FILE} are of two checkpoints")
    return snapshot


def keep(snapshot: Snapshot, folder: Path) -> None:
    """Write a checkpoint into a folder, in place of the one there. Every file is there as a whole or not at all, and
    ``newest`` refuses those of two checkpoints."""
    files = checkpoint.to_files(snapshot)
    files[checkpoint.TRAINING_FILE] = save(snapshot.tensors, metadata=_described(snapshot))
    for name in CHECKPOINT_FILES:
        _temporary(folder / name).write_bytes(files[name])
    for name in CHECKPOINT_FILES:
        _temporary(folder / name).replace(folder / name)


def _described(snapshot: Snapshot) -> dict[str, str]:
    """What a checkpoint's files of tensors say of themselves, as in ``checkpoint.to_files``."""
    return {"step": str(snapshot.step), "spec": json.dumps(snapshot.state["spec"])}


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    _temporary(path).write_bytes(content)
    _temporary(path).replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
