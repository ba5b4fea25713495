"""The page's files: served at the addresses of its views, with what a browser is to make of them."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import errors, page
from api.main import create_app
from models.settings import Settings


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Ganjobs</title>")
    (folder / "assets" / "index-1a2b.js").write_text("export {};")
    return folder


@pytest.fixture
def client(built: Path) -> TestClient:
    app = FastAPI()
    errors.install(app, ())
    page.install(app, built)
    return TestClient(app)


@pytest.mark.parametrize("address", ["/", "/jobs/job_1", "/jobs/job_1/fork", "/compare?jobs=a,b", "/new", "/workers"])
def test_each_view_has_an_address(client: TestClient, address: str) -> None:
    found = client.get(address)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Ganjobs" in found.text
    assert found.headers["cache-control"] == "no-cache"
    policy = dict(part.split(" ", 1) for part in found.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "unsafe-eval" not in found.headers["content-security-policy"]
    assert "http" not in found.headers["content-security-policy"]


def test_parts_last_because_their_names_change(client: TestClient) -> None:
    assert "immutable" in client.get("/assets/index-1a2b.js").headers["cache-control"]
    missing = client.get("/assets/gone.js", headers={"Accept": "text/html"})
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert "immutable" not in missing.headers.get("cache-control", "")


@pytest.mark.parametrize("address", ["/nothing", "/index.html/x", "/..%2f..%2fpyproject.toml"])
def test_at_other_addresses_a_person_is_told_so_by_the_page(client: TestClient, address: str) -> None:
    person = client.get(address, headers={"Accept": "text/html,*/*"})
    assert (person.status_code, "<title>Ganjobs" in person.text) == (404, True)
    assert "content-security-policy" in person.headers
    program = client.get(address)
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")


def test_what_is_no_operation_is_a_problem_for_everybody(client: TestClient) -> None:
    found = client.get("/v1/nothing", headers={"Accept": "text/html"})
    assert (found.status_code, found.headers["content-type"]) == (404, "application/problem+json")


def test_before_it_is_built_the_documentation_is_shown(tmp_path: Path) -> None:
    app = FastAPI()
    page.install(app, tmp_path / "dist")
    answer = TestClient(app).get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


def test_the_service_has_it_built(tmp_path: Path) -> None:
    """`make test` builds it first: what is served here is what users get."""
    client = TestClient(create_app(Settings(data_folder=tmp_path)))
    shown = client.get("/").text
    assert '<div id="root">' in shown
    for part in ("/theme.js", "/icon.svg"):
        assert part in shown
        assert client.get(part).status_code == 200
