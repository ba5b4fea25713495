"""Images on their way into the cache."""

import array
import hashlib
import json
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from worker.gan.data.problems import DataUnusable, Problem

BUFFER_BYTES = 2**20
# A network holds some hundreds of numbers for each class; more are a column that holds no classes.
MOST_CLASSES = 32_768
# Of a spec's data set: the same images serve whatever share of them is held out.
NOT_DECODED = {"path", "validation_fraction"}


@dataclass(frozen=True)
class Example:
    """``pixels`` are bytes (channels, side, side); ``label`` is the class as the source has it."""

    pixels: npt.NDArray[np.uint8]
    label: int | str | None = None


Item = Example | Problem


class Source(Protocol):
    """Where images come from."""

    @property
    def description(self) -> dict[str, Any]:
        """What is decoded and how, as JSON: of each description one version is kept."""

    @property
    def path(self) -> str:
        """What the spec calls it."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: (channels, side, side)."""

    @property
    def is_labelled(self) -> bool:
        """Whether every example has a class."""

    @property
    def label_field(self) -> str:
        """The part of the spec that says where classes come from."""

    def signature(self) -> str:
        """Another one whenever the content may be another."""

    def items(self) -> Generator[Item, None, None]:
        """All examples, and what was left out, in an order that depends on the content alone."""

    def class_name(self, label: int | str) -> str:
        """What a class is called."""


@dataclass(frozen=True)
class Facts:
    """What was built."""

    count: int
    fingerprint: str
    classes: Sequence[str]
    problems: Sequence[Problem]


class Build:
    """Writes ``images.npy`` and ``labels.npy`` into a folder, one example after the other."""

    def __init__(self, folder: Path, shape: tuple[int, int, int]) -> None:
        self._folder = folder
        self._shape = shape
        self._file = (folder / "images.npy").open("wb", buffering=BUFFER_BYTES)
        self._header_bytes = self._write_header(0)  # the count is not known yet
        self._digest = hashlib.sha256()
        self._numbers: dict[int | str, int] = {}
        self._labels = array.array("q")
        self.count = 0
        self.problems: list[Problem] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, item: Item) -> None:
        """The next example, or one that was left out."""
        if isinstance(item, Problem):
            self.problems.append(item)
            return
        content = item.pixels.tobytes()
        self._file.write(content)
        self._digest.update(content)
        self.count += 1
        if item.label is not None:
            self._labels.append(self._numbers.setdefault(item.label, len(self._numbers)))

    def finish(self, source: Source) -> Facts:
        """Complete the files; classes come in the order of what the source has for labels.

        Raises:
            DataUnusable: there are too few or too many classes.
        """
        self._file.seek(0)
        if self._write_header(self.count) != self._header_bytes:
            raise RuntimeError("the header of an array has changed its length")
        self._file.flush()
        os.fsync(self._file.fileno())
        classes = self._finish_labels(source) if source.is_labelled else []
        self._digest.update(json.dumps([self.count, self._shape, classes]).encode())
        return Facts(self.count, self._digest.hexdigest(), classes, self.problems)

    def _finish_labels(self, source: Source) -> list[str]:
        known = sorted(self._numbers, key=lambda label: (isinstance(label, str), label))
        _check_classes(known, source)
        places = np.empty(len(known), np.int64)
        places[[self._numbers[label] for label in known]] = np.arange(len(known))
        labels = places[np.frombuffer(self._labels, np.int64)]
        with (self._folder / "labels.npy").open("wb") as file:
            np.save(file, labels, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        self._digest.update(labels.tobytes())
        return [source.class_name(label) for label in known]

    def _write_header(self, count: int) -> int:
        """NumPy leaves room in it for a longer first axis, so that it can be written over."""
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()


def _check_classes(labels: Sequence[int | str], source: Source) -> None:
    if len(labels) == 1:
        only = source.class_name(labels[0])
        raise DataUnusable(source.label_field, f"all examples are of one class, `{only}`: there must be 2 or more")
    if len(labels) > MOST_CLASSES:
        raise DataUnusable(source.label_field, f"gives {len(labels):,} classes: there may be at most {MOST_CLASSES:,}")
