"""The folders that data come from and are cached in, and the way to files that stays inside of them."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from worker.gan.data.problems import DataUnusable, Problem, one_line


@dataclass(frozen=True)
class DataFolders:
    """``root`` holds data sets of one's own; ``cache`` what was decoded from them, which may be deleted at any time and
    is then made again."""

    root: Path = Path("data/datasets")
    cache: Path = Path("data/cache")


@dataclass(frozen=True)
class Found:
    """A regular file: its ``name`` relative to the folder that was walked, and the class that its place means (the
    first-level subfolder; ``None`` directly in the folder). ``state`` changes whenever the content does."""

    path: Path
    name: str
    subfolder: str | None
    state: str


def confined(root: Path, path: str, field: str = "dataset.path") -> Path:
    """Where ``path`` leads from the data root, links followed.

    Raises:
        DataUnusable: out of the data root, or no path that can be looked up: too long, or through a closed folder.
        OSError: the disk fails.
    """
    wanted = PurePosixPath(path)
    if wanted.is_absolute() or ".." in wanted.parts:
        raise DataUnusable(field, "must be relative to the data root and stay inside it: no leading `/` and no `..`")
    try:
        found = (root / wanted).resolve()
        inside = found.is_relative_to(root.resolve())
        found.exists()  # raises here, for all who look at it afterwards
    except RuntimeError as error:  # links that lead to each other
        raise DataUnusable(field, f"`{path}` is a link that leads nowhere") from error
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EACCES):
            raise DataUnusable(field, f"`{path}` {unopened(error)}") from error
        raise OSError(error.errno, error.strerror, path) from error  # without the path of this machine
    if not inside:
        raise DataUnusable(field, f"`{path}` is a link that leads out of the data root")
    return found


def state_of(status: os.stat_result) -> str:
    """What is compared to tell whether a file is as it was.

    The time of the last change of content or attributes (ctime) cannot be set by programs, unlike the time of
    modification: it also gives away a file of the same size that was put in place with its old time.
    """
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def walk(folder: Path, root: Path) -> Iterator[Found | Problem]:
    """Everything in a folder and below it, in the order of the names, with no more than one level's names in memory.

    Hidden files and folders, links to folders, links out of ``root`` and whatever is no regular file are problems.

    Raises:
        OSError: ``folder`` itself cannot be read.
    """
    yield from _walk(folder, "", None, root.resolve())


def _walk(folder: Path, prefix: str, subfolder: str | None, root: Path) -> Iterator[Found | Problem]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        name = one_line(prefix + entry.name)
        try:
            if reason := _not_to_be_read(entry, root):
                yield Problem(name, reason)
            elif entry.is_dir():
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", subfolder or entry.name, root)
            else:
                yield Found(Path(entry.path), name, subfolder, state_of(entry.stat()))
        except (PermissionError, FileNotFoundError) as error:
            yield Problem(name, unopened(error))


def _not_to_be_read(entry: os.DirEntry[str], root: Path) -> str | None:
    """Why an entry is passed over, if it is."""
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        try:
            target = Path(entry.path).resolve(strict=True)
        except (RuntimeError, OSError):
            return "a link that leads nowhere"
        if not target.is_relative_to(root):
            return "a link that leads out of the data root"
        if target.is_dir():
            return "a link to a folder"
    mode = entry.stat().st_mode
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "neither a file nor a folder"


def unopened(error: OSError) -> str:
    """Why a file could not be opened, without the path of this machine that the error holds."""
    return f"cannot be opened: {(error.strerror or 'unknown error').lower()}"
