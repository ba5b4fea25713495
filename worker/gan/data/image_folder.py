"""Image files in a folder and below it."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from models.spec import ImageFolder
from worker.gan.data.build import NOT_DECODED, Example, Item
from worker.gan.data.decoding import MOST_FILE_BYTES, BadImage, decode
from worker.gan.data.folders import Found, confined, unopened, walk
from worker.gan.data.problems import NO_CLASS, DataUnusable, Problem, one_line

# Pillow decodes beside Python. What is decoded ahead lies in memory.
DECODERS = min(8, os.cpu_count() or 1)
AHEAD = 4
Given = TypeVar("Given")
Made = TypeVar("Made")


class FolderSource:
    """The images of a folder; their classes, where those are asked for, are its first-level subfolders."""

    label_field = "dataset.labels"

    def __init__(self, spec: ImageFolder, root: Path) -> None:
        self._root = root
        self.path = spec.path
        self._folder = confined(root, spec.path)
        if not self._folder.is_dir():
            raise DataUnusable("dataset.path", f"there is no folder `{spec.path}` under the data root")
        self.shape = spec.shape
        self.is_labelled = spec.has_labels
        self.description: dict[str, Any] = {"folder": str(self._folder), **spec.model_dump(exclude=NOT_DECODED)}

    def signature(self) -> str:
        digest = hashlib.sha256()
        for found in walk(self._folder, self._root):
            line = (found.name, found.state) if isinstance(found, Found) else (found.name, found.reason)
            digest.update(repr(line).encode())
        return digest.hexdigest()

    def items(self) -> Generator[Item, None, None]:
        return in_order(self._item, walk(self._folder, self._root))

    def class_name(self, label: int | str) -> str:
        return one_line(label)

    def _item(self, found: Found | Problem) -> Item:
        if isinstance(found, Problem):
            return found
        if self.is_labelled and found.subfolder is None:
            return Problem(found.name, f"{NO_CLASS}: it lies in no subfolder")
        try:
            content = read(found.path)
            return Example(decode(content, self.shape[0], self.shape[1]), found.subfolder)
        except BadImage as error:
            return Problem(found.name, str(error))
        except (PermissionError, FileNotFoundError) as error:
            return Problem(found.name, unopened(error))


def read(path: Path) -> bytes:
    """The content of a file, or a little more of it than is decoded."""
    with path.open("rb") as file:
        return file.read(MOST_FILE_BYTES + 1)


def in_order(make: Callable[[Given], Made], given: Iterable[Given]) -> Generator[Made, None, None]:
    """``make`` of each, several at once, in order, and no more than a few ahead of what is taken."""
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(DECODERS, thread_name_prefix="decoder") as pool:
        try:
            for each in given:
                waiting.append(pool.submit(make, each))
                if len(waiting) >= AHEAD * DECODERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
