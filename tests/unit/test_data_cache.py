"""Decoded images are kept: decoded once, noticed when they change, whole or not there, and never all in memory."""

import json
import multiprocessing
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from support.images import encoded, fill, picture, shades, spec_of, touched, write

from worker.gan.data import DataFolders, Dataset, DataUnusable, cache, image_folder, load
from worker.gan.data.build import Build, Example
from worker.gan.data.stores import MOST_HELD_BYTES, HeldStore, MappedStore, hold

CPU = torch.device("cpu")
FOLDER = {"kind": "image_folder", "path": "set"}


@pytest.fixture
def folders(tmp_path: Path) -> DataFolders:
    return DataFolders(tmp_path / "root", tmp_path / "cache")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was decoded so far."""
    contents: list[bytes] = []
    decode = image_folder.decode

    def counted(content: bytes, channels: int, side: int) -> Any:
        contents.append(content)
        return decode(content, channels, side)

    monkeypatch.setattr(image_folder, "decode", counted)
    return contents


def loaded(folders: DataFolders, **dataset: Any) -> Dataset:
    return load(spec_of(FOLDER | dataset), CPU, folders)


def kept(folders: DataFolders) -> Iterator[Path]:
    yield from sorted(folders.cache.glob("images/*/*/images.npy"))


def test_images_are_decoded_once_for_all_jobs(folders: DataFolders, decoded: list[bytes]) -> None:
    fill(folders.root / "set", 6)
    write(folders.root / "set/bad.png", b"no")
    first = loaded(folders)
    assert len(decoded) == 7
    second = loaded(folders, validation_fraction=0.2)
    assert len(decoded) == 7
    assert (second.fingerprint, second.problems) == (first.fingerprint, first.problems)
    assert shades(first.reference(6)) != shades(second.reference(6))
    assert torch.equal(loaded(folders).batch(3, 0), first.batch(3, 0))
    assert len(first.problems) == 1


def test_other_ways_of_decoding_are_kept_beside(folders: DataFolders, decoded: list[bytes]) -> None:
    fill(folders.root / "set/a", 4)
    fill(folders.root / "set/b", 4, first=9)
    for dataset in ({}, {"channels": 3}, {"side": 16}, {"labels": "folders"}):
        loaded(folders, **dataset)
    assert len(decoded) == 32
    for dataset in ({}, {"channels": 3}, {"side": 16}, {"labels": "folders"}):
        loaded(folders, **dataset)
    assert len(decoded) == 32


def replace_secretly(place: Path) -> None:
    """Another content of the same size, with the old file's time of modification."""
    old = place / "001.png"
    status = old.stat()
    content = encoded(picture(101))
    assert len(content) == status.st_size
    old.write_bytes(content)
    os.utime(old, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES = {
    "another image": lambda place: write(place / "001.png", encoded(picture(99))),
    "another image of the same size and time": replace_secretly,
    "one more": lambda place: write(place / "100.png", encoded(picture(99))),
    "one less": lambda place: (place / "001.png").unlink(),
    "another order": lambda place: (place / "001.png").rename(place / "9.png"),
    "one more that is bad": lambda place: write(place / "100.png", b""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(folders: DataFolders, decoded: list[bytes], change: str) -> None:
    fill(folders.root / "set", 6)
    first = loaded(folders)
    CHANGES[change](folders.root / "set")
    second = loaded(folders)
    assert len(decoded) > 10
    assert (second.fingerprint == first.fingerprint) == (change == "one more that is bad")
    assert len(second.problems) == (change == "one more that is bad")
    assert len(list(kept(folders))) == 1  # what nobody will ask for again is not left to fill the disk


def test_files_that_were_only_touched_are_the_same_data(folders: DataFolders, decoded: list[bytes]) -> None:
    paths = fill(folders.root / "set", 6)
    first = loaded(folders)
    touched(paths[2])
    assert loaded(folders).fingerprint == first.fingerprint
    assert len(decoded) == 12


def test_a_job_goes_on_with_what_it_has_open_when_the_files_change(folders: DataFolders) -> None:
    fill(folders.root / "set", 6)
    source = image_folder.FolderSource(spec_of(FOLDER).dataset, folders.root)  # type: ignore[arg-type]
    old = cache.decoded(source, folders.cache, lambda _: None).images
    write(folders.root / "set/001.png", encoded(picture(99)))
    loaded(folders)
    assert old[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]


def spoil_index(place: Path) -> None:
    (place / "index.json").write_text('{"signature": ')


def shorten_images(place: Path) -> None:
    (images,) = place.glob("*/images.npy")
    os.truncate(images, images.stat().st_size - 1)


def empty_images(place: Path) -> None:
    (images,) = place.glob("*/images.npy")
    images.write_bytes(b"")


def exchange_images(place: Path) -> None:
    (images,) = place.glob("*/images.npy")
    np.save(images, np.zeros((6, 1, 8, 8), np.float32))


def lose_labels(place: Path) -> None:
    (labels,) = place.glob("*/labels.npy")
    labels.unlink()


def leave_an_unfinished_build(place: Path) -> None:
    (place / "index.json").unlink()
    (images,) = place.glob("*/images.npy")
    write(place / "unfinished/images.npy", images.read_bytes()[:200])


@pytest.mark.parametrize(
    "damage",
    [spoil_index, shorten_images, empty_images, exchange_images, lose_labels, leave_an_unfinished_build, shutil.rmtree],
)
def test_what_is_damaged_or_gone_is_made_again(folders: DataFolders, decoded: list[bytes], damage: Any) -> None:
    fill(folders.root / "set/a", 3)
    fill(folders.root / "set/b", 3, first=3)
    first = loaded(folders, labels="folders")
    (place,) = folders.cache.glob("images/*")
    damage(place)
    second = loaded(folders, labels="folders")
    assert len(decoded) == 12
    assert second.fingerprint == first.fingerprint
    assert torch.equal(second.batch(5, 0), first.batch(5, 0))
    loaded(folders, labels="folders")
    assert len(decoded) == 12


def test_a_build_that_is_broken_off_leaves_nothing_that_is_used(folders: DataFolders, decoded: list[bytes]) -> None:
    fill(folders.root / "set", 40)

    class Enough(Exception):
        pass

    def stop(message: str) -> None:
        if message == "decoded 5 images":
            raise Enough

    with pytest.raises(Enough):
        load(spec_of(FOLDER), CPU, folders, stop)
    assert 5 <= len(decoded) < 40  # what was ahead is dropped, too
    assert not list(folders.cache.glob("images/*/index.json"))
    decoded.clear()
    assert loaded(folders).size == 40
    assert len(decoded) == 40


def test_files_that_change_while_they_are_read_are_read_again(
    folders: DataFolders, decoded: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = fill(folders.root / "set", 6)
    changes = iter([99])
    counted = image_folder.decode

    def changing(content: bytes, channels: int, side: int) -> Any:
        if len(decoded) == 5:
            for shade in changes:
                write(paths[0], encoded(picture(shade)))
        return counted(content, channels, side)

    monkeypatch.setattr(image_folder, "decode", changing)
    monkeypatch.setattr(image_folder, "DECODERS", 1)
    data = loaded(folders)
    assert len(decoded) == 12
    assert sorted(shades(data.reference(6))) == [1, 2, 3, 4, 5, 99]


def test_files_that_never_rest_are_refused(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = fill(folders.root / "set", 6)
    decode = image_folder.decode

    def changing(content: bytes, channels: int, side: int) -> Any:
        touched(paths[0])
        return decode(content, channels, side)

    monkeypatch.setattr(image_folder, "decode", changing)
    with pytest.raises(DataUnusable, match="changed while it was read, 3 times") as raised:
        loaded(folders)
    assert raised.value.field == "dataset.path"


def load_elsewhere(folders: DataFolders, begin: Any, told: Any) -> None:
    """In a process of its own: how many images it decoded, and what came of it."""
    decode, count = image_folder.decode, 0

    def counted(content: bytes, channels: int, side: int) -> Any:
        nonlocal count
        count += 1
        return decode(content, channels, side)

    torch.set_num_threads(1)  # those of the process it was forked from are gone
    image_folder.decode = counted
    begin.wait()
    data = load(spec_of(FOLDER), CPU, folders)
    told.put((count, data.fingerprint, data.size))


def test_two_processes_at_once_decode_once(folders: DataFolders) -> None:
    fill(folders.root / "set", 200)
    context = multiprocessing.get_context("fork")  # as a worker's processes begin
    begin, told = context.Barrier(2), context.Queue()
    processes = [context.Process(target=load_elsewhere, args=(folders, begin, told)) for _ in range(2)]
    for process in processes:
        process.start()
    results = sorted(told.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert [count for count, *_ in results] == [0, 200]
    assert results[0][1:] == results[1][1:]


def test_waiting_for_another_can_be_ended(folders: DataFolders) -> None:
    fill(folders.root / "set", 6)
    loaded(folders)
    (place,) = folders.cache.glob("images/*")
    messages: list[str] = []

    class Enough(Exception):
        pass

    def stop(message: str) -> None:
        messages.append(message)
        raise Enough

    with FileLock(place / "lock"), pytest.raises(Enough):
        load(spec_of(FOLDER), CPU, folders, stop)
    assert messages == ["waiting for another job to decode the same images"]
    assert loaded(folders).size == 6


def test_small_sets_are_held_and_large_ones_are_left_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    count = MOST_HELD_BYTES // (3 * 64 * 64) + 1
    large = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 3, 64, 64))  # type: ignore[no-untyped-call]
    large[-1] = 255
    large.flush()
    images = np.load(path, mmap_mode="r")
    tracemalloc.start()
    store = hold(images, CPU)
    batch = store.gather(torch.tensor([0, count - 1]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(store, MappedStore)
    assert peak < 2**20
    assert (float(batch[0].mean()), float(batch[1].mean())) == (-1, 1)
    held = hold(images[: count // 1000], CPU)
    assert isinstance(held, HeldStore)
    assert isinstance(images, np.memmap)


def test_a_mapped_set_trains_on_the_same_numbers(folders: DataFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folders.root / "set/a", 5)
    fill(folders.root / "set/b", 5, first=5)
    held = loaded(folders, labels="folders")
    monkeypatch.setattr("worker.gan.data.stores.MOST_HELD_BYTES", 0)
    mapped = loaded(folders, labels="folders")
    for step in range(4):
        assert torch.equal(held.batch(step, 0), mapped.batch(step, 0))
        assert torch.equal(held.labels(step, 0), mapped.labels(step, 0))
    assert torch.equal(held.reference(4), mapped.reference(4))


def test_a_build_holds_a_handful_of_images_and_no_more(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    block = rng.integers(0, 256, (3, 64, 64), dtype=np.uint8)
    tracemalloc.start()
    with Build(tmp_path, (3, 64, 64)) as build:
        for _ in range(3000):  # 37 MB
            build.add(Example(block))
        build.finish(image_folder_like())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert images.shape == (3000, 3, 64, 64)
    np.testing.assert_array_equal(images[2999], block)


def image_folder_like() -> Any:
    class Unlabelled:
        is_labelled = False

    return Unlabelled()


def test_decoding_runs_only_a_little_ahead(folders: DataFolders, decoded: list[bytes]) -> None:
    fill(folders.root / "set", 100)
    source = image_folder.FolderSource(spec_of(FOLDER).dataset, folders.root)  # type: ignore[arg-type]
    items = source.items()
    next(items)
    assert len(decoded) <= image_folder.AHEAD * image_folder.DECODERS
    assert len(list(items)) == 99


def test_the_index_says_what_there_is(folders: DataFolders) -> None:
    fill(folders.root / "set", 4)
    write(folders.root / "set/bad.png", b"")
    data = loaded(folders)
    (index,) = folders.cache.glob("images/*/index.json")
    told = json.loads(index.read_text())
    assert (told["count"], told["problems"]) == (4, [["bad.png", "empty file"]])
    assert told["fingerprint"] == data.fingerprint
    assert (index.parent / data.fingerprint / "images.npy").exists()
