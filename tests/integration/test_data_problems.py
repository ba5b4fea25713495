"""Jobs on images of one's own, good and bad, run by a worker, against both databases."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.images import encoded, fill, noise, picture, write
from support.progress import ask, queue_job
from support.runs import event_kinds, read, rows_of, run

from models import actions, events
from models.database import Database
from models.settings import Settings
from models.tables import Event
from worker.gan.data import image_folder

FOLDER = {"kind": "image_folder", "path": "set", "side": 8, "channels": 1}
SMALL = {"steps": 5, "batch_size": 4, "sample_every": 5}


def found(database: Database, job_id: str, kind: str) -> list[Event]:
    with database.read() as session:
        return [event for event in events.list_events(session, read(database, job_id).number) if event.kind == kind]


def fill_badly(settings: Settings) -> None:
    """Ten good images, and three that are none."""
    place = settings.resolved_dataset_root / "set"
    fill(place / "dark", 5)
    fill(place / "light", 5, first=200)
    write(place / "dark/cut.png", encoded(noise(1))[:1000])
    write(place / "light/moving.gif", encoded(noise(1), "GIF", save_all=True, append_images=[noise(2)]))
    write(place / "light/empty.png", b"")


def test_a_job_on_a_folder_with_bad_images_trains_and_names_them(quick: Settings, database: Database) -> None:
    fill_badly(quick)
    job_id = queue_job(database, dataset=FOLDER | {"labels": "folders"}, **SMALL)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.step) == ("succeeded", 5)
    assert event_kinds(database, job) == [
        "job.queued",
        "job.running",
        "data.problems",
        "job.training",
        "job.succeeded",
    ]
    (told,) = found(database, job_id, "data.problems")
    assert told.level == "warning"
    assert told.message == (
        "3 of 13 files were left out: dark/cut.png (truncated), light/empty.png (empty file), "
        "light/moving.gif (animated: 2 frames)"
    )
    assert told.data == {
        "left_out": 3,
        "examined": 13,
        "reasons": {"truncated": 1, "empty file": 1, "animated: 2 frames": 1},
        "problems": [
            {"name": "dark/cut.png", "reason": "truncated"},
            {"name": "light/empty.png", "reason": "empty file"},
            {"name": "light/moving.gif", "reason": "animated: 2 frames"},
        ],
    }
    assert quick.resolved_dataset_cache.is_dir()


def test_of_very_many_bad_images_a_hundred_are_named(quick: Settings, database: Database) -> None:
    place = quick.resolved_dataset_root / "set"
    fill(place, 4)
    for number in range(130):
        write(place / f"bad{number:03}.png", b"")
    job_id = queue_job(database, dataset=FOLDER, **SMALL)
    run(quick)
    (told,) = found(database, job_id, "data.problems")
    assert told.message.endswith("bad002.png (empty file), and 127 more")
    assert (told.data["left_out"], told.data["reasons"]) == (130, {"empty file": 130})
    assert len(told.data["problems"]) == 100


def test_too_few_good_images_fail_the_job_before_the_first_step(quick: Settings, database: Database) -> None:
    fill_badly(quick)
    job_id = queue_job(database, dataset=FOLDER, **SMALL | {"batch_size": 11})
    run(quick)
    job = read(database, job_id)
    assert (job.status, job.step) == ("failed", 0)
    assert job.error == {
        "kind": "data_unusable",
        "message": "batch_size: must be at most 10, the number of images to train on: 10 of 13 can be used; left out: "
        "dark/cut.png (truncated), light/empty.png (empty file), light/moving.gif (animated: 2 frames)",
        "step": None,
        "field": "batch_size",
    }
    assert rows_of(database, job) == []
    assert "job.training" not in event_kinds(database, job)


UNUSABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "out of the root": (FOLDER | {"path": "../set"}, "dataset.path", "stay inside"),
    "non-finite": ({"kind": "npz", "path": "set.npz", "side": 8}, "dataset.array", "NaN or infinity"),
    "no saved set": (
        {"kind": "hugging_face", "path": "set", "side": 8},
        "dataset.path",
        "no data set that `save_to_disk` wrote",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_data_that_cannot_serve_fail_the_job_with_the_field(quick: Settings, database: Database, case: str) -> None:
    dataset, field, words = UNUSABLE[case]
    fill_badly(quick)
    np.savez(quick.resolved_dataset_root / "set.npz", images=np.full((20, 8, 8), np.nan, np.float32))
    job_id = queue_job(database, dataset=dataset, **SMALL)
    run(quick)
    job = read(database, job_id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error["kind"], job.error["field"], job.error["step"]) == ("data_unusable", field, None)
    assert words in job.error["message"]
    assert "\n" not in job.error["message"]


def test_a_disk_that_fails_is_told_apart_from_bad_data(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_badly(quick)

    def failing(_: Any) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(image_folder, "read", failing)
    job_id = queue_job(database, dataset=FOLDER, **SMALL)
    run(quick)
    error = read(database, job_id).error
    assert error is not None
    assert error["kind"] == "data_unavailable"
    assert "Input/output error" in error["message"]


def test_a_later_attempt_does_not_name_them_again_and_refuses_other_images(quick: Settings, database: Database) -> None:
    fill_badly(quick)
    many = {"steps": 100_000, "checkpoint_every": 100_000, "sample_every": 100_000, "batch_size": 4}
    job_id = queue_job(database, dataset=FOLDER, **many)
    questions = iter([False] * 4 + [True] * 100)
    run(quick, lambda: next(questions))
    before = read(database, job_id)
    assert (before.status, before.step > 0) == ("queued", True)
    questions = iter([False] * 4 + [True] * 100)
    run(quick, lambda: next(questions))
    assert read(database, job_id).attempt == 2
    assert len(found(database, job_id, "data.problems")) == 1
    write(quick.resolved_dataset_root / "set/dark/000.png", encoded(picture(99)))
    run(quick)
    error = read(database, job_id).error
    assert error is not None
    assert error["kind"] == "data_changed"


def while_decoding(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Let decoding take its time, and do something beside it."""
    decode, begun = image_folder.decode, threading.Event()

    def slow(content: bytes, channels: int, side: int) -> Any:
        begun.set()
        time.sleep(0.02)
        return decode(content, channels, side)

    def later() -> None:
        begun.wait(20)
        act()

    monkeypatch.setattr(image_folder, "decode", slow)
    monkeypatch.setattr(image_folder, "DECODERS", 1)
    threading.Thread(target=later, daemon=True).start()


@pytest.mark.parametrize("wish", ["cancel", "pause", "shut down"])
def test_decoding_ends_when_that_is_asked_for(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    place = quick.resolved_dataset_root / "set"
    fill(place / "one", 250)
    fill(place / "two", 250)
    job_id = queue_job(database, dataset=FOLDER, **SMALL)
    stopping = threading.Event()

    acts: dict[str, Callable[[], None]] = {
        "cancel": lambda: ask(database, job_id, actions.cancel),
        "pause": lambda: ask(database, job_id, actions.pause),
        "shut down": stopping.set,
    }
    while_decoding(monkeypatch, acts[wish])
    begun = time.monotonic()
    run(quick, stopping.is_set)
    assert time.monotonic() - begun < 5  # all of it takes 10 seconds
    job = read(database, job_id)
    assert job.status == {"cancel": "cancelled", "pause": "paused", "shut down": "queued"}[wish]
    assert (job.step, job.error, job.crashes) == (0, None, 0)


def test_the_log_says_how_far_decoding_is(quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(quick.resolved_dataset_root / "set", 6)
    monkeypatch.setattr("worker.loading.LINE_SECONDS", 0.0)
    monkeypatch.setattr("worker.loading.LOOK_SECONDS", 0.0)
    job_id = queue_job(database, dataset=FOLDER, **SMALL)
    run(quick)
    with database.read() as session:
        lines = [line.message for line in events.list_log_lines(session, read(database, job_id).number, limit=1000)]
    assert {"decoded 1 images", "decoded 6 images"} <= set(lines)
