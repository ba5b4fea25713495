"""Where a run trains. Importing this touches no CUDA."""

import torch


class DeviceUnavailable(Exception):
    """The device asked for is not on this machine."""


def resolve(wanted: str, slot: int = 0) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``; slots of a worker are spread over its GPUs.

    Raises:
        DeviceUnavailable: ``cuda`` was asked for and there is none.
    """
    if wanted == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", slot % torch.cuda.device_count())
    if wanted == "cuda":
        raise DeviceUnavailable("device `cuda` was asked for, and torch finds no GPU on this machine")
    return torch.device("cpu")
