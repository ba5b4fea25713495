"""The diagnosis: a pure, incremental function of readings and of the spec's loss.

``Diagnosis(spec)`` takes the readings of a run one by one and gives a report for each. It holds nothing but what
``state`` returns, draws no random numbers and reads no clock: the same readings give the same reports, however often
the run was interrupted in between.
"""

import copy
import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from models.spec import JobSpec
from models.verdicts import VERDICTS, Report, Verdict
from worker.gan import signals
from worker.gan.advice import advise, describe
from worker.gan.evidence import confidence_in, evidence_of
from worker.gan.findings import RULES
from worker.gan.readings import Reading, finite
from worker.gan.view import HISTORY, PROGRESS, Finding, Record, Sign, View

# Assessments and steps up to which nothing but divergence is an alarm: every run leaves its first blob in its own time.
WARM_UP = 6
WARM_UP_PART, LONGEST_WARM_UP = 0.1, 600
# Assessments whose medians are what the run was like early on.
EARLY = 5
EARLY_SIGNALS = ("g_grad_norm", "d_grad_norm")
# Assessments whose samples are taken together.
POOLED = 3
# A verdict that was in force goes when its rule has not held for so many assessments.
CLEARED_AFTER = 2


class Diagnosis:
    """The health of one run, assessment by assessment."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._facts = spec.loss_facts
        self._state: dict[str, Any] = _game_begun_after(0) | {"verdict": None, "since_step": 0}

    def assess(self, reading: Reading) -> Report:
        """Take in the next reading; returns how the game stands after it."""
        state = self._state
        record = self._record(reading)
        state["count"] += 1
        state["records"] = [*state["records"], record][-HISTORY:]
        if (lost := _not_finite(reading)) is not None:
            return self._report(lost, record["first_step"], 1.0)
        if self._is_held_fixed(reading):
            self._begin_anew(record)
            return self._report(Finding(Verdict.WARMING_UP, ()), record["first_step"], 0.0)
        view = View(state["records"], state["older_best"])
        findings = {name: rule.find(view) for name, rule in RULES.items()}
        self._count_how_long(findings, record["first_step"])
        for name, rule in RULES.items():
            count, _, since = state["held"].get(name, (0, 0, 0))
            found = findings[name]
            if found is None or count < rule.needed or (self._is_warming_up and not rule.from_the_start):
                continue
            # One that is in force stays for an assessment at which it does not hold; none begins with such.
            if found.holds or found.verdict == state["verdict"]:
                return self._report(found, since, confidence_in(found, count, rule.needed))
        verdict = Verdict.WARMING_UP if self._is_warming_up else Verdict.BALANCED
        since = state["since_step"] if state["verdict"] == verdict else record["first_step"]
        return self._report(Finding(verdict, ()), since, min(1.0, state["count"] / (2 * WARM_UP)))

    @property
    def is_suspicious(self) -> bool:
        """Whether evidence for an alarm has begun to show: what is kept now is not what to go back to."""
        return any(VERDICTS[RULES[name].verdict].severity == "alarm" for name in self._state["held"])

    @property
    def _is_warming_up(self) -> bool:
        steps = self._state["records"][-1]["last_step"] - self._state["begun"]
        needed = min(LONGEST_WARM_UP, WARM_UP_PART * self._spec.steps)
        return bool(self._state["count"] <= WARM_UP or steps <= needed)

    def state(self) -> dict[str, Any]:
        """All that later reports depend on, as JSON can hold it."""
        return copy.deepcopy(self._state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self._state = {**self._state, **copy.deepcopy(dict(state))}

    def _is_held_fixed(self, reading: Reading) -> bool:
        """Whether the spec holds the generator fixed in a part of the window, so that nothing can be said of it."""
        judge = self._spec.discriminator
        begun, ended = judge.pretrain_after, judge.pretrain_after + judge.pretrain_steps
        return judge.pretrain_steps > 0 and reading.step > begun and reading.window[0] <= ended

    def _begin_anew(self, record: Record) -> None:
        """Forget what was before: afterwards another discriminator teaches, and a new game warms up."""
        self._state |= _game_begun_after(record["last_step"]) | {"records": [record]}

    def _record(self, reading: Reading) -> Record:
        """The signals of a reading, beside those before it."""
        state, facts = self._state, self._facts
        earlier = state["records"]
        record: Record = {"first_step": reading.window[0], "last_step": reading.step}
        record |= {name: finite(value) for name, value in reading.statistics.items()}
        record["shares"], record["fixed_shares"] = list(reading.shares), list(reading.fixed_shares)
        for name in EARLY_SIGNALS:
            seen = state["early"][name]
            norm = finite(reading.metrics[name].median)
            if len(seen) < EARLY and norm is not None:
                state["early"][name] = [*seen, norm]
            record[name] = norm
        record |= {
            "equilibrium_distance": finite(signals.equilibrium_distance(reading, facts)),
            "answer_gap": finite(signals.answer_gap(reading)),
            "logit_gap": finite(signals.logit_gap(reading)),
            "jensen_shannon_bound": finite(signals.jensen_shannon_bound(reading, facts)),
            "gradient_ratio": finite(signals.gradient_ratio(reading, "g_grad_norm", state["early"]["g_grad_norm"])),
            "d_gradient_ratio": finite(signals.gradient_ratio(reading, "d_grad_norm", state["early"]["d_grad_norm"])),
            "d_loss_periodicity": finite(reading.metrics["d_loss"].periodicity),
            "g_loss_periodicity": finite(reading.metrics["g_loss"].periodicity),
        }
        if "r_t" in reading.metrics:
            record["r_t"] = finite(reading.metrics["r_t"].mean)
        if reading.shares:
            record |= self._coverage(reading, earlier)
        distance = record.get("distance")
        if distance is not None:
            smooth = median([*(each["distance"] for each in earlier[-2:] if each["distance"] is not None), distance])
            record["smooth_distance"] = smooth
            self._keep_distance(smooth)
            record["distance_over_best"] = distance / max(self._best_distance(), 1e-12)
        return record

    def _coverage(self, reading: Reading, earlier: list[Record]) -> Record:
        """How what is generated lies over the regions of the data, in this assessment and the last few together."""
        real = reading.real_shares
        pool = [record["shares"] for record in earlier[-(POOLED - 1) :]] + [reading.shares]
        found: Record = {
            "missing_share": signals.missing_share(reading.shares, real),
            "pooled_missing_share": signals.missing_share(signals.pooled(pool), real),
            "region_entropy": signals.region_entropy(reading.shares, real),
        }
        if earlier:
            found["shift"] = signals.total_variation(reading.fixed_shares, earlier[-1]["fixed_shares"])
        return found

    def _keep_distance(self, distance: float) -> None:
        state = self._state
        state["distances"] = [*state["distances"], distance]
        if len(state["distances"]) > PROGRESS:
            oldest = state["distances"].pop(0)
            before = state["older_best"]
            state["older_best"] = oldest if before is None else min(before, oldest)

    def _best_distance(self) -> float:
        older = self._state["older_best"]
        best: float = min([*self._state["distances"], *([] if older is None else [older])])
        return best

    def _count_how_long(self, findings: Mapping[str, Finding | None], first_step: int) -> None:
        """For how many assessments each rule has held; one that lately did is not forgotten at once."""
        held: dict[str, list[int]] = {}
        for name, found in findings.items():
            count, missed, since = self._state["held"].get(name, (0, 0, first_step))
            count, missed = (count + 1, 0) if found is not None and found.holds else (count, missed + 1)
            if count and missed < CLEARED_AFTER:
                held[name] = [count, missed, since]
        self._state["held"] = held

    def _report(self, finding: Finding, since: int, confidence: float) -> Report:
        state, records = self._state, self._state["records"]
        state["verdict"], state["since_step"] = finding.verdict, since
        return Report(
            step=records[-1]["last_step"],
            verdict=finding.verdict,
            severity=VERDICTS[finding.verdict].severity,
            confidence=round(confidence, 3),
            since_step=since,
            sentence=describe(finding, self._facts),
            evidence=evidence_of(finding, records),
            advice=advise(finding.verdict, self._spec),
        )


def _game_begun_after(step: int) -> dict[str, Any]:
    """What is known of a game before its first assessment."""
    return {
        "begun": step,
        "count": 0,
        "records": [],
        "early": {name: [] for name in EARLY_SIGNALS},
        "distances": [],
        "older_best": None,
        # Of each rule that holds or lately did: for how many assessments, for how many it has not since, and the first
        # step of the window in which it began to.
        "held": {},
    }


def _not_finite(reading: Reading) -> Finding | None:
    """What of a reading is no number, be it a loss or what is generated; ``None`` where all is."""
    losses = (reading.metrics[name].mean for name in ("d_loss", "g_loss"))
    if not all(map(math.isfinite, losses)):
        lost = "finite_losses"
    elif not math.isfinite(reading.statistics.get("distance", 0.0)):
        lost = "finite_samples"
    else:
        return None
    return Finding(Verdict.NON_FINITE, (Sign(lost, 0.0, 0.5, above=False, reference=1.0),))
