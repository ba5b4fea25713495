"""Folders of images: what is found in them, what is left out, and that nothing leads out of the data root."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.images import encoded, fill, noise, picture, shades, spec_of, write

from worker.gan.data import DataFolders, Dataset, DataUnusable, load
from worker.gan.data.folders import confined

CPU = torch.device("cpu")


@pytest.fixture
def folders(tmp_path: Path) -> DataFolders:
    return DataFolders(tmp_path / "root", tmp_path / "cache")


def loaded(folders: DataFolders, dataset: dict[str, Any] | None = None, **patch: Any) -> Dataset:
    return load(spec_of({"kind": "image_folder", "path": "set"} | (dataset or {}), **patch), CPU, folders)


def refused(folders: DataFolders, dataset: dict[str, Any] | None = None, **patch: Any) -> DataUnusable:
    with pytest.raises(DataUnusable) as raised:
        loaded(folders, dataset, **patch)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{raised.value.field}: ")
    return raised.value


def reasons(data: Dataset) -> dict[str, str]:
    return {problem.name: problem.reason for problem in data.problems}


def test_images_of_all_subfolders_are_trained_on(folders: DataFolders) -> None:
    fill(folders.root / "set", 4)
    fill(folders.root / "set/deep/deeper", 4, first=10)
    fill(folders.root / "other", 2, first=100)
    data = loaded(folders)
    assert (data.size, data.shape, data.classes, data.problems) == (8, (1, 8, 8), (), ())
    seen = [shade for step in range(2) for shade in shades(data.batch(step, 0))]
    assert sorted(seen) == [0, 1, 2, 3, 10, 11, 12, 13]


def test_classes_are_the_first_level_of_subfolders(folders: DataFolders) -> None:
    fill(folders.root / "set/roses", 5, first=100)
    fill(folders.root / "set/daisies/wild", 3, first=10)
    fill(folders.root / "set/daisies", 2, first=20)
    write(folders.root / "set/stray.png", encoded(picture(1)))
    (folders.root / "set/empty").mkdir()
    data = loaded(folders, {"labels": "folders"})
    assert data.classes == ("daisies", "roses")
    assert reasons(data) == {"stray.png": "no class: it lies in no subfolder"}
    for step in range(5):
        for shade, label in zip(shades(data.batch(step, 0)), data.labels(step, 0).tolist(), strict=True):
            assert label == (1 if shade >= 100 else 0)
    torch.testing.assert_close(data.class_shares(), torch.tensor([0.5, 0.5]))


def test_everything_that_is_no_good_image_is_named_and_the_rest_is_used(folders: DataFolders) -> None:
    place = folders.root / "set"
    fill(place, 4)
    write(place / "zero.png", b"")
    write(place / "cut.jpg", encoded(noise(1), "JPEG")[:1500])
    write(place / "moving.gif", encoded(noise(1), "GIF", save_all=True, append_images=[noise(2)]))
    write(place / "notes.txt", b"what these are")
    write(place / "really-text.png", b"not what it says")
    write(place / ".DS_Store", b"\0\0\0\1Bud1")
    write(place / ".git/config", b"[core]")
    write(place / "really-a-png.jpg", encoded(picture(200)))
    write(place / "no-extension", encoded(picture(201)))
    write(place / "deep.png", encoded(Image.new("I;16", (8, 8), 52_000)))
    write(place / "press.jpg", encoded(picture(210, "CMYK"), "JPEG", quality=100))
    write(place / "palette.png", encoded(picture(220, "P")))
    os.mkfifo(place / "pipe")
    data = loaded(folders)
    assert reasons(data) == {
        ".DS_Store": "hidden",
        ".git": "hidden",
        "cut.jpg": "truncated",
        "moving.gif": "animated: 2 frames",
        "notes.txt": "not an image",
        "pipe": "neither a file nor a folder",
        "really-text.png": "not an image",
        "zero.png": "empty file",
    }
    assert data.size == 9
    assert sorted(shades(data.reference(20))) == [0, 1, 2, 3, 200, 201, 202, 210, 220]


def test_what_may_not_be_read_is_named(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another user than the one who runs this, who may be allowed everything."""
    fill(folders.root / "set", 5)
    fill(folders.root / "set/closed", 2)
    scandir, opened = os.scandir, Path.open

    def refuse(path: Path, name: str) -> None:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", lambda path: (refuse(path, "closed"), scandir(path))[1])
    monkeypatch.setattr(
        Path, "open", lambda path, *mode, **how: (refuse(path, "004.png"), opened(path, *mode, **how))[1]
    )
    assert reasons(loaded(folders)) == {
        "004.png": "cannot be opened: permission denied",
        "closed": "cannot be opened: permission denied",
    }


def test_a_disk_that_fails_is_no_bad_image(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folders.root / "set", 5)

    def failing(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("worker.gan.data.image_folder.read", failing)
    with pytest.raises(OSError, match="Input/output error"):
        loaded(folders)
    monkeypatch.undo()
    assert loaded(folders).size == 5


def test_odd_names_are_told_in_one_visible_line(folders: DataFolders) -> None:
    fill(folders.root / "set", 4)
    name = os.fsdecode(b"bad\xff\n\x1b[31m.png")
    write(folders.root / "set" / name, b"")
    (problem,) = loaded(folders).problems
    assert problem.name == "bad\\udcff \\x1b[31m.png"
    problem.name.encode()  # can be stored


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../secrets", "stay inside"),
        ("set/../../secrets", "stay inside"),
        ("/etc", "stay inside"),
        ("link-out", "leads out of the data root"),
        ("link-out/deep", "leads out of the data root"),
        ("nowhere", "no folder `nowhere` under the data root"),
        ("file.png", "no folder `file.png` under the data root"),
        ("loop", "leads nowhere"),
        ("n" * 256, "cannot be opened: file name too long"),
        (f"link-in/{'n' * 256}", "cannot be opened: file name too long"),
    ],
)
def test_nothing_leads_out_of_the_data_root(folders: DataFolders, path: str, words: str) -> None:
    fill(folders.root.parent / "secrets", 8)
    fill(folders.root.parent / "secrets/deep", 8)
    write(folders.root / "file.png", encoded(picture(1)))
    (folders.root / "link-out").symlink_to(folders.root.parent / "secrets")
    (folders.root / "loop").symlink_to(folders.root / "loop")
    (folders.root / "link-in").symlink_to(folders.root)
    error = refused(folders, {"path": path})
    assert error.field == "dataset.path"
    assert words in error.message
    assert str(folders.root) not in error.message


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, DataUnusable), (errno.EIO, OSError)])
def test_a_path_that_cannot_be_looked_up_is_told_without_the_data_root(
    folders: DataFolders, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fails(path: Path) -> bool:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "exists", fails)
    with pytest.raises(kind) as raised:
        confined(folders.root, "closed/set")
    assert "closed/set" in str(raised.value)
    assert os.strerror(number).lower() in str(raised.value).lower()
    assert str(folders.root) not in str(raised.value)


def test_links_are_followed_only_to_files_inside(folders: DataFolders) -> None:
    place = folders.root / "set"
    fill(place, 4)
    (inside,) = fill(folders.root / "other", 1, first=50)
    (outside,) = fill(folders.root.parent / "secrets", 1, first=99)
    (place / "to-inside.png").symlink_to(inside)
    (place / "to-outside.png").symlink_to(outside)
    (place / "to-folder").symlink_to(folders.root / "other")
    (place / "to-itself").symlink_to(place)
    (place / "to-nothing").symlink_to(place / "gone.png")
    data = loaded(folders)
    assert reasons(data) == {
        "to-folder": "a link to a folder",
        "to-itself": "a link to a folder",
        "to-nothing": "a link that leads nowhere",
        "to-outside.png": "a link that leads out of the data root",
    }
    assert sorted(shades(data.reference(10))) == [0, 1, 2, 3, 50]


def test_the_data_root_itself_may_be_a_link(folders: DataFolders, tmp_path: Path) -> None:
    fill(folders.root / "set", 4)
    (tmp_path / "alias").symlink_to(folders.root)
    assert loaded(DataFolders(tmp_path / "alias", folders.cache)).size == 4


def test_a_folder_of_too_few_good_images_is_refused_with_the_counts(folders: DataFolders) -> None:
    fill(folders.root / "set", 3)
    write(folders.root / "set/zero.png", b"")
    error = refused(folders)
    assert error.field == "batch_size"
    assert "at most 3" in error.message
    assert "3 of 4 can be used" in error.message
    assert "zero.png (empty file)" in error.message


def test_what_is_held_out_does_not_count(folders: DataFolders) -> None:
    fill(folders.root / "set", 6)
    assert loaded(folders, {"validation_fraction": 0.25}).size == 6
    error = refused(folders, {"validation_fraction": 0.5})
    assert "at most 3" in error.message
    assert "6 of 6 can be used, 3 of them held out for validation" in error.message


@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_a_folder_without_any_good_image_is_refused(folders: DataFolders, content: bytes | None) -> None:
    (folders.root / "set").mkdir(parents=True)
    if content is not None:
        write(folders.root / "set/only.png", content)
    error = refused(folders)
    assert error.field == "dataset.path"
    assert "no image of `set` can be used" in error.message
    assert ("only.png" in error.message) == (content is not None)


def test_labels_where_there_are_none_are_refused(folders: DataFolders) -> None:
    fill(folders.root / "set", 6)
    error = refused(folders, {"labels": "folders"})
    assert error.field == "dataset.labels"
    assert "lies in no subfolder" in error.message


def test_one_class_only_is_refused(folders: DataFolders) -> None:
    fill(folders.root / "set/roses", 6)
    write(folders.root / "set/daisies/bad.png", b"")
    error = refused(folders, {"labels": "folders"})
    assert error.field == "dataset.labels"
    assert "all examples are of one class, `roses`" in error.message
    assert loaded(folders).size == 6  # without labels they are fine


def test_the_same_content_under_other_names_is_the_same_data(folders: DataFolders) -> None:
    fill(folders.root / "set", 5)
    fill(folders.root / "copy/sub", 5)
    fill(folders.root / "more", 6)
    prints = {path: loaded(folders, {"path": path}).fingerprint for path in ("set", "copy", "more")}
    assert prints["set"] == prints["copy"] != prints["more"]
    assert loaded(folders, {"channels": 3}).fingerprint != prints["set"]


def test_a_root_that_is_not_there_is_told_like_a_folder_that_is_not(folders: DataFolders) -> None:
    assert "under the data root" in refused(folders).message
