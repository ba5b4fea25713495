"""How much memory a spec takes, at the least, and how much a device has."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from models.spec import JobSpec
from worker.gan.execution import mode_for
from worker.gan.networks import build_discriminator, build_generator

BYTES_PER_NUMBER = 4
# A parameter, its gradient and Adam's two running means.
COPIES_OF_PARAMETERS = 4


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
    """Parameters with what Adam keeps of them, the outputs of all layers in the larger of the two updates, and a real
    batch and noise: of one update, or of all of a step's, as a CUDA graph keeps them.

    A lower bound: workspace of the kernels and the allocator's rounding come on top. Nothing is allocated for it.

    Raises:
        execution.ExecutionUnavailable: the spec's ``execution`` cannot be had on ``device``.
    """
    with torch.device("meta"):
        generator, discriminator = build_generator(spec), build_discriminator(spec)
    parameters = [sum(value.numel() for value in network.parameters()) for network in (generator, discriminator)]
    copies = COPIES_OF_PARAMETERS * sum(parameters) + (parameters[0] if spec.ema_decay is not None else 0)
    noise = torch.empty(spec.batch_size, spec.generator.latent_dim, device="meta")
    with _counted(generator) as made:
        fake: Tensor = generator(noise)
    with _counted(discriminator) as judged:
        discriminator(fake)
    updates = spec.discriminator_steps if mode_for(spec, device) == "cuda_graph" else 1
    inputs = updates * (noise.numel() + fake.numel())
    # D's update holds a real and a fake pass, G's update a pass of both networks.
    outputs = max(2 * judged(), made() + judged())
    return BYTES_PER_NUMBER * (copies + outputs + inputs)


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


@contextmanager
def _counted(network: nn.Module) -> Iterator[Callable[[], int]]:
    """Counts the numbers in the outputs of a network's layers while the block runs."""
    total = 0

    def count(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        total += output.numel()

    is_inplace = {module for module in network.modules() if getattr(module, "inplace", False)}
    layers = [module for module in network.modules() if not list(module.children()) and module not in is_inplace]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        yield lambda: total
    finally:
        for hook in hooks:
            hook.remove()


def _readable(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
