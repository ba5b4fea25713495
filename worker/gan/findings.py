"""The rules of the diagnosis: what evidence speaks for which verdict.

Each looks at the last few assessments; ``None`` where what it goes by was not measured. The thresholds were set on one
half of the labelled runs of ``benchmarks/health.py``; docs/health.md shows how they do on the other.
"""

from collections.abc import Callable
from typing import NamedTuple

from models.verdicts import Verdict
from worker.gan.view import PROGRESS, Finding, Sign, Signs, View, all_hold


def _together(*signs: Sign | None) -> Signs | None:
    present = tuple(sign for sign in signs if sign is not None)
    return present if len(present) == len(signs) else None


def _first_that_holds(*ways: Signs | None) -> Signs | None:
    """The first of several ways to the same verdict that holds, or any that could be looked at."""
    possible = [signs for signs in ways if signs is not None]
    return next((signs for signs in possible if all_hold(signs)), possible[0] if possible else None)


def _typical(
    view: View, name: str, count: int, threshold: float, above: bool = True, reference: float | None = None
) -> Sign | None:
    """The median of a signal's last ``count`` values as a sign."""
    value = view.typical(name, count)
    return None if value is None else Sign(name, value, threshold, above, reference, count)


def _no_progress(view: View, most: float) -> Sign:
    return Sign("progress", view.progress, most, above=False, window=PROGRESS)


def _far(view: View, floors: float) -> Sign | None:
    value = view.distance_over_floor
    return None if value is None else Sign("distance_over_floor", value, floors, reference=1.0, window=3)


def _diverging(view: View) -> Signs | None:
    """What is generated moves off: many times as far from the data as it once was, and further than they are wide."""
    return _together(
        _typical(view, "distance", 2, 2.0),
        _typical(view, "distance_over_best", 2, 3.0, reference=1.0),
    )


def _astray(view: View) -> Signs | None:
    """What is generated was never near, is many times as far from the data as they are wide, and comes no nearer."""
    return _together(_typical(view, "distance", 3, 5.0), _no_progress(view, 0.05))


def _vanishing(view: View) -> Signs | None:
    """D tells all apart, next to nothing of it reaches the generator, and that does not come nearer."""
    common = (
        _typical(view, "separability", 3, 0.98, reference=0.5),
        _far(view, 3.0),
        _no_progress(view, 0.05),
    )
    return _first_that_holds(
        _together(
            _typical(view, "logit_gradient", 3, 0.02, above=False, reference=0.5),
            *common,
        ),
        _together(
            _typical(view, "gradient_ratio", 3, 0.02, above=False, reference=1.0),
            *common,
        ),
    )


def _oscillating(view: View) -> Signs | None:
    """What the fixed noise gives moves from region to region, at no time covers most of them, and comes no nearer."""
    return _moving(view, shift=0.4, movement=0.5, missing=0.4, progress=0.2)


def _hopping(view: View) -> Signs | None:
    """The same, so plainly that it need not last as long."""
    return _moving(view, shift=0.6, movement=0.7, missing=0.5, progress=0.35)


def _moving(view: View, shift: float, movement: float, missing: float, progress: float) -> Signs | None:
    if len(view.lately("shift", 6)) < 4:
        return None
    return _together(
        _typical(view, "shift", 6, shift, reference=0.1),
        _typical(view, "movement", 6, movement, reference=0.1),
        _typical(view, "missing_share", 6, missing, reference=0.0),
        _far(view, 3.5),
        _no_progress(view, progress),
    )


def _collapse(view: View) -> Signs | None:
    """Most of the data's regions are left out, or what is generated hardly differs among itself."""
    return _first_that_holds(
        _together(
            _typical(view, "pooled_missing_share", 1, 0.45, reference=0.0),
            _no_progress(view, 0.06),
        ),
        _together(
            _typical(view, "pairwise_distance_ratio", 3, 0.2, above=False, reference=1.0),
            _no_progress(view, 0.06),
        ),
    )


def _too_weak(view: View) -> Signs | None:
    """D sees nothing wrong with what plainly differs from the data, and that at every look: a game in which the two
    only take turns in fooling each other has looks at which D sees it."""
    lately = view.lately("separability", 5)
    if len(lately) < 5:
        return None
    return _together(
        Sign("highest_separability", max(lately), 0.45, above=False, reference=0.5, window=5),
        _far(view, 6.0),
        _no_progress(view, 0.05),
    )


def _stalled(view: View) -> Signs | None:
    """The generator stands still, far from the data."""
    if len(view.lately("movement", PROGRESS)) < PROGRESS:
        return None
    return _together(
        _typical(view, "movement", PROGRESS, 0.003, above=False),
        _far(view, 4.0),
        _no_progress(view, 0.05),
    )


def _overfitting(view: View) -> Signs | None:
    """D is surer of its training data than of others of their kind (Karras et al. 2020, section 3, r_v), generated data
    are copies of training data, or D is sure of all it was trained on (r_t) and teaches nothing new."""
    if view.last("copied_share") is None:  # fresh data without end
        return None
    return _first_that_holds(
        _together(_typical(view, "validation_ratio", 3, 0.5, reference=0.0)),
        _together(_typical(view, "copied_share", 3, 0.3, reference=0.0)),
        _together(
            _typical(view, "real_sign", 3, 0.95, reference=0.6),
            _no_progress(view, 0.02),
        ),
    )


def _partial(view: View) -> Signs | None:
    """Some of the data's regions are left out."""
    return _together(
        _typical(view, "pooled_missing_share", 1, 0.15, reference=0.0),
        _no_progress(view, 0.15),
    )


def _winning(view: View) -> Signs | None:
    """D tells nearly all apart."""
    return _together(_typical(view, "separability", 3, 0.95, reference=0.5))


class Rule(NamedTuple):
    """What makes a ``verdict`` where it has held ``needed`` times, with no two assessments between at which it did not;
    ``from_the_start`` says that no warm-up excuses it."""

    verdict: Verdict
    look: Callable[[View], Signs | None]
    needed: int
    from_the_start: bool = False

    def find(self, view: View) -> Finding | None:
        """What it sees; ``None`` where what it goes by was not measured."""
        signs = self.look(view)
        return None if signs is None else Finding(self.verdict, signs)


# By name, the gravest first: the first one that has held for long enough is the verdict.
RULES: dict[str, Rule] = {
    "diverging": Rule(Verdict.DIVERGING, _diverging, 2, from_the_start=True),
    "astray": Rule(Verdict.DIVERGING, _astray, 3),
    "vanishing": Rule(Verdict.GENERATOR_GRADIENT_VANISHING, _vanishing, 3),
    "hopping": Rule(Verdict.OSCILLATING, _hopping, 2),
    "oscillating": Rule(Verdict.OSCILLATING, _oscillating, 6),
    "too_weak": Rule(Verdict.DISCRIMINATOR_TOO_WEAK, _too_weak, 2),
    "stalled": Rule(Verdict.STALLED, _stalled, 3),
    "collapse": Rule(Verdict.MODE_COLLAPSE, _collapse, 3),
    "overfitting": Rule(Verdict.DISCRIMINATOR_OVERFITTING, _overfitting, 3),
    "partial": Rule(Verdict.PARTIAL_MODE_COLLAPSE, _partial, 3),
    "winning": Rule(Verdict.DISCRIMINATOR_WINNING, _winning, 3),
}
