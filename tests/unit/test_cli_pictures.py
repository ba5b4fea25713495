"""Samples drawn in the terminal, and curves drawn in blocks."""

import io
import re
import sys

import pytest
from PIL import Image
from rich.console import Console
from rich.text import Text

from ganjobs.errors import NotInstalled
from ganjobs.pictures import ImageMode, blocks, fitted, kitty, painter, sixel
from ganjobs.sparkline import sparkline

RED, GREEN = (255, 0, 0), (0, 255, 0)


def png(width: int = 4, height: int = 4, mode: str = "RGB", colour: tuple[int, int, int] = RED) -> bytes:
    """An image whose upper half is of a colour and whose lower half is green, or black and white."""
    image = Image.new("RGB", (width, height), GREEN)
    image.paste(colour, (0, 0, width, height // 2))
    out = io.BytesIO()
    image.convert(mode).save(out, "png")
    return out.getvalue()


def console(colours: str = "truecolor", terminal: bool = True) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, color_system=colours, width=40, height=30, legacy_windows=False
    )  # type: ignore[arg-type]


def printed(shown: object, colours: str = "truecolor") -> str:
    made = console(colours)
    made.print(shown)
    assert isinstance(made.file, io.StringIO)
    return made.file.getvalue()


@pytest.mark.parametrize(
    ("colours", "colour", "sent"),
    [("truecolor", (250, 10, 0), "38;2;250;10;0;48;2;250;10;0"), ("256", (0, 0, 255), "38;5;21;48;5;21")],
)
def test_half_blocks_have_the_colours_of_two_pixels(colours: str, colour: tuple[int, int, int], sent: str) -> None:
    lines = printed(blocks(png(colour=colour), 4, 2), colours).splitlines()
    assert len(lines) == 2
    assert lines[0] == f"\x1b[{sent}m▄\x1b[0m" * 4


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_every_kind_of_image_can_be_drawn(mode: str) -> None:
    lines = printed(blocks(png(9, 5, mode), 20, 10)).splitlines()
    assert 1 <= len(lines) <= 10
    assert {line.count("▄") for line in lines} == {20}


@pytest.mark.parametrize(
    ("size", "room", "fits"),
    [((28, 28), (80, 20), (20, 20)), ((280, 28), (80, 20), (80, 8)), ((1, 900), (80, 20), (1, 20))],
)
def test_an_image_fits_its_room_and_keeps_its_shape(
    size: tuple[int, int], room: tuple[int, int], fits: tuple[int, int]
) -> None:
    assert fitted(*size, *room) == fits


def test_sixels_are_sent_where_they_are_asked_for() -> None:
    written = printed(sixel(png(), 4, 2))
    sent = re.search(r"\x1bP[0-9;]*q(.*?)\x1b\\", written, re.DOTALL)
    assert sent is not None
    assert written.index("\x1b7") < sent.start() < written.index("\x1b8"), "the cursor comes back"
    assert "#" in sent[1]


def test_kitty_is_sent_the_image_once_and_shown_its_place(capfd: pytest.CaptureFixture[str]) -> None:
    drawn = kitty(png(), 4, 2)
    first, second = printed(drawn), printed(drawn)
    assert first == second
    assert first.count("\U0010eeee") == 4 * 2
    sent = capfd.readouterr().out
    assert sent.count("f=100") == 1
    assert "a=p" in sent


@pytest.mark.parametrize(
    ("mode", "terminal", "colours", "draws"),
    [
        ("auto", True, "truecolor", blocks),
        ("auto", True, "256", blocks),
        ("auto", True, "standard", None),
        ("auto", False, "truecolor", None),
        ("none", True, "truecolor", None),
        ("blocks", False, "256", blocks),
        ("kitty", True, "256", kitty),
        ("sixel", True, "256", sixel),
    ],
)
def test_what_draws_where(mode: str, terminal: bool, colours: str, draws: object) -> None:
    """The terminal of tests cannot be asked what it shows: blocks are what is left."""
    assert painter(ImageMode(mode), console(colours, terminal)) is draws


def test_without_the_packages_nothing_is_drawn_but_where_one_asks_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich_pixels", None)
    assert painter(ImageMode.AUTO, console()) is None
    assert painter(ImageMode.NONE, console()) is None
    with pytest.raises(NotInstalled, match=r"--image blocks needs rich_pixels: pip install rich-pixels pillow"):
        painter(ImageMode.BLOCKS, console())


def test_a_curve_rises_between_its_lowest_and_its_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.0, None, 7.0]) == "▁ █"
    assert sparkline([2.0, 3.0], 0.0, 4.0) == "▅▇"
    assert sparkline([-5.0, 9.0], 0.0, 4.0) == "▁█"
    assert sparkline([3.0, 3.0]) == "▅▅"
    assert sparkline([None]) == sparkline([]) == ""
    assert Text(sparkline([1, 2])).cell_len == 2
