"""What was stored before metrics were packed is all there afterwards, with its roll-ups, and goes back as it was."""

import math
import random
from typing import Any

import numpy as np
from sqlalchemy import text
from support.progress import POINTS

from migrations.run import downgrade, upgrade
from models import jobs, metrics
from models.catalogue import METRIC_NAMES
from models.database import Database
from models.spec import JobSpec
from models.tables import Job

STEPS = 9000  # more than are carried over at once
SPECIAL = {5: math.nan, 70: math.inf, 71: -math.inf, 8999: math.nan}


def wide_rows(number: int, total_loss: bool) -> list[dict[str, Any]]:
    """Rows as revision 0002 stores them: null for what is not recorded, and for NaN with its bit in the mask."""
    rows = []
    for step in range(1, STEPS + 1):
        values = {name: float(np.float32(random.Random(f"{name}{step}").gauss(0, 1))) for name in METRIC_NAMES}
        row: dict[str, Any] = {"job_number": number, "segment": 0, "step": step, **values, "nan_mask": 0}
        special = SPECIAL.get(step, 0.0)
        if math.isnan(special):
            row |= {"d_loss": None, "d_grad_norm": None, "nan_mask": 1 | 1 << METRIC_NAMES.index("d_grad_norm")}
        elif special:
            row["g_loss"] = special
        if not total_loss:
            row["total_loss"] = None
        rows.append(row)
    return rows


def stored(database: Database) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM metrics ORDER BY job_number, step"))]


def test_packing_and_unpacking_lose_nothing(database: Database, database_url: str) -> None:
    with database.write() as session:
        made = [jobs.create(session, JobSpec.model_validate(POINTS))[0].number for _ in range(3)]
    downgrade(database_url, "0002")
    statement = (
        f"INSERT INTO metrics (job_number, segment, step, {', '.join(METRIC_NAMES)}, nan_mask) "
        f"VALUES (:job_number, :segment, :step, {', '.join(f':{name}' for name in METRIC_NAMES)}, :nan_mask)"
    )
    with database.engine.begin() as connection:
        for number, total_loss in zip(made, (True, False), strict=False):  # the third has no rows
            connection.execute(text(statement), wide_rows(number, total_loss))
    before = stored(database)
    upgrade(database_url)
    with database.read() as session:
        full, without_total, bare = (session.get_one(Job, number) for number in made)
        assert full.metric_names == list(METRIC_NAMES)
        assert without_total.metric_names == [name for name in METRIC_NAMES if name != "total_loss"]
        assert bare.metric_names is None
        rows = metrics.read_rows(session, full, METRIC_NAMES, limit=STEPS)
        assert rows.steps.tolist() == list(range(1, STEPS + 1))
        assert math.isnan(rows.values[4, 0])
        assert [rows.values[step - 1, 1] for step in (70, 71)] == [math.inf, -math.inf]
        for job in (full, without_total):
            names = job.metric_names or []
            every = metrics.read_rows(session, job, names, limit=STEPS)
            found = metrics.read_buckets(session, job, names, 40).summaries
            finite = np.where(np.isfinite(every.values), every.values, 0).astype(np.float64)
            assert (found.first_step[0], found.last_step[-1], found.count.sum()) == (1, STEPS, STEPS)
            np.testing.assert_allclose(found.total.sum(axis=0), finite.sum(axis=0), rtol=1e-9)
            assert found.non_finite.sum(axis=0).tolist() == (~np.isfinite(every.values)).sum(axis=0).tolist()
    downgrade(database_url, "0002")
    assert stored(database) == before
