"""Jobs with long histories, and what may happen to them while they are read."""

from support.progress import finish, record, running_job

from models import jobs, leases
from models.database import Database
from models.leases import Lease
from models.tables import Job

ROWS = 5000  # a few pages of an export


def trained(database: Database, rows: int = ROWS) -> tuple[Job, Lease]:
    """A running job whose d_loss is the step and whose g_loss is minus that, the one of step 2 NaN."""
    job, lease = running_job(database, steps=100_000)
    train_on(database, job, lease, 1, rows)
    with database.read() as session:
        found = jobs.get(session, job.id)
        assert found is not None
        return found, lease


def train_on(database: Database, job: Job, lease: Lease, first: int, last: int) -> None:
    values = [
        [float(step), float("nan") if step == 2 else -float(step), *[None] * 7] for step in range(first, last + 1)
    ]
    record(database, job, lease, first, values)


def go_back(database: Database, job: Job, lease: Lease, step: int) -> None:
    with database.write() as session:
        leases.rewind(session, lease, job.segment, step)


def delete(database: Database, job: Job, lease: Lease) -> None:
    finish(database, lease)
    with database.write() as session:
        found = jobs.get(session, job.id)
        assert found is not None
        jobs.delete_job(session, found)
