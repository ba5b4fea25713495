"""Ways of running a step: the same numbers, exact resume, and clear words where one cannot be had."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from support.engine import (
    CPU,
    DCGAN,
    DCGAN_JUDGE,
    EXECUTED,
    IN_TURNS,
    MLP_JUDGE,
    SYSTEMS,
    TOLERANCE,
    job,
    rows,
    run,
    snapshot_at,
)
from torch import Tensor
from torch._inductor import config as inductor

from models.spec import JobSpec
from worker.gan import checkpoint
from worker.gan.average import MovingAverage
from worker.gan.data import load
from worker.gan.execution import ExecutionUnavailable, ReplayedStep, mode_for, prepare, put_back
from worker.gan.game import Game
from worker.gan.inputs import FreshInputs, StaticInputs
from worker.gan.loop import new_game
from worker.gan.noise import Noise
from worker.gan.step import play_step
from worker.outcome import outcome_of


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def game_of(spec: JobSpec) -> Game:
    return new_game(spec, load(spec, CPU), CPU)


def replay_on_cpu(run_step: Callable[[], Tensor], _device: torch.device) -> tuple[Tensor, Callable[[], None]]:
    """Stands in for a CUDA graph: two runs to warm up, then the same function on the same tensors, again and again."""
    for _ in range(2):
        run_step()
    row = run_step().clone()

    def replay() -> None:
        row.copy_(run_step())

    return row, replay


def state_of(game: Game) -> dict[str, Tensor]:
    return checkpoint.take(game).tensors


def assert_same_state(one: Game, other: Game) -> None:
    mine, its = state_of(one), state_of(other)
    assert mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in mine)


@pytest.mark.parametrize("patch", [*EXECUTED, *SYSTEMS.values()])
def test_replayed_steps_are_eager_steps_to_the_last_bit(patch: dict[str, Any]) -> None:
    spec = job(**patch)
    eager, replayed = game_of(spec), game_of(spec)
    step = ReplayedStep(replayed, replay_on_cpu)
    for _ in range(5):
        assert torch.equal(step(), play_step(eager))
    assert replayed.step == 5
    assert_same_state(replayed, eager)


@pytest.mark.parametrize("patch", EXECUTED)
def test_replayed_steps_go_on_exactly_from_a_checkpoint(patch: dict[str, Any]) -> None:
    spec = job(**patch)
    through, resumed = game_of(spec), game_of(spec)
    for _ in range(3):
        play_step(through)
    checkpoint.restore(resumed, checkpoint.take(through))
    step = ReplayedStep(resumed, replay_on_cpu)
    assert_same_state(resumed, through)
    for _ in range(3):
        assert torch.equal(step(), play_step(through))
    assert_same_state(resumed, through)


@pytest.mark.parametrize("patch", [{}, {"conditional": {"kind": "projection"}, "discriminator_steps": 2}, {"pack": 4}])
def test_static_inputs_are_the_fresh_ones_and_stay_in_their_place(patch: dict[str, Any]) -> None:
    spec = job(**patch)
    data, noise = load(spec, CPU), Noise(spec.seed)
    fresh, static = FreshInputs(spec, data, noise), StaticInputs(FreshInputs(spec, data, noise))

    def all_of(inputs: FreshInputs | StaticInputs) -> list[Tensor]:
        drawn: list[Tensor | None] = []
        for sub_step in range(spec.discriminator_steps):
            drawn += [*inputs.real(sub_step), *inputs.latent(sub_step), inputs.shares(sub_step)]
            drawn += [inputs.uniforms(sub_step, place) for place in range(3)]
        drawn += inputs.latent(spec.discriminator_steps)
        return [tensor for tensor in drawn if tensor is not None]

    for inputs in (fresh, static):
        inputs.go_to(1)
    places = [tensor.data_ptr() for tensor in all_of(static)]
    for step in (1, 2, 113, 114):  # the digits' epochs end within batches
        fresh.go_to(step)
        static.go_to(step)
        assert all(torch.equal(mine, its) for mine, its in zip(all_of(static), all_of(fresh), strict=True))
        assert [tensor.data_ptr() for tensor in all_of(static)] == places


def test_what_was_played_to_warm_up_leaves_no_trace_and_moves_nothing() -> None:
    game = game_of(job(generator=DCGAN, discriminator=DCGAN_JUDGE, ema_decay=0.9))
    weights = [parameter.data_ptr() for parameter in game.generator.parameters()]
    before = state_of(game)
    with put_back(game):
        play_step(game)
    after = state_of(game)
    assert all(torch.equal(before[name], after[name]) for name in before)
    made = {name: value for name, value in after.items() if name not in before}
    assert {name.split("/")[2] for name in made} == {"step", "exp_avg", "exp_avg_sq"}
    assert not any(value.any() for value in made.values())
    assert [parameter.data_ptr() for parameter in game.generator.parameters()] == weights

    play_step(game)
    before, means = state_of(game), [state["exp_avg"] for state in game.generator_optimizer.state.values()]
    with put_back(game):
        play_step(game)
    assert all(torch.equal(before[name], value) for name, value in state_of(game).items())
    kept = [state["exp_avg"] for state in game.generator_optimizer.state.values()]
    assert all(mean is its for mean, its in zip(kept, means, strict=True))


def test_the_average_is_torchs_own() -> None:
    """Of the same numbers and under the same names, so that checkpoints made with torch's class still load."""
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    own = MovingAverage(network, 0.9)
    torchs = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))  # type: ignore[no-untyped-call]
    for _ in range(4):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        network(torch.randn(5, 3))
        own.update(network)
        torchs.update_parameters(network)
    mine, its = own.state_dict(), torchs.state_dict()
    assert mine.keys() == its.keys()
    for name in mine:
        torch.testing.assert_close(mine[name], its[name])


@pytest.mark.filterwarnings("ignore::Warning:torch.*")  # torch's compiler, about itself
def test_a_compiled_run_has_the_losses_of_an_eager_one_and_resumes_exactly() -> None:
    patch = {"steps": 20, "checkpoint_every": 10}
    eager, through = run(job(**patch)), run(job(**patch, execution="compiled"))
    np.testing.assert_allclose(rows(through), rows(eager), rtol=TOLERANCE, atol=TOLERANCE)
    resumed = run(job(**patch, execution="compiled"), resume_from=snapshot_at(through, 10))
    np.testing.assert_array_equal(rows(resumed), rows(through)[10:])


@pytest.mark.filterwarnings("ignore::Warning:torch.*")
def test_without_a_compiler_the_failure_names_the_field_and_a_way_out() -> None:
    torch.compiler.reset()
    missing = inductor.patch({"cpp.cxx": ("there-is-no-such-compiler",), "force_disable_caches": True})
    expected = r"`compiled` needs a working C\+\+ compiler.*there-is-no-such-compiler.*`eager`"
    with missing, pytest.raises(ExecutionUnavailable, match=expected) as refused:
        run(job(execution="compiled"))
    assert "\n" not in str(refused.value)
    error = outcome_of(refused.value).error
    assert error is not None
    assert error["kind"] == "execution_unavailable"


def test_automatic_execution_is_eager_on_a_cpu_and_a_graph_on_a_gpu() -> None:
    assert mode_for(job(), CPU) == "eager"
    assert mode_for(job(), torch.device("cuda")) == "cuda_graph"
    for mode in ("eager", "compiled"):
        assert mode_for(job(execution=mode), torch.device("cuda")) == mode


@pytest.mark.parametrize("patch", IN_TURNS.values())
def test_steps_that_are_not_all_alike_are_run_one_by_one_on_a_gpu(patch: dict[str, Any]) -> None:
    assert mode_for(job(**patch), torch.device("cuda")) == "eager"
    with pytest.raises(ValidationError, match="repeats one step"):
        job(**patch, execution="cuda_graph")


def test_a_penalty_is_refused_where_nothing_can_be_differentiated_twice() -> None:
    with pytest.raises(ValidationError, match="cannot differentiate twice"):
        job(regularizers=[{"kind": "r1"}], execution="compiled")


@pytest.mark.filterwarnings("ignore::Warning:torch.*")
def test_a_compiled_run_of_other_systems_has_the_losses_of_an_eager_one() -> None:
    patch = {
        "steps": 8,
        "loss": {"kind": "relativistic"},
        "discriminator": MLP_JUDGE | {"spectral_norm": True},
        "conditional": {"kind": "projection"},
    }
    eager, compiled = run(job(**patch)), run(job(**patch, execution="compiled"))
    np.testing.assert_allclose(rows(compiled), rows(eager), rtol=TOLERANCE, atol=TOLERANCE)


def test_a_graph_on_a_cpu_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(ExecutionUnavailable, match="`cuda_graph` needs a GPU"):
        run(job(execution="cuda_graph"))


def test_eager_steps_need_no_preparation() -> None:
    one, other = game_of(job()), game_of(job())
    assert torch.equal(prepare(one, "eager")(), play_step(other))


@pytest.mark.parametrize("patch", [{}, {"generator": DCGAN, "discriminator": DCGAN_JUDGE}])
def test_bfloat16_is_for_the_networks_alone(patch: dict[str, Any]) -> None:
    spec = job(steps=6, checkpoint_every=3, precision="bfloat16", **patch)
    through = run(spec)
    assert all(value.dtype != torch.bfloat16 for value in snapshot_at(through, 6).tensors.values())
    resumed = run(spec, resume_from=snapshot_at(through, 3))
    np.testing.assert_array_equal(rows(resumed), rows(through)[3:])
    full = run(spec.model_copy(update={"precision": "float32"}))
    np.testing.assert_allclose(rows(through), rows(full), rtol=0.05, atol=0.05)
    assert not np.array_equal(rows(through), rows(full))
