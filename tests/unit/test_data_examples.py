"""Finite data sets: order, labels, what is held out, and where the examples lie."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from models.spec import validation_count
from worker.gan.data.digits import Digits, load_images
from worker.gan.data.examples import Examples, Sampling
from worker.gan.data.order import EpochOrder
from worker.gan.data.stores import HeldStore, MappedStore, as_floats
from worker.gan.noise import Noise

CPU = torch.device("cpu")


def numbered(
    size: int, batch_size: int = 4, fraction: float = 0.0, seed: int = 3, mapped: bool = False, updates: int = 1
) -> Examples:
    """Images of one shade each, their number, in three classes: the number's remainder by three."""
    images = np.repeat(np.arange(size, dtype=np.uint8), 4).reshape(size, 1, 2, 2)
    store = MappedStore(images, CPU) if mapped else HeldStore(torch.from_numpy(images))
    sampling = Sampling(batch_size, updates, Noise(seed), fraction)
    return Examples(store, size, "f" * 64, sampling, np.arange(size) % 3, ("a", "b", "c"))


def numbers(images: torch.Tensor) -> list[int]:
    return ((images[:, 0, 0, 0] + 1) * 127.5).round().to(torch.int64).tolist()


def test_the_digits_of_a_seed_come_as_they_always_have() -> None:
    data = Digits(64, 2, Noise(7))
    digest = hashlib.sha256()
    for step in (0, 1, 14, 29, 1000):
        for sub_step in (0, 1):
            digest.update(data.batch(step, sub_step).numpy().tobytes())
    assert digest.hexdigest()[:16] == "9948d856f87a655b"
    assert data.fingerprint == "8aa4a98f227fcb6c0e09f481387d6fb1d13ed860d89d558098140c841f9d9acf"


def test_every_digit_has_its_label() -> None:
    known = {image.tobytes(): int(digit) for image, digit in zip(load_images(), load_digits().target, strict=True)}
    assert len(known) == 1797
    data = Digits(100, 1, Noise(2), validation_fraction=0.1)
    for step in range(20):
        for image, label in zip(data.batch(step, 0).numpy(), data.labels(step, 0).tolist(), strict=True):
            assert known[image.tobytes()] == label
    assert data.classes == tuple("0123456789")
    images, labels = data.labelled(50)
    assert labels is not None
    assert [known[image.tobytes()] for image in images.numpy()] == labels.tolist()


@pytest.mark.parametrize("mapped", [False, True])
def test_labels_are_those_of_the_batch_with_the_same_arguments(mapped: bool) -> None:
    data = numbered(20, batch_size=7, fraction=0.2, mapped=mapped, updates=2)
    for step in range(12):
        for sub_step in (0, 1):
            images, labels = data.batch(step, sub_step), data.labels(step, sub_step)
            assert [number % 3 for number in numbers(images)] == labels.tolist()
            assert labels.dtype == torch.int64


@given(st.integers(8, 60), st.floats(0.0, 0.5), st.integers(0, 5), st.booleans())
def test_what_is_held_out_is_never_trained_on_and_everything_else_is(
    size: int, fraction: float, seed: int, mapped: bool
) -> None:
    data = numbered(size, batch_size=4, fraction=fraction, seed=seed, mapped=mapped)
    count = validation_count(size, fraction)
    trained = {number for step in range(size) for number in numbers(data.batch(step, 0))}
    held_out = data.held_out(size)
    left = set(numbers(held_out[0])) if held_out is not None else set()
    assert (held_out is None) == (count == 0)
    assert len(left) == count
    assert trained | left == set(range(size))
    assert not trained & left
    images, _ = data.labelled(size)
    assert sorted(numbers(images)) == sorted(trained)


def test_an_epoch_holds_each_example_once_though_some_are_held_out() -> None:
    data = numbered(30, batch_size=9, fraction=0.1)
    row = [number for step in range(9) for number in numbers(data.batch(step, 0))]
    epochs = [row[start : start + 27] for start in range(0, 81, 27)]
    assert all(len(set(epoch)) == 27 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_seed_alone_says_what_is_held_out() -> None:
    one, same, other = (numbered(60, batch, 0.3, seed) for batch, seed in ((4, 1), (8, 1), (4, 2)))
    held_out = [set(numbers(found[0])) for data in (one, same, other) if (found := data.held_out(100)) is not None]
    assert held_out[0] == held_out[1] != held_out[2]


@pytest.mark.parametrize("mapped", [False, True])
def test_pixels_are_the_bytes_from_minus_one_to_one(mapped: bool) -> None:
    data = numbered(256, batch_size=256, mapped=mapped)
    batch = data.batch(0, 0)
    assert (batch.dtype, batch.shape) == (torch.float32, (256, 1, 2, 2))
    assert sorted(numbers(batch)) == list(range(256))
    assert (float(batch.min()), float(batch.max())) == (-1.0, 1.0)
    assert torch.equal(as_floats(torch.tensor([0, 255], dtype=torch.uint8)), torch.tensor([-1.0, 1.0]))


def test_where_examples_lie_changes_no_number() -> None:
    held, mapped = numbered(50, fraction=0.2), numbered(50, fraction=0.2, mapped=True)
    assert torch.equal(held.batch(7, 0), mapped.batch(7, 0))
    assert torch.equal(held.reference(10), mapped.reference(10))
    held_out = [data.held_out(9) for data in (held, mapped)]
    assert held_out[0] is not None
    assert held_out[1] is not None
    pairs = [*zip(*held_out, strict=True), (held.labelled(9)[1], mapped.labelled(9)[1])]
    for one, other in pairs:
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


def test_the_shares_of_classes_are_those_of_what_is_trained_on() -> None:
    data = numbered(10, fraction=0.3)
    trained = [number % 3 for number in sorted({n for step in range(7) for n in numbers(data.batch(step, 0))})]
    wanted = [trained.count(label) / 7 for label in range(3)]
    torch.testing.assert_close(data.class_shares(), torch.tensor(wanted))
    assert data.class_shares().dtype == torch.float32


def test_examples_without_labels_have_none_to_give() -> None:
    data = Examples(HeldStore(torch.zeros(8, 1, 2, 2)), 8, "f" * 64, Sampling(4, 1, Noise(1)))
    assert data.classes == ()
    assert data.labelled(3)[1] is None
    for ask in (lambda: data.labels(0, 0), data.class_shares):
        with pytest.raises(ValueError, match="no labels"):
            ask()


@given(st.integers(1, 30), st.integers(1, 100), st.integers(0, 20))
def test_a_batch_may_span_epochs(size: int, batch_size: int, batch: int) -> None:
    order = EpochOrder(size, batch_size, Noise(5))
    whole = torch.cat(
        [EpochOrder(size, size, Noise(5)).indices(number) for number in range(2 + 21 * batch_size // size)]
    )
    assert torch.equal(order.indices(batch), whole[batch * batch_size : (batch + 1) * batch_size])
