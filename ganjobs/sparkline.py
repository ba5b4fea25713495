"""A curve as a line of Unicode blocks."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "


def sparkline(values: Sequence[float | None], low: float | None = None, high: float | None = None) -> str:
    """A block for each value, taller for larger ones, between ``low`` and ``high`` (those of the values by default);
    a space where there is none."""
    there = [value for value in values if value is not None]
    if not there:
        return ""
    low = min(there) if low is None else low
    high = max(there) if high is None else high
    return "".join(GAP if value is None else _block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if high <= low:
        return BLOCKS[len(BLOCKS) // 2]
    share = (value - low) / (high - low)
    return BLOCKS[min(len(BLOCKS) - 1, max(0, int(share * len(BLOCKS))))]
