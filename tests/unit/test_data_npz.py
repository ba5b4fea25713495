"""Images in .npz files: every layout that is taken, and everything that is refused."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.images import spec_of, write

from worker.gan.data import DataFolders, Dataset, DataUnusable, arrays, load

CPU = torch.device("cpu")
RANDOM = np.random.default_rng(1)
GREY = RANDOM.integers(0, 256, (12, 8, 8), dtype=np.uint8)
COLOURS = RANDOM.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> DataFolders:
    return DataFolders(tmp_path / "root", tmp_path / "cache")


def save(folders: DataFolders, **named: Any) -> None:
    folders.root.mkdir(exist_ok=True)
    np.savez(folders.root / "set.npz", **named)


def loaded(folders: DataFolders, **dataset: Any) -> Dataset:
    return load(spec_of({"kind": "npz", "path": "set.npz"} | dataset), CPU, folders)


def refused(folders: DataFolders, **dataset: Any) -> DataUnusable:
    with pytest.raises(DataUnusable) as raised:
        loaded(folders, **dataset)
    assert "\n" not in str(raised.value)
    return raised.value


def all_of(data: Dataset) -> np.ndarray:
    """Every image as bytes, in the order of the bytes."""
    images = data.reference(100).numpy()
    return np.array(sorted((((image + 1) * 127.5).round().astype(np.uint8) for image in images), key=bytes))


def in_order(images: np.ndarray) -> np.ndarray:
    return np.array(sorted(images, key=bytes))


@pytest.mark.parametrize(
    ("images", "channels", "wanted"),
    [
        (GREY, 1, GREY[:, None]),
        (GREY[..., None], 1, GREY[:, None]),
        (GREY[:, None], 1, GREY[:, None]),
        (GREY, 3, np.repeat(GREY[:, None], 3, axis=1)),
        (COLOURS, 3, COLOURS.transpose(0, 3, 1, 2)),
        (COLOURS.transpose(0, 3, 1, 2), 3, COLOURS.transpose(0, 3, 1, 2)),
        (np.asfortranarray(COLOURS), 3, COLOURS.transpose(0, 3, 1, 2)),
        (np.pad(GREY, ((0, 0), (2, 2), (0, 0))), 1, GREY[:, None]),
    ],
    ids=["grey", "grey last", "grey second", "grey as colours", "last", "second", "columns first", "middle square"],
)
def test_bytes_come_as_they_are(folders: DataFolders, images: Any, channels: int, wanted: Any) -> None:
    save(folders, images=images)
    data = loaded(folders, channels=channels)
    np.testing.assert_array_equal(all_of(data), in_order(wanted))


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "<f2"])
@pytest.mark.parametrize(("black", "white"), [(-1.0, 1.0), (0.0, 1.0), (-3.0, 5.0)])
def test_floats_are_scaled_from_their_range(folders: DataFolders, kind: str, black: float, white: float) -> None:
    values = (black + GREY / 255 * (white - black)).astype(kind)
    save(folders, images=values)
    np.testing.assert_array_equal(all_of(loaded(folders, value_range=[black, white])), in_order(GREY[:, None]))


def test_it_is_read_piece_by_piece_and_compressed_or_not(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "PIECE_BYTES", 200)  # three images
    save(folders, images=GREY, labels=np.arange(12) % 2)
    plain = loaded(folders, label_array="labels")
    np.savez_compressed(folders.root / "set.npz", images=GREY, labels=np.arange(12) % 2)
    packed = loaded(folders, label_array="labels")
    assert plain.fingerprint == packed.fingerprint
    np.testing.assert_array_equal(all_of(packed), in_order(GREY[:, None]))


@pytest.mark.parametrize("kind", [np.uint8, np.int64, ">i4"])
def test_labels_belong_to_their_images(folders: DataFolders, kind: Any) -> None:
    labels = np.array([30, 7, 30, 9, 7, 9, 9, 30, 7, 30, 30, 30]).astype(kind)
    save(folders, images=GREY, kinds=labels)
    data = loaded(folders, label_array="kinds")
    assert data.classes == ("7", "9", "30")
    known = {image.tobytes(): str(label) for image, label in zip(GREY, labels, strict=True)}
    for step in range(6):
        for image, label in zip(data.batch(step, 0), data.labels(step, 0).tolist(), strict=True):
            pixels = ((image + 1) * 127.5).round().to(torch.uint8).numpy()
            assert known[pixels.tobytes()] == data.classes[label]
    torch.testing.assert_close(data.class_shares(), torch.tensor([3, 3, 6]) / 12)


def test_images_are_resized(folders: DataFolders) -> None:
    save(folders, images=np.full((6, 20, 30), 77, np.uint8))
    data = loaded(folders, side=16)
    assert data.shape == (1, 16, 16)
    assert set(all_of(data).flat) == {77}


BAD_IMAGES: dict[str, tuple[Any, str]] = {
    "whole numbers": (GREY.astype(np.int64), "holds int64: images must be uint8 or floats"),
    "16 bits": (GREY.astype(np.uint16), "holds uint16"),
    "truth": (GREY > 3, "holds bool"),
    "complex": (GREY.astype(np.complex64), "holds complex64"),
    "text": (np.full((12, 8, 8), "x"), "images must be uint8 or floats"),
    "records": (np.zeros((12, 8, 8), [("ä", np.uint8)]), "holds"),
    "pickles": (np.full((12, 8, 8), None), "pickled objects, which are never loaded"),
    "one axis": (GREY[:, 0, 0], "has the shape (12,)"),
    "two axes": (GREY[:, 0], "has the shape (12, 8)"),
    "five axes": (COLOURS[None], "has the shape (1, 12, 8, 8, 3)"),
    "a number": (np.uint8(3), "nothing in it"),
    "no images": (GREY[:0], "nothing in it"),
    "no pixels": (GREY[:, :0], "nothing in it"),
    "four channels": (np.zeros((12, 8, 8, 4), np.uint8), "none holds 1 or 3 channels"),
    "channels twice": (np.zeros((12, 3, 8, 3), np.uint8), "each could be the channels"),
    "nan": (np.where(GREY[3, 0, 0] == GREY, np.nan, 0.5), "NaN or infinity"),
    "infinity": (np.where(GREY[3, 0, 0] == GREY, -np.inf, 0.5), "NaN or infinity"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_arrays_that_hold_no_images_are_refused(folders: DataFolders, case: str) -> None:
    images, words = BAD_IMAGES[case]
    if case in ("pickles", "records"):
        folders.root.mkdir()
        with zipfile.ZipFile(folders.root / "set.npz", "w") as archive, archive.open("images.npy", "w") as file:
            np.lib.format.write_array(file, images, version=(3, 0) if case == "records" else None)
    else:
        save(folders, images=images)
    error = refused(folders)
    assert error.field == "dataset.array"
    assert words in error.message


@pytest.mark.parametrize("value", [1.02, -1.02, 200.0])
def test_floats_beyond_their_range_are_refused(folders: DataFolders, value: float) -> None:
    images = np.zeros((6, 8, 8), np.float32)
    images[4, 3, 2] = value
    save(folders, images=images)
    error = refused(folders)
    assert error.field == "dataset.value_range"
    assert f"{value:g}" in error.message
    assert "beyond -1 to 1" in error.message


def test_what_is_rounded_to_white_may_lie_a_little_beyond(folders: DataFolders) -> None:
    images = np.full((6, 8, 8), 1 + 1e-6, np.float32)
    save(folders, images=images)
    assert set(all_of(loaded(folders)).flat) == {255}


BAD_LABELS: dict[str, tuple[Any, str]] = {
    "too few": (np.arange(11), "it must be (12,), one class for each image"),
    "one-hot": (np.eye(12, dtype=np.int64), "has the shape (12, 12)"),
    "floats": (np.arange(12) / 1.0, "holds float64: classes must be whole numbers"),
    "truth": (np.arange(12) % 2 == 0, "holds bool"),
    "pickles": (np.array(["a"] * 12, dtype=object), "pickled objects"),
    "negative": (np.arange(12) - 1, "holds -1: classes must be 0 or more"),
    "one class": (np.full(12, 4), "all examples are of one class, `4`"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_labels_that_are_none_are_refused(folders: DataFolders, case: str) -> None:
    labels, words = BAD_LABELS[case]
    save(folders, images=GREY, labels=labels)
    error = refused(folders, label_array="labels")
    assert error.field == "dataset.label_array"
    assert words in error.message


def test_too_many_classes_are_refused(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.gan.data.build.MOST_CLASSES", 5)
    save(folders, images=GREY, labels=np.arange(12))
    error = refused(folders, label_array="labels")
    assert (error.field, "12 classes: there may be at most 5" in error.message) == ("dataset.label_array", True)


def test_arrays_that_are_not_there_are_named_beside_those_that_are(folders: DataFolders) -> None:
    save(folders, images=GREY, labels=np.arange(12))
    error = refused(folders, array="pixels")
    assert (error.field, error.message) == (
        "dataset.array",
        "`set.npz` holds no array `pixels`; it holds: images, labels",
    )
    assert refused(folders, label_array="kinds").field == "dataset.label_array"


def test_members_of_an_archive_that_are_no_arrays_by_name_do_not_count(folders: DataFolders) -> None:
    with zipfile.ZipFile(write(folders.root / "set.npz", b""), "w") as archive:
        archive.writestr("images", array_file(GREY))
    error = refused(folders)
    told = "`set.npz` holds no array `images`; nothing in it is named `*.npy`"
    assert (error.field, error.message) == ("dataset.array", told)
    with zipfile.ZipFile(folders.root / "set.npz", "a") as archive:
        archive.writestr("others.npy", array_file(GREY))
    assert refused(folders).message == "`set.npz` holds no array `images`; it holds: others"


def whole_archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, images=GREY)
    return buffer.getvalue()


def archive_of(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("images.npy", content)
    return buffer.getvalue()


def array_file(images: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, images)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        array_file(GREY),
        whole_archive()[:-100],
        whole_archive()[:300] + b"\0\0\0\0" + whole_archive()[304:],
        archive_of(b"no array"),
        archive_of(array_file(GREY)[:40]),
        archive_of(array_file(GREY)[:400]),
    ],
    ids=["empty", "text", "npy", "cut", "flipped", "no array in it", "cut header", "cut array"],
)
def test_files_that_are_no_whole_archive_are_refused(folders: DataFolders, content: bytes) -> None:
    write(folders.root / "set.npz", content)
    error = refused(folders)
    assert error.field == "dataset.path"
    assert "`set.npz` is no whole .npz file" in error.message


def header_of(shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()


@pytest.mark.parametrize("shape", [(-8, 8, 8), (8, -8, 8), (8, 8, -8), (8, -8, -8), (8, -8, 8, 1), (-8, 0, 8)])
def test_negative_axes_are_refused_by_the_header(folders: DataFolders, shape: tuple[int, ...]) -> None:
    write(folders.root / "set.npz", archive_of(header_of(shape) + bytes(512)))
    error = refused(folders)
    told = f"`images` has the shape {shape}: no axis can be negative"
    assert (error.field, error.message) == ("dataset.array", told)


def test_images_of_too_many_pixels_are_refused_by_the_header(folders: DataFolders) -> None:
    write(folders.root / "set.npz", archive_of(header_of((4, 65_536, 65_536))))
    error = refused(folders)
    assert (error.field, "65536 x 65536 pixels" in error.message) == ("dataset.array", True)


@pytest.mark.parametrize("path", ["../set.npz", "/etc/passwd", "nothing.npz", "."])
def test_files_that_are_not_there_or_not_to_be_read_are_refused(folders: DataFolders, path: str) -> None:
    save(folders, images=GREY)
    assert refused(folders, path=path).field == "dataset.path"


def test_a_changed_file_is_other_data(folders: DataFolders) -> None:
    save(folders, images=GREY)
    first = loaded(folders).fingerprint
    save(folders, images=GREY[::-1])
    assert loaded(folders).fingerprint != first
