"""What needs a GPU: CUDA graphs, and exact resume on the device. Run by ``make test-gpu``."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import (
    DCGAN,
    DCGAN_JUDGE,
    EXECUTED,
    SYSTEMS,
    TOLERANCE,
    assert_went_on_exactly,
    job,
    rows,
    snapshot_at,
)

from models.spec import JobSpec
from worker.gan import checkpoint
from worker.gan.data import load
from worker.gan.events import Event, SampleReady, Started
from worker.gan.execution import ExecutionUnavailable, Mode, prepare
from worker.gan.loop import new_game, train
from worker.gan.losses import AdversarialLoss
from worker.gan.step import play_step

CUDA = torch.device("cuda", 0)
VARIANTS = [*EXECUTED, *SYSTEMS.values(), {"generator": DCGAN, "discriminator": DCGAN_JUDGE, "precision": "bfloat16"}]


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    assert torch.cuda.is_available(), "these tests need a GPU"


def run(spec: JobSpec, **options: Any) -> list[Event]:
    return list(train(spec, load(spec, CUDA), device=CUDA, **options))


def last_sample(events: Sequence[Event]) -> np.ndarray:
    return [event.values for event in events if isinstance(event, SampleReady)][-1]


@pytest.mark.parametrize("patch", VARIANTS)
def test_a_graph_has_the_losses_of_eager_steps(patch: dict[str, Any]) -> None:
    eager, graph = run(job(**patch, execution="eager")), run(job(**patch, execution="cuda_graph"))
    np.testing.assert_allclose(rows(graph), rows(eager), rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(last_sample(graph), last_sample(eager), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("mode", ["eager", "cuda_graph"])
@pytest.mark.parametrize("patch", VARIANTS)
def test_resuming_on_a_gpu_is_exact(patch: dict[str, Any], mode: str) -> None:
    spec = job(steps=17, checkpoint_every=7, execution=mode, **patch)
    through = run(spec)
    resumed = run(spec, resume_from=checkpoint.from_files(checkpoint.to_files(snapshot_at(through, 7))))
    assert_went_on_exactly(resumed, through, 7, 17)


@pytest.mark.filterwarnings("ignore::Warning:torch.*")
def test_compiled_steps_on_a_gpu() -> None:
    spec = job(steps=17, checkpoint_every=7, execution="compiled")
    through = run(spec)
    eager = run(spec.model_copy(update={"execution": "eager"}))
    np.testing.assert_allclose(rows(through), rows(eager), rtol=TOLERANCE, atol=TOLERANCE)
    resumed = run(spec, resume_from=snapshot_at(through, 7))
    np.testing.assert_array_equal(rows(resumed), rows(through)[7:])


def test_automatic_execution_is_a_graph() -> None:
    started = run(job(steps=1))[0]
    assert isinstance(started, Started)
    assert started.execution == "cuda_graph"


@pytest.mark.parametrize("patch", VARIANTS)
def test_capturing_leaves_no_trace(patch: dict[str, Any]) -> None:
    """Also when a checkpoint has been restored before, whose optimiser state the graph then holds on to."""
    spec = job(**patch)
    through, captured = (new_game(spec, load(spec, CUDA), CUDA) for _ in range(2))
    prepare(captured, "cuda_graph")
    before = checkpoint.take(through).tensors
    after = checkpoint.take(captured).tensors
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(after[name].any() for name in after.keys() - before.keys())

    for _ in range(3):
        play_step(through)
    resumed = new_game(spec, load(spec, CUDA), CUDA)
    checkpoint.restore(resumed, checkpoint.take(through))
    step = prepare(resumed, "cuda_graph")
    for _ in range(3):
        torch.testing.assert_close(step(), play_step(through), rtol=TOLERANCE, atol=TOLERANCE)
    # SGD counts no steps.
    steps = {state["step"].item() for state in resumed.generator_optimizer.state.values() if "step" in state}
    assert steps <= {6.0}


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("mode", ["eager", "cuda_graph"])
def test_no_step_waits_for_the_device_where_an_epoch_ends_either(mode: Mode) -> None:
    spec = job(batch_size=500)
    play = prepare(new_game(spec, load(spec, CUDA), CUDA), mode)
    play()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(8):  # 1,797 digits
            play()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_picture_may_be_drawn_while_a_graph_is_captured() -> None:
    spec = job(dataset={"kind": "ring"})
    data, stop = load(spec, CUDA), threading.Event()
    failures: list[BaseException] = []

    def draw() -> None:
        try:
            while not stop.is_set():
                data.reference(2500)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    drawing = threading.Thread(target=draw)
    drawing.start()
    try:
        for _ in range(3):
            prepare(new_game(spec, data, CUDA), "cuda_graph")
    finally:
        stop.set()
        drawing.join()
    assert failures == []


def test_what_cannot_be_captured_is_refused_with_a_way_out() -> None:
    spec = job()
    game = new_game(spec, load(spec, CUDA), CUDA)
    usual, loss = torch.cuda.current_stream(CUDA), game.loss
    # Reading a value of the device waits for it, which a capture forbids.
    game.loss = AdversarialLoss(
        loss.discriminator, lambda logits: loss.generator(logits) * float(logits.sum().item() < 1e9)
    )
    with pytest.raises(ExecutionUnavailable, match=r"CUDA graph.*`eager`"):
        prepare(game, "cuda_graph")
    assert torch.cuda.current_stream(CUDA) == usual
    run(job(execution="eager"))
