"""From files to pixels: every kind of image is either right or refused by name."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageOps
from support.images import encoded, noise

from worker.gan.data import decoding
from worker.gan.data.decoding import BadImage, bombs_refused, decode


@pytest.fixture(autouse=True)
def _as_when_many_are_decoded() -> Iterator[None]:
    with bombs_refused():
        yield


def gradient(width: int = 16, height: int = 16) -> Image.Image:
    """Red from left to right, green from top to bottom, no blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width).round()
    pixels[..., 1] = np.linspace(0, 255, height).round()[:, None]
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP", "JPEG2000", "GIF"])
def test_what_keeps_every_pixel_is_decoded_to_every_pixel(kind: str) -> None:
    image = gradient()
    if kind == "GIF":
        image = image.quantize(256)
    pixels = decode(encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {})), 3, 16)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (3, 16, 16))
    np.testing.assert_array_equal(pixels.transpose(1, 2, 0), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "MPO"])
def test_what_is_lossy_is_near(kind: str) -> None:
    options = {"save_all": True, "append_images": [noise(1)]} if kind == "MPO" else {}
    pixels = decode(encoded(gradient(64, 64), kind, quality=95, **options), 3, 64)
    assert np.abs(pixels.transpose(1, 2, 0).astype(int) - np.asarray(gradient(64, 64))).mean() < 3


def test_colours_become_grey_and_grey_becomes_colours() -> None:
    red = encoded(Image.new("RGB", (8, 8), (255, 0, 0)))
    assert decode(red, 1, 8).shape == (1, 8, 8)
    assert set(decode(red, 1, 8).flat) == {76}  # 0.299 of 255
    grey = decode(encoded(Image.new("L", (8, 8), 200)), 3, 8)
    assert (grey.shape, set(grey.flat)) == ((3, 8, 8), {200})


def test_the_middle_square_is_what_is_kept() -> None:
    wide = Image.new("L", (30, 10), 0)
    wide.paste(200, (10, 0, 20, 10))
    assert set(decode(encoded(wide), 1, 8).flat) == {200}
    high = Image.new("L", (10, 31), 0)
    high.paste(90, (0, 10, 10, 20))
    assert set(decode(encoded(high), 1, 8).flat) == {90}


def test_a_reduction_does_not_alias() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (128, 64))  # of one pixel: grey from afar
    reduced = decode(encoded(Image.fromarray(stripes)), 1, 8)
    assert np.abs(reduced.astype(int) - 127).max() <= 3  # at the edges


def test_a_large_jpeg_is_reduced_as_well_by_its_decoder() -> None:
    rough = noise(3, (16, 16)).resize((1024, 768), Image.Resampling.BICUBIC)
    found = decode(encoded(rough, "JPEG", quality=95), 3, 32).transpose(1, 2, 0).astype(int)
    wanted = ImageOps.fit(rough, (32, 32), Image.Resampling.LANCZOS)
    assert np.abs(found - np.asarray(wanted)).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photograph_is_turned_the_right_way_up(kind: str, orientation: int) -> None:
    upright = gradient(32, 32)
    # What undoes each orientation of EXIF, done the other way round.
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undone[orientation]) if orientation in undone else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    pixels = decode(encoded(stored, kind, exif=exif, **options), 3, 32).transpose(1, 2, 0).astype(int)
    assert np.abs(pixels - np.asarray(upright)).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_and_not_clipped(kind: str) -> None:
    deep = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    pixels = decode(encoded(Image.fromarray(deep), kind), 1, 8)
    np.testing.assert_array_equal(pixels[0], np.round(deep / 257))


def sixteen_bit_png(values: np.ndarray, color_type: int) -> bytes:
    """Of values (height, width, channels): Pillow itself cannot write one of colours."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


EVERY_SIXTEEN_BITS = np.arange(65536, dtype=np.uint16).reshape(256, 256)


@pytest.mark.parametrize(("color_type", "alpha"), [(2, False), (4, True), (6, True)], ids=["RGB", "LA", "RGBA"])
def test_of_sixteen_bit_colours_the_upper_byte_is_kept(color_type: int, alpha: bool) -> None:
    opaque = np.full_like(EVERY_SIXTEEN_BITS, 65535)
    shown = 1 if color_type == 4 else 3
    values = np.stack([EVERY_SIXTEEN_BITS] * shown + [opaque] * alpha, axis=-1)
    pixels = decode(sixteen_bit_png(values, color_type), 3, 256).astype(int)
    np.testing.assert_array_equal(pixels, np.stack([EVERY_SIXTEEN_BITS >> 8] * 3))
    assert np.abs(pixels[0] - np.round(EVERY_SIXTEEN_BITS / 257)).max() == 1


def test_sixteen_bit_colours_of_a_ppm_are_scaled() -> None:
    values = np.stack([EVERY_SIXTEEN_BITS] * 3, axis=-1).astype(">u2")
    pixels = decode(b"P6 256 256 65535\n" + values.tobytes(), 3, 256)
    np.testing.assert_array_equal(pixels, np.stack([np.round(EVERY_SIXTEEN_BITS / 257)] * 3))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind: str) -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    assert np.abs(decode(encoded(cyan, kind), 3, 8)[:, 4, 4].astype(int) - [0, 255, 255]).max() < 8


@pytest.mark.parametrize("mode", ["P", "PA", "1", "L", "LA", "RGB", "RGBA", "YCbCr", "LAB", "CMYK"])
def test_every_mode_of_eight_bits_is_taken(mode: str) -> None:
    white = Image.new("LAB", (8, 8), (255, 128, 128)) if mode == "LAB" else Image.new("RGB", (8, 8), "white")
    pixels = decode(encoded(white if mode == "LAB" else white.convert(mode), "TIFF"), 3, 8)
    assert pixels.min() > 250


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_laid_on_white(mode: str) -> None:
    image = Image.new("RGBA", (16, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 8, 8))
    if mode == "P":
        flat = Image.new("P", (16, 8), 1)
        flat.putpalette([0, 0, 0, 10, 10, 10])
        flat.paste(0, (0, 0, 8, 8))
        content = encoded(flat, "PNG", transparency=1)
    else:
        content = encoded(image.convert(mode), "PNG")
    row = decode(content, 1, 8)[0, 4]
    assert row[:3].max() < 30
    assert row[-3:].min() > 225


def animation(kind: str) -> bytes:
    return encoded(noise(1), kind, save_all=True, append_images=[noise(2), noise(3)])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"\0" * 100, "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "not an image"),
        (encoded(noise(1))[:2000], "truncated"),
        (encoded(noise(1), "JPEG")[:2000], "truncated"),
        (encoded(noise(1), "TIFF")[:2000], "truncated"),
        (encoded(noise(1), "BMP")[:2000], "truncated"),
        (encoded(noise(1), "GIF")[:2000], "truncated"),
        (encoded(noise(1), "WEBP")[:2000], "cannot be decoded: could not create decoder object"),
        (animation("GIF"), "animated: 3 frames"),
        (animation("WEBP"), "animated: 3 frames"),
        (animation("PNG"), "animated: 3 frames"),
        (animation("TIFF"), "3 pages"),
        (encoded(Image.new("F", (8, 8), 0.5), "TIFF"), "32-bit pixels, of which nothing says what is white"),
        (encoded(Image.new("I", (8, 8), 70_000), "TIFF"), "32-bit pixels, of which nothing says what is white"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadImage, match=f"^{reason}$"):
        decode(content, 3, 8)


def test_a_single_frame_is_no_animation() -> None:
    still = encoded(noise(1), "GIF", save_all=True)
    assert decode(still, 3, 8).shape == (3, 8, 8)


@pytest.mark.parametrize("side", [10_000, 30_000, 65_535])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    bomb = Image.new("1", (1, 1))
    content = bytearray(encoded(bomb, "PNG"))
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    with pytest.raises(BadImage, match=r"^more than 89,478,485 pixels$"):
        decode(bytes(content), 1, 8)


def test_a_file_may_be_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(noise(1))
    assert len(content) < 2**20
    monkeypatch.setattr(decoding, "MOST_FILE_BYTES", 2**10)
    with pytest.raises(BadImage, match=r"^larger than 0 MiB$"):
        decode(content, 1, 8)


def test_any_damage_is_a_bad_image_and_nothing_else() -> None:
    random = np.random.default_rng(5)
    told, good = set(), 0
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "AVIF", "BMP", "JPEG2000"):
        whole = encoded(noise(2, (24, 24)), kind)
        for _ in range(40):
            damaged = bytearray(whole)
            for place in random.integers(0, len(whole), 4):
                damaged[place] = random.integers(256)
            try:
                good += decode(bytes(damaged), 3, 8).shape == (3, 8, 8)
            except BadImage as error:
                told.add(str(error))
    assert good > 20  # some damage cannot be seen
    assert len(told) > 5
    assert all(reason.isprintable() and len(reason) < 120 for reason in told)
