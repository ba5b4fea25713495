"""Augmentation against one image at a time in NumPy, its gradients, and the rule that adapts its strength."""

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.spec import AdaptiveStrength
from worker.gan.augment import UNIFORMS_PER_EXAMPLE, AdaptiveAugmentation, augment

Array = NDArray[np.float64]
POLICIES = ("color", "translation", "cutout")
SHAPES = [(1, 8, 8), (3, 8, 8), (3, 16, 8), (1, 32, 32)]
BATCH = 40
LARGEST = float(torch.nextafter(torch.tensor(1.0), torch.tensor(0.0)))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def images_of(shape: tuple[int, ...], count: int = BATCH) -> Tensor:
    drawn = torch.rand(count, *shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return 2 * drawn - 1


def uniforms_of(count: int = BATCH) -> Tensor:
    drawn = torch.rand(count, UNIFORMS_PER_EXAMPLE, generator=torch.Generator().manual_seed(4))
    drawn[0], drawn[1] = 0.0, LARGEST
    return drawn


# --- by hand ---------------------------------------------------------------------------------------------------------


def colored(image: Array, u: Array) -> Array:
    """Zhao et al. 2020, section 3.2 and their published code: brightness, then saturation, then contrast."""
    image = image + (u[0] - 0.5)
    grey = image.mean(axis=0)
    image = grey + 2 * u[1] * (image - grey)
    return np.asarray(image.mean() + (0.5 + u[2]) * (image - image.mean()))


def moved(image: Array, u: Array) -> Array:
    _, height, width = image.shape
    down, right = (int(u[column] * (2 * (side // 8) + 1)) - side // 8 for column, side in ((3, height), (4, width)))
    result = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                result[:, row, column] = image[:, row + down, column + right]
    return result


def holed(image: Array, u: Array) -> Array:
    _, height, width = image.shape
    result = image.copy()
    # Holes of half the side are of even size; their middle is on one of side + 1 edges.
    top, left = (int(u[column] * (side + 1)) - side // 4 for column, side in ((5, height), (6, width)))
    result[:, max(top, 0) : max(top + height // 2, 0), max(left, 0) : max(left + width // 2, 0)] = 0
    return result


BY_HAND = {"color": (colored, 7), "translation": (moved, 8), "cutout": (holed, 9)}


def by_hand(images: Tensor, uniforms: Tensor, policies: tuple[str, ...], probability: float = 1.0) -> Array:
    results = []
    for image, u in zip(images.numpy(), uniforms.double().numpy(), strict=True):
        for name in policies:
            change, gate = BY_HAND[name]
            image = change(image, u) if u[gate] < probability else image
        results.append(image)
    return np.stack(results)


# --- augmentation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("policies", [("color",), ("translation",), ("cutout",), POLICIES])
def test_each_image_is_changed_as_by_hand(policies: tuple[str, ...], shape: tuple[int, ...]) -> None:
    images, uniforms = images_of(shape), uniforms_of()
    changed = augment(images, uniforms, policies, None)
    np.testing.assert_allclose(changed.numpy(), by_hand(images, uniforms, policies), rtol=1e-5, atol=1e-6)
    assert not torch.equal(changed, images)


def test_policies_follow_one_another_in_the_order_given() -> None:
    images, uniforms = images_of((3, 8, 8)), uniforms_of()
    for policies in permutations(POLICIES):
        changed = augment(images, uniforms, policies, None)
        np.testing.assert_allclose(changed.numpy(), by_hand(images, uniforms, policies), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.9, 1.0])
def test_each_policy_is_for_as_many_images_as_its_probability_says(probability: float) -> None:
    images, uniforms = images_of((3, 8, 8)), uniforms_of()
    changed = augment(images, uniforms, POLICIES, torch.tensor(probability))
    expected = by_hand(images, uniforms, POLICIES, probability)
    np.testing.assert_allclose(changed.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_probability_of_zero_changes_no_bit_and_of_one_leaves_out_nothing() -> None:
    images, uniforms = images_of((3, 8, 8)), uniforms_of()
    assert torch.equal(augment(images, uniforms, POLICIES, torch.tensor(0.0)), images)
    always = augment(images, uniforms, POLICIES, torch.tensor(1.0))
    assert torch.equal(always, augment(images, uniforms, POLICIES, None))


def test_grey_images_have_no_saturation() -> None:
    images, uniforms = images_of((1, 8, 8)), uniforms_of()
    other = uniforms.clone()
    other[:, 1] = 1 - uniforms[:, 1]
    assert torch.equal(augment(images, uniforms, ("color",), None), augment(images, other, ("color",), None))
    colors = images_of((3, 8, 8))
    assert not torch.equal(augment(colors, uniforms, ("color",), None), augment(colors, other, ("color",), None))


def test_images_move_evenly_often_by_each_distance_up_to_an_eighth() -> None:
    """The numbers are spread evenly, and so must the place of one bright pixel be."""
    count = 25 * 9
    image = torch.zeros(count, 1, 16, 16)
    image[:, :, 8, 8] = 1
    uniforms = torch.zeros(count, UNIFORMS_PER_EXAMPLE)
    uniforms[:, 3] = (torch.arange(count) // 15 + 0.5) / 15
    uniforms[:, 4] = (torch.arange(count) % 15 + 0.5) / 15
    seen = augment(image, uniforms, ("translation",), None).sum((0, 1))
    expected = torch.zeros(16, 16)
    expected[6:11, 6:11] = 9
    assert torch.equal(seen, expected)


def test_holes_are_half_the_side_unless_the_edge_cuts_them() -> None:
    uniforms = torch.zeros(9, UNIFORMS_PER_EXAMPLE)
    uniforms[:, 5] = (torch.arange(9) + 0.5) / 9
    uniforms[:, 6] = 0.5
    holes = 1 - augment(torch.ones(9, 1, 8, 8), uniforms, ("cutout",), None)
    # The middle goes from edge to edge; across, it is in the middle of the image.
    assert holes.sum((1, 2, 3)).tolist() == [4 * rows for rows in (2, 3, 4, 4, 4, 4, 4, 3, 2)]
    assert holes.amax((0, 1, 2)).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("policies", [("color",), ("translation",), ("cutout",), POLICIES])
@pytest.mark.parametrize("probability", [None, 0.6])
def test_it_can_be_differentiated_twice(policies: tuple[str, ...], probability: float | None) -> None:
    """A generator is trained through it, and a gradient penalty of the discriminator goes through it."""
    images, uniforms = images_of((2, 8, 8), count=2).requires_grad_(), uniforms_of(4)[2:]
    chance = None if probability is None else torch.tensor(probability)

    def squared(values: Tensor) -> Tensor:
        return augment(values, uniforms, policies, chance).square().mean((1, 2, 3))

    assert torch.autograd.gradcheck(squared, (images,))
    assert torch.autograd.gradgradcheck(squared, (images,))


def test_the_gradient_reaches_the_pixels_that_are_seen_and_no_others() -> None:
    images = images_of((3, 8, 8)).requires_grad_()
    changed = augment(images, uniforms_of(), ("translation", "cutout"), None)
    (gradient,) = torch.autograd.grad(changed.sum(), images)
    # As many pixels count as are seen, each once.
    seen = augment(torch.ones(BATCH, 3, 8, 8), uniforms_of(), ("translation", "cutout"), None)
    assert set(gradient.flatten().tolist()) == {0.0, 1.0}
    assert gradient.sum((1, 2, 3)).tolist() == seen.sum((1, 2, 3)).tolist()


def test_nothing_of_it_depends_on_a_value_of_the_device() -> None:
    """Tensors without values: asking for one, or branching on one, is an error."""
    with torch.device("meta"):
        images, uniforms = torch.empty(4, 3, 8, 8), torch.empty(4, UNIFORMS_PER_EXAMPLE)
        assert augment(images, uniforms, POLICIES, torch.empty(())).shape == images.shape
        controller(AdaptiveStrength()).update(torch.empty(4))


def test_an_unknown_policy_is_an_error() -> None:
    with pytest.raises(KeyError, match="rotation"):
        augment(images_of((1, 8, 8)), uniforms_of(), ("rotation",), None)


# --- its strength ----------------------------------------------------------------------------------------------------


def controller(
    strength: AdaptiveStrength, boundary: float = 0.0, batch_size: int = 8, discriminator_steps: int = 1
) -> AdaptiveAugmentation:
    return AdaptiveAugmentation(strength, boundary, batch_size, discriminator_steps)


@pytest.mark.parametrize("boundary", [0.0, 0.5])
@pytest.mark.parametrize("discriminator_steps", [1, 2])
def test_the_strength_follows_the_rule(boundary: float, discriminator_steps: int) -> None:
    """Karras et al. 2020, section 3.2: every few minibatches, by a fixed amount, up where the mean sign is above the
    target and down where it is below, and never out of [0, 1]."""
    strength = AdaptiveStrength(target=0.4, interval=3, ramp_examples=200)
    adaptive = controller(strength, boundary, 8, discriminator_steps)
    logits = np.random.default_rng(6).normal(boundary, 1, size=(240, 8))
    # Sure of the real data, then unsure, then sure.
    logits[:100] += 1.2
    logits[170:] += 1.2
    probability, signs = 0.0, np.zeros(0)
    course = []
    for count, answers in enumerate(logits, start=1):
        adaptive.update(torch.tensor(answers))
        signs = np.append(signs, np.sign(answers - boundary))
        assert adaptive.r_t.item() == pytest.approx(signs.mean(), abs=1e-6)
        if count % (3 * discriminator_steps) == 0:
            change = np.sign(signs.mean() - 0.4) * 8 * 3 * discriminator_steps / 200
            probability, signs = min(max(probability + change, 0.0), 1.0), np.zeros(0)
        assert adaptive.probability.item() == pytest.approx(probability, abs=1e-5)
        course.append(probability)
    assert (max(course), course[100], min(course[100:170])) == (1.0, 1.0, 0.0)
    assert course[-1] > 0.8


def test_on_target_nothing_changes() -> None:
    adaptive = controller(AdaptiveStrength(target=0.5, interval=1, ramp_examples=100))
    adaptive.probability.fill_(0.3)
    adaptive.update(torch.tensor([1.0, 1.0, 1.0, -1.0] * 2))
    assert adaptive.r_t.item() == 0.5
    assert adaptive.probability.item() == pytest.approx(0.3)


def test_the_ramp_takes_as_many_examples_as_it_says() -> None:
    adaptive = controller(AdaptiveStrength(interval=4, ramp_examples=320))
    for seen in range(8, 321, 8):
        adaptive.update(torch.ones(8))
        assert adaptive.probability.item() == pytest.approx(seen // 32 * 32 / 320, abs=1e-6)


def test_the_state_goes_on_where_it_was_in_the_middle_of_an_interval() -> None:
    strength = AdaptiveStrength(target=0.2, interval=4, ramp_examples=100)
    logits = torch.randn(23, 8, generator=torch.Generator().manual_seed(1)) + 0.2
    through, resumed = controller(strength), controller(strength)
    for answers in logits[:10]:
        through.update(answers)
    resumed.load_state_dict({name: value.clone() for name, value in through.state_dict().items()})
    for answers in logits[10:]:
        through.update(answers)
        resumed.update(answers)
        mine, its = through.state_dict(), resumed.state_dict()
        assert all(torch.equal(mine[name], its[name]) for name in mine)
    assert 0 < through.probability < 1


def test_its_tensors_stay_where_they_are() -> None:
    """As a captured step needs them."""
    adaptive = controller(AdaptiveStrength(interval=2))
    places = {name: value.data_ptr() for name, value in adaptive.named_buffers()}
    for _ in range(5):
        adaptive.update(torch.ones(8))
    assert {name: value.data_ptr() for name, value in adaptive.named_buffers()} == places


def test_logits_that_are_part_of_a_graph_can_be_taken_in() -> None:
    logits = torch.ones(8, requires_grad=True)
    adaptive = controller(AdaptiveStrength(interval=1))
    adaptive.update(logits * 2)
    assert not adaptive.probability.requires_grad
    assert adaptive.probability > 0
