"""What of a job becomes what of an MLflow run: names, values and limits. Arithmetic and words only."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.status import JobStatus
from models.verdicts import Severity

# MLflow has no pause: a run that waits to be gone on with is one that waits.
STATUSES: dict[JobStatus, str] = {
    JobStatus.QUEUED: "SCHEDULED",
    JobStatus.RUNNING: "RUNNING",
    JobStatus.PAUSING: "RUNNING",
    JobStatus.PAUSED: "SCHEDULED",
    JobStatus.CANCELLING: "RUNNING",
    JobStatus.CANCELLED: "KILLED",
    JobStatus.SUCCEEDED: "FINISHED",
    JobStatus.FAILED: "FAILED",
}
SEVERITIES: dict[Severity, int] = {"ok": 0, "caution": 1, "alarm": 2}
# MLflow's own limits, in characters; what is longer is cut.
KEY_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
# In the spec and not in the params: metadata are tags, and the name is the run's.
NOT_PARAMS = ("metadata", "name")
OWN_TAGS = ("mlflow.", "ganjobs.")
FOREIGN = re.compile(r"[^0-9A-Za-z_\-. :]")
CUT = "…"


@dataclass(frozen=True)
class Clock:
    """What dates steps, of which only the newest is known to have been recorded about ``at`` (milliseconds since 1970,
    as all of MLflow's): the others are counted from it by the job's pace, never to before ``begin``. The same clock
    dates the same step alike, so that a point that is sent twice is one."""

    at: int
    step: int
    pace: float | None
    begin: int

    def when(self, step: int) -> int:
        """When a step was, about."""
        if not self.pace:
            return max(self.at, self.begin)
        return max(self.at - round((self.step - step) / self.pace * 1000), self.begin)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of a moment of the database, which is UTC."""
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def width_for(steps: int, points: int) -> int:
    """How many steps of so many one point stands for, so that there are at most ``points``: a power of two."""
    width = 1
    while -(-steps // width) > points:
        width *= 2
    return width


def params_of(spec: Mapping[str, Any]) -> dict[str, str]:
    """A spec, flattened: dotted paths and what is there. What is null is left out."""
    wanted = {name: value for name, value in spec.items() if name not in NOT_PARAMS}
    return {cut(name, KEY_LENGTH): cut(value, PARAM_LENGTH) for name, value in _flat("", wanted)}


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, Sequence) and any(isinstance(each, Mapping) for each in value):
        for place, inner in enumerate(value):
            yield from _flat(f"{path}.{place}", inner)
    elif isinstance(value, str):
        yield path, value
    elif value is not None:
        yield path, json.dumps(value)


def metadata_tags(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as tags under their own names, as far as MLflow takes those: other characters become ``_``, and a name
    that is MLflow's or ours, or begins as none may, stands behind ``metadata.``"""
    tags = {}
    for key, value in metadata.items():
        name = FOREIGN.sub("_", key)
        if name.startswith((*OWN_TAGS, ".", " ")):
            name = f"metadata.{name}"
        tags[name] = cut(value, TAG_LENGTH)
    return tags


def cut(value: str, most: int) -> str:
    """At most so many characters; one that is cut ends in an ellipsis."""
    return value if len(value) <= most else value[: most - 1] + CUT


def number(value: float | str | None) -> float:
    """What ``evaluations.storable`` has stored, as a number again."""
    return float("nan") if value is None else float(value)
