"""What goes wrong is said in words, where it is, with what can be done about it."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

GONE = "job_" + 24 * "0"


@pytest.mark.parametrize("address", [f"/jobs/{GONE}", f"/jobs/{GONE}/fork", f"/new?from={GONE}"])
def test_a_job_that_is_not_there(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text(re.compile(f"no job.*{GONE}", re.IGNORECASE))


def test_a_service_that_is_away_is_tried_again(page: Page, long_job: str) -> None:
    away = "**/v1/jobs/*/metrics*"
    page.route(away, lambda route: route.abort("connectionrefused"))
    page.goto(f"/jobs/{long_job}")
    problem = page.get_by_role("region", name="Curves").get_by_role("alert")
    expect(problem).to_contain_text("The service cannot be reached.")
    page.unroute(away)
    problem.get_by_role("button", name="Try again").click()
    expect(page.get_by_test_id("charts")).to_have_attribute("data-ready", "true")
    expect(problem).to_have_count(0)


def test_what_the_service_refuses_is_said_beside_the_button(page: Page, trained_job: str) -> None:
    def refuse(route: Route) -> None:
        refused(route, 409, "the job has been deleted meanwhile")

    page.route(
        re.compile("/fork$"), lambda route: refuse(route) if route.request.method == "POST" else route.continue_()
    )
    page.goto(f"/jobs/{trained_job}")
    page.get_by_role("link", name="Fork", exact=True).click()
    page.get_by_role("button", name="Fork the job").click()
    expect(page.get_by_role("alert")).to_contain_text("the job has been deleted meanwhile")
    expect(page.get_by_role("button", name="Fork the job")).to_be_enabled()


def refused(route: Route, status: int, detail: str) -> None:
    problem: dict[str, Any] = {"type": "about:blank", "title": "Conflict", "status": status, "detail": detail}
    route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(problem))


def test_what_is_no_answer_of_the_service(page: Page) -> None:
    page.route("**/v1/workers*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    page.goto("/workers")
    expect(page.get_by_role("alert")).to_contain_text("The service answered 502")


def test_an_unknown_address_under_a_view(page: Page) -> None:
    response = page.goto("/jobs/some/where/else")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_text("There is nothing at this address.")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="All jobs").click()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
