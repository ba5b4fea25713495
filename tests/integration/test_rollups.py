"""Roll-ups equal what is computed of the rows by brute force, whatever was written and taken back before."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from support.progress import queue_job

from models import metrics, rollups
from models.database import Database
from models.rollups import WIDTHS
from models.summaries import Summaries, Values, bucket_of
from models.tables import Job

NAMES = ["d_loss", "g_loss", "d_real"]
KINDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "spike": 1e30}
# A block of so many steps with now and then a value that is not usual, or a return to some share of what there is.
Write = st.tuples(st.integers(1, 400), st.lists(st.sampled_from(sorted(KINDS)), max_size=3), st.integers(0, 2**32 - 1))
Rewind = st.floats(0, 1)
Acts = st.lists(st.one_of(Write, Rewind), min_size=1, max_size=8)


def values_of(act: tuple[int, list[str], int]) -> Values:
    count, kinds, seed = act
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, len(NAMES))).astype(np.float32)
    for kind in kinds:
        values[random.integers(count), random.integers(len(NAMES))] = KINDS[kind]
    return values


def brute_force(first_step: int, values: Values, width: int) -> list[dict[str, list[float]]]:
    """Bucket by bucket and value by value, in plain Python."""
    buckets: dict[int, list[int]] = {}
    for index in range(len(values)):
        buckets.setdefault((first_step + index - 1) // width, []).append(index)
    found = []
    for indices in buckets.values():
        columns = [[float(values[index, column]) for index in indices] for column in range(values.shape[1])]
        finite = [[value for value in column if math.isfinite(value)] for column in columns]
        found.append(
            {
                "first_step": [first_step + indices[0]],
                "last_step": [first_step + indices[-1]],
                "count": [len(indices)],
                "minimum": [min(column, default=math.inf) for column in finite],
                "maximum": [max(column, default=-math.inf) for column in finite],
                "total": [math.fsum(column) for column in finite],
                "last": [column[-1] for column in columns],
                "non_finite": [len(column) - len(some) for column, some in zip(columns, finite, strict=True)],
            }
        )
    return found


def assert_same(found: Summaries, expected: list[dict[str, list[float]]]) -> None:
    assert len(found) == len(expected)
    for field in fields(found):
        wanted = np.array([each[field.name] for each in expected], np.float64)
        got = np.asarray(getattr(found, field.name), np.float64).reshape(wanted.shape)
        tolerance = {"rtol": 1e-9, "atol": 1e-9} if field.name == "total" else {"rtol": 0, "atol": 0}
        np.testing.assert_allclose(got, wanted, err_msg=field.name, **tolerance)


def perform(session: Session, job: Job, acts: list[object], start: int) -> Values:
    """Do what is asked for, in one segment that begins after step ``start``; returns the rows that must be there."""
    key = (job.number, job.segment)
    held = np.empty((0, len(NAMES)), np.float32)
    for act in acts:
        if isinstance(act, tuple):
            block = values_of(act)
            metrics.write_block(session, key, start + len(held) + 1, block)
            held = np.concatenate([held, block])
        else:
            kept = int(act * len(held))  # type: ignore[call-overload]
            assert metrics.rewind(session, key, start + kept) == len(held) - kept
            held = held[:kept]
    return held


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=Acts, start=st.sampled_from([0, 0, 7, 32, 5000]), data=st.data())
def test_every_level_and_every_curve_is_what_the_rows_say(
    database: Database, acts: list[object], start: int, data: st.DataObject
) -> None:
    job_id = queue_job(database)
    with database.write() as session:
        job = session.query(Job).filter_by(id=job_id).one()
        job.metric_names = NAMES
        held = perform(session, job, acts, start)
        for level, width in enumerate(WIDTHS):
            found = rollups.read(session, (job.number, 0), level, 1, start + len(held) + 1, len(NAMES))
            assert_same(found, brute_force(start + 1, held, width))
        if not len(held):
            return
        lowest = data.draw(st.integers(0, start + len(held)))
        highest = data.draw(st.integers(max(lowest, start + 1), start + len(held) + 5))
        points = data.draw(st.integers(2, 60))
        curve = metrics.read_buckets(session, job, NAMES, points, lowest, highest)
        first, last = max(lowest, start + 1), min(highest, start + len(held))
        rows = held[first - start - 1 : last - start]
        assert_same(curve.summaries, brute_force(first, rows, curve.width))
        assert len(curve.summaries) <= points
        assert curve.width == 1 or bucket_of(last, curve.width // 2) - bucket_of(first, curve.width // 2) >= points


@pytest.mark.parametrize("step", [0, 1, 31, 32, 33, 100])
def test_rows_can_follow_a_rewind(database: Database, step: int) -> None:
    job_id = queue_job(database)
    with database.write() as session:
        job = session.query(Job).filter_by(id=job_id).one()
        job.metric_names = NAMES
        key, values = (job.number, 0), values_of((100, [], 1))
        metrics.write_block(session, key, 1, values)
        metrics.rewind(session, key, step)
        metrics.write_block(session, key, step + 1, values[step:]) if step < 100 else None
        found = metrics.read_buckets(session, job, NAMES, 3).summaries
    assert_same(found, brute_force(1, values, 64))
