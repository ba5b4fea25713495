"""A job as it trains: its points arrive, and it does what its buttons say."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect
from support.browsing import Charts, Watched
from support.serving import wait_for_end, wait_until
from support.watched import finished_job

from ganjobs.rest import Rest
from models.database import Database

PATIENCE = 60


def state(page: Page) -> Locator:
    return page.locator(".job-name .badge")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_points_arrive_by_the_stream(page: Page, watched: Watched, start: Callable[..., str]) -> None:
    job_id = start()
    page.goto(f"/jobs/{job_id}")
    charts = Charts(page).wait()
    expect(page.get_by_test_id("connection")).to_have_text("live")
    wait_until(lambda: charts.figure("last-step") > 100, PATIENCE, "the first hundred steps")
    asked, points = curves_asked_for(watched), charts.figure("points")
    goal = charts.figure("last-step") + 300
    wait_until(lambda: charts.figure("last-step") > goal, PATIENCE, "three hundred more")
    assert charts.figure("points") > points
    assert curves_asked_for(watched) == asked
    assert len([url for url in watched.requested if "/stream" in url]) == 1
    expect(page.get_by_role("progressbar", name="Progress", exact=True)).to_be_visible()
    expect(page.get_by_role("status", name="Connection")).to_have_text(re.compile("live"))


def curves_asked_for(watched: Watched) -> int:
    return len([url for url in watched.requested if "/metrics?" in url or url.endswith("/metrics")])


def test_new_samples_are_followed(page: Page, start: Callable[..., str]) -> None:
    page.goto(f"/jobs/{start(sample_every=50)}")
    shown = page.locator(".sample-caption strong")
    expect(shown).to_have_text(re.compile(r"Step [\d,]+"))
    before = shown.inner_text()
    expect(shown).not_to_have_text(before)
    expect(page.get_by_text("Following the newest")).to_be_visible()


def test_a_job_is_paused_resumed_and_cancelled(page: Page, client: Rest, start: Callable[..., str]) -> None:
    job_id = start()
    page.goto(f"/jobs/{job_id}")
    charts = Charts(page)
    wait_until(lambda: charts.figure("last-step") > 0, PATIENCE, "the first steps")
    button(page, "Pause").click()
    expect(state(page)).to_have_text("paused")
    assert client.get(job_id)["status"] == "paused"
    expect(button(page, "Pause")).to_have_count(0)
    paused_at = client.get(job_id)["step"]
    expect(charts.group).to_have_attribute("data-last-step", str(paused_at))
    button(page, "Resume").click()
    expect(state(page)).to_have_text("running")
    wait_until(lambda: charts.figure("last-step") > paused_at, PATIENCE, "steps after the pause")
    button(page, "Cancel …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert client.get(job_id)["finished_at"] is None
    button(page, "Cancel …").click()
    dialog.get_by_role("button", name="Cancel the job").click()
    expect(state(page)).to_have_text("cancelled")
    assert wait_for_end(client, job_id)["status"] == "cancelled"
    # The state says it.
    expect(page.get_by_test_id("connection")).to_have_count(0)


def test_a_job_is_forked_with_a_change(page: Page, client: Rest, trained_job: str) -> None:
    page.goto(f"/jobs/{trained_job}")
    page.get_by_role("link", name="Fork", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^Fork"))).to_be_visible()
    page.get_by_role("combobox", name=re.compile("^Checkpoint")).select_option("30")
    page.locator("#root_batch_size").fill("8")
    differs = page.get_by_role("region", name="What will differ")
    expect(differs).to_contain_text("batch_size")
    button(page, "Fork the job").click()
    expect(page).to_have_url(re.compile(r"/jobs/job_\w+$"))
    expect(page.get_by_text("Forked from", exact=True)).to_be_visible()
    expect(page.locator(".facts").get_by_role("link", name="trained")).to_have_attribute("href", f"/jobs/{trained_job}")
    made = client.get(page.url.rsplit("/", 1)[1])
    assert made["origin"]["job_id"] == trained_job
    assert (made["origin"]["step"], made["spec"]["batch_size"]) == (30, 8)
    assert wait_for_end(client, made["id"])["status"] == "succeeded"
    expect(state(page)).to_have_text("succeeded")


def test_a_job_is_deleted(page: Page, database: Database) -> None:
    finished_job(database, "to be deleted", 50, sampled=1)
    page.goto("/")
    row = page.get_by_role("link", name="to be deleted", exact=True)
    row.click()
    button(page, "Delete …").click()
    page.get_by_role("button", name="Delete the job").click()
    expect(page.get_by_role("table", name="Jobs")).to_be_visible()
    expect(row).to_have_count(0)


def test_what_a_job_left_is_there_to_read(page: Page, trained_job: str) -> None:
    page.goto(f"/jobs/{trained_job}")
    tabs = {"Events": "job.succeeded", "Log": "", "Spec": "hidden_sizes", "Checkpoints": "60", "Evaluations": ""}
    for name, words in tabs.items():
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel", name=name)).to_contain_text(words)
        expect(page.get_by_role("tabpanel", name=name)).not_to_be_empty()
