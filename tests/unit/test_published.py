"""The published comparison: what of earlier runs is used again, and what is told of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engine import MLP, MLP_JUDGE

from benchmarks import published, published_frozen, published_runs
from benchmarks.published_files import CHECKPOINT_FILES, keep, newest
from benchmarks.published_runs import Run, carry_out
from models.spec import JobSpec
from worker.gan.checkpoint import CheckpointError, Snapshot
from worker.gan.events import CheckpointReady, Event
from worker.gan.loop import train

TINY = {
    "dataset": {"kind": "ring"},
    "generator": MLP,
    "discriminator": MLP_JUDGE,
    "batch_size": 16,
    "steps": 20,
}


class Broken(Exception):
    pass


class Trainings:
    """Stands in for ``train``: notes from which step each began, and breaks off after the checkpoint of ``until``."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.until: int | None = None

    def __call__(self, spec: JobSpec, *given: Any, resume_from: Snapshot | None, **more: Any) -> Iterator[Event]:
        self.begun.append(resume_from.step if resume_from is not None else 0)
        for event in train(spec, *given, resume_from=resume_from, **more):
            yield event
            if isinstance(event, CheckpointReady) and event.step == self.until:
                raise Broken


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    stand_in = Trainings()
    monkeypatch.setattr(published_runs, "train", stand_in)
    monkeypatch.setattr(published_runs, "CHECKPOINT_STEPS", 10)
    monkeypatch.setattr(published_runs, "PARTS", 2)
    return stand_in


def run(**patch: Any) -> Run:
    return Run("ring-tiny", TINY | patch, seed=1)


def same_values(values: dict[str, float]) -> Any:
    """Equal to the bit, where those of no modes at all are not a number."""
    return pytest.approx(values, abs=0, rel=0, nan_ok=True)


def broken_off(trainings: Trainings, out: Path, **patch: Any) -> Path:
    """The folder of a run that was broken off after 10 of its steps."""
    trainings.until = 10
    with pytest.raises(Broken):
        carry_out(run(**patch), out)
    trainings.until = None
    return run().folder(out)


def test_a_run_that_is_done_is_not_trained_again(trainings: Trainings, tmp_path: Path) -> None:
    first = carry_out(run(), tmp_path)
    assert first["values"]["modes_covered"] >= 0
    assert first["failed"] is None
    again = carry_out(run(), tmp_path)
    assert again.pop("values") == same_values(first.pop("values"))
    assert again == first
    assert trainings.begun == [0]


@pytest.mark.parametrize("patch", [{"batch_size": 32}, {"loss": {"kind": "saturating"}}, {"steps": 40}])
def test_a_run_of_another_spec_begins_anew(trainings: Trainings, tmp_path: Path, patch: dict[str, Any]) -> None:
    carry_out(run(), tmp_path)
    other = carry_out(run(**patch), tmp_path)
    assert trainings.begun == [0, 0]
    assert other["spec"] == run(**patch).resolved().model_dump(mode="json")


def test_a_run_that_is_cut_short_is_not_taken_for_the_whole(trainings: Trainings, tmp_path: Path) -> None:
    assert carry_out(run(), tmp_path, steps=10)["spec"]["steps"] == 10
    assert carry_out(run(), tmp_path)["spec"]["steps"] == 20
    assert trainings.begun == [0, 0]


def test_a_broken_off_run_goes_on_to_the_same_values(trainings: Trainings, tmp_path: Path) -> None:
    through = carry_out(run(), tmp_path / "through")
    broken_off(trainings, tmp_path)
    assert carry_out(run(), tmp_path)["values"] == same_values(through["values"])
    assert trainings.begun == [0, 0, 10]


def test_a_broken_off_run_of_another_spec_leaves_nothing(trainings: Trainings, tmp_path: Path) -> None:
    folder = broken_off(trainings, tmp_path, batch_size=32)
    (folder / published_runs.SECONDS_FILE).write_text("1000000")
    assert carry_out(run(), tmp_path)["seconds"] < 1000
    assert trainings.begun == [0, 0]


def test_a_checkpoint_with_other_intervals_is_gone_on_from(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_off(trainings, tmp_path, name="from elsewhere")
    monkeypatch.setattr(published_runs, "CHECKPOINT_STEPS", 5)
    monkeypatch.setattr(published_runs, "PARTS", 4)
    carry_out(run(), tmp_path)
    assert trainings.begun == [0, 10]


def test_a_run_broken_off_before_its_result_keeps_its_values(trainings: Trainings, tmp_path: Path) -> None:
    through = carry_out(run(), tmp_path)
    (run().folder(tmp_path) / published_runs.RESULT_FILE).unlink()
    assert carry_out(run(), tmp_path)["values"] == same_values(through["values"])
    assert trainings.begun == [0, 20]


@pytest.mark.parametrize("mixed", CHECKPOINT_FILES)
def test_files_of_two_checkpoints_are_refused(trainings: Trainings, tmp_path: Path, mixed: str) -> None:
    folder = broken_off(trainings, tmp_path)
    earlier = (folder / mixed).read_bytes()
    carry_out(run(), tmp_path)
    snapshot = newest(folder)
    assert snapshot is not None
    assert snapshot.step == 20
    (folder / mixed).write_bytes(earlier)
    with pytest.raises(CheckpointError, match="of two checkpoints"):
        newest(folder)
    (folder / published_runs.RESULT_FILE).unlink()
    carry_out(run(), tmp_path)
    assert trainings.begun == [0, 10, 0]


def test_a_file_that_is_not_whole_is_refused(trainings: Trainings, tmp_path: Path) -> None:
    folder = broken_off(trainings, tmp_path)
    whole = (folder / CHECKPOINT_FILES[0]).read_bytes()
    (folder / CHECKPOINT_FILES[0]).write_bytes(whole[:100])
    with pytest.raises(CheckpointError, match="not whole"):
        newest(folder)


def test_a_checkpoint_broken_off_before_its_files_are_renamed_leaves_the_one_before(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = broken_off(trainings, tmp_path)
    before = newest(folder)
    assert before is not None

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        keep(Snapshot(11, before.tensors, before.state | {"step": 11}), folder)
    after = newest(folder)
    assert after is not None
    assert after.step == before.step


def test_the_tables_tell_results_and_the_machines_only_of_those_that_know(trainings: Trainings, tmp_path: Path) -> None:
    result = carry_out(run(), tmp_path)
    older = {name: value for name, value in result.items() if name != "machine"}
    results = {("ring-tiny", 1): result, ("ring-tiny", 2): older}
    row = published.tables(results).splitlines()[2].split(" | ")
    assert row[:4] == ["| ring, 8", "tiny", "20", "1, 2"]
    assert row[4] == ", ".join([f"{result['values']['modes_covered']:.0f}"] * 2)
    machine = result["machine"]
    told = f"{machine['device']}, {machine['threads']} thread(s), torch {machine['torch']}: 1 run(s)"
    assert published.machines(results) == told
    assert published.machines({("ring-tiny", 2): older}) == ""


def test_frozen_experiments_go_on_with_the_first_that_was_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def training(spec: JobSpec, *given: Any, resume_from: Snapshot | None, **more: Any) -> Iterator[Event]:
        begun.append(resume_from.step if resume_from is not None else 0)
        if len(begun) == 3:
            raise Broken
        yield from train(spec, *given, resume_from=resume_from, **more)

    monkeypatch.setattr(published_frozen, "train", training)
    monkeypatch.setattr(published_frozen, "EPOCHS", (1,))
    monkeypatch.setattr(published_frozen, "EXAMPLES", 128)
    monkeypatch.setattr(published_frozen, "HIDDEN", [8])
    for plot in ("plot_alone", "plot_against"):  # most of the time of so short an experiment
        monkeypatch.setattr(published_frozen, plot, lambda columns, path: None)
    with pytest.raises(Broken):
        published_frozen.experiment(tmp_path, steps=3)
    assert begun == [0, 5, 5]
    first = published_frozen.experiment(tmp_path, steps=3)
    assert begun == [0, 5, 5, 5, 5, 5]
    assert published_frozen.experiment(tmp_path, steps=3) == first
    assert len(begun) == 6
    published_frozen.experiment(tmp_path, steps=4)
    assert begun[6:] == [0, 6, 6, 6, 6]


def test_epochs_are_rounded_to_whole_steps() -> None:
    assert [published_frozen.steps_of(epochs) for epochs in published_frozen.EPOCHS] == [28, 281, 702]
