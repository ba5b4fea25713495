"""The obvious rival: thresholds on the two losses, D(x) and D(G(z)), as public lists of how to tell have them.

A loss near 0 or answers of nearly 1 and 0 mean that the discriminator has won; a low loss of the generator or a high
D(G(z)) that it has collapsed; a generator's loss that varies widely that the two chase each other; a huge loss, or one
that is no number, that they diverge (the lists' usual figures are among those tried). Where a loss has no
probabilities, the rival takes the sigmoid of the logits. Its thresholds are found on the same tuning half as ours, by
trying all, and it may look at as long a window.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.health_truth import KINDS, Kind

Metrics = Mapping[str, npt.NDArray[np.float32]]
# Steps at the end of which it looks, as a part of the run.
WINDOW = 0.05


@dataclass(frozen=True)
class Thresholds:
    """Beyond which something is the matter: ``huge`` absolute losses, a ``low_d_loss``, a ``wide_gap`` between D(x) and
    D(G(z)), a ``high_d_fake``, a ``low_g_loss``, and a ``restless`` g_loss, its deviation over the window."""

    huge: float
    low_d_loss: float
    wide_gap: float
    high_d_fake: float
    low_g_loss: float
    restless: float


CHOICES: dict[str, tuple[float, ...]] = {
    "huge": (10.0, 30.0, 100.0, 1000.0),
    "low_d_loss": (-np.inf, 0.001, 0.01, 0.05, 0.1, 0.3),
    "wide_gap": (0.7, 0.8, 0.9, 0.95, 0.99, 0.999, np.inf),
    "high_d_fake": (0.6, 0.7, 0.8, 0.9, np.inf),
    "low_g_loss": (-np.inf, 0.05, 0.1, 0.3),
    "restless": (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, np.inf),
}


@dataclass(frozen=True)
class Look:
    """What the rival sees at ``step``: means over the window before, and a deviation. All NaN after a loss that was no
    number."""

    step: int
    d_loss: float
    g_loss: float
    d_real: float
    d_fake: float
    g_deviation: float


def looks(metrics: Metrics, total_steps: int, steps: Sequence[int]) -> list[Look]:
    """What the rival sees after each of ``steps``; ``metrics`` (steps,) are from step 1 on."""
    length = max(1, round(WINDOW * total_steps))
    found = []
    with np.errstate(all="ignore"):
        for step in steps:
            window = {name: values[max(0, step - length) : step].astype(np.float64) for name, values in metrics.items()}
            found.append(
                Look(
                    step,
                    d_loss=float(window["d_loss"].mean()),
                    g_loss=float(window["g_loss"].mean()),
                    d_real=float(_answers(window, "d_real").mean()),
                    d_fake=float(_answers(window, "d_fake").mean()),
                    g_deviation=float(window["g_loss"].std()),
                )
            )
    return found


def _answers(window: Mapping[str, npt.NDArray[np.float64]], player: str) -> npt.NDArray[np.float64]:
    if player in window:
        return window[player]
    answers: npt.NDArray[np.float64] = 1 / (1 + np.exp(-window[f"{player}_logit"]))
    return answers


def says(look: Look, thresholds: Thresholds) -> Kind:
    """What the rival takes a run for."""
    losses = (look.d_loss, look.g_loss)
    if not np.isfinite(losses).all() or max(map(abs, losses)) > thresholds.huge:
        return "diverging"
    if abs(look.d_loss) < thresholds.low_d_loss or look.d_real - look.d_fake > thresholds.wide_gap:
        return "vanishing"
    if look.d_fake > thresholds.high_d_fake or 0 <= look.g_loss < thresholds.low_g_loss:
        return "collapsed"
    return "oscillating" if look.g_deviation > thresholds.restless else "good"


def tuned(last: Sequence[Look], truths: Sequence[Kind]) -> Thresholds:
    """Of all choices, the thresholds with the highest balanced accuracy on runs that ended so and were labelled so;
    among equals, those with the fewest good runs called anything else, and then the first."""
    columns = {name: np.array([asdict(look)[name] for look in last]) for name in asdict(last[0])}
    labels = np.array([KINDS.index(truth) for truth in truths])
    present = np.unique(labels)
    best, chosen = (-1.0, -1.0), Thresholds(*(values[0] for values in CHOICES.values()))
    for values in itertools.product(*CHOICES.values()):
        thresholds = Thresholds(*values)
        said = _all_say(columns, thresholds)
        recalls = {kind: float((said[labels == kind] == kind).mean()) for kind in present}
        score = (float(np.mean(list(recalls.values()))), recalls.get(KINDS.index("good"), 0.0))
        if score > best:
            best, chosen = score, thresholds
    return chosen


def _all_say(columns: Mapping[str, npt.NDArray[np.float64]], thresholds: Thresholds) -> npt.NDArray[np.int64]:
    """``says`` of many looks at once, as places in ``KINDS``."""
    d_loss, g_loss, d_fake = columns["d_loss"], columns["g_loss"], columns["d_fake"]
    with np.errstate(invalid="ignore"):
        largest = np.maximum(np.abs(d_loss), np.abs(g_loss))
        conditions = {
            "diverging": ~(largest <= thresholds.huge),
            "vanishing": (np.abs(d_loss) < thresholds.low_d_loss) | (columns["d_real"] - d_fake > thresholds.wide_gap),
            "collapsed": (d_fake > thresholds.high_d_fake) | ((g_loss >= 0) & (g_loss < thresholds.low_g_loss)),
            "oscillating": columns["g_deviation"] > thresholds.restless,
        }
    places = [KINDS.index(kind) for kind in conditions]
    return np.select(list(conditions.values()), places, default=KINDS.index("good"))
