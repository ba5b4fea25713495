"""Files are there whole or not at all, and nothing leads out of the storage."""

from pathlib import Path

import pytest

from models.storage import DamagedFile, LocalStorage, open_storage

FILES = {"weights.safetensors": b"\x00\x01" * 1000, "state.json": b"{}"}


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def test_what_was_written_is_read(storage: LocalStorage) -> None:
    described = storage.write_folder("jobs/a/1", FILES)
    assert described["state.json"]["size"] == 2
    assert storage.read_folder("jobs/a/1", described) == FILES


def test_writing_again_replaces_the_folder(storage: LocalStorage) -> None:
    storage.write_folder("jobs/a/1", FILES | {"old": b"old"})
    described = storage.write_folder("jobs/a/1", FILES)
    assert storage.read_folder("jobs/a/1", described) == FILES
    assert not storage.path("jobs/a/1", "old").exists()


def test_a_write_that_fails_leaves_nothing(storage: LocalStorage) -> None:
    with pytest.raises(OSError, match="File name too long"):
        storage.write_folder("jobs/a/1", {"fine": b"1", "n" * 300: b"2"})
    assert [path for path in storage.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("damage", [b"{]", b"", b"{}{}"])
def test_damage_is_noticed(storage: LocalStorage, damage: bytes) -> None:
    described = storage.write_folder("jobs/a/1", FILES)
    storage.path("jobs/a/1", "state.json").write_bytes(damage)
    with pytest.raises(DamagedFile, match=r"state\.json"):
        storage.read_folder("jobs/a/1", described)


def test_a_missing_file_is_noticed(storage: LocalStorage) -> None:
    described = storage.write_folder("jobs/a/1", FILES)
    storage.delete("jobs/a/1")
    with pytest.raises(DamagedFile, match="No such file"):
        storage.read_folder("jobs/a/1", described)


@pytest.mark.parametrize("folder", ["..", "../outside", "jobs/../../outside", "/etc", "", "."])
def test_nothing_leads_out(storage: LocalStorage, folder: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        storage.delete(folder)


def test_only_files_are_known() -> None:
    with pytest.raises(ValueError, match="file://"):
        open_storage("s3://bucket")
