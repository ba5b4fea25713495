"""The labelled set of real runs that judges the diagnosis: ``python benchmarks/health.py``.

Every run is trained once, by the worker's own loop, and kept in ``--out`` with what each assessment saw. What really
became of it is found by ``health_truth.py`` from facts that the diagnosis does not see. The parts, in order:

- ``record``: train the runs of a half, or of both. A run that is there is not trained again.
- ``judge``: replay the diagnosis over what was kept, and print how right it is, and the rival beside it.
- ``good``: train short runs that work, of seeds that nothing was tuned on, and count those with an alarm.
- ``rollback``: train the failing runs of the untouched half again, with ``on_alarm: rollback``.
- ``overhead``: what it costs to have health assessed.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeVar

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

import typer  # noqa: E402 - the folder of the project comes first

from benchmarks import health_good, health_overhead, health_report, health_rollback  # noqa: E402
from benchmarks.health_judging import judged_by_diagnosis, judged_by_rival, labelled, tuned_rival  # noqa: E402
from benchmarks.health_records import Record, all_recorded, carry_out, folders_in  # noqa: E402
from benchmarks.health_report import Form  # noqa: E402
from benchmarks.health_runs import Half, Run, all_runs  # noqa: E402

Item = TypeVar("Item")
Part = Literal["record", "judge", "good", "rollback", "overhead"]


def chosen(half: Half | None, name: str | None) -> list[Run]:
    """The runs of a half, or of both, whose name holds ``name``; those made to fail come first, as they take less."""
    found = [run for run in all_runs() if half in (None, run.half) and (name is None or name in run.name)]
    return sorted(found, key=lambda run: run.made_for == "good")


def in_turn(work: Callable[[Item], str], items: Iterable[Item], processes: int) -> None:
    """Do the work in processes of its own, and print the line that each item comes to."""
    started = time.monotonic()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for line in pool.map(work, items):
            print(f"{time.monotonic() - started:6.0f} s  {line}", flush=True)


def judge(out: Path, half: Half | None, name: str | None, form: Form) -> str:
    """What is to be said of the diagnosis and of the rival on a half."""
    tuning = labelled(list(all_recorded(chosen("tuning", None), out)))
    rival = tuned_rival(tuning)
    shown: list[Record] = list(all_recorded(chosen(half, name), out))
    runs = labelled(shown, like=tuning)
    ours, theirs = judged_by_diagnosis(runs), judged_by_rival(runs, rival)
    parts = [
        health_report.counts_told({half or "both": [run.truth.kind for run in ours]}),
        health_report.told("The diagnosis", ours, form),
        health_report.verdicts_told(ours, form),
        f"Taken for what they are not, or alarmed about on the way:\n{health_report.wrong_ones(ours, form)}",
        health_report.told("The rival", theirs, form),
        f"The rival's thresholds, found on the tuning half: {rival}",
    ]
    return "\n\n".join(parts)


def main(
    only: Annotated[Part, typer.Option(help="Which part.")] = "judge",
    half: Annotated[Half | None, typer.Option(help="Of which half; both by default.")] = None,
    out: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs/health"),
    processes: Annotated[int, typer.Option(min=1, help="Runs at a time, one core each.")] = 1,
    name: Annotated[str | None, typer.Option(help="Only the runs whose name holds this.")] = None,
    form: Annotated[Form, typer.Option(help="Of the tables.")] = "text",
    pairs: Annotated[int, typer.Option(min=1, help="Of `overhead`: how many, for each job.")] = 20,
) -> None:
    """Judge the diagnosis by real runs whose fate is known."""
    out.mkdir(parents=True, exist_ok=True)
    folders_in(out)
    try:
        if only == "record":
            in_turn(partial(carry_out, out=out), chosen(half, name), processes)
        elif only == "judge":
            print(judge(out, half, name, form))
        elif only == "good":
            in_turn(partial(health_good.carry_out, out=out), health_good.runs(name), processes)
            print(health_good.told(out, name))
        elif only == "rollback":
            failing = health_rollback.to_be_rescued(out, half or "test", name)
            in_turn(partial(health_rollback.carry_out, out=out), failing, processes)
            print(health_rollback.told(out, failing, form))
        else:
            print(health_overhead.measured(pairs, out, form))
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    typer.run(main)
