"""How much memory a spec takes, at the least, and how much a device has."""

import gc
import os
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, UntypedStorage, nn
from torch.autograd.graph import saved_tensors_hooks

from models.spec import JobSpec, Optimizer
from worker.gan.augment import UNIFORMS_PER_EXAMPLE, augment
from worker.gan.execution import mode_for
from worker.gan.game import packed
from worker.gan.networks import build_discriminator, build_generator
from worker.gan.optimizers import state_names
from worker.gan.penalties import Judged, penalty

# Where only the data can tell how many classes there are. What grows with them is small.
USUAL_CLASSES = 10
# Memory that tensors lie in, by its identity: each counts once, however many of them are views of it.
Storages = dict[int, UntypedStorage]


class NotEnoughMemory(Exception):
    """The device cannot hold the run."""

    def __init__(self, spec: JobSpec, device: torch.device) -> None:
        self.estimated_bytes = estimate_bytes(spec, device)
        self.available_bytes = available_bytes(device)
        super().__init__(
            f"not enough memory on {device.type}: the spec takes at least {_readable(self.estimated_bytes)}, and "
            f"{_readable(self.available_bytes)} are available; a smaller batch_size or narrower networks need less"
        )


def estimate_bytes(spec: JobSpec, device: torch.device) -> int:
    """Both networks with what their optimisers keep of them, what automatic differentiation keeps in the larger of the
    two updates, and a real batch and noise: of one update, or of all of a step's, as a CUDA graph keeps them.

    A lower bound, of steps that are run operation by operation: workspace of the kernels and the allocator's rounding
    come on top. Nothing is allocated for it: both updates are played on tensors without contents.

    Raises:
        execution.ExecutionUnavailable: the spec's ``execution`` cannot be had on ``device``.
    """
    classes = None if spec.conditional is None else spec.dataset.class_count or USUAL_CLASSES
    with torch.device("meta"):
        generator, discriminator = build_generator(spec, classes), build_discriminator(spec, classes)
        noise = torch.empty(spec.batch_size, spec.generator.latent_dim)
        real = torch.empty(spec.batch_size, *spec.shape)
        labels = None if classes is None else torch.empty(spec.batch_size, dtype=torch.long)
        by_discriminator, by_generator = _kept_by_updates(spec, generator, discriminator, (noise, real, labels))
    inputs = _storages([noise, real] if labels is None else [noise, real, labels])
    weights, judge_weights = (_storages(network.parameters()) for network in (generator, discriminator))
    elsewhere = inputs | weights | judge_weights
    # What autocast makes has half the size.
    shares = 2 if spec.precision == "bfloat16" else 1
    # An update holds what is kept for its gradient first, and the gradient last.
    largest_update = max(
        _size(by_discriminator, elsewhere) // shares,
        _size(by_generator, elsewhere) // shares,
        _size(weights),
        _size(judge_weights),
    )
    updates = spec.discriminator_steps if mode_for(spec, device) == "cuda_graph" else 1
    networks = _with_optimizer(generator, spec.generator.optimizer)
    networks += _with_optimizer(discriminator, spec.discriminator.optimizer)
    averaged = _size(_state(generator)) if spec.ema_decay is not None else 0
    return networks + averaged + largest_update + updates * _size(inputs)


def available_bytes(device: torch.device) -> int:
    """What is free on a GPU, or on the host."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_fits(spec: JobSpec, device: torch.device) -> None:
    """Refuse a run that cannot fit even if it had the device for itself.

    On the host, asking for too much ends the process rather than the call, so it is better not to ask.

    Raises:
        NotEnoughMemory: it cannot.
    """
    if device.type == "cuda":
        total = int(torch.cuda.mem_get_info(device)[1])
    else:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if estimate_bytes(spec, device) > total:
        raise NotEnoughMemory(spec, device)


def release_cached() -> None:
    """Give back what torch keeps of a device for later, so that others find it free."""
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()


def _kept_by_updates(
    spec: JobSpec, generator: nn.Module, discriminator: nn.Module, inputs: tuple[Tensor, Tensor, Tensor | None]
) -> tuple[Storages, Storages]:
    """What is kept in an update of the discriminator, and in one of the generator."""
    noise, real, labels = inputs

    def judge(data: Tensor) -> Tensor:
        if spec.augmentation is not None:
            chance = torch.empty(spec.batch_size, UNIFORMS_PER_EXAMPLE)
            probability = None if spec.augmentation.adaptive is None else torch.empty(())
            data = augment(data, chance, spec.augmentation.policies, probability)
        answer = discriminator(packed(data, spec.pack), labels)
        logits: Tensor = answer[0] if isinstance(answer, tuple) else answer
        return logits

    with _kept() as by_making:
        fake: Tensor = generator(noise, labels)
    with _kept() as by_judging_generated:
        judge(fake)
    with _kept() as by_discriminator:
        leaves = [data.detach().requires_grad_(bool(spec.penalties)) for data in (real, fake)]
        logits = [judge(leaf) for leaf in leaves]
        judged = Judged(leaves[0], logits[0], leaves[1], logits[1], judge)
        for regularizer in spec.penalties:
            penalty(regularizer, judged, lambda: torch.empty(spec.batch_size // spec.pack))
    if spec.fake_batch == "reused":
        by_discriminator |= by_making
    return by_discriminator, by_making | by_judging_generated


@contextmanager
def _kept() -> Iterator[Storages]:
    """Collects what automatic differentiation keeps of the operations in the block."""
    storages: Storages = {}

    def pack(tensor: Tensor) -> Tensor:
        storages.update(_storages([tensor]))
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        yield storages


def _storages(tensors: Iterable[Tensor]) -> Storages:
    return {id(storage): storage for storage in (tensor.untyped_storage() for tensor in tensors)}


def _state(network: nn.Module) -> Storages:
    return _storages([*network.parameters(), *network.buffers()])


def _size(storages: Storages, elsewhere: Container[int] = ()) -> int:
    """Bytes, without those that are counted elsewhere."""
    return sum(storage.nbytes() for key, storage in storages.items() if key not in elsewhere)


def _with_optimizer(network: nn.Module, optimizer: Optimizer) -> int:
    """Bytes of a network and of what its optimiser keeps for each of its weights; gradients come on top."""
    kept = len(state_names(optimizer) - {"step"})
    return _size(_state(network)) + kept * _size(_storages(network.parameters()))


def _readable(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
