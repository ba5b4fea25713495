"""Noise and data order are functions of their keys, and of nothing else."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from worker.gan.data.digits import Digits
from worker.gan.data.mixtures import GRID, Mixture
from worker.gan.data.order import EpochOrder
from worker.gan.noise import Noise, Purpose, keyed_seed

SMALL = st.integers(min_value=0, max_value=5)


def test_a_draw_depends_on_no_draw_before_it() -> None:
    busy, fresh = Noise(3), Noise(3)
    for step in range(5):
        busy.normal((4, 2), Purpose.DISCRIMINATOR_NOISE, step)
    drawn = busy.normal((4, 2), Purpose.GENERATOR_NOISE, 7)
    assert torch.equal(drawn, fresh.normal((4, 2), Purpose.GENERATOR_NOISE, 7))


def test_draws_are_standard_normal() -> None:
    drawn = torch.cat([Noise(3).normal((100,), Purpose.GENERATOR_NOISE, step) for step in range(200)])
    assert drawn.mean().item() == pytest.approx(0, abs=0.03)
    assert drawn.std().item() == pytest.approx(1, abs=0.03)


Key = tuple[int, int, Purpose, int, int]
KEYS = st.tuples(st.integers(0, 2**63 - 1), SMALL, st.sampled_from(Purpose), st.integers(0, 10**7), SMALL)


@given(KEYS, KEYS)
def test_different_keys_give_different_seeds(one: Key, other: Key) -> None:
    assert (keyed_seed(*one) == keyed_seed(*other)) == (one == other)
    assert 0 <= keyed_seed(*one) < 2**63


@given(st.integers(1, 40), st.data())
def test_every_example_comes_once_an_epoch(size: int, data: st.DataObject) -> None:
    batch_size = data.draw(st.integers(1, size))
    order = EpochOrder(size, batch_size, Noise(5))
    batches = 3 * size  # three times batch_size epochs, exactly
    row = torch.cat([order.indices(number) for number in range(batches)]).tolist()
    epochs = [row[start : start + size] for start in range(0, len(row), size)]
    assert all(sorted(epoch) == list(range(size)) for epoch in epochs)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_batches_can_be_asked_for_in_any_order(numbers: list[int]) -> None:
    order = EpochOrder(100, 16, Noise(5))
    expected = {number: EpochOrder(100, 16, Noise(5)).indices(number).tolist() for number in numbers}
    assert [order.indices(number).tolist() for number in numbers] == [expected[number] for number in numbers]


def test_epochs_are_shuffled_differently() -> None:
    order = EpochOrder(100, 100, Noise(5))
    assert order.indices(0).tolist() != order.indices(1).tolist()


def test_discriminator_steps_see_different_batches() -> None:
    data = Digits(batch_size=8, batches_per_step=2, noise=Noise(1))
    assert not torch.equal(data.batch(0, 0), data.batch(0, 1))
    assert torch.equal(data.batch(4, 1), Digits(8, 2, Noise(1)).batch(4, 1))


def test_points_of_a_mixture_lie_around_its_modes() -> None:
    data = Mixture(GRID, batch_size=4000, noise=Noise(1))
    points = data.batch(3, 0)
    distances = torch.cdist(points, torch.tensor(GRID.modes)).min(dim=1)
    # Within three standard deviations in the plane: 1 - exp(-9/2) = 98.9 %.
    assert (distances.values < 3 * 0.05).float().mean().item() == pytest.approx(0.989, abs=0.01)
    counts = torch.bincount(distances.indices, minlength=25)
    assert counts.min() > 90
    assert counts.max() < 240
    assert torch.equal(points, Mixture(GRID, 4000, Noise(1)).batch(3, 0))


def test_pictures_drawn_on_another_thread_do_not_disturb_the_points_of_training() -> None:
    import threading

    data, alone = Mixture(GRID, 64, Noise(1)), Mixture(GRID, 64, Noise(1))
    done = threading.Event()

    def draw_pictures() -> None:
        while not done.is_set():
            data.reference(500)

    thread = threading.Thread(target=draw_pictures)
    thread.start()
    try:
        assert all(torch.equal(data.batch(step, 0), alone.batch(step, 0)) for step in range(2000))
    finally:
        done.set()
        thread.join()
