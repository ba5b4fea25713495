"""The failing runs once more, with ``on_alarm: rollback``: how many of them it rescues, by the same label.

Which runs count was laid down with them (``Run.can_be_helped``): those that fail by their dynamics, not by something
that no remedy of a spec can change."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.health_judging import labelled
from benchmarks.health_records import CPU, all_recorded, folders_in
from benchmarks.health_report import Form, table
from benchmarks.health_runs import Half, Run, all_runs
from benchmarks.health_truth import FAILURES, Facts, truth_of
from benchmarks.health_yardstick import Seen, Watcher
from benchmarks.published_files import write
from models.spec import JobSpec, remedied, remedies_applied, remedies_of
from models.spec.remedies import told as remedy_told
from models.verdicts import Report
from worker.gan.blocks import NonFiniteLoss
from worker.gan.checkpoint import Snapshot
from worker.gan.data import DataFolders, Dataset, load
from worker.gan.events import Alarmed, CheckpointReady
from worker.gan.loop import train

FOLDER = "rollback"
MOST_ROLLBACKS = 6
VARIANCE_POINTS = 2000
# How long an alarm must have lasted, as a part of the run.
PATIENCE = 0.1
# The remedies are those by default, but for the weight of R1. A penalty on a gradient goes with the square of a length:
# for points, the weight is so much of their total variance.
R1_OF_VARIANCE, R1_ON_IMAGES = 0.3, 1.0


def with_rollback(run: Run) -> JobSpec:
    """The run's spec, with rollbacks and their remedies."""
    plain = run.spec(health={"on_alarm": "rollback"})
    remedies = [remedy.model_dump() for remedy in remedies_of(plain)]
    for remedy in remedies:
        if remedy["kind"] == "add_r1":
            remedy["weight"] = _r1_weight(run)
    patience = round(PATIENCE * run.content["steps"])
    asked = {"on_alarm": "rollback", "patience": patience, "max_rollbacks": MOST_ROLLBACKS, "remedies": remedies}
    return run.spec(health=asked)


def _r1_weight(run: Run) -> float:
    spec = run.spec()
    if spec.dataset.is_image:
        return R1_ON_IMAGES
    points = load(spec, CPU).reference(VARIANCE_POINTS)
    return round(R1_OF_VARIANCE * float(points.var(dim=0).sum()), 2)


def to_be_rescued(out: Path, half: Half, name: str | None) -> list[Run]:
    """The recorded runs of a half that failed by their dynamics.

    Raises:
        FileNotFoundError: none is recorded.
    """
    runs = labelled(list(all_recorded([run for run in all_runs() if run.half == half], out)))
    failing = [each.record.run for each in runs if each.truth.kind in FAILURES and each.record.run.can_be_helped]
    return [run for run in failing if name is None or name in run.name]


@dataclass
class Attempt:
    """One run with rollbacks, as a runner has it: what was seen on the line that it is on, and the newest checkpoint on
    it at which no evidence for an alarm had begun to show, which is always kept."""

    spec: JobSpec
    data: Dataset
    folders: DataFolders
    watcher: Watcher
    seen: list[Seen] = field(default_factory=list)
    healthy: Snapshot | None = None
    rollbacks: list[Report] = field(default_factory=list)
    gave_up: bool = False
    failed_at: int | None = None

    def carry_out(self) -> None:
        while (alarm := self._line()) is not None:
            if len(self.rollbacks) == MOST_ROLLBACKS:
                self.gave_up = True
                return
            self.rollbacks.append(alarm)

    def _line(self) -> Report | None:
        """Train on from the newest healthy checkpoint; returns the alarm that ended it, if one did."""
        begun = self.healthy
        step = begun.step if begun is not None else 0
        self.seen = [*(seen for seen in self.seen if seen.step < step), self.watcher.look(begun)]
        now, stream = remedied(self.spec, len(self.rollbacks))
        line = train(now, self.data, device=CPU, resume_from=begun, folders=self.folders, stream=stream)
        try:
            for event in line:
                match event:
                    case CheckpointReady():
                        self.seen.append(self.watcher.look(event.snapshot))
                        if event.severity != "alarm":
                            self.healthy = event.snapshot
                    case Alarmed():
                        return event.report
        except NonFiniteLoss as failure:
            self.failed_at = failure.step
        finally:
            line.close()
        return None


def carry_out(run: Run, out: Path) -> str:
    """Train a run with rollbacks and keep what became of it, unless that is there; returns a line that says it."""
    torch.set_num_threads(1)
    path = _path(run, out)
    spec = with_rollback(run)
    if (kept := _kept(run, out)) is None:
        folders = folders_in(out)
        data = load(spec, CPU, folders)
        watcher = Watcher(spec, data)
        attempt = Attempt(spec, data, folders, watcher)
        attempt.carry_out()
        truth = truth_of(Facts.of(spec, attempt.seen, watcher.weights, attempt.failed_at))
        remedies = remedies_applied(spec, len(attempt.rollbacks))
        kept = {
            "spec": spec.model_dump(mode="json"),
            "label": truth.kind,
            "gave_up": attempt.gave_up,
            "rollbacks": [
                {"step": report.step, "verdict": report.verdict, "remedy": remedy_told(remedy)}
                for report, remedy in zip(attempt.rollbacks, remedies, strict=True)
            ],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, json.dumps(kept).encode())
    return f"{run.name}: {_became(kept)} after {len(kept['rollbacks'])} rollbacks"


def told(out: Path, runs: Sequence[Run], form: Form) -> str:
    """What became of each, and how many were rescued."""
    rows, rescued, failing = [], 0, 0
    for run in runs:
        kept = _kept(run, out)
        if kept is None:
            continue
        became = _became(kept)
        rescued, failing = rescued + (became == "good"), failing + (became in (*FAILURES, "gave up"))
        said = [f"{each['verdict']} at {each['step']}: {each['remedy']}" for each in kept["rollbacks"]]
        rows.append([run.name, run.made_for, became, "; ".join(said)])
    shown = table(form, ["run", "made for", "became", "rollbacks"], rows)
    return f"{shown}\n\nRescued: {rescued} of {len(rows)}; still failing: {failing}"


def _became(kept: dict[str, Any]) -> str:
    return "gave up" if kept["gave_up"] else str(kept["label"])


def _path(run: Run, out: Path) -> Path:
    return out / FOLDER / f"{run.name}.json"


def _kept(run: Run, out: Path) -> dict[str, Any] | None:
    path = _path(run, out)
    if not path.exists():
        return None
    held: dict[str, Any] = json.loads(path.read_text())
    return held if held["spec"] == with_rollback(run).model_dump(mode="json") else None
