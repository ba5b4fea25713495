"""Methods that no operation is documented for: HEAD, OPTIONS and wrong ones."""

import httpx
import pytest
from support.http import served
from support.problems import problem_of
from support.progress import add_worker, checkpoint, draw, running_job

from api.main import create_app
from models.database import Database
from models.settings import Settings
from models.storage import open_storage

NOBODY = "job_000000000000000000000000"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_head_is_get_without_the_body(settings: Settings, database: Database) -> None:
    add_worker(database)
    job, lease = running_job(database)
    draw(database, job, [0])
    checkpoint(database, open_storage(settings.storage_url), job, lease, 10)
    path = f"/v1/jobs/{job.id}"
    rest = ("", "/metrics", "/samples/latest", "/checkpoints/10/files/state.json", "/events?limit=0", "/nothing")
    with served(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        for address in (*(path + each for each in rest), "/livez", "/docs", "/", "/v1/jobs", "/openapi.json"):
            got, head = client.get(address), client.head(address)
            assert head.status_code == got.status_code, address
            assert head.content == b""
            mutable = {"date": "", "set-cookie": ""}
            assert dict(head.headers) | mutable == dict(got.headers) | mutable, address
        etag = client.head(path).headers["etag"]
        assert client.head(path, headers={"If-None-Match": etag}).status_code == 304
        part = client.head(f"{path}/checkpoints/10/files/state.json", headers={"Range": "bytes=0-0"})
        assert (part.status_code, part.headers["content-range"]) == (206, "bytes 0-0/2")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestMethods:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PUT", "/v1/jobs", "GET, HEAD, OPTIONS, POST"),
            ("PATCH", f"/v1/jobs/{NOBODY}", "DELETE, GET, HEAD, OPTIONS"),
            ("PUT", "/v1/webhooks/wh_0", "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("GET", f"/v1/jobs/{NOBODY}/cancel", "OPTIONS, POST"),
            ("HEAD", f"/v1/jobs/{NOBODY}/cancel", "OPTIONS, POST"),
            ("POST", "/livez", "GET, HEAD, OPTIONS"),
            ("POST", "/docs", "GET, HEAD, OPTIONS"),
            ("POST", "/", "GET, HEAD, OPTIONS"),
            ("POST", "/static-offline-docs/favicon.png", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_a_wrong_method_is_told_with_the_right_ones(
        self, client: httpx.Client, method: str, path: str, allowed: str
    ) -> None:
        response, options = client.request(method, path), client.options(path)
        if method == "HEAD":
            assert (response.status_code, response.content) == (405, b"")
        else:
            problem_of(response, 405, "method_not_allowed")
        assert response.headers["allow"] == options.headers["allow"] == allowed
        assert (options.status_code, options.content) == (204, b"")

    def test_there_are_no_options_of_nothing(self, client: httpx.Client) -> None:
        problem_of(client.options("/v1/nothing"), 404, "not_found")

    def test_the_document_knows_nothing_of_them(self, client: httpx.Client) -> None:
        paths = client.get("/openapi.json").json()["paths"]
        assert "/" not in paths
        assert {method for methods in paths.values() for method in methods} == {"get", "post", "patch", "delete"}
