"""Run the recipes and print what came of them beside the published figures: ``python benchmarks/published.py``.

A run that was broken off goes on from its newest checkpoint, and one that is done is not run again: everything is in
``--out``. Without a GPU all of it takes some hours of one core; ``--only`` takes one part. The frozen experiments are
of one seed, whatever ``--seeds`` says.
"""

import multiprocessing
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

import typer  # noqa: E402 - the folder of the project comes first

from benchmarks import published_frozen, published_tables  # noqa: E402
from benchmarks.published_runs import Run, carry_out, image_recipes, mixture_recipes  # noqa: E402

PARTS = ("mixtures", "frozen", "digits")
Results = Mapping[tuple[str, int], dict[str, Any]]


def planned(only: str | None, seeds: list[int]) -> list[Run]:
    """All runs of a part, or of all, in the order in which a reader wants their results."""
    runs = []
    if only in (None, "mixtures"):
        for dataset in ("ring", "grid"):
            for name, spec in mixture_recipes(dataset).items():
                runs += [Run(f"{dataset}-{name}", spec, seed) for seed in seeds]
    if only in (None, "digits"):
        for name, spec in image_recipes().items():
            runs += [Run(f"digits-{name}", spec, seed) for seed in seeds]
    return runs


def tables(results: Results) -> str:
    """What the runs came to, as Markdown."""
    points: dict[tuple[str, str], dict[int, Any]] = {}
    images: dict[str, dict[int, Any]] = {}
    for (name, seed), result in results.items():
        dataset, recipe = name.split("-", 1)
        if dataset == "digits":
            images.setdefault(recipe, {})[seed] = result
        else:
            points.setdefault((dataset, recipe), {})[seed] = result
    parts = []
    if points:
        parts.append(published_tables.mixtures(points))
    if images:
        parts.append(published_tables.images(images))
    failed = [f"{name} seed {seed}: {result['failed']}" for (name, seed), result in results.items() if result["failed"]]
    return "\n\n".join([*parts, *failed])


def machines(results: Results) -> str:
    """What the runs were trained on, a line for each kind of machine; nothing of results that do not say."""
    told = [result["machine"] for result in results.values() if "machine" in result]
    lines = Counter("{device}, {threads} thread(s), torch {torch}".format(**machine) for machine in told)
    return "\n".join(f"{line}: {count} run(s)" for line, count in lines.items())


def main(
    only: Annotated[str | None, typer.Option(help=f"One part: {', '.join(PARTS)}.")] = None,
    out: Annotated[Path, typer.Option(help="Where runs are kept, to go on from.")] = Path("runs/published"),
    seeds: Annotated[str, typer.Option(help="Seeds, with commas; the frozen part has its one.")] = "1,2,3",
    processes: Annotated[int, typer.Option(min=1, help="Runs at a time, one core each.")] = 1,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Cut every run short, for a try, in an --out of its own.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only the runs whose name holds this.")] = None,
) -> None:
    """Compare with the published figures. The frozen part is of one seed."""
    if only is not None and only not in PARTS:
        sys.exit(f"error: --only must be one of {', '.join(PARTS)}, not {only}")
    runs = [run for run in planned(only, [int(seed) for seed in seeds.split(",")]) if name is None or name in run.name]
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = pool.map(partial(carry_out, out=out, steps=steps), runs)
        results = {(run.name, run.seed): result for run, result in zip(runs, done, strict=True)}
    print(f"\n{machines(results)}\n\n{tables(results)}\n")
    if only in (None, "frozen") and name is None:
        print(published_frozen.experiment(out / "frozen", steps))


if __name__ == "__main__":
    typer.run(main)
