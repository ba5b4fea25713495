"""Pictures of samples: images in a grid, points over the real ones."""

import io
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from worker.gan.data import Dataset
from worker.gan.events import SampleReady

COLUMNS = 8
GAP_PIXELS = 2
GRID_PIXELS = 512
BACKGROUND = 40
REAL_POINTS = 2500
REAL_COLOUR, FAKE_COLOUR = "#9aa5b1", "#d1495b"


@dataclass(frozen=True)
class Picture:
    """A PNG and its size in pixels."""

    png: bytes
    width: int
    height: int


def render(sample: SampleReady, data: Dataset) -> Picture:
    """A sample as a picture: (count, channels, height, width) in [-1, 1] as a grid, (count, 2) as a scatter plot.
    Uses no global state, so that it can run beside training."""
    if len(data.shape) == 3:
        return image_grid(sample.values)
    return scatter(sample.values, data.reference(REAL_POINTS).numpy(), sample.step)


def image_grid(images: npt.NDArray[np.float32]) -> Picture:
    """Eight images a row; small ones are enlarged smoothly: the eye reads an 8 x 8 digit better without edges."""
    count, channels, height, width = images.shape
    scale = max(1, round(GRID_PIXELS / COLUMNS / width))
    tile_height, tile_width = height * scale + GAP_PIXELS, width * scale + GAP_PIXELS
    rows, columns = math.ceil(count / COLUMNS), min(count, COLUMNS)
    canvas = np.full(
        (rows * tile_height + GAP_PIXELS, columns * tile_width + GAP_PIXELS, channels), BACKGROUND, np.uint8
    )
    # A diverged generator may give NaN or infinity: they are drawn as black or white, the losses tell the story.
    finite = np.nan_to_num(images, nan=-1.0)
    pixels = ((finite.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8).transpose(0, 2, 3, 1)
    for index, tile in enumerate(pixels):
        top = GAP_PIXELS + (index // COLUMNS) * tile_height
        left = GAP_PIXELS + (index % COLUMNS) * tile_width
        canvas[top : top + height * scale, left : left + width * scale] = _enlarge(tile, scale)
    return _png(Image.fromarray(canvas.squeeze(2) if channels == 1 else canvas))


def _enlarge(tile: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """(height, width, channels) made ``scale`` times as wide and high."""
    image = Image.fromarray(tile.squeeze(2) if tile.shape[2] == 1 else tile)
    enlarged = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    return np.asarray(enlarged).reshape(image.height * scale, image.width * scale, -1)


def scatter(fake: npt.NDArray[np.float32], real: npt.NDArray[np.float32], step: int) -> Picture:
    """Generated points over real ones, on axes that the real ones set, so that pictures of different steps compare."""
    figure = Figure(figsize=(5.6, 5.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(real[:, 0], real[:, 1], s=10, c=REAL_COLOUR, linewidths=0, label=f"real ({len(real):,})")
    axes.scatter(
        fake[:, 0], fake[:, 1], s=4, c=FAKE_COLOUR, linewidths=0, alpha=0.6, label=f"generated ({len(fake):,})"
    )
    low, high = real.min(axis=0), real.max(axis=0)
    margin = 0.25 * float((high - low).max())
    axes.set(xlim=(low[0] - margin, high[0] + margin), ylim=(low[1] - margin, high[1] + margin), aspect="equal")
    inside = ((fake >= low - margin) & (fake <= high + margin)).all(axis=1).mean()
    outside = "" if inside == 1 else f", {1 - inside:.0%} of the generated points out of view"
    axes.set_title(f"step {step:,}{outside}", fontsize=11)
    axes.legend(loc="upper right", fontsize=9, markerscale=2)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return _png(Image.fromarray(pixels).convert("RGB"))


def _png(image: Image.Image) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return Picture(buffer.getvalue(), image.width, image.height)
