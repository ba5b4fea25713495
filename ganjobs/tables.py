"""Metrics as tables of pandas or Arrow."""

from io import BytesIO
from typing import Any, Literal

from ganjobs.effects import Json
from ganjobs.extras import need
from ganjobs.rows import NOT_FINITE

# By name, ``step`` first: integers there, and elsewhere what the API has for a number.
Columns = dict[str, list[Any]]
TableFormat = Literal["pandas", "arrow"]
STEP = "step"


def of_rows(columns: Columns, form: TableFormat) -> Any:
    """Rows as a ``pandas.DataFrame`` with the steps as its index, or as a ``pyarrow.Table``; values are float32, as
    they are recorded."""
    values = {name: _numbers(column) for name, column in columns.items()}
    if form == "arrow":
        arrow = _arrow()
        types = {name: arrow.int64() if name == STEP else arrow.float32() for name in values}
        return arrow.table({name: arrow.array(column, types[name]) for name, column in values.items()})
    pandas = _pandas()
    index = pandas.Index(values.pop(STEP, []), dtype="int64", name=STEP)
    return pandas.DataFrame(values, index=index, dtype="float32")


def of_parquet(content: bytes, form: TableFormat) -> Any:
    """A Parquet file of the API as either; both as ``of_rows`` makes them."""
    parquet = need("pyarrow.parquet", "reading an export")
    table = parquet.read_table(BytesIO(content)).replace_schema_metadata(None)
    if form == "arrow":
        return table
    _pandas()
    return table.to_pandas().set_index(STEP)


def of_buckets(curve: Json, form: TableFormat) -> Any:
    """A curve as a ``pandas.DataFrame`` with columns ``(metric, min | max | mean | last | non_finite)`` and the last
    step of each bucket as its index; as a ``pyarrow.Table`` with columns ``metric.mean`` and so on behind ``step``."""
    parts = {
        (metric, kind): _numbers(values)
        for metric, kinds in curve["columns"].items()
        if kinds is not None
        for kind, values in kinds.items()
    }
    steps = curve["last_step"]
    if form == "arrow":
        arrow = _arrow()
        return arrow.table({STEP: steps} | {".".join(names): values for names, values in parts.items()})
    pandas = _pandas()
    index = pandas.Index(steps, dtype="int64", name=STEP)
    columns = pandas.MultiIndex.from_tuples(list(parts), names=("metric", "of"))
    return pandas.DataFrame(dict(enumerate(parts.values())), index=index).set_axis(columns, axis="columns")


def _numbers(values: list[Any]) -> list[Any]:
    return [NOT_FINITE[value] if isinstance(value, str) else value for value in values]


def _pandas() -> Any:
    return need("pandas", "a table of pandas")


def _arrow() -> Any:
    return need("pyarrow", "a table of Arrow")
