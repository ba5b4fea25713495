"""Train a spec without a server: ``python -m worker.gan spec.yaml``."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.catalogue import METRIC_NAMES
from models.specfile import SpecFileError, load_spec
from models.storage import LocalStorage
from worker.gan import checkpoint
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import Dataset, load
from worker.gan.device import DeviceUnavailable, resolve
from worker.gan.events import CheckpointReady, Event, MetricsBlock, SampleReady
from worker.gan.execution import ExecutionUnavailable
from worker.gan.loop import NonFiniteLoss, train
from worker.gan.render import render


class RunFolder:
    """Metrics as CSV, samples as PNG and checkpoints as safetensors in one folder."""

    def __init__(self, folder: Path, data: Dataset, resumed_at: int) -> None:
        self._data = data
        self._samples = folder / "samples"
        self._samples.mkdir(parents=True, exist_ok=True)
        self._checkpoints = LocalStorage(folder / "checkpoints")
        self._file = _open_metrics(folder / "metrics.csv", resumed_at)
        self._writer = csv.writer(self._file)

    def keep(self, event: Event) -> None:
        match event:
            case MetricsBlock():
                self._writer.writerows(_csv_rows(event))
                self._file.flush()
            case SampleReady():
                (self._samples / f"{event.step}.png").write_bytes(render(event, self._data).png)
            case CheckpointReady():
                self._checkpoints.write_folder(str(event.step), checkpoint.to_files(event.snapshot))


def _open_metrics(path: Path, resumed_at: int) -> TextIO:
    """The file of metrics, holding the rows up to ``resumed_at`` of an earlier run."""
    kept: list[Sequence[str]] = []
    if resumed_at and path.exists():
        with path.open(newline="") as earlier:
            kept = [row for row in csv.reader(earlier) if row[0].isdigit() and int(row[0]) <= resumed_at]
    file = path.open("w", newline="")
    csv.writer(file).writerows([("step", *METRIC_NAMES), *kept])
    return file


def _csv_rows(block: MetricsBlock) -> list[list[Any]]:
    """A row per step; the columns that the run does not record are empty."""
    rows = (dict(zip(block.names, row, strict=True)) for row in block.values.tolist())
    return [[step, *(row.get(name, "") for name in METRIC_NAMES)] for step, row in enumerate(rows, block.first_step)]


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
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; one is best for small networks.")] = 1,
) -> None:
    """Train a GAN from a spec, with no server and no database."""
    torch.set_num_threads(threads)
    try:
        spec = load_spec(spec_file)
        chosen = resolve(device)
        data = load(spec, chosen)
        snapshot = _resume_point(resume)
        folder = RunFolder(out or Path("runs") / spec_file.stem, data, snapshot.step if snapshot else 0)
        facts = spec.loss_facts
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("training", total=spec.steps, completed=snapshot.step if snapshot else 0)
            for event in train(spec, data, device=chosen, resume_from=snapshot):
                folder.keep(event)
                if isinstance(event, MetricsBlock):
                    d_loss, g_loss = event.values[-1, :2]
                    d_reading = _beside(d_loss, facts.discriminator_equilibrium)
                    g_reading = _beside(g_loss, facts.generator_equilibrium)
                    completed = event.first_step + len(event.values) - 1
                    progress.update(task, completed=completed, description=f"D {d_reading}  G {g_reading}")
    except (SpecFileError, DeviceUnavailable, ExecutionUnavailable, CheckpointError, NonFiniteLoss, OSError) as error:
        sys.exit(f"error: {error}")
    typer.echo(f"wrote {out or Path('runs') / spec_file.stem}")


if __name__ == "__main__":
    typer.run(main)
