"""A sample image in the terminal: half-blocks everywhere, true pixels where the terminal can show them."""

import io
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from ganjobs.extras import has, need

if TYPE_CHECKING:
    from PIL.Image import Image

# Terminal cells are about twice as high as wide; a half-block is about square.
CELL_HEIGHT = 2
SMALLEST_ROWS = 3


class ImageMode(StrEnum):
    """How samples are drawn. iTerm2 and WezTerm understand `sixel`."""

    AUTO = "auto"
    BLOCKS = "blocks"
    KITTY = "kitty"
    SIXEL = "sixel"
    NONE = "none"


PACKAGES = ("PIL", "rich_pixels", "textual_image")
# Draws a PNG into so many columns and rows of cells, at most.
Painter = Callable[[bytes, int, int], RenderableType]


def painter(mode: ImageMode, console: Console) -> Painter | None:
    """What draws in this mode on this console; ``None`` where nothing is to be drawn, as where it is no terminal that
    knows colours.

    Raises:
        NotInstalled: what was asked for needs packages that are not there.
    """
    if mode is ImageMode.NONE:
        return None
    if mode is ImageMode.AUTO:
        if not console.is_terminal or console.color_system in (None, "standard") or console.legacy_windows:
            return None
        if not all(map(has, PACKAGES)):
            return None
        mode = _best()
    for package in PACKAGES:
        need(package, f"--image {mode}")
    return {ImageMode.BLOCKS: blocks, ImageMode.KITTY: kitty, ImageMode.SIXEL: sixel}.get(mode)


def blocks(png: bytes, columns: int, rows: int) -> RenderableType:
    """An image of half-blocks in the colours that the console has."""
    from PIL import Image
    from rich_pixels import Pixels

    image = _opened(png)
    width, height = fitted(image.width, image.height, columns, rows * CELL_HEIGHT)
    # Enlarged, a pixel stays a square; reduced, it becomes part of a mean.
    how = Image.Resampling.NEAREST if width >= image.width else Image.Resampling.BOX
    drawn: RenderableType = Pixels.from_image(image.resize((width, height + height % CELL_HEIGHT), how))
    return drawn


def kitty(png: bytes, columns: int, rows: int) -> RenderableType:
    """An image by Kitty's graphics protocol."""
    from textual_image.renderable import TGPImage

    image = _opened(png)
    width, height = _cells(image, columns, rows)
    return Once(TGPImage(image, width=width, height=height))


def sixel(png: bytes, columns: int, rows: int) -> RenderableType:
    """An image in sixels. Nothing can stand to its right."""
    from textual_image.renderable import SixelImage

    image = _opened(png)
    width, height = _cells(image, columns, rows)
    return Once(SixelImage(image, width=width, height=height))


def fitted(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """The largest size of the same shape that fits, one by one at least."""
    scale = min(columns / width, rows / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


class Once:
    """Something that is slow to render, rendered once for each width."""

    def __init__(self, drawn: RenderableType) -> None:
        self._drawn = drawn
        self._segments: dict[int, list[Segment]] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width not in self._segments:
            self._segments[options.max_width] = list(console.render(self._drawn, options))
        yield from self._segments[options.max_width]


def _best() -> ImageMode:
    """The terminal is asked what it can show; one that cannot answer gets blocks."""
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stdout__ and sys.__stdout__.isatty()):
        return ImageMode.BLOCKS
    from textual_image import renderable

    known = {renderable.SixelImage: ImageMode.SIXEL, renderable.TGPImage: ImageMode.KITTY}
    return known.get(renderable.Image, ImageMode.BLOCKS)


def _opened(png: bytes) -> "Image":
    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("RGB")


def _cells(image: "Image", columns: int, rows: int) -> tuple[int, int]:
    """The image's size in cells."""
    width, height = fitted(image.width, image.height, columns, rows * CELL_HEIGHT)
    return width, max(1, round(height / CELL_HEIGHT))
