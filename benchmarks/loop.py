"""Steps per second of a Ganjobs job over plain PyTorch loops: ``python benchmarks/loop.py``.

Each contender is a process of its own. They take turns, each training the same number of steps; a ratio is of two turns
in one round, which lie seconds apart. Ganjobs runs through the worker's own code and records every step; the plain
loops (``loop_plain.py``) have the same networks, data, batch and optimiser. MLflow and TensorBoard come from
``.venv-peers`` (``make peers``).
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import typer  # noqa: E402 - the folders of the project come first
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.rig.peers import PeersMissing, command_in_peers  # noqa: E402

MLP = {"kind": "mlp", "hidden_sizes": [128, 128], "optimizer": {"kind": "adam", "learning_rate": 1e-4}}
DCGAN = {"kind": "dcgan", "base_channels": 64, "optimizer": {"kind": "adam", "learning_rate": 2e-4}}
CASES: dict[str, dict[str, Any]] = {
    "ring": {
        "dataset": {"kind": "ring"},
        "generator": MLP | {"latent_dim": 2},
        "discriminator": MLP,
        "batch_size": 256,
    },
    "digits": {"dataset": {"kind": "digits"}, "generator": DCGAN, "discriminator": DCGAN, "batch_size": 64},
}
TITLES = {
    "ring": "MLP 2 x 128 on the ring, batch 256",
    "digits": "DCGAN on 8 x 8 digits, batch 64",
}
LABELS = {
    "ganjobs": "Ganjobs job, every step recorded",
    "engine": "Ganjobs' own step, nothing recorded",
    "metrics": "(0) tuned loop, same metrics, none recorded",
    "plain": "(a) plain loop, no metrics",
    "item": "(b) plain loop, .item() on both losses",
    "mlflow": "(c) plain loop, losses to MLflow (SQLite)",
    "tensorboard": "(d) plain loop, losses to TensorBoard",
    "plain_tuned": "(a) tuned as Ganjobs' engine is",
    "item_tuned": "(b) tuned as Ganjobs' engine is",
}
IN_PEERS = ("mlflow", "tensorboard")
RESAMPLES = 2000
WARM_UP_STEPS = 20


class Host:
    """A process that trains for whichever contenders it is told to."""

    def __init__(self, specs_json: str, device: str, folder: Path, in_peers: bool) -> None:
        arguments = [str(ROOT / "benchmarks" / "loop_contenders.py"), specs_json, device, str(folder)]
        command = command_in_peers(*arguments) if in_peers else [sys.executable, *arguments]
        self._errors = (folder / "errors").open("w+")
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def steps_per_second(self, name: str, case: str, steps: int) -> float:
        """Let a contender train so many steps."""
        assert self._process.stdin is not None
        print(json.dumps({"name": name, "case": case, "steps": steps}), file=self._process.stdin, flush=True)
        while not (line := self._line(name)).startswith("{"):
            continue  # a library had something to say
        window = json.loads(line)
        return float(window["steps"] / window["seconds"])

    def _line(self, name: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            sys.exit(f"error: the process of contender {name} ended:\n{self._errors.read()[-3000:]}")
        return line

    def end(self) -> None:
        self._process.communicate()
        self._errors.close()


@contextmanager
def hosts(names: Sequence[str], device: str, shared: bool) -> Iterator[dict[str, Host]]:
    """A process for each contender; ``shared``, one for all that can have the same."""
    specs_json = json.dumps({case: facts | {"steps": 1} for case, facts in CASES.items()})
    with ExitStack() as stack:
        by_key: dict[object, Host] = {}
        for name in names:
            key = name in IN_PEERS if shared else name
            if key not in by_key:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ganjobs-loop-"))
                by_key[key] = Host(specs_json, device, Path(folder), name in IN_PEERS)
                stack.callback(by_key[key].end)
        yield {name: by_key[name in IN_PEERS if shared else name] for name in names}


def measure(case: str, started: Mapping[str, Host], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Steps per second of each contender in each round."""
    speeds: dict[str, list[float]] = {name: [] for name in started}
    for name, host in started.items():
        host.steps_per_second(name, case, WARM_UP_STEPS)
    steps = max(WARM_UP_STEPS, round(seconds * started["plain"].steps_per_second("plain", case, WARM_UP_STEPS)))
    order = list(started)
    for number in track(range(rounds), description=case, console=Console(stderr=True)):
        random.Random(number).shuffle(order)
        for name in order:
            speeds[name].append(started[name].steps_per_second(name, case, steps))
    return speeds


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the median, by resampling (percentile bootstrap)."""
    source = random.Random(1)
    medians = sorted(median(source.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[round(0.025 * RESAMPLES)], medians[round(0.975 * RESAMPLES) - 1]


def table_of(title: str, speeds: Mapping[str, Sequence[float]]) -> Table:
    table = Table(title=title)
    for heading in ("contender", "steps/s", "µs/step", "Ganjobs over it", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "contender" else "right", no_wrap=True)
    for name, values in speeds.items():
        speed = median(values)
        ratios = [own / other for own, other in zip(speeds["ganjobs"], values, strict=True)]
        low, high = interval(ratios)
        shown = ("", "") if name == "ganjobs" else (f"{median(ratios):.3f}", f"{low:.3f}-{high:.3f}")
        table.add_row(LABELS[name], f"{speed:,.0f}", f"{1e6 / speed:,.0f}", *shown)
    return table


def main(
    case: Annotated[Literal["all", "ring", "digits"], typer.Option(help="What is trained.")] = "all",
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender has its turn.")] = 20,
    seconds: Annotated[float, typer.Option(min=0, help="About how long a turn of the plain loop takes.")] = 2.0,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to train.")] = "cpu",
    peers: Annotated[bool, typer.Option(help="With MLflow and TensorBoard.")] = True,
    quick: Annotated[bool, typer.Option(help="One short turn each: that it runs, not how fast.")] = False,
) -> None:
    """How fast a Ganjobs job trains beside plain loops, one table for each case."""
    names = [name for name in LABELS if peers or name not in IN_PEERS]
    rounds, seconds = (1, 0.0) if quick else (rounds, seconds)
    try:
        with hosts(names, device, shared=quick) as started:
            for each in CASES if case == "all" else [case]:
                speeds = measure(each, started, rounds, seconds)
                title = f"{TITLES[each]}; {device}, {rounds} rounds"
                Console(width=110).print(table_of(title, speeds))
    except PeersMissing as error:
        sys.exit(f"error: {error}, or leave them out with --no-peers")


if __name__ == "__main__":
    typer.run(main)
