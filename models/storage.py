"""Files behind one small interface, so that another kind of storage can take the place of a local folder."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypedDict

# What file systems say that have no hard links.
NO_LINKS = {errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK}


class StoredFile(TypedDict):
    """Size in bytes and SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


class DamagedFile(Exception):
    """A stored file is missing or is not what was written."""


class Storage(Protocol):
    """Folders of files, each folder written once and whole."""

    def write_folder(self, folder: str, files: Mapping[str, bytes]) -> dict[str, StoredFile]: ...

    def read_folder(self, folder: str, files: Mapping[str, StoredFile]) -> dict[str, bytes]: ...

    def share_folder(self, folder: str, target: str, names: Iterable[str]) -> None: ...

    def path(self, folder: str, name: str) -> Path: ...

    def delete(self, folder: str) -> None: ...


def job_folder(job_id: str) -> str:
    """The folder under which everything stored for a job lies."""
    return f"jobs/{job_id}"


def open_storage(url: str) -> Storage:
    """The storage a URL names; ``file:///folder`` for now.

    Raises:
        ValueError: no such kind of storage.
    """
    if url.startswith("file://"):
        return LocalStorage(Path(url.removeprefix("file://")))
    raise ValueError(f"no storage for {url!r}: only file:// is known")


class LocalStorage:
    """Folders under one root on a local (or shared) file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write_folder(self, folder: str, files: Mapping[str, bytes]) -> dict[str, StoredFile]:
        """Write a folder so that it is there whole or not at all, even if the machine dies meanwhile."""
        target = self._inside(folder)
        self._make_durably(target.parent)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            for name, content in files.items():
                _write_durably(temporary / name, content)
            temporary.chmod(0o755)
            _sync_folder(temporary)
            if target.exists():  # left by an attempt that died between the rename and its commit
                shutil.rmtree(target)
            temporary.rename(target)
            _sync_folder(target.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return {name: _describe(content) for name, content in files.items()}

    def read_folder(self, folder: str, files: Mapping[str, StoredFile]) -> dict[str, bytes]:
        """The named files, each checked against its recorded size and hash.

        Raises:
            DamagedFile: one is missing or differs.
            OSError: the storage cannot be read, which says nothing about the files.
        """
        if not self.root.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the storage is not there at all", str(self.root))
        contents: dict[str, bytes] = {}
        for name, expected in files.items():
            path = self.path(folder, name)
            try:
                content = path.read_bytes()
            except FileNotFoundError as error:
                raise DamagedFile(f"{folder}/{name}: {error.strerror}") from error
            if _describe(content) != expected:
                raise DamagedFile(f"{folder}/{name}: size or SHA-256 differs from what was written")
            contents[name] = content
        return contents

    def share_folder(self, folder: str, target: str, names: Iterable[str]) -> None:
        """Make these files of a folder appear in another one too; deleting either leaves the other whole.

        Raises:
            OSError: one is gone, or the storage cannot be written; nothing is left of the attempt.
        """
        destination = self._inside(target)
        destination.mkdir(parents=True)
        try:
            for name in names:
                _link(self.path(folder, name), destination / name)
        except OSError:
            shutil.rmtree(destination)
            raise
        _sync_folder(destination)
        _sync_folder(destination.parent)

    def path(self, folder: str, name: str) -> Path:
        return self._inside(f"{folder}/{name}")

    def delete(self, folder: str) -> None:
        """Remove a folder with all it holds; one that is not there is no error."""
        shutil.rmtree(self._inside(folder), ignore_errors=True)

    def _make_durably(self, folder: Path) -> None:
        """Make a folder so that it and those above it are still there after a power cut."""
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for above in folder.relative_to(self.root.resolve()).parents:
                _sync_folder(self.root / above)

    def _inside(self, relative: str) -> Path:
        path = (self.root / relative).resolve()
        if not path.is_relative_to(self.root.resolve()) or path == self.root.resolve():
            raise ValueError(f"{relative!r} leads out of the storage")
        return path


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(source, target)


def _describe(content: bytes) -> StoredFile:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
