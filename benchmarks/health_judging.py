"""Runs with their labels, and what the diagnosis and the rival say of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import health_rival
from benchmarks.health_records import Record
from benchmarks.health_report import Judged, Said, said_by
from benchmarks.health_rival import Look, Thresholds
from benchmarks.health_truth import BLOB_SHARE, Truth, blob_share, truth_of


@dataclass(frozen=True)
class Labelled:
    """A recorded run and its label; ``blob`` is the part of the run that its kind of data takes to begin with."""

    record: Record
    truth: Truth
    blob: float


def labelled(records: Sequence[Record], like: Sequence[Labelled] = ()) -> list[Labelled]:
    """Each with its label. How long a first blob lasts is taken from the good ones on points and on images among
    ``like``, or among these."""
    known = like or [Labelled(record, truth_of(record.facts), BLOB_SHARE) for record in records]
    blobs = {
        is_image: blob_share(
            [
                each.record.facts
                for each in known
                if each.truth.kind == "good" and each.record.spec.dataset.is_image == is_image
            ]
        )
        for is_image in (False, True)
    }
    return [
        Labelled(record, truth_of(record.facts, blob), blob)
        for record in records
        for blob in [blobs[record.spec.dataset.is_image]]
    ]


def judged_by_diagnosis(runs: Sequence[Labelled]) -> list[Judged]:
    """What the diagnosis says of each now."""
    return [
        Judged(run.record.run.name, run.record.spec.steps, run.truth, said_by(run.record.reports())) for run in runs
    ]


def tuned_rival(runs: Sequence[Labelled]) -> Thresholds:
    """The rival's thresholds, found on these runs."""
    scored = [run for run in runs if run.truth.kind != "between"]
    return health_rival.tuned([_looks(run)[-1] for run in scored], [run.truth.kind for run in scored])


def judged_by_rival(runs: Sequence[Labelled], thresholds: Thresholds) -> list[Judged]:
    """What the rival says after the same steps, and nothing before the time that a first blob takes, as the diagnosis
    warms up: only then is a failure an alarm."""
    judged = []
    for run in runs:
        said = []
        for look in _looks(run):
            kind = health_rival.says(look, thresholds)
            is_early = look.step <= run.blob * run.record.spec.steps
            said.append(Said(look.step, kind, kind != "good" and not is_early, kind))
        judged.append(Judged(run.record.run.name, run.record.spec.steps, run.truth, tuple(said)))
    return judged


def _looks(run: Labelled) -> list[Look]:
    steps = [reading.step for reading in run.record.readings]
    return health_rival.looks(run.record.metrics, run.record.spec.steps, steps)
