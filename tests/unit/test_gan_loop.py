"""The loop: what it records, when it samples and keeps, and how it ends."""

from typing import Any

import numpy as np
import pytest
import torch
from support.engine import CPU, DCGAN, DCGAN_JUDGE, column, job, rows, run, snapshot_at, steps_of

from models.catalogue import METRIC_NAMES
from worker.gan.data import load
from worker.gan.events import CheckpointReady, Command, Event, Finished, MetricsBlock, SampleReady, Started
from worker.gan.loop import NonFiniteLoss, train


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


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
    blocks = {}
    for kind in ("non_saturating", "saturating"):
        blocks[kind] = next(event for event in run(job(loss={"kind": kind})) if isinstance(event, MetricsBlock))
        assert blocks[kind].names == job(loss={"kind": kind}).metric_names
        assert blocks[kind].values.shape == (20, len(blocks[kind].names))
        assert blocks[kind].values.dtype == np.float32
    assert "total_loss" not in blocks["saturating"].names
    values = blocks["non_saturating"].values
    total = blocks["non_saturating"].names.index("total_loss")
    np.testing.assert_allclose(values[:, total], values[:, :2].sum(axis=1), rtol=1e-6)


def test_an_untrained_pair_starts_near_equilibrium_which_is_why_losses_prove_nothing() -> None:
    first = rows(run(job(generator=DCGAN, discriminator=DCGAN_JUDGE, steps=1)))[0]
    named = dict(zip(METRIC_NAMES, first, strict=True))
    assert named["d_loss"] == pytest.approx(1.386, abs=0.1)
    assert named["g_loss"] == pytest.approx(0.693, abs=0.1)
    assert named["d_real"] == pytest.approx(0.5, abs=0.05)


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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def batch(self, step: int, sub_step: int) -> torch.Tensor:
        batch: torch.Tensor = self._data.batch(step, sub_step).clone()
        if step == self._at - 1:
            batch[0] = torch.nan
        return batch

    def reference(self, count: int) -> torch.Tensor:
        return self._data.reference(count)  # type: ignore[no-any-return]
