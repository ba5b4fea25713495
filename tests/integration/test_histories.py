"""Whole histories read page by page, on both databases: of one moment, or seen to have changed."""

from collections.abc import Iterator

import pytest
from support.histories import ROWS, delete, go_back, train_on, trained

from api import export
from models import histories
from models.database import Database
from models.histories import History, HistoryChanged
from models.metrics import Rows
from models.tables import Job


def history_of(database: Database, job: Job) -> History:
    with database.read() as session:
        return histories.begin(session, job)


def steps_of(pages: Iterator[Rows]) -> list[int]:
    return [int(step) for page in pages for step in page.steps]


def test_rows_that_come_meanwhile_do_not_belong_to_it(database: Database) -> None:
    job, lease = trained(database)
    pages = export.pages_of(database, history_of(database, job))
    first = next(pages)
    train_on(database, job, lease, ROWS + 1, ROWS + 100)
    assert [*first.steps.tolist(), *steps_of(pages)] == list(range(1, ROWS + 1))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_connection_waits_between_two_pages(database: Database) -> None:
    job, _ = trained(database)
    for _ in export.pages_of(database, history_of(database, job)):
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("back_to", [1000, 4999])
def test_a_rewind_breaks_it_off(database: Database, back_to: int) -> None:
    """Whether what is gone has been handed on or not."""
    job, lease = trained(database)
    pages = export.pages_of(database, history_of(database, job))
    next(pages)
    go_back(database, job, lease, back_to)
    with pytest.raises(HistoryChanged, match="went back to a checkpoint"):
        next(pages)


def test_so_does_one_whose_rows_have_come_again(database: Database) -> None:
    job, lease = trained(database)
    pages = export.pages_of(database, history_of(database, job))
    next(pages)
    go_back(database, job, lease, 1000)
    train_on(database, job, lease, 1001, ROWS + 1)
    with pytest.raises(HistoryChanged):
        next(pages)
    assert steps_of(export.pages_of(database, history_of(database, job))) == list(range(1, ROWS + 2))


def test_a_rewind_of_later_rows_changes_nothing(database: Database) -> None:
    job, lease = trained(database)
    pages = export.pages_of(database, history_of(database, job))
    first = next(pages)
    train_on(database, job, lease, ROWS + 1, ROWS + 10)
    go_back(database, job, lease, ROWS)
    assert [*first.steps.tolist(), *steps_of(pages)] == list(range(1, ROWS + 1))


def test_a_job_that_is_deleted_breaks_it_off(database: Database) -> None:
    job, lease = trained(database)
    pages = export.pages_of(database, history_of(database, job))
    next(pages)
    delete(database, job, lease)
    with pytest.raises(HistoryChanged, match="gone"):
        next(pages)
