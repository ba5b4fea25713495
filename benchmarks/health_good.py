"""Short runs that work, of seeds that nothing was tuned on: about how many of them the diagnosis is wrongly alarmed.

They are assessed as often as any job is that does not say."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import health_records
from benchmarks.health_judging import judged_by_diagnosis, labelled
from benchmarks.health_records import all_recorded
from benchmarks.health_runs import GOOD, GOOD_ONLY_IN_TEST, Run
from benchmarks.health_specs import (
    CALM,
    DIGITS,
    DIGITS_CALM,
    EIGHT,
    IMAGES,
    NINE,
    ONE,
    SMALL,
    TWO,
    Content,
    calm,
    job,
    mlp,
    penalties,
    ring,
)

FOLDER = "good"
FIRST_SEED, SEEDS = 5001, 8
POINT_STEPS, IMAGE_STEPS = 1000, 800
# Of those in the labelled set, these are not good so soon, or take long for what they are.
LEFT_OUT = (
    "eight-sgd-r1",
    "one-clip",
    "digits-wide-k3",
    "eight-wgangp",
    "digits-dcgan-hinge-r1",
    "digits-mlp-wgangp",
    "digits-projection",
)


def _new() -> dict[str, Content]:
    return {
        "five-rel-r1r2": job(ring(5, 1.0, 0.15), *calm(), "relativistic", **penalties(0.1)),
        "one-hinge-r1": job(ONE, *calm(), "hinge", **penalties(0.3, "r1")),
        "two-ls-r1r2": job(TWO, *calm(), "least_squares", **penalties(0.1)),
        "nine-winning-k5": job(NINE, calm()[0], mlp([256, 256], 1e-3, **CALM), discriminator_steps=3, **penalties(0.3)),
        "eight-layer": job(EIGHT, calm()[0], mlp(SMALL, 1e-3, normalization="layer", **CALM), **penalties(0.1)),
        "five-wgangp-k3": job(ring(5, 1.0, 0.15), *calm(), "wasserstein_gp", penalty_weight=1.0, discriminator_steps=3),
        "digits-mlp-hinge-r1r2": job(DIGITS, *calm(*DIGITS_CALM), "hinge", **penalties(1.0)),
        "digits-mlp-sat-r1r2": job(DIGITS, *calm(*DIGITS_CALM), "saturating", **penalties(1.0)),
    }


def runs(name: str | None) -> list[Run]:
    """All of them, or those whose name holds ``name``."""
    return [run for run in _all_runs() if name is None or name in run.name]


def _all_runs() -> Iterator[Run]:
    for config, content in (GOOD | GOOD_ONLY_IN_TEST | _new()).items():
        if config in LEFT_OUT:
            continue
        images = content["dataset"]["kind"] in IMAGES
        short = content | {"steps": IMAGE_STEPS if images else POINT_STEPS, "health": {}}
        for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
            yield Run(config, seed, "test", short, "good", True)


def carry_out(run: Run, out: Path) -> str:
    return health_records.carry_out(run, out / FOLDER)


def told(out: Path, name: str | None) -> str:
    """How many have an alarm at any time after the warm-up, by the label."""
    judged = judged_by_diagnosis(labelled(list(all_recorded(runs(name), out / FOLDER))))
    lines = []
    for kind in dict.fromkeys(["good", *sorted(run.truth.kind for run in judged)]):
        of_kind = [run for run in judged if run.truth.kind == kind]
        alarmed = [run for run in of_kind if run.alarms]
        lines.append(f"{kind} by the label: {len(of_kind)} runs, {len(alarmed)} of them with an alarm")
        lines += [f"  {run.name}: {run.alarms[0].words} at step {run.alarms[0].step}" for run in alarmed]
    return "\n".join(lines)
