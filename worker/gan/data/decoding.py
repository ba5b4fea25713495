"""From a file's content to the pixels that are trained on.

- The EXIF orientation is followed. The middle square is resized by Lanczos' filter, which Pillow widens by the factor
  of a reduction, so that nothing aliases. A large JPEG is first reduced while it is decoded, to no less than twice the
  side.
- Transparent images are laid on white. Palettes become colours. Colours become grey by ITU-R BT.601's luma.
- CMYK becomes RGB by Pillow's plain formula, without the colour profile of a press.
- 16-bit grey is scaled from 0..65535 to 0..255 (divided by 257, rounded). Of 16-bit colours, and of 16-bit grey with
  alpha, Pillow keeps the upper byte, which is off by one level at most; those of a PPM it scales as grey is. 32-bit
  pixels are refused, as nothing says what their white is.
- Files of several frames are refused, but for an MPO (a JPEG with a second view, or a preview): it is the photograph
  that it begins with.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from worker.gan.data.problems import one_line

MOST_FILE_BYTES = 256 * 2**20
# Of one image: some 89 million, where Pillow begins to warn of decompression bombs.
MOST_PIXELS = Image.MAX_IMAGE_PIXELS or 0
# What is decoded: formats of plain pixels, and none that runs another program or a language of its own.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
BRIGHTEST = 255
BRIGHTEST_OF_16_BITS = 65535
WHITE = (255, 255, 255, 255)
Pixels = npt.NDArray[np.uint8]


class BadImage(Exception):
    """An image cannot be used; the message is why, in a few words."""


@contextmanager
def bombs_refused() -> Iterator[None]:
    """While this lasts, ``decode`` refuses images of too many pixels, and libraries' other remarks on damaged files are
    not printed. (Warnings are the whole process's; so this is around many calls rather than in each.)"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(content: bytes, channels: int, side: int) -> Pixels:
    """The image in a file's content as bytes (channels, side, side).

    Raises:
        BadImage: it is none, or none that can be used.
    """
    if not content:
        raise BadImage("empty file")
    if len(content) > MOST_FILE_BYTES:
        raise BadImage(f"larger than {MOST_FILE_BYTES // 2**20} MiB")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return fit(_plain(_still(image, side)), channels, side)
    except (BadImage, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise BadImage("not an image") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"more than {MOST_PIXELS:,} pixels") from error
    except Exception as error:
        is_short = "truncated" in str(error).lower()
        raise BadImage("truncated" if is_short else f"cannot be decoded: {one_line(error, longest=80)}") from error


def fit(image: Image.Image, channels: int, side: int) -> Pixels:
    """The middle square of an image in grey or RGB, resized: bytes (channels, side, side)."""
    image = image.convert("L" if channels == 1 else "RGB")
    square = min(image.size)
    left, top = (image.width - square) // 2, (image.height - square) // 2
    # Cropped first: resizing a box would let in what is beside it.
    middle = image.crop((left, top, left + square, top + square))
    resized = middle.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(resized, np.uint8).reshape(side, side, channels).transpose(2, 0, 1)


def _still(image: Image.Image, side: int) -> Image.Image:
    """The decoded image, the right way up."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise BadImage(f"{frames} pages" if image.format == "TIFF" else f"animated: {frames} frames")
    image.draft(None, (2 * side, 2 * side))
    ImageOps.exif_transpose(image, in_place=True)  # a copy would not know its format
    return image


def _plain(image: Image.Image) -> Image.Image:
    """The image in grey or RGB of 8 bits, without transparency."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return Image.fromarray(np.round(np.asarray(image) * (BRIGHTEST / BRIGHTEST_OF_16_BITS)).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise BadImage("32-bit pixels, of which nothing says what is white")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured).convert("RGB")
    return image if image.mode == "L" else image.convert("RGB")
