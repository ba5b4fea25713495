"""A job as a TensorBoard event file: every step's metrics, the sample images, the spec.

Scalars are tagged `<group>/<metric>`, as in `loss/d_loss`, and `evaluation/<number>`; images `samples`; the spec is a
text and hyperparameters.
NaN and infinity are kept: TensorBoard marks them. No time is recorded for each step: between the start, the samples
(whose times are known) and the end of the job (or now) the steps are spread evenly.

Importing this takes a second longer where torch is installed: tensorboardX then imports it, for its own annotations.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import yaml
from tensorboardX import summary
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

from ganjobs import text
from ganjobs.errors import ApiError, ClientError, TransferBroken
from ganjobs.export import Meter, lines_of, make_folder
from ganjobs.rest import Json, Rest
from ganjobs.transfers import again, calling, unfinished

MARK = "tfevents"  # of TensorBoard's files
FILE_VERSION = "brain.Event:2"
HTTP_NOT_FOUND = 404
GROUPS = {
    "nats": "loss",
    "probability": "probability",
    "share": "share",
    "logit": "logit",
    "norm": "gradient_norm",
}
# A PNG's channels, by the colour type in its header (PNG specification, table 11.1); a palette holds colours.
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
COLOUR_TYPE_AT = 25


def save_events(client: Rest, job: Json, folder: Path, meter: Meter) -> Path:
    """Write a job's event file into ``folder``/<job>, in the place of what an earlier call has written there for it.

    Raises:
        ClientError: there is nothing to write yet, other event files are there, or the folder that ``folder`` is in is
            not.
        TransferBroken: the history never came whole.
    """
    # Always of the same name, so that a second export does not stand beside the first.
    created = text.parse_time(job["created_at"])
    assert created is not None
    path: Path = folder / job["id"] / f"events.out.{MARK}.{int(created.timestamp())}.{job['id']}"
    make_folder(folder)
    others = [each.name for each in path.parent.glob(f"*{MARK}*") if each != path]
    if others:
        raise ClientError(f"{path.parent} holds other event files ({others[0]}): choose another folder")

    def attempt() -> None:
        with unfinished(path, job["id"]) as part:  # a name that TensorBoard does not look into
            writer = RecordWriter(str(part))
            try:
                _write(client, job, writer, meter)
            finally:
                writer.close()

    client.run(again(lambda: calling(attempt)))
    return path


def tags_of(metrics: Iterable[Json]) -> dict[str, str]:
    """How the metrics of a catalogue are tagged, by their names."""
    return {facts["name"]: f"{GROUPS.get(facts['unit'], 'metrics')}/{facts['name']}" for facts in metrics}


def _write(client: Rest, job: Json, writer: RecordWriter, meter: Meter) -> None:
    samples, evaluations = client.samples(job["id"]), list(client.evaluations(job["id"]))
    metrics = client.catalogue()["metrics"]
    tags = tags_of(metrics)
    shown = job.get("latest_metrics") or [facts["name"] for facts in metrics if facts["always_shown"]]
    with client.export(job["id"], "ndjson") as response:
        if "Last-Step" not in response.headers:
            raise ClientError(f"{job['id']} has recorded no step yet")
        first, last = int(response.headers["First-Step"]), int(response.headers["Last-Step"])
        times = Times(job, samples, first, last)
        begun = times.of([first - 1])[0]
        writer.write(Event(wall_time=begun, file_version=FILE_VERSION).SerializeToString())
        for each in _description(job, [tag for name, tag in tags.items() if name in shown]):
            writer.write(Event(wall_time=begun, summary=each).SerializeToString())
        for lines in lines_of(response.iter_bytes()):
            step = _write_scalars(writer, [orjson.loads(line) for line in lines], times, tags)
            meter(step - first + 1, last - first + 1)
    for evaluation in evaluations:
        if evaluation["step"] <= last:
            writer.write(_evaluation(evaluation).SerializeToString())
    for sample in samples:
        if sample["step"] <= last:
            writer.write(_image(client, job["id"], sample).SerializeToString())


class Times:
    """Unix times of steps from ``first`` to ``last``, as far as they are known."""

    def __init__(self, job: Json, samples: Sequence[Json], first: int, last: int) -> None:
        begun = _seconds(job["started_at"] or job["created_at"])
        ended = _seconds(job["finished_at"]) if job["finished_at"] else datetime.now(UTC).timestamp()
        drawn = [(each["step"], _seconds(each["created_at"])) for each in samples if first <= each["step"] < last]
        known = np.array([(first - 1, begun), *drawn, (last, ended)])
        self._steps = known[:, 0]
        # A sample that was drawn again after a rewind may seem later than one that follows it.
        self._seconds = np.minimum(np.maximum.accumulate(known[:, 1]), ended)

    def of(self, steps: Sequence[int]) -> list[float]:
        times: list[float] = np.interp(steps, self._steps, self._seconds).tolist()
        return times


def _seconds(moment: str) -> float:
    parsed = text.parse_time(moment)
    assert parsed is not None
    return parsed.timestamp()


def _write_scalars(
    writer: RecordWriter, rows: Sequence[Mapping[str, Any]], times: Times, tags: Mapping[str, str]
) -> int:
    """Write rows of metrics, all of the same names, as one event each; returns the last one's step."""
    names = [name for name in rows[0] if name != "step"]
    event = Event(summary=Summary(value=[Summary.Value(tag=tags.get(name, f"metrics/{name}")) for name in names]))
    values = list(zip(names, event.summary.value, strict=True))
    for row, event.wall_time in zip(rows, times.of([row["step"] for row in rows]), strict=True):
        event.step = row["step"]
        for name, value in values:
            value.simple_value = float(row[name])  # "NaN" and "Infinity" are read as they are meant
        writer.write(event.SerializeToString())
    return int(rows[-1]["step"])


def _evaluation(evaluation: Json) -> Event:
    values = [
        Summary.Value(tag=f"evaluation/{name}", simple_value=float(value))
        for name, value in evaluation["values"].items()
    ]
    seconds = _seconds(evaluation["created_at"])
    return Event(step=evaluation["step"], wall_time=seconds, summary=Summary(value=values))


def _image(client: Rest, job_id: str, sample: Json) -> Event:
    try:
        png = client.sample(job_id, sample["step"])
    except ApiError as error:
        if error.status == HTTP_NOT_FOUND:
            raise TransferBroken(str(error)) from error
        raise
    image = Summary.Image(
        height=sample["height"],
        width=sample["width"],
        colorspace=CHANNELS[png[COLOUR_TYPE_AT]],
        encoded_image_string=png,
    )
    drawn = Summary(value=[Summary.Value(tag="samples", image=image)])
    return Event(step=sample["step"], wall_time=_seconds(sample["created_at"]), summary=drawn)


def _description(job: Json, tags: Sequence[str]) -> Iterator[Summary]:
    """The spec as a text, and as the hyperparameters of a run whose results are what is tagged so."""
    written = yaml.safe_dump(job["spec"], sort_keys=False, allow_unicode=True)
    yield summary.text("spec", f"```yaml\n{written}```")
    experiment, begin, end = summary.hparams(dict(_flat(job["spec"])), dict.fromkeys(tags))
    yield experiment
    yield begin
    if job["status"] == "succeeded":
        yield end


def _flat(part: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """A spec's fields by their dotted names."""
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, bool | int | float | str):
            yield f"{prefix}{name}", value
        elif value is not None:
            yield f"{prefix}{name}", text.compact(value)
