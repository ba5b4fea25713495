"""The labelled set: what a run is labelled, what the rival says, and one run from its training to its judgement."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import health_records, health_report, health_rival
from benchmarks.health_judging import judged_by_diagnosis, judged_by_rival, labelled
from benchmarks.health_report import Judged, Said
from benchmarks.health_rival import Look, Thresholds
from benchmarks.health_runs import TEST_SEEDS, TUNING_SEEDS, Run, all_runs
from benchmarks.health_specs import EIGHT, calm, job, penalties
from benchmarks.health_truth import KINDS, Facts, Kind, Truth, truth_of
from models.spec import JobSpec

LOOKS, STEPS, CELLS = 41, 4000, 4
EVEN = [0.25, 0.25, 0.25, 0.25]
UNTRAINED = [0.5, 0.5, 0.0, 0.0]


def facts(shares: Sequence[Sequence[float]], **columns: float | Sequence[float]) -> Facts:
    """Of a run whose cells held ``shares`` at the last looks; before, it was as it is untrained."""
    before = [UNTRAINED] * (LOOKS - len(shares))
    filled = {"distance": 0.1, "off": 0.05, "spread": 1.0, "moved": 0.1, "accuracy": 0.6} | columns
    found = np.array([*before, *shares])
    return Facts(
        total_steps=STEPS,
        begins=0,
        step=np.linspace(0, STEPS, LOOKS).astype(np.int64),
        shares=found,
        near=found,
        weights=np.array(EVEN),
        **{name: np.broadcast_to(np.asarray(value, dtype=np.float64), LOOKS) for name, value in filled.items()},  # type: ignore[arg-type]
    )


def test_everything_covered_nearby_is_good() -> None:
    assert truth_of(facts([EVEN] * 30)) == Truth("good")


def test_half_of_the_cells_are_a_collapse_from_the_first_look_on_that_lost_the_rest() -> None:
    found = truth_of(facts([EVEN] * 20 + [[0.0, 0.0, 1.0, 0.0]] * 15))
    assert found == Truth("collapsed", 2600)


def test_no_onset_is_before_good_runs_have_left_their_first_blob() -> None:
    assert truth_of(facts([UNTRAINED]), blob_share=0.2) == Truth("collapsed", 800)


def test_mass_that_moves_from_cell_to_cell_oscillates() -> None:
    corners = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    assert truth_of(facts(corners * 15, moved=1.0)).kind == "oscillating"
    assert truth_of(facts(corners * 15, moved=0.1)).kind != "oscillating"


def test_a_generator_that_stands_still_far_from_the_data_has_no_gradient() -> None:
    still = {"distance": 0.9, "moved": 0.0, "spread": 0.1}
    assert truth_of(facts([UNTRAINED], **still, accuracy=1.0)).kind == "vanishing"
    far = facts([UNTRAINED], **(still | {"distance": [0.9] * 10 + [0.4] * 31}), accuracy=1.0)
    assert truth_of(far).kind == "collapsed"  # it has learned, and half of what it makes is as near as real data


def test_what_leaves_the_data_diverges_from_there_on() -> None:
    away = [0.1] * 20 + [5.0] * 21
    assert truth_of(facts([EVEN] * 30, distance=away, off=[each / 2 for each in away])) == Truth("diverging", 2000)


def test_a_loss_that_is_no_number_diverges_whatever_came_before() -> None:
    found = facts([EVEN] * 30)
    assert truth_of(Facts(**(vars(found) | {"failed_at": 1234}))) == Truth("diverging", 1234)


def test_facts_are_read_as_they_were_kept(tmp_path: Path) -> None:
    kept = facts([EVEN] * 30)
    kept.save(tmp_path / "facts.npz")
    assert truth_of(Facts.load(tmp_path / "facts.npz")) == truth_of(kept)


THRESHOLDS = Thresholds(huge=100.0, low_d_loss=0.01, wide_gap=0.95, high_d_fake=0.9, low_g_loss=0.05, restless=1.0)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, "good"),
        ({"d_loss": 0.001}, "vanishing"),
        ({"d_real": 0.99, "d_fake": 0.01}, "vanishing"),
        ({"d_fake": 0.95}, "collapsed"),
        ({"g_loss": 0.01}, "collapsed"),
        ({"g_deviation": 2.0}, "oscillating"),
        ({"g_loss": 1e6}, "diverging"),
        ({"d_loss": float("nan")}, "diverging"),
    ],
)
def test_the_rival_goes_by_thresholds(changed: dict[str, float], kind: Kind) -> None:
    ordinary = {"d_loss": 1.3, "g_loss": 0.8, "d_real": 0.6, "d_fake": 0.4, "g_deviation": 0.1}
    assert health_rival.says(Look(100, **(ordinary | changed)), THRESHOLDS) == kind


def test_the_rival_finds_thresholds_that_part_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {name: values[:: max(1, len(values) // 3)] for name, values in health_rival.CHOICES.items()}
    monkeypatch.setattr(health_rival, "CHOICES", fewer)
    winning = [Look(1, 0.02, 4.0, 0.99, 0.01, 0.2) for _ in range(3)]
    calm_ones = [Look(1, 1.3, 0.8, 0.55, 0.45, 0.05) for _ in range(3)]
    restless = [Look(1, 1.0, 2.0, 0.6, 0.4, 3.0) for _ in range(3)]
    last, truths = [*winning, *calm_ones, *restless], ["vanishing"] * 3 + ["good"] * 3 + ["oscillating"] * 3
    thresholds = health_rival.tuned(last, truths)  # type: ignore[arg-type]
    assert [health_rival.says(look, thresholds) for look in last] == truths


def test_the_rival_takes_the_sigmoid_where_there_are_no_probabilities() -> None:
    metrics = {name: np.zeros(100, np.float32) for name in ("d_loss", "g_loss", "d_real_logit", "d_fake_logit")}
    (look,) = health_rival.looks(metrics, 100, [100])
    assert (look.d_real, look.d_fake) == (0.5, 0.5)


def said(*alarms: int) -> tuple[Said, ...]:
    return tuple(
        Said(step, "collapsed" if step in alarms else "good", step in alarms, "-") for step in range(100, 1001, 100)
    )


@pytest.mark.parametrize(
    ("alarms", "delay"), [((600, 700), 0.1), ((300, 400, 500), 0.0), ((200, 700), 0.2), ((), float("inf"))]
)
def test_a_delay_is_from_the_onset_to_an_alarm_that_is_in_force(alarms: tuple[int, ...], delay: float) -> None:
    run = Judged("a", 1000, Truth("collapsed", 500), said(*alarms))
    assert run.delay == pytest.approx(delay)


def test_the_report_counts_false_alarms_and_recalls() -> None:
    runs = [
        Judged("right", 1000, Truth("collapsed", 500), said(600, 700, 800, 900, 1000)),
        Judged("missed", 1000, Truth("collapsed", 500), said()),
        Judged("false", 1000, Truth("good"), said(300)),
        Judged("neither", 1000, Truth("between"), said(1000)),
    ]
    assert health_report.balanced_accuracy(runs) == pytest.approx(0.75)
    told = health_report.told("It", runs, "text")
    assert "3 runs, and 1 between" in told
    assert "Good runs with any alarm: 1 of 1 (false)" in told
    assert "Failing runs without any alarm: 1 of 2" in told


def test_the_halves_share_no_seed_and_every_spec_is_valid() -> None:
    runs = list(all_runs())
    assert not set(TUNING_SEEDS) & set(TEST_SEEDS)
    assert len({run.name for run in runs}) == len(runs)
    assert all(isinstance(run.spec(), JobSpec) for run in runs)
    for half in ("tuning", "test"):
        assert sum(run.half == half for run in runs) >= 50
    only_in_test = {run.config for run in runs} - {run.config for run in runs if run.half == "tuning"}
    assert len(only_in_test) >= 10


def test_a_run_is_recorded_once_and_judged_from_what_was_kept(tmp_path: Path) -> None:
    content = job(EIGHT, *calm(), steps=40, **penalties(0.1))
    run = Run("short", 1, "tuning", content, "good", can_be_helped=True)
    assert health_records.recorded(run, tmp_path) is None
    health_records.carry_out(run, tmp_path)
    assert health_records.carry_out(run, tmp_path) == "short-1: is there"
    record = health_records.recorded(run, tmp_path)
    assert record is not None
    assert record.reports() == record.reports_then()
    assert record.facts.step.tolist() == list(range(41))
    assert len(record.metrics["d_loss"]) == 40
    (ours,) = judged_by_diagnosis(labelled([record]))
    (theirs,) = judged_by_rival(labelled([record]), THRESHOLDS)
    assert [each.step for each in ours.said] == [each.step for each in theirs.said] == [10, 20, 30, 40]
    assert ours.truth.kind in (*KINDS, "between")
