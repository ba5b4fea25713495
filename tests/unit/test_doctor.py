"""The doctor in the loop: when it looks, what it remembers, and what it calls for."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from support.engine import CPU, job, run, snapshot_at

from models.spec import Health, Plateau
from models.verdicts import Report, Verdict
from worker.gan import checkpoint
from worker.gan.alarms import AlarmWatch, PlateauWatch
from worker.gan.data import load
from worker.gan.diagnose import Diagnosis
from worker.gan.events import Alarmed, Assessment, CheckpointReady, Command, Event, MetricsBlock, Plateaued
from worker.gan.loop import NonFiniteLoss, train

RING: dict[str, Any] = {"dataset": {"kind": "ring"}, "checkpoint_every": 10_000}
# No generator can follow such a judge: soon its gradient is gone.
BAD: dict[str, Any] = {
    **RING,
    "loss": {"kind": "saturating"},
    "generator": {
        "kind": "mlp",
        "hidden_sizes": [8],
        "latent_dim": 2,
        "optimizer": {"kind": "sgd", "learning_rate": 1e-4},
    },
    "discriminator": {"kind": "mlp", "hidden_sizes": [64], "optimizer": {"learning_rate": 0.02}},
    "discriminator_steps": 3,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def assessments(events: Sequence[Event]) -> list[Assessment]:
    return [found for event in events if isinstance(event, MetricsBlock) for found in event.assessments]


def told(events: Sequence[Event]) -> list[Any]:
    return [(found.report.model_dump(mode="json"), found.reading.to_json()) for found in assessments(events)]


@pytest.fixture(scope="module")
def bad_run() -> list[Event]:
    torch.set_num_threads(1)
    return run(job(steps=400, health={"every": 20}, **BAD | {"checkpoint_every": 50}))


def test_assessments_come_at_their_steps_and_with_the_block_that_holds_them(bad_run: list[Event]) -> None:
    assert [found.report.step for found in assessments(bad_run)] == list(range(20, 401, 20))
    for event in bad_run:
        if isinstance(event, MetricsBlock):
            last = event.first_step + len(event.values) - 1
            assert all(event.first_step <= found.report.step <= last for found in event.assessments)
    assert [found.reading.window for found in assessments(bad_run)] == [(end - 19, end) for end in range(20, 401, 20)]


def test_a_change_of_verdict_ends_its_block(bad_run: list[Event]) -> None:
    verdicts = [found.report.verdict for found in assessments(bad_run)]
    assert len(set(verdicts)) > 1
    changed = [
        20 * (place + 1) for place, verdict in enumerate(verdicts) if place == 0 or verdict != verdicts[place - 1]
    ]
    ends = {event.first_step + len(event.values) - 1 for event in bad_run if isinstance(event, MetricsBlock)}
    assert set(changed) <= ends


def test_the_reports_do_not_depend_on_the_bounds_of_blocks(bad_run: list[Event]) -> None:
    assert told(run(job(steps=400, health={"every": 20}, **BAD), block_steps=7)) == told(bad_run)


@pytest.mark.parametrize("step", [50, 150, 250])
def test_a_run_that_was_interrupted_gets_the_same_reports(bad_run: list[Event], step: int) -> None:
    # Through files, as a worker that takes over reads them.
    snapshot = checkpoint.from_files(checkpoint.to_files(snapshot_at(bad_run, step)))
    resumed = run(job(steps=400, health={"every": 20}, **BAD | {"checkpoint_every": 50}), resume_from=snapshot)
    assert told(resumed) == [pair for pair in told(bad_run) if pair[0]["step"] > step]


def test_the_diagnosis_can_be_replayed_from_its_readings(bad_run: list[Event]) -> None:
    spec = job(steps=400, health={"every": 20}, **BAD)
    diagnosis = Diagnosis(spec)
    for found in assessments(bad_run):
        # Put down and taken up again before every assessment.
        once_more = Diagnosis(spec)
        once_more.restore(json.loads(json.dumps(diagnosis.state(), allow_nan=False)))
        diagnosis = once_more
        reading = type(found.reading).from_json(json.loads(json.dumps(found.reading.to_json(), allow_nan=False)))
        assert diagnosis.assess(reading) == found.report


def test_checkpoints_say_how_grave_it_was_and_that_an_alarm_is_on_its_way(bad_run: list[Event]) -> None:
    alarms = [found.report for found in assessments(bad_run) if found.report.severity == "alarm"]
    kept = {event.step: event.severity for event in bad_run if isinstance(event, CheckpointReady)}
    # The evidence shows at the end of the window in which it begins.
    shows = alarms[0].since_step + 19
    assert alarms[0].step > shows
    assert {kept[step] for step in kept if step >= shows} == {"alarm"}
    assert {kept[step] for step in kept if step < shows} == {"ok"}


def test_other_data_begin_a_new_history(bad_run: list[Event]) -> None:
    spec = job(steps=120, health={"every": 20}, **BAD | {"dataset": {"kind": "grid"}})
    forked = run(spec, resume_from=snapshot_at(bad_run, 50))
    assert assessments(forked)[0].report.verdict == Verdict.WARMING_UP
    assert assessments(forked)[0].reading.window == (51, 60)


def test_nothing_is_assessed_where_nobody_asks_for_it() -> None:
    events = run(job(steps=40, health={"enabled": False}, **RING))
    assert assessments(events) == []
    assert all(event.severity is None for event in events if isinstance(event, CheckpointReady))


def test_a_non_finite_loss_is_the_last_report() -> None:
    rate = {"optimizer": {"kind": "sgd", "learning_rate": 10.0}}
    spec = job(
        steps=400,
        health={"every": 100, "on_alarm": "rollback", "patience": 1000},
        loss={"kind": "least_squares"},
        **RING | {"discriminator": {"kind": "mlp", **rate}, "generator": {"kind": "mlp", **rate}},
    )
    events: list[Event] = []
    with pytest.raises(NonFiniteLoss) as caught:
        events.extend(train(spec, load(spec, CPU), device=CPU, block_steps=3))
    report = assessments(events)[-1].report
    assert (report.verdict, report.severity, report.step) == (Verdict.NON_FINITE, "alarm", caught.value.step)
    assert report.confidence == 1
    assert isinstance(events[-1], Alarmed)  # without patience: the run ends here


def test_an_alarm_calls_once_it_has_lasted_and_stops_the_run_with_a_checkpoint() -> None:
    spec = job(steps=400, health={"every": 20, "on_alarm": "stop", "patience": 40}, **BAD)
    training = train(spec, load(spec, CPU), device=CPU)
    events, answer = [next(training)], None
    while True:
        try:
            event = training.send(answer)
        except StopIteration:
            break
        events.append(event)
        answer = Command.STOP_WITH_CHECKPOINT if isinstance(event, Alarmed) else None
    (alarm,) = (event for event in events if isinstance(event, Alarmed))
    first = next(found.report for found in assessments(events) if found.report.severity == "alarm")
    assert alarm.report.step == first.step + 40
    assert snapshot_at(events, alarm.report.step).step == alarm.report.step
    # Whoever goes on from there is not called again for the same alarm.
    resumed = run(spec, resume_from=snapshot_at(events, alarm.report.step))
    assert assessments(resumed)[0].report.severity == "alarm"
    assert not any(isinstance(event, Alarmed) for event in resumed)


def report(step: int, severity: str) -> Report:
    verdict = Verdict.MODE_COLLAPSE if severity == "alarm" else Verdict.BALANCED
    return Report.model_validate(
        {"step": step, "verdict": verdict, "severity": severity, "confidence": 1, "since_step": 0, "sentence": ""}
    )


def test_patience_counts_from_the_first_alarm_and_anew_after_a_good_report() -> None:
    watch = AlarmWatch(Health(on_alarm="pause", patience=100))
    reports = [(50, "alarm"), (100, "alarm"), (150, "ok"), (200, "alarm"), (300, "alarm"), (400, "alarm")]
    assert [watch.calls(report(*pair)) for pair in reports] == [False, False, False, False, True, False]
    assert not any(AlarmWatch(Health()).calls(report(*pair)) for pair in reports)


@pytest.mark.parametrize(
    ("metric", "values", "over_at"),
    [
        ("high_quality_share", [0.1, 0.2, 0.2, 0.2, 0.9], 3),
        ("reverse_kl", [2.0, 1.0, 1.5, 1.2], 3),
        ("reverse_kl", [2.0, float("nan"), 1.0, 0.5, 0.25], None),
        ("high_quality_share", [float("nan")] * 6, None),
    ],
)
def test_a_plateau_is_so_many_evaluations_without_a_better_one(
    metric: str, values: list[float], over_at: int | None
) -> None:
    watch = PlateauWatch(Plateau(metric=metric, patience=2))
    over = [watch.is_over({metric: value}) for value in values]
    assert (over.index(True) if True in over else None) == over_at


def test_a_plateau_needs_more_than_the_smallest_improvement() -> None:
    watch = PlateauWatch(Plateau(metric="high_quality_share", patience=2, min_delta=0.1))
    assert [watch.is_over({"high_quality_share": value}) for value in (0.5, 0.55, 0.59, 0.7)] == [
        False,
        False,
        True,
        False,
    ]


def test_the_loop_tells_of_a_plateau() -> None:
    health = {"plateau": {"metric": "high_quality_share", "patience": 2, "min_delta": 1.0}}
    events = run(job(steps=40, evaluate_every=10, health=health, **RING))
    assert [event.step for event in events if isinstance(event, Plateaued)] == [30, 40]
