"""What can be said of a game's health, and the form it is said in; free of torch, so that the API can serve it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    """The state of the game between the two networks."""

    WARMING_UP = "warming_up"
    BALANCED = "balanced"
    DISCRIMINATOR_WINNING = "discriminator_winning"
    DISCRIMINATOR_OVERFITTING = "discriminator_overfitting"
    DISCRIMINATOR_TOO_WEAK = "discriminator_too_weak"
    PARTIAL_MODE_COLLAPSE = "partial_mode_collapse"
    MODE_COLLAPSE = "mode_collapse"
    OSCILLATING = "oscillating"
    STALLED = "stalled"
    GENERATOR_GRADIENT_VANISHING = "generator_gradient_vanishing"
    DIVERGING = "diverging"
    NON_FINITE = "non_finite"


Severity = Literal["ok", "caution", "alarm"]


@dataclass(frozen=True)
class VerdictFacts:
    """How bad a verdict is, and what it means in a sentence that holds for every run."""

    severity: Severity
    description: str


VERDICTS: dict[Verdict, VerdictFacts] = {
    Verdict.WARMING_UP: VerdictFacts("ok", "Too early to tell."),
    Verdict.BALANCED: VerdictFacts("ok", "Nothing has gone wrong: both networks still learn from each other."),
    Verdict.DISCRIMINATOR_WINNING: VerdictFacts(
        "caution", "The discriminator tells nearly all data apart, and its gradient has not vanished."
    ),
    Verdict.DISCRIMINATOR_OVERFITTING: VerdictFacts(
        "caution", "The discriminator knows its training data by heart rather than what they have in common."
    ),
    Verdict.DISCRIMINATOR_TOO_WEAK: VerdictFacts(
        "alarm", "The discriminator cannot tell apart what plainly differs, so that the generator is taught nothing."
    ),
    Verdict.PARTIAL_MODE_COLLAPSE: VerdictFacts(
        "caution", "The generator makes only a part of what there is in the data."
    ),
    Verdict.MODE_COLLAPSE: VerdictFacts("alarm", "The generator makes a small part of what there is in the data."),
    Verdict.OSCILLATING: VerdictFacts(
        "alarm", "What the generator makes moves from place to place, and the two networks chase each other."
    ),
    Verdict.STALLED: VerdictFacts("alarm", "The generator no longer changes, far from the data."),
    Verdict.GENERATOR_GRADIENT_VANISHING: VerdictFacts(
        "alarm", "The discriminator has won, and what reaches the generator is too little to learn from."
    ),
    Verdict.DIVERGING: VerdictFacts(
        "alarm", "The generated data are many times as far from the real ones as those are wide."
    ),
    Verdict.NON_FINITE: VerdictFacts("alarm", "A loss, or what is generated, is no finite number any more."),
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Evidence(_Frozen):
    """One signal that a verdict rests on."""

    signal: str
    """Its name, as docs/health.md explains it."""
    value: float | None
    """What it is; null where it is no number."""
    threshold: float | None = None
    """What it is held against: beyond it, the signal speaks for the verdict."""
    reference: float | None = None
    """What it would be in a healthy game, or was early in this one."""
    first_step: int = Field(ge=0)
    """First step of the window it was taken over."""
    last_step: int = Field(ge=0)
    """Last step of that window."""


class Advice(_Frozen):
    """One thing to change."""

    field: str
    """Dotted path of the spec's field."""
    text: str
    """What to do with it, and why."""
    source: str
    """Who says so."""


class Report(_Frozen):
    """How the game stands after a step."""

    step: int = Field(ge=0)
    """The step after which it was assessed."""
    verdict: Verdict
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    """How far the evidence is beyond its thresholds, and for how long: 0 barely, 1 without doubt."""
    since_step: int = Field(ge=0)
    """The step from which on this verdict's evidence has held."""
    sentence: str
    """What is going on, in plain words."""
    evidence: tuple[Evidence, ...] = ()
    advice: tuple[Advice, ...] = ()
