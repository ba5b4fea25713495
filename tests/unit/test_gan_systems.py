"""Each kind of system, played by the engine: what a step does, beside what is written out by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from support.engine import (
    CPU,
    DCGAN,
    DCGAN_JUDGE,
    IN_TURNS,
    MLP,
    MLP_JUDGE,
    SYSTEMS,
    assert_went_on_exactly,
    column,
    job,
    run,
    snapshot_at,
)
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from models.spec import JobSpec
from worker.gan.augment import augment
from worker.gan.data import load
from worker.gan.game import Game
from worker.gan.inputs import JUDGED_PER_UPDATE
from worker.gan.loop import new_game
from worker.gan.losses import LOSSES
from worker.gan.noise import Purpose
from worker.gan.penalties import squared_gradient_norm
from worker.gan.step import play_step

ALL = SYSTEMS | IN_TURNS


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def game_of(spec: JobSpec) -> Game:
    return new_game(spec, load(spec, CPU), CPU)


def played(game: Game) -> dict[str, float]:
    return dict(zip(game.spec.metric_names, play_step(game).tolist(), strict=True))


def weights_of(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", ALL)
def test_every_system_goes_on_exactly_from_the_middle(name: str) -> None:
    spec = job(**ALL[name], steps=16, checkpoint_every=8)
    through = run(spec)
    assert np.isfinite(np.concatenate([column(through, each) for each in spec.metric_names])).all()
    assert_went_on_exactly(run(spec, resume_from=snapshot_at(through, 8)), through, 8, 16)


def test_each_penalty_is_added_to_the_loss_and_recorded_apart() -> None:
    """The discriminator's first update, by plain gradient descent, beside one that is written out."""
    rate = {"kind": "sgd", "learning_rate": 0.1}
    regularizers = [{"kind": "r1", "weight": 3.0}, {"kind": "r2", "weight": 2.0}]
    regularizers.append({"kind": "gradient_penalty", "weight": 7.0, "center": 1})
    spec = job(regularizers=regularizers, discriminator=MLP_JUDGE | {"optimizer": rate})
    by_hand, game = game_of(spec), game_of(spec)
    row = played(game)

    real = by_hand.data.batch(0, 0).requires_grad_()
    noise = by_hand.noise.normal((16, 4), Purpose.DISCRIMINATOR_NOISE, 1, 0)
    fake = by_hand.generator(noise).detach().requires_grad_()
    shares = by_hand.noise.uniform((16,), Purpose.PENALTY_POINTS, 1, 0)[:, None, None, None]
    between = (shares * real + (1 - shares) * fake).detach().requires_grad_()
    judge = by_hand.discriminator
    real_logits, fake_logits = judge(real), judge(fake)
    loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    r1 = 3.0 / 2 * squared_gradient_norm(real_logits, real).mean()
    r2 = 2.0 / 2 * squared_gradient_norm(fake_logits, fake).mean()
    length = squared_gradient_norm(judge(between), between).sqrt()
    penalty = 7.0 * (length - 1).square().mean()
    assert row["d_loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert row["r1_penalty"] == pytest.approx(r1.item(), rel=1e-5)
    assert row["r2_penalty"] == pytest.approx(r2.item(), rel=1e-5)
    assert row["gradient_penalty"] == pytest.approx(penalty.item(), rel=1e-5)
    (loss + r1 + r2 + penalty).backward()
    for mine, its in zip(judge.parameters(), game.discriminator.parameters(), strict=True):
        torch.testing.assert_close(its.detach(), (mine - 0.1 * mine.grad).detach())  # type: ignore[operator]


def test_a_lazy_penalty_is_there_every_nth_step_and_n_times_then() -> None:
    lazy = run(job(regularizers=[{"kind": "r1", "weight": 2.0, "interval": 4}], steps=9))
    always = run(job(regularizers=[{"kind": "r1", "weight": 2.0}], steps=1))
    penalties = column(lazy, "r1_penalty")
    assert [step for step, value in enumerate(penalties, 1) if value > 0] == [1, 5, 9]
    assert penalties[0] == pytest.approx(4 * column(always, "r1_penalty")[0], rel=1e-6)


def test_the_weight_of_a_penalty_follows_its_schedule() -> None:
    halved = {"kind": "r1", "schedule": {"kind": "linear", "final_factor": 0.0, "over_steps": 3}}
    penalties = column(run(job(regularizers=[halved], steps=5)), "r1_penalty")
    assert penalties[0] > penalties[1] > 0
    assert (penalties[2:] == 0).all()


def test_a_critics_weights_stay_within_the_clip() -> None:
    game = game_of(job(loss={"kind": "wasserstein", "clip": 0.02}))
    for _ in range(3):
        play_step(game)
        assert max(value.abs().max().item() for value in game.discriminator.state_dict().values()) <= 0.02


def test_the_relativistic_generator_is_compared_with_a_real_batch_of_its_own() -> None:
    spec = job(loss={"kind": "relativistic"}, discriminator_steps=2)
    game = game_of(spec)
    row = played(game)
    other = game_of(spec)
    other.begin_step()
    batches = [other.inputs.real(number).data for number in range(3)]
    assert len({batch.numpy().tobytes() for batch in batches}) == 3
    # The discriminator's first update, of which the loss is known; then the generator's, from the played discriminator.
    other.discriminator.load_state_dict(game.discriminator.state_dict())
    fake = other.generator(other.inputs.latent(2).data)
    expected = softplus(other.discriminator(batches[2]) - other.discriminator(fake)).mean()
    assert row["g_loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_packed_examples_are_judged_together() -> None:
    spec = job(pack=4, dataset={"kind": "ring"}, batch_size=8)
    game = game_of(spec)
    real = game.data.batch(0, 0)
    noise = game.noise.normal((8, 4), Purpose.DISCRIMINATOR_NOISE, 1, 0)
    with torch.no_grad():
        fake = game.generator(noise)
        logits = [
            game.discriminator(torch.stack([torch.cat(list(batch[i : i + 4])) for i in (0, 4)]))
            for batch in (real, fake)
        ]
    assert logits[0].shape == (2,)
    assert played(game)["d_loss"] == pytest.approx(LOSSES["non_saturating"].discriminator(*logits).item(), rel=1e-5)


def test_both_players_see_augmented_data() -> None:
    spec = job(augmentation={"kind": "diffaugment", "policies": ["color", "cutout"]})
    game = game_of(spec)
    real = game.data.batch(0, 0)
    fake = game.generator(game.noise.normal((16, 4), Purpose.DISCRIMINATOR_NOISE, 1, 0))
    changed = [
        augment(batch, game.noise.uniform((16, 10), Purpose.AUGMENTATION, 1, place), ("color", "cutout"), None)
        for place, batch in enumerate((real, fake))
    ]
    expected = LOSSES["non_saturating"].discriminator(*(game.discriminator(batch) for batch in changed))
    row = played(game)
    assert row["d_loss"] == pytest.approx(expected.item(), rel=1e-5)
    uniforms = game.noise.uniform((16, 10), Purpose.AUGMENTATION, 1, JUDGED_PER_UPDATE + 1)
    other = game_of(spec)
    fake = augment(
        other.generator(other.noise.normal((16, 4), Purpose.GENERATOR_NOISE, 1)), uniforms, ("color", "cutout"), None
    )
    assert row["g_loss"] == pytest.approx(softplus(-game.discriminator(fake)).mean().item(), rel=1e-5)


def test_augmentation_becomes_likelier_while_the_discriminator_is_sure() -> None:
    patch = {"augmentation": {"kind": "diffaugment", "adaptive": {"interval": 2, "ramp_examples": 320}}}
    sure = {"optimizer": {"kind": "adam", "learning_rate": 0.01}}
    events = run(job(**patch, discriminator=MLP_JUDGE | sure, steps=60))
    probability, r_t = column(events, "augment_probability"), column(events, "r_t")
    assert probability.max() > 0.2
    assert ((r_t >= -1) & (r_t <= 1)).all()
    # 16 examples a step, 2 steps between adjustments: each is by a tenth, the way that r_t shows.
    moves = np.diff(probability[1::2]).astype(np.float64)
    assert set(np.abs(moves).round(5)) <= {0.0, 0.1}


def test_the_auxiliary_classifiers_losses_are_recorded_apart() -> None:
    spec = job(conditional={"kind": "acgan", "weight": 2.0})
    game = game_of(spec)
    labels = game.data.labels(0, 0)
    game.begin_step()
    latent = game.inputs.latent(0)
    assert latent.labels is not None
    fake = game.generator(latent.data, latent.labels)
    (real_logits, real_classes), (fake_logits, fake_classes) = (
        game.discriminator(game.data.batch(0, 0), labels),
        game.discriminator(fake, latent.labels),
    )
    row = played(game_of(spec))
    loss = LOSSES["non_saturating"].discriminator(real_logits, fake_logits)
    classes = cross_entropy(real_classes, labels) + cross_entropy(fake_classes, latent.labels)
    assert row["d_loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert row["d_class_loss"] == pytest.approx(classes.item(), rel=1e-5)
    assert row["class_accuracy_real"] == pytest.approx((real_classes.argmax(1) == labels).float().mean().item())
    assert row["d_loss"] + row["g_loss"] == pytest.approx(row["total_loss"], rel=1e-6)


def test_classes_are_generated_as_often_as_the_data_have_them() -> None:
    game = game_of(job(dataset={"kind": "digits"}, conditional={"kind": "projection"}, batch_size=1000))
    counts = torch.zeros(10)
    for _ in range(10):
        game.begin_step()
        labels = game.inputs.latent(0).labels
        assert labels is not None
        counts += torch.bincount(labels, minlength=10)
    assert (counts / counts.sum() - game.data.class_shares()).abs().max() < 0.012


def test_learning_rates_are_those_of_their_schedules() -> None:
    optimizer = {"kind": "adam", "learning_rate": 0.1, "schedule": {"kind": "linear", "warm_up_steps": 4}}
    game = game_of(job(generator=MLP | {"optimizer": optimizer}, steps=20))
    rates = []
    for _ in range(20):
        play_step(game)
        rates.append(game.generator_optimizer.param_groups[0]["lr"])
    assert rates[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] == 0
    assert game.discriminator_optimizer.param_groups[0]["lr"] == 2e-4


PRETRAINED: dict[str, Any] = {
    "generator": DCGAN,
    "discriminator": DCGAN_JUDGE | {"pretrain_after": 3, "pretrain_steps": 5, "frozen": True},
}


def test_players_take_the_turns_that_the_frozen_experiment_gives_them() -> None:
    game = game_of(job(**PRETRAINED))
    fresh = weights_of(game.discriminator)
    for step in range(1, 13):
        maker, judge = weights_of(game.generator), weights_of(game.discriminator)
        play_step(game)
        assert same(maker, weights_of(game.generator)) == (3 < step <= 8), step
        assert same(judge, weights_of(game.discriminator)) == (step > 8), step
    assert not same(fresh, judge)


def test_the_discriminator_that_is_trained_alone_is_a_new_one() -> None:
    game = game_of(job(**PRETRAINED))
    for _ in range(3):
        play_step(game)
    game.begin_step()
    drawn = weights_of(game.discriminator)
    other = game_of(job(**PRETRAINED, loss={"kind": "saturating"}))
    for _ in range(3):
        play_step(other)
    other.begin_step()
    assert same(drawn, weights_of(other.discriminator))
    assert not same(drawn, weights_of(game_of(job(**PRETRAINED)).discriminator))
    assert not game.discriminator_optimizer.state


def test_the_gradients_of_both_forms_are_those_of_each_loss() -> None:
    rows = {kind: played(game_of(job(**PRETRAINED, loss={"kind": kind}))) for kind in ("saturating", "non_saturating")}
    for kind, row in rows.items():
        assert row["g_grad_norm"] == row[f"g_grad_norm_{kind}"]
    for form in ("saturating", "non_saturating"):
        assert rows["saturating"][f"g_grad_norm_{form}"] == rows["non_saturating"][f"g_grad_norm_{form}"]


def test_other_penalties_go_with_the_one_of_the_loss() -> None:
    rate = {"kind": "sgd", "learning_rate": 0.1}
    patch = {"loss": {"kind": "wasserstein_gp"}, "discriminator": MLP_JUDGE | {"optimizer": rate}}
    alone, both = game_of(job(**patch)), game_of(job(**patch, regularizers=[{"kind": "r1", "weight": 5.0}]))
    one, other = played(alone), played(both)
    assert other["r1_penalty"] > 0
    assert one["gradient_penalty"] == other["gradient_penalty"]
    assert not same(weights_of(alone.discriminator), weights_of(both.discriminator))


def test_augmentation_does_not_adapt_to_a_judge_that_learns_no_more() -> None:
    adaptive = {"augmentation": {"kind": "diffaugment", "adaptive": {"interval": 1, "ramp_examples": 320}}}
    game = game_of(
        job(**adaptive, discriminator=MLP_JUDGE | {"pretrain_after": 2, "pretrain_steps": 6, "frozen": True})
    )
    probabilities = [played(game)["augment_probability"] for _ in range(12)]
    assert probabilities[1] in (0.0, pytest.approx(0.05), pytest.approx(0.1))
    # A new discriminator begins with what has been asked for of it: nothing.
    assert probabilities[2] < 0.06
    assert len(set(probabilities[8:])) == 1
