"""Rows of steps take half the room: the losses as they are, the other metrics packed; and roll-ups of them.

What is stored is carried over, roll-ups included. Values came from float32 arithmetic, so packing loses nothing.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

# Arithmetic alone, which no later change of a table bears upon.
from models.summaries import Summaries, bucket_of, empty, joined

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
METRICS = (
    "d_loss",
    "g_loss",
    "total_loss",
    "d_real",
    "d_fake",
    "d_real_logit",
    "d_fake_logit",
    "d_grad_norm",
    "g_grad_norm",
)
WIDTHS = tuple(32 * 4**level for level in range(6))
PACKED = {"minimum": "<f4", "maximum": "<f4", "total": "<f8", "last": "<f4", "non_finite": "<i4"}
AT_ONCE = 8192


def keys() -> list[sa.Column[Any]]:
    return [
        sa.Column("job_number", COUNTER, sa.ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
    ]


def step() -> sa.Column[Any]:
    return sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False)


def create(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return op.create_table(name, *keys(), *columns, sa.PrimaryKeyConstraint(*primary(columns)), sqlite_with_rowid=False)


def primary(columns: tuple[sa.Column[Any], ...]) -> list[str]:
    names = {column.name for column in columns}
    return ["job_number", "segment", *(name for name in ("level", "bucket", "step") if name in names)]


def packed_metrics() -> list[sa.Column[Any]]:
    losses: list[sa.Column[Any]] = [sa.Column(name, sa.REAL()) for name in METRICS[:2]]
    return [step(), *losses, sa.Column("others", sa.LargeBinary(), nullable=False)]


def wide_metrics() -> list[sa.Column[Any]]:
    values: list[sa.Column[Any]] = [sa.Column(name, sa.Double()) for name in METRICS]
    return [step(), *values, sa.Column("nan_mask", sa.SmallInteger(), nullable=False)]


def rollups() -> list[sa.Column[Any]]:
    numbers = [
        sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)
        for name in ("bucket", "first_step", "last_step", "count")
    ]
    level = sa.Column("level", sa.Integer(), nullable=False)
    return [level, *numbers, *(sa.Column(name, sa.LargeBinary(), nullable=name == "non_finite") for name in PACKED)]


def upgrade() -> None:
    op.add_column("jobs", sa.Column("metric_names", sa.JSON(none_as_null=True)))
    narrow = create("metrics_packed", *packed_metrics())
    rolled = create("rollups", *rollups())
    wide = sa.table("metrics", *(sa.column(name) for name in ("job_number", "segment", "step", *METRICS, "nan_mask")))
    jobs = sa.table("jobs", sa.column("number"), sa.column("metric_names", sa.JSON()))
    connection = op.get_bind()
    for number, segment in connection.execute(sa.select(wide.c.job_number, wide.c.segment).distinct()).all():
        columns = recorded(connection, wide, number)
        names = [METRICS[column] for column in columns]
        connection.execute(jobs.update().where(jobs.c.number == number).values(metric_names=names))
        open_buckets = [empty(len(columns)) for _ in WIDTHS]
        for steps, values in blocks(connection, wide, (number, segment)):
            values = values[:, columns]
            connection.execute(narrow.insert(), pack((number, segment), steps, values))
            for level, width in enumerate(WIDTHS):
                both = joined([open_buckets[level], Summaries.of_rows(steps, values)])
                both = both.merged(bucket_of(both.first_step, width))
                # The last one may go on in the next block.
                insert(connection, rolled, (number, segment), level, both.between(0, len(both) - 1))
                open_buckets[level] = both.between(len(both) - 1, len(both))
        for level, summaries in enumerate(open_buckets):
            insert(connection, rolled, (number, segment), level, summaries)
    swap("metrics_packed")


def recorded(connection: sa.Connection, wide: sa.TableClause, number: int) -> list[int]:
    """Which metrics the job has recorded: those with a value, or a NaN, in any row; the losses always."""
    masks = [(wide.c[name].is_not(None)) | (wide.c.nan_mask.op("&")(1 << bit) != 0) for bit, name in enumerate(METRICS)]
    counts = [sa.func.sum(sa.case((mask, 1), else_=0)) for mask in masks]
    found = connection.execute(sa.select(*counts).where(wide.c.job_number == number)).one()
    return [column for column, count in enumerate(found) if count or column < 2]


def blocks(connection: sa.Connection, wide: sa.TableClause, key: tuple[int, int]) -> Iterator[tuple[Any, Any]]:
    """The rows of ``key``, by step: steps (n,) and values (n, metrics), null and NaN alike as NaN."""
    after = 0
    while True:
        query = sa.select(wide.c.step, *(wide.c[name] for name in METRICS))
        query = query.where(wide.c.job_number == key[0], wide.c.segment == key[1], wide.c.step > after)
        rows = connection.execute(query.order_by(wide.c.step).limit(AT_ONCE)).all()
        if not rows:
            return
        steps, *values = zip(*rows, strict=True)
        yield np.array(steps, np.int64), np.array(values, np.float64).T.astype("<f4")
        after = steps[-1]


def pack(key: tuple[int, int], steps: Any, values: Any) -> list[dict[str, Any]]:
    rest = np.ascontiguousarray(values[:, 2:])
    return [
        {"job_number": key[0], "segment": key[1], "step": step, "d_loss": d, "g_loss": g, "others": others.tobytes()}
        for step, (d, g), others in zip(steps.tolist(), values[:, :2].tolist(), rest, strict=True)
    ]


def insert(connection: sa.Connection, rolled: sa.Table, key: tuple[int, int], level: int, found: Summaries) -> None:
    if len(found):
        connection.execute(rolled.insert(), encode(key, level, found))


def encode(key: tuple[int, int], level: int, summaries: Summaries) -> list[dict[str, Any]]:
    numbers = ("first_step", "last_step", "count")
    return [
        {
            "job_number": key[0],
            "segment": key[1],
            "level": level,
            "bucket": int(bucket_of(summaries.first_step[row], WIDTHS[level])),
            **{name: int(getattr(summaries, name)[row]) for name in numbers},
            **{
                name: getattr(summaries, name)[row].astype(kind).tobytes()
                for name, kind in PACKED.items()
                if name != "non_finite"
            },
            "non_finite": summaries.non_finite[row].astype("<i4").tobytes()
            if summaries.non_finite[row].any()
            else None,
        }
        for row in range(len(summaries))
    ]


def swap(replacement: str) -> None:
    op.drop_table("metrics")
    op.rename_table(replacement, "metrics")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {replacement}_pkey RENAME TO metrics_pkey")


def downgrade() -> None:
    wide = create("metrics_wide", *wide_metrics())
    narrow = sa.table("metrics", *(sa.column(n) for n in ("job_number", "segment", "step", *METRICS[:2], "others")))
    jobs = sa.table("jobs", sa.column("number"), sa.column("metric_names", sa.JSON()))
    connection = op.get_bind()
    names: dict[int, list[str]] = dict(tuple(row) for row in connection.execute(sa.select(jobs)))
    for number, segment in connection.execute(sa.select(narrow.c.job_number, narrow.c.segment).distinct()).all():
        after = 0
        query = sa.select(narrow).where(narrow.c.job_number == number, narrow.c.segment == segment)
        while rows := connection.execute(
            query.where(narrow.c.step > after).order_by(narrow.c.step).limit(AT_ONCE)
        ).all():
            connection.execute(wide.insert(), [unpack(row, names[number]) for row in rows])
            after = rows[-1].step
    op.drop_table("rollups")
    swap("metrics_wide")
    op.drop_column("jobs", "metric_names")


def unpack(row: Any, names: list[str]) -> dict[str, Any]:
    nan = float("nan")
    # PostgreSQL gives the shortest digits that mean a float32: as one they are the number that was stored.
    losses = np.array([nan if loss is None else loss for loss in (row.d_loss, row.g_loss)], np.float32).tolist()
    held = dict(zip(names, [*losses, *np.frombuffer(row.others, "<f4").tolist()], strict=True))
    values = {name: None if value != value else value for name, value in held.items() if name in METRICS}
    mask = sum(1 << bit for bit, name in enumerate(METRICS) if held.get(name, 0) != held.get(name, 0))
    columns = {"job_number": row.job_number, "segment": row.segment, "step": row.step}
    return {**columns, **dict.fromkeys(METRICS), **values, "nan_mask": mask}
