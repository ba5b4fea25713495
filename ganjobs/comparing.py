"""Jobs side by side: what differs in their specs, what came of each, and what was best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ganjobs.rest import Json, MetricRows
from ganjobs.watch_client import WatchClient
from ganjobs.watched import finite

LOSSES = ("d_loss", "g_loss")
CURVE_POINTS = 20
# The last steps that means are taken over.
WINDOW = 100
# Where a spec does not have a field.
ABSENT = "-"


@dataclass(frozen=True)
class Compared:
    """A job with what it is compared by: ``means`` of its losses over its last steps, ``curves`` of bucket means."""

    job: Json
    means: dict[str, float | None]
    curves: dict[str, list[float | None]]
    fields: dict[str, Any]


def collect(client: WatchClient, ids: Sequence[str]) -> list[Compared]:
    """The jobs with all that is compared, in the order asked."""
    curves = client.curves(ids, LOSSES, CURVE_POINTS)
    found = []
    for job_id in ids:
        job = client.get(job_id)
        rows = client.metrics(job_id, LOSSES, from_step=max(1, job["step"] - WINDOW + 1)) if job["step"] else None
        found.append(Compared(job, _means(rows), _curves(curves.get(job_id)), dict(flat(job["spec"]))))
    return found


def _means(rows: MetricRows | None) -> dict[str, float | None]:
    means = {}
    for name in LOSSES:
        values = rows.finite(name) if rows is not None else []
        means[name] = fmean(values) if values else None
    return means


def _curves(buckets: Json | None) -> dict[str, list[float | None]]:
    columns = (buckets or {}).get("columns") or {}
    return {name: (columns.get(name) or {}).get("mean") or [] for name in LOSSES}


def flat(part: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """A spec's fields by their dotted paths; lists stay whole."""
    found: list[tuple[str, Any]] = []
    for name, value in part.items():
        if isinstance(value, Mapping) and value:
            found.extend(flat(value, f"{prefix}{name}."))
        else:
            found.append((f"{prefix}{name}", value))
    return found


def differing(compared: Sequence[Compared], everything: bool = False) -> dict[str, list[Any]]:
    """By dotted path the values of each job, for the fields in which the jobs differ, or for all of them; ``ABSENT``
    where a job has no such field."""
    names = dict.fromkeys(name for one in compared for name in one.fields)
    rows = {name: [one.fields.get(name, ABSENT) for one in compared] for name in names}
    return {name: values for name, values in rows.items() if everything or any(each != values[0] for each in values)}


def evaluations(compared: Sequence[Compared], catalogue: Json) -> dict[str, tuple[list[Any], int | None]]:
    """By name the numbers of each job's latest evaluation, and which of the jobs has the best: ``None`` where neither
    way is better, or no two can be held against each other."""
    better = {facts["name"]: facts["better"] for facts in catalogue["evaluations"]}
    latest = [(one.job.get("latest_evaluation") or {}).get("values") or {} for one in compared]
    names = dict.fromkeys(name for values in latest for name in values)
    return {name: _with_best([values.get(name) for values in latest], better.get(name)) for name in names}


def _with_best(values: list[Any], better: str | None) -> tuple[list[Any], int | None]:
    there = {index: number for index, each in enumerate(values) if (number := finite(each)) is not None}
    there = {index: number for index, number in there.items() if math.isfinite(number)}
    if better is None or len(there) < 2 or len(set(there.values())) == 1:
        return values, None
    choose = max if better == "higher" else min
    return values, choose(there, key=lambda index: there[index])


def as_json(compared: Sequence[Compared], everything: bool, catalogue: Json) -> Json:
    """The comparison for programs; lists are in the order of ``jobs``."""
    shown = ("id", "name", "status", "step", "steps", "steps_per_second", "training_seconds", "equilibrium")
    jobs = [
        {name: one.job[name] for name in shown}
        | {"verdict": one.job["verdict"], "severity": one.job["severity"]}
        | {"mean_losses": one.means, "curves": one.curves, "latest_evaluation": one.job["latest_evaluation"]}
        for one in compared
    ]
    numbers = evaluations(compared, catalogue)
    best = {name: None if index is None else compared[index].job["id"] for name, (_, index) in numbers.items()}
    return {"jobs": jobs, "window": WINDOW, "spec": differing(compared, everything), "best": best}
