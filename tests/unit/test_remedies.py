"""What a spec becomes after rollbacks, and which remedies are refused beforehand."""

from typing import Any

import pytest
from pydantic import ValidationError
from support.engine import job

from models.spec import (
    AddR1,
    Health,
    JobSpec,
    LowerLearningRate,
    NewNoiseStream,
    remedied,
    remedies_applied,
    remedies_of,
)

SLOWER = {"kind": "lower_learning_rate", "factor": 0.5}
R1 = {"kind": "add_r1", "weight": 2.0}
OTHER_NOISE = {"kind": "new_noise_stream"}


def spec_with(*remedies: dict[str, Any], **patch: Any) -> JobSpec:
    return job(health={"on_alarm": "rollback", "remedies": list(remedies)}, **patch)


def rates(spec: JobSpec) -> tuple[float, float]:
    return spec.generator.optimizer.learning_rate, spec.discriminator.optimizer.learning_rate


def test_no_rollback_changes_nothing() -> None:
    spec = spec_with(SLOWER)
    assert remedied(spec, 0) == (spec, 0)


def test_remedies_are_applied_in_order_and_the_last_again_and_again() -> None:
    spec = spec_with(R1, SLOWER)
    assert [type(remedy) for remedy in remedies_applied(spec, 3)] == [AddR1, LowerLearningRate, LowerLearningRate]
    once, thrice = remedied(spec, 1).spec, remedied(spec, 3).spec
    assert rates(once) == rates(spec)
    assert [part.weight for part in once.regularizers] == [2.0]
    assert rates(thrice) == pytest.approx([rate / 4 for rate in rates(spec)])
    assert [part.weight for part in thrice.regularizers] == [2.0]


@pytest.mark.parametrize(
    ("player", "factors"), [("generator", (0.5, 1)), ("discriminator", (1, 0.5)), ("both", (0.5, 0.5))]
)
def test_the_learning_rate_is_that_of_whom_it_names(player: str, factors: tuple[float, float]) -> None:
    spec = spec_with(SLOWER | {"player": player})
    expected = [rate * factor for rate, factor in zip(rates(spec), factors, strict=True)]
    assert rates(remedied(spec, 1).spec) == pytest.approx(expected)


def test_r1_that_is_there_already_is_raised() -> None:
    spec = spec_with(R1, regularizers=[{"kind": "r1", "weight": 1.0, "interval": 4}, {"kind": "r2"}])
    parts = remedied(spec, 2).spec.regularizers
    assert [(part.kind, part.weight, part.interval) for part in parts] == [("r1", 5.0, 4), ("r2", 1.0, 1)]


def test_another_stream_of_noise_is_told_by_its_number() -> None:
    spec = spec_with(SLOWER, OTHER_NOISE)
    assert [remedied(spec, rollbacks).stream for rollbacks in range(4)] == [0, 0, 1, 2]
    assert isinstance(remedies_applied(spec, 2)[-1], NewNoiseStream)


def test_rows_of_a_job_hold_the_same_before_and_after_a_rollback() -> None:
    spec = spec_with(R1)
    assert "r1_penalty" in spec.metric_names
    assert remedied(spec, 1).spec.metric_names == spec.metric_names
    assert "r1_penalty" not in job(health={"remedies": [R1]}).metric_names  # which only records


@pytest.mark.parametrize(
    ("patch", "first"),
    [
        ({}, AddR1),
        ({"discriminator": {"kind": "mlp", "normalization": "batch"}}, LowerLearningRate),
        ({"execution": "compiled"}, LowerLearningRate),
        ({"discriminator": {"kind": "mlp", "pretrain_steps": 3, "frozen": True}}, LowerLearningRate),
    ],
)
def test_the_remedies_by_default_fit_the_spec(patch: dict[str, Any], first: type) -> None:
    spec = job(health={"on_alarm": "rollback"}, **patch)
    assert isinstance(remedies_of(spec)[0], first)
    generator, discriminator = rates(remedied(spec, 6).spec)
    assert generator < discriminator < rates(spec)[1]


def test_a_remedy_that_would_be_refused_later_is_refused_now() -> None:
    with pytest.raises(ValidationError) as caught:
        spec_with(SLOWER, R1, discriminator={"kind": "mlp", "normalization": "batch"})
    (error,) = caught.value.errors()
    assert error["ctx"]["field"] == "health.remedies.1"
    assert "batch norm" in error["msg"]


def test_a_remedy_that_is_refused_when_it_is_applied_once_more_is_refused_now() -> None:
    with pytest.raises(ValidationError) as caught:
        spec_with(SLOWER, R1 | {"weight": 6e5})
    assert caught.value.errors()[0]["ctx"]["field"] == "health.remedies.1"
    job(health={"on_alarm": "rollback", "remedies": [SLOWER, R1 | {"weight": 6e5}], "max_rollbacks": 2})


@pytest.mark.parametrize(
    ("health", "field"),
    [
        ({"enabled": False, "on_alarm": "stop"}, "health.on_alarm"),
        ({"every": 10}, "health.every"),
        ({"plateau": {"metric": "modes_covered"}}, "health.plateau.metric"),
        ({"plateau": {"metric": "jensen_shannon_bias"}}, "health.plateau.metric"),
    ],
)
def test_what_cannot_be_looked_after_is_refused(health: dict[str, Any], field: str) -> None:
    evaluated = {} if health.get("plateau", {}).get("metric") == "modes_covered" else {"evaluate_every": 500}
    with pytest.raises(ValidationError) as caught:
        job(
            dataset={"kind": "ring"},
            health=health,
            steps=200_000,
            sample_every=1000,
            **{"evaluate_every": None} | evaluated,
        )
    assert caught.value.errors()[0]["ctx"]["field"] == field


@pytest.mark.parametrize(("steps", "window"), [(100, 100), (4000, 100), (20_000, 500), (1_000_000, 1000)])
def test_the_window_is_a_fortieth_of_the_run_within_bounds(steps: int, window: int) -> None:
    assert Health().window(steps) == window
    assert Health(every=30).window(steps) == 30
