"""What an assessment goes by: the metrics of the steps since the last one, summarised, and statistics of samples."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Summary:
    """Of one metric over a window's steps; ``slope`` is that of the least-squares line, per window, and ``periodicity``
    how much of what is left beside it swings at one frequency (of the losses only): see ``periodicity``."""

    mean: float
    deviation: float
    minimum: float
    maximum: float
    median: float
    slope: float
    periodicity: float


@dataclass(frozen=True)
class Reading:
    """Everything that one assessment sees. ``window`` is its (first, last) step; ``metrics`` are by the names of
    ``catalogue.ALL_METRIC_NAMES``, ``statistics`` by those of ``worker.gan.vitals``; ``shares`` (bins,) and
    ``fixed_shares`` (bins,) say how much of the data generated from fresh and from fixed noise lies in each region of
    the real ones, and ``real_shares`` (bins,) how much of those."""

    window: tuple[int, int]
    metrics: Mapping[str, Summary]
    statistics: Mapping[str, float]
    shares: tuple[float, ...] = ()
    fixed_shares: tuple[float, ...] = ()
    real_shares: tuple[float, ...] = ()

    @property
    def step(self) -> int:
        return self.window[1]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it, without NaN and infinities, which become ``None``."""
        return {
            "window": list(self.window),
            "metrics": {
                name: [finite(value) for value in vars(found).values()] for name, found in self.metrics.items()
            },
            "statistics": {name: finite(value) for name, value in self.statistics.items()},
            "shares": [finite(share) for share in self.shares],
            "fixed_shares": [finite(share) for share in self.fixed_shares],
            "real_shares": list(self.real_shares),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Reading":
        """What ``to_json`` has written; ``None`` is NaN."""
        first, last = content["window"]
        return cls(
            window=(first, last),
            metrics={name: Summary(*map(_float, values)) for name, values in content["metrics"].items()},
            statistics={name: _float(value) for name, value in content["statistics"].items()},
            shares=tuple(map(_float, content["shares"])),
            fixed_shares=tuple(map(_float, content["fixed_shares"])),
            real_shares=tuple(content["real_shares"]),
        )


def summarise(names: Sequence[str], rows: npt.NDArray[np.float32]) -> dict[str, Summary]:
    """Summaries of the columns of ``rows`` (steps, metrics), which are called ``names``; there is at least one row."""
    values = rows.astype(np.float64)
    steps = np.linspace(-0.5, 0.5, len(values)) if len(values) > 1 else np.zeros(1)
    scale = float(steps @ steps) or 1.0
    with np.errstate(all="ignore"):
        slopes = steps @ values / scale
        columns = (
            values.mean(0),
            values.std(0),
            values.min(0),
            values.max(0),
            np.median(values, axis=0),
            slopes,
            _of_losses(values - np.outer(steps, slopes)),
        )
    return {name: Summary(*(float(column[index]) for column in columns)) for index, name in enumerate(names)}


def _of_losses(swings: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The periodicity of the first two columns, which are the losses; of others nobody asks for it."""
    found = np.zeros(swings.shape[1])
    found[:2] = periodicity(swings[:, :2])
    return found


def periodicity(series: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Share of the variance of ``series`` (steps, columns) that lies at its strongest frequency and the two beside it,
    from two periods per window to one in four steps: near 0 for noise, near 1 for a steady swing (the periodogram's
    peak, Fisher 1929). 0 where there are fewer than 16 steps, or no variance."""
    count = len(series)
    if count < 16:
        return np.zeros(series.shape[1])
    power = np.abs(np.fft.rfft(series - series.mean(0), axis=0)) ** 2
    total = power[1:].sum(0)
    band = power[1 : count // 4 + 1]
    around = band[:-2] + band[1:-1] + band[2:]
    found: npt.NDArray[np.float64] = np.divide(around.max(0), total, out=np.zeros_like(total), where=total > 0)
    return found


def finite(value: float | None) -> float | None:
    """The value, or ``None`` where it is no number: what JSON can hold."""
    return value if value is not None and math.isfinite(value) else None


def _float(value: float | None) -> float:
    return float("nan") if value is None else value
