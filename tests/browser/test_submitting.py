"""The form for a new job: begun from an example, judged by the service as one types, and sent once."""

import re

from playwright.sync_api import Page, expect

from ganjobs.rest import Rest


def begin_with(page: Page, example: str) -> None:
    page.goto("/new")
    page.get_by_role("button", name="Examples …").click()
    dialog = page.get_by_role("dialog", name="Begin with an example")
    dialog.get_by_label("Find an example").fill(example)
    dialog.get_by_role("button").filter(has=page.locator("strong", has_text=re.compile(f"^{example}$"))).click()
    expect(dialog).to_have_count(0)


def test_an_example_is_changed_and_submitted(page: Page, client: Rest) -> None:
    begin_with(page, "ring")
    page.locator("#root_name").fill("from the form")
    page.locator("#root_steps").fill("40")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")
    page.get_by_role("button", name="Submit the job").click()
    expect(page).to_have_url(re.compile(r"/jobs/job_\w+$"))
    expect(page.get_by_role("heading", name="from the form", level=1)).to_be_visible()
    job = client.get(page.url.rsplit("/", 1)[1])
    assert job["spec"]["dataset"]["kind"] == "ring"
    assert job["spec"]["steps"] == 40
    expect(page.locator(".job-name .badge")).to_have_text("succeeded")


def test_the_service_says_what_is_wrong_where_it_is(page: Page) -> None:
    begin_with(page, "ring")
    page.locator("#root_steps").fill("-3")
    expect(page.locator("#root_steps-errors")).to_contain_text("must be at least 1")
    expect(page.locator("#root_steps")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_test_id("validity")).to_contain_text("One thing is wrong.")
    expect(page.get_by_role("button", name="Submit the job")).to_be_disabled()
    page.locator(".mend button").click()
    expect(page.locator("#root_steps")).to_be_focused()
    page.locator("#root_steps").fill("30")
    expect(page.locator("#root_steps-errors")).to_be_empty()
    expect(page.get_by_test_id("validity")).to_have_text(re.compile("This spec is valid"))


def test_parts_change_with_their_kind(page: Page) -> None:
    begin_with(page, "ring")
    loss = page.get_by_label("Loss", exact=True)
    loss.select_option("wasserstein gp")
    outcome = page.get_by_role("region", name="What the service says")
    expect(outcome).to_contain_text("are logits")
    loss.select_option("non saturating")
    expect(outcome).to_contain_text("D 1.386, G 0.6931")
    expect(outcome).to_contain_text("are probabilities")


def test_the_same_spec_as_text(page: Page) -> None:
    begin_with(page, "ring")
    page.get_by_role("tab", name="YAML").click()
    text = page.get_by_label("Spec as YAML")
    written = text.input_value()
    assert "kind: ring" in written
    text.fill("steps: [1")
    expect(page.locator("#spec-yaml-error")).not_to_be_empty()
    expect(page.get_by_test_id("validity")).to_contain_text("Mend the YAML first.")
    expect(page.get_by_role("button", name="Submit the job")).to_be_disabled()
    text.fill(re.sub(r"(?m)^steps: .*", "steps: 123", written))
    page.get_by_role("tab", name="Form").click()
    expect(page.locator("#root_steps")).to_have_value("123")


def test_what_was_filled_in_is_there_again(page: Page) -> None:
    begin_with(page, "ring")
    page.locator("#root_name").fill("half done")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")
    page.reload()
    expect(page.locator("#root_name")).to_have_value("half done")


def test_another_jobs_spec_is_begun_with(page: Page, trained_job: str) -> None:
    page.goto(f"/new?from={trained_job}")
    expect(page.locator("#root_name")).to_have_value("trained")
    expect(page.locator("#root_steps")).to_have_value("60")
