"""The service goes away and comes back: the page says so in words, and misses nothing of what happened meanwhile."""

import os
import re
import signal
from collections.abc import Callable

from playwright.sync_api import Page, expect
from support.browsing import Charts, Watched
from support.serving import RING, Serving, wait_for_end, wait_until

from ganjobs.rest import Rest

# As many as the page draws one by one, so that a step that is missing is seen; each takes its time.
STEPS = 1400
WIDE = {"kind": "mlp", "hidden_sizes": [128, 128]}
SLOW = {"generator": WIDE | {"latent_dim": 2}, "discriminator": WIDE, "batch_size": 128}
PATIENCE = 120


def test_nothing_is_missing_after_a_loss(
    page: Page, watched: Watched, serving: Serving, client: Rest, start: Callable[..., str]
) -> None:
    job_id = start(steps=STEPS, **SLOW)
    page.goto(f"/jobs/{job_id}")
    charts, connection = Charts(page), page.get_by_test_id("connection")
    wait_until(lambda: charts.figure("last-step") > 0, PATIENCE, "the first steps")
    expect(connection).to_have_text("live")
    asked = curves_asked_for(watched)
    (api,) = serving.find("uvicorn")
    os.kill(api, signal.SIGKILL)
    expect(connection).to_have_text("connection lost; trying again")
    expect(page.get_by_role("status", name="Connection")).to_contain_text("connection lost")
    held = charts.figure("last-step")
    assert held > 0, "what is known stays"
    expect(page.get_by_text("connection lost")).to_have_count(0, timeout=1000 * PATIENCE)
    wait_until(lambda: charts.figure("last-step") == STEPS, PATIENCE, "the last step")
    assert (charts.figure("first-step"), charts.figure("bucket-steps")) == (1, 1)
    assert charts.figure("points") == STEPS
    assert curves_asked_for(watched) == asked, "what was missed came by the stream"
    assert wait_for_end(client, job_id)["status"] == "succeeded"
    expect(page.locator(".job-name .badge")).to_have_text("succeeded")
    expect(page.get_by_role("img", name=f"Sample of step {STEPS:,}", exact=True)).to_be_visible()


def curves_asked_for(watched: Watched) -> int:
    return len([url for url in watched.requested if "/metrics" in url])


def test_the_list_says_how_old_it_is(page: Page, long_job: str) -> None:
    page.goto("/?q=with+a+spike")
    row = page.get_by_role("link", name="with a spike", exact=True)
    expect(row).to_be_visible()
    page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
    lost = page.get_by_text(re.compile("^Connection lost: this is what was known at"))
    expect(lost).to_be_visible()
    expect(row).to_be_visible()
    page.unroute("**/v1/**")
    expect(lost).to_be_hidden()


TABS = 8
# What a browser says of a tab that another one is before; headless, all of them are seen.
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_more_tabs_than_a_browser_has_connections(page: Page, endless_job: str) -> None:
    first, tabs = Charts(page), [page]
    while len(tabs) < TABS:
        tabs[-1].goto(f"/jobs/{endless_job}")
        Charts(tabs[-1]).wait()
        expect(tabs[-1].get_by_test_id("connection")).to_have_text("live")
        tabs[-1].evaluate(HIDE, True)
        tabs.append(page.context.new_page())
    tabs[-1].goto(f"/jobs/{endless_job}")
    expect(tabs[-1].get_by_test_id("connection")).to_have_text("live")
    expect(page.get_by_test_id("connection")).to_have_text("paused while hidden")
    left_at = first.figure("last-step")
    page.evaluate(HIDE, False)
    expect(page.get_by_test_id("connection")).to_have_text("live")
    wait_until(lambda: first.figure("last-step") > left_at, PATIENCE, "what came while it was hidden")


def test_a_zoom_that_failed_is_asked_for_again(page: Page, long_job: str) -> None:
    page.goto(f"/jobs/{long_job}")
    charts = Charts(page).wait()
    before = charts.losses.bounding_box()
    page.route("**/metrics?**", lambda route: route.abort("connectionrefused"))
    page.get_by_label("from", exact=True).fill("9001")
    page.get_by_label("to step", exact=True).fill("10000")
    page.get_by_role("button", name="Show", exact=True).click()
    failed = page.get_by_role("alert").filter(has_text="The service cannot be reached. It is asked again")
    expect(failed).to_be_visible()
    assert charts.losses.bounding_box() == before, "an error moves nothing"
    page.unroute("**/metrics?**")
    expect(failed).to_have_count(0)
    assert (charts.zoomed().figure("bucket-steps"), charts.figure("points")) == (1, 1000)


def test_a_job_deleted_elsewhere_says_so(page: Page, client: Rest) -> None:
    job_id = client.create(RING | {"steps": 500_000, "sample_every": 500, "checkpoint_every": 500})["id"]
    page.goto(f"/jobs/{job_id}")
    expect(page.get_by_test_id("connection")).to_have_text("live")
    client.cancel(job_id)
    wait_for_end(client, job_id)
    client.delete(job_id)
    expect(page.get_by_text("This job was deleted")).to_be_visible()
    expect(page.get_by_role("button", name="Delete …")).to_have_count(0)
