"""Jobs beside each other: chosen in the list, their curves in one chart, and what differs in their specs."""

import re

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def compared(page: Page, long_job: str, other_job: str, trained_job: str) -> Page:
    page.goto(f"/compare?jobs={long_job},{other_job},{trained_job}")
    expect(page.get_by_role("img", name=re.compile("^D loss of 3 jobs"))).to_be_visible()
    return page


def test_two_jobs_of_the_list_are_compared(page: Page, long_job: str, other_job: str) -> None:
    page.goto("/")
    page.get_by_role("checkbox", name="Compare with a spike").check()
    page.get_by_label("Search by name, id, kind or metadata").fill("another")
    page.get_by_role("checkbox", name="Compare another one").check()
    page.get_by_role("link", name="Compare 2 jobs").click()
    expect(page).to_have_url(re.compile(f"/compare\\?jobs={long_job},{other_job}"))
    expect(page.get_by_role("img", name=re.compile("^D loss of 2 jobs"))).to_be_visible()
    table = page.get_by_role("region", name="Table of the compared jobs")
    expect(table.get_by_role("row", name="steps 20000 4000")).to_be_visible()
    # The name and the length are all that differs.
    expect(table.get_by_role("row", name="Spec: 1 field differs")).to_be_visible()
    expect(table.get_by_role("row", name=re.compile("^batch_size"))).to_have_count(0)
    page.get_by_role("button", name="All fields").click()
    expect(table.get_by_role("row", name=re.compile("^batch_size"))).to_be_visible()


def test_a_metric_is_chosen_and_a_job_taken_out(compared: Page) -> None:
    compared.get_by_role("button", name="D(x)", exact=True).click()
    expect(compared.get_by_role("img", name=re.compile(r"^D\(x\) of 3 jobs"))).to_be_visible()
    compared.get_by_role("button", name="Take trained out of the comparison").click()
    expect(compared.get_by_role("img", name=re.compile(r"^D\(x\) of 2 jobs"))).to_be_visible()
    expect(compared.get_by_role("listitem").filter(has_text="trained")).to_have_count(0)


def test_curves_of_other_lengths_along_the_share_of_each(compared: Page) -> None:
    chart = compared.get_by_role("img", name=re.compile("^D loss of 3 jobs, step 0 to step 20,000"))
    expect(chart).to_be_visible()
    compared.get_by_label("Along").select_option("share of each job")
    expect(compared.get_by_role("img", name=re.compile("^D loss of 3 jobs, 0 %? ?.*100 %"))).to_be_visible()


def test_zooming_in_asks_again(compared: Page) -> None:
    with compared.expect_response(re.compile(r"/v1/curves\?.*from_step=\d+&to_step=\d+")):
        compared.get_by_role("button", name="Zoom in").click()
    expect(compared).to_have_url(re.compile(r"from=\d+&to=\d+"))
    compared.get_by_role("button", name="All", exact=True).click()
    expect(compared).not_to_have_url(re.compile("from="))


def test_samples_beside_each_other(compared: Page) -> None:
    samples = compared.get_by_role("region", name="Samples")
    expect(samples.get_by_role("img")).to_have_count(3)
    samples.get_by_role("slider", name="Step of the sample").press("Home")
    expect(samples.get_by_role("img", name=re.compile("step 0$"))).to_have_count(3)


def test_jobs_are_picked(page: Page, long_job: str, other_job: str) -> None:
    page.goto("/compare")
    page.get_by_role("button", name="Choose jobs").click()
    dialog = page.get_by_role("dialog", name="Choose jobs")
    dialog.get_by_role("searchbox").fill("another one")
    dialog.get_by_role("checkbox", name=re.compile("another one")).check()
    expect(dialog.get_by_text("1 of at most 8 chosen")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("img", name=re.compile("^D loss of 1 jobs?"))).to_be_visible()


def test_a_job_that_is_not_there_is_said_to_be_so(page: Page, other_job: str) -> None:
    gone = "job_" + 24 * "0"
    page.goto(f"/compare?jobs={gone},{other_job}")
    expect(page.get_by_role("alert")).to_contain_text("no job")
    expect(page.get_by_role("img", name=re.compile("^D loss of 1 jobs?"))).to_be_visible()
