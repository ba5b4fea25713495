"""Pictures of samples."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from models.spec import JobSpec
from worker.gan.data import load
from worker.gan.events import SampleReady
from worker.gan.render import Picture, class_grid, image_grid, render, scatter


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


def test_classes_are_rows_in_their_order() -> None:
    labels = np.array([5, 2, 2, 5, 5, 9], np.int64)
    shades = np.array([-1, 1, 0.5, -0.5, 0, 0.25], np.float32)
    tiles = np.broadcast_to(shades[:, None, None, None], (6, 1, 8, 8)).astype(np.float32)
    pixels = np.asarray(opened(class_grid(tiles, labels)))
    assert pixels.shape == (3 * 66 + 2, 3 * 66 + 2)
    middles = pixels[34::66, 34::66]
    empty = 40
    assert middles.tolist() == [[255, 191, empty], [0, 64, 128], [159, empty, empty]]


def test_eight_of_sixteen_classes_are_shown_at_most() -> None:
    labels = np.repeat(np.arange(20), 10)
    tiles = np.repeat(np.linspace(-1, 1, 200, dtype=np.float32), 64).reshape(200, 1, 8, 8)
    pixels = np.asarray(opened(class_grid(tiles, labels)))
    assert pixels.shape == (16 * 66 + 2, 8 * 66 + 2)
    shown = (tiles[:, 0, 0, 0] + 1) * 127.5
    wanted = [[round(float(shown[10 * row + column])) for column in range(8)] for row in range(16)]
    assert np.abs(pixels[34::66, 34::66].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize(("side", "tile"), [(8, 64), (16, 64), (32, 64), (64, 64), (128, 128), (256, 128)])
def test_images_of_any_size_make_a_picture_that_can_be_looked_at(side: int, tile: int) -> None:
    noise = np.random.default_rng(side).uniform(-1, 1, (8, 3, side, side)).astype(np.float32)
    found = opened(image_grid(noise))
    assert found.size == (8 * (tile + 2) + 2, tile + 4)
    most = class_grid(np.zeros((128, 3, side, side), np.float32), np.repeat(np.arange(16), 8))
    assert most.width * most.height < 2.2e6


def test_a_sample_with_labels_is_drawn_by_class_and_points_are_drawn_all_the_same() -> None:
    mlp = {"kind": "mlp", "hidden_sizes": [4]}
    base = {"generator": mlp, "discriminator": mlp, "steps": 1}
    digits, ring = (
        load(JobSpec.model_validate(base | {"dataset": {"kind": kind}}), torch.device("cpu"))
        for kind in ("digits", "ring")
    )
    tiles, labels = np.zeros((80, 1, 8, 8), np.float32), np.repeat(np.arange(10), 8)
    assert render(SampleReady(1, tiles, labels), digits) == class_grid(tiles, labels)
    assert render(SampleReady(1, tiles), digits) == image_grid(tiles)
    points = np.zeros((16, 2), np.float32)
    assert render(SampleReady(1, points, np.arange(16) % 8), ring) == render(SampleReady(1, points), ring)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e6])
def test_points_of_any_mixture_can_be_drawn(scale: float) -> None:
    mlp = {"kind": "mlp", "hidden_sizes": [4]}
    dataset = {
        "kind": "mixture",
        "means": [[1e6, -1e6]] if scale < 1 else [[1e6, -1e6], [0.0, 3.0]],
        "covariances": [[[scale, 0.0], [0.0, scale]]],
    }
    spec = JobSpec.model_validate({"dataset": dataset, "generator": mlp, "discriminator": mlp, "steps": 1})
    picture = render(SampleReady(1, np.zeros((50, 2), np.float32)), load(spec, torch.device("cpu")))
    assert opened(picture).width >= 500


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
