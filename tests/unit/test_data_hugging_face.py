"""Data sets of the `datasets` library, written to disk here and read without a network."""

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from support.images import encoded, noise, picture, shades, spec_of, write

from worker.gan.data import DataFolders, Dataset, DataUnusable, hugging_face, load

CPU = torch.device("cpu")
NAMES = ["cat", "dog", "emu"]


@pytest.fixture
def folders(tmp_path: Path) -> DataFolders:
    return DataFolders(tmp_path / "root", tmp_path / "cache")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


def rows(count: int = 9) -> dict[str, list[Any]]:
    return {"image": [picture(number) for number in range(count)], "label": [number % 3 for number in range(count)]}


def features(**columns: Any) -> datasets.Features:
    return datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)} | columns)


def save(folders: DataFolders, columns: dict[str, list[Any]], kinds: datasets.Features, **options: Any) -> None:
    datasets.Dataset.from_dict(columns, features=kinds, **options).save_to_disk(folders.root / "set")


def loaded(folders: DataFolders, **dataset: Any) -> Dataset:
    return load(spec_of({"kind": "hugging_face", "path": "set"} | dataset), CPU, folders)


def refused(folders: DataFolders, **dataset: Any) -> DataUnusable:
    with pytest.raises(DataUnusable) as raised:
        loaded(folders, **dataset)
    assert "\n" not in str(raised.value)
    assert str(folders.root) not in str(raised.value)
    return raised.value


def test_a_data_set_that_was_saved_is_trained_on(folders: DataFolders) -> None:
    save(folders, rows(), features())
    data = loaded(folders)
    assert (data.size, data.shape, data.classes, data.problems) == (9, (1, 8, 8), (), ())
    assert sorted(shades(data.reference(20))) == list(range(9))
    assert loaded(folders, channels=3, side=16).shape == (3, 16, 16)


def test_labels_have_the_names_that_the_data_set_gives_them(folders: DataFolders) -> None:
    save(folders, rows(), features())
    data = loaded(folders, label_column="label")
    assert data.classes == tuple(NAMES)
    for step in range(5):
        for shade, label in zip(shades(data.batch(step, 0)), data.labels(step, 0).tolist(), strict=True):
            assert label == shade % 3


@pytest.mark.parametrize(
    ("labels", "kind", "classes"),
    [
        ([10, 9] * 4, datasets.Value("int64"), ("9", "10")),
        ([True, False] * 4, datasets.Value("bool"), ("0", "1")),
        (["b", "a"] * 4, datasets.Value("string"), ("a", "b")),
        ([2, 1] * 4, datasets.ClassLabel(names=NAMES), ("dog", "emu")),
    ],
)
def test_classes_are_the_values_that_there_are(
    folders: DataFolders, labels: list[Any], kind: Any, classes: tuple[str, ...]
) -> None:
    save(folders, rows(8) | {"label": labels}, features(label=kind))
    data = loaded(folders, label_column="label")
    assert data.classes == classes
    for shade, label in zip(shades(data.batch(0, 0)), data.labels(0, 0).tolist(), strict=True):
        assert label == 1 - shade % 2


def test_a_split_is_chosen_by_its_name(folders: DataFolders) -> None:
    parts = {
        "train": datasets.Dataset.from_dict(rows(9), features=features()),
        "test": datasets.Dataset.from_dict(rows(5), features=features()),
    }
    datasets.DatasetDict(parts).save_to_disk(folders.root / "set")
    assert (loaded(folders).size, loaded(folders, split="test").size) == (9, 5)
    error = refused(folders, split="validation")
    assert (error.field, error.message) == (
        "dataset.split",
        "`set` has no split `validation`; it has: train, test",
    )


def test_a_single_split_must_be_the_one_that_is_asked_for(folders: DataFolders) -> None:
    save(folders, rows(), features(), split="test")
    assert refused(folders).field == "dataset.split"
    assert loaded(folders, split="test").size == 9


def test_rows_that_are_no_good_images_are_named(folders: DataFolders) -> None:
    stored = datasets.Features({"image": datasets.Image(decode=False), "label": datasets.ClassLabel(names=NAMES)})
    bad = [None, {"bytes": b"", "path": None}, {"bytes": encoded(noise(1))[:2000], "path": "a.png"}]
    images = [{"bytes": encoded(picture(number)), "path": None} for number in range(6)] + bad
    save(folders, {"image": images, "label": [0, 1, 2, 0, None, -1, 1, 1, 1]}, stored)
    data = loaded(folders, label_column="label", channels=3)
    assert {problem.name: problem.reason for problem in data.problems} == {
        "row 4": "no class",
        "row 5": "no class",
        "row 6": "no image",
        "row 7": "empty file",
        "row 8": "truncated",
    }
    assert data.size == 4


def test_no_file_that_a_saved_row_names_is_read(folders: DataFolders) -> None:
    paths = [write(folders.root / "files/8.png", encoded(picture(8))), Path("/etc/passwd")]
    images = [{"bytes": encoded(picture(number)), "path": None} for number in range(4)]
    images += [{"bytes": None, "path": str(path)} for path in paths]
    save_without_files(images, folders.root / "set")
    data = loaded(folders)
    assert {problem.reason for problem in data.problems} == {"in a file of its own, not in the row"}
    assert sorted(shades(data.reference(9))) == [0, 1, 2, 3]


def test_files_that_the_library_fetched_are_read(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = [write(folders.cache / f"hugging_face/{n}.png", encoded(picture(n))) for n in range(4)]
    outside = write(folders.root.parent / "secrets/9.png", encoded(picture(9)))
    (folders.cache / "hugging_face/link.png").symlink_to(outside)
    paths = [*fetched, outside, folders.cache / "hugging_face/link.png", folders.cache / "hugging_face/gone.png"]
    place = folders.cache / "hugging_face/set"
    save_without_files([{"bytes": None, "path": str(path)} for path in paths], place)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: datasets.load_from_disk(place))
    data = loaded(folders, path="owner/name")
    assert {problem.name: problem.reason for problem in data.problems} == {
        "row 4": "in a file of its own, not in the row",
        "row 5": "in a file of its own, not in the row",
        "row 6": "cannot be opened: no such file or directory",
    }
    assert sorted(shades(data.reference(9))) == [0, 1, 2, 3]


def save_without_files(images: list[Any], folder: Path) -> None:
    """As ``save_to_disk`` does, but images that are in files stay there."""
    plain = datasets.Features({"image": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}})
    datasets.Dataset.from_dict({"image": images}, features=plain).save_to_disk(folder)
    info = json.loads((folder / "dataset_info.json").read_text())
    info["features"] = {"image": {"decode": False, "_type": "Image"}}
    (folder / "dataset_info.json").write_text(json.dumps(info))


def test_a_column_of_encoded_bytes_will_do(folders: DataFolders) -> None:
    contents = [encoded(picture(number), "BMP") for number in range(6)]
    save(folders, {"image": contents}, datasets.Features({"image": datasets.Value("binary")}))
    assert sorted(shades(loaded(folders).reference(9))) == list(range(6))


def test_a_saved_set_that_is_formatted_for_torch_is_read_all_the_same(folders: DataFolders) -> None:
    built = datasets.Dataset.from_dict(rows(), features=features()).with_format("torch")
    built.save_to_disk(folders.root / "set")
    assert loaded(folders, label_column="label").size == 9


BAD_COLUMNS: dict[str, tuple[dict[str, Any], dict[str, list[Any]], dict[str, Any], str, str]] = {
    "no such image column": ({"image_column": "img"}, {}, {}, "dataset.image_column", "no column `img`; there are: "),
    "no such label column": ({"label_column": "kind"}, {}, {}, "dataset.label_column", "no column `kind`; there are: "),
    "numbers for images": (
        {},
        {"image": [1] * 9},
        {"image": datasets.Value("int64")},
        "dataset.image_column",
        "holds int64, not images",
    ),
    "lists for images": (
        {},
        {"image": [[1, 2]] * 9},
        {"image": datasets.List(datasets.Value("int64"))},
        "dataset.image_column",
        "not images",
    ),
    "floats for labels": (
        {"label_column": "label"},
        {"label": [0.0, 1.0, 2.0] * 3},
        {"label": datasets.Value("float32")},
        "dataset.label_column",
        "holds float32: classes must be whole numbers or text",
    ),
    "lists for labels": (
        {"label_column": "label"},
        {"label": [[0]] * 9},
        {"label": datasets.List(datasets.Value("int64"))},
        "dataset.label_column",
        "classes must be whole numbers or text",
    ),
    "negative labels": (
        {"label_column": "label"},
        {"label": [0, 1, -2] * 3},
        {"label": datasets.Value("int64")},
        "dataset.label_column",
        "holds -2: classes must be 0 or more",
    ),
    "one class": (
        {"label_column": "label"},
        {"label": [2] * 9},
        {},
        "dataset.label_column",
        "all examples are of one class, `emu`",
    ),
    "no classes": (
        {"label_column": "label"},
        {"label": [None] * 9},
        {},
        "dataset.label_column",
        "9 left out, row 0 (no class)",
    ),
}


@pytest.mark.parametrize("case", BAD_COLUMNS)
def test_columns_that_will_not_do_are_refused(folders: DataFolders, case: str) -> None:
    dataset, columns, kinds, field, words = BAD_COLUMNS[case]
    save(folders, rows() | columns, features(**kinds))
    error = refused(folders, **dataset)
    assert error.field == field
    assert words in error.message


def test_nothing_is_decoded_again_before_the_data_change(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    decode = hugging_face.decode

    def counting(content: bytes, channels: int, side: int) -> Any:
        counted.append(1)
        return decode(content, channels, side)

    monkeypatch.setattr(hugging_face, "decode", counting)
    save(folders, rows(), features())
    first = loaded(folders)
    assert loaded(folders).fingerprint == first.fingerprint
    assert len(counted) == 9
    shutil.rmtree(folders.root / "set")
    save(folders, rows(10), features())
    assert loaded(folders).fingerprint != first.fingerprint
    assert len(counted) == 19


def cut_rows(folder: Path) -> None:
    (rows_file,) = folder.glob("*.arrow")
    os.truncate(rows_file, rows_file.stat().st_size // 2)


def spoil_state(folder: Path) -> None:
    (folder / "state.json").write_text("{")


def empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize("damage", [cut_rows, spoil_state, empty_folder])
def test_a_folder_that_is_no_saved_set_is_refused(folders: DataFolders, damage: Any) -> None:
    save(folders, rows(), features())
    damage(folders.root / "set")
    error = refused(folders)
    assert error.field == "dataset.path"
    assert "`set` is no data set that `save_to_disk` wrote" in error.message


def test_rows_in_files_out_of_the_data_root_are_refused(folders: DataFolders) -> None:
    save(folders, rows(), features())
    (rows_file,) = (folders.root / "set").glob("*.arrow")
    rows_file.rename(folders.root.parent / "rows.arrow")
    state = json.loads((folders.root / "set/state.json").read_text())
    state["_data_files"] = [{"filename": "../../rows.arrow"}]
    (folders.root / "set/state.json").write_text(json.dumps(state))
    error = refused(folders)
    assert (error.field, error.message) == ("dataset.path", "`set` names files out of the data root")


@pytest.mark.parametrize("path", ["../set", "/etc", "a/../../b"])
def test_no_folder_out_of_the_data_root_is_read(folders: DataFolders, path: str) -> None:
    assert "stay inside" in refused(folders, path=path).message


@pytest.mark.parametrize("path", ["n" * 256, f"set/{'n' * 256}"])
def test_a_name_too_long_for_any_folder_is_refused(folders: DataFolders, path: str) -> None:
    save(folders, rows(), features())
    error = refused(folders, path=path)
    assert (error.field, error.message) == ("dataset.path", f"`{path}` cannot be opened: file name too long")


@pytest.mark.parametrize(
    "path", ["imagefolder", "csv", "tests", "buckets/x", "a/b/c", "./tests", "http://x/y", "ünï/c"]
)
def test_what_is_no_name_on_the_hub_is_not_asked_of_it(
    folders: DataFolders, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Among them are names by which the library would read the folder that the worker was started in."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(datasets, "load_dataset", never)
    error = refused(folders, path=path)
    assert error.field == "dataset.path"
    assert "no name on the Hugging Face hub" in error.message


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_without_a_network_the_error_says_so(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between one try and the next
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(
        OSError, match=r"`owner/name` is no folder under the data root, and the Hugging Face hub does not"
    ):
        loaded(folders, path="owner/name")


@pytest.mark.parametrize(
    ("raised", "kind", "field"),
    [
        (datasets.exceptions.DatasetNotFoundError("Dataset 'owner/name'\ndoesn't exist"), DataUnusable, "dataset.path"),
        (ValueError("Unknown split \"train\". Should be one of ['test']."), DataUnusable, "dataset.split"),
        (ValueError("Config name is missing."), DataUnusable, "dataset.path"),
        (ConnectionError("Couldn't reach 'owner/name' on the Hub"), OSError, None),
        (RuntimeError("Dataset scripts are no longer supported"), OSError, None),
    ],
)
def test_what_the_hub_answers_becomes_words(
    folders: DataFolders, monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: type, field: str | None
) -> None:
    def answer(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(datasets, "load_dataset", answer)
    with pytest.raises(kind) as found:
        loaded(folders, path="owner/name")
    assert "\n" not in str(found.value)
    assert getattr(found.value, "field", None) == field


def test_a_set_of_the_hub_is_asked_for_as_the_spec_says_and_read_like_any_other(
    folders: DataFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def answer(*arguments: Any, **options: Any) -> Any:
        asked.append((arguments, options))
        place = folders.cache / "hugging_face/saved"
        if not place.exists():
            datasets.Dataset.from_dict(rows(), features=features()).save_to_disk(place)
        return datasets.load_from_disk(place)

    monkeypatch.setattr(datasets, "load_dataset", answer)
    described = {"path": "owner/name", "split": "test", "revision": "v2", "label_column": "label"}
    data = loaded(folders, **described)
    assert (data.size, data.classes) == (9, tuple(NAMES))
    assert asked == [
        (
            ("hf://datasets/owner/name",),
            {"split": "test", "revision": "v2", "cache_dir": str(folders.cache / "hugging_face")},
        )
    ]
    assert loaded(folders, **described).fingerprint == data.fingerprint


def test_pixels_are_those_of_the_images(folders: DataFolders) -> None:
    images = [noise(number, (8, 8)) for number in range(5)]
    save(folders, {"image": images, "label": [0, 1, 2, 0, 1]}, features())
    found = {image.numpy().tobytes() for image in (loaded(folders, channels=3).reference(5) + 1) * 127.5}
    wanted = {np.asarray(image, np.float32).transpose(2, 0, 1).tobytes() for image in images}
    assert len(found) == 5
    assert {np.frombuffer(f, np.float32).round().astype(np.float32).tobytes() for f in found} == wanted
