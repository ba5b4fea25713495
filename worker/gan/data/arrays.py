"""NumPy's file format, read some rows at a time and without ever unpickling."""

import math
from collections.abc import Iterator
from typing import IO, Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from worker.gan.data.problems import DataUnusable

PIECE_BYTES = 8 * 2**20


class StoredArray:
    """An array whose header is read and whose numbers follow in ``file``; ``name`` is what it is called, and ``field``
    what says so in the spec.

    Raises (from the constructor):
        DataUnusable: it holds Python objects, records or nothing, or its header has a negative axis.
        ValueError: it is no array.
    """

    def __init__(self, file: IO[bytes], field: str, name: str) -> None:
        self._file = file
        self._field = field
        self._name = name
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        reader = readers.get(np.lib.format.read_magic(file))
        if reader is None:  # later versions are for the names of a record's fields
            self.refuse("holds records: it must hold numbers")
        self.shape, self._is_columns_first, self.dtype = reader(file)
        if self.dtype.hasobject:
            self.refuse("holds pickled objects, which are never loaded")
        if min(self.shape, default=0) < 0:  # numpy reads such a header all the same
            self.refuse(f"has the shape {self.shape}: no axis can be negative")
        if not self.shape or 0 in self.shape:
            self.refuse(f"has the shape {self.shape}: there is nothing in it")

    def refuse(self, reason: str) -> NoReturn:
        raise DataUnusable(self._field, f"`{self._name}` {reason}")

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """The array, a few rows of its first axis at a time; all of it where columns come first, as in Fortran.

        Raises:
            EOFError: there is less than the header says.
        """
        row_bytes = self.dtype.itemsize * math.prod(self.shape[1:])
        rows = self.shape[0] if self._is_columns_first else max(1, PIECE_BYTES // row_bytes)
        order: Literal["F", "C"] = "F" if self._is_columns_first else "C"
        for start in range(0, self.shape[0], rows):
            count = min(rows, self.shape[0] - start)
            content = self._file.read(count * row_bytes)
            if len(content) < count * row_bytes:
                raise EOFError(f"the array `{self._name}` is cut short")
            yield np.frombuffer(content, self.dtype).reshape((count, *self.shape[1:]), order=order)
