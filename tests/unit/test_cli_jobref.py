"""What may be typed for a job."""

import httpx
import pytest

from ganjobs.errors import ClientError
from ganjobs.jobref import resolve
from ganjobs.rest import Rest

IDS = ["job_" + "a" * 23 + "3", "job_" + "a" * 23 + "2", "job_b" + "0" * 23]


def client_with(ids: list[str]) -> Rest:
    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.path.rsplit("/", 1)[-1]
        if last in ids:
            return httpx.Response(200, json={"id": last})
        if last != "summaries" and "jobs" not in last:
            return httpx.Response(404, json={"title": "No such job"})
        limit = int(request.url.params["limit"])
        return httpx.Response(200, json={"data": [{"id": one} for one in ids[:limit]], "has_more": False})

    return Rest("http://api", transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("reference", "meant"),
    [(IDS[1], IDS[1]), ("latest", IDS[0]), ("job_b", IDS[2]), ("b", IDS[2]), ("a" * 23 + "2", IDS[1])],
)
def test_ids_prefixes_and_latest(reference: str, meant: str) -> None:
    assert resolve(client_with(IDS), reference) == meant


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("a", "'a' means 2 jobs"),
        ("c", "there is no job 'c'"),
        ("job_" + "f" * 24, "there is no job"),
        ("../x", "is no job id"),
        ("", "is no job id"),
    ],
)
def test_what_means_no_single_job_is_refused_in_one_line(reference: str, said: str) -> None:
    with pytest.raises(ClientError, match=said) as caught:
        resolve(client_with(IDS), reference)
    assert "\n" not in str(caught.value)


def test_latest_of_nothing() -> None:
    with pytest.raises(ClientError, match="no jobs yet") as caught:
        resolve(client_with([]), "latest")
    assert "ganjobs submit" in caught.value.hint
