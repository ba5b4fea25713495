"""Draw a finished job's course for the README: ``python docs/make_images.py URL JOB FILE.png``."""

import io
import sys

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ganjobs.rest import Rest

D_COLOUR, G_COLOUR = "#2f6690", "#d1495b"


def main(url: str, job_id: str, target: str) -> None:
    with Rest(url) as client:
        job = client.get(job_id)
        rows = client.metrics(job_id, ["d_loss", "g_loss", "d_real", "d_fake"])
        steps = [sample["step"] for sample in client.samples(job_id)]
        shown = [steps[0], steps[1], steps[len(steps) // 2], steps[-1]]
        pictures = {step: Image.open(io.BytesIO(client.sample(job_id, step))) for step in shown}

    figure = Figure(figsize=(11, 6.6), dpi=110, layout="constrained")
    grid = figure.add_gridspec(2, 4, height_ratios=[1, 1.15])
    losses, answers = figure.add_subplot(grid[0, :2]), figure.add_subplot(grid[0, 2:])
    for axes, columns, title in (
        (losses, (("d_loss", D_COLOUR, "discriminator"), ("g_loss", G_COLOUR, "generator")), "loss"),
        (answers, (("d_real", D_COLOUR, "D(x)"), ("d_fake", G_COLOUR, "D(G(z))")), "discriminator's answers"),
    ):
        for name, colour, label in columns:
            values = np.asarray(rows.columns[name], dtype=float)
            axes.plot(rows.steps, values, color=colour, alpha=0.25, linewidth=0.6)
            window = max(1, len(values) // 100)
            smooth = np.convolve(values, np.ones(window) / window, mode="valid")
            axes.plot(rows.steps[window - 1 :], smooth, color=colour, label=label)
            level = job["equilibrium"].get(name, 0.5)
            axes.axhline(level, color=colour if name in job["equilibrium"] else "grey", linestyle="--", linewidth=0.9)
        axes.set_title(f"{title} (dashed: at equilibrium)", fontsize=10)
        axes.set_xlabel("step")
        axes.legend(loc="upper right", fontsize=8)
        lowest, highest = np.quantile([rows.columns[name] for name, _, _ in columns], [0.001, 0.999])
        axes.set_ylim(lowest - 0.1, highest + 0.25)
    for column, (step, picture) in enumerate(pictures.items()):
        axes = figure.add_subplot(grid[1, column])
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(f"step {step:,}", fontsize=10)
        axes.set_axis_off()
    figure.savefig(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
