"""Usable by everybody: what axe-core knows of it, and by keyboard alone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from support.browsing import DESKTOP, PHONE, SHIFTS, Charts, Watched, faults, shifted, too_wide
from support.serving import Serving


@dataclass(frozen=True)
class Look:
    scheme: Literal["light", "dark"]
    viewport: ViewportSize


LOOKS = {"light": Look("light", DESKTOP), "dark": Look("dark", DESKTOP), "phone": Look("light", PHONE)}
# More than there are places to stop at on any view.
MOST_TABS = 90


@dataclass(frozen=True)
class Jobs:
    long: str
    other: str
    trained: str
    endless: str


@pytest.fixture(scope="module")
def jobs(long_job: str, other_job: str, trained_job: str, endless_job: str) -> Jobs:
    return Jobs(long_job, other_job, trained_job, endless_job)


def open_list(page: Page, jobs: Jobs) -> None:
    page.goto("/")
    expect(page.get_by_role("img", name=re.compile("^Newest sample of with a spike"))).to_be_visible()


def open_chosen(page: Page, jobs: Jobs) -> None:
    open_list(page, jobs)
    page.get_by_role("checkbox", name="Compare with a spike").check()
    page.get_by_role("checkbox", name="Compare another one").check()
    expect(page.get_by_role("link", name="Compare 2 jobs")).to_be_visible()


def open_job(page: Page, jobs: Jobs) -> None:
    page.goto(f"/jobs/{jobs.long}")
    Charts(page).wait()
    expect(page.get_by_role("img", name="Sample of step 20,000")).to_be_visible()


def open_all_of_a_job(page: Page, jobs: Jobs) -> None:
    open_job(page, jobs)
    page.get_by_role("button", name="Two steps").click()
    page.get_by_role("button", name="Logits").click()
    for summary in page.locator("main summary").all():
        summary.click()
    expect(page.get_by_role("region", name="The curves as a table")).to_be_visible()
    page.get_by_role("button", name="Logits").click()


def open_running(page: Page, jobs: Jobs) -> None:
    page.goto(f"/jobs/{jobs.endless}")
    Charts(page).wait()
    expect(page.get_by_test_id("connection")).to_have_text("live")


def open_trained(tab: str) -> Callable[[Page, Jobs], None]:
    def open_tab(page: Page, jobs: Jobs) -> None:
        page.goto(f"/jobs/{jobs.trained}#{tab.lower()}")
        Charts(page).wait()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tabpanel", name=tab).get_by_text("Loading")).to_have_count(0)

    return open_tab


def open_compare(page: Page, jobs: Jobs) -> None:
    page.goto(f"/compare?jobs={jobs.long},{jobs.other},{jobs.trained}")
    expect(page.get_by_role("img", name=re.compile("^D loss of 3 jobs"))).to_be_visible()
    expect(page.get_by_role("region", name="Samples").get_by_role("img")).to_have_count(3)


def open_new(page: Page, jobs: Jobs) -> None:
    page.goto("/new")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")


def open_wrong(page: Page, jobs: Jobs) -> None:
    open_new(page, jobs)
    page.locator("#root_steps").fill("-3")
    expect(page.locator("#root_steps-errors")).not_to_be_empty()


def open_fork(page: Page, jobs: Jobs) -> None:
    page.goto(f"/jobs/{jobs.trained}/fork")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")


def open_workers(page: Page, jobs: Jobs) -> None:
    page.goto("/workers")
    expect(page.get_by_role("link", name="endless")).to_be_visible()


def with_dialog(opened: Callable[[Page, Jobs], None], button: str) -> Callable[[Page, Jobs], None]:
    def open_dialog(page: Page, jobs: Jobs) -> None:
        opened(page, jobs)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()

    return open_dialog


VIEWS: dict[str, Callable[[Page, Jobs], None]] = {
    "list": open_list,
    "chosen": open_chosen,
    "job": open_job,
    "all of a job": open_all_of_a_job,
    "running": open_running,
    "spec": open_trained("Spec"),
    "log": open_trained("Log"),
    "checkpoints": open_trained("Checkpoints"),
    "compare": open_compare,
    "new": open_new,
    "wrong": open_wrong,
    "fork": open_fork,
    "workers": open_workers,
    "download": with_dialog(open_job, "Download"),
    "enlarged": with_dialog(open_job, "Enlarge the sample"),
    "deleting": with_dialog(open_job, "Delete …"),
    "picking": with_dialog(open_compare, "Choose jobs"),
    "examples": with_dialog(open_new, "Examples …"),
}
# What has been changed by hand may move.
STILL = ("list", "job", "running", "spec", "compare", "new", "fork", "workers")


@pytest.fixture
def looked_at(browser: Browser, serving: Serving, look: str) -> Iterator[BrowserContext]:
    chosen = LOOKS[look]
    context = browser.new_context(
        base_url=serving.url,
        viewport=chosen.viewport,
        color_scheme=chosen.scheme,
        has_touch=chosen.viewport == PHONE,
        locale="en-GB",
    )
    context.add_init_script(SHIFTS)
    watched = Watched(context)
    yield context
    context.close()
    assert watched.errors == []
    assert watched.strangers(serving.url) == []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_sound(looked_at: BrowserContext, jobs: Jobs, look: str, view: str) -> None:
    page = looked_at.new_page()
    VIEWS[view](page, jobs)
    assert faults(page) == []
    assert too_wide(page) == []
    if view in STILL:
        assert shifted(page) < 0.1


def test_by_keyboard_alone(page: Page, long_job: str) -> None:
    page.goto("/?q=with+a+spike")
    expect(page.get_by_role("link", name="with a spike")).to_be_visible()
    press_tab_until(page, "with a spike")
    page.keyboard.press("Enter")
    Charts(page).wait()
    expect(page.get_by_role("heading", name="with a spike", level=1)).to_be_visible()
    press_tab_until(page, "Step of the sample")
    # The verdicts that were passed have moved the cursor.
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("img", name="Sample of step 19,000", exact=True)).to_be_visible()
    press_tab_until(page, "Events")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="Log")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Evaluations")).to_have_attribute("aria-selected", "true")


def press_tab_until(page: Page, name: str) -> None:
    """Press the tab key until what has the name has the focus, which must be seen to have it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        found, seen = page.evaluate(
            """() => {
              const { activeElement: at } = document;
              // A link that fills its row has the ring around the row.
              const rings = [null, "::after"].map((part) => getComputedStyle(at, part));
              const seen = rings.some((ring) => ring.outlineStyle !== "none" && ring.outlineWidth !== "0px");
              return [at.getAttribute("aria-label") ?? at.textContent.trim(), seen];
            }"""
        )
        assert seen, f"{found!r} has the focus, and nothing shows it"
        if found == name:
            return
    raise AssertionError(f"{name!r} is not come to by the tab key")


def test_the_content_is_skipped_to(page: Page, trained_job: str) -> None:
    page.goto("/")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_attached()  # before it is drawn there is nothing to go to
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page, long_job: str) -> None:
    page.goto(f"/jobs/{long_job}")
    button = page.get_by_role("button", name="Download", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Download samples")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_colours_are_the_systems_or_those_chosen(
    page: Page, system: Literal["light", "dark"], trained_job: str
) -> None:
    page.emulate_media(color_scheme=system)
    page.goto("/")
    expect(page.get_by_role("table", name="Jobs")).to_be_visible()
    backgrounds = {"system": background(page)}
    for chosen in ("light", "dark"):
        page.get_by_role("button", name=re.compile("^Colours:")).click()
        expect(page.get_by_role("button", name=f"Colours: {chosen}. Change")).to_be_visible()
        backgrounds[chosen] = background(page)
    assert backgrounds["light"] != backgrounds["dark"]
    assert backgrounds["system"] == backgrounds[system]
    page.reload()
    expect(page.get_by_role("button", name="Colours: dark. Change")).to_be_visible()
    assert background(page) == backgrounds["dark"]


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
