"""What of a job becomes what of an MLflow run, and where it is mirrored to."""

import io
import math
from datetime import UTC, datetime

import pytest
from PIL import Image
from pydantic import ValidationError

from models.settings import Settings
from models.spec import EXAMPLE, JobSpec
from models.status import JobStatus
from worker.mirror_images import image_files
from worker.mirror_mapping import (
    PARAM_LENGTH,
    STATUSES,
    Clock,
    cut,
    metadata_tags,
    milliseconds,
    number,
    params_of,
    width_for,
)


def test_every_state_has_one_of_mlflows() -> None:
    assert set(STATUSES) == set(JobStatus)
    ended = {STATUSES[status] for status in JobStatus if status.is_final}
    assert ended == {"FINISHED", "FAILED", "KILLED"}
    assert {STATUSES[status] for status in JobStatus if not status.is_final} == {"RUNNING", "SCHEDULED"}


def test_a_spec_becomes_flat_and_null_is_left_out() -> None:
    spec = {
        "name": "digits",
        "metadata": {"project": "thesis"},
        "generator": {"kind": "mlp", "hidden_sizes": [16, 32], "optimizer": {"betas": [0.5, 0.9]}},
        "extras": [{"kind": "r1", "weight": 1.5}, {"kind": "r2"}],
        "pack": None,
        "frozen": True,
        "note": "x" * (PARAM_LENGTH + 1),
    }
    params = params_of(spec)
    assert params.pop("note") == "x" * (PARAM_LENGTH - 1) + "…"
    assert params == {
        "generator.kind": "mlp",
        "generator.hidden_sizes": "[16, 32]",
        "generator.optimizer.betas": "[0.5, 0.9]",
        "extras.0.kind": "r1",
        "extras.0.weight": "1.5",
        "extras.1.kind": "r2",
        "frozen": "true",
    }


def test_a_whole_spec_becomes_names_that_mlflow_takes() -> None:
    params = params_of(JobSpec.model_validate(EXAMPLE).model_dump(mode="json"))
    assert params["steps"] == str(EXAMPLE["steps"])
    assert params["dataset.kind"] == EXAMPLE["dataset"]["kind"]
    assert all(name.isascii() and name.replace(".", "").replace("_", "").isalnum() for name in params)


def test_metadata_keep_their_names_as_far_as_mlflow_takes_them() -> None:
    metadata = {"project": "thesis", "a/b ü": "1", "mlflow.user": "me", "ganjobs.status": "x", "..": "2"}
    assert metadata_tags(metadata) == {
        "project": "thesis",
        "a_b _": "1",
        "metadata.mlflow.user": "me",
        "metadata.ganjobs.status": "x",
        "metadata...": "2",
    }


@pytest.mark.parametrize(
    ("steps", "points", "width"), [(1, 10, 1), (2000, 2000, 1), (2001, 2000, 2), (1_000_000, 2000, 512)]
)
def test_a_curve_has_at_most_so_many_points(steps: int, points: int, width: int) -> None:
    assert width_for(steps, points) == width
    assert math.ceil(steps / width) <= points


def test_a_clock_dates_steps_by_the_pace_and_never_before_the_beginning() -> None:
    clock = Clock(at=100_000, step=1000, pace=20.0, begin=70_000)
    assert [clock.when(step) for step in (1000, 980, 1020, 1)] == [100_000, 99_000, 101_000, 70_000]
    assert Clock(at=100_000, step=1000, pace=None, begin=0).when(1) == 100_000


def test_moments_are_taken_for_utc() -> None:
    assert milliseconds(datetime(2026, 1, 1)) == datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000


def test_stored_numbers_are_numbers_again() -> None:
    assert [number(value) for value in (1.5, "Infinity", "-Infinity")] == [1.5, math.inf, -math.inf]
    assert math.isnan(number(None))


def test_what_is_cut_says_so() -> None:
    assert [cut("abcd", most) for most in (4, 3)] == ["abcd", "ab…"]


def test_the_same_image_has_the_same_files_in_mlflows_form() -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (600, 300), "red").save(drawn, "PNG")
    files = image_files("samples", 20, 1234, drawn.getvalue())
    assert files == image_files("samples", 20, 1234, drawn.getvalue())
    whole, small = files
    assert whole.startswith("images/samples+step+20+timestamp+1234+")
    assert whole.endswith(".png")
    assert small == whole.removesuffix(".png") + "+compressed.webp"
    with Image.open(io.BytesIO(files[small])) as opened:
        assert (opened.format, opened.size) == ("WEBP", (256, 128))


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("file:///somewhere", "must be the URL of an MLflow server"),
        ("mlflow:5000", "must be the URL of an MLflow server"),
        ("http://", "must be the URL of an MLflow server"),
        ("https://me:secret@mlflow", "must hold no password"),
    ],
)
def test_an_address_that_is_none_is_refused(uri: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ValidationError, match=fault):
        Settings()


@pytest.mark.parametrize(("uri", "held"), [("", None), ("http://mlflow:5000/", "http://mlflow:5000")])
def test_an_address_may_be_left_empty(uri: str, held: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_MLFLOW_TRACKING_URI", uri)
    assert Settings().mlflow_tracking_uri == held
    assert Settings().mlflow_experiment == "ganjobs"
