"""When something is to be done: about an alarm that lasts, and about evaluations that no longer get better."""

from collections.abc import Mapping
from typing import Any

from models.catalogue import EVALUATIONS
from models.spec import Health, Plateau
from models.verdicts import Report


class AlarmWatch:
    """Tells when an alarm has lasted for the spec's ``patience``. Each alarm counts once: one that was acted upon is
    not acted upon again for as long as it goes on."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._since: int | None = None
        self._is_answered = False

    def calls(self, report: Report) -> bool:
        """Take in the next report; whether ``health.on_alarm`` is due now."""
        if report.severity != "alarm":
            self._since, self._is_answered = None, False
            return False
        if self._since is None:
            self._since = report.step
        due = report.step - self._since >= self._health.patience or report.verdict == "non_finite"
        if self._health.on_alarm == "record" or self._is_answered or not due:
            return False
        self._is_answered = True
        return True

    def state(self) -> dict[str, Any]:
        return {"since": self._since, "is_answered": self._is_answered}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._since, self._is_answered = state["since"], state["is_answered"]


class PlateauWatch:
    """Tells when a number of the evaluations has not got better for ``patience`` of them (early stopping, as Prechelt
    1998 describes it, section 2.3.3)."""

    def __init__(self, plateau: Plateau) -> None:
        self._plateau = plateau
        self._sign = 1 if EVALUATIONS[plateau.metric].better == "higher" else -1
        self.best: float | None = None
        self.without = 0

    def is_over(self, values: Mapping[str, float]) -> bool:
        """Take in the next evaluation; whether the last improvement is too long ago. One that lacks the number, or has
        none that is finite, is no improvement."""
        value = values.get(self._plateau.metric)
        is_number = value is not None and value == value
        if is_number and (self.best is None or self._sign * (value - self.best) > self._plateau.min_delta):  # type: ignore[operator]
            self.best, self.without = value, 0
        else:
            self.without += 1
        return self.best is not None and self.without >= self._plateau.patience

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "without": self.without}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.best, self.without = state["best"], state["without"]
