"""Pictures of samples: images in a grid, points over the real ones."""

import io
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
# Larger images are shown smaller: eight of 256 pixels in sixteen rows would be a picture of 8 million pixels.
LARGEST_TILE = 128
CLASS_ROWS = 16
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
        return image_grid(sample.values) if sample.labels is None else class_grid(sample.values, sample.labels)
    return scatter(sample.values, data.reference(REAL_POINTS).numpy(), sample.step)


def image_grid(images: npt.NDArray[np.float32]) -> Picture:
    """Eight images a row."""
    return _grid(images, [divmod(index, COLUMNS) for index in range(len(images))])


def class_grid(images: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> Picture:
    """A row for each class (labels (count,)), in their order: of up to 16 classes the first eight images."""
    places: dict[int, tuple[int, int]] = {}
    for row, label in enumerate(np.unique(labels)[:CLASS_ROWS]):
        places |= {int(index): (row, column) for column, index in enumerate(np.flatnonzero(labels == label)[:COLUMNS])}
    return _grid(images[list(places)], list(places.values()))


def _grid(images: npt.NDArray[np.float32], places: list[tuple[int, int]]) -> Picture:
    """Each image (count, channels, height, width) in its place (row, column), on tiles of a size that is good to look
    at and to send. Resized smoothly: the eye reads an 8 x 8 digit better without edges."""
    channels, width = images.shape[1], images.shape[3]
    side = min(width * max(1, round(GRID_PIXELS / COLUMNS / width)), LARGEST_TILE)
    pitch = side + GAP_PIXELS
    rows, columns = (max(place[axis] for place in places) + 1 for axis in (0, 1))
    canvas = np.full((rows * pitch + GAP_PIXELS, columns * pitch + GAP_PIXELS, channels), BACKGROUND, np.uint8)
    # A diverged generator may give NaN or infinity: they are drawn as black or white, the losses tell the story.
    finite = np.nan_to_num(images, nan=-1.0)
    pixels = ((finite.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8).transpose(0, 2, 3, 1)
    for tile, (row, column) in zip(pixels, places, strict=True):
        top, left = GAP_PIXELS + row * pitch, GAP_PIXELS + column * pitch
        canvas[top : top + side, left : left + side] = _resized(tile, side)
    return _png(Image.fromarray(canvas.squeeze(2) if channels == 1 else canvas))


def _resized(tile: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """A square (width, width, channels) as (side, side, channels)."""
    image = Image.fromarray(tile.squeeze(2) if tile.shape[2] == 1 else tile)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)).reshape(side, side, -1)


def scatter(fake: npt.NDArray[np.float32], real: npt.NDArray[np.float32], step: int) -> Picture:
    """Generated points over real ones, on axes that the real ones set, so that pictures of different steps compare."""
    figure = Figure(figsize=(5.6, 5.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(real[:, 0], real[:, 1], s=10, c=REAL_COLOUR, linewidths=0, label=f"real ({len(real):,})")
    axes.scatter(
        fake[:, 0], fake[:, 1], s=4, c=FAKE_COLOUR, linewidths=0, alpha=0.6, label=f"generated ({len(fake):,})"
    )
    low, high = real.min(axis=0), real.max(axis=0)
    # Points that are all but one must not make the axes none.
    margin = max(0.25 * float((high - low).max()), 1e-6 * float(np.abs(real).max()), 1e-6)
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
