"""The loop: what it records, when it samples and keeps, and that resuming changes no bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from models.catalogue import METRIC_NAMES
from models.spec import JobSpec
from worker.gan import checkpoint
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.data import load
from worker.gan.events import CheckpointReady, Command, Event, Finished, MetricsBlock, SampleReady, Started
from worker.gan.loop import NonFiniteLoss, new_game, train
from worker.gan.step import play_step

CPU = torch.device("cpu")
MLP = {"kind": "mlp", "hidden_sizes": [16], "latent_dim": 4}
MLP_JUDGE = {"kind": "mlp", "hidden_sizes": [16]}
DCGAN = {"kind": "dcgan", "base_channels": 4, "latent_dim": 4}
DCGAN_JUDGE = {"kind": "dcgan", "base_channels": 4}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def job(**patch: Any) -> JobSpec:
    base = {
        "dataset": {"kind": "digits"},
        "generator": MLP,
        "discriminator": MLP_JUDGE,
        "steps": 20,
        "batch_size": 16,
        "seed": 3,
    }
    return JobSpec.model_validate(base | patch)


def run(spec: JobSpec, **options: Any) -> list[Event]:
    return list(train(spec, load(spec, CPU), device=CPU, **options))


def rows(events: Sequence[Event]) -> np.ndarray:
    """All metric rows (steps, metrics)."""
    return np.concatenate([event.values for event in events if isinstance(event, MetricsBlock)])


def steps_of(events: Sequence[Event], kind: type) -> list[int]:
    return [event.step for event in events if isinstance(event, kind)]


def snapshot_at(events: Sequence[Event], step: int) -> Snapshot:
    return next(event.snapshot for event in events if isinstance(event, CheckpointReady) and event.step == step)


def column(events: Sequence[Event], name: str) -> np.ndarray:
    return rows(events)[:, METRIC_NAMES.index(name)]


def test_events_come_at_their_steps() -> None:
    events = run(job(steps=10, sample_every=4, checkpoint_every=6))
    assert isinstance(events[0], Started)
    assert events[0].generator_parameters == 4 * 16 + 16 + 16 * 64 + 64
    assert isinstance(events[-1], Finished)
    assert events[-1] == Finished(10, "completed")
    assert steps_of(events, SampleReady) == [0, 4, 8, 10]
    assert steps_of(events, CheckpointReady) == [6, 10]
    assert rows(events).shape == (10, len(METRIC_NAMES))
    assert np.isfinite(rows(events)).all()


def test_blocks_follow_each_other_without_gap() -> None:
    expected = 1
    for block in run(job(steps=50), block_steps=7):
        if isinstance(block, MetricsBlock):
            assert block.first_step == expected
            assert 1 <= len(block.values) <= 7
            expected += len(block.values)
    assert expected == 51


@pytest.mark.parametrize("options", [{"block_steps": 1}, {"block_steps": 3}, {"block_seconds": 0.0}])
def test_block_bounds_change_no_number(options: dict[str, Any]) -> None:
    np.testing.assert_array_equal(rows(run(job(), **options)), rows(run(job())))


@pytest.mark.parametrize("every", [1, 7])
def test_sampling_and_keeping_leave_no_trace(every: int) -> None:
    watched = run(job(generator=DCGAN, discriminator=DCGAN_JUDGE, sample_every=every, checkpoint_every=every))
    alone = run(job(generator=DCGAN, discriminator=DCGAN_JUDGE, sample_every=1000, checkpoint_every=1000))
    np.testing.assert_array_equal(rows(watched), rows(alone))


VARIANTS: list[dict[str, Any]] = [
    {},
    {"loss": {"kind": "saturating"}},
    {"dataset": {"kind": "ring"}},
    {"dataset": {"kind": "grid"}, "fake_batch": "reused"},
    {"discriminator_steps": 3},
    {"discriminator_steps": 2, "fake_batch": "reused", "ema_decay": 0.9},
    {"generator": DCGAN, "discriminator": DCGAN_JUDGE},
    {"generator": DCGAN, "discriminator": DCGAN_JUDGE, "loss": {"kind": "saturating"}, "ema_decay": 0.9},
    {"generator": DCGAN, "discriminator": MLP_JUDGE, "fake_batch": "reused"},
]


@pytest.mark.parametrize("patch", VARIANTS)
def test_resuming_is_exact(patch: dict[str, Any]) -> None:
    spec = job(checkpoint_every=7, sample_every=7, batch_size=500, steps=17, **patch)
    through = run(spec)
    # By way of the files, as after a crash.
    resumed = run(spec, resume_from=checkpoint.from_files(checkpoint.to_files(snapshot_at(through, 7))))
    np.testing.assert_array_equal(rows(resumed), rows(through)[7:])
    one, other = snapshot_at(through, 17).tensors, snapshot_at(resumed, 17).tensors
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    np.testing.assert_array_equal(
        [event.values for event in resumed if isinstance(event, SampleReady)][-1],
        [event.values for event in through if isinstance(event, SampleReady)][-1],
    )
    assert steps_of(resumed, SampleReady) == [14, 17]


def test_the_same_seed_gives_the_same_run_and_another_one_does_not() -> None:
    np.testing.assert_array_equal(rows(run(job())), rows(run(job())))
    assert not np.array_equal(rows(run(job())), rows(run(job(seed=4))))


def test_stopping_on_command_keeps_the_step_reached() -> None:
    spec = job(steps=10_000, sample_every=9_000, checkpoint_every=9_000)
    training = train(spec, load(spec, CPU), device=CPU, block_steps=5)
    events: list[Event] = [next(training), next(training), next(training), next(training)]
    events.append(training.send(Command.STOP_WITH_CHECKPOINT))
    events += list(training)
    assert steps_of(events, SampleReady) == [0, 10]
    assert steps_of(events, CheckpointReady) == [10]
    assert events[-1] == Finished(10, "stopped")
    resumed = run(job(steps=20), resume_from=snapshot_at(events, 10))
    np.testing.assert_array_equal(rows(resumed), rows(run(job(steps=20)))[10:])


def test_the_total_is_reported_only_where_it_means_something() -> None:
    total = METRIC_NAMES.index("total_loss")
    blocks = {}
    for kind in ("non_saturating", "saturating"):
        blocks[kind] = next(event for event in run(job(loss={"kind": kind})) if isinstance(event, MetricsBlock))
    assert blocks["non_saturating"].recorded[total]
    assert not blocks["saturating"].recorded[total]
    np.testing.assert_allclose(
        blocks["non_saturating"].values[:, total], blocks["non_saturating"].values[:, :2].sum(axis=1), rtol=1e-6
    )


def test_an_untrained_pair_starts_near_equilibrium_which_is_why_losses_prove_nothing() -> None:
    first = rows(run(job(generator=DCGAN, discriminator=DCGAN_JUDGE, steps=1)))[0]
    named = dict(zip(METRIC_NAMES, first, strict=True))
    assert named["d_loss"] == pytest.approx(1.386, abs=0.1)
    assert named["g_loss"] == pytest.approx(0.693, abs=0.1)
    assert named["d_real"] == pytest.approx(0.5, abs=0.05)


def test_the_loss_is_the_mean_over_the_discriminator_steps() -> None:
    """Played by hand: three updates on three batches, their losses averaged."""
    spec = job(discriminator_steps=3, steps=1)
    game = new_game(spec, load(spec, CPU), CPU)
    by_hand = new_game(spec, load(spec, CPU), CPU)
    losses, norms = [], []
    for sub_step in range(3):
        from worker.gan.noise import Purpose

        real = by_hand.data.batch(0, sub_step)
        fake = by_hand.fake_batch(Purpose.DISCRIMINATOR_NOISE, 1, sub_step).detach()
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


def test_a_non_finite_loss_ends_the_run_at_its_step_and_keeps_no_poisoned_checkpoint() -> None:
    spec = job(steps=200, checkpoint_every=1)
    events: list[Event] = []
    with pytest.raises(NonFiniteLoss) as caught:
        events.extend(train(spec, _Poisoned(load(spec, CPU), at=12), device=CPU, block_steps=5))
    assert caught.value.step == 12
    assert caught.value.names == ["d_loss", "g_loss"]
    assert "step 12" in str(caught.value)
    assert len(rows(events)) == 12
    assert np.isnan(column(events, "d_loss")[-1])
    assert np.isfinite(column(events, "d_loss")[:-1]).all()
    assert steps_of(events, CheckpointReady) == list(range(1, 12))


class _Poisoned:
    """Real data with one NaN in the batch of one step."""

    def __init__(self, data: Any, at: int) -> None:
        self._data, self._at = data, at
        self.shape, self.fingerprint = data.shape, data.fingerprint

    def batch(self, step: int, sub_step: int) -> torch.Tensor:
        batch: torch.Tensor = self._data.batch(step, sub_step).clone()
        if step == self._at - 1:
            batch[0] = torch.nan
        return batch

    def reference(self, count: int) -> torch.Tensor:
        return self._data.reference(count)  # type: ignore[no-any-return]


def test_a_checkpoint_of_other_data_or_networks_is_refused() -> None:
    kept = snapshot_at(run(job(steps=2)), 2)
    with pytest.raises(CheckpointError, match="other data"):
        run(job(dataset={"kind": "ring"}), resume_from=kept)
    with pytest.raises(CheckpointError, match="does not fit"):
        run(job(discriminator={"kind": "mlp", "hidden_sizes": [17]}), resume_from=kept)


def test_the_generator_to_take_home_is_the_one_that_drew_the_samples() -> None:
    from safetensors.torch import load as load_tensors

    from worker.gan.networks import build_generator
    from worker.gan.noise import Noise, Purpose

    spec = job(ema_decay=0.9)
    events = run(spec)
    network = build_generator(spec)
    network.load_state_dict(load_tensors(checkpoint.to_files(snapshot_at(events, 20))["generator.safetensors"]))
    with torch.inference_mode():
        drawn = network.eval()(Noise(spec.seed).normal((64, 4), Purpose.SAMPLE_NOISE)).numpy()
    last = [event.values for event in events if isinstance(event, SampleReady)][-1]
    np.testing.assert_array_equal(drawn, last)


@pytest.mark.parametrize("name", ["training.safetensors", "state.json"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 100])
def test_damaged_files_are_no_checkpoint(name: str, damage: bytes) -> None:
    files = checkpoint.to_files(snapshot_at(run(job(steps=1)), 1))
    with pytest.raises(CheckpointError):
        checkpoint.from_files(files | {name: damage})
    del files[name]
    with pytest.raises(CheckpointError):
        checkpoint.from_files(files)
