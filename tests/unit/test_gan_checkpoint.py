"""Checkpoints: resuming changes no bit, and what does not fit is refused."""

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_tensors
from support.engine import (
    CPU,
    DCGAN,
    DCGAN_JUDGE,
    MLP_JUDGE,
    assert_went_on_exactly,
    job,
    rows,
    run,
    snapshot_at,
    steps_of,
)

from worker.gan import checkpoint
from worker.gan.checkpoint import CheckpointError
from worker.gan.events import SampleReady, Started
from worker.gan.execution import ExecutionUnavailable
from worker.gan.networks import build_generator
from worker.gan.noise import Noise, Purpose


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


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
    assert_went_on_exactly(resumed, through, 7, 17)
    np.testing.assert_array_equal(
        [event.values for event in resumed if isinstance(event, SampleReady)][-1],
        [event.values for event in through if isinstance(event, SampleReady)][-1],
    )
    assert steps_of(resumed, SampleReady) == [14, 17]


def test_going_on_from_a_snapshot_leaves_it_as_it_is() -> None:
    kept = snapshot_at(run(job(checkpoint_every=10)), 10)
    before = {name: value.clone() for name, value in kept.tensors.items()}
    once, again = (run(job(), resume_from=kept) for _ in range(2))
    assert all(torch.equal(before[name], kept.tensors[name]) for name in before)
    np.testing.assert_array_equal(rows(again), rows(once))


def test_a_checkpoint_of_other_data_or_networks_is_refused() -> None:
    kept = snapshot_at(run(job(steps=2)), 2)
    with pytest.raises(CheckpointError, match="does not fit"):
        run(job(dataset={"kind": "ring"}), resume_from=kept)
    with pytest.raises(CheckpointError, match="does not fit"):
        run(job(discriminator={"kind": "mlp", "hidden_sizes": [17]}), resume_from=kept)


def test_a_checkpoint_names_the_engine_the_processor_and_how_steps_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "version", {"ganjobs": "7.8.9"}.__getitem__)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX9")
    events = run(job(steps=1))
    named = snapshot_at(events, 1).state["environment"]
    assert (named["ganjobs"], named["cpu"], named["execution"]) == ("7.8.9", "AVX9", "eager")
    assert [event.environment for event in events if isinstance(event, Started)] == [named]
    assert checkpoint.environment(job(execution="compiled"), CPU)["execution"] == "compiled"
    with pytest.raises(ExecutionUnavailable):
        checkpoint.environment(job(execution="cuda_graph"), CPU)


def test_the_generator_to_take_home_is_the_one_that_drew_the_samples() -> None:

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
