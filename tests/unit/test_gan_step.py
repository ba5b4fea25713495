"""One step: who is updated, on what, in which order."""

import numpy as np
import pytest
import torch
from support.engine import CPU, MLP, job

from models.catalogue import METRIC_NAMES
from worker.gan.data import load
from worker.gan.loop import new_game
from worker.gan.noise import Purpose
from worker.gan.step import play_step


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_loss_is_the_mean_over_the_discriminator_steps() -> None:
    """Played by hand: three updates on three batches, their losses averaged."""
    spec = job(discriminator_steps=3, steps=1)
    game = new_game(spec, load(spec, CPU), CPU)
    by_hand = new_game(spec, load(spec, CPU), CPU)
    losses, norms = [], []
    for sub_step in range(3):
        real = by_hand.data.batch(0, sub_step)
        noise = by_hand.noise.normal((spec.batch_size, 4), Purpose.DISCRIMINATOR_NOISE, 1, sub_step)
        fake = by_hand.generator(noise).detach()
        by_hand.discriminator_optimizer.zero_grad()
        logits = by_hand.discriminator(real), by_hand.discriminator(fake)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[0], torch.ones_like(logits[0])
        ) + torch.nn.functional.binary_cross_entropy_with_logits(logits[1], torch.zeros_like(logits[1]))
        loss.backward()
        gradients = [parameter.grad.flatten() for parameter in by_hand.discriminator.parameters()]  # type: ignore[union-attr]
        norms.append(torch.cat(gradients).norm().item())
        by_hand.discriminator_optimizer.step()
        losses.append(loss.item())
    row = dict(zip(METRIC_NAMES, play_step(game).tolist(), strict=True))
    assert row["d_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert row["d_grad_norm"] == pytest.approx(np.mean(norms), rel=1e-5)


def test_an_update_of_one_player_leaves_the_other_alone() -> None:
    spec = job(generator=MLP | {"optimizer": {"kind": "adam", "learning_rate": 1e-12}})
    game = new_game(spec, load(spec, CPU), CPU)
    judge = [parameter.clone() for parameter in game.discriminator.parameters()]
    maker = [parameter.clone() for parameter in game.generator.parameters()]
    play_step(game)
    assert not any(torch.equal(old, new) for old, new in zip(judge, game.discriminator.parameters(), strict=True))
    assert all(torch.allclose(old, new) for old, new in zip(maker, game.generator.parameters(), strict=True))


def test_a_reused_batch_saves_a_forward_pass_of_the_generator() -> None:
    passes = {}
    for mode in ("fresh", "reused"):
        spec = job(fake_batch=mode, discriminator_steps=2)
        game = new_game(spec, load(spec, CPU), CPU)
        calls: list[int] = []
        game.generator.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        play_step(game)
        passes[mode] = len(calls)
    assert passes == {"fresh": 3, "reused": 2}


def test_the_average_follows_the_generator_by_its_decay() -> None:
    spec = job(ema_decay=0.75)
    game = new_game(spec, load(spec, CPU), CPU)
    assert game.average is not None
    expected: list[torch.Tensor] = []
    for _ in range(4):
        play_step(game)
        now = [parameter.detach().clone() for parameter in game.generator.parameters()]
        expected = [0.75 * old + 0.25 * new for old, new in zip(expected, now, strict=True)] if expected else now
    for mean, want in zip(game.average.module.parameters(), expected, strict=True):
        torch.testing.assert_close(mean, want)
