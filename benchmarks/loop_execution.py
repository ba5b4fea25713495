"""What the ways of execution are worth on a device: ``python benchmarks/loop_execution.py --device cuda``.

The engine's step in each of them, beside a plain loop that reads both losses at every step. All are in one process and
take turns. On a GPU, how long its kernels are at work in a step is the floor that no way of starting them can go below.
DCGAN 64 x 64 trains on noise in place of images: what a step costs does not depend on what it sees.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the folders of the project come first
import torch  # noqa: E402
import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from torch.autograd import DeviceType  # type: ignore[attr-defined]  # noqa: E402
from torch.profiler import ProfilerActivity, profile  # noqa: E402

from benchmarks.loop import CASES, interval  # noqa: E402
from benchmarks.loop_plain import PlainLoop  # noqa: E402
from models.spec import JobSpec  # noqa: E402
from worker.gan.data import DataFolders, load  # noqa: E402
from worker.gan.execution import Mode, prepare  # noqa: E402
from worker.gan.loop import new_game  # noqa: E402

SIDE = 64
IMAGES = 2048
LARGE: dict[str, Any] = {"kind": "npz", "path": "noise.npz", "side": SIDE, "channels": 3}
# The other cases read no files.
NOWHERE = DataFolders()
PROFILED_STEPS = 20
MODES: dict[str, tuple[Mode, ...]] = {"cpu": ("eager", "compiled"), "cuda": ("eager", "compiled", "cuda_graph")}


@contextmanager
def large_images() -> Iterator[DataFolders]:
    """Where ``LARGE`` finds its images, of noise."""
    with tempfile.TemporaryDirectory() as folder:
        folders = DataFolders(Path(folder), Path(folder) / "cache")
        images = np.random.default_rng(0).integers(0, 256, (IMAGES, 3, SIDE, SIDE), np.uint8)
        np.savez(folders.root / LARGE["path"], images=images)
        yield folders


def steps_of(
    spec: JobSpec, device: torch.device, precision: str, folders: DataFolders
) -> dict[str, Callable[[], object]]:
    """What plays a step, for each contender."""
    spec = spec.model_copy(update={"precision": precision})
    data = load(spec, device, folders)
    is_large = spec.dataset.kind == LARGE["kind"]
    loop = PlainLoop(spec, device, images=data.reference(IMAGES).to(device) if is_large else None)
    losses = []

    def plain() -> None:
        d_loss, g_loss, _ = loop.step()
        losses.append((d_loss.item(), g_loss.item()))

    steps: dict[str, Callable[[], object]] = {"plain loop, .item()": plain}
    for mode in MODES[device.type]:
        steps[mode] = prepare(new_game(spec, data, device), mode)
    return steps


def seconds_of(step: Callable[[], object], steps: int, device: torch.device) -> float:
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - begun) / steps


def kernel_seconds(step: Callable[[], object]) -> float:
    """For how long a step keeps the GPU's kernels at work, one after the other."""
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as profiled:
        for _ in range(PROFILED_STEPS):
            step()
        torch.cuda.synchronize()
    on_device = [event for event in profiled.key_averages() if event.device_type == DeviceType.CUDA]
    microseconds = sum(float(event.self_device_time_total) for event in on_device if not event.is_user_annotation)
    return microseconds / PROFILED_STEPS / 1e6


def measure(
    spec: JobSpec, device: torch.device, precision: str, rounds: int, seconds: float, folders: DataFolders
) -> list[list[str]]:
    """A row for each contender: name, steps per second, times over the plain loop, interval, kernels' microseconds."""
    steps = steps_of(spec, device, precision, folders)
    for step in steps.values():
        seconds_of(step, 5, device)
    count = max(2, round(seconds / seconds_of(steps["eager"], 5, device)))
    times: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for number in range(rounds):
        random.Random(number).shuffle(order)
        for name in order:
            times[name].append(seconds_of(steps[name], count, device))
    baseline = next(iter(times.values()))
    rows = []
    for name, own in times.items():
        ratios = [other / mine for other, mine in zip(baseline, own, strict=True)]
        low, high = interval(ratios)
        kernels = f"{1e6 * kernel_seconds(steps[name]):,.0f}" if device.type == "cuda" else ""
        rows.append([name, f"{1 / median(own):,.0f}", f"{median(ratios):.2f}", f"{low:.2f}-{high:.2f}", kernels])
    return rows


def main(
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to train.")] = "cpu",
    precision: Annotated[Literal["float32", "bfloat16"], typer.Option(help="What networks compute in.")] = "float32",
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender has its turn.")] = 15,
    seconds: Annotated[float, typer.Option(min=0, help="About how long a turn takes.")] = 0.5,
    quick: Annotated[
        bool, typer.Option(help="The ring alone, one short turn each: that it runs, not how fast.")
    ] = False,
) -> None:
    """Ways of execution beside a plain loop, one table."""
    torch.set_num_threads(1)
    rounds, seconds = (1, 0.0) if quick else (rounds, seconds)
    table = Table(title=f"{device}, {precision}, {rounds} rounds; times over the plain loop's speed")
    for heading in ("case", "contender", "steps/s", "times", "95 % interval", "kernels, µs/step"):
        table.add_column(heading, justify="left" if heading in ("case", "contender") else "right", no_wrap=True)

    def add(title: str, facts: dict[str, Any], folders: DataFolders = NOWHERE) -> None:
        spec = JobSpec.model_validate(facts | {"steps": 1})
        for row in measure(spec, torch.device(device), precision, rounds, seconds, folders):
            table.add_row(title, *row)

    add("MLP on the ring, batch 256", CASES["ring"])
    if not quick:
        add("DCGAN 8 x 8, batch 64", CASES["digits"])
    if device == "cuda" and not quick:
        with large_images() as folders:
            for batch in (64, 256):
                add(f"DCGAN 64 x 64, batch {batch}", CASES["digits"] | {"dataset": LARGE, "batch_size": batch}, folders)
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
