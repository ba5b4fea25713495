"""What a job made, saved as files."""

from pathlib import Path

from ganjobs import operations
from ganjobs.errors import NothingThere
from ganjobs.rest import Rest
from ganjobs.transfers import write_whole
from ganjobs.watch_client import WatchClient

# The forms of animations by how files of them end.
FORMS = {".gif": "gif", ".webp": "webp", ".png": "apng", ".apng": "apng"}


def save_samples(client: Rest, job_id: str, folder: Path, step: int | None = None) -> list[Path]:
    """Write the samples of a job (or of one step) as ``<job>-step-<step>.png``; returns their paths by step."""
    steps = [step] if step is not None else [int(sample["step"]) for sample in client.samples(job_id)]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in steps:
        path = folder / f"{job_id}-step-{number:08}.png"
        if not path.exists():
            write_whole(path, client.sample(job_id, number))
        paths.append(path)
    return paths


def save_animation(client: WatchClient, job_id: str, path: Path) -> Path:
    """Write a job's samples as one animation, of the form that the file's name ends with (``FORMS``)."""
    content = client.animation(job_id, FORMS[path.suffix.lower()])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return path


def save_generator(client: Rest, job_id: str, folder: Path, best: bool = False) -> Path | None:
    """Download the newest checkpoint's generator, or the ``best`` one's: weights that any program with safetensors can
    load. ``None`` where there is none.

    Raises:
        DownloadDamaged: it is not what the API said that it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return client.run(operations.generator(job_id, folder, best))
    except NothingThere:
        return None
