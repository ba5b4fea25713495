"""The diagnosis on readings made by hand: each verdict from its evidence, none without, for every loss."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support.engine import job

from models.catalogue import LOSSES
from models.spec import JobSpec
from models.verdicts import VERDICTS, Report, Verdict
from worker.gan.advice import SENTENCES, advise
from worker.gan.diagnose import WARM_UP, Diagnosis
from worker.gan.evidence import SHOWN_BESIDE
from worker.gan.readings import Reading, Summary

REGIONS = 10
EVEN = (1 / REGIONS,) * REGIONS
HEALTHY = {
    "separability": 0.7,
    "logit_gradient": 0.5,
    "distance": 0.1,
    "distance_floor": 0.09,
    "pairwise_distance_ratio": 1.0,
    "movement": 0.1,
}
METRICS = {"d_loss": 1.2, "g_loss": 0.8, "d_grad_norm": 1.0, "g_grad_norm": 1.0}
# What each verdict looks like; everything else is as in good health.
FAILING: dict[Verdict, dict[str, Any]] = {
    Verdict.DIVERGING: {"distance": 30.0},
    Verdict.GENERATOR_GRADIENT_VANISHING: {
        "separability": 1.0,
        "logit_gradient": 1e-4,
        "distance": 0.8,
        "movement": 0.0,
    },
    Verdict.OSCILLATING: {"distance": 0.8, "movement": 1.5, "hop": True},
    Verdict.MODE_COLLAPSE: {"regions": 3, "distance": 0.7, "pairwise_distance_ratio": 0.4},
    Verdict.DISCRIMINATOR_TOO_WEAK: {"separability": 0.1, "distance": 0.9},
    Verdict.STALLED: {"movement": 0.0, "distance": 0.8},
    Verdict.PARTIAL_MODE_COLLAPSE: {"regions": 7},
    Verdict.DISCRIMINATOR_WINNING: {"separability": 0.99},
    Verdict.DISCRIMINATOR_OVERFITTING: {"copied_share": 0.9},
}


def spec_of(loss: str = "non_saturating", **more: Any) -> JobSpec:
    return job(dataset={"kind": "ring"}, steps=4000, loss={"kind": loss}, **more)


def reading(number: int, changes: dict[str, Any], metrics: dict[str, float] | None = None) -> Reading:
    """The ``number``-th reading of a run, from 1."""
    changes = dict(changes)
    regions, hop = changes.pop("regions", REGIONS), changes.pop("hop", False)
    shares = tuple(1 / regions if place < regions else 0.0 for place in range(REGIONS))
    if hop:
        shares = tuple(float(place == number % REGIONS) for place in range(REGIONS))
    values = METRICS | (metrics or {})
    return Reading(
        window=(100 * (number - 1) + 1, 100 * number),
        metrics={name: Summary(value, 0.1, value, value, value, 0, 0) for name, value in values.items()},
        statistics=HEALTHY | {"copied_share": 0.0} | changes,
        shares=shares,
        fixed_shares=shares,
        real_shares=EVEN,
    )


def follow(changes: Iterable[dict[str, Any]], spec: JobSpec | None = None) -> list[Report]:
    diagnosis = Diagnosis(spec or spec_of())
    return [diagnosis.assess(reading(number, each)) for number, each in enumerate(changes, 1)]


def verdicts(reports: Iterable[Report]) -> list[Verdict]:
    return [report.verdict for report in reports]


def test_a_healthy_run_warms_up_and_is_balanced_ever_after() -> None:
    reports = follow([{}] * 30)
    assert verdicts(reports) == [Verdict.WARMING_UP] * WARM_UP + [Verdict.BALANCED] * (30 - WARM_UP)
    assert {report.severity for report in reports} == {"ok"}
    assert reports[-1].since_step == 100 * WARM_UP + 1
    assert reports[-1].advice == ()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("verdict", FAILING)
def test_each_verdict_comes_of_its_evidence_under_every_loss(verdict: Verdict, loss: str) -> None:
    reports = follow([{}] * 12 + [FAILING[verdict]] * 12, spec_of(loss))
    last = reports[-1]
    assert last.verdict == verdict
    assert last.severity == VERDICTS[verdict].severity
    # The evidence: what it is held against, and over which steps.
    assert any(item.threshold is not None for item in last.evidence)
    assert all(item.value is not None for item in last.evidence)
    assert all(item.first_step <= item.last_step == last.step for item in last.evidence)
    assert 1200 < last.since_step <= 2000
    # Nothing but what was there before has been said of the time before.
    assert Verdict.BALANCED in verdicts(reports[:12])
    assert verdict not in verdicts(reports[:12])


@pytest.mark.parametrize("verdict", [verdict for verdict in FAILING if verdict is not Verdict.DIVERGING])
def test_one_odd_assessment_is_no_verdict(verdict: Verdict) -> None:
    reports = follow([{}] * 12 + [FAILING[verdict]] + [{}] * 6)
    assert set(verdicts(reports[12:])) == {Verdict.BALANCED}


@pytest.mark.parametrize("verdict", [verdict for verdict in FAILING if verdict is not Verdict.DIVERGING])
def test_nothing_but_divergence_is_an_alarm_while_a_run_warms_up(verdict: Verdict) -> None:
    assert set(verdicts(follow([FAILING[verdict]] * WARM_UP))) == {Verdict.WARMING_UP}


@pytest.mark.parametrize("verdict", FAILING)
def test_a_run_that_recovers_is_well_again(verdict: Verdict) -> None:
    reports = follow([{}] * 12 + [FAILING[verdict]] * 12 + [{}] * 12)
    assert reports[-1].verdict == Verdict.BALANCED


@pytest.mark.parametrize("verdict", [Verdict.MODE_COLLAPSE, Verdict.OSCILLATING, Verdict.STALLED])
def test_a_generator_that_still_comes_nearer_is_in_no_alarm(verdict: Verdict) -> None:
    changes = FAILING[verdict]
    reports = follow([changes | {"distance": 5.0 * 0.85**number} for number in range(20)])
    assert not any(report.severity == "alarm" for report in reports)


def test_a_discriminator_that_wins_is_no_alarm_as_long_as_it_teaches() -> None:
    won = {"separability": 1.0, "distance": 0.8, "logit_gradient": 0.99}
    assert follow([{}] * 8 + [won] * 20)[-1].severity == "caution"


def test_a_loss_that_is_no_number_is_an_alarm_at_once() -> None:
    diagnosis = Diagnosis(spec_of())
    report = diagnosis.assess(reading(1, {}, {"d_loss": float("nan")}))
    assert (report.verdict, report.severity, report.confidence) == (Verdict.NON_FINITE, "alarm", 1)


def test_certainty_grows_with_time_and_with_distance_from_the_threshold() -> None:
    reports = [
        report for report in follow([{}] * 12 + [FAILING[Verdict.MODE_COLLAPSE]] * 12) if report.severity == "alarm"
    ]
    assert reports[0].confidence < reports[-1].confidence <= 1
    worse = follow([{}] * 12 + [FAILING[Verdict.MODE_COLLAPSE] | {"regions": 1}] * 12)
    assert worse[-1].confidence > reports[-1].confidence


def test_numbers_that_are_none_are_told_as_such() -> None:
    report = follow([{}] * 12 + [{"distance": float("inf")}] * 4)[-1]
    assert report.model_dump_json()
    assert report.verdict in (Verdict.NON_FINITE, Verdict.DIVERGING)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"loss": "saturating", "discriminator_steps": 5},
        {"loss": "wasserstein"},
        {"loss": "wasserstein_gp"},
        {"discriminator": {"kind": "mlp", "normalization": "batch"}},
        {"discriminator": {"kind": "mlp", "pretrain_steps": 50, "frozen": True}},
        {"regularizers": [{"kind": "r1", "weight": 3}], "generator": {"kind": "mlp", "latent_dim": 1}},
    ],
)
def test_advice_names_fields_that_the_spec_has_and_its_sources(verdict: Verdict, patch: dict[str, Any]) -> None:
    spec = spec_of(**patch)
    found = advise(verdict, spec)
    assert bool(found) == (VERDICTS[verdict].severity != "ok")
    for advice in found:
        part: Any = spec
        for name in advice.field.split("."):
            assert name in type(part).model_fields, advice.field
            part = getattr(part, name)
        assert advice.text.endswith(".")
        assert any(character.isdigit() for character in advice.source)


def test_every_verdict_has_words() -> None:
    assert set(SENTENCES) == set(VERDICTS) == set(Verdict)


def test_a_generator_that_the_spec_holds_fixed_is_not_blamed_for_it() -> None:
    judge = {"kind": "mlp", "pretrain_after": 200, "pretrain_steps": 1500}
    still = FAILING[Verdict.GENERATOR_GRADIENT_VANISHING]
    reports = follow([{}] * 2 + [still] * 30, spec_of("saturating", discriminator=judge))
    held = reports[2:17]
    assert {report.verdict for report in held} == {Verdict.WARMING_UP}
    # Then it has as long to get going as any other.
    assert verdicts(reports[17 : 17 + WARM_UP]) == [Verdict.WARMING_UP] * WARM_UP
    assert reports[-1].verdict == Verdict.GENERATOR_GRADIENT_VANISHING


def test_no_verdict_begins_with_an_assessment_that_contradicts_it() -> None:
    blind = FAILING[Verdict.DISCRIMINATOR_TOO_WEAK]
    reports = follow([blind] * WARM_UP + [{"separability": 0.9, "distance": 0.9}])
    assert reports[-1].severity != "alarm"


def test_samples_that_are_no_numbers_are_told_from_losses_that_are_none() -> None:
    (of_samples,) = follow([{"distance": float("nan")}])
    of_losses = Diagnosis(spec_of()).assess(reading(1, {}, {"g_loss": float("inf")}))
    assert [report.evidence[0].signal for report in (of_samples, of_losses)] == ["finite_samples", "finite_losses"]


def test_evidence_that_begins_to_show_is_suspicious_before_it_is_a_verdict() -> None:
    diagnosis = Diagnosis(spec_of())
    suspicious, alarmed = [], []
    for number, changes in enumerate([{}] * 10 + [FAILING[Verdict.MODE_COLLAPSE]] * 5 + [{}] * 5, 1):
        alarmed.append(diagnosis.assess(reading(number, changes)).severity == "alarm")
        suspicious.append(diagnosis.is_suspicious)
    assert not any(suspicious[:10])
    assert suspicious.index(True) < alarmed.index(True)
    assert all(suspicious[place] for place, is_alarm in enumerate(alarmed) if is_alarm)
    assert not suspicious[-1]


def test_a_warm_up_lasts_a_tenth_of_the_run_however_short_the_windows() -> None:
    diagnosis = Diagnosis(job(dataset={"kind": "ring"}, steps=40_000))
    reports = [diagnosis.assess(reading(number, FAILING[Verdict.MODE_COLLAPSE])) for number in range(1, 12)]
    assert verdicts(reports[:WARM_UP]) == [Verdict.WARMING_UP] * WARM_UP
    assert reports[-1].severity == "alarm"
    fine = Diagnosis(job(dataset={"kind": "ring"}, steps=2000))
    short = [fine.assess(_shortened(reading(number, FAILING[Verdict.MODE_COLLAPSE]))) for number in range(1, 25)]
    assert {report.verdict for report in short[:20]} == {Verdict.WARMING_UP}
    assert short[-1].severity == "alarm"


def _shortened(long: Reading) -> Reading:
    """The same reading of a window a tenth as long."""
    first, last = long.window
    return dataclasses.replace(long, window=((first - 1) // 10 + 1, last // 10))


def test_every_signal_of_a_report_is_explained() -> None:
    explained = (Path(__file__).parents[2] / "docs" / "health.md").read_text()
    shown = {name for names in SHOWN_BESIDE.values() for name in names}
    for verdict, changes in FAILING.items():
        report = follow([{}] * 12 + [changes] * 12)[-1]
        assert report.verdict == verdict
        shown |= {item.signal for item in report.evidence}
    shown |= {"finite_losses", "finite_samples"}
    assert {name for name in shown if f"`{name}`" not in explained} == set()
