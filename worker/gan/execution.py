"""How a step is run: operation by operation, through torch.compile, or as one CUDA graph.

All three do the same operations on the same numbers, so that losses agree up to rounding, and each resumes exactly:
which of them ``execution`` means depends on nothing but the device, so that all attempts at a job run it alike.
(What ``compiled`` runs also depends on the compiler and the processor.)

``compiled`` cannot differentiate twice: torch.compile does not support it, and has been silently wrong about it. A spec
with a penalty on the gradient is refused there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from models.spec import JobSpec, not_one_graph
from worker.gan.game import Game
from worker.gan.inputs import FreshInputs, StaticInputs
from worker.gan.step import play_step, update_players

Mode = Literal["eager", "compiled", "cuda_graph"]
# As in torch's own examples.
WARM_UP_STEPS = 3


class ExecutionUnavailable(Exception):
    """The spec's way of execution cannot be had here; the message says why and what can."""


def mode_for(spec: JobSpec, device: torch.device) -> Mode:
    """What the spec's ``execution`` means on a device.

    Raises:
        ExecutionUnavailable: a CUDA graph was asked for where there is no CUDA.
    """
    if spec.execution == "auto":
        return "cuda_graph" if device.type == "cuda" and not not_one_graph(spec) else "eager"
    if spec.execution == "cuda_graph" and device.type != "cuda":
        raise ExecutionUnavailable(
            f"execution `cuda_graph` needs a GPU, and this run is on {device.type}; `auto` takes what a device allows"
        )
    return spec.execution


def prepare(game: Game, mode: Mode) -> Callable[[], Tensor]:
    """What plays the next step and returns its row of metrics, as ``play_step`` does. The game must be at the step that
    it goes on from: a graph holds on to its tensors. It is left as it was.

    Raises:
        ExecutionUnavailable: compiling or capturing failed.
    """
    if game.noise.device.type == "cuda":
        # Convolutions that add up in any order would give other last bits each time, and resuming is exact.
        torch.backends.cudnn.deterministic = True
    match mode:
        case "eager":
            return partial(play_step, game)
        case "compiled":
            compile_players(game)
            return partial(play_step, game)
        case "cuda_graph":
            return ReplayedStep(game, capture_on_cuda)


def compile_players(game: Game) -> None:
    """Let the networks go through torch.compile, backward passes included; optimisers are fused kernels already.

    Raises:
        ExecutionUnavailable: there is no compiler, or it fails.
    """
    from torch._dynamo.exc import TorchDynamoException  # loads torch's compiler, which nobody else needs

    game.generator.compile(dynamic=False)
    game.discriminator.compile(dynamic=False)
    try:
        with put_back(game):
            play_step(game)
    except TorchDynamoException as error:
        reason = str(error).strip().partition("\n")[0]
        raise ExecutionUnavailable(
            f"execution `compiled` needs a working C++ compiler, and compiling failed ({reason}); `eager` needs none"
        ) from error


Capture = Callable[[Callable[[], Tensor], torch.device], tuple[Tensor, Callable[[], None]]]


class ReplayedStep:
    """Steps as replays of one that was captured: on the same tensors, with inputs filled in before each.

    ``capture`` takes a function of no arguments, runs it in a way that can be repeated, and returns the tensor that the
    function returned and what repeats it; each repetition writes into that same tensor.
    """

    def __init__(self, game: Game, capture: Capture) -> None:
        self._game = game
        game.inputs = StaticInputs(FreshInputs(game.spec, game.data, game.noise))
        with put_back(game):
            game.begin_step()
            self._row, self._replay = capture(partial(update_players, game), game.noise.device)

    def __call__(self) -> Tensor:
        """Play the next step; the row is overwritten by the next call."""
        self._game.begin_step()
        self._replay()
        return self._row


def capture_on_cuda(run: Callable[[], Tensor], device: torch.device) -> tuple[Tensor, Callable[[], None]]:
    """Capture what ``run`` does on the device in a CUDA graph, after runs that warm it up: libraries choose kernels and
    take workspace then, and the optimisers' state comes to be, which the graph would otherwise make anew each time.

    Raises:
        ExecutionUnavailable: something in it cannot be captured.
        torch.OutOfMemoryError: the device has no room for it.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device):
        usual = torch.cuda.current_stream(device)
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(usual)
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                run()
        usual.wait_stream(stream)
        try:
            # Other threads of the worker may use the device meanwhile: they draw pictures.
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                row = run()
        except RuntimeError as error:
            torch.cuda.set_stream(usual)  # which a capture that fails does not always do
            torch.cuda.synchronize(device)  # raises where the device itself has failed
            # Ending a capture that was broken off fails once more, and says less.
            cause = error.__context__ if isinstance(error.__context__, RuntimeError) else error
            if isinstance(cause, torch.OutOfMemoryError):
                raise cause from None
            reason = str(cause).strip().partition("\n")[0]
            raise ExecutionUnavailable(
                f"the step could not be captured as a CUDA graph ({reason}); execution `eager` does without"
            ) from cause
    return row, graph.replay


@contextmanager
def put_back(game: Game) -> Iterator[None]:
    """Whatever steps are played within, the game's tensors hold afterwards what they held before, in the same places.
    Those that came to be within are the optimisers' running means, which begin as zeros: so they are left. A game in
    which something was raised is not put back: it cannot be played on."""
    before, step = [(tensor, tensor.clone()) for tensor in _tensors_of(game)], game.step
    yield
    game.step = step
    with torch.no_grad():
        for tensor in _tensors_of(game):
            tensor.zero_()
        for tensor, value in before:
            tensor.copy_(value)


def _tensors_of(game: Game) -> list[Tensor]:
    """All that a step changes."""
    modules = (game.generator, game.discriminator, game.average, game.adaptive)
    networks = [network for network in modules if network is not None]
    kept = [tensor for network in networks for tensor in (*network.parameters(), *network.buffers())]
    optimizers = (game.generator_optimizer, game.discriminator_optimizer)
    return kept + [value for optimizer in optimizers for state in optimizer.state.values() for value in state.values()]
