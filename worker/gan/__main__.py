"""Train a spec without a server: ``python -m worker.gan spec.yaml``."""

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TextIO

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.specfile import SpecFileError, load_spec
from models.storage import LocalStorage
from worker.gan import checkpoint
from worker.gan.blocks import NonFiniteLoss
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import DataFolders, Dataset, DataUnusable, load
from worker.gan.device import DeviceUnavailable, resolve
from worker.gan.evaluate import InceptionUnavailable, MetricUnavailable
from worker.gan.events import CheckpointReady, Evaluated, Event, MetricsBlock, SampleReady
from worker.gan.execution import ExecutionUnavailable
from worker.gan.loop import train
from worker.gan.render import render

FOLDERS = DataFolders()
EXPECTED = (
    SpecFileError,
    DeviceUnavailable,
    ExecutionUnavailable,
    DataUnusable,
    InceptionUnavailable,
    MetricUnavailable,
    CheckpointError,
    NonFiniteLoss,
    OSError,
)


class RunFolder:
    """Metrics as CSV, evaluations as lines of JSON, samples as PNG and checkpoints as safetensors in one folder."""

    def __init__(self, folder: Path, data: Dataset, names: Sequence[str], resumed_at: int) -> None:
        self._data = data
        self._samples = folder / "samples"
        self._samples.mkdir(parents=True, exist_ok=True)
        self._checkpoints = LocalStorage(folder / "checkpoints")
        self._file = _open_metrics(folder / "metrics.csv", names, resumed_at)
        self._evaluations = folder / "evaluations.ndjson"
        _cut_evaluations(self._evaluations, resumed_at)
        self._writer = csv.writer(self._file)

    def keep(self, event: Event) -> None:
        match event:
            case MetricsBlock():
                rows = event.values.tolist()
                self._writer.writerows([step, *row] for step, row in enumerate(rows, event.first_step))
                self._file.flush()
            case SampleReady():
                (self._samples / f"{event.step}.png").write_bytes(render(event, self._data).png)
            case Evaluated():
                with self._evaluations.open("a") as file:
                    print(json.dumps({"step": event.step, **event.values}), file=file)
            case CheckpointReady():
                self._checkpoints.write_folder(str(event.step), checkpoint.to_files(event.snapshot))


def _cut_evaluations(path: Path, resumed_at: int) -> None:
    """Drop what an earlier run evaluated after ``resumed_at``."""
    lines = path.read_text().splitlines() if resumed_at and path.exists() else []
    path.write_text("".join(f"{line}\n" for line in lines if json.loads(line)["step"] <= resumed_at))


def _open_metrics(path: Path, names: Sequence[str], resumed_at: int) -> TextIO:
    """The file of metrics, holding the rows up to ``resumed_at`` of an earlier run."""
    kept: list[Sequence[str]] = []
    if resumed_at and path.exists():
        with path.open(newline="") as earlier:
            kept = [row for row in csv.reader(earlier) if row[0].isdigit() and int(row[0]) <= resumed_at]
    file = path.open("w", newline="")
    csv.writer(file).writerows([("step", *names), *kept])
    return file


def _beside(loss: float, level: float | None) -> str:
    """A loss with its level at equilibrium, where it has one."""
    return f"{loss:.3f}" if level is None else f"{loss:.3f} ({level:.3f})"


def _resume_point(folder: Path | None) -> Snapshot | None:
    if folder is None:
        return None
    names = (checkpoint.TRAINING_FILE, checkpoint.STATE_FILE)
    return checkpoint.from_files({name: (folder / name).read_bytes() for name in names})


def main(
    spec_file: Annotated[Path, typer.Argument(metavar="SPEC", help="A spec in YAML or JSON.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; runs/<name of the spec file> by default.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[Path | None, typer.Option(help="A checkpoint folder to go on from.")] = None,
    data_root: Annotated[Path, typer.Option(help="Where data sets of your own lie.")] = FOLDERS.root,
    data_cache: Annotated[Path, typer.Option(help="Where decoded images are kept.")] = FOLDERS.cache,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; one is best for small networks.")] = 1,
) -> None:
    """Train a GAN from a spec, with no server and no database."""
    torch.set_num_threads(threads)
    try:
        spec = load_spec(spec_file)
        chosen = resolve(device)
        folders = DataFolders(data_root, data_cache)
        data = load(spec, chosen, folders)
        for problem in data.problems:
            typer.echo(f"left out: {problem.name} ({problem.reason})", err=True)
        snapshot = _resume_point(resume)
        resumed_at = snapshot.step if snapshot else 0
        folder = RunFolder(out or Path("runs") / spec_file.stem, data, spec.metric_names, resumed_at)
        facts = spec.loss_facts
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("training", total=spec.steps, completed=resumed_at)
            for event in train(spec, data, device=chosen, resume_from=snapshot, folders=folders):
                folder.keep(event)
                if isinstance(event, MetricsBlock):
                    d_loss, g_loss = event.values[-1, :2]
                    d_reading = _beside(d_loss, facts.discriminator_equilibrium)
                    g_reading = _beside(g_loss, facts.generator_equilibrium)
                    completed = event.first_step + len(event.values) - 1
                    progress.update(task, completed=completed, description=f"D {d_reading}  G {g_reading}")
    except EXPECTED as error:
        sys.exit(f"error: {error}")
    typer.echo(f"wrote {out or Path('runs') / spec_file.stem}")


if __name__ == "__main__":
    typer.run(main)
