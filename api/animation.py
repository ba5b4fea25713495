"""Sample images of a job as one moving picture."""

import io
from collections.abc import Sequence
from typing import Literal

from PIL import Image, ImageDraw

Format = Literal["gif", "webp", "apng"]
MEDIA_TYPES: dict[Format, str] = {"gif": "image/gif", "webp": "image/webp", "apng": "image/apng"}
WRITERS: dict[Format, str] = {"gif": "GIF", "webp": "WEBP", "apng": "PNG"}
# What a frame is shown at the end, in frames: the eye wants to rest on what came of it.
REST_FRAMES = 6
CAPTION_PIXELS = 18
DARK, LIGHT = (24, 24, 27), (228, 228, 231)


class UndecodableImage(Exception):
    """What is stored as the sample of a step is no image."""

    def __init__(self, step: int) -> None:
        super().__init__(f"what is stored as the sample of step {step} is no image")
        self.step = step


def evenly(steps: Sequence[int], frames: int) -> list[int]:
    """At most ``frames`` (2 or more) of ``steps``, evenly spaced in the list, the first and the last among them."""
    if len(steps) <= frames:
        return list(steps)
    gaps = frames - 1
    return [steps[round(index * (len(steps) - 1) / gaps)] for index in range(frames)]


def animated(images: Sequence[tuple[int, bytes]], kind: Format, frames_per_second: float, side: int) -> bytes:
    """One or more (step, PNG) as a moving picture, each scaled to at most ``side`` pixels and with its step below.

    Raises:
        UndecodableImage: one of them is no image.
    """
    each = round(1000 / frames_per_second)
    durations = [each] * (len(images) - 1) + [each * REST_FRAMES]
    frames = [_frame(step, png, side) for step, png in images]
    out = io.BytesIO()
    frames[0].save(
        out,
        WRITERS[kind],
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
    )
    return out.getvalue()


def scaled_down(step: int, png: bytes, side: int) -> bytes:
    """The PNG of a step with at most ``side`` pixels on its longer side.

    Raises:
        UndecodableImage: it is no image.
    """
    out = io.BytesIO()
    _decoded(step, png, side).save(out, "PNG")
    return out.getvalue()


def _decoded(step: int, png: bytes, side: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(png)) as image:
            drawn = image.convert("RGB")
    except OSError as error:
        raise UndecodableImage(step) from error
    drawn.thumbnail((side, side), Image.Resampling.LANCZOS)
    return drawn


def _frame(step: int, png: bytes, side: int) -> Image.Image:
    drawn = _decoded(step, png, side)
    framed = Image.new("RGB", (drawn.width, drawn.height + CAPTION_PIXELS), DARK)
    framed.paste(drawn, (0, 0))
    ImageDraw.Draw(framed).text((6, drawn.height + 3), f"step {step:,}", fill=LIGHT)
    return framed
