"""Batches on a GPU, from the device's memory and from files. Run by ``make test-gpu``."""

from pathlib import Path

import pytest
import torch
from support.images import fill, spec_of

from worker.gan.data import DataFolders, load

CUDA = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    assert torch.cuda.is_available(), "these tests need a GPU"


def test_images_come_to_the_gpu_as_they_do_to_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = DataFolders(tmp_path / "root", tmp_path / "cache")
    fill(folders.root / "set/a", 40)
    fill(folders.root / "set/b", 40, first=100)
    spec = spec_of({"kind": "image_folder", "path": "set", "labels": "folders", "validation_fraction": 0.1})
    there, here = load(spec, CUDA, folders), load(spec, torch.device("cpu"), folders)
    monkeypatch.setattr("worker.gan.data.stores.MOST_HELD_BYTES", 0)
    mapped = load(spec, CUDA, folders)
    for data in (there, mapped):
        for step in range(60):
            assert data.batch(step, 0).device == data.labels(step, 0).device == CUDA
            torch.testing.assert_close(data.batch(step, 0).cpu(), here.batch(step, 0))
            assert torch.equal(data.labels(step, 0).cpu(), here.labels(step, 0))
        assert data.class_shares().device == CUDA
        for seen, wanted in zip(data.labelled(20), here.labelled(20), strict=True):
            assert seen is not None
            assert wanted is not None
            torch.testing.assert_close(seen, wanted)
