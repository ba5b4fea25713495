"""The sample timeline: what a generator drew from the same noise, step by step."""

import io
import re

import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import Locator, Page, expect
from support.browsing import Charts, Watched

SAMPLED = 21
EVERY = 1000
LAST = 20_000


@pytest.fixture
def charts(page: Page, long_job: str) -> Charts:
    page.goto(f"/jobs/{long_job}")
    expect(sample(page, LAST)).to_be_visible()
    return Charts(page).wait()


def sample(page: Page, step: int) -> Locator:
    return page.get_by_role("img", name=f"Sample of step {step:,}", exact=True)


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Step of the sample")


def test_the_slider_moves_picture_and_cursor(page: Page, charts: Charts, watched: Watched) -> None:
    slider(page).press("ArrowLeft")
    expect(sample(page, LAST - EVERY)).to_be_visible()
    assert slider(page).get_attribute("aria-valuetext") == f"step {LAST - EVERY:,}"
    first, last = charts.looked_at()
    assert first <= LAST - EVERY <= last
    slider(page).press("Home")
    expect(sample(page, 0)).to_be_visible()
    assert any(url.endswith("/samples/0") for url in watched.requested)


def test_the_cursor_moves_the_picture(page: Page, charts: Charts) -> None:
    charts.point_at(8 * EVERY + 300)
    expect(sample(page, 8 * EVERY)).to_be_visible()
    expect(slider(page)).to_have_value("8")


def test_two_steps_beside_each_other_and_over_each_other(page: Page, charts: Charts) -> None:
    page.get_by_role("button", name="Two steps").click()
    expect(sample(page, 0)).to_be_visible()
    expect(sample(page, LAST)).to_be_visible()
    page.get_by_role("slider", name="Step of A").press("ArrowRight")
    expect(sample(page, EVERY)).to_be_visible()
    how = page.get_by_label("How the two are shown")
    how.select_option("Wipe")
    wipe = page.get_by_role("slider", name="Where A ends and B begins")
    wipe.press("ArrowRight")
    assert wipe.get_attribute("aria-valuetext") == "51 % of A"
    how.select_option("Difference")
    expect(page.get_by_text("black where nothing has changed")).to_be_visible()


def test_playing_goes_through_all_of_them(page: Page, charts: Charts) -> None:
    seen = page.evaluate_handle(
        """() => {
          const seen = new Set();
          const said = document.querySelector(".sample-caption strong");
          new MutationObserver(() => seen.add(said.textContent))
            .observe(said, { childList: true, characterData: true, subtree: true });
          return seen;
        }"""
    )
    page.get_by_role("button", name="First sample").click()
    page.get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Play the samples").click()
    expect(page.get_by_role("button", name="Play the samples")).to_be_visible()
    expect(sample(page, LAST)).to_be_visible()
    assert set(seen.evaluate("(seen) => [...seen]")) == {f"Step {step:,}" for step in range(0, LAST + 1, EVERY)}


def test_one_that_cannot_be_loaded_is_passed_over_and_can_be_asked_for_again(page: Page, charts: Charts) -> None:
    gone = re.compile(rf"/samples/{LAST - 2 * EVERY}$")
    page.route(gone, lambda route: route.fulfill(status=404, body="not there"))
    page.reload()
    for _ in range(3):
        page.get_by_role("button", name="Previous sample").click()
    expect(sample(page, LAST - 3 * EVERY)).to_be_visible()
    page.get_by_role("button", name="Play the samples").click()
    expect(page.get_by_role("button", name="Play the samples")).to_be_visible()
    expect(sample(page, LAST)).to_be_visible()
    for _ in range(2):
        page.get_by_role("button", name="Previous sample").click()
    expect(page.get_by_text("The sample cannot be loaded (404).")).to_be_visible()
    page.unroute(gone)
    page.get_by_role("region", name="Samples").get_by_role("button", name="Try again").click()
    expect(sample(page, LAST - 2 * EVERY)).to_be_visible()


def test_passing_the_verdicts_by_keyboard_leaves_the_samples_where_they_were(page: Page, charts: Charts) -> None:
    verdicts = page.get_by_role("group", name="Verdicts over the steps").get_by_role("button")
    stops = verdicts.evaluate_all("(all) => all.map((each) => each.tabIndex)")
    assert len(stops) > 1
    assert stops == (len(stops) - 1) * [-1] + [0]
    page.keyboard.press("Tab")
    verdicts.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(verdicts.nth(len(stops) - 2)).to_be_focused()
    expect(sample(page, LAST)).to_have_count(0)
    page.keyboard.press("Tab")
    expect(verdicts.nth(len(stops) - 2)).not_to_be_focused()
    expect(sample(page, LAST)).to_be_visible()
    expect(page.get_by_text("The newest", exact=True)).to_be_visible()


def test_an_animation_is_taken_home(page: Page, charts: Charts) -> None:
    page.get_by_role("button", name="Download").click()
    dialog = page.get_by_role("dialog", name="Download samples")
    with page.expect_download() as started:
        dialog.get_by_role("link", name=re.compile(f"GIF of {SAMPLED} samples")).click()
    taken = started.value.path().read_bytes()
    with Image.open(io.BytesIO(taken)) as image:
        assert (image.format, sum(1 for _ in ImageSequence.Iterator(image))) == ("GIF", SAMPLED)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_sample_is_enlarged(page: Page, charts: Charts) -> None:
    page.get_by_role("button", name="Enlarge the sample").click()
    dialog = page.get_by_role("dialog", name=f"Sample of step {LAST:,}")
    expect(dialog.get_by_role("img")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
