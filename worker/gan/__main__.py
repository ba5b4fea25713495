"""Train a spec without a server: ``python -m worker.gan spec.yaml``."""

import csv
import json
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TextIO

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.catalogue import LossFacts
from models.spec import JobSpec
from models.specfile import SpecFileError, load_spec
from models.storage import LocalStorage
from models.verdicts import Report
from worker.gan import checkpoint
from worker.gan.blocks import NonFiniteLoss
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import DataFolders, Dataset, DataUnusable, load
from worker.gan.device import DeviceUnavailable, resolve
from worker.gan.evaluate import InceptionUnavailable, MetricUnavailable
from worker.gan.events import (
    Alarmed,
    CheckpointReady,
    Command,
    Evaluated,
    Event,
    Finished,
    MetricsBlock,
    Plateaued,
    SampleReady,
)
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
    """Metrics as CSV, evaluations and health as lines of JSON, samples as PNG and checkpoints as safetensors in one
    folder. A context manager, which closes them."""

    def __init__(self, folder: Path, data: Dataset, names: Sequence[str], resumed_at: int) -> None:
        self._data = data
        self._samples = folder / "samples"
        self._samples.mkdir(parents=True, exist_ok=True)
        self._checkpoints = LocalStorage(folder / "checkpoints")
        self._file = _open_metrics(folder / "metrics.csv", names, resumed_at)
        self._evaluations = folder / "evaluations.ndjson"
        self._health = folder / "health.ndjson"
        for lines in (self._evaluations, self._health):
            _cut_lines(lines, resumed_at)
        self._writer = csv.writer(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, event: Event) -> None:
        match event:
            case MetricsBlock():
                rows = event.values.tolist()
                self._writer.writerows([step, *row] for step, row in enumerate(rows, event.first_step))
                self._file.flush()
                for assessment in event.assessments:
                    report = assessment.report.model_dump(mode="json")
                    line = {"step": assessment.report.step, "report": report, "reading": assessment.reading.to_json()}
                    _append(self._health, line)
            case SampleReady():
                (self._samples / f"{event.step}.png").write_bytes(render(event, self._data).png)
            case Evaluated():
                _append(self._evaluations, {"step": event.step, **event.values})
            case CheckpointReady():
                self._checkpoints.write_folder(str(event.step), checkpoint.to_files(event.snapshot))


def _append(path: Path, line: dict[str, Any]) -> None:
    with path.open("a") as file:
        print(json.dumps(line), file=file)


def _cut_lines(path: Path, resumed_at: int) -> None:
    """Drop what an earlier run said of steps after ``resumed_at``."""
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


@dataclass
class Story:
    """What there is to say of a run at its end: the newest report of its health, and what ended it early."""

    report: Report | None = None
    alarm: Report | None = None
    plateau: Plateaued | None = None


def _follow(training: Generator[Event, Command | None, None], show: Callable[[Event, Story], None]) -> Story:
    """Train to the end, or to what the spec's ``health`` ends it for."""
    story = Story()
    event = next(training)
    while not isinstance(event, Finished):
        answer = None
        match event:
            case MetricsBlock(assessments=(*_, newest)):
                story.report = newest.report
            case Alarmed():
                story.alarm, answer = event.report, Command.STOP_WITH_CHECKPOINT
            case Plateaued():
                story.plateau, answer = event, Command.STOP_WITH_CHECKPOINT
        show(event, story)
        event = training.send(answer)
    return story


def _follow_with_progress(
    training: Generator[Event, Command | None, None], spec: JobSpec, folder: RunFolder, resumed_at: int
) -> Story:
    """Keep everything the run tells, and show how far it has come."""
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=spec.steps, completed=resumed_at)

        def show(event: Event, story: Story) -> None:
            folder.keep(event)
            if isinstance(event, MetricsBlock):
                completed = event.first_step + len(event.values) - 1
                description = _description(event, spec.loss_facts, story.report)
                progress.update(task, completed=completed, description=description)

        return _follow(training, show)


def _description(block: MetricsBlock, facts: LossFacts, report: Report | None) -> str:
    """Both losses and the verdict, for the line of progress."""
    levels = (facts.discriminator_equilibrium, facts.generator_equilibrium)
    d_reading, g_reading = map(_beside, block.values[-1, :2], levels)
    return f"D {d_reading}  G {g_reading}" + (f"  {report.verdict}" if report is not None else "")


def _beside(loss: float, level: float | None) -> str:
    """A loss with its level at equilibrium, where it has one."""
    return f"{loss:.3f}" if level is None else f"{loss:.3f} ({level:.3f})"


def _told(report: Report) -> str:
    """A verdict in one line."""
    return f"{report.verdict} since step {report.since_step} ({report.severity}): {report.sentence}"


def _tell(story: Story, spec: JobSpec) -> None:
    """Say how the run ended.

    Raises:
        SystemExit: an alarm ended it.
    """
    if story.alarm is not None:
        asked = spec.health.on_alarm
        alone = f" To {asked} is up to the service; without it a run stops." if asked != "stop" else ""
        sys.exit(f"error: stopped after step {story.alarm.step}: {_told(story.alarm)}{alone}")
    if story.plateau is not None:
        found = story.plateau
        times = "1 evaluation" if found.evaluations == 1 else f"{found.evaluations} evaluations"
        better = f"{found.metric} has not got better than {found.best:.6g} for {times}"
        typer.echo(f"stopped after step {found.step}: {better}")
    if story.report is not None:
        typer.echo(f"health: {_told(story.report)}")


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
    written = out or Path("runs") / spec_file.stem
    try:
        spec = load_spec(spec_file)
        chosen = resolve(device)
        folders = DataFolders(data_root, data_cache)
        data = load(spec, chosen, folders)
        for problem in data.problems:
            typer.echo(f"left out: {problem.name} ({problem.reason})", err=True)
        snapshot = _resume_point(resume)
        resumed_at = snapshot.step if snapshot else 0
        training = train(spec, data, device=chosen, resume_from=snapshot, folders=folders)
        with RunFolder(written, data, spec.metric_names, resumed_at) as folder:
            story = _follow_with_progress(training, spec, folder, resumed_at)
    except EXPECTED as error:
        sys.exit(f"error: {error}")
    typer.echo(f"wrote {written}")
    _tell(story, spec)


if __name__ == "__main__":
    typer.run(main)
