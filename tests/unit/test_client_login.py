"""How clients are let in by what stands before the service, and that what they show there is shown to nobody else."""

import asyncio
from base64 import b64decode
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest
from support.clients import JOB, KINDS, Server, play, settled

from api import examples
from ganjobs import ApiUnreachable, AsyncClient, Client, ClientError, Job, NotGanjobs, Rest, stream
from ganjobs.address import shown

SECRETS = ("hunter2", "alice", "t0ken")
both = pytest.mark.parametrize("kind", KINDS, ids=["blocking", "asynchronous"])


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GANJOBS_TOKEN", "GANJOBS_CA_FILE", "GANJOBS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ganjobs.effects.FIRST_WAIT_SECONDS", 0)


def authorization(kind: Any, url: str = "http://api", **login: Any) -> str | None:
    """What a client of this kind shows."""
    server = Server()
    transport = httpx.MockTransport(server)

    async def ask() -> None:
        client = kind(url, transport=transport, **login)
        await settled(client.catalogue() if kind is Rest else client.workers())

    server.on("GET /v1/catalogue", {})
    asyncio.run(ask())
    (asked,) = server.asked
    assert asked.url.userinfo == b""
    said = asked.headers.get("Authorization")
    return b64decode(said[6:]).decode() if said and said.startswith("Basic ") else said


@pytest.mark.parametrize("kind", [*KINDS, Rest])
def test_there_are_several_ways_to_log_in(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert authorization(kind) is None
    assert authorization(kind, token="t0ken") == "Bearer t0ken"
    assert authorization(kind, auth=("alice", "hunter2")) == "alice:hunter2"
    assert authorization(kind, "http://alice:hunter2%40@api") == "alice:hunter2@"
    assert authorization(kind, headers={"Authorization": "Own"}) == "Own"
    monkeypatch.setenv("GANJOBS_TOKEN", "ours")
    assert authorization(kind) == "Bearer ours"
    assert authorization(kind, token="t0ken") == "Bearer t0ken"
    assert authorization(kind, "http://alice:hunter2@api") == "alice:hunter2"
    assert authorization(kind, headers={"Authorization": "Own"}) == "Own"


def test_the_stream_logs_in_too() -> None:
    server = Server().on(f"GET {JOB}/stream", b'event: end\ndata: {"reason": "finished"}\nid: 1\n\n')
    with Rest("http://alice:hunter2@api", httpx.MockTransport(server)) as client:
        made = []

        class Mocked(httpx.Client):
            def __init__(self, **options: Any) -> None:
                made.append(options["auth"])
                super().__init__(**options | {"transport": httpx.MockTransport(server)})

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("ganjobs.transport.httpx.Client", Mocked)
            assert [one.event for one in stream.follow(client.connection, examples.JOB_ID)] == ["end"]
            assert [one.event for one in stream.follow("http://api", examples.JOB_ID, token="t0ken")] == ["end"]
    assert made == [("alice", "hunter2"), None]
    assert [one.headers["Authorization"][:6] for one in server.asked] == ["Basic ", "Bearer"]


@both
def test_nothing_of_it_is_shown(kind: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    async def scenario(client: Any) -> None:
        with pytest.raises(ApiUnreachable) as caught:
            await settled(client.job("latest"))
        said.extend((repr(client), client.url, str(caught.value), repr(caught.value), caught.value.url))
        said.append(repr(client._transport.connection))

    by_token: Any = {"token": "t0ken", "headers": {"X": "t0ken"}}
    for url, login in (("http://alice:hunter2@api/", {}), ("http://api", by_token)):
        asyncio.run(scenario(kind(url, transport=httpx.MockTransport(refuse), **login)))
    assert all("http://api" in each for each in said)
    assert not [each for each in said for secret in SECRETS if secret in each]


def test_no_display_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    server = Server().on(f"GET {JOB}", httpx.ConnectError("refused"), examples.JOB | {"status": "succeeded"})
    client = Client("http://alice:hunter2@api", transport=httpx.MockTransport(server))
    Job._of(client._transport, examples.JOB).wait(poll_seconds=0)
    told = capsys.readouterr().err
    assert "succeeded" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://alice:hunter2@api:80/x?key=t0ken#t0ken", "http://api:80/x"),
        ("http://alice:hunter2/?#@api", "http://api"),
        ("alice:hunter2@api", "api"),
        ("http://alice:t0ken://hunter2@api", "http://api"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_shown_without_them(url: str, public: str) -> None:
    assert not any(secret in shown(url) for secret in SECRETS)
    assert shown(url).endswith(public.removeprefix("http://"))


@pytest.mark.parametrize("url", ["alice:hunter2@api", "ftp://alice:hunter2@api", "http://alice:hunter2@api:port"])
def test_an_address_that_is_none_is_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ClientError, match="is no URL") as caught:
        Client(url)
    assert "hunter2" not in str(caught.value)


def test_several_ways_at_once_are_refused() -> None:
    for login in ({"token": "t0ken", "auth": ("alice", "hunter2")}, {"token": "t0ken\n"}):
        with pytest.raises(ClientError) as caught:
            Client("http://api", **login)  # type: ignore[arg-type]
        assert not any(secret in str(caught.value) for secret in SECRETS)


def test_certificates_are_of_a_file_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for verify in (certifi.where(), Path(certifi.where()), tmp_path, False):
        Client("https://api", verify=verify).close()
    wrong = tmp_path / "none.pem"
    for given in (wrong, tmp_path / "empty.pem"):
        (tmp_path / "empty.pem").write_text("nothing")
        with pytest.raises(ClientError, match=r"no certificates to check"):
            Client("https://api", verify=given)
    monkeypatch.setenv("GANJOBS_CA_FILE", str(wrong))
    with pytest.raises(ClientError, match=r"none\.pem"):
        AsyncClient("https://api")


# --- something else answers ------------------------------------------------------------------------------------------

PAGE = httpx.Response(200, headers={"Content-Type": "text/html"}, content=b"<html>Welcome to the proxy</html>")


@both
@pytest.mark.parametrize("page", [PAGE, httpx.Response(200, json=["a list"]), httpx.Response(200)])
def test_what_is_not_ganjobs_is_called_so(kind: Any, page: httpx.Response) -> None:
    asks: list[Any] = [
        lambda client: client.workers(),
        lambda client: client.catalogue(),
        lambda client: client.ready(),
        lambda client: client.submit(steps=5),
        lambda client: client.job("latest"),
        lambda client: client.job("0123"),
        lambda client: client.job(examples.JOB_ID),
        lambda client: client.jobs().first(),
    ]

    async def scenario(client: Any) -> None:
        for ask in asks:
            with pytest.raises(NotGanjobs, match=r"what answers at http://api/\S* is not Ganjobs") as caught:
                await settled(ask(client))
            assert "\n" not in str(caught.value)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=page.headers, content=page.content)

    play(kind, answer, scenario)


def test_the_plain_client_says_so_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"<html>")

    client = Rest("http://alice:hunter2@api", httpx.MockTransport(answer))
    for ask in (client.catalogue, client.workers, client.ready, lambda: client.get("job_1"), lambda: [*client.jobs()]):
        with pytest.raises(NotGanjobs) as caught:
            ask()
        assert "hunter2" not in str(caught.value)
    with pytest.raises(NotGanjobs):
        client.get_if_changed("job_1", None)
