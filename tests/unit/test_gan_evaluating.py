"""Evaluations in the loop: when they come, that they leave no trace, and the best generator that is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import CPU, DCGAN, DCGAN_JUDGE, job, rows, run, snapshot_at, steps_of

from models.spec import JobSpec
from worker.gan.data import DataFolders, load
from worker.gan.drawing import Exhibit, draw_sample
from worker.gan.evaluate import MetricUnavailable
from worker.gan.events import Best, CheckpointReady, Evaluated, Event, MetricsBlock, SampleReady
from worker.gan.loop import new_game, note_best, train
from worker.gan.step import play_step

RING: dict[str, Any] = {"dataset": {"kind": "ring"}, "steps": 12, "evaluate_every": 5, "checkpoint_every": 6}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
    """Evaluations that find, one after the other, the shares of high quality given."""

    def script(shares: list[float]) -> None:
        left: Iterator[float] = iter(shares)

        class Scripted:
            def __init__(self, *_: Any) -> None:
                pass

            def evaluate(self, *_: Any) -> dict[str, float]:
                return {"high_quality_share": next(left)}

        monkeypatch.setattr("worker.gan.loop.Evaluator", Scripted)

    return script


def checkpoints(events: list[Event]) -> list[tuple[int, float | None]]:
    return [
        (event.step, event.best.value if event.best else None) for event in events if isinstance(event, CheckpointReady)
    ]


def test_evaluations_come_when_they_are_due_and_change_nothing() -> None:
    events = run(job(**RING))
    assert steps_of(events, Evaluated) == [5, 10, 12]
    found = next(event for event in events if isinstance(event, Evaluated)).values
    assert {"modes_covered", "high_quality_share", "reverse_kl", "jensen_shannon_divergence"} <= found.keys()
    without = run(job(**RING | {"evaluate_every": None}))
    np.testing.assert_array_equal(rows(events), rows(without))
    mine, its = snapshot_at(events, 12).tensors, snapshot_at(without, 12).tensors
    assert all(torch.equal(mine[name], its[name]) for name in its)


def test_an_evaluation_after_a_resume_finds_the_same() -> None:
    through = run(job(**RING))
    resumed = run(job(**RING), resume_from=snapshot_at(through, 6))
    found = [
        {event.step: event.values for event in events if isinstance(event, Evaluated)} for events in (through, resumed)
    ]
    assert found[1].keys() == {10, 12}
    for step in (10, 12):
        assert found[1][step] == pytest.approx(found[0][step], rel=0, abs=0, nan_ok=True)


def test_rows_are_handed_over_before_the_evaluation_of_their_step() -> None:
    events = run(job(**RING))
    for index, event in enumerate(events):
        if isinstance(event, Evaluated):
            told = [each for each in events[:index] if isinstance(each, MetricsBlock)]
            assert sum(len(each.values) for each in told) == event.step


def test_the_best_generator_is_kept_whether_a_checkpoint_is_due_or_not(scripted: Callable[[list[float]], None]) -> None:
    scripted([0.5, 0.4, 0.7])
    assert checkpoints(run(job(**RING, best_metric="high_quality_share"))) == [
        (5, 0.5),
        (6, None),
        (12, 0.7),
    ]


def test_what_was_best_is_remembered_across_a_resume(scripted: Callable[[list[float]], None]) -> None:
    spec = job(**RING, best_metric="high_quality_share")
    scripted([0.5, 0.4, 0.7])
    through = run(spec)
    scripted([0.4, 0.45])
    assert checkpoints(run(spec, resume_from=snapshot_at(through, 6))) == [(12, None)]


def test_of_a_divergence_the_least_is_best_and_what_is_no_number_never_is() -> None:
    spec = job(**RING, best_metric="reverse_kl")
    game = new_game(spec, load(spec, CPU), CPU)
    found = [
        note_best(game, Evaluated(step, {"reverse_kl": value}))
        for step, value in enumerate([2.0, float("nan"), 2.5, 1.0])
    ]
    assert found == [Best("reverse_kl", 2.0), None, None, Best("reverse_kl", 1.0)]
    assert note_best(game, Evaluated(9, {})) is None


@pytest.mark.parametrize("pack", [1, 4])
def test_an_exhibit_is_of_the_players_as_they_are_and_leaves_them_so(pack: int) -> None:
    spec = job(generator=DCGAN, discriminator=DCGAN_JUDGE, pack=pack)
    game = new_game(spec, load(spec, CPU), CPU)
    play_step(game)
    before = {name: value.clone() for name, value in game.discriminator.state_dict().items()}
    exhibit = Exhibit(game)
    data, labels = exhibit.generate(1500)
    assert data.shape == (1500, 1, 8, 8)
    assert labels is None
    assert torch.equal(data, exhibit.generate(1500)[0])
    if pack == 1:
        logits = exhibit.judge(data, None)
        assert torch.allclose(logits[:40], exhibit.judge(data[:40], None), atol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in game.discriminator.state_dict().items())
    assert game.generator.training
    assert game.discriminator.training


def shown(spec: JobSpec) -> SampleReady:
    return draw_sample(new_game(spec, load(spec, CPU), CPU))


def test_samples_with_classes_show_eight_of_each_from_the_same_noise() -> None:
    sample = shown(job(conditional={"kind": "projection"}))
    assert sample.values.shape == (80, 1, 8, 8)
    assert sample.labels is not None
    assert sample.labels.tolist() == [label for label in range(10) for _ in range(8)]
    points = shown(job(dataset={"kind": "grid"}, conditional={"kind": "projection"}))
    assert points.values.shape == (2500, 2)
    assert points.labels is not None
    assert np.bincount(points.labels).tolist() == [100] * 25
    plain = shown(job())
    assert plain.values.shape == (64, 1, 8, 8)
    assert plain.labels is None


def test_evaluations_of_images_are_kept_in_the_folder_for_them(tmp_path: Path) -> None:
    folders = DataFolders(tmp_path / "datasets", tmp_path / "cache")
    spec = job(steps=1, evaluate_every=1)
    found = [event.values for event in run(spec, folders=folders) if isinstance(event, Evaluated)]
    assert {"sliced_wasserstein", "fid_digits_classifier", "precision_digits_classifier"} <= found[0].keys()
    assert any((tmp_path / "cache").rglob("*.safetensors"))


def test_a_best_metric_that_would_never_come_is_refused_before_the_first_step(tmp_path: Path) -> None:
    spec = job(steps=2, evaluate_every=1, best_metric="fid_inception")
    events = train(spec, load(spec, CPU), device=CPU, folders=DataFolders(tmp_path, tmp_path))
    next(events)  # that training has begun
    with pytest.raises(MetricUnavailable, match=r"`fid_inception` cannot be had here.*GANJOBS_INCEPTION_WEIGHTS"):
        next(events)
