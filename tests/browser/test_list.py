"""The list of jobs: filtered, ordered, live."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect
from support.serving import wait_for_end
from support.watched import finished_job

from ganjobs.rest import Rest
from models.database import Database
from models.status import JobStatus


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="Jobs")


def row(page: Page, name: str) -> Locator:
    return table(page).get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_a_row_says_how_its_job_goes(page: Page, long_job: str) -> None:
    page.goto("/?q=with+a+spike")
    found = row(page, "with a spike")
    expect(found).to_contain_text("succeeded")
    expect(found).to_contain_text("balanced")
    expect(found).to_contain_text("20,000 / 20,000")
    expect(found.get_by_role("img", name=re.compile("^Newest sample of with a spike"))).to_be_visible()
    expect(found.get_by_role("img", name=re.compile("^Losses so far: discriminator now 1.38"))).to_be_visible()
    found.get_by_role("link", name="with a spike").click()
    expect(page).to_have_url(re.compile(f"/jobs/{long_job}"))


def test_a_new_job_comes_by_itself_and_goes_on(page: Page, client: Rest, start: Callable[..., str]) -> None:
    page.goto("/")
    expect(table(page)).to_be_visible()
    job_id = start(name="just come")
    found = row(page, "just come")
    expect(found).to_contain_text("running")
    # Newest first.
    expect(table(page).get_by_role("row").nth(1)).to_contain_text("just come")
    client.cancel(job_id)
    expect(found).to_contain_text("cancelled")


def test_a_deleted_job_goes(page: Page, client: Rest, database: Database) -> None:
    page.clock.install()
    job_id = finished_job(database, "soon gone", 50, sampled=1)
    page.goto("/")
    expect(row(page, "soon gone")).to_be_visible()
    client.delete(job_id)
    page.clock.fast_forward("01:30")
    expect(row(page, "soon gone")).to_have_count(0)


def test_filters_narrow_the_list(page: Page, database: Database, long_job: str) -> None:
    finished_job(database, "amiss", 50, sampled=1, status=JobStatus.FAILED)
    page.goto("/")
    expect(row(page, "amiss")).to_be_visible()
    failed = page.get_by_role("button", name=re.compile("^failed"))
    failed.click()
    expect(page).to_have_url(re.compile("state=failed"))
    expect(row(page, "with a spike")).to_have_count(0)
    expect(row(page, "amiss")).to_be_visible()
    page.get_by_label("Search by name, id, kind or metadata").fill("spike")
    expect(page.get_by_text("No job is like that.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(row(page, "amiss")).to_be_visible()
    page.go_back()
    expect(failed).to_have_attribute("aria-pressed", "true")


def test_the_order_is_chosen(page: Page, long_job: str, other_job: str) -> None:
    page.goto("/?q=watched&order=name")
    expect(row(page, "with a spike")).to_be_visible()
    names = [each.lower() for each in table(page).locator(".cell-name a").all_inner_texts()]
    assert names == sorted(names)
    page.get_by_label("Order").select_option("Newest first")
    expect(page).not_to_have_url(re.compile("order="))


def test_workers_are_seen_at_work(page: Page, client: Rest, start: Callable[..., str]) -> None:
    job_id = start(name="at work")
    page.goto("/workers")
    expect(page.get_by_role("link", name="at work")).to_be_visible()
    expect(page.get_by_role("list", name="Devices").first).to_be_visible()
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
    client.cancel(job_id)
    wait_for_end(client, job_id)
    expect(page.get_by_text("0 of 1", exact=True)).to_be_visible()
