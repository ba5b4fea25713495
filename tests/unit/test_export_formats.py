"""Rows as NDJSON, CSV and Parquet: the same numbers, to the last bit, and nothing held back."""

import io
import json
import math
from collections.abc import Iterator

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies
from hypothesis.extra import numpy as arrays

from api.export_formats import CSV_WORDS, FORMATS, ROW_GROUP, STEP, Columns, metadata_of
from models.metrics import Rows
from models.summaries import Values

NAMES = ("d_loss", "g_loss", "d_real")
COLUMNS = Columns(NAMES, (True, True, False), metadata_of("job_1", 0, {"steps": 5}))
# 3.4e38, the smallest numbers there are, zero of either sign, what is no finite number, what is easily rounded wrong.
ODD = np.array([3.4028235e38, 1e-45, -1e-45, -0.0, math.nan, math.inf, -math.inf, 0.1, 16777216, 1 / 3], np.float32)
TABLES = arrays.arrays(np.float32, (7, 3), elements=strategies.floats(width=32))


def rows(values: Values, first_step: int = 1) -> Rows:
    return Rows(np.arange(first_step, first_step + len(values)), values)


def written(form: str, *pages: Rows, columns: Columns = COLUMNS) -> bytes:
    return b"".join(FORMATS[form].write(columns, pages))


def columns_of(form: str, content: bytes) -> dict[str, list[float | None]]:
    """What a reader of its own makes of a file."""
    if form == "parquet":
        found: dict[str, list[float | None]] = pq.read_table(io.BytesIO(content)).to_pydict()
        return found
    if form == "csv":
        read: dict[str, list[float | None]] = pyarrow.csv.read_csv(
            io.BytesIO(content), convert_options=pyarrow.csv.ConvertOptions(null_values=[""])
        ).to_pydict()
        return read
    objects = [json.loads(line) for line in content.splitlines()]
    return {
        name: [float(row[name]) if isinstance(row[name], str) else row[name] for row in objects] for name in objects[0]
    }


def as_float32(column: list[float | None]) -> Values:
    return np.array([np.nan if value is None else value for value in column]).astype(np.float32)


@pytest.mark.parametrize("form", FORMATS)
@given(values=TABLES)
def test_every_number_comes_back_as_it_was(form: str, values: Values) -> None:
    found = columns_of(form, written(form, rows(values[:4]), rows(values[4:], 5)))
    assert list(found) == [STEP, *NAMES]
    assert found[STEP] == [1, 2, 3, 4, 5, 6, 7]
    for index, name in enumerate(NAMES[:2]):
        np.testing.assert_array_equal(as_float32(found[name]), values[:, index])
    assert found["d_real"] == [None] * 7


@pytest.mark.parametrize("form", FORMATS)
def test_numbers_at_the_edges_come_back(form: str) -> None:
    values = np.stack([ODD, ODD[::-1], ODD], axis=1)
    found = columns_of(form, written(form, rows(values)))
    assert None not in found["d_loss"]  # NaN was recorded; only what was not is empty
    np.testing.assert_array_equal(as_float32(found["d_loss"]), ODD)
    np.testing.assert_array_equal(as_float32(found["g_loss"]), ODD[::-1])


def test_csv_is_written_plainly() -> None:
    values = np.array([[0.1, math.nan, 0], [math.inf, -math.inf, 0]], np.float32)
    assert written("csv", rows(values)) == b"step,d_loss,g_loss,d_real\n1,0.1,NaN,\n2,inf,-inf,\n"
    assert (CSV_WORDS.nothing, written("csv")) == ("", b"step,d_loss,g_loss,d_real\n")


def test_ndjson_is_written_plainly() -> None:
    values = np.array([[0.1, math.nan, 0], [math.inf, -math.inf, 0]], np.float32)
    first, second = written("ndjson", rows(values)).splitlines(keepends=True)
    assert first == b'{"step":1,"d_loss":0.1,"g_loss":"NaN","d_real":null}\n'
    assert second == b'{"step":2,"d_loss":"Infinity","g_loss":"-Infinity","d_real":null}\n'
    assert written("ndjson") == b""


def test_a_parquet_file_says_what_it_is_of() -> None:
    file = pq.ParquetFile(io.BytesIO(written("parquet", rows(np.zeros((2, 3), np.float32)))))
    schema = file.schema_arrow
    assert [str(field.type) for field in schema] == ["int64", "float", "float", "float"]
    assert [field.nullable for field in schema] == [False, True, True, True]
    assert schema.field("d_loss").metadata == {b"unit": b"nats"}
    held = {name: schema.metadata[f"ganjobs.{name}".encode()] for name in ("job_id", "segment", "spec")}
    assert held == {"job_id": b"job_1", "segment": b"0", "spec": b'{"steps": 5}'}
    assert pq.read_table(io.BytesIO(written("parquet"))).num_rows == 0


def test_row_groups_are_bounded() -> None:
    pages = [rows(np.zeros((ROW_GROUP // 4 + 1, 3), np.float32), 1 + i * (ROW_GROUP // 4 + 1)) for i in range(9)]
    file = pq.ParquetFile(io.BytesIO(written("parquet", *pages))).metadata
    sizes = [file.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert sum(sizes) == sum(map(len, pages))
    assert max(sizes) <= ROW_GROUP


@pytest.mark.parametrize(("form", "held"), [("ndjson", 1), ("csv", 1), ("parquet", 9)])
def test_no_more_is_read_than_has_been_handed_on(form: str, held: int) -> None:
    """Pages without end: whoever kept them all would never hand anything on."""
    taken = 0

    def endless() -> Iterator[Rows]:
        nonlocal taken
        while True:
            taken += 1
            yield rows(np.zeros((ROW_GROUP // 8, 3), np.float32), taken)

    pieces = FORMATS[form].write(COLUMNS, endless())
    for number in range(5):
        assert next(pieces)
        assert taken <= (number + 1) * held


def test_the_same_rows_give_the_same_bytes() -> None:
    page = rows(np.stack([ODD, ODD, ODD], axis=1))
    for form in FORMATS:
        assert written(form, page) == written(form, page)
