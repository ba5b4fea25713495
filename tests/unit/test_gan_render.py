"""Pictures of samples."""

import io

import numpy as np
import torch
from PIL import Image

from models.spec import JobSpec
from worker.gan.data import load
from worker.gan.events import SampleReady
from worker.gan.render import Picture, image_grid, render, scatter


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.png))
    assert image.format == "PNG"
    assert image.size == (picture.width, picture.height)
    return image


def test_a_grid_shows_each_image_in_its_place() -> None:
    tiles = np.full((10, 1, 8, 8), -1, np.float32)
    tiles[9] = 1  # second row, second column
    pixels = np.asarray(opened(image_grid(tiles)))
    assert pixels.shape == (2 * 66 + 2, 8 * 66 + 2)
    assert pixels[66 + 34, 66 + 34] == 255
    assert pixels[34, 34] == 0


def test_colour_images_keep_their_colours() -> None:
    tiles = np.full((1, 3, 16, 16), -1, np.float32)
    tiles[:, 0] = 1
    image = opened(image_grid(tiles))
    assert image.mode == "RGB"
    assert image.getpixel((image.width // 2, image.height // 2)) == (255, 0, 0)


def test_a_diverged_generator_can_be_drawn() -> None:
    tiles = np.full((3, 1, 8, 8), np.nan, np.float32)
    tiles[1] = np.inf
    opened(image_grid(tiles))
    opened(scatter(np.full((5, 2), np.nan, np.float32), np.arange(10, dtype=np.float32).reshape(5, 2), 3))


def test_points_are_drawn_over_the_real_ones_and_change_the_picture() -> None:
    spec = JobSpec.model_validate(
        {"dataset": {"kind": "ring"}, "generator": {"kind": "mlp"}, "discriminator": {"kind": "mlp"}, "steps": 1}
    )
    data = load(spec, torch.device("cpu"))
    one = render(SampleReady(1, np.zeros((100, 2), np.float32)), data)
    other = render(SampleReady(1, np.full((100, 2), 0.5, np.float32)), data)
    assert opened(one).width >= 500
    assert one.png != other.png
    assert one == render(SampleReady(1, np.zeros((100, 2), np.float32)), data)
