"""Rows of metrics as NDJSON, CSV and Parquet, page by page. Numbers are written by Arrow, a column at a time: as the
shortest text that gives the same float32 again."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models import catalogue
from models.metrics import Rows
from models.summaries import Values

STEP = "step"
# Rows in a row group of a Parquet file, which is what has to be held at once: 2.6 MB of nine metrics.
ROW_GROUP = 65_536
UNITS = {facts.name: facts.unit for facts in catalogue.ALL_METRICS}


@dataclass(frozen=True)
class Columns:
    """The columns of an export after ``step``: their ``names``, and which of them the job records; the others are
    empty. ``metadata`` says what the export is of."""

    names: Sequence[str]
    recorded: Sequence[bool]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Words:
    """How a format writes what is no finite number, and what was not recorded."""

    not_a_number: str
    infinity: str
    minus_infinity: str
    nothing: str


CSV_WORDS = Words("NaN", "inf", "-inf", "")
# JSON has no such numbers: they travel as they do everywhere in this API (``models.metrics.jsonable``).
JSON_WORDS = Words('"NaN"', '"Infinity"', '"-Infinity"', "null")


def csv(columns: Columns, pages: Iterable[Rows]) -> Iterator[bytes]:
    """A line of names, then one per step; an empty field was not recorded."""
    yield (",".join((STEP, *columns.names)) + "\n").encode()
    between = ["", *[","] * len(columns.names), "\n"]
    for page in pages:
        yield _lines(page, columns, between, CSV_WORDS)


def ndjson(columns: Columns, pages: Iterable[Rows]) -> Iterator[bytes]:
    """One JSON object per step and line; ``null`` was not recorded."""
    between = [f'{{"{STEP}":', *(f',"{name}":' for name in columns.names), "}\n"]
    for page in pages:
        yield _lines(page, columns, between, JSON_WORDS)


def _lines(page: Rows, columns: Columns, between: Sequence[str], words: Words) -> bytes:
    """The lines of a page: its columns' texts with ``between`` before, between and after them."""
    parts: list[pa.StringArray | str] = [between[0], pa.array(page.steps).cast(pa.string())]
    for index, is_recorded in enumerate(columns.recorded):
        parts += [between[index + 1], _written(page.values[:, index], words) if is_recorded else words.nothing]
    lines = pc.binary_join_element_wise(*parts, between[-1], "")
    text: bytes = lines.buffers()[2].to_pybytes()  # one line lies after the other, with nothing between
    return text


def _written(values: Values, words: Words) -> pa.StringArray:
    text = pa.array(values).cast(pa.string())
    finite = np.isfinite(values)
    if finite.all():
        return text
    infinite = np.where(values > 0, words.infinity, words.minus_infinity)
    return pc.if_else(pa.array(finite), text, pa.array(np.where(np.isnan(values), words.not_a_number, infinite)))


class _Sink(io.RawIOBase):
    """Takes what a writer writes, to be handed on piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What has come since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def parquet(columns: Columns, pages: Iterable[Rows]) -> Iterator[bytes]:
    """A Parquet file: ``step`` as int64, metrics as float32. NaN is a value; null was not recorded. The schema's
    metadata are those of ``columns``, each field's its unit."""
    schema = parquet_schema(columns)
    sink = _Sink()
    # No dictionary: few values come twice. Steps that follow each other take no room as differences.
    options = {"compression": "zstd", "use_dictionary": False, "column_encoding": {STEP: "DELTA_BINARY_PACKED"}}
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, **options) as writer:
        for group in _grouped(pages, ROW_GROUP):
            batches = [_batch(page, columns, schema) for page in group]
            writer.write_table(pa.Table.from_batches(batches), row_group_size=ROW_GROUP)
            yield sink.take()
    yield sink.take()


def parquet_schema(columns: Columns) -> pa.Schema:
    units = [{"unit": UNITS[name]} if name in UNITS else None for name in columns.names]
    fields = [pa.field(name, pa.float32(), metadata=unit) for name, unit in zip(columns.names, units, strict=True)]
    return pa.schema([pa.field(STEP, pa.int64(), nullable=False), *fields], metadata=dict(columns.metadata))


def _batch(page: Rows, columns: Columns, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(page.steps)]
    for index, is_recorded in enumerate(columns.recorded):
        arrays.append(pa.array(page.values[:, index]) if is_recorded else pa.nulls(len(page), pa.float32()))
    return pa.record_batch(arrays, schema=schema)


def _grouped(pages: Iterable[Rows], rows: int) -> Iterator[list[Rows]]:
    """Pages in groups of about so many rows."""
    group: list[Rows] = []
    for page in pages:
        group.append(page)
        if sum(map(len, group)) >= rows:
            yield group
            group = []
    if group:
        yield group


@dataclass(frozen=True)
class Format:
    """A form an export can take."""

    media_type: str
    write: Callable[[Columns, Iterable[Rows]], Iterator[bytes]]


FORMATS = {
    "ndjson": Format("application/x-ndjson", ndjson),
    "csv": Format("text/csv; charset=utf-8", csv),
    "parquet": Format("application/vnd.apache.parquet", parquet),
}


def metadata_of(job_id: str, segment: int, spec: Mapping[str, object]) -> dict[str, str]:
    """What a file says of where it came from."""
    return {"ganjobs.job_id": job_id, "ganjobs.segment": str(segment), "ganjobs.spec": json.dumps(spec)}
