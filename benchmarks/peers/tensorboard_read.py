"""Event files of one scalar for each length asked for, and how long TensorBoard's own loader takes to open them."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


def main(folder: str, lengths: list[int], points: int, times: int) -> None:
    found = {}
    for length in lengths:
        where = Path(folder) / f"tensorboard-{length}"
        _write(where, length)
        seconds = []
        for _ in range(times):
            begun = time.perf_counter()
            loaded = EventAccumulator(str(where), size_guidance={SCALARS: points})
            loaded.Reload()
            kept = len(loaded.Scalars("d_loss"))
            seconds.append(time.perf_counter() - begun)
            assert kept == min(points, length)
        found[length] = seconds
    print(json.dumps(found))


def _write(where: Path, length: int) -> None:
    writer = EventFileWriter(str(where))
    for step, value in enumerate(np.random.default_rng(length).normal(size=length).tolist(), 1):
        summary = Summary(value=[Summary.Value(tag="d_loss", simple_value=value)])
        writer.add_event(Event(wall_time=float(step), step=step, summary=summary))
    writer.close()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
