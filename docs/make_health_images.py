"""Draw the plots of docs/health.md, each from a run that is trained for it: ``python -m docs.make_health_images``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.health_records import folders_in
from benchmarks.health_runs import CALM, DIGITS, Content, Run, all_runs, job, mlp, penalties, tiny
from models.spec import JobSpec
from models.verdicts import VERDICTS, Verdict
from worker.gan.blocks import NonFiniteLoss
from worker.gan.data import Dataset, load
from worker.gan.events import Assessment, MetricsBlock, SampleReady
from worker.gan.loop import train
from worker.gan.signals import missing_share

FOLDER = Path(__file__).parent / "images"
CPU = torch.device("cpu")
D_COLOUR, G_COLOUR = "#2f6690", "#d1495b"
BANDS = {"ok": "#7fb069", "caution": "#e6aa3c", "alarm": "#c8553d"}
PICTURES = 5
# A band that takes no more of the run than this has no name.
NARROW = 0.12
# The run whose plot shows each verdict: by its name in the labelled set, or a job of its own.
SHOWN: dict[Verdict, str | Content] = {
    Verdict.BALANCED: "digits-dcgan-1",
    Verdict.DISCRIMINATOR_WINNING: job(
        {"kind": "digits"},
        mlp([128, 128], 3e-4, latent_dim=32, **CALM),
        mlp([256, 256], 1e-3, **CALM),
        **penalties(0.05, "r1"),
    ),
    Verdict.DISCRIMINATOR_OVERFITTING: job(
        tiny(64) | {"validation_fraction": 0.5},
        mlp([128, 128], 3e-4, latent_dim=32, **CALM),
        mlp([256, 256], 1e-3, **CALM),
        batch_size=16,
    ),
    Verdict.DISCRIMINATOR_TOO_WEAK: job(DIGITS, mlp([128, 128], 2e-4, latent_dim=32), mlp([16], 1e-6)),
    Verdict.PARTIAL_MODE_COLLAPSE: "ring-clip-loose-2",
    Verdict.MODE_COLLAPSE: "two-apart-1",
    Verdict.OSCILLATING: "digits-generator-fast-1",
    Verdict.STALLED: "eight-clip-absurd-1",
    Verdict.GENERATOR_GRADIENT_VANISHING: "digits-sat-strong-1",
    Verdict.DIVERGING: "eight-ls-fast-1",
    Verdict.NON_FINITE: "eight-sgd-fast-1",
}


@dataclass(frozen=True)
class Course:
    """All that a run told."""

    spec: JobSpec
    data: Dataset
    metrics: dict[str, np.ndarray]
    assessments: list[Assessment]
    samples: list[SampleReady]


def follow(spec: JobSpec, out: Path) -> Course:
    """Train a spec from the start to wherever it gets."""
    folders = folders_in(out)
    data = load(spec, CPU, folders)
    blocks, samples = list[MetricsBlock](), list[SampleReady]()
    try:
        for event in train(spec, data, device=CPU, folders=folders):
            if isinstance(event, MetricsBlock):
                blocks.append(event)
            elif isinstance(event, SampleReady):
                samples.append(event)
    except NonFiniteLoss:
        pass  # the last report says so
    values = np.concatenate([block.values for block in blocks])
    metrics = dict(zip(blocks[0].names, values.T, strict=True))
    return Course(spec, data, metrics, [found for block in blocks for found in block.assessments], samples)


def draw(course: Course, title: str, path: Path) -> None:
    """Losses, the signals that say most, and samples, over bands of the verdicts."""
    figure = Figure(figsize=(11, 6.2), dpi=90, layout="constrained")
    grid = figure.add_gridspec(3, PICTURES, height_ratios=[1, 1, 1.15])
    figure.suptitle(title, fontsize=11)
    losses, signals = figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, :])
    _losses(losses, course)
    _signals(signals, course)
    for axes in (losses, signals):
        _bands(axes, course.assessments)
        axes.set_xlim(0, len(course.metrics["d_loss"]))
        axes.legend(loc="upper right", fontsize=7, ncols=3)
    chosen = np.linspace(0, len(course.samples) - 1, min(PICTURES, len(course.samples))).round().astype(int)
    for column, place in enumerate(chosen):
        _sample(figure.add_subplot(grid[2, column]), course, course.samples[place])
    figure.savefig(path)


def _losses(axes: Axes, course: Course) -> None:
    facts = course.spec.loss_facts
    levels = (facts.discriminator_equilibrium, facts.generator_equilibrium)
    for name, colour, level in zip(("d_loss", "g_loss"), (D_COLOUR, G_COLOUR), levels, strict=True):
        values = course.metrics[name]
        axes.plot(np.arange(1, len(values) + 1), values, color=colour, linewidth=0.7, label=name)
        if level is not None:
            axes.axhline(level, color=colour, linestyle="--", linewidth=0.8)
    both = np.concatenate([course.metrics["d_loss"], course.metrics["g_loss"]])
    low, high = np.quantile(both[np.isfinite(both)], [0.005, 0.995])
    axes.set_ylim(low - 0.1 * (high - low) - 0.1, high + 0.1 * (high - low) + 0.1)
    axes.set_ylabel("loss")


def _signals(axes: Axes, course: Course) -> None:
    steps = [found.report.step for found in course.assessments]
    for name, colour in (
        ("separability", "#2f6690"),
        ("distance", "#6b4c9a"),
        ("logit_gradient", "#d1495b"),
        ("pairwise_distance_ratio", "#3a7d44"),
    ):
        values = [found.reading.statistics.get(name, np.nan) for found in course.assessments]
        axes.plot(steps, values, color=colour, marker=".", markersize=3, linewidth=1, label=name)
    missing = [_missing(found) for found in course.assessments]
    axes.plot(steps, missing, color="black", marker=".", markersize=3, linewidth=1, label="missing_share")
    axes.set_ylim(-0.05, 2.05)
    axes.set_ylabel("signals")
    axes.set_xlabel("step")


def _missing(found: Assessment) -> float:
    reading = found.reading
    return missing_share(reading.shares, reading.real_shares) if reading.shares else float("nan")


def _bands(axes: Axes, assessments: Sequence[Assessment]) -> None:
    """A band behind the curves for each stretch of one verdict, with its name."""
    begun = 0
    for place, found in enumerate(assessments):
        report = found.report
        following = assessments[place + 1].report.verdict if place + 1 < len(assessments) else None
        if following == report.verdict:
            continue
        axes.axvspan(begun, report.step, color=BANDS[report.severity], alpha=0.18, linewidth=0)
        if report.step - begun > NARROW * assessments[-1].report.step:  # else the names lie over each other
            axes.text(begun, 1.0, f" {report.verdict}", transform=axes.get_xaxis_transform(), fontsize=7, va="bottom")
        begun = report.step


def _sample(axes: Axes, course: Course, sample: SampleReady) -> None:
    axes.set_title(f"step {sample.step:,}", fontsize=9)
    if course.spec.dataset.is_image:
        side = sample.values.shape[-1]
        framed = np.pad(sample.values[:36, 0], ((0, 0), (1, 1), (1, 1)), constant_values=-0.5)
        tiles = framed.reshape(6, 6, side + 2, side + 2).swapaxes(1, 2).reshape(6 * (side + 2), -1)
        axes.imshow(tiles, cmap="gray", vmin=-1, vmax=1)
        axes.set_axis_off()
        return
    real = course.data.reference(500).numpy()
    axes.scatter(real[:, 0], real[:, 1], s=2, color="#bbbbbb")
    made = sample.values[:500]
    axes.scatter(made[:, 0], made[:, 1], s=2, color=G_COLOUR)
    middle, reach = (real.min(0) + real.max(0)) / 2, 0.8 * float(np.ptp(real, axis=0).max())
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])


def _title(spec: JobSpec, verdict: Verdict) -> str:
    networks = f"{spec.generator.kind} against {spec.discriminator.kind}"
    return f"{verdict} ({VERDICTS[verdict].severity}): {spec.dataset.kind}, {spec.loss.kind}, {networks}"


def main(
    out: Annotated[Path, typer.Option(help="Where the labelled set keeps its data.")] = Path("runs/health"),
    only: Annotated[list[str] | None, typer.Option(help="Verdicts to draw; all by default.")] = None,
) -> None:
    """Train the run that shows each verdict, and draw it."""
    torch.set_num_threads(1)
    runs = {run.name: run for run in all_runs()}
    for verdict, shown in SHOWN.items():
        if only and verdict not in only:
            continue
        run = runs[shown] if isinstance(shown, str) else Run("its own", 1, "tuning", shown, verdict, True)
        course = follow(run.spec(sample_every=max(1, run.content["steps"] // 12)), out)
        said = Counter(found.report.verdict for found in course.assessments)
        typer.echo(f"{verdict}: {run.name}: {dict(said)}")
        if verdict not in said:
            raise typer.Exit(1)
        draw(course, _title(course.spec, verdict), FOLDER / f"health-{verdict}.png")


if __name__ == "__main__":
    typer.run(main)
