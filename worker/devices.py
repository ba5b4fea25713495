"""What a worker trains on and how busy that is, as its signs of life report it. No torch: it would initialise CUDA."""

import os
import platform
from collections.abc import Callable
from typing import Any, TypeVar

import psutil
import structlog

log = structlog.get_logger(__name__)
Device = dict[str, Any]
Number = TypeVar("Number")


class Devices:
    """Reads the devices of a worker that trains on ``wanted`` (``auto``, ``cpu`` or ``cuda``). To be asked by one
    thread: a CPU's utilisation is that since the thread has asked before."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._has_asked = False
        # Each thing that a driver does not tell is logged once, not at every sign of life.
        self._told: set[str] = set()

    def read(self) -> list[Device]:
        """The GPUs by the driver's own library, else the CPU. What it does not tell, or not to this user, is ``None``;
        sizes are bytes, utilisation is percent."""
        return (self._gpus() if self._wanted != "cpu" else None) or [self._cpu()]

    def _gpus(self) -> list[Device] | None:
        import pynvml

        # Between two reports there is no connection to the driver that a forked child could inherit.
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return None  # no driver on this host
        try:
            return [self._gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError as error:
            self._warn("the driver does not describe its GPUs", error)
            return [{"kind": "cuda"}]
        finally:
            pynvml.nvmlShutdown()

    def _gpu(self, index: int) -> Device:
        import pynvml

        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        # Not there where it shares the host's.
        memory = self._asked("memory", lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
        return {
            "kind": "cuda",
            "index": index,
            "name": self._asked("name", lambda: str(pynvml.nvmlDeviceGetName(handle))),
            "memory_bytes": int(memory.total) if memory else None,
            "memory_used_bytes": int(memory.used) if memory else None,
            "utilization_percent": self._asked(
                "utilisation", lambda: float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            ),
        }

    def _asked(self, what: str, ask: Callable[[], Number]) -> Number | None:
        import pynvml

        try:
            return ask()
        except pynvml.NVMLError as error:
            self._warn(f"the driver does not tell a GPU's {what}", error)
            return None

    def _warn(self, message: str, error: Exception) -> None:
        if message not in self._told:
            self._told.add(message)
            log.warning(message, error=str(error))

    def _cpu(self) -> Device:
        memory = psutil.virtual_memory()
        percent = psutil.cpu_percent()
        # The first answer is of no time at all.
        utilization, self._has_asked = percent if self._has_asked else None, True
        return {
            "kind": "cpu",
            "name": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "memory_bytes": memory.total,
            "memory_used_bytes": memory.total - memory.available,
            "utilization_percent": utilization,
            "load": os.getloadavg()[0],
        }


def list_devices() -> list[Device]:
    """The devices of this host, as ``Devices`` reads them: GPUs, or the CPU where there is none."""
    return Devices("auto").read()
