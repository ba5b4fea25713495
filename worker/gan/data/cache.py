"""Decoded images, kept as memory-mapped files so that they are decoded once, whatever job they are for.

Two questions are kept apart. *Has anything changed?* is asked at every start of a job and must not read a million files
again, so a source answers it by a signature of what the file system says of them (names, sizes, times; see
``folders.state_of``). *What are the data?* is answered once, while they are decoded, by the SHA-256 of all pixels and
labels: the fingerprint, which names the folder that they lie in. So a folder that was only touched or copied is decoded
again, but comes out as the same data; and a changed pixel is other data whatever the files' times say.

    images/<what is decoded, and how>/index.json               signature, fingerprint, classes, problems
    images/<what is decoded, and how>/<fingerprint>/images.npy   bytes (count, channels, side, side)
    images/<what is decoded, and how>/<fingerprint>/labels.npy   int64 (count,), where there are classes
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from worker.gan.data.build import Build, Facts, Source
from worker.gan.data.decoding import bombs_refused
from worker.gan.data.problems import NO_CLASS, DataUnusable, Problem, summary

# What decodes otherwise than before must say so here: what an older version decoded is then made again.
VERSION = 1
ATTEMPTS = 3
POLL_SECONDS = 0.5
# Is told now and then what is being waited for; what it raises ends the waiting.
Watch = Callable[[str], None]


@dataclass(frozen=True)
class DecodedImages:
    """``images`` are bytes (count, channels, side, side) in a memory-mapped file; ``labels`` (count,) are their places
    among the ``classes``."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64] | None
    classes: tuple[str, ...]
    fingerprint: str
    problems: tuple[Problem, ...]


def decoded(source: Source, folder: Path, watch: Watch) -> DecodedImages:
    """The images of a source, decoded now or before.

    Raises:
        DataUnusable: there are none, or they cannot serve as what the source says they are.
        OSError: they cannot be read, or the cache cannot be written.
    """
    description = json.dumps([VERSION, source.description], sort_keys=True)
    place = folder / "images" / hashlib.sha256(description.encode()).hexdigest()[:32]
    place.mkdir(parents=True, exist_ok=True)
    with _only_one(place / "lock", watch):
        for _ in range(ATTEMPTS):
            signature = source.signature()
            if found := _kept(place, signature, source) or _built(place, signature, source, watch):
                return found
    raise DataUnusable("dataset.path", f"changed while it was read, {ATTEMPTS} times one after the other")


@contextlib.contextmanager
def _only_one(path: Path, watch: Watch) -> Iterator[None]:
    """While others decode the same, wait: then it is there. The system lets go of a lock whose process has ended."""
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=POLL_SECONDS)
            break
        except Timeout:
            watch("waiting for another job to decode the same images")
    try:
        yield
    finally:
        lock.release()


def _kept(place: Path, signature: str, source: Source) -> DecodedImages | None:
    """What was decoded of this signature; ``None`` where there is nothing, or not what there should be."""
    try:
        index = json.loads((place / "index.json").read_text())
        if index["signature"] != signature:
            return None
        folder = place / index["fingerprint"]
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False) if source.is_labelled else None
        if images.dtype != np.uint8 or images.shape != (index["count"], *source.shape):
            return None
        if labels is not None and (labels.dtype != np.int64 or labels.shape != (index["count"],)):
            return None
        problems = tuple(Problem(name, reason) for name, reason in index["problems"])
        return DecodedImages(images, labels, tuple(index["classes"]), index["fingerprint"], problems)
    except (
        FileNotFoundError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
    ):  # deleted, cut short, or written by something else
        return None


def _built(place: Path, signature: str, source: Source, watch: Watch) -> DecodedImages | None:
    """Decode everything; ``None`` where it changed meanwhile, so that some of it is old and some new.

    What is there afterwards is whole: it is written under another name, and to the disk, before the index says that it
    is there. In memory is a handful of images, and a number for each.
    """
    unfinished = place / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    facts = _decode(unfinished, source, watch)
    if source.signature() != signature:
        return None
    for old in place.iterdir():  # nobody asks for it any more; who has it open keeps it
        if old.is_dir() and old != unfinished:
            shutil.rmtree(old)
    unfinished.rename(place / facts.fingerprint)
    index = {"signature": signature, **asdict(facts)}
    index["problems"] = [(problem.name, problem.reason) for problem in facts.problems]
    written = place / "index.json.unfinished"
    with written.open("w") as file:
        json.dump(index, file)
        file.flush()
        os.fsync(file.fileno())
    written.replace(place / "index.json")
    return _kept(place, signature, source)


def _decode(folder: Path, source: Source, watch: Watch) -> Facts:
    """Write a source's images, and its labels, into a folder."""
    with bombs_refused(), Build(folder, source.shape) as build, contextlib.closing(source.items()) as items:
        for item in items:
            build.add(item)
            watch(f"decoded {build.count:,} images")
        if not build.count:
            unlabelled = bool(build.problems) and all(found.reason.startswith(NO_CLASS) for found in build.problems)
            left_out = f": {len(build.problems):,} left out, {summary(build.problems)}" if build.problems else ""
            field = source.label_field if unlabelled else "dataset.path"
            raise DataUnusable(field, f"no image of `{source.path}` can be used{left_out}")
        return build.finish(source)
