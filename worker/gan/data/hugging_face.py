"""Data sets that the `datasets` library reads: from a folder that it saved, or from the Hugging Face hub."""

import errno
import hashlib
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.spec import HuggingFace
from worker.gan.data.build import NOT_DECODED, Example, Item
from worker.gan.data.decoding import BadImage, decode
from worker.gan.data.folders import DataFolders, confined, state_of, unopened
from worker.gan.data.image_folder import in_order, read
from worker.gan.data.problems import NO_CLASS, DataUnusable, Problem, one_line

if TYPE_CHECKING:
    import datasets

# What the library could take for a folder of the worker's own, or for one of its readers of local files, is no name.
HUB_NAME = re.compile(r"(?!buckets/)[A-Za-z0-9][\w.-]*/[\w.-]+")
ROWS = 16


class HuggingFaceSource:
    """The images of a column, and the classes of another.

    Raises (from the constructor):
        DataUnusable: the data set, or a column of it, is not what the spec says.
        OSError: the hub cannot be reached, or the data set cannot be read.
    """

    label_field = "dataset.label_column"

    def __init__(self, spec: HuggingFace, folders: DataFolders) -> None:
        self.path = spec.path
        self.shape = spec.shape
        self.is_labelled = spec.has_labels
        place = confined(folders.root, spec.path)
        is_saved = place.is_dir()
        rows = _saved(place, spec) if is_saved else _from_hub(spec, folders)
        self._files = [Path(file["filename"]).resolve() for file in rows.cache_files]
        if is_saved and not all(file.is_relative_to(folders.root.resolve()) for file in self._files):
            raise DataUnusable("dataset.path", f"`{spec.path}` names files out of the data root")
        # Of images beside the rows those that the library fetched; what it saves holds its images in the rows.
        self._fetched = [] if is_saved else [folders.cache.resolve(), *_hub_cache()]
        self._rows, self._names = _columns(rows, spec)
        self._columns = [name for name in (spec.image_column, spec.label_column) if name]
        found = {"folder": str(place)} if is_saved else {"hub": spec.path}
        self.description: dict[str, Any] = {**found, **spec.model_dump(exclude=NOT_DECODED)}

    def signature(self) -> str:
        """By the files that hold the rows: the library keeps those of the hub in a folder for each version."""
        lines = [(str(file), state_of(file.stat())) for file in self._files]
        return hashlib.sha256(repr(lines).encode()).hexdigest()

    def items(self) -> Generator[Item, None, None]:
        return in_order(self._item, self._numbered())

    def class_name(self, label: int | str) -> str:
        return one_line(self._names[int(label)] if self._names else label)

    def _numbered(self) -> Iterator[tuple[int, Any, Any]]:
        number = 0
        for piece in self._rows.iter(batch_size=ROWS):
            columns: list[list[Any]] = [piece[name] for name in self._columns]
            for values in zip(*columns, strict=True):
                yield number, values[0], values[1] if self.is_labelled else None
                number += 1

    def _item(self, row: tuple[int, Any, Any]) -> Item:
        number, image, label = row
        name = f"row {number}"
        if self.is_labelled and (label is None or (self._names and not 0 <= label < len(self._names))):
            return Problem(name, NO_CLASS)  # -1 is the library's own sign for none
        if self.is_labelled and not isinstance(label, str):
            label = int(label)
            if label < 0:
                raise DataUnusable(self.label_field, f"holds {label}: classes must be 0 or more")
        try:
            return Example(decode(self._content(image), self.shape[0], self.shape[1]), label)
        except BadImage as error:
            return Problem(name, str(error))
        except (PermissionError, FileNotFoundError) as error:
            return Problem(name, unopened(error))

    def _content(self, image: Any) -> bytes:
        """Of an image's file, which lies in the row or beside it."""
        if isinstance(image, dict):
            content, path = image.get("bytes"), image.get("path")
            if content is None and path:
                file = Path(path).resolve()
                if not any(file.is_relative_to(folder) for folder in self._fetched):
                    raise BadImage("in a file of its own, not in the row")
                return read(file)
            image = content
        if image is None:
            raise BadImage("no image")
        return bytes(image)


def _hub_cache() -> list[Path]:
    from datasets import config
    from huggingface_hub import constants

    return [Path(config.HF_CACHE_HOME).resolve(), Path(constants.HF_HUB_CACHE).resolve()]


def _saved(folder: Path, spec: HuggingFace) -> "datasets.Dataset":
    """What ``save_to_disk`` wrote: a data set, or several by the names of their splits."""
    import datasets

    datasets.disable_progress_bars()
    try:
        found = datasets.load_from_disk(str(folder), keep_in_memory=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT):
            raise  # of the disk; the library's own have no number
        reason = one_line(str(error).replace(str(folder), spec.path))
        message = f"`{spec.path}` is no data set that `save_to_disk` wrote: {reason}"
        raise DataUnusable("dataset.path", message) from error
    splits = dict(found) if isinstance(found, datasets.DatasetDict) else {str(found.split or spec.split): found}
    if spec.split not in splits:
        raise DataUnusable("dataset.split", f"`{spec.path}` has no split `{spec.split}`; it has: {', '.join(splits)}")
    return splits[spec.split]


def _from_hub(spec: HuggingFace, folders: DataFolders) -> "datasets.Dataset":
    elsewhere = f"`{spec.path}` is no folder under the data root"
    if not HUB_NAME.fullmatch(spec.path):
        raise DataUnusable("dataset.path", f"{elsewhere}, and no name on the Hugging Face hub as `owner/name` is one")
    import datasets

    datasets.disable_progress_bars()
    # With this prefix the library never looks for a folder of that name here.
    name, cache = f"hf://datasets/{spec.path}", str(folders.cache.resolve() / "hugging_face")
    try:
        return datasets.load_dataset(name, split=spec.split, revision=spec.revision, cache_dir=cache)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise DataUnusable("dataset.path", f"{elsewhere}, and not found on the hub: {one_line(error)}") from error
    except ValueError as error:
        field = "dataset.split" if "split" in str(error) else "dataset.path"
        raise DataUnusable(field, f"`{spec.path}` cannot be used: {one_line(error)}") from error
    except Exception as error:
        raise OSError(f"{elsewhere}, and the Hugging Face hub does not give it: {one_line(error)}") from error


def _columns(rows: "datasets.Dataset", spec: HuggingFace) -> "tuple[datasets.Dataset, list[str]]":
    """The rows with nothing but what is asked for, images as their files' content; and the names of the classes, where
    the column has any."""
    from datasets import ClassLabel, Image, Value

    features = rows.features
    for field in ("image_column", "label_column"):
        name = getattr(spec, field)
        if name is not None and name not in features:
            raise DataUnusable(f"dataset.{field}", f"there is no column `{name}`; there are: {', '.join(features)}")
    image = features[spec.image_column]
    if isinstance(image, Image):
        rows = rows.cast_column(spec.image_column, Image(decode=False))
    elif not (isinstance(image, Value) and image.dtype in ("binary", "large_binary")):
        raise DataUnusable("dataset.image_column", f"`{spec.image_column}` holds {_kind(image)}, not images")
    label = features[spec.label_column] if spec.label_column else None
    if label is not None and not isinstance(label, ClassLabel):
        kinds = ("int", "uint", "bool", "string", "large_string")
        if not (isinstance(label, Value) and label.dtype.rstrip("0123456789") in kinds):
            problem = f"`{spec.label_column}` holds {_kind(label)}: classes must be whole numbers or text"
            raise DataUnusable("dataset.label_column", problem)
    wanted = [name for name in (spec.image_column, spec.label_column) if name]
    return rows.with_format(None).select_columns(wanted), list(getattr(label, "names", []))


def _kind(feature: object) -> str:
    return str(getattr(feature, "dtype", None) or type(feature).__name__)
