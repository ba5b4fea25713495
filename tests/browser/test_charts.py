"""The curves of a job: what they show of it at any zoom, and how one looks closer."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Charts
from support.watched import SPIKE

STEPS = 20_000
SPIKE_AT = 13_579
MOST_POINTS = 4000


@pytest.fixture
def charts(page: Page, long_job: str) -> Charts:
    page.goto(f"/jobs/{long_job}")
    return Charts(page).wait()


def test_a_spike_is_seen_from_afar(charts: Charts) -> None:
    assert charts.figure("points") <= MOST_POINTS
    assert charts.figure("bucket-steps") > 1
    assert (charts.figure("first-step"), charts.figure("last-step")) == (1, STEPS)
    charts.point_at(SPIKE_AT)
    expect(charts.value("d_loss")).to_contain_text(f"… {SPIKE:g}")


def test_a_spike_is_in_the_table(page: Page, charts: Charts) -> None:
    page.get_by_text("As a table").click()
    table = page.get_by_role("region", name="The curves as a table")
    expect(table.get_by_text(f"… {SPIKE:g}", exact=False)).to_have_count(1)
    ranges = [steps(text) for text in table.get_by_role("rowheader").all_inner_texts()]
    assert ranges[0][0] == 1
    assert ranges[-1][1] == STEPS
    assert all(before[1] + 1 == after[0] for before, after in pairwise(ranges))


def steps(text: str) -> tuple[int, int]:
    found = [int(each.replace(",", "")) for each in re.findall(r"[\d,]+", text)]
    return found[0], found[-1]


def test_a_thousand_steps_are_shown_each(page: Page, charts: Charts) -> None:
    charts.show(SPIKE_AT - 499, SPIKE_AT + 500)
    assert charts.figure("points") == 1000
    assert charts.figure("bucket-steps") == 1
    assert (charts.figure("first-step"), charts.figure("last-step")) == (SPIKE_AT - 499, SPIKE_AT + 500)
    expect(page.get_by_role("status", name="What a point stands for")).to_have_text("every step is shown")
    expect(page).to_have_url(re.compile(rf"from={SPIKE_AT - 499}&to={SPIKE_AT + 500}"))


def test_dragging_over_a_chart_looks_closer(page: Page, charts: Charts) -> None:
    charts.show(SPIKE_AT - 499, SPIKE_AT + 500)
    box = charts.losses.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    charts.point_at(SPIKE_AT - 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(rf"from={SPIKE_AT - 499}&"))
    charts.zoomed()
    assert charts.figure("points") == charts.figure("last-step") - charts.figure("first-step") + 1 < 300
    charts.point_at(SPIKE_AT)
    assert charts.looked_at() == (SPIKE_AT, SPIKE_AT)
    expect(charts.value("d_loss").locator("b")).to_have_text(f"{SPIKE:g}")


def test_zooming_by_keys_and_back(page: Page, charts: Charts) -> None:
    curves = page.get_by_role("group", name="Curves", exact=True)
    curves.focus()
    page.keyboard.press("+")
    charts.zoomed()
    assert charts.figure("last-step") - charts.figure("first-step") < STEPS * 0.6
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile(r"from="))
    expect(charts.group).to_have_attribute("data-last-step", str(STEPS))
    expect(charts.group).to_have_attribute("data-first-step", "1")


def test_no_range_that_is_none_can_be_asked_for(page: Page, charts: Charts) -> None:
    page.get_by_label("from", exact=True).fill("900")
    page.get_by_label("to step", exact=True).fill("100")
    expect(page.get_by_text("from a lower step to a higher one")).to_be_visible()
    expect(page.get_by_role("button", name="Show", exact=True)).to_be_disabled()


def test_a_verdict_is_gone_to(page: Page, charts: Charts) -> None:
    page.get_by_role("button", name=re.compile("^oscillating .* Zoom there$")).click()
    charts.zoomed()
    assert charts.figure("first-step") < 0.4 * STEPS < 0.55 * STEPS < charts.figure("last-step")


def test_how_the_game_stood_then_is_said(page: Page, charts: Charts) -> None:
    charts.point_at(int(0.6 * STEPS))
    expect(page.get_by_test_id("health-then")).to_contain_text("mode collapse")


def test_levels_are_those_that_the_loss_declares(charts: Charts) -> None:
    expect(charts.value("d_loss")).to_contain_text("eq. 1.386")
    expect(charts.value("g_loss")).to_contain_text("eq. 0.6931")


def test_how_curves_are_drawn_is_kept(page: Page, charts: Charts) -> None:
    switch = page.get_by_role("button", name="Log losses")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(page.get_by_role("heading", name="Losses log")).to_be_visible()
    page.get_by_role("slider", name="Smoothing").fill("0.9")
    page.reload()
    charts.wait()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="Smoothing")).to_have_value("0.9")
