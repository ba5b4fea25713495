"""Sample images of the blocking client."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import PrivateAttr

from ganjobs import html, operations
from ganjobs.effects import Json, Request
from ganjobs.extras import need
from ganjobs.handles import Connected, Listing
from ganjobs.results import SampleInfo
from ganjobs.transfers import write_whole
from ganjobs.transport import Transport

if TYPE_CHECKING:
    from PIL.Image import Image


def image_of(png: bytes) -> "Image":
    """A PNG as a Pillow image.

    Raises:
        NotInstalled: Pillow is not there.
    """
    need("PIL", "an image")
    from PIL import Image

    opened = Image.open(BytesIO(png))
    opened.load()
    return opened


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` of the indices below ``count``, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


class Sample(Connected, SampleInfo):
    """A sample image; its bytes are downloaded when they are first asked for."""

    _transport: Transport = PrivateAttr()
    _png: bytes | None = PrivateAttr(None)

    @classmethod
    def _of(cls, transport: Transport, item: Json, png: bytes | None) -> Self:
        sample = cls.model_validate(item)
        sample._transport, sample._png = transport, png
        return sample

    @property
    def png(self) -> bytes:
        if self._png is None:
            self._png = self._transport.run(operations.whole(Request("GET", self.url)))
        return self._png

    @property
    def image(self) -> "Image":
        """A Pillow image."""
        return image_of(self.png)

    def save(self, path: str | Path) -> Path:
        """Write the PNG to ``path``."""
        return write_whole(Path(path), self.png)

    def _repr_png_(self) -> bytes:
        return self.png


class Samples(Listing[Sample]):
    """Samples by step; a notebook shows some of them, evenly spread."""

    def at(self, step: int) -> Sample:
        """The last one drawn at or before ``step``; the first where there is none."""
        return max((one for one in self if one.step <= step), key=lambda one: one.step, default=self[0])

    def _repr_html_(self) -> str:
        shown = [self[index] for index in evenly(len(self), html.MOST_PICTURES)]
        return html.pictures((one.step, one.png) for one in shown)
