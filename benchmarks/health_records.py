"""Runs that are trained once and kept: what was measured at every step, what each assessment saw, and what really
became of the generator. The diagnosis is a pure function of the readings, so that it can be asked again later."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.health_runs import Run
from benchmarks.health_specs import write_tiny_files
from benchmarks.health_truth import Facts
from benchmarks.health_yardstick import Seen, Watcher
from benchmarks.published_files import write
from models.spec import JobSpec
from models.verdicts import Report
from worker.gan.blocks import NonFiniteLoss
from worker.gan.data import DataFolders, load
from worker.gan.diagnose import Diagnosis
from worker.gan.events import Assessment, CheckpointReady, MetricsBlock
from worker.gan.loop import train
from worker.gan.readings import Reading

# The last is written last: a run that has it is whole.
FACTS_FILE, METRICS_FILE, RECORD_FILE = "facts.npz", "metrics.npz", "record.json"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Record:
    """A run that was trained, in ``folder``."""

    run: Run
    folder: Path

    @cached_property
    def content(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads((self.folder / RECORD_FILE).read_text())
        return held

    @cached_property
    def spec(self) -> JobSpec:
        return JobSpec.model_validate(self.content["spec"])

    @cached_property
    def facts(self) -> Facts:
        return Facts.load(self.folder / FACTS_FILE)

    @cached_property
    def readings(self) -> list[Reading]:
        return [Reading.from_json(reading) for reading in self.content["readings"]]

    @cached_property
    def metrics(self) -> dict[str, npt.NDArray[np.float32]]:
        """Each metric (steps,), from step 1 on."""
        with np.load(self.folder / METRICS_FILE) as kept:
            return dict(zip(kept["names"].tolist(), kept["values"].T, strict=True))

    def reports_then(self) -> list[Report]:
        """What was said as it was trained."""
        return [Report.model_validate(report) for report in self.content["reports"]]

    def reports(self) -> list[Report]:
        """What the diagnosis says of it now."""
        diagnosis = Diagnosis(self.spec)
        return [diagnosis.assess(reading) for reading in self.readings]


def folders_in(out: Path) -> DataFolders:
    """Where the runs' data are, small files of digits among them."""
    root = out / "data"
    if not root.exists():
        write_tiny_files(root)
    return DataFolders(root=root, cache=out / "cache")


def recorded(run: Run, out: Path) -> Record | None:
    """The run, where it is there and of this spec."""
    record = Record(run, out / "runs" / run.name)
    if not (record.folder / RECORD_FILE).exists():
        return None
    return record if record.content["spec"] == run.spec().model_dump(mode="json") else None


def carry_out(run: Run, out: Path) -> str:
    """Train a run and keep it, unless it is there; returns a line that says so."""
    torch.set_num_threads(1)
    if recorded(run, out) is not None:
        return f"{run.name}: is there"
    started = time.monotonic()
    folder = out / "runs" / run.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD_FILE).unlink(missing_ok=True)
    spec, folders = run.spec(), folders_in(out)
    data = load(spec, CPU, folders)
    watcher = Watcher(spec, data)
    seen, blocks, assessments, failed_at = [watcher.look(None)], list[MetricsBlock](), list[Assessment](), None
    try:
        for event in train(spec, data, device=CPU, folders=folders):
            match event:
                case MetricsBlock():
                    blocks.append(event)
                    assessments += event.assessments
                case CheckpointReady():
                    seen.append(watcher.look(event.snapshot))
    except NonFiniteLoss as failure:
        failed_at = failure.step
    _keep(folder, spec, watcher, seen, blocks, assessments, failed_at)
    return f"{run.name}: {time.monotonic() - started:.1f} s"


def _keep(
    folder: Path,
    spec: JobSpec,
    watcher: Watcher,
    seen: Sequence[Seen],
    blocks: Sequence[MetricsBlock],
    assessments: Sequence[Assessment],
    failed_at: int | None,
) -> None:
    Facts.of(spec, seen, watcher.weights, failed_at).save(folder / FACTS_FILE)
    values = np.concatenate([block.values for block in blocks])
    np.savez(folder / METRICS_FILE, names=np.array(blocks[0].names), values=values)
    content = {
        "spec": spec.model_dump(mode="json"),
        "readings": [assessment.reading.to_json() for assessment in assessments],
        "reports": [assessment.report.model_dump(mode="json") for assessment in assessments],
    }
    write(folder / RECORD_FILE, json.dumps(content).encode())


def all_recorded(runs: Sequence[Run], out: Path) -> Iterator[Record]:
    """The runs that are there.

    Raises:
        FileNotFoundError: none is.
    """
    found = [record for run in runs if (record := recorded(run, out)) is not None]
    if not found:
        raise FileNotFoundError(f"no such run in {out}: record them first")
    yield from found
