"""What a job made, saved as files."""

from pathlib import Path

from ganjobs.rest import Rest

GENERATOR_FILE = "generator.safetensors"


def save_samples(client: Rest, job_id: str, folder: Path, step: int | None = None) -> list[Path]:
    """Write the samples of a job (or of one step) as ``<job>-step-<step>.png``; returns their paths by step."""
    steps = [step] if step is not None else [int(sample["step"]) for sample in client.samples(job_id)]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in steps:
        path = folder / f"{job_id}-step-{number:08}.png"
        if not path.exists():
            _write_whole(path, client.sample(job_id, number))
        paths.append(path)
    return paths


def save_generator(client: Rest, job_id: str, folder: Path, best: bool = False) -> Path | None:
    """Download the newest checkpoint's generator, or the ``best`` one's: weights that any program with safetensors can
    load. ``None`` where there is none."""
    for checkpoint in client.checkpoints(job_id):
        if best and not checkpoint["best"]:
            continue
        for file in checkpoint["files"]:
            if file["name"] == GENERATOR_FILE:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{job_id}-step-{checkpoint['step']:08}.safetensors"
                _write_whole(path, client.download(file["url"]))
                return path
    return None


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that is never there in part."""
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
