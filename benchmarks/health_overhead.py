"""What it costs to have health assessed: pairs of the same job with and without, one right after the other."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch

from benchmarks.health_records import CPU, folders_in
from benchmarks.health_report import Form, table
from benchmarks.health_specs import DIGITS, DIGITS_CALM, RING, calm, dcgan, job
from models.spec import JobSpec
from worker.gan.data import DataFolders, load
from worker.gan.loop import train

RESAMPLES = 4000
RING_JOB = job(RING, *calm(1e-3, [128, 128]), batch_size=256, steps=1000)
# A turn of each job, and the steps between its assessments: 200 are what a job of 8,000 steps has by default, 100 what
# one of up to 4,000 has.
JOBS: dict[str, tuple[dict[str, Any], int]] = {
    "ring, MLP 2 x 128": (RING_JOB, 200),
    "digits, MLP 2 x 128": (job(DIGITS, *calm(*DIGITS_CALM), steps=1000), 200),
    "digits, DCGAN of 32": (job(DIGITS, dcgan(32, 2e-4, latent_dim=64), dcgan(32, 2e-4), steps=600), 200),
    "ring, MLP 2 x 128, short": (RING_JOB, 100),
}


def measured(pairs: int, out: Path, form: Form) -> str:
    """The table: of each job, the ratios of CPU time and of wall time with health over without."""
    torch.set_num_threads(1)
    rows = []
    for title, (content, every) in JOBS.items():
        specs = {
            enabled: JobSpec.model_validate(
                content | {"sample_every": content["steps"], "health": {"enabled": enabled, "every": every}}
            )
            for enabled in (True, False)
        }
        spent = _turns(specs, pairs, folders_in(out))
        for clock, name in enumerate(("CPU", "wall")):
            ratios = [with_it[clock] / without[clock] for with_it, without in spent]
            rows.append([title, str(every), name, str(pairs), _told(ratios, median), _told(ratios, fmean)])
    return table(form, ["job", "every", "time", "pairs", "median of with/without (95 %)", "mean (95 %)"], rows)


def _turns(
    specs: dict[bool, JobSpec], pairs: int, folders: DataFolders
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Seconds (CPU, wall) with and without, of each pair; which comes first alternates."""
    for spec in specs.values():
        _seconds(spec, folders)
    spent = []
    for number in range(pairs):
        order = (True, False) if number % 2 else (False, True)
        turn = {enabled: _seconds(specs[enabled], folders) for enabled in order}
        spent.append((turn[True], turn[False]))
    return spent


def _seconds(spec: JobSpec, folders: DataFolders) -> tuple[float, float]:
    """Of all steps; what is set up before the first is some 15 to 50 ms, once in a job's life."""
    training = train(spec, load(spec, CPU, folders), device=CPU)
    next(training)  # set up, and not begun
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in training:
        pass
    return time.process_time() - cpu, time.perf_counter() - wall


def _told(ratios: Sequence[float], of: Callable[[Sequence[float]], float]) -> str:
    """A statistic with its 95 % interval, by resampling (percentile bootstrap)."""
    source = random.Random(1)
    resampled = sorted(of(source.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    low, high = resampled[round(0.025 * RESAMPLES)], resampled[round(0.975 * RESAMPLES) - 1]
    return f"{of(ratios):.4f} ({low:.4f}-{high:.4f})"
