"""What TensorBoard itself reads from a folder of event files, as JSON; to be run where it is installed."""

import json
import sys
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def read(folder: str) -> dict[str, Any]:
    """Every scalar as (step, value, time) by tag, the steps and sizes of the images, and the other tags."""
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "tensors": 0})  # 0: all of them
    events.Reload()
    tags = events.Tags()
    return {
        "scalars": {tag: [(e.step, e.value, e.wall_time) for e in events.Scalars(tag)] for tag in tags["scalars"]},
        "images": {tag: [(e.step, e.width, e.height) for e in events.Images(tag)] for tag in tags["images"]},
        "tensors": tags["tensors"],
        "hyperparameters": sorted(events.PluginTagToContent("hparams")),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(sys.argv[1])))
