"""What a spec takes, at the least."""

import pytest
import torch
from support.engine import DCGAN, DCGAN_JUDGE, job

from worker.gan.memory import NotEnoughMemory, available_bytes, check_fits, estimate_bytes

CPU = torch.device("cpu")


def test_the_estimate_counts_what_is_kept() -> None:
    # Digits: 4 -> 16 -> 64 and 64 -> 16 -> 1; D's update keeps the outputs of a real and a fake pass of 16 examples.
    parameters = (4 * 16 + 16 + 16 * 64 + 64) + (64 * 16 + 16 + 16 + 1)
    passes = 2 * 16 * (16 + 16 + 1)  # linear, leaky ReLU, linear
    made = 16 * (16 + 16 + 64 + 64)  # and a tanh
    inputs = 16 * (4 + 64)  # noise and a real batch
    assert estimate_bytes(job(), CPU) == 4 * (4 * parameters + max(passes, made + passes // 2) + inputs)
    # A graph keeps those of all updates.
    more = estimate_bytes(job(discriminator_steps=5), torch.device("cuda")) - estimate_bytes(job(), CPU)
    assert more == 4 * 4 * inputs


def test_more_of_anything_takes_more() -> None:
    plain = estimate_bytes(job(), CPU)
    assert estimate_bytes(job(ema_decay=0.9), CPU) > plain
    assert estimate_bytes(job(batch_size=32), CPU) > plain
    assert estimate_bytes(job(generator=DCGAN, discriminator=DCGAN_JUDGE | {"base_channels": 64}), CPU) > plain


def test_the_largest_spec_is_estimated_without_being_built() -> None:
    wide = {"kind": "mlp", "hidden_sizes": [4096] * 16}
    huge = job(dataset={"kind": "ring"}, generator=wide, discriminator=wide, batch_size=65_536)
    assert estimate_bytes(huge, CPU) > 60 * 2**30


def test_what_fits_is_let_through_and_what_cannot_fit_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    check_fits(job(), CPU)
    monkeypatch.setattr("worker.gan.memory.estimate_bytes", lambda *_: available_bytes(CPU) * 1000)
    with pytest.raises(NotEnoughMemory, match=r"takes at least .* GiB, and .*iB are available") as caught:
        check_fits(job(), CPU)
    assert caught.value.estimated_bytes == pytest.approx(caught.value.available_bytes * 1000, rel=0.2)
