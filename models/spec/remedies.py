"""What a spec becomes after rollbacks: a function of the spec and their number, so that nothing else need be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from models.spec.health import AddR1, LowerLearningRate, NewNoiseStream, Remedy

if TYPE_CHECKING:
    from models.spec.job import JobSpec


# What a rollback changes where the spec does not say it, after R1: a generator that gives the discriminator time, then
# both slower. The order is the one that rescued most runs of the tuning half of benchmarks/health.py.
SLOWER = (
    LowerLearningRate(kind="lower_learning_rate", factor=0.1, player="generator"),
    LowerLearningRate(kind="lower_learning_rate", player="generator"),
    LowerLearningRate(kind="lower_learning_rate", player="generator"),
    LowerLearningRate(kind="lower_learning_rate"),
)


class Remedied(NamedTuple):
    """The spec to go on with, and the ``stream`` of noise, 0 where no remedy has changed it."""

    spec: JobSpec
    stream: int


def remedies_of(spec: JobSpec) -> tuple[Remedy, ...]:
    """The remedies of a spec, in the order in which rollbacks apply them."""
    if spec.health.remedies is not None:
        return spec.health.remedies
    refuses_penalties = getattr(spec.discriminator, "normalization", "none") == "batch" or spec.discriminator.frozen
    if refuses_penalties or spec.execution == "compiled":
        return SLOWER
    return AddR1(kind="add_r1"), *SLOWER


def remedies_applied(spec: JobSpec, rollbacks: int) -> tuple[Remedy, ...]:
    """What ``rollbacks`` rollbacks have applied, in order; the last remedy of the spec serves again and again."""
    remedies = remedies_of(spec)
    return tuple(remedies[min(index, len(remedies) - 1)] for index in range(rollbacks))


def remedied(spec: JobSpec, rollbacks: int) -> Remedied:
    """``spec`` as a job goes on with it after ``rollbacks`` rollbacks.

    Raises:
        pydantic.ValidationError: a remedy leads to a spec that is refused.
    """
    applied = remedies_applied(spec, rollbacks)
    stream = sum(isinstance(remedy, NewNoiseStream) for remedy in applied)
    content = spec.model_dump(mode="json")
    for remedy in applied:
        _apply(remedy, content)
    return Remedied(type(spec).model_validate(content), stream)


def _apply(remedy: Remedy, content: dict[str, Any]) -> None:
    if isinstance(remedy, LowerLearningRate):
        players = ("generator", "discriminator") if remedy.player == "both" else (remedy.player,)
        for player in players:
            content[player]["optimizer"]["learning_rate"] *= remedy.factor
    elif isinstance(remedy, AddR1):
        there = [part for part in content["regularizers"] if part["kind"] == "r1"]
        for part in there:
            part["weight"] += remedy.weight
        if not there:
            content["regularizers"].append({"kind": "r1", "weight": remedy.weight})


def told(remedy: Remedy) -> str:
    """A remedy in a few words."""
    if isinstance(remedy, LowerLearningRate):
        whose = "both learning rates" if remedy.player == "both" else f"the {remedy.player}'s learning rate"
        return f"{whose} times {remedy.factor:g}"
    if isinstance(remedy, AddR1):
        return f"R1 of weight {remedy.weight:g} added"
    return "another stream of noise"
