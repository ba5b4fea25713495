"""No request leaves the host: all that any view asks for, it asks the address that it came from."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect
from support.browsing import Charts, Watched
from support.serving import Serving

# A view that is never opened asks for nothing anywhere.
FEWEST_REQUESTS = 40


def test_every_request_goes_where_the_page_came_from(
    page: Page, watched: Watched, serving: Serving, long_job: str, other_job: str, trained_job: str, tmp_path: Path
) -> None:
    page.goto("/")
    expect(page.get_by_role("table", name="Jobs")).to_be_visible()
    page.goto(f"/jobs/{long_job}")
    charts = Charts(page).wait()
    charts.show(100, 600)
    page.get_by_role("button", name="Play the samples").click()
    page.get_by_text("As a table").click()
    for name in ("Log", "Spec", "Checkpoints", "Evaluations"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel", name=name).get_by_text("Loading")).to_have_count(0)
    for name in ("CSV", "Parquet"):
        with page.expect_download() as started:
            page.get_by_role("link", name=name, exact=True).click()
        assert started.value.path().stat().st_size > 0
    page.goto(f"/compare?jobs={long_job},{other_job}")
    expect(page.get_by_role("img", name=re.compile("^D loss of 2 jobs"))).to_be_visible()
    page.goto(f"/jobs/{trained_job}/fork")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")
    page.goto("/new")
    page.get_by_role("button", name="Examples …").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto("/workers")
    expect(page.get_by_role("list", name="Devices").first).to_be_visible()
    page.goto("/docs")
    expect(page.get_by_text("/v1/jobs", exact=True).first).to_be_visible()
    assert watched.strangers(serving.url) == []
    assert len(watched.requested) >= FEWEST_REQUESTS
    assert {
        view for view in ("/", "/compare", "/new", "/workers", "/docs") if serving.url + view in paths(watched)
    } == {
        "/",
        "/compare",
        "/new",
        "/workers",
        "/docs",
    }


def paths(watched: Watched) -> set[str]:
    return {url.split("?")[0] for url in watched.requested}


def test_the_browser_refuses_what_is_of_another_host(page: Page, watched: Watched, serving: Serving) -> None:
    response = page.goto("/")
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    # The service answers at this name, too; to the browser it is another host.
    other = serving.url.replace("127.0.0.1", "localhost") + "/v1/jobs"
    refused = page.evaluate("(url) => fetch(url).then(() => null, (error) => error.name)", other)
    assert refused == "TypeError"
    images = page.evaluate(
        """(url) => new Promise((done) => {
          const image = new Image();
          image.onload = () => done("loaded");
          image.onerror = () => done("refused");
          image.src = url;
        })""",
        other.replace("/v1/jobs", "/icon.svg"),
    )
    assert images == "refused"
    assert len(watched.errors) >= 2
    assert all("Content Security Policy" in error for error in watched.errors)
    # All of these were meant.
    watched.errors.clear()
    watched.requested[:] = [url for url in watched.requested if not url.startswith(other.removesuffix("/v1/jobs"))]


def test_nothing_of_another_host_is_written_in_the_page(
    context: BrowserContext, watched: Watched, serving: Serving
) -> None:
    page = context.new_page()
    page.goto("/new")
    expect(page.get_by_role("heading", name="New job")).to_be_visible()
    loaded = page.evaluate(
        "[...document.querySelectorAll('script[src], link[href], img[src]')].map((each) => each.src || each.href)"
    )
    assert loaded != []
    assert all(url.startswith(serving.url) for url in loaded)
