"""Looks after one game as it is trained: examines it now and then, and says how it stands.

Its state is part of a checkpoint, so that a run that was interrupted gets the same reports as one that was not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.verdicts import Report, Severity
from worker.gan.alarms import AlarmWatch, PlateauWatch
from worker.gan.diagnose import Diagnosis
from worker.gan.events import Assessment, Evaluated, Plateaued
from worker.gan.game import Game
from worker.gan.readings import Reading, summarise
from worker.gan.vitals import Examiner, Vitals

ROWS, FIXED = "diagnosis/rows", "diagnosis/fixed"


class Doctor:
    """Of one game. ``observe`` is given every row of metrics, in order; ``assess`` is due after every ``every`` steps.
    ``has_news`` says that the verdict has changed, or something is to be done."""

    def __init__(self, game: Game) -> None:
        self._game = game
        spec = game.spec
        self.every = spec.health.window(spec.steps)
        self._examiner = Examiner(game)
        self._diagnosis = Diagnosis(spec)
        self._alarms = AlarmWatch(spec.health)
        self._plateau = PlateauWatch(spec.health.plateau) if spec.health.plateau is not None else None
        self._rows: list[npt.NDArray[np.float32]] = []
        self._reported: Report | None = None
        self._waiting: list[Assessment] = []
        self._call: Report | None = None
        self.has_news = False

    @property
    def severity(self) -> Severity | None:
        """Of the report in force, and an alarm as soon as evidence for one begins to show; ``None`` before the first
        report. By it a checkpoint is known that one can go back to."""
        if self._reported is None:
            return None
        return "alarm" if self._diagnosis.is_suspicious else self._reported.severity

    def is_due(self, step: int) -> bool:
        return step % self.every == 0 or step == self._game.spec.steps

    def observe(self, rows: npt.NDArray[np.float32]) -> None:
        """Take in rows (steps, metrics) that follow those before."""
        if len(rows):
            self._rows.append(rows)

    def assess(self, step: int) -> None:
        """Examine the game as it is after ``step``, the one whose row was observed last."""
        self._conclude(step, self._examiner.examine())

    def conclude_non_finite(self, step: int) -> None:
        """A loss of ``step``, whose row was observed last, is not finite: there is nothing left to examine."""
        self._conclude(step, Vitals({}, (), ()))

    def _conclude(self, step: int, vitals: Vitals) -> None:
        rows = np.concatenate(self._rows)
        self._rows = []
        reading = Reading(
            window=(step - len(rows) + 1, step),
            metrics=summarise(self._game.metric_names, rows),
            statistics=vitals.statistics,
            shares=vitals.shares,
            fixed_shares=vitals.fixed_shares,
            real_shares=self._examiner.real_shares if vitals.shares else (),
        )
        report = self._diagnosis.assess(reading)
        self.has_news |= self._reported is None or report.verdict != self._reported.verdict
        if self._alarms.calls(report):
            self._call = report
            self.has_news = True
        self._reported = report
        self._waiting.append(Assessment(report, reading))

    def collect(self) -> tuple[Assessment, ...]:
        """The assessments since the last time this was asked; no news is left then."""
        collected, self._waiting, self.has_news = tuple(self._waiting), [], False
        return collected

    def take_call(self) -> Report | None:
        """The alarm that something is to be done about now, once."""
        call, self._call = self._call, None
        return call

    def note(self, evaluated: Evaluated) -> Plateaued | None:
        """Take in an evaluation; says where it has been too long since one was better."""
        watch, plateau = self._plateau, self._game.spec.health.plateau
        if watch is None or plateau is None or not watch.is_over(evaluated.values) or watch.best is None:
            return None
        return Plateaued(evaluated.step, plateau.metric, watch.best, watch.without)

    def state(self) -> dict[str, Any]:
        """All that later reports and actions depend on, but for ``tensors``; as JSON can hold it."""
        return {
            "diagnosis": self._diagnosis.state(),
            "alarms": self._alarms.state(),
            "plateau": self._plateau.state() if self._plateau is not None else None,
            "reported": self._reported.model_dump(mode="json") if self._reported is not None else None,
        }

    def tensors(self) -> dict[str, Tensor]:
        """Rows since the last assessment (steps, metrics), and what the fixed noise gave then (n, d)."""
        held = {ROWS: torch.from_numpy(np.concatenate(self._rows))} if self._rows else {}
        fixed = self._examiner.fixed
        return held | ({FIXED: fixed.to("cpu", copy=True).contiguous()} if fixed is not None else {})

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Go on from what ``state`` and ``tensors`` returned. Where the run is now assessed at other steps, what was
        concluded stays, and the window that had begun is as long as it happens to be."""
        self._diagnosis.restore(state["diagnosis"])
        self._alarms.restore(state["alarms"])
        if self._plateau is not None and state["plateau"] is not None:
            self._plateau.restore(state["plateau"])
        reported = state["reported"]
        self._reported = Report.model_validate(reported) if reported is not None else None
        self._rows = [tensors[ROWS].numpy().copy()] if ROWS in tensors else []
        if FIXED in tensors:
            self._examiner.fixed = tensors[FIXED].to(self._game.noise.device)
