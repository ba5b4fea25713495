"""What a worker says of its devices. There is no GPU here: a library takes the place of NVIDIA's."""

import os
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest
from structlog.testing import capture_logs

from api.records import DeviceView
from worker.devices import Devices, list_devices

GIB = 2**30


class Driver:
    """Two GPUs; what is ``forbidden`` is not told."""

    def __init__(self, forbidden: tuple[str, ...] = ()) -> None:
        self.forbidden = forbidden
        self.connections = 0
        self.count = 2

    def init(self) -> None:
        self.connections += 1

    def shutdown(self) -> None:
        self.connections -= 1

    def told(self, what: str, answer: Any) -> Any:
        assert self.connections == 1
        if what in self.forbidden:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION)
        return answer


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    library = {
        "nvmlInit": made.init,
        "nvmlShutdown": made.shutdown,
        "nvmlDeviceGetCount": lambda: made.told("count", made.count),
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda index: made.told("name", f"GPU {index}"),
        "nvmlDeviceGetMemoryInfo": lambda index: made.told(
            "memory", SimpleNamespace(total=141 * GIB, used=(3 + index) * GIB)
        ),
        "nvmlDeviceGetUtilizationRates": lambda index: made.told("utilisation", SimpleNamespace(gpu=60 + index)),
    }
    for name, function in library.items():
        monkeypatch.setattr(pynvml, name, function)
    return made


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_gpus_by_name_memory_and_utilisation(driver: Driver, wanted: str) -> None:
    described = Devices(wanted).read()
    assert described == [
        {
            "kind": "cuda",
            "index": index,
            "name": f"GPU {index}",
            "memory_bytes": 141 * GIB,
            "memory_used_bytes": (3 + index) * GIB,
            "utilization_percent": 60.0 + index,
        }
        for index in range(2)
    ]
    assert driver.connections == 0  # none that a forked child could inherit
    assert list_devices() == described
    assert [DeviceView.model_validate(device).load for device in described] == [None, None]


@pytest.mark.parametrize(
    ("forbidden", "unknown"),
    [
        ("utilisation", ["utilization_percent"]),
        ("memory", ["memory_bytes", "memory_used_bytes"]),
        ("name", ["name"]),
    ],
)
def test_what_the_driver_does_not_tell_is_unknown_and_said_once(
    driver: Driver, forbidden: str, unknown: list[str]
) -> None:
    driver.forbidden = (forbidden,)
    devices = Devices("auto")
    with capture_logs() as lines:
        described = [devices.read() for _ in range(3)]
    assert all([name for name, told in gpu.items() if told is None] == unknown for gpus in described for gpu in gpus)
    assert [line["event"] for line in lines] == [f"the driver does not tell a GPU's {forbidden}"]
    assert driver.connections == 0


def test_a_driver_that_tells_nothing(driver: Driver) -> None:
    driver.forbidden = ("count",)
    assert Devices("auto").read() == [{"kind": "cuda"}]
    assert driver.connections == 0
    assert DeviceView.model_validate({"kind": "cuda"}).name is None


def test_the_cpu_where_there_is_no_gpu_or_none_is_wanted(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    (unasked,) = Devices("cpu").read()
    driver.count = 0
    (without,) = Devices("auto").read()

    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    (driverless,) = Devices("auto").read()
    for cpu in (unasked, without, driverless):
        assert (cpu["kind"], cpu["cores"]) == ("cpu", os.cpu_count())
        assert 0 < cpu["memory_used_bytes"] < cpu["memory_bytes"] == psutil.virtual_memory().total
        assert cpu["load"] >= 0
        assert cpu["utilization_percent"] is None  # of no time yet


def test_the_utilisation_of_a_cpu_is_that_since_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([0.0, 37.5, 50.0])
    monkeypatch.setattr(psutil, "cpu_percent", lambda: next(answers))
    devices = Devices("cpu")
    assert [devices.read()[0]["utilization_percent"] for _ in range(3)] == [None, 37.5, 50.0]
