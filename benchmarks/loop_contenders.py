"""Contenders of ``benchmarks/loop.py``, in a process of their own: ``loop_contenders.py SPECS_JSON DEVICE FOLDER``.

For each line of JSON on its input (``name`` of a contender, ``case`` among the specs, ``steps``) it trains so many
steps and answers with another: the steps it timed, and their ``seconds``.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # not the first: the peers have packages of their own

import torch

from benchmarks.loop_plain import PlainLoop
from models.spec import JobSpec

Window = Callable[[int], tuple[int, float]]


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(step: Callable[[], object], device: torch.device) -> Window:
    """Steps one after the other, timed from outside."""

    def window(steps: int) -> tuple[int, float]:
        wait_for(device)
        begun = time.perf_counter()
        for _ in range(steps):
            step()
        wait_for(device)
        return steps, time.perf_counter() - begun

    return window


def ganjobs(spec: JobSpec, device: torch.device, folder: Path) -> Window:
    """A job by a worker's own code, every step into its database; timed by the blocks that it hands over."""
    from benchmarks.loop_job import JobWindow  # the peers cannot import it

    return JobWindow(spec, device, folder)


def engine(spec: JobSpec, device: torch.device, _folder: Path) -> Window:
    """Ganjobs' own step, its metrics thrown away."""
    from worker.gan.data import load
    from worker.gan.execution import mode_for, prepare
    from worker.gan.loop import new_game

    return timed(prepare(new_game(spec, load(spec, device), device), mode_for(spec, device)), device)


def plain(spec: JobSpec, device: torch.device, _folder: Path, metrics: bool = False, tuned: bool = False) -> Window:
    return timed(PlainLoop(spec, device, metrics, tuned).step, device)


def with_items(spec: JobSpec, device: torch.device, _folder: Path, tuned: bool = False) -> Window:
    d_losses, g_losses = [], []

    def keep(_step: int, d_loss: float, g_loss: float) -> None:
        d_losses.append(d_loss)
        g_losses.append(g_loss)

    return logging(PlainLoop(spec, device, tuned=tuned), keep)


def to_mlflow(spec: JobSpec, device: torch.device, folder: Path) -> Window:
    import mlflow

    mlflow.end_run()
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.sqlite3'}")
    mlflow.start_run()

    def log(step: int, d_loss: float, g_loss: float) -> None:
        mlflow.log_metrics({"d_loss": d_loss, "g_loss": g_loss}, step=step)

    return logging(PlainLoop(spec, device), log)


def to_tensorboard(spec: JobSpec, device: torch.device, folder: Path) -> Window:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(folder / "tensorboard")

    def log(step: int, d_loss: float, g_loss: float) -> None:
        writer.add_scalar("d_loss", d_loss, step)
        writer.add_scalar("g_loss", g_loss, step)

    return logging(PlainLoop(spec, device), log)


def logging(loop: PlainLoop, log: Callable[[int, float, float], None]) -> Window:
    """A plain loop that hands both losses of each step to ``log``, as numbers."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        d_loss, g_loss, _ = loop.step()
        log(count, d_loss.item(), g_loss.item())

    return timed(step, loop.device)


CONTENDERS: dict[str, Callable[[JobSpec, torch.device, Path], Window]] = {
    "ganjobs": ganjobs,
    "engine": engine,
    "metrics": functools.partial(plain, metrics=True, tuned=True),
    "plain": plain,
    "item": with_items,
    "mlflow": to_mlflow,
    "tensorboard": to_tensorboard,
    "plain_tuned": functools.partial(plain, tuned=True),
    "item_tuned": functools.partial(with_items, tuned=True),
}


def main(specs_json: str, device: str, folder: str) -> None:
    torch.set_num_threads(1)
    specs = {case: JobSpec.model_validate(spec) for case, spec in json.loads(specs_json).items()}

    @functools.cache
    def window_of(name: str, case: str) -> Window:
        own = Path(folder) / f"{name}-{case}"
        own.mkdir()
        return CONTENDERS[name](specs[case], torch.device(device), own)

    for line in sys.stdin:
        task = json.loads(line)
        steps, seconds = window_of(task["name"], task["case"])(task["steps"])
        print(json.dumps({"steps": steps, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
