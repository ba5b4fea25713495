"""Roll-ups: summaries of 32, 128, 512 … steps, kept as blocks of rows are written, so that a curve of any length is
read from about as many buckets as are drawn. Queries take a session and never commit.

What one costs: about 200 bytes a bucket for nine metrics, so some 15 % of what the rows take.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from models import bulk
from models.summaries import Summaries, bucket_of, empty, joined
from models.tables import Rollup

Key = tuple[int, int]
# Steps in a bucket of each level. The lowest is what a bucket must hold to take less room than its rows.
WIDTHS = tuple(32 * 4**level for level in range(6))
PACKED = {"minimum": "<f4", "maximum": "<f4", "total": "<f8", "last": "<f4", "non_finite": "<i4"}
TABLE = cast(Table, Rollup.__table__)
COLUMNS = tuple(TABLE.columns)


# Built once: blocks are written while a network trains, and putting a statement together takes longer than running it.
_PACKED = (TABLE.c[name] for name in PACKED)
_SELECT = select(TABLE.c.level, TABLE.c.first_step, TABLE.c.last_step, TABLE.c.count, *_PACKED)
_ONE_OF_EACH_LEVEL = and_(
    TABLE.c.job_number == bindparam("job"),
    TABLE.c.segment == bindparam("segment"),
    or_(
        *(and_(TABLE.c.level == level, TABLE.c.bucket == bindparam(f"bucket_{level}")) for level in range(len(WIDTHS)))
    ),
)
FIND_BUCKETS = _SELECT.where(_ONE_OF_EACH_LEVEL)
DELETE_BUCKETS = delete(TABLE).where(_ONE_OF_EACH_LEVEL)


def add(session: Session, key: Key, rows: Summaries) -> None:
    """Take in new rows (each a bucket of its own), which follow those that are there, at every level."""
    contributions = []
    finer = rows
    for width in WIDTHS:
        finer = finer.merged(bucket_of(finer.first_step, width))
        contributions.append(finer)
    begun = _take_out(session, key, [bucket_of(int(rows.first_step[0]), width) for width in WIDTHS])
    for level, new in enumerate(contributions):
        if level in begun:
            both = joined([begun[level], new])
            contributions[level] = both.merged(bucket_of(both.first_step, WIDTHS[level]))
    _insert(session, key, contributions)


def rewind(session: Session, key: Key, step: int, rows: Summaries) -> None:
    """Forget what came after ``step``. ``rows`` are those that are left of the lowest level's bucket of ``step``: each
    level's bucket is made anew of the level below."""
    session.execute(delete(Rollup).where(_mine(key), Rollup.first_step > step))
    if not len(rows):
        return
    _take_out(session, key, [bucket_of(step, width) for width in WIDTHS])
    finer = rows
    for level, width in enumerate(WIDTHS):
        _insert(session, key, [finer.merged(bucket_of(finer.first_step, width))], level)
        if level + 1 < len(WIDTHS):
            start = bucket_of(step, WIDTHS[level + 1]) * WIDTHS[level + 1] + 1
            finer = read(session, key, level, start, step, rows.last.shape[1])


def archive(session: Session, key: Key, step: int, segment: int, rows: Summaries) -> None:
    """Make what came after ``step`` that of another, empty segment of the same job. ``rows`` are those after ``step``
    in the lowest level's bucket of the step behind it. Buckets with rows of both sides are made anew for the other
    segment, each of the level below, and left here as they were, for ``rewind`` to mend."""
    session.execute(update(TABLE).where(_mine(key), TABLE.c.first_step > step).values(segment=segment))
    moved = (key[0], segment)
    buckets = [bucket_of(step + 1, width) for width in WIDTHS]
    is_whole = _find(session, moved, buckets)
    for level, width in enumerate(WIDTHS):
        if level in is_whole:
            continue
        finer = rows
        if level:
            finer = read(session, moved, level - 1, step + 1, (buckets[level] + 1) * width, rows.last.shape[1])
        _insert(session, moved, [finer.merged(bucket_of(finer.first_step, width))], level)


def read(session: Session, key: Key, level: int, from_step: int, to_step: int, metrics: int) -> Summaries:
    """A level's buckets between two steps, both included, by step, of so many ``metrics`` each."""
    if to_step < from_step:
        return empty(metrics)
    width = WIDTHS[level]
    within = Rollup.bucket.between(bucket_of(from_step, width), bucket_of(to_step, width))
    query = _SELECT.where(_mine(key), Rollup.level == level, within).order_by(Rollup.bucket)
    return _decoded([row[1:] for row in session.execute(query)], metrics)


def _find(session: Session, key: Key, buckets: Sequence[int]) -> dict[int, Summaries]:
    """One bucket of each level, those that are there."""
    found = session.connection().execute(FIND_BUCKETS, _chosen(key, buckets)).all()
    return {row[0]: _decoded([row[1:]], len(row.minimum) // 4) for row in found}


def _take_out(session: Session, key: Key, buckets: Sequence[int]) -> dict[int, Summaries]:
    """Remove one bucket of each level and return those that were there."""
    found = _find(session, key, buckets)
    if found:
        session.connection().execute(DELETE_BUCKETS, _chosen(key, buckets))
    return found


def _chosen(key: Key, buckets: Sequence[int]) -> dict[str, int]:
    return {"job": key[0], "segment": key[1]} | {f"bucket_{level}": bucket for level, bucket in enumerate(buckets)}


def _mine(key: Key) -> ColumnElement[bool]:
    return and_(Rollup.job_number == key[0], Rollup.segment == key[1])


def _decoded(rows: Sequence[Sequence[Any]], metrics: int) -> Summaries:
    if not rows:
        return empty(metrics)
    first, last, count, *packed = zip(*rows, strict=True)
    steps = zip(("first_step", "last_step", "count"), (first, last, count), strict=True)
    arrays: dict[str, Any] = {name: np.array(column, np.int64) for name, column in steps}
    nothing = bytes(metrics * 4)  # most buckets hold nothing that is not finite: then that cell is null
    for (name, kind), cells in zip(PACKED.items(), packed, strict=True):
        arrays[name] = np.frombuffer(b"".join(cell or nothing for cell in cells), kind).reshape(-1, metrics)
    return Summaries(**arrays)


def _insert(session: Session, key: Key, levels: Iterable[Summaries], lowest: int = 0) -> None:
    rows: list[tuple[Any, ...]] = []
    for level, summaries in enumerate(levels, lowest):
        whole = (summaries.first_step, summaries.last_step, summaries.count)
        counts = zip(bucket_of(summaries.first_step, WIDTHS[level]).tolist(), *(c.tolist() for c in whole), strict=True)
        packed = zip(*(_cells(summaries, name, kind) for name, kind in PACKED.items()), strict=True)
        rows += [(*key, level, *numbers, *cells) for numbers, cells in zip(counts, packed, strict=True)]
    bulk.insert(session, TABLE, COLUMNS, rows)


def _cells(summaries: Summaries, name: str, kind: str) -> list[bytes | None]:
    values = getattr(summaries, name)
    cells: list[bytes | None] = list(bulk.cells(values, kind))
    if name == "non_finite":
        cells = [cell if some else None for cell, some in zip(cells, values.any(axis=1).tolist(), strict=True)]
    return cells
