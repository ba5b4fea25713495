"""The list of jobs is light however long it is."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update
from support.browsing import Watched
from support.watched import many_jobs

from models.database import Database, database_now
from models.tables import Job

MANY = 500
# Far fewer than there are jobs, and more than a window holds.
MOST_ROWS = 60


@pytest.fixture(scope="module")
def sweep(database: Database) -> list[str]:
    made = many_jobs(database, MANY)
    with database.write() as session:  # what changed in the last seconds is told once more
        session.execute(update(Job).values(changed_at=database_now(-60)))
    return made


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="Jobs")


def test_five_hundred_jobs_are_few_rows(page: Page, watched: Watched, sweep: list[str]) -> None:
    page.goto("/?q=sweep")
    rows = table(page).get_by_role("row")
    expect(rows.nth(1)).to_be_visible()
    expect(table(page)).to_have_attribute("aria-rowcount", str(MANY + 1))
    seen: set[str] = set()
    for _ in range(200):
        assert rows.count() <= MOST_ROWS
        names = table(page).locator(".cell-name a").all_inner_texts()
        if not set(names) - seen and "sweep 0" in seen:
            break
        seen.update(names)
        page.mouse.wheel(0, 700)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert seen == {f"sweep {index}" for index in range(MANY)}
    curves = [url for url in watched.requested if "/v1/curves" in url]
    assert len(curves) <= MANY / 4, "the curves of many jobs come in one answer"
    assert not [url for url in watched.requested if re.search(r"/v1/jobs/\w+(/metrics)?$", url)]


def test_what_has_not_changed_is_not_sent_again(page: Page, sweep: list[str]) -> None:
    with page.expect_response(re.compile("/v1/summaries.*changed_since")):
        page.goto("/")
    with page.expect_response(re.compile("/v1/summaries.*changed_since")) as answered:
        pass
    assert len(answered.value.json()["data"]) < MANY / 10
